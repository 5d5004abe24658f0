//! The noun of correlation: cases of whole identities, in the order in which they are judged.

use std::collections::HashSet;
use std::ops::Range;

use super::batches::is_closed;
use crate::discover::Snapshot;
use crate::link::Links;
use crate::model::{CaseKey, Digest, Fact, KeyHash, StateHash, Sym, Time};

/// One side of a case. Numbers are those of the rule contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Side {
    /// Known not to be there.
    Absent = 0,
    /// There.
    Present = 1,
    /// There, but not working.
    Disabled = 2,
    /// Nobody can tell.
    Unknown = 3,
}

/// Why a side is unknown. Numbers are those of the rule contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum WhyUnknown {
    /// It is known.
    Known = 0,
    /// The scan that should hold it is incomplete.
    Incomplete = 1,
    /// The scan is too old.
    Stale = 2,
    /// No source covers the target.
    Uncovered = 3,
    /// Two native ids of one target look like one.
    Disputed = 4,
    /// The scan shrank.
    Shrunk = 5,
}

/// What the ledger last confirmed of a case: 48 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The case.
    pub key: KeyHash,
    /// Its state; [`StateHash::ABSENT`] when it was closed.
    pub state: StateHash,
    /// Counts its lives, from one.
    pub incarnation: u32,
    /// Bit 0 claimed by us; bit 1 the state is disabled.
    pub flags: u32,
    /// First plan that saw it observed but not desired; while closed: when it was closed.
    pub since: Time,
    /// First plan that saw it disabled in the target; none while it works.
    pub disabled_since: Time,
}

const _: () = assert!(size_of::<Recorded>() == 48, "ten million rows of recorded state are read in one merge");

impl Recorded {
    /// A row with no marks.
    #[must_use]
    pub const fn new(key: KeyHash, state: StateHash, incarnation: u32) -> Self {
        Recorded { key, state, incarnation, flags: 0, since: Time::NONE, disabled_since: Time::NONE }
    }

    /// We made or adopted it.
    pub const CLAIMED: u32 = 1;
    /// It was disabled when last confirmed.
    pub const DISABLED: u32 = 2;
    /// It was taken away while sources desired it, and they have not stopped since: giving it anew would only undo that.
    pub const WITHHELD: u32 = 4;

    /// Whether nothing was held when it was last confirmed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state == StateHash::ABSENT
    }
}

/// Bits of [`Case::traits`], as in the contract.
pub mod traits {
    /// It comes from another grant.
    pub const INHERITED: u32 = 1;
    /// The target does not let it be changed.
    pub const IMMUTABLE: u32 = 2;
    /// Somebody else changed it since it was recorded.
    pub const CHANGED: u32 = 4;
    /// We made or adopted it.
    pub const CLAIMED: u32 = 8;
    /// It gives power over others' access.
    pub const PRIVILEGED: u32 = 16;
    /// It is kept for emergencies.
    pub const BREAK_GLASS: u32 = 32;
    /// Its scope is additive.
    pub const ADDITIVE: u32 = 64;
    /// It was taken away while desired, and is desired ever since.
    pub const WITHHELD: u32 = 128;
}

/// One case: indices into the snapshot, and what the host derived.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Index into `Snapshot::desired`. Also given while `desired_side` is absent or unknown, when the justification has
    /// ended or the case is disputed: the side alone says whether it is desired.
    pub desired: Option<u32>,
    /// Index into `Snapshot::observed`; also given while `observed_side` is unknown.
    pub observed: Option<u32>,
    /// What the ledger holds of it, if anything.
    pub recorded: Option<u32>,
    /// Its key in recorded state.
    pub key: KeyHash,
    /// Both sides, and why they are unknown.
    pub desired_side: Side,
    /// See `desired_side`.
    pub observed_side: Side,
    /// See `desired_side`.
    pub recorded_side: Side,
    /// Why desired is unknown.
    pub desired_why: WhyUnknown,
    /// Why observed is unknown.
    pub observed_why: WhyUnknown,
    /// Attributes that differ, as in the contract.
    pub differs: u32,
    /// Traits, as in the contract.
    pub traits: u32,
    /// Index into the configured scopes; none: observe only.
    pub scope: Option<u16>,
    /// Index into `Snapshot::entitlements`.
    pub entitlement: Option<u32>,
    /// First plan that saw it observed and not desired, this plan included.
    pub undesired_since: Time,
    /// First plan that saw it disabled, this plan included.
    pub disabled_since: Time,
}

/// An identity and the range of its cases.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its name.
    pub name: Sym,
    /// SHA-256 of tenant and name: the order of identities.
    pub digest: Digest,
    /// Index into `Snapshot::people`.
    pub person: Option<u32>,
    /// Its cases, sorted by subject, target, holder and object.
    pub cases: Range<u32>,
}

/// A batch: a range of identities, cut by content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Range of `Cases::identities`.
    pub identities: Range<u32>,
    /// Range of `Cases::cases`.
    pub cases: Range<u32>,
    /// Larger than any batch may be: held, never judged.
    pub too_large: bool,
}

impl Case {
    /// Whether the target is known to hold it, working or not.
    #[must_use]
    pub const fn is_observed(&self) -> bool {
        matches!(self.observed_side, Side::Present | Side::Disabled)
    }

    /// Whether a live justification is known to desire it.
    #[must_use]
    pub const fn is_desired(&self) -> bool {
        matches!(self.desired_side, Side::Present | Side::Disabled)
    }
}

/// All cases of a run, with what they refer to.
pub struct Cases {
    /// The facts.
    pub snapshot: Snapshot,
    /// How keys compare.
    pub links: Links,
    /// Recorded rows that some case refers to.
    pub recorded: Vec<Recorded>,
    /// Closed rows that were withheld and that no case refers to any more.
    pub unlisted: Vec<Recorded>,
    /// In order of their digests.
    pub identities: Vec<Identity>,
    /// In order of identities.
    pub cases: Vec<Case>,
    /// In order of identities.
    pub batches: Vec<Batch>,
    /// Identities of which these cases are judged but not decided, in order: they are decided elsewhere, together with those of
    /// other parts.
    pub apart: Vec<u32>,
}

impl Cases {
    /// Gives up the last batch, if more identities could still join it: where cases are those of a part, it is cut only when
    /// the next part is there. Returns the facts of its identities and the recorded rows of its cases, for that part.
    pub fn give_back_open_batch(&mut self) -> (Vec<Fact>, Vec<Recorded>) {
        let Some(open) = self.batches.pop_if(|batch| !self.identities.last().is_some_and(|last| is_closed(batch, last))) else {
            return (Vec::new(), Vec::new());
        };
        let back = self.what_makes(open.identities.start..open.identities.end);
        self.identities.truncate(open.identities.start as usize);
        self.cases.truncate(open.cases.start as usize);
        back
    }

    /// What the cases of these identities were paired from: facts, and recorded rows.
    pub fn what_makes(&self, identities: impl Iterator<Item = u32>) -> (Vec<Fact>, Vec<Recorded>) {
        let (mut names, mut rows) = (HashSet::new(), Vec::new());
        for identity in identities.filter_map(|number| self.identities.get(number as usize)) {
            names.insert(identity.name);
            let cases = self.cases.get(identity.cases.start as usize..identity.cases.end as usize).unwrap_or_default();
            rows.extend(cases.iter().filter_map(|case| self.recorded.get(case.recorded? as usize)));
        }
        let facts = self.snapshot.desired.iter().chain(&self.snapshot.observed);
        (facts.filter(|fact| names.contains(&self.links.identity(fact))).copied().collect(), rows)
    }

    /// Whether an identity is decided elsewhere.
    #[must_use]
    pub fn is_apart(&self, identity: u32) -> bool {
        self.apart.binary_search(&identity).is_ok()
    }

    /// The cases that are decided here, with their indices.
    pub fn here(&self) -> impl Iterator<Item = (u32, &Case)> {
        let away = self.apart.iter().filter_map(|&number| self.identities.get(number as usize));
        let mut away = away.map(|identity| identity.cases.clone()).peekable();
        (0u32..).zip(&self.cases).filter(move |(index, _)| {
            while away.next_if(|range| range.end <= *index).is_some() {}
            away.peek().is_none_or(|range| !range.contains(index))
        })
    }

    /// The row that names a case in the target's spelling: the observed one, else the desired one, which linking gave the
    /// spelling that would be written.
    #[must_use]
    pub fn native(&self, case: &Case) -> Option<&Fact> {
        let observed = case.observed.and_then(|i| self.snapshot.observed.get(i as usize));
        observed.or_else(|| case.desired.and_then(|i| self.snapshot.desired.get(i as usize)))
    }

    /// The key of a case, in the spelling that is written.
    #[must_use]
    pub fn key(&self, case: &Case) -> Option<CaseKey> {
        let text = |sym| self.snapshot.symbols.text(sym).to_owned();
        self.native(case).map(|fact| CaseKey {
            target: text(fact.target),
            holder: text(fact.holder),
            subject: fact.subject,
            object: text(fact.object),
        })
    }
}
