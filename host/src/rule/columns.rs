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

/// A case with the rows that it refers to.
struct Row<'a> {
    case: &'a Case,
    desired: &'a Fact,
    observed: &'a Fact,
    /// The row that names it: what the target calls it, where the target has it.
    named: &'a Fact,
    entitlement: &'a Entitlement,
}

impl<'a> Row<'a> {
    fn new(case: &'a Case, snapshot: &'a Snapshot) -> Self {
        let desired = at(&snapshot.desired, case.desired);
        let observed = at(&snapshot.observed, case.observed);
        Row {
            case,
            desired: desired.unwrap_or(&NO_FACT),
            observed: observed.unwrap_or(&NO_FACT),
            named: observed.or(desired).unwrap_or(&NO_FACT),
            entitlement: at(&snapshot.entitlements, case.entitlement).unwrap_or(&NO_ENTITLEMENT),
        }
    }
}

fn at<T>(rows: &[T], index: Option<u32>) -> Option<&T> {
    rows.get(index? as usize)
}

fn slice<'a, T>(rows: &'a [T], range: &std::ops::Range<u32>) -> &'a [T] {
    rows.get(range.start as usize..range.end as usize).unwrap_or_default()
}

/// Writes one batch.
struct Writer<'a> {
    rows: Vec<Row<'a>>,
    identities: Vec<(&'a Identity, &'a Person)>,
    wanted: &'a BTreeSet<Column>,
    dictionary: &'a mut Dictionary,
}

impl Writer<'_> {
    fn people<T>(&self, pick: impl Fn(&Person) -> T) -> Vec<T> {
        self.identities.iter().map(|(_, person)| pick(person)).collect()
    }

    fn people_texts(&mut self, column: Column, pick: impl Fn(&Person) -> Sym) -> Vec<u32> {
        if !self.wanted.contains(&column) {
            return Vec::new();
        }
        self.identities.iter().map(|(_, person)| self.dictionary.id(pick(person))).collect()
    }

    fn all<T>(&self, pick: impl Fn(&Row<'_>) -> T) -> Vec<T> {
        self.rows.iter().map(pick).collect()
    }

    fn all_texts(&mut self, pick: impl Fn(&Row<'_>) -> Sym) -> Vec<u32> {
        self.rows.iter().map(|row| self.dictionary.id(pick(row))).collect()
    }

    fn some<T>(&self, column: Column, pick: impl Fn(&Row<'_>) -> T) -> Vec<T> {
        if self.wanted.contains(&column) { self.all(pick) } else { Vec::new() }
    }

    fn some_texts(&mut self, column: Column, pick: impl Fn(&Row<'_>) -> Sym) -> Vec<u32> {
        if self.wanted.contains(&column) { self.all_texts(pick) } else { Vec::new() }
    }

    /// Ends of the identities' cases, counted from the batch's first.
    fn ends(&self, first: u32) -> Vec<u32> {
        self.identities.iter().map(|(identity, _)| identity.cases.end.saturating_sub(first)).collect()
    }

    fn write(mut self, batch: &Batch, symbols: &Symbols, limits: &RuleLimits) -> Result<wire::Batch, Fault> {
        // Fields in the order in which their texts are numbered.
        let mut columns = wire::Batch {
            identity: self.identities.iter().map(|(identity, _)| self.dictionary.id(identity.name)).collect(),
            identity_ends: self.ends(batch.cases.start),
            identity_kind: self.people(|person| person.kind as u8),
            identity_status: self.people(|person| person.status as u8),
            identity_moved_at: self.people(|person| person.moved_at.seconds()),
            identity_ends_at: self.people(|person| person.ends_at.seconds()),
            identity_owner: self.people_texts(Column::IdentityOwner, |person| person.owner),
            identity_unit: self.people_texts(Column::IdentityUnit, |person| person.unit),
            subject: self.all(|row| row.named.subject as u8),
            target: self.all_texts(|row| row.named.target),
            holder: self.all_texts(|row| row.named.holder),
            object: self.all_texts(|row| row.named.object),
            desired: self.all(|row| row.case.desired_side as u8),
            observed: self.all(|row| row.case.observed_side as u8),
            recorded: self.all(|row| row.case.recorded_side as u8),
            unknown_why: self.all(|row| row.case.desired_why as u8 | (row.case.observed_why as u8) << 4),
            differs: self.all(|row| row.case.differs),
            traits: self.all(|row| row.case.traits),
            desired_expires_at: self.all(|row| row.desired.expires_at.seconds()),
            observed_expires_at: self.all(|row| row.observed.expires_at.seconds()),
            not_before: self.some(Column::NotBefore, |row| row.desired.not_before.seconds()),
            last_used: self.some(Column::LastUsed, |row| row.observed.last_used.seconds()),
            undesired_since: self.some(Column::UndesiredSince, |row| row.case.undesired_since.seconds()),
            disabled_since: self.some(Column::DisabledSince, |row| row.case.disabled_since.seconds()),
            desired_level: self.some_texts(Column::Level, |row| row.desired.level),
            observed_level: self.some_texts(Column::Level, |row| row.observed.level),
            owner: self.some_texts(Column::Owner, |row| {
                if row.desired.owner.is_empty() { row.observed.owner } else { row.desired.owner }
            }),
            purpose: self.some_texts(Column::Purpose, |row| row.desired.purpose),
            observed_purpose: self.some_texts(Column::ObservedPurpose, |row| row.observed.purpose),
            record: self.some_texts(Column::Record, |row| row.desired.record),
            approver: self.some_texts(Column::Approver, |row| row.desired.approver),
            via: self.some_texts(Column::Via, |row| row.observed.via),
            replaces: self.some_texts(Column::Replaces, |row| row.desired.replaces),
            tier: self.some(Column::Tier, |row| row.entitlement.tier),
            exclusion: self.some_texts(Column::Exclusion, |row| row.entitlement.exclusion),
            vendor: Vec::new(),
            heap: String::new(),
            text_ends: Vec::new(),
        };
        (columns.heap, columns.text_ends) = self.dictionary.texts(symbols, limits)?;
        Ok(columns)
    }
}

/// The columns of one batch: the core ones and those that are wanted.
pub(crate) fn write(
    cases: &Cases,
    batch: &Batch,
    wanted: &BTreeSet<Column>,
    limits: &RuleLimits,
    dictionary: &mut Dictionary,
) -> Result<wire::Batch, Fault> {
    let snapshot = &cases.snapshot;
    dictionary.begin(&snapshot.symbols);
    let rows = slice(&cases.cases, &batch.cases).iter().map(|case| Row::new(case, snapshot)).collect();
    let identities = slice(&cases.identities, &batch.identities)
        .iter()
        .map(|identity| (identity, at(&snapshot.people, identity.person).unwrap_or(&NO_PERSON)))
        .collect();
    Writer { rows, identities, wanted, dictionary }.write(batch, &snapshot.symbols, limits)
}
