//! The noun of deciding: what shall happen to a case, or why nothing may.

use std::collections::BTreeMap;

use super::Effect;
use crate::model::{ChangeKind, Reason, Time};

/// Why a change is urgent, or not: the host's share of its wave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Everyday.
    Routine,
    /// Its access ended.
    Expiry,
    /// An operator denied it, and it is still there.
    Denied,
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
    /// A case that must come first is itself held.
    Blocked,
    /// The rule proposed what cannot be said of this case.
    Nonsense,
    /// The batch has no verdict: the rule failed.
    RuleFailed,
    /// The identity has too many cases.
    IdentityTooLarge,
    /// An operator denied it (V29).
    Denied,
    /// No rule is configured.
    RuleAbsent,
    /// An earlier plan's change may be on its way.
    EffectUnknown,
    /// It is not as the change that is to be undone left it.
    Moved,
    /// It cannot be undone.
    Irreversible,
    /// The identity holds another one of its exclusion group (V13).
    Excluded,
    /// Too few would be left who hold it (V27).
    LastHolder,
    /// Nobody would be left who can break the glass (V27).
    LastBreakGlass,
    /// A key that others take the place of, while one of them is neither there nor coming (V13).
    Unreplaced,
}

impl Refusal {
    /// Every refusal, in the order of declaration.
    pub const ALL: [Refusal; 28] = [
        Self::ObserveOnly,
        Self::Unclaimed,
        Self::DesiredUnknown,
        Self::ObservedUnknown,
        Self::NotDesired,
        Self::Inherited,
        Self::Immutable,
        Self::Disputed,
        Self::StaleDesire,
        Self::ExpiresTooSoon,
        Self::NotYet,
        Self::LaterThanDesired,
        Self::CredentialWithoutOwner,
        Self::Unsupported,
        Self::Cycle,
        Self::Blocked,
        Self::Nonsense,
        Self::RuleFailed,
        Self::IdentityTooLarge,
        Self::Denied,
        Self::RuleAbsent,
        Self::EffectUnknown,
        Self::Moved,
        Self::Irreversible,
        Self::Excluded,
        Self::LastHolder,
        Self::LastBreakGlass,
        Self::Unreplaced,
    ];

    /// Its stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ObserveOnly => "observe-only",
            Self::Unclaimed => "unclaimed",
            Self::DesiredUnknown => "desired-unknown",
            Self::ObservedUnknown => "observed-unknown",
            Self::NotDesired => "not-desired",
            Self::Inherited => "inherited",
            Self::Immutable => "immutable",
            Self::Disputed => "disputed",
            Self::StaleDesire => "stale-desire",
            Self::ExpiresTooSoon => "expires-too-soon",
            Self::NotYet => "not-yet",
            Self::LaterThanDesired => "later-than-desired",
            Self::CredentialWithoutOwner => "credential-without-owner",
            Self::Unsupported => "unsupported",
            Self::Cycle => "cycle",
            Self::Blocked => "blocked",
            Self::Nonsense => "nonsense",
            Self::RuleFailed => "rule-failed",
            Self::IdentityTooLarge => "identity-too-large",
            Self::Denied => "denied",
            Self::RuleAbsent => "rule-absent",
            Self::EffectUnknown => "effect-unknown",
            Self::Moved => "moved",
            Self::Irreversible => "irreversible",
            Self::Excluded => "excluded",
            Self::LastHolder => "last-holder",
            Self::LastBreakGlass => "last-break-glass",
            Self::Unreplaced => "unreplaced",
        }
    }

    /// Code and text together.
    #[must_use]
    pub fn reason(self) -> Reason {
        Reason { code: self.code().to_owned(), text: self.text().to_owned() }
    }

    /// What it means, for people.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::ObserveOnly => "its scope is only observed",
            Self::Unclaimed => "its scope is additive and trueup did not add it",
            Self::DesiredUnknown => "nobody knows whether it is desired",
            Self::ObservedUnknown => "nobody knows whether it is there",
            Self::NotDesired => "no live justification desires it",
            Self::Inherited => "it is inherited; change it where it comes from",
            Self::Immutable => "the target does not let it be changed",
            Self::Disputed => "two native ids of one target look like this identity",
            Self::StaleDesire => "the record that desires it was read before it was last removed",
            Self::ExpiresTooSoon => "it would end before the change could land",
            Self::NotYet => "it may not begin yet",
            Self::LaterThanDesired => "the rule lets it end later than is desired",
            Self::CredentialWithoutOwner => "a credential needs a live owner and an expiry",
            Self::Unsupported => "the target cannot do this",
            Self::Cycle => "the rule's order is a cycle",
            Self::Blocked => "a case that must come first is held",
            Self::Nonsense => "the rule's answer cannot be said of this case",
            Self::RuleFailed => "the rule failed on the batch of this identity",
            Self::IdentityTooLarge => "the identity has more cases than a batch may hold",
            Self::Denied => "it was denied and may not be given again until somebody lifts that",
            Self::RuleAbsent => "no rule is configured, and only a rule could say what becomes of it",
            Self::EffectUnknown => "a change of an earlier plan may have reached it, and reading cannot tell yet",
            Self::Moved => "it is no longer as the change that is to be undone left it",
            Self::Irreversible => {
                "it cannot be undone: what a deleted account held, and a secret that was revoked or replaced, do not come back"
            }
            Self::Excluded => "the identity holds, or may hold, or would be given another one of its exclusion group",
            Self::LastHolder => "fewer would be left who hold it than the catalogue asks for",
            Self::LastBreakGlass => "nobody would be left who can break the glass",
            Self::Unreplaced => "a key that takes its place does not work yet, and is not on its way",
        }
    }
}

/// What must be opened before a change is dispatched; the plan spells it out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gates {
    /// Its scope was not adopted under this mode and rule.
    pub adoption: bool,
    /// A person must approve it, at its tier.
    pub approval: bool,
    /// More access of its target ends at once than a sound clock would end.
    pub budget: bool,
    /// Another writer says that it manages this (V9).
    pub claim: bool,
}

/// One change to be planned. Indices are into [`crate::correlate::Cases`]. Compact: a plan may have millions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The case.
    pub case: u32,
    /// Its identity.
    pub identity: u32,
    /// What to do.
    pub kind: ChangeKind,
    /// Which attributes are taken over from desired.
    pub mask: u32,
    /// When the access ends after the change; none: it does not end by itself, or it is gone.
    pub ends_at: Time,
    /// Why it is urgent.
    pub cause: Cause,
    /// Risk tier: the higher of the host's and the rule's.
    pub tier: u8,
    /// Order within a wave.
    pub rank: i16,
    /// A case that comes first, as an index into all cases; it has a decision too.
    pub after: Option<u32>,
    /// Index into the rule's reasons; none: the host acts by its own hand, for the cause.
    pub reason: Option<u16>,
    /// What must be opened first.
    pub gates: Gates,
}

/// One verdict that is not followed, or that the rule itself holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The case.
    pub case: u32,
    /// What the rule proposed; none when there was no answer, or none that exists.
    pub effect: Option<Effect>,
    /// Index into the rule's reasons; none when there was no answer.
    pub reason: Option<u16>,
    /// Why the host refuses; none: the rule holds it.
    pub refusal: Option<Refusal>,
}

/// One change that has to be confirmed before another one is sent, because the facts demand it. Both have a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge {
    /// The case that waits.
    pub later: u32,
    /// The case that it waits for.
    pub earlier: u32,
}

/// Cases per reason: a count is all that the plan holds of them.
pub type Counts = BTreeMap<Option<u16>, u64>;

/// Everything that was decided: each case is planned, held, kept or not managed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// To be planned, in order of cases.
    pub decisions: Vec<Decision>,
    /// The host's own order between them, sorted; no cycle, the rule's `after` included.
    pub edges: Vec<Edge>,
    /// Refused or held, in order of cases.
    pub held: Vec<Held>,
    /// Kept, per reason; `None` counts cases that the rule did not answer.
    pub kept: Counts,
    /// Held by the rule where only is looked at, or where no source speaks, per reason. Listing them would hide the rest.
    pub unmanaged: Counts,
}

impl Decided {
    /// Takes in what was decided of later cases.
    pub(super) fn append(&mut self, mut later: Decided) {
        self.decisions.append(&mut later.decisions);
        self.held.append(&mut later.held);
        for (reason, count) in later.kept {
            *self.kept.entry(reason).or_default() += count;
        }
        for (reason, count) in later.unmanaged {
            *self.unmanaged.entry(reason).or_default() += count;
        }
    }
}
