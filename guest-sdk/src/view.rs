//! Identities and cases as an author reads them: views that borrow the batch's
//! columns. Reading a row costs no more than reading it from a slice whose
//! length is known. Nothing here panics on what a host sends; a missing
//! optional column is remembered and reported.

use crate::batch::Batch;
use crate::column::{Column, OfCases, OfIdentities};
use crate::time::Time;
use crate::words::{Attributes, IdentityKind, Side, Status, Subject};

/// One identity and all of its cases.
#[derive(Clone, Copy)]
pub struct Identity<'a> {
    batch: &'a Batch<'a>,
    index: u32,
    pub(crate) first: u32,
    pub(crate) end: u32,
}

impl<'a> Identity<'a> {
    /// An identity of this batch: `first..end` are cases of it.
    #[inline]
    pub(crate) fn new(batch: &'a Batch<'a>, index: u32, first: u32, end: u32) -> Self {
        Identity { batch, index, first, end }
    }

    #[inline]
    fn read<T: Copy>(self, column: Column<'a, OfIdentities, T>) -> T {
        // SAFETY: an identity is made for each row of these columns, which have
        // as many as there are identities; and it reads those of its own batch.
        unsafe { column.at(self.index) }
    }

    #[inline]
    fn optional<T: Copy>(self, column: Option<Column<'a, OfIdentities, T>>, name: &'static str) -> Option<T> {
        match column {
            Some(column) => Some(self.read(column)),
            None => {
                self.batch.miss(name);
                None
            }
        }
    }

    /// Its name.
    #[inline]
    pub fn name(self) -> &'a str {
        self.batch.text(self.read(self.batch.identity))
    }

    /// What it is.
    #[inline]
    pub fn kind(self) -> IdentityKind {
        IdentityKind::from_code(self.read(self.batch.identity_kind))
    }

    /// Where it stands in its engagement.
    #[inline]
    pub fn status(self) -> Status {
        Status::from_code(self.read(self.batch.identity_status))
    }

    /// When it last changed its position.
    #[inline]
    pub fn moved_at(self) -> Option<Time> {
        Time::recorded(self.read(self.batch.identity_moved_at))
    }

    /// When its engagement ends or ended.
    #[inline]
    pub fn ends_at(self) -> Option<Time> {
        Time::recorded(self.read(self.batch.identity_ends_at))
    }

    /// Who answers for it. Column `identity_owner`.
    #[inline]
    pub fn owner(self) -> Option<&'a str> {
        self.batch.some_text(self.optional(self.batch.identity_owner, "identity-owner")?)
    }

    /// Its organisational unit. Column `identity_unit`.
    #[inline]
    pub fn unit(self) -> Option<&'a str> {
        self.batch.some_text(self.optional(self.batch.identity_unit, "identity-unit")?)
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
    fn read<T: Copy>(self, column: Column<'a, OfCases, T>) -> T {
        // SAFETY: a case lies between two ends of identities, of which the last is
        // the number of cases: what these columns have rows for. And it reads
        // those of its own batch.
        unsafe { column.at(self.index) }
    }

    #[inline]
    fn optional<T: Copy>(self, column: Option<Column<'a, OfCases, T>>, name: &'static str) -> Option<T> {
        match column {
            Some(column) => Some(self.read(column)),
            None => {
                self.batch().miss(name);
                None
            }
        }
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
        Subject::from_code(self.read(self.batch().subject))
    }

    /// Whether it is about an account.
    #[inline]
    pub fn is_account(self) -> bool {
        self.subject() == Subject::Account
    }

    /// The system that holds it.
    #[inline]
    pub fn target(self) -> &'a str {
        self.batch().text(self.read(self.batch().target))
    }

    /// The holder's native id in the target.
    #[inline]
    pub fn holder(self) -> &'a str {
        self.batch().text(self.read(self.batch().holder))
    }

    /// The entitlement or credential, as "type:name"; empty for an account.
    #[inline]
    pub fn object(self) -> &'a str {
        self.batch().text(self.read(self.batch().object))
    }

    /// What the sources say.
    #[inline]
    pub fn desired(self) -> Side {
        Side::from_code(self.read(self.batch().desired), self.read(self.batch().unknown_why) & 0xf)
    }

    /// What the target holds.
    #[inline]
    pub fn observed(self) -> Side {
        Side::from_code(self.read(self.batch().observed), self.read(self.batch().unknown_why) >> 4)
    }

    /// What was last confirmed.
    #[inline]
    pub fn recorded(self) -> Side {
        Side::from_code(self.read(self.batch().recorded), 0)
    }

    /// Attributes that differ between desired and observed.
    #[inline]
    pub fn differs(self) -> Attributes {
        Attributes::from_bits(self.read(self.batch().differs))
    }

    #[inline]
    fn has(self, bit: u32) -> bool {
        self.read(self.batch().traits) & bit != 0
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
        Time::recorded(self.read(self.batch().desired_expires_at))
    }

    /// When observed access ends by itself.
    #[inline]
    pub fn observed_expires_at(self) -> Option<Time> {
        Time::recorded(self.read(self.batch().observed_expires_at))
    }

    /// The host's risk tier, 0 lowest to 3 highest. Column `tier`.
    #[inline]
    pub fn tier(self) -> u8 {
        self.optional(self.batch().tier, "tier").unwrap_or(0)
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
                    self.batch().$reader(self.optional(self.batch().$name, $column)?)
                }
            )*
        }
    };
}

optional! {
    /// When desired access may begin.
    not_before: some_time -> Time, "not-before";
    /// When the target last saw it used.
    last_used: some_time -> Time, "last-used";
    /// The first plan that saw it observed and not desired.
    undesired_since: some_time -> Time, "undesired-since";
    /// The first plan that saw it disabled.
    disabled_since: some_time -> Time, "disabled-since";
    /// The desired level.
    desired_level: some_text -> &'a str, "level";
    /// The observed level.
    observed_level: some_text -> &'a str, "level";
    /// The desired, else observed, owner.
    owner: some_text -> &'a str, "owner";
    /// The desired purpose.
    purpose: some_text -> &'a str, "purpose";
    /// The purpose that the target records.
    observed_purpose: some_text -> &'a str, "observed-purpose";
    /// The live source record that justifies it.
    record: some_text -> &'a str, "record";
    /// Who approved that record.
    approver: some_text -> &'a str, "approver";
    /// Where inherited access comes from.
    via: some_text -> &'a str, "via";
    /// The object that a desired row says it takes the place of.
    replaces: some_text -> &'a str, "replaces";
    /// Exclusion group of the entitlement.
    exclusion: some_text -> &'a str, "exclusion";
}
