//! The durable truth: events before effects, recorded state, gates, and the audit log's leaves, in ordered atomic
//! batches. The only user of a database besides the embedded target. Knows nothing of how the events come about.

mod aside;
#[cfg(any(test, feature = "sqlite"))]
mod base;
mod batch;
#[cfg(test)]
mod conformance;
#[cfg(all(test, target_os = "linux"))]
pub(crate) mod fixture;
mod memory;
#[cfg(any(test, feature = "sqlite"))]
mod merge;
mod row;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use aside::{read_aside, write_aside};
pub use batch::{Adoption, AuditBody, Batch, BatchId, Entry, Leaf, LeafKind, Opening, RunRow, ScanCount, Stage, StoredLeaf};
pub use memory::{Fault, MemoryLedger};
#[cfg(feature = "sqlite")]
pub(crate) use row::{ROW_BYTES, from_bytes, to_bytes};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteLedger;

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use crate::audit::{LeafError, LogHead};
use crate::commit::Event;
use crate::correlate::Recorded;
use crate::model::{ChangeId, Denial, Digest, KeyHash, PlanId, RuleStep};

/// The right to write for one tenant: made by [`Ledger::acquire`] alone, and not `Clone`, so that there is one writer.
#[derive(Debug)]
pub struct Owned {
    pub(crate) tenant: String,
    pub(crate) epoch: u64,
}

impl Owned {
    /// The fence of this writer: higher than that of every writer before.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The tenant.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.tenant
    }
}

/// A submitted batch on its way to disk.
#[derive(Debug)]
#[must_use = "a batch is durable only when `wait` says so"]
pub struct Ticket {
    id: BatchId,
    answer: Receiver<Result<Settled, LedgerError>>,
    settled: Option<Result<Settled, LedgerError>>,
}

impl Ticket {
    /// Of a batch that is settled already.
    pub fn settled(id: BatchId, settled: Result<Settled, LedgerError>) -> Self {
        let (sender, answer) = sync_channel(1);
        // The receiver is here, and there is room for one: this cannot fail.
        drop(sender.send(settled));
        Ticket { id, answer, settled: None }
    }

    /// Of a batch that another thread settles.
    #[cfg_attr(not(feature = "sqlite"), expect(dead_code, reason = "for stores with a writer of their own"))]
    pub(crate) fn awaited(id: BatchId, answer: Receiver<Result<Settled, LedgerError>>) -> Self {
        Ticket { id, answer, settled: None }
    }

    /// Whether waiting for it takes no time.
    pub fn is_settled(&mut self) -> bool {
        if self.settled.is_none() {
            self.settled = match self.answer.try_recv() {
                Ok(settled) => Some(settled),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => Some(Ok(Settled::Unknown(self.id))),
            };
        }
        self.settled.is_some()
    }

    /// Blocks until it is settled.
    pub fn block(&mut self) {
        if self.settled.is_none() {
            self.settled = Some(self.answer.recv().unwrap_or(Ok(Settled::Unknown(self.id))));
        }
    }

    /// Waits until the batch is settled. A writer that is gone without an answer may have written it.
    pub(crate) fn wait(mut self) -> Result<Settled, LedgerError> {
        self.block();
        self.settled.unwrap_or(Ok(Settled::Unknown(self.id)))
    }

    /// Names the batch.
    #[must_use]
    pub const fn id(&self) -> BatchId {
        self.id
    }
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Settled {
    /// Durable. The head of the audit log after it.
    Committed(LogHead),
    /// A higher epoch exists: this writer must stop.
    Fenced,
    /// The flush failed: it may or may not be durable. Ask [`Ledger::resolve`] after reopening.
    Unknown(BatchId),
}

/// What a writer finds when it takes over.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Recovery {
    /// The run that has not ended, if any.
    pub run: Option<RunRow>,
    /// Head of the audit log.
    pub head: LogHead,
    /// Highest run number so far.
    pub last_run: u64,
}

/// The closed set of questions.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Query {
    /// All events of a plan's changes, in the order of being recorded.
    Events(PlanId),
    /// All openings of gates, the last per change and gate.
    Openings,
    /// All adoptions of scopes, the last per scope, mode and module.
    Adoptions,
    /// All denials, the last per target, holder and object; lifted ones too.
    Denials,
    /// All steps of rule modules, in their order.
    RuleSteps,
    /// Last complete counts of scans, one per source, side and target.
    ScanCounts,
    /// The newest runs first, at most this many.
    Runs(u32),
    /// Leaves from this index, at most this many.
    Leaves(u64, u32),
    /// Hashes of leaves from this index, at most this many: what proofs are made of, without the leaves.
    LeafHashes(u64, u32),
    /// Size and root of the audit log.
    LogHead,
}

/// What a query found.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Rows {
    /// Of [`Query::Events`].
    Events(Vec<(ChangeId, Event)>),
    /// Of [`Query::Openings`].
    Openings(Vec<Opening>),
    /// Of [`Query::Adoptions`].
    Adoptions(Vec<Adoption>),
    /// Of [`Query::Denials`].
    Denials(Vec<Denial>),
    /// Of [`Query::RuleSteps`].
    RuleSteps(Vec<RuleStep>),
    /// Of [`Query::ScanCounts`].
    ScanCounts(Vec<ScanCount>),
    /// Of [`Query::Runs`].
    Runs(Vec<RunRow>),
    /// Of [`Query::Leaves`].
    Leaves(Vec<StoredLeaf>),
    /// Of [`Query::LeafHashes`].
    LeafHashes(Vec<Digest>),
    /// Of [`Query::LogHead`].
    LogHead(LogHead),
}

/// Rows of recorded state in ascending order of their keys.
pub type RecordedRows<'a> = Box<dyn Iterator<Item = Result<Recorded, LedgerError>> + Send + 'a>;

/// A place where batches become durable.
pub trait Ledger: Send + Sync {
    /// Becomes the tenant's one writer, with an epoch above all before.
    ///
    /// # Errors
    /// [`LedgerError::Busy`] when another process is.
    fn acquire(&self, tenant: &str) -> Result<Owned, LedgerError>;

    /// What a writer must know to go on. After a refused batch the writer is stopped until it asks this.
    ///
    /// # Errors
    /// When the store cannot be read or contradicts itself.
    fn recover(&self, owned: &Owned) -> Result<Recovery, LedgerError>;

    /// Queues a batch; batches become durable in the order of being submitted. A batch of unknown fate and a refused one
    /// stop the writer: later batches, also those already queued, are refused with [`LedgerError::Stopped`], so that
    /// nothing becomes durable after a gap.
    ///
    /// # Errors
    /// When the writer is gone.
    fn submit(&self, owned: &Owned, batch: Batch) -> Result<Ticket, LedgerError>;

    /// Waits until a batch is settled.
    ///
    /// # Errors
    /// When the store refused the batch as a whole, with nothing written (a full disk before the flush).
    fn wait(&self, ticket: Ticket) -> Result<Settled, LedgerError>;

    /// Whether a batch of unknown fate is durable: reopens the store, looks, and lets the writer go on.
    ///
    /// # Errors
    /// When the store cannot be reopened.
    fn resolve(&self, owned: &Owned, id: BatchId) -> Result<bool, LedgerError>;

    /// Answers a query from committed state.
    ///
    /// # Errors
    /// When the store cannot be read or holds what no version of trueup wrote.
    fn read(&self, tenant: &str, query: &Query) -> Result<Rows, LedgerError>;

    /// Reads everything that is stored, and holds each row and what places it against itself. What the audit log says is for
    /// whoever verifies that.
    ///
    /// # Errors
    /// [`LedgerError::Corrupt`] names the first place that is not as it was written.
    fn check(&self, tenant: &str) -> Result<(), LedgerError> {
        self.recorded(tenant)?.try_for_each(|row| row.map(drop))
    }

    /// Recorded state in ascending order of keys: the sorted base merged with what changed since.
    ///
    /// # Errors
    /// When it cannot be read.
    fn recorded(&self, tenant: &str) -> Result<RecordedRows<'_>, LedgerError>;

    /// What is recorded of one case.
    ///
    /// # Errors
    /// When it cannot be read.
    fn recorded_of(&self, tenant: &str, key: KeyHash) -> Result<Option<Recorded>, LedgerError> {
        self.recorded(tenant)?
            .find(|row| row.as_ref().map_or(true, |row| row.key >= key))
            .transpose()
            .map(|row| row.filter(|row| row.key == key))
    }

    /// Digest of recorded state: equal for equal rows, whatever was merged when.
    ///
    /// # Errors
    /// When it cannot be read.
    fn recorded_root(&self, tenant: &str) -> Result<Digest, LedgerError> {
        let mut hasher = row::RootHasher::default();
        self.recorded(tenant)?.try_for_each(|row| row.map(|row| hasher.add(&row::to_bytes(&row))))?;
        Ok(hasher.root())
    }

    /// Merges what changed into a new sorted base and gives its root, which is that of recorded state. Safe to repeat
    /// after a crash.
    ///
    /// # Errors
    /// When it cannot be written; the old base then still holds.
    fn compact(&self, owned: &Owned) -> Result<Digest, LedgerError>;

    /// Gives back the room of what was removed, so that nothing of it is left in the store's files. Takes as long as writing
    /// all that stays, and as much room. Safe to repeat after a crash.
    ///
    /// # Errors
    /// When there is no room to write anew what stays; nothing is lost then.
    fn shrink(&self, owned: &Owned) -> Result<(), LedgerError> {
        let _ = owned;
        Ok(())
    }
}

/// Why the ledger cannot do what it is asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// Another process owns it.
    #[error("the ledger in `{}` is in use by another process", path.display())]
    Busy {
        /// Its directory.
        path: PathBuf,
    },
    /// A newer trueup wrote it.
    #[error("the ledger in `{}` has format {found}; this trueup reads up to {supported}", path.display())]
    Newer {
        /// Its directory.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// What this version reads.
        supported: u32,
    },
    /// Nobody has written there yet.
    #[error("there is no ledger in `{}` yet", path.display())]
    Absent {
        /// Its directory.
        path: PathBuf,
    },
    /// There is no room, or the directory cannot be written. Nothing of the batch was written.
    #[error("cannot write the ledger in `{}`: {problem}", path.display())]
    Unwritable {
        /// Its directory.
        path: PathBuf,
        /// What the system says.
        problem: String,
    },
    /// The store holds what no trueup wrote.
    #[error("the ledger in `{}` is damaged: {problem}", path.display())]
    Corrupt {
        /// Its directory.
        path: PathBuf,
        /// What and where.
        problem: String,
    },
    /// It cannot be read.
    #[error("cannot read the ledger in `{}`: {problem}", path.display())]
    Unreadable {
        /// Its directory.
        path: PathBuf,
        /// What the system says.
        problem: String,
    },
    /// A leaf of the batch cannot be written. Nothing of the batch was written.
    #[error("a leaf cannot be appended to the audit log")]
    Leaf(#[from] LeafError),
    /// An earlier batch was refused or is of unknown fate. Nothing of this one was written.
    #[error("an earlier batch was not written; resolve or recover first")]
    Stopped,
    /// A higher epoch exists.
    #[error("another writer took over; this one has stopped")]
    Fenced,
}
