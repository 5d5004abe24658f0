//! The one thread that writes: it owns the only connection that can, orders batches, and decides when to flush, to
//! checkpoint and to start over after a failed flush. Owns no statement of a batch.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::apply::Tenant;
use super::checked::opened;
use super::{StoreError, open};
use crate::audit::{Frontier, LogHead};
use crate::ledger::base::{UNFINISHED, file_name};
use crate::ledger::{Batch, BatchId, Fault, LedgerError, Owned, Recovery, RunRow, Settled};
use crate::limits::{LEDGER_CHECKPOINT_ROWS, LEDGER_GROUP_ROWS, LEDGER_QUEUE_BATCHES};
use crate::model::Digest;

/// Where an answer goes.
pub(super) type Reply<T> = SyncSender<Result<T, LedgerError>>;

/// One submitted batch.
pub(super) struct Job {
    pub(super) tenant: String,
    pub(super) id: BatchId,
    pub(super) batch: Batch,
    pub(super) reply: Reply<Settled>,
}

impl Job {
    fn rows(&self) -> usize {
        1 + self.batch.entries.len() + self.batch.leaves.len()
    }
}

/// A merged base takes the place of the one before.
#[derive(Clone, Copy)]
pub(super) struct Rebase {
    pub(super) from: Option<Digest>,
    pub(super) to: Digest,
    /// Heads up to this serial are in it.
    pub(super) serial: u64,
}

/// What the writer is asked.
pub(super) enum Command {
    Acquire {
        tenant: String,
        reply: Reply<Owned>,
    },
    Recover {
        tenant: String,
        epoch: u64,
        reply: Reply<Recovery>,
    },
    Batch(Job),
    Resolve {
        tenant: String,
        epoch: u64,
        id: BatchId,
        reply: Reply<bool>,
    },
    Rebase {
        tenant: String,
        epoch: u64,
        rebase: Rebase,
        reply: Reply<()>,
    },
    Shrink {
        reply: Reply<()>,
    },
    /// Whatever a test wants done between two commands.
    #[cfg(test)]
    Test(Box<dyn FnOnce(&mut State) + Send>),
}

/// The handle of the thread. Dropping it ends the thread after what is queued.
pub(super) struct Writer {
    dir: PathBuf,
    queue: Option<SyncSender<Command>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Opens the store and starts the thread.
    pub(super) fn start(dir: &Path) -> Result<Self, LedgerError> {
        let mut state = State::new(dir);
        state.connection().and_then(|conn| tidy(dir, conn)).map_err(|e| e.writing(dir))?;
        let (queue, commands) = sync_channel(LEDGER_QUEUE_BATCHES);
        let thread = std::thread::Builder::new().name("trueup-ledger".to_owned()).spawn(move || state.run(&commands));
        let thread = thread.map_err(|e| StoreError::Unusable(e.to_string()).writing(dir))?;
        Ok(Writer { dir: dir.to_owned(), queue: Some(queue), thread: Some(thread) })
    }

    /// Queues a command; waits while the queue is full.
    pub(super) fn send(&self, command: Command) -> Result<(), LedgerError> {
        let sent = self.queue.as_ref().is_some_and(|queue| queue.send(command).is_ok());
        if sent { Ok(()) } else { Err(self.gone()) }
    }

    /// The thread ended by a defect of ours.
    pub(super) fn gone(&self) -> LedgerError {
        LedgerError::Unwritable { path: self.dir.clone(), problem: "its writer ended; open it again".to_owned() }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // A writer that ended by a panic has nothing to tell: its callers learnt it from their tickets.
            drop(thread.join());
        }
    }
}

/// The newest run that is not over.
fn newest(conn: &Connection, sql: &str, tenant: u64) -> Result<Option<RunRow>, StoreError> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([tenant])?;
    while let Some(row) = rows.next()? {
        let run: RunRow = opened("runs", row)?;
        if !run.stage.is_over() {
            return Ok(Some(run));
        }
    }
    Ok(None)
}

/// Removes files that no tenant names: what an interrupted merge left.
fn tidy(dir: &Path, conn: &Connection) -> Result<(), StoreError> {
    let mut named = BTreeSet::new();
    let mut statement = conn.prepare("SELECT id, base FROM tenants WHERE base IS NOT NULL")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        named.insert(file_name(row.get(0)?, Digest(row.get(1)?)));
    }
    let unusable = |e: std::io::Error| StoreError::Unusable(e.to_string());
    for file in fs::read_dir(dir).map_err(unusable)? {
        let file = file.map_err(unusable)?;
        let name = file.file_name();
        let name = name.to_string_lossy();
        let ours = name.starts_with(UNFINISHED) || name.starts_with("recorded-");
        if ours && !named.contains(&*name) {
            fs::remove_file(file.path()).map_err(unusable)?;
        }
    }
    Ok(())
}

/// Why a group of batches did not become durable.
enum Failed {
    /// Before COMMIT: nothing was written.
    Before(StoreError),
    /// At COMMIT: nobody knows.
    AtCommit,
}

impl<E: Into<StoreError>> From<E> for Failed {
    fn from(e: E) -> Self {
        Self::Before(e.into())
    }
}

/// What the thread holds.
pub(super) struct State {
    dir: PathBuf,
    /// None before the first use, and after a failed flush: what it holds in memory is not to be believed.
    conn: Option<Connection>,
    /// Tenants whose last batch was refused or is of unknown fate.
    stopped: BTreeSet<String>,
    /// Rows written since the last checkpoint.
    unmoved: usize,
    /// What a test wants the next flush to meet.
    pub(super) fault: Option<Fault>,
}

/// Commits, unless a test wants otherwise.
fn flush(tx: Transaction<'_>, fault: Option<Fault>) -> Result<(), Failed> {
    match fault {
        None => tx.commit().map_err(|_| Failed::AtCommit),
        Some(Fault::Refused) => Err(StoreError::Unusable("no room is left".to_owned()).into()),
        Some(Fault::UnknownLost) => Err(Failed::AtCommit),
        Some(Fault::UnknownKept) => tx.commit().map_err(|_| Failed::AtCommit).and(Err(Failed::AtCommit)),
    }
}

impl State {
    fn new(dir: &Path) -> Self {
        State { dir: dir.to_owned(), conn: None, stopped: BTreeSet::new(), unmoved: 0, fault: None }
    }

    pub(super) fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        match &mut self.conn {
            Some(conn) => Ok(conn),
            none => Ok(none.insert(open::writer(&self.dir)?)),
        }
    }

    fn run(mut self, commands: &Receiver<Command>) {
        let mut next = commands.recv().ok();
        while let Some(command) = next.take() {
            match command {
                Command::Batch(job) => {
                    // What was queued while the last group was being flushed shares the next flush.
                    let mut rows = job.rows();
                    let mut jobs = vec![job];
                    while rows < LEDGER_GROUP_ROWS {
                        match commands.try_recv() {
                            Ok(Command::Batch(job)) => {
                                rows += job.rows();
                                jobs.push(job);
                            }
                            other => {
                                next = other.ok();
                                break;
                            }
                        }
                    }
                    self.group(jobs);
                    self.checkpoint(rows);
                }
                other => self.answer(other),
            }
            next = next.or_else(|| commands.recv().ok());
        }
    }

    fn answer(&mut self, command: Command) {
        // A caller that went away needs no answer.
        match command {
            Command::Acquire { tenant, reply } => {
                let answer = self.acquire(&tenant).map_err(|e| e.writing(&self.dir));
                drop(reply.send(answer));
            }
            Command::Recover { tenant, epoch, reply } => {
                let answer = self.recover(&tenant, epoch).map_err(|e| e.reading(&self.dir));
                drop(reply.send(answer));
            }
            Command::Resolve { tenant, epoch, id, reply } => {
                let answer = self.resolve(&tenant, epoch, id).map_err(|e| e.writing(&self.dir));
                drop(reply.send(answer));
            }
            Command::Rebase { tenant, epoch, rebase, reply } => {
                let answer = self.rebase(&tenant, epoch, rebase).map_err(|e| e.writing(&self.dir));
                drop(reply.send(answer));
            }
            Command::Shrink { reply } => {
                let answer = self.shrink().map_err(|e| e.writing(&self.dir));
                drop(reply.send(answer));
            }
            Command::Batch(job) => self.group(vec![job]),
            #[cfg(test)]
            Command::Test(work) => work(self),
        }
    }

    /// Settles batches with one flush; when one is refused, each with its own.
    fn group(&mut self, jobs: Vec<Job>) {
        let (stopped, jobs): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| self.stopped.contains(&job.tenant));
        for job in stopped {
            drop(job.reply.send(Err(LedgerError::Stopped)));
        }
        match self.write(&jobs) {
            Ok(settled) => {
                for (job, settled) in jobs.into_iter().zip(settled) {
                    drop(job.reply.send(Ok(settled)));
                }
            }
            Err(Failed::AtCommit) => {
                self.conn = None;
                for job in jobs {
                    drop(job.reply.send(Ok(Settled::Unknown(job.id))));
                    self.stopped.insert(job.tenant);
                }
            }
            Err(Failed::Before(e)) => match <[Job; 1]>::try_from(jobs) {
                Ok([job]) => {
                    drop(job.reply.send(Err(e.writing(&self.dir))));
                    self.stopped.insert(job.tenant);
                }
                Err(jobs) => jobs.into_iter().for_each(|job| self.group(vec![job])),
            },
        }
    }

    fn write(&mut self, jobs: &[Job]) -> Result<Vec<Settled>, Failed> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let fault = self.fault.take();
        let tx = self.connection()?.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut tenants = BTreeMap::new();
        let mut settled = Vec::with_capacity(jobs.len());
        for job in jobs {
            if !tenants.contains_key(&job.tenant) {
                tenants.insert(&job.tenant, Tenant::load(&tx, &job.tenant)?);
            }
            let (epoch, _) = job.id.parts();
            settled.push(match tenants.get_mut(&job.tenant) {
                Some(Some(tenant)) if tenant.epoch == epoch => Settled::Committed(tenant.apply(&tx, job.id, &job.batch)?),
                _ => Settled::Fenced,
            });
        }
        for tenant in tenants.values().flatten() {
            tenant.store(&tx)?;
        }
        flush(tx, fault)?;
        Ok(settled)
    }

    /// Moves what is durable in the write-ahead log into the database, once there is much of it.
    pub(super) fn checkpoint(&mut self, rows: usize) {
        self.unmoved += rows;
        if self.unmoved < LEDGER_CHECKPOINT_ROWS {
            return;
        }
        self.unmoved = 0;
        let moved = self.connection().and_then(|conn| Ok(conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?));
        if moved.is_err() {
            // Nothing is lost, all of it is in the log; but a flush failed, so nothing in memory is believed from here.
            self.conn = None;
        }
    }

    fn acquire(&mut self, tenant: &str) -> Result<Owned, StoreError> {
        self.in_one_commit(|tx| {
            let LogHead { size, root } = Frontier::default().head();
            let sql = "INSERT INTO tenants (name, epoch, serial, log_size, log_root, frontier) VALUES (?1, 0, 0, ?2, ?3, x'') \
                       ON CONFLICT (name) DO NOTHING";
            tx.execute(sql, params![tenant, size, root.0])?;
            let mut found = Tenant::load(tx, tenant)?.ok_or(StoreError::Fenced)?;
            found.epoch += 1;
            found.store(tx)?;
            // Nobody can ask for a batch of an epoch that is over.
            tx.execute("DELETE FROM batches WHERE tenant = ?1", [found.id])?;
            Ok(Owned { tenant: tenant.to_owned(), epoch: found.epoch })
        })
        .inspect(|_| _ = self.stopped.remove(tenant))
    }

    fn recover(&mut self, tenant: &str, epoch: u64) -> Result<Recovery, StoreError> {
        let conn = self.connection()?;
        let found = Tenant::owned(conn, tenant, epoch)?;
        let sql = "SELECT row, tenant, run FROM runs WHERE tenant = ?1 ORDER BY run DESC";
        let run = newest(conn, sql, found.id)?;
        let last = "SELECT max(run) FROM runs WHERE tenant = ?1";
        let last: Option<u64> = conn.query_row(last, [found.id], |row| row.get(0))?;
        self.stopped.remove(tenant);
        Ok(Recovery { run, head: found.frontier.head(), last_run: last.unwrap_or(0) })
    }

    fn resolve(&mut self, tenant: &str, epoch: u64, id: BatchId) -> Result<bool, StoreError> {
        self.conn = None;
        let conn = self.connection()?;
        let found = Tenant::owned(conn, tenant, epoch)?;
        let (epoch, number) = id.parts();
        let sql = "SELECT 1 FROM batches WHERE tenant = ?1 AND epoch = ?2 AND number = ?3";
        let durable = conn.query_one(sql, params![found.id, epoch, number], |_| Ok(())).optional()?.is_some();
        self.stopped.remove(tenant);
        Ok(durable)
    }

    fn rebase(&mut self, tenant: &str, epoch: u64, rebase: Rebase) -> Result<(), StoreError> {
        self.in_one_commit(|tx| {
            let mut found = Tenant::owned(tx, tenant, epoch)?;
            if found.base != rebase.from {
                return Err(StoreError::Fenced);
            }
            found.base = Some(rebase.to);
            found.store(tx)?;
            let sql = "DELETE FROM heads WHERE tenant = ?1 AND serial <= ?2";
            tx.execute(sql, params![found.id, rebase.serial])?;
            Ok(())
        })
    }

    /// Writes the database anew without the pages that nothing is on, and empties the write-ahead log.
    fn shrink(&mut self) -> Result<(), StoreError> {
        self.unmoved = 0;
        let conn = self.connection()?;
        let free: u64 = conn.query_row("PRAGMA freelist_count", [], |row| row.get(0))?;
        let done = if free > 0 { conn.execute_batch("VACUUM") } else { Ok(()) };
        // Somebody who reads may hold the log; then it is emptied at the next opening, at the latest.
        let done = done.and_then(|()| conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
        if done.is_err() {
            // As after any failed flush: nothing in memory is believed from here.
            self.conn = None;
        }
        Ok(done?)
    }

    fn in_one_commit<T>(&mut self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let tx = self.connection()?.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&tx)?;
        if let Err(e) = tx.commit() {
            self.conn = None;
            return Err(e.into());
        }
        Ok(done)
    }
}
