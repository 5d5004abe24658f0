//! What is durable about one change. Status is derived from these by `next`, and stored nowhere else.

use serde::{Deserialize, Serialize};

use crate::model::{ChangeId, StateHash, Time};
use crate::target::Grade;

/// One durable event of one change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Event {
    /// It may be sent from now on: nobody knows its effect until an outcome is recorded.
    Intent {
        /// The writer's epoch.
        epoch: u64,
        /// Counts attempts, from one.
        attempt: u32,
        /// When.
        at: Time,
    },
    /// The effect of the last attempt is known, or known to be unknown.
    Outcome {
        /// What it was.
        outcome: Outcome,
        /// When.
        at: Time,
    },
    /// Evidence of the demanded grade was read.
    Confirmed {
        /// How good it is.
        grade: Grade,
        /// When it was read.
        at: Time,
    },
    /// It ended without being confirmed.
    Ended {
        /// How.
        end: End,
        /// When.
        at: Time,
    },
}

impl Event {
    /// When it happened.
    #[must_use]
    pub const fn at(&self) -> Time {
        match self {
            Event::Intent { at, .. } | Event::Outcome { at, .. } | Event::Confirmed { at, .. } | Event::Ended { at, .. } => *at,
        }
    }

    /// Its stable name: for an outcome or an end, which one.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Event::Intent { .. } => "intent",
            Event::Outcome { outcome, .. } => outcome.name(),
            Event::Confirmed { .. } => "confirmed",
            Event::Ended { end, .. } => end.name(),
        }
    }
}

/// The effect of one attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Outcome {
    /// The target acknowledged the write.
    Acked,
    /// A read showed the expected state although nothing was acknowledged: applied before a crash, or by somebody else.
    Observed,
    /// The case is neither as before nor as after: somebody else changed it. Nothing was written.
    Stale {
        /// What it is.
        found: StateHash,
    },
    /// Known not to be applied; may be tried again after this instant.
    Throttled {
        /// When.
        until: Time,
    },
    /// The target refused for good. Nothing was written.
    Rejected {
        /// Its words, bounded.
        message: String,
    },
    /// Known not to be applied: it was never sent, its condition failed, or a read after the last instant at which it could
    /// have landed still showed the state before.
    NotApplied,
    /// Nobody knows.
    Ambiguous {
        /// What happened, bounded.
        message: String,
    },
    /// The target acknowledged a create, and gave it an id.
    Issued {
        /// The target's id.
        id: String,
        /// Handle of its secret material; empty when it has none.
        handle: String,
    },
    /// The target accepted the request and acts later.
    Accepted {
        /// What to ask for the outcome by.
        receipt: String,
        /// Until when it has to be done.
        until: Time,
    },
    /// A work item is open: a person does it.
    Opened {
        /// The item.
        item: String,
        /// When it is due.
        due: Time,
    },
    /// Somebody works on the item.
    Claimed {
        /// Who.
        by: String,
    },
    /// The item is past its due instant. It stays open.
    Overdue,
    /// It was made, but its secret material is lost: it has to be taken back.
    Orphaned {
        /// The target's id.
        id: String,
    },
}

impl Outcome {
    /// Its stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Outcome::Acked => "acked",
            Outcome::Observed => "observed",
            Outcome::Stale { .. } => "stale",
            Outcome::Throttled { .. } => "throttled",
            Outcome::Rejected { .. } => "rejected",
            Outcome::NotApplied => "not_applied",
            Outcome::Ambiguous { .. } => "ambiguous",
            Outcome::Issued { .. } => "issued",
            Outcome::Accepted { .. } => "accepted",
            Outcome::Opened { .. } => "opened",
            Outcome::Claimed { .. } => "claimed",
            Outcome::Overdue => "overdue",
            Outcome::Orphaned { .. } => "orphaned",
        }
    }
}

/// How a change ended, other than confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum End {
    /// The case moved since the plan was sealed; an amendment or the next plan looks at it again.
    Superseded,
    /// A change of its component that comes first did not get confirmed.
    BlockedBy {
        /// That change.
        change: ChangeId,
    },
    /// Its access would have ended before it could land.
    Expired,
    /// The target refused for good.
    Failed,
    /// It was written and acknowledged, but reading never showed it.
    NotObserved,
    /// A newer plan takes its place.
    Replanned,
    /// An emergency revoke denies this access until somebody lifts it.
    Denied,
    /// It was acknowledged, and the target cannot show whether it took effect.
    Unverifiable,
}

impl End {
    /// Its stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            End::Superseded => "superseded",
            End::BlockedBy { .. } => "blocked_by",
            End::Expired => "expired",
            End::Failed => "failed",
            End::NotObserved => "not_observed",
            End::Replanned => "replanned",
            End::Denied => "denied",
            End::Unverifiable => "unverifiable",
        }
    }
}
