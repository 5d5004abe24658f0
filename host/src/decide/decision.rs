//! The noun of deciding: what shall happen to a case, or why nothing may.

use std::collections::BTreeMap;

use crate::model::{ChangeKind, Gate};

/// Why a change is urgent, or not: the host's share of its wave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Everyday.
    Routine,
    /// Its access ended.
    Expiry,
    /// Its identity left.
    Leaver,
    /// It must be gone before a grant.
    Exclusive,
}

/// Why the host does not follow a verdict. Codes are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// The scope is only observed (V5).
    ObserveOnly,
    /// The scope is additive and the grant is not ours (V5).
    Unclaimed,
    /// Nobody knows whether it is desired (V7).
    DesiredUnknown,
    /// Nobody knows whether it is there.
    ObservedUnknown,
    /// No live justification desires it.
    NotDesired,
    /// It comes from elsewhere; that place is named (V8).
    Inherited,
    /// The target does not let it be changed (V8).
    Immutable,
    /// Two native ids look like one identity.
    Disputed,
    /// It is desired by a record older than its removal.
    StaleDesire,
    /// It would end before it could land.
    ExpiresTooSoon,
    /// It may not begin yet.
    NotYet,
    /// A later end than desired was proposed.
    LaterThanDesired,
    /// A new end without a live owner or an expiry.
    CredentialWithoutOwner,
    /// The target cannot do it.
    Unsupported,
    /// `after` edges form a cycle.
    Cycle,
    /// The rule proposed what cannot be said of this case.
    Nonsense,
    /// The batch has no verdict: the rule failed.
    RuleFailed,
    /// The identity has too many cases.
    IdentityTooLarge,
}

/// One change to be planned. Indices are into [`crate::correlate::Cases`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The case.
    pub case: u32,
    /// What to do.
    pub kind: ChangeKind,
    /// For updates: which attributes are taken over from desired.
    pub mask: u32,
    /// When the access shall end, if the rule says earlier than desired; zero: as desired.
    pub until: i64,
    /// Why it is urgent.
    pub cause: Cause,
    /// Risk tier: the higher of the host's and the rule's.
    pub tier: u8,
    /// Order within a wave.
    pub rank: i16,
    /// A case that comes first, as an index into all cases.
    pub after: Option<u32>,
    /// Index into the rule's reasons.
    pub reason: u16,
    /// What must be opened first.
    pub gates: Vec<Gate>,
}

/// One verdict that is not followed, or that the rule itself holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The case.
    pub case: u32,
    /// The rule's effect.
    pub effect: u8,
    /// Index into the rule's reasons; none when there was no answer.
    pub reason: Option<u16>,
    /// Why the host refuses; none: the rule holds it.
    pub refusal: Option<Refusal>,
}

/// Kept cases per reason: a count is all that the plan holds of them.
pub type Counts = BTreeMap<Option<u16>, u64>;

/// Everything that was decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// To be planned.
    pub decisions: Vec<Decision>,
    /// Refused or held, in order of cases.
    pub held: Vec<Held>,
    /// Kept, per reason; `None` counts cases that the rule did not answer.
    pub kept: Counts,
}
