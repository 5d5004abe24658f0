//! One batch of cases as the columns of the contract, straight from the facts. Owns the numbering of texts inside a
//! batch; what a column means is said in `wit/rules.wit`.

use std::collections::BTreeSet;

use super::Fault;
use super::bindings::trueup::rules::types as wire;
use super::limits::RuleLimits;
use crate::correlate::{Batch, Case, Cases, Identity};
use crate::discover::Snapshot;
use crate::model::{Entitlement, Fact, IdentityKind, IdentityStatus, Person, Subject, Sym, Symbols, Time};

macro_rules! columns {
    ($($(#[$doc:meta])* $column:ident = $name:literal,)*) => {
        /// A column that is sent only to rules that ask for it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Column {
            $($(#[$doc])* $column,)*
        }

        impl Column {
            /// All of them.
            pub const ALL: &[Column] = &[$(Column::$column),*];

            /// The name by which a rule asks for it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Column::$column => $name,)*
                }
            }
        }
    };
}

columns! {
    /// Who answers for the identity.
    IdentityOwner = "identity-owner",
    /// The identity's organisational unit.
    IdentityUnit = "identity-unit",
    /// When desired access may begin.
    NotBefore = "not-before",
    /// When it was last used.
    LastUsed = "last-used",
    /// Since when it is observed and not desired.
    UndesiredSince = "undesired-since",
    /// Since when it is disabled.
    DisabledSince = "disabled-since",
    /// Desired and observed level.
    Level = "level",
    /// Who answers for it.
    Owner = "owner",
    /// The desired purpose.
    Purpose = "purpose",
    /// The purpose that the target records.
    ObservedPurpose = "observed-purpose",
    /// The source record that justifies it.
    Record = "record",
    /// Who approved that record.
    Approver = "approver",
    /// Where inherited access comes from.
    Via = "via",
    /// What a desired row takes the place of.
    Replaces = "replaces",
    /// The host's risk tier.
    Tier = "tier",
    /// Exclusion group.
    Exclusion = "exclusion",
}

impl Column {
    /// The column of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|column| column.name() == name)
    }
}

const E: Sym = Sym::EMPTY;
/// What stands for a row that there is not: everything empty.
static NO_FACT: Fact = Fact::new(Subject::Account, E, E, E);
static NO_ENTITLEMENT: Entitlement = Entitlement {
    target: E,
    object: E,
    tier: 0,
    privileged: false,
    break_glass: false,
    exclusion: E,
    owner: E,
    min_holders: 0,
    parent: E,
};
static NO_PERSON: Person = Person {
    identity: E,
    kind: IdentityKind::Unknown,
    status: IdentityStatus::Unknown,
    owner: E,
    unit: E,
    moved_at: Time::NONE,
    ends_at: Time::NONE,
};

/// Numbers of texts inside one batch, in order of first use: by cases, never by the run's own numbers, which depend on
/// the order in which pages arrived. Kept between batches, because it is as long as the run's dictionary.
#[derive(Default)]
pub(crate) struct Dictionary {
    /// For each symbol its number in this batch; zero: none yet.
    ids: Vec<u32>,
    used: Vec<Sym>,
}

impl Dictionary {
    fn id(&mut self, sym: Sym) -> u32 {
        match self.ids.get_mut(sym.0 as usize) {
            // The empty text is always number 0, and so is a symbol of another dictionary.
            None => 0,
            Some(_) if sym.is_empty() => 0,
            Some(id) => {
                if *id == 0 {
                    self.used.push(sym);
                    *id = self.used.len() as u32;
                }
                *id
            }
        }
    }

    /// Ready for the next batch over these symbols.
    fn begin(&mut self, symbols: &Symbols) {
        for sym in self.used.drain(..) {
            if let Some(id) = self.ids.get_mut(sym.0 as usize) {
                *id = 0;
            }
        }
        self.ids.resize(symbols.len(), 0);
    }

    /// All texts laid end to end, and where each ends.
    fn texts(&self, symbols: &Symbols, limits: &RuleLimits) -> Result<(String, Vec<u32>), Fault> {
        let used = self.used.iter().map(|&sym| symbols.text(sym).len() as u64).sum();
        let allowed = limits.input_bytes.min(u64::from(u32::MAX));
        if used > allowed {
            return Err(Fault::Limit { limit: "input bytes", used, allowed });
        }
        let mut heap = String::with_capacity(usize::try_from(used).unwrap_or_default());
        let mut ends = Vec::with_capacity(self.used.len() + 1);
        ends.push(0);
        for &sym in &self.used {
            heap.push_str(symbols.text(sym));
            ends.push(heap.len() as u32);
        }
        Ok((heap, ends))
    }
}

/// Writes one batch, case by case: each fact is looked at once, wherever in memory it lies.
struct Writer<'a> {
    snapshot: &'a Snapshot,
    wanted: Wanted,
    dictionary: &'a mut Dictionary,
    out: wire::Batch,
}

/// The optional columns that are sent, as bits.
#[derive(Clone, Copy)]
struct Wanted(u32);

impl Wanted {
    fn of(columns: &BTreeSet<Column>) -> Self {
        Wanted(columns.iter().fold(0, |bits, column| bits | 1 << *column as u32))
    }

    const fn has(self, column: Column) -> bool {
        self.0 & 1 << column as u32 != 0
    }

    /// An empty column with room for so many rows, if it is sent.
    fn room<T>(self, column: Column, rows: usize) -> Vec<T> {
        Vec::with_capacity(if self.has(column) { rows } else { 0 })
    }
}

fn at<T>(rows: &[T], index: Option<u32>) -> Option<&T> {
    rows.get(index? as usize)
}

fn slice<'a, T>(rows: &'a [T], range: &std::ops::Range<u32>) -> &'a [T] {
    rows.get(range.start as usize..range.end as usize).unwrap_or_default()
}

/// Columns without rows, and room for them.
fn empty(wanted: Wanted, people: usize, rows: usize) -> wire::Batch {
    let (person, row) = (people, rows);
    wire::Batch {
        heap: String::new(),
        text_ends: Vec::new(),
        identity: Vec::with_capacity(person),
        identity_ends: Vec::with_capacity(person),
        identity_kind: Vec::with_capacity(person),
        identity_status: Vec::with_capacity(person),
        identity_moved_at: Vec::with_capacity(person),
        identity_ends_at: Vec::with_capacity(person),
        identity_owner: wanted.room(Column::IdentityOwner, person),
        identity_unit: wanted.room(Column::IdentityUnit, person),
        subject: Vec::with_capacity(row),
        target: Vec::with_capacity(row),
        holder: Vec::with_capacity(row),
        object: Vec::with_capacity(row),
        desired: Vec::with_capacity(row),
        observed: Vec::with_capacity(row),
        recorded: Vec::with_capacity(row),
        unknown_why: Vec::with_capacity(row),
        differs: Vec::with_capacity(row),
        traits: Vec::with_capacity(row),
        desired_expires_at: Vec::with_capacity(row),
        observed_expires_at: Vec::with_capacity(row),
        not_before: wanted.room(Column::NotBefore, row),
        last_used: wanted.room(Column::LastUsed, row),
        undesired_since: wanted.room(Column::UndesiredSince, row),
        disabled_since: wanted.room(Column::DisabledSince, row),
        desired_level: wanted.room(Column::Level, row),
        observed_level: wanted.room(Column::Level, row),
        owner: wanted.room(Column::Owner, row),
        purpose: wanted.room(Column::Purpose, row),
        observed_purpose: wanted.room(Column::ObservedPurpose, row),
        record: wanted.room(Column::Record, row),
        approver: wanted.room(Column::Approver, row),
        via: wanted.room(Column::Via, row),
        replaces: wanted.room(Column::Replaces, row),
        tier: wanted.room(Column::Tier, row),
        exclusion: wanted.room(Column::Exclusion, row),
        vendor: Vec::new(),
    }
}

impl Writer<'_> {
    /// One identity. The end of its cases is counted from the batch's first.
    fn identity(&mut self, identity: &Identity, first: u32) {
        let Writer { snapshot, wanted, dictionary, out } = self;
        let person = at(&snapshot.people, identity.person).unwrap_or(&NO_PERSON);
        out.identity.push(dictionary.id(identity.name));
        out.identity_ends.push(identity.cases.end.saturating_sub(first));
        out.identity_kind.push(person.kind as u8);
        out.identity_status.push(person.status as u8);
        out.identity_moved_at.push(person.moved_at.seconds());
        out.identity_ends_at.push(person.ends_at.seconds());
        let mut text = |column, into: &mut Vec<u32>, sym| {
            if wanted.has(column) {
                into.push(dictionary.id(sym));
            }
        };
        text(Column::IdentityOwner, &mut out.identity_owner, person.owner);
        text(Column::IdentityUnit, &mut out.identity_unit, person.unit);
    }

    /// One case: what is always sent, then what is wanted.
    fn case(&mut self, case: &Case) {
        let Writer { snapshot, dictionary, out, .. } = self;
        let (desired, observed) = (at(&snapshot.desired, case.desired), at(&snapshot.observed, case.observed));
        // What the target calls it, where the target has it.
        let named = observed.or(desired).unwrap_or(&NO_FACT);
        let (desired, observed) = (desired.unwrap_or(&NO_FACT), observed.unwrap_or(&NO_FACT));
        out.subject.push(named.subject as u8);
        out.target.push(dictionary.id(named.target));
        out.holder.push(dictionary.id(named.holder));
        out.object.push(dictionary.id(named.object));
        out.desired.push(case.desired_side as u8);
        out.observed.push(case.observed_side as u8);
        out.recorded.push(case.recorded_side as u8);
        out.unknown_why.push(case.desired_why as u8 | (case.observed_why as u8) << 4);
        out.differs.push(case.differs);
        out.traits.push(case.traits);
        out.desired_expires_at.push(desired.expires_at.seconds());
        out.observed_expires_at.push(observed.expires_at.seconds());
        self.instants(case, desired, observed);
        self.texts(case, desired, observed);
    }

    fn instants(&mut self, case: &Case, desired: &Fact, observed: &Fact) {
        let Writer { wanted, out, .. } = self;
        let instant = |column, into: &mut Vec<i64>, time: Time| {
            if wanted.has(column) {
                into.push(time.seconds());
            }
        };
        instant(Column::NotBefore, &mut out.not_before, desired.not_before);
        instant(Column::LastUsed, &mut out.last_used, observed.last_used);
        instant(Column::UndesiredSince, &mut out.undesired_since, case.undesired_since);
        instant(Column::DisabledSince, &mut out.disabled_since, case.disabled_since);
    }

    fn texts(&mut self, case: &Case, desired: &Fact, observed: &Fact) {
        let Writer { snapshot, wanted, dictionary, out } = self;
        let mut text = |column, into: &mut Vec<u32>, sym| {
            if wanted.has(column) {
                into.push(dictionary.id(sym));
            }
        };
        text(Column::Level, &mut out.desired_level, desired.level);
        text(Column::Level, &mut out.observed_level, observed.level);
        text(Column::Owner, &mut out.owner, if desired.owner.is_empty() { observed.owner } else { desired.owner });
        text(Column::Purpose, &mut out.purpose, desired.purpose);
        text(Column::ObservedPurpose, &mut out.observed_purpose, observed.purpose);
        text(Column::Record, &mut out.record, desired.record);
        text(Column::Approver, &mut out.approver, desired.approver);
        text(Column::Via, &mut out.via, observed.via);
        text(Column::Replaces, &mut out.replaces, desired.replaces);
        let entitlement = at(&snapshot.entitlements, case.entitlement).unwrap_or(&NO_ENTITLEMENT);
        text(Column::Exclusion, &mut out.exclusion, entitlement.exclusion);
        if wanted.has(Column::Tier) {
            out.tier.push(entitlement.tier);
        }
    }
}

/// The columns of one batch: the core ones and those that are wanted. Texts are numbered in the order of being met: those of
/// identities first, then case by case.
pub(crate) fn write(
    cases: &Cases,
    batch: &Batch,
    wanted: &BTreeSet<Column>,
    limits: &RuleLimits,
    dictionary: &mut Dictionary,
) -> Result<wire::Batch, Fault> {
    let snapshot = &cases.snapshot;
    dictionary.begin(&snapshot.symbols);
    let (rows, identities) = (slice(&cases.cases, &batch.cases), slice(&cases.identities, &batch.identities));
    let wanted = Wanted::of(wanted);
    let mut writer = Writer { snapshot, wanted, dictionary, out: empty(wanted, identities.len(), rows.len()) };
    identities.iter().for_each(|identity| writer.identity(identity, batch.cases.start));
    rows.iter().for_each(|case| writer.case(case));
    let Writer { mut out, .. } = writer;
    (out.heap, out.text_ends) = dictionary.texts(&snapshot.symbols, limits)?;
    Ok(out)
}
