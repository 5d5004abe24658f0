//! The seam for systems that hold access. Owns what a target can say and do; which write comes next is for `commit`.

#[cfg(feature = "sqlite")]
mod embedded;

#[cfg(feature = "sqlite")]
pub use embedded::{EmbeddedError, EmbeddedRow, EmbeddedTarget, JournalRow};

use async_trait::async_trait;

use crate::discover::{Cursor, DiscoverError, Page};
use crate::model::{Attribute, CaseKey, Change, Holding, State, Time};

/// What a target can do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// How ambiguity is settled.
    pub class: Class,
    /// The attributes that it stores; others are neither compared nor written.
    pub attributes: Vec<Attribute>,
    /// Whether accounts are objects of their own there.
    pub accounts: bool,
    /// How long after an acknowledged write a read may still show the state before, in seconds.
    pub read_lag: u32,
    /// How long a request may take to land, queueing included, in seconds.
    pub landing_bound: u32,
    /// Grade of the evidence that a read-back gives.
    pub grade: Grade,
}

impl Profile {
    /// A profile of this class that stores no attributes, reads consistently and lands within a minute.
    #[must_use]
    pub fn new(class: Class) -> Self {
        Profile { class, attributes: Vec::new(), accounts: false, read_lag: 0, landing_bound: 60, grade: Grade::E3 }
    }
}

/// Capability class of a target's writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Class {
    /// Conditional writes that are naturally idempotent.
    K0,
}

/// How good the evidence is that a change took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Grade {
    /// A person says so.
    E0,
    /// The API acknowledged it.
    E1,
    /// The target's own log says so.
    E2,
    /// Read back by the path that wrote it.
    E3,
    /// Read back by another path.
    E4,
}

/// A target's token for the state of a resource: opaque, only ever sent back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version(pub String);

/// One read of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What the target holds.
    pub state: State,
    /// The token to condition a write on.
    pub version: Version,
}

/// One conditional write.
#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
    /// What to do.
    pub change: &'a Change,
    /// What shall be held afterwards.
    pub after: Option<&'a Holding>,
    /// Only if the resource still has this version.
    pub version: &'a Version,
    /// The writer's epoch: a target that stores it refuses lower ones.
    pub fence: u64,
    /// The instant of the attempt.
    pub at: Time,
}

/// Why a write did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The resource moved since it was read. Nothing was written.
    #[error("the resource changed since it was read")]
    Precondition,
    /// Try again later. Nothing was written.
    #[error("the target asks to wait {seconds} s")]
    Throttled {
        /// For how long.
        seconds: u32,
    },
    /// The target will never do this. Nothing was written.
    #[error("the target refused: {message}")]
    Rejected {
        /// Its words.
        message: String,
    },
    /// A writer with a higher fence was here: this one must stop. Nothing was written.
    #[error("another writer took over this target")]
    Fenced,
    /// Nobody knows whether it was written.
    #[error("no answer from the target: {message}")]
    Ambiguous {
        /// What happened.
        message: String,
    },
}

/// Why a read failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read `{key}`: {message}")]
pub struct ReadError {
    /// The case.
    pub key: String,
    /// What happened.
    pub message: String,
}

/// A system that holds access.
#[async_trait]
pub trait Target: Send + Sync {
    /// Its name in the configuration and in facts.
    fn name(&self) -> &str;

    /// What it can do.
    fn profile(&self) -> &Profile;

    /// Names the state of the target before a listing, as for [`crate::Source::version`].
    ///
    /// # Errors
    /// When the target cannot be reached.
    async fn version(&self) -> Result<String, DiscoverError>;

    /// Lists what it holds, page by page.
    ///
    /// # Errors
    /// When it cannot be read; the scan is then incomplete.
    async fn page(&self, after: Option<&Cursor>) -> Result<Page, DiscoverError>;

    /// Reads one case.
    ///
    /// # Errors
    /// When the target cannot say.
    async fn read(&self, key: &CaseKey) -> Result<Reading, ReadError>;

    /// Writes one case.
    ///
    /// # Errors
    /// See [`WriteError`]; anything not known to be unapplied must be [`WriteError::Ambiguous`].
    async fn write(&self, write: Write<'_>) -> Result<(), WriteError>;
}
