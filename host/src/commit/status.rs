//! Where a change stands, derived from its durable events by one pure function and stored nowhere else. Knows no target, no
//! ledger and no clock: instants are what the events say.

use std::fmt;

use super::{End, Event, Outcome};
use crate::model::Time;
use crate::target::Grade;

/// Where a change stands after its plan was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// No attempt is under way, and none so far was applied.
    Ready {
        /// How many attempts there were.
        attempts: u32,
    },
    /// It may have been sent: nobody knows its effect.
    Intent {
        /// The attempt, counted from one.
        attempt: u32,
        /// Whether the effect of an earlier attempt is not known either: it may still land.
        doubt: bool,
    },
    /// The target asked to wait; nothing was applied.
    Waiting {
        /// How many attempts there were.
        attempts: u32,
        /// For how long.
        until: Time,
    },
    /// The answer to the last attempt is lost.
    Ambiguous {
        /// How many attempts there were.
        attempts: u32,
    },
    /// Acknowledged, to be read back.
    Acked {
        /// When: the window for reading it back begins.
        at: Time,
    },
    /// Seen in its expected state without an acknowledgement, to be read back.
    Observed {
        /// When.
        at: Time,
    },
    /// Somebody else changed the case.
    Moved,
    /// The target refused for good.
    Refused,
    /// Done, with evidence of this grade. Final.
    Confirmed {
        /// How good the evidence is.
        grade: Grade,
        /// When it was read.
        at: Time,
    },
    /// Over without being confirmed. Final.
    Ended {
        /// Why.
        end: End,
        /// When.
        at: Time,
    },
}

/// Stored events contradict each other, or the driver made a mistake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a change that is `{status}` cannot become `{event}`")]
pub struct IllegalEvent {
    /// Name of the status.
    pub status: &'static str,
    /// Name of the event.
    pub event: &'static str,
}

impl Default for Status {
    fn default() -> Self {
        Status::Ready { attempts: 0 }
    }
}

impl Status {
    /// Its stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Status::Ready { .. } => "ready",
            Status::Intent { .. } => "intent",
            Status::Waiting { .. } => "waiting",
            Status::Ambiguous { .. } => "ambiguous",
            Status::Acked { .. } => "acked",
            Status::Observed { .. } => "observed",
            Status::Moved => "moved",
            Status::Refused => "refused",
            Status::Confirmed { .. } => "confirmed",
            Status::Ended { .. } => "ended",
        }
    }

    /// Whether nothing more can happen to it.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Status::Confirmed { .. } | Status::Ended { .. })
    }

    /// Whether a mutation may be on its way: nothing else may touch its namespaces (V10).
    #[must_use]
    pub const fn effect_unknown(&self) -> bool {
        matches!(self, Status::Intent { .. } | Status::Ambiguous { .. })
    }

    /// The number of the attempt that comes next.
    #[must_use]
    pub const fn next_attempt(&self) -> u32 {
        match self {
            Status::Ready { attempts } | Status::Waiting { attempts, .. } | Status::Ambiguous { attempts } => {
                attempts.saturating_add(1)
            }
            Status::Intent { attempt, .. } => attempt.saturating_add(1),
            _ => 1,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The status after an event.
///
/// # Errors
/// When the event cannot happen to a change that stands here.
pub fn next(status: &Status, event: &Event) -> Result<Status, IllegalEvent> {
    let illegal = || IllegalEvent { status: status.name(), event: event.name() };
    match (status, event) {
        // Attempts are counted without a gap, and each begins from a known effect or from an ambiguous one that was read.
        (
            Status::Ready { attempts } | Status::Waiting { attempts, .. } | Status::Ambiguous { attempts },
            Event::Intent { attempt, .. },
        ) if attempts.checked_add(1) == Some(*attempt) => {
            Ok(Status::Intent { attempt: *attempt, doubt: matches!(status, Status::Ambiguous { .. }) })
        }
        (Status::Intent { attempt, .. }, Event::Outcome { outcome, at }) => Ok(settle(*attempt, outcome, *at)),
        // Reading may settle what no answer did, and may find the work done before anything was sent.
        (Status::Ambiguous { attempts }, Event::Outcome { outcome, at }) if by_reading(outcome) => {
            Ok(settle(*attempts, outcome, *at))
        }
        (
            Status::Ready { attempts } | Status::Waiting { attempts, .. },
            Event::Outcome { outcome: outcome @ (Outcome::Observed | Outcome::Stale { .. }), at },
        ) => Ok(settle(*attempts, outcome, *at)),
        (Status::Acked { .. } | Status::Observed { .. }, Event::Confirmed { grade, at }) => {
            Ok(Status::Confirmed { grade: *grade, at: *at })
        }
        // It never ends while its effect is unknown.
        (_, Event::Ended { end, at }) if may_end(status, end) => Ok(Status::Ended { end: end.clone(), at: *at }),
        _ => Err(illegal()),
    }
}

/// The status after the outcome of attempt `attempts`.
fn settle(attempts: u32, outcome: &Outcome, at: Time) -> Status {
    match outcome {
        Outcome::Acked => Status::Acked { at },
        Outcome::Observed => Status::Observed { at },
        Outcome::Stale { .. } => Status::Moved,
        Outcome::Throttled { until } => Status::Waiting { attempts, until: *until },
        Outcome::Rejected { .. } => Status::Refused,
        Outcome::NotApplied => Status::Ready { attempts },
        Outcome::Ambiguous { .. } => Status::Ambiguous { attempts },
    }
}

/// Whether an outcome is what a read says, not what an answer says.
const fn by_reading(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Observed | Outcome::Stale { .. } | Outcome::NotApplied)
}

/// Whether a change that stands here can end this way.
const fn may_end(status: &Status, end: &End) -> bool {
    match end {
        End::Superseded => matches!(status, Status::Ready { .. } | Status::Waiting { .. } | Status::Moved),
        End::BlockedBy { .. } | End::Expired | End::Replanned => matches!(status, Status::Ready { .. } | Status::Waiting { .. }),
        End::Failed => matches!(status, Status::Refused),
        End::NotObserved => matches!(status, Status::Acked { .. } | Status::Observed { .. }),
    }
}
