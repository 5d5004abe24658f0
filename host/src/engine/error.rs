//! Why a run stopped: one variant per stage, the stage's own error inside.

use std::path::PathBuf;

use crate::audit::VerifyError;
use crate::commit::CommitError;
use crate::discover::DiscoverError;
use crate::export::ExportError;
use crate::ledger::LedgerError;
use crate::link::LinkError;
use crate::model::{Digest, RolloutError, Time};
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
    /// Events could not be made, or sinks not be used. What is durable stays so.
    #[error(transparent)]
    Export(ExportError),
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
    /// An object of a recording is not what was written.
    #[error("object {} in `{}` of the store is damaged: {problem}", object.short(), path.display())]
    DamagedObject {
        /// The file.
        path: PathBuf,
        /// The object's name.
        object: Digest,
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
    /// Something is still needed as it is.
    #[error("{what} `{name}` is not settled yet: what it holds is still needed")]
    Unsettled {
        /// What kind of thing.
        what: &'static str,
        /// How it is named.
        name: String,
    },
    /// The pages of a plan's run are gone, damaged or not those that it was made from.
    #[error("what the newest plan saw is no longer there")]
    PagesGone,
    /// The audit log is not what was written: no question is answered from it.
    #[error("the audit log does not verify")]
    Log(#[from] VerifyError),
    /// Nothing of that name is on record.
    #[error("no {what} `{name}` is on record")]
    Unknown {
        /// What kind of thing.
        what: &'static str,
        /// How it was named.
        name: String,
        /// Names on record that look alike, the nearest first.
        near: Vec<String>,
    },
    /// A beginning of an id fits several things.
    #[error("`{name}` begins the ids of several {what}: `{}`", found.join("`, `"))]
    Ambiguous {
        /// What kind of thing, in the plural.
        what: &'static str,
        /// The beginning.
        name: String,
        /// Some of the ids that it fits.
        found: Vec<String>,
    },
    /// A time that is asked about lies before the first record.
    #[error("nothing is on record of {at}: the audit log begins at {begins}")]
    BeforeLog {
        /// The time.
        at: Time,
        /// When the log begins.
        begins: Time,
    },
    /// A time that is asked about is still to come.
    #[error("{at} is still to come: it is {now}")]
    NotYet {
        /// The time.
        at: Time,
        /// The clock.
        now: Time,
    },
    /// A file that somebody names cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file is too large, or empty.
    #[error("`{}` cannot be attached: an attachment has at least one byte, and at most {most}", path.display())]
    AttachmentSize {
        /// The file.
        path: PathBuf,
        /// How large it may be, in bytes.
        most: u64,
    },
    /// What was asked for does not exist.
    #[error("there is no {what} `{name}`")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// How it was named.
        name: String,
    },
}
