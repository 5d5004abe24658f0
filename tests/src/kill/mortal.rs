//! The parts of an engine, each of which dies when a named point is reached: sources, a target, the ledger, the observer. They
//! change nothing else of what they stand before. Owns where each point is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write as _;
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use trueup::commit::{Event, Outcome};
use trueup::correlate::Recorded;
use trueup::discover::{Cursor, DiscoverError, Page, Source, Subjects};
use trueup::ledger::{
    Batch, BatchId, Entry, Ledger, LedgerError, Owned, Query, RecordedRows, Recovery, Rows, Settled, SqliteLedger, Stage, Ticket,
};
use trueup::model::{CaseKey, ChangeId, Digest, Holding, KeyHash, Lane, Time};
use trueup::progress::{Observer, Progress};
use trueup::target::{EmbeddedTarget, Profile, ReadError, Reading, Target, Write, WriteError, Written};

/// Where a process dies, and what it reached before.
#[derive(Debug, Default)]
pub struct Fate {
    /// The point, and how often it is reached until then, the last time included; none: nowhere.
    point: Option<(String, u64)>,
    reached: Mutex<BTreeMap<String, u64>>,
    /// Changes whose acknowledgement is in a batch that the ledger was given.
    acked: Mutex<BTreeSet<ChangeId>>,
}

impl Fate {
    /// Dies when it reaches this point for the `nth` time.
    #[must_use]
    pub fn at(point: &str, nth: u64) -> Self {
        Fate { point: Some((point.to_owned(), nth)), ..Fate::default() }
    }

    /// How often each point was reached.
    #[must_use]
    pub fn reached(&self) -> BTreeMap<String, u64> {
        self.lock().clone()
    }

    fn acked(&self) -> MutexGuard<'_, BTreeSet<ChangeId>> {
        self.acked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts that a point is reached. True: this is where the process dies.
    fn is_due(&self, point: &str) -> bool {
        let mut reached = self.lock();
        let so_often = reached.entry(point.to_owned()).or_default();
        *so_often += 1;
        self.point.as_ref().is_some_and(|(name, nth)| name == point && *so_often == *nth)
    }

    /// A point is reached: nothing comes after it if it is the one.
    pub fn reach(&self, point: &str) {
        if self.is_due(point) {
            die();
        }
    }
}

/// Dies by SIGKILL, without unwinding or flushing. Whoever called does not go on meanwhile.
pub fn die() {
    let killed = Command::new("kill").args(["-KILL", &std::process::id().to_string()]).status();
    std::thread::sleep(Duration::from_secs(10));
    eprintln!("still alive after {killed:?}");
    std::process::abort();
}

/// A source that tells in a file how many rows it handed out.
pub(super) struct MortalSource {
    pub(super) inner: Arc<dyn Source>,
    pub(super) fate: Arc<Fate>,
    pub(super) told: Mutex<File>,
}

#[trueup::async_trait]
impl Source for MortalSource {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn covers(&self) -> &[String] {
        self.inner.covers()
    }

    fn subjects(&self) -> Subjects {
        self.inner.subjects()
    }

    fn place(&self) -> &str {
        self.inner.place()
    }

    async fn version(&self) -> Result<String, DiscoverError> {
        self.inner.version().await
    }

    async fn page(&self, after: Option<&Cursor>) -> Result<Page, DiscoverError> {
        let page = self.inner.page(after).await?;
        let rows = page.facts.len() + page.people.len() + page.entitlements.len();
        // In one piece: sources are read side by side, and each has the file opened for itself.
        let line = format!("{} {rows}\n", self.name());
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
        told.map_err(|error| DiscoverError::Unreadable { name: self.name().to_owned(), problem: error.to_string() })?;
        self.fate.reach("page.read");
        Ok(page)
    }

    fn read_at(&self) -> Option<Time> {
        self.inner.read_at()
    }
}

/// How long a read-back waits for an acknowledgement to be on its way to the disk, in milliseconds: far longer than it takes.
const ACKED_MILLISECONDS: u32 = 5_000;

/// The target. It answers a moment later, as one over a network would, and shows what was written only when its
/// acknowledgement is on its way to the disk: so an outcome is always durable some time before the evidence is.
pub(super) struct MortalTarget {
    pub(super) inner: EmbeddedTarget,
    pub(super) fate: Arc<Fate>,
    pub(super) written: Mutex<BTreeMap<CaseKey, ChangeId>>,
}

impl MortalTarget {
    fn written(&self) -> MutexGuard<'_, BTreeMap<CaseKey, ChangeId>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[trueup::async_trait]
impl Target for MortalTarget {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn profile(&self) -> &Profile {
        self.inner.profile()
    }

    async fn version(&self) -> Result<String, DiscoverError> {
        self.inner.version().await
    }

    async fn page(&self, after: Option<&Cursor>) -> Result<Page, DiscoverError> {
        self.inner.page(after).await
    }

    async fn read(&self, key: &CaseKey) -> Result<Reading, ReadError> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let change = self.written().get(key).copied();
        self.fate.reach(if change.is_some() { "verify.read" } else { "case.read" });
        for _ in 0..ACKED_MILLISECONDS {
            if change.is_none_or(|change| self.fate.acked().contains(&change)) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.inner.read(key).await
    }

    async fn write(&self, write: Write<'_>) -> Result<Written, WriteError> {
        let (begun, applied) = match write.change.lane {
            Lane::Emergency => ("emergency.begun", "emergency.applied"),
            _ => ("send.begun", "send.applied"),
        };
        let (key, change) = (write.change.key.clone(), write.change.id);
        self.fate.reach(begun);
        let written = self.inner.write(write).await?;
        self.written().insert(key, change);
        self.fate.reach(applied);
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(written)
    }

    async fn held_by(&self, holder: &str) -> Result<Vec<(CaseKey, Holding)>, ReadError> {
        self.inner.held_by(holder).await
    }
}

/// The ledger.
pub(super) struct MortalLedger {
    pub(super) inner: SqliteLedger,
    pub(super) fate: Arc<Fate>,
}

/// What a batch says, as points name it.
fn says(batch: &Batch) -> BTreeSet<&'static str> {
    let alone = batch.entries.iter().all(|entry| matches!(entry, Entry::Run(_)));
    let mut all: BTreeSet<&'static str> = BTreeSet::new();
    for entry in &batch.entries {
        all.extend(match entry {
            Entry::Run(run) => match run.stage {
                Stage::Discovering => Some("run"),
                Stage::Sealed => Some("seal"),
                Stage::Committing if alone => Some("lease"),
                Stage::Committing => Some("checkpoint"),
                Stage::Done => Some("end"),
                _ => None,
            },
            Entry::Change { event, .. } => match event {
                Event::Intent { .. } => Some("intent"),
                Event::Outcome { outcome: Outcome::Acked | Outcome::Observed, .. } => Some("outcome"),
                Event::Confirmed { .. } => Some("confirmed"),
                _ => None,
            },
            Entry::Denied(denial) => Some(if denial.settled_at.is_some() { "settled" } else { "denial" }),
            _ => None,
        });
    }
    all
}

/// The changes that a batch says were acknowledged.
fn acknowledged(batch: &Batch) -> impl Iterator<Item = ChangeId> + '_ {
    batch.entries.iter().filter_map(|entry| match entry {
        Entry::Change { change, event: Event::Outcome { outcome: Outcome::Acked, .. }, .. } => Some(*change),
        _ => None,
    })
}

impl Ledger for MortalLedger {
    fn acquire(&self, tenant: &str) -> Result<Owned, LedgerError> {
        self.inner.acquire(tenant)
    }

    fn recover(&self, owned: &Owned) -> Result<Recovery, LedgerError> {
        self.inner.recover(owned)
    }

    fn submit(&self, owned: &Owned, batch: Batch) -> Result<Ticket, LedgerError> {
        let says = says(&batch);
        let acked: Vec<ChangeId> = acknowledged(&batch).collect();
        says.iter().for_each(|what| self.fate.reach(&format!("{what}.unflushed")));
        let mut ticket = self.inner.submit(owned, batch)?;
        if says.iter().filter(|what| self.fate.is_due(&format!("{what}.durable"))).count() > 0 {
            // It is durable, and nobody was told.
            ticket.block();
            die();
        }
        self.fate.acked().extend(acked);
        Ok(ticket)
    }

    fn wait(&self, ticket: Ticket) -> Result<Settled, LedgerError> {
        self.inner.wait(ticket)
    }

    fn resolve(&self, owned: &Owned, id: BatchId) -> Result<bool, LedgerError> {
        self.inner.resolve(owned, id)
    }

    fn read(&self, tenant: &str, query: &Query) -> Result<Rows, LedgerError> {
        self.inner.read(tenant, query)
    }

    fn recorded(&self, tenant: &str) -> Result<RecordedRows<'_>, LedgerError> {
        self.inner.recorded(tenant)
    }

    fn recorded_of(&self, tenant: &str, key: KeyHash) -> Result<Option<Recorded>, LedgerError> {
        self.inner.recorded_of(tenant, key)
    }

    fn recorded_root(&self, tenant: &str) -> Result<Digest, LedgerError> {
        self.inner.recorded_root(tenant)
    }

    fn compact(&self, owned: &Owned) -> Result<Digest, LedgerError> {
        let root = self.inner.compact(owned)?;
        self.fate.reach("compact.done");
        Ok(root)
    }
}

/// What a run tells of itself, and what somebody else does when it has sent something.
pub(super) struct MortalObserver {
    pub(super) fate: Arc<Fate>,
    pub(super) on_first_sent: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Observer for MortalObserver {
    fn on(&self, step: &Progress) {
        match step {
            Progress::Page { .. } => self.fate.reach("page.stored"),
            Progress::Judge { .. } => self.fate.reach("judge"),
            Progress::Part { done: 0, .. } => self.fate.reach("facts.dealt"),
            Progress::Part { .. } => self.fate.reach("part.written"),
            Progress::Seal { .. } => self.fate.reach("seal.writing"),
            Progress::Sent { .. } => {
                let then = self.on_first_sent.lock().unwrap_or_else(PoisonError::into_inner).take();
                then.into_iter().for_each(|then| then());
            }
            _ => {}
        }
    }
}
