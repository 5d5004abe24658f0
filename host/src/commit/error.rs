//! Why committing stopped.

use super::IllegalEvent;
use crate::ledger::LedgerError;
use crate::model::ChangeId;

/// Why committing stopped. Whatever is durable stays so: the same plan can be committed again and goes on from there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// The plan cannot be read any further.
    #[error("cannot read the plan")]
    Plan(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The plan's changes are not in the order of waves and steps.
    #[error("the plan is out of order at change `{change}`")]
    Order {
        /// The change.
        change: ChangeId,
    },
    /// A change of a plan is in the emergency lane, which only a call opens (V28): somebody else wrote that plan.
    #[error("change `{change}` of the plan is in the emergency lane, which no plan opens")]
    Lane {
        /// The change.
        change: ChangeId,
    },
    /// A change names no case of recorded state.
    #[error("change `{change}` has no valid recorded key: `{found}`")]
    RecordedKey {
        /// The change.
        change: ChangeId,
        /// What it has instead.
        found: String,
    },
    /// The stored events of a change contradict each other.
    #[error("the ledger contradicts itself about change `{change}`")]
    Contradiction {
        /// The change.
        change: ChangeId,
        /// How.
        source: IllegalEvent,
    },
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The ledger lost a batch before anything that it held the intents of was sent.
    #[error("the ledger did not take the last batch, of which nothing was sent; start again to go on")]
    NotDurable,
    /// Another writer took over.
    #[error("another writer took over; this one has stopped")]
    Fenced,
    /// A change waits for nothing that can happen: a mistake of trueup's.
    #[error("change `{change}` waits for nothing that can happen; start again to go on")]
    Stuck {
        /// The change.
        change: ChangeId,
    },
}
