//! The noun of correlation: cases of whole identities, in the order in which they are judged.

use std::ops::Range;

use crate::discover::Snapshot;
use crate::link::Links;
use crate::model::{Digest, KeyHash, StateHash, Sym, Time};

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

/// What the ledger last confirmed of a case, about 40 bytes.
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
}

impl Recorded {
    /// We made or adopted it.
    pub const CLAIMED: u32 = 1;
    /// It was disabled when last confirmed.
    pub const DISABLED: u32 = 2;
}

/// One case: indices into the snapshot, and what the host derived.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Index into `Snapshot::desired`.
    pub desired: Option<u32>,
    /// Index into `Snapshot::observed`.
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

/// All cases of a run, with what they refer to.
pub struct Cases {
    /// The facts.
    pub snapshot: Snapshot,
    /// How keys compare.
    pub links: Links,
    /// Recorded rows that some case refers to.
    pub recorded: Vec<Recorded>,
    /// In order of their digests.
    pub identities: Vec<Identity>,
    /// In order of identities.
    pub cases: Vec<Case>,
    /// In order of identities.
    pub batches: Vec<Batch>,
}
