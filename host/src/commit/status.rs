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
    /// The target accepted it and acts later.
    Accepted {
        /// How many attempts there were.
        attempts: u32,
        /// What to ask for the outcome by.
        receipt: String,
        /// Until when it has to be done.
        until: Time,
    },
    /// A person does it.
    Manual {
        /// How many attempts there were.
        attempts: u32,
        /// The work item.
        item: String,
        /// When it is due.
        due: Time,
        /// Who works on it; empty: nobody yet.
        by: String,
        /// Whether its being overdue was recorded.
        overdue: bool,
    },
    /// It was made without its secret material: it has to be taken back before it is made anew.
    Orphaned {
        /// How many attempts there were.
        attempts: u32,
        /// The target's id of it.
        id: String,
    },
    /// Acknowledged, to be read back.
    Acked {
        /// How many attempts there were.
        attempts: u32,
        /// When: the window for reading it back begins.
        at: Time,
    },
    /// Seen in its expected state without an acknowledgement, to be read back.
    Observed {
        /// How many attempts there were.
        attempts: u32,
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

/// Stored events contradict each other, or the core made a mistake.
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
            Status::Accepted { .. } => "accepted",
            Status::Manual { .. } => "manual",
            Status::Orphaned { .. } => "orphaned",
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
        matches!(self, Status::Intent { .. } | Status::Ambiguous { .. } | Status::Accepted { .. } | Status::Orphaned { .. })
    }

    /// Whether it has been sent, or may have been, and its effect is still to be seen: it cannot be given up, and it is looked
    /// at before anything new is sent. Even a whole list that was acknowledged may still be hidden from whoever writes the
    /// next one.
    #[must_use]
    pub const fn is_under_way(&self) -> bool {
        self.effect_unknown() || matches!(self, Status::Manual { .. } | Status::Acked { .. } | Status::Observed { .. })
    }

    /// How many attempts there were, the present one included.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        match self {
            Status::Ready { attempts }
            | Status::Waiting { attempts, .. }
            | Status::Ambiguous { attempts }
            | Status::Accepted { attempts, .. }
            | Status::Manual { attempts, .. }
            | Status::Orphaned { attempts, .. }
            | Status::Acked { attempts, .. }
            | Status::Observed { attempts, .. }
            | Status::Intent { attempt: attempts, .. } => *attempts,
            Status::Moved | Status::Refused | Status::Confirmed { .. } | Status::Ended { .. } => 0,
        }
    }

    /// The number of the attempt that comes next.
    #[must_use]
    pub const fn next_attempt(&self) -> u32 {
        self.attempts().saturating_add(1)
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
        (_, Event::Outcome { outcome, at }) if may_settle(status, outcome) => Ok(settle(status, outcome, *at)),
        (Status::Acked { .. } | Status::Observed { .. }, Event::Confirmed { grade, at }) => {
            Ok(Status::Confirmed { grade: *grade, at: *at })
        }
        // It never ends while its effect is unknown.
        (_, Event::Ended { end, at }) if may_end(status, end) => Ok(Status::Ended { end: end.clone(), at: *at }),
        _ => Err(illegal()),
    }
}

/// Whether a change that stands here can have this outcome.
const fn may_settle(status: &Status, outcome: &Outcome) -> bool {
    match status {
        // An answer, a read, or the lack of both.
        Status::Intent { .. } => !matches!(outcome, Outcome::Claimed { .. } | Outcome::Overdue),
        // Reading and searching settle what no answer did.
        Status::Ambiguous { .. } => matches!(
            outcome,
            Outcome::Observed | Outcome::Stale { .. } | Outcome::NotApplied | Outcome::Orphaned { .. } | Outcome::Opened { .. }
        ),
        Status::Accepted { .. } => {
            matches!(outcome, Outcome::Acked | Outcome::Rejected { .. } | Outcome::Ambiguous { .. })
        }
        Status::Manual { overdue, .. } => match outcome {
            Outcome::Acked | Outcome::Rejected { .. } | Outcome::Claimed { .. } => true,
            Outcome::Overdue => !*overdue,
            _ => false,
        },
        // It was taken back.
        Status::Orphaned { .. } => matches!(outcome, Outcome::NotApplied),
        // Reading shows that it is not there after all: it is tried again.
        Status::Acked { .. } | Status::Observed { .. } => matches!(outcome, Outcome::NotApplied),
        // Nothing is asked of a target without an intent, and nothing is asked about what is over.
        Status::Ready { .. }
        | Status::Waiting { .. }
        | Status::Moved
        | Status::Refused
        | Status::Confirmed { .. }
        | Status::Ended { .. } => false,
    }
}

/// The status after an outcome that may settle this one.
fn settle(status: &Status, outcome: &Outcome, at: Time) -> Status {
    let attempts = status.attempts();
    match outcome {
        Outcome::Acked | Outcome::Issued { .. } => Status::Acked { attempts, at },
        Outcome::Observed => Status::Observed { attempts, at },
        Outcome::Stale { .. } => Status::Moved,
        Outcome::Throttled { until } => Status::Waiting { attempts, until: *until },
        Outcome::Rejected { .. } => Status::Refused,
        Outcome::NotApplied => Status::Ready { attempts },
        Outcome::Ambiguous { .. } => Status::Ambiguous { attempts },
        Outcome::Accepted { receipt, until } => Status::Accepted { attempts, receipt: receipt.clone(), until: *until },
        Outcome::Opened { item, due } => {
            Status::Manual { attempts, item: item.clone(), due: *due, by: String::new(), overdue: false }
        }
        Outcome::Orphaned { id } => Status::Orphaned { attempts, id: id.clone() },
        Outcome::Claimed { .. } | Outcome::Overdue => manual(status, outcome),
    }
}

/// What a person's work has come to; anything else stays as it is.
fn manual(status: &Status, outcome: &Outcome) -> Status {
    let mut status = status.clone();
    if let Status::Manual { by, overdue, .. } = &mut status {
        match outcome {
            Outcome::Claimed { by: who } => who.clone_into(by),
            _ => *overdue = true,
        }
    }
    status
}

/// Whether a change that stands here can end this way.
const fn may_end(status: &Status, end: &End) -> bool {
    match end {
        End::Superseded => matches!(status, Status::Moved),
        // Whoever waits began, and so all that comes before it is confirmed.
        End::BlockedBy { .. } => matches!(status, Status::Ready { .. }),
        End::Expired | End::Replanned => matches!(status, Status::Ready { .. } | Status::Waiting { .. }),
        End::Failed => matches!(status, Status::Refused),
        End::NotObserved | End::Unverifiable => matches!(status, Status::Acked { .. } | Status::Observed { .. }),
        End::Denied => {
            matches!(status, Status::Ready { .. } | Status::Waiting { .. } | Status::Acked { .. } | Status::Observed { .. })
        }
    }
}
