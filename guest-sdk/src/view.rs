//! Identities and cases as an author reads them: views that borrow the batch's
//! columns and cost what indexing a slice costs. Nothing here panics on what a
//! host sends; a missing optional column is remembered and reported.

use std::cell::RefCell;

use crate::fault::Fault;
use crate::time::Time;
use crate::wire;
use crate::words::{Attributes, IdentityKind, Side, Status, Subject};

/// An opened batch.
pub(crate) struct Batch<'a> {
    pub(crate) wire: &'a wire::Batch,
    /// What is wrong with the first optional column that could not be read.
    misread: RefCell<Option<String>>,
}

macro_rules! lengths {
    ($batch:ident, $rows:expr, [$($column:ident),*]) => {
        [$((stringify!($column), $batch.$column.len(), $rows)),*]
    };
}

impl<'a> Batch<'a> {
    /// Opens a batch whose core columns fit together.
    pub(crate) fn open(batch: &'a wire::Batch) -> Result<Self, Fault> {
        let identities = lengths!(
            batch,
            batch.identity.len(),
            [identity_ends, identity_kind, identity_status, identity_moved_at, identity_ends_at]
        );
        let cases = lengths!(
            batch,
            batch.subject.len(),
            [
                target,
                holder,
                object,
                desired,
                observed,
                recorded,
                unknown_why,
                differs,
                traits,
                desired_expires_at,
                observed_expires_at
            ]
        );
        for (name, length, rows) in identities.into_iter().chain(cases) {
            if length != rows {
                let name = name.replace('_', "-");
                return Err(Fault::new("data", format!("the column `{name}` has {length} rows, not {rows}")));
            }
        }
        let last = batch.identity_ends.last().map_or(0, |end| *end as usize);
        if !batch.identity_ends.is_sorted() || last != batch.subject.len() {
            return Err(Fault::new("data", "the column `identity-ends` does not divide the cases"));
        }
        Ok(Batch { wire: batch, misread: RefCell::new(None) })
    }

    /// The identities of the batch, in its order.
    pub(crate) fn identities(&'a self) -> impl Iterator<Item = Identity<'a>> {
        let mut first = 0;
        self.wire.identity_ends.iter().zip(0..).map(move |(end, index)| {
            let identity = Identity { batch: self, index, first, end: *end };
            first = *end;
            identity
        })
    }

    /// Reports a read of an optional column that was not asked for.
    pub(crate) fn finish(&self) -> Result<(), Fault> {
        match self.misread.take() {
            None => Ok(()),
            Some(message) => Err(Fault::new("columns", message)),
        }
    }

    #[cold]
    pub(crate) fn miss(&self, name: &str) {
        self.misread.borrow_mut().get_or_insert_with(|| {
            format!("the rule reads the column `{name}` without asking for it; name it in the rule's `columns(...)`")
        });
    }

    #[cold]
    pub(crate) fn mistake(&self, name: &str, kind: &str) {
        self.misread
            .borrow_mut()
            .get_or_insert_with(|| format!("the rule reads {kind} from the column `{name}`, which holds something else"));
    }

    #[inline]
    fn text(&self, column: &[u32], row: u32) -> &'a str {
        self.text_of(at(column, row))
    }

    #[inline]
    pub(crate) fn text_of(&self, id: u32) -> &'a str {
        let Some(before) = id.checked_sub(1) else { return "" };
        let (start, end) = (at(&self.wire.text_ends, before), at(&self.wire.text_ends, id));
        self.wire.heap.get(start as usize..end as usize).unwrap_or("")
    }

    #[inline]
    fn optional_text(&self, column: &[u32], row: u32, name: &'static str) -> Option<&'a str> {
        match column.get(row as usize) {
            Some(0) => None,
            Some(id) => Some(self.text_of(*id)),
            None => {
                self.miss(name);
                None
            }
        }
    }

    #[inline]
    fn optional_time(&self, column: &[i64], row: u32, name: &'static str) -> Option<Time> {
        match column.get(row as usize) {
            Some(seconds) => Time::recorded(*seconds),
            None => {
                self.miss(name);
                None
            }
        }
    }
}

/// A row that does not exist reads as the contract's default.
#[inline]
fn at<T: Copy + Default>(column: &[T], row: u32) -> T {
    column.get(row as usize).copied().unwrap_or_default()
}

/// One identity and all of its cases.
#[derive(Clone, Copy)]
pub struct Identity<'a> {
    pub(crate) batch: &'a Batch<'a>,
    index: u32,
    pub(crate) first: u32,
    pub(crate) end: u32,
}

impl<'a> Identity<'a> {
    /// Its name.
    #[inline]
    pub fn name(self) -> &'a str {
        self.batch.text(&self.batch.wire.identity, self.index)
    }

    /// What it is.
    #[inline]
    pub fn kind(self) -> IdentityKind {
        IdentityKind::from_code(at(&self.batch.wire.identity_kind, self.index))
    }

    /// Where it stands in its engagement.
    #[inline]
    pub fn status(self) -> Status {
        Status::from_code(at(&self.batch.wire.identity_status, self.index))
    }

    /// When it last changed its position.
    #[inline]
    pub fn moved_at(self) -> Option<Time> {
        Time::recorded(at(&self.batch.wire.identity_moved_at, self.index))
    }

    /// When its engagement ends or ended.
    #[inline]
    pub fn ends_at(self) -> Option<Time> {
        Time::recorded(at(&self.batch.wire.identity_ends_at, self.index))
    }

    /// Who answers for it. Column `identity_owner`.
    #[inline]
    pub fn owner(self) -> Option<&'a str> {
        self.batch.optional_text(&self.batch.wire.identity_owner, self.index, "identity-owner")
    }

    /// Its organisational unit. Column `identity_unit`.
    #[inline]
    pub fn unit(self) -> Option<&'a str> {
        self.batch.optional_text(&self.batch.wire.identity_unit, self.index, "identity-unit")
    }

    /// Its cases.
    #[inline]
    pub fn cases(self) -> impl DoubleEndedIterator<Item = Case<'a>> + ExactSizeIterator + Clone {
        (self.first..self.end).map(move |index| Case { identity: self, index })
    }
}

/// One subject with what is desired, observed and recorded about it.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    identity: Identity<'a>,
    index: u32,
}

/// The bits of `traits`.
mod bit {
    pub(super) const INHERITED: u32 = 1;
    pub(super) const IMMUTABLE: u32 = 1 << 1;
    pub(super) const CHANGED_ELSEWHERE: u32 = 1 << 2;
    pub(super) const CLAIMED: u32 = 1 << 3;
    pub(super) const PRIVILEGED: u32 = 1 << 4;
    pub(super) const BREAK_GLASS: u32 = 1 << 5;
    pub(super) const ADDITIVE: u32 = 1 << 6;
    pub(super) const WITHHELD: u32 = 1 << 7;
}

impl<'a> Case<'a> {
    #[inline]
    pub(crate) fn batch(self) -> &'a Batch<'a> {
        self.identity.batch
    }

    #[inline]
    fn wire(self) -> &'a wire::Batch {
        self.identity.batch.wire
    }

    /// Its row in the batch.
    #[inline]
    pub fn index(self) -> u32 {
        self.index
    }

    /// The identity that it belongs to.
    #[inline]
    pub fn identity(self) -> Identity<'a> {
        self.identity
    }

    /// What it is about.
    #[inline]
    pub fn subject(self) -> Subject {
        Subject::from_code(at(&self.wire().subject, self.index))
    }

    /// Whether it is about an account.
    #[inline]
    pub fn is_account(self) -> bool {
        self.subject() == Subject::Account
    }

    /// The system that holds it.
    #[inline]
    pub fn target(self) -> &'a str {
        self.batch().text(&self.wire().target, self.index)
    }

    /// The holder's native id in the target.
    #[inline]
    pub fn holder(self) -> &'a str {
        self.batch().text(&self.wire().holder, self.index)
    }

    /// The entitlement or credential, as "type:name"; empty for an account.
    #[inline]
    pub fn object(self) -> &'a str {
        self.batch().text(&self.wire().object, self.index)
    }

    /// What the sources say.
    #[inline]
    pub fn desired(self) -> Side {
        Side::from_code(at(&self.wire().desired, self.index), at(&self.wire().unknown_why, self.index) & 0xf)
    }

    /// What the target holds.
    #[inline]
    pub fn observed(self) -> Side {
        Side::from_code(at(&self.wire().observed, self.index), at(&self.wire().unknown_why, self.index) >> 4)
    }

    /// What was last confirmed.
    #[inline]
    pub fn recorded(self) -> Side {
        Side::from_code(at(&self.wire().recorded, self.index), 0)
    }

    /// Attributes that differ between desired and observed.
    #[inline]
    pub fn differs(self) -> Attributes {
        Attributes::from_bits(at(&self.wire().differs, self.index))
    }

    #[inline]
    fn has(self, bit: u32) -> bool {
        at(&self.wire().traits, self.index) & bit != 0
    }

    /// Held through something else, and removable only there; see [`Case::via`].
    #[inline]
    pub fn is_inherited(self) -> bool {
        self.has(bit::INHERITED)
    }

    /// The target does not let anybody change it.
    #[inline]
    pub fn is_immutable(self) -> bool {
        self.has(bit::IMMUTABLE)
    }

    /// Somebody else changed it since it was recorded.
    #[inline]
    pub fn was_changed_elsewhere(self) -> bool {
        self.has(bit::CHANGED_ELSEWHERE)
    }

    /// This tenant's plans wrote it.
    #[inline]
    pub fn is_claimed(self) -> bool {
        self.has(bit::CLAIMED)
    }

    /// It is privileged.
    #[inline]
    pub fn is_privileged(self) -> bool {
        self.has(bit::PRIVILEGED)
    }

    /// It is kept for the day when nothing else works.
    #[inline]
    pub fn is_break_glass(self) -> bool {
        self.has(bit::BREAK_GLASS)
    }

    /// It was taken away while the sources wanted it, and they have wanted it
    /// ever since: giving it anew would only undo that.
    #[inline]
    pub fn is_withheld(self) -> bool {
        self.has(bit::WITHHELD)
    }

    /// Its scope is additive: what the sources do not list may stay.
    #[inline]
    pub fn is_additive(self) -> bool {
        self.has(bit::ADDITIVE)
    }

    /// When desired access ends.
    #[inline]
    pub fn desired_expires_at(self) -> Option<Time> {
        Time::recorded(at(&self.wire().desired_expires_at, self.index))
    }

    /// When observed access ends by itself.
    #[inline]
    pub fn observed_expires_at(self) -> Option<Time> {
        Time::recorded(at(&self.wire().observed_expires_at, self.index))
    }

    /// The host's risk tier, 0 lowest to 3 highest. Column `tier`.
    #[inline]
    pub fn tier(self) -> u8 {
        match self.wire().tier.get(self.index as usize) {
            Some(tier) => *tier,
            None => {
                self.batch().miss("tier");
                0
            }
        }
    }
}

macro_rules! optional {
    ($($(#[$doc:meta])* $name:ident: $reader:ident -> $kind:ty, $column:literal;)*) => {
        /// Columns that a rule asks for with `columns(...)`.
        impl<'a> Case<'a> {
            $(
                $(#[$doc])*
                #[doc = concat!(" Column `", $column, "`.")]
                #[inline]
                pub fn $name(self) -> Option<$kind> {
                    self.batch().$reader(&self.wire().$name, self.index, $column)
                }
            )*
        }
    };
}

optional! {
    /// When desired access may begin.
    not_before: optional_time -> Time, "not-before";
    /// When the target last saw it used.
    last_used: optional_time -> Time, "last-used";
    /// The first plan that saw it observed and not desired.
    undesired_since: optional_time -> Time, "undesired-since";
    /// The first plan that saw it disabled.
    disabled_since: optional_time -> Time, "disabled-since";
    /// The desired level.
    desired_level: optional_text -> &'a str, "level";
    /// The observed level.
    observed_level: optional_text -> &'a str, "level";
    /// The desired, else observed, owner.
    owner: optional_text -> &'a str, "owner";
    /// The desired purpose.
    purpose: optional_text -> &'a str, "purpose";
    /// The purpose that the target records.
    observed_purpose: optional_text -> &'a str, "observed-purpose";
    /// The live source record that justifies it.
    record: optional_text -> &'a str, "record";
    /// Who approved that record.
    approver: optional_text -> &'a str, "approver";
    /// Where inherited access comes from.
    via: optional_text -> &'a str, "via";
    /// The object that a desired row says it takes the place of.
    replaces: optional_text -> &'a str, "replaces";
    /// Exclusion group of the entitlement.
    exclusion: optional_text -> &'a str, "exclusion";
}
