//! Why a run stopped: one variant per stage, the stage's own error inside.

use std::path::PathBuf;

use crate::commit::CommitError;
use crate::discover::DiscoverError;
use crate::ledger::LedgerError;
use crate::link::LinkError;
use crate::model::RolloutError;
use crate::notary::NotaryError;
use crate::plan::PlanError;
#[cfg(feature = "wasm")]
use crate::rule::AdmitError;
use crate::rule::{Fault, SettingsError};

/// Why a run stopped. Nothing is lost: what is durable stays, and `resume` goes on from there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A source or target could not be read.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// Accounts could not be linked to identities.
    #[error(transparent)]
    Link(#[from] LinkError<Fault>),
    /// The rule failed where a run cannot go on without it.
    #[error(transparent)]
    Judge(#[from] Fault),
    /// Facts cannot be paired into cases.
    #[error("cannot pair facts into cases: {0}")]
    Correlate(String),
    /// This machine cannot run rules.
    #[cfg(feature = "wasm")]
    #[error(transparent)]
    Sandbox(#[from] crate::rule::EngineError),
    /// No randomness for the salts of the audit log.
    #[error("the system gives no randomness: {0}")]
    Randomness(String),
    /// The module is refused.
    #[cfg(feature = "wasm")]
    #[error(transparent)]
    Admit(#[from] AdmitError),
    /// A step of a rule module may not be taken.
    #[error(transparent)]
    Rollout(#[from] RolloutError),
    /// The rule's settings are wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The plan cannot be written or read.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The ledger cannot do what it is asked.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Nothing could be signed, proved or exported. What is durable stays so.
    #[error(transparent)]
    Notary(NotaryError),
    /// Committing stopped.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The store's own files cannot be written or read.
    #[error("cannot use `{}` of the store", path.display())]
    Store {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file of the store holds what no trueup wrote.
    #[error("`{}` of the store is damaged: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A source states a fact about a system that is not configured.
    #[error("source `{from}` speaks of `{target}`, which is no target")]
    UnknownTarget {
        /// The source.
        from: String,
        /// The name.
        target: String,
    },
    /// The plan is of another tenant.
    #[error("the plan is of tenant `{found}`, not of `{expected}`")]
    ForeignPlan {
        /// Whose it is.
        found: String,
        /// Whose this engine is.
        expected: String,
    },
    /// A plan that was applied by hand was interrupted, and the terms that it was sealed under are no longer those of this
    /// engine. What it had sent is settled, and nothing of it is sent any more.
    #[error("plan `{plan}` was begun under another rule, configuration or version; what it had sent is settled, the rest ended")]
    OtherTerms {
        /// The plan.
        plan: String,
    },
    /// The rule answered a batch otherwise than it did before the instant until which it said that its answer holds. Planning
    /// begins again by itself, and judges everything.
    #[error("the rule broke its word about how long its answers hold")]
    Contradicted,
    /// Another call of this engine is at work.
    #[error("this engine is at work already; wait for its other call to end")]
    AtWork,
    /// The pages of a plan's run are gone, damaged or not those that it was made from.
    #[error("what the newest plan saw is no longer there")]
    PagesGone,
    /// What was asked for does not exist.
    #[error("there is no {what} `{name}`")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// How it was named.
        name: String,
    },
}
