//! The embedded ledger: SQLite in a directory of its own. Owns its files and its one writer; the rest of trueup sees
//! only the trait.

mod apply;
mod checked;
mod error;
mod heads;
mod open;
mod place;
mod reader;
mod whole;
mod writer;

#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::base::{BaseWriter, file_name};
use super::{Batch, BatchId, Ledger, LedgerError, Owned, Query, RecordedRows, Recovery, Rows, Settled, Ticket};
use crate::model::Digest;
use error::StoreError;
use heads::View;
use place::Place;
use writer::{Command, Job, Rebase, Reply, Writer};

/// The embedded ledger. One value writes at a time, whatever the process; dropping it lets the next one in.
pub struct SqliteLedger {
    dir: PathBuf,
    // Dropped in this order: readers, then the writer, which tidies up as the last connection, then the lock.
    reader: Mutex<Option<Connection>>,
    writer: Option<Writer>,
    _place: Option<Place>,
    batches: AtomicU64,
    compacting: Mutex<()>,
}

impl SqliteLedger {
    /// Opens the ledger in this directory for writing; makes both when they are missing.
    ///
    /// # Errors
    /// [`LedgerError::Busy`] when another value has it open, [`LedgerError::Newer`] when a newer trueup wrote it,
    /// [`LedgerError::Unwritable`] when the directory cannot be used, [`LedgerError::Corrupt`] when it is damaged.
    pub fn open(dir: &Path) -> Result<Self, LedgerError> {
        let place = Place::take(dir)?;
        let writer = Writer::start(dir)?;
        Ok(Self::of(dir, Some(writer), Some(place)))
    }

    /// Opens the ledger in this directory for queries, also while another process writes it.
    ///
    /// # Errors
    /// [`LedgerError::Unreadable`] when there is none, and as for [`SqliteLedger::open`].
    pub fn open_read_only(dir: &Path) -> Result<Self, LedgerError> {
        let ledger = Self::of(dir, None, None);
        ledger.with_reader(|_| Ok(()))?;
        Ok(ledger)
    }

    fn of(dir: &Path, writer: Option<Writer>, place: Option<Place>) -> Self {
        SqliteLedger {
            dir: dir.to_owned(),
            reader: Mutex::new(None),
            writer,
            _place: place,
            batches: AtomicU64::new(0),
            compacting: Mutex::new(()),
        }
    }

    fn lock_reader(&self) -> MutexGuard<'_, Option<Connection>> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_reader<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, LedgerError> {
        let mut reader = self.lock_reader();
        let conn = match &mut *reader {
            Some(conn) => conn,
            none => none.insert(open::reader(&self.dir).map_err(|e| e.reading(&self.dir))?),
        };
        read(conn).map_err(|e| e.reading(&self.dir))
    }

    fn writer(&self) -> Result<&Writer, LedgerError> {
        let problem = "it was opened for reading only".to_owned();
        self.writer.as_ref().ok_or_else(|| LedgerError::Unwritable { path: self.dir.clone(), problem })
    }

    fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, LedgerError> {
        let (reply, answer) = sync_channel(1);
        self.writer()?.send(command(reply))?;
        answer.recv().unwrap_or_else(|_| Err(self.writer()?.gone()))
    }
}

impl Ledger for SqliteLedger {
    fn acquire(&self, tenant: &str) -> Result<Owned, LedgerError> {
        self.ask(|reply| Command::Acquire { tenant: tenant.to_owned(), reply })
    }

    fn recover(&self, owned: &Owned) -> Result<Recovery, LedgerError> {
        self.ask(|reply| Command::Recover { tenant: owned.tenant.clone(), epoch: owned.epoch, reply })
    }

    fn submit(&self, owned: &Owned, batch: Batch) -> Result<Ticket, LedgerError> {
        let id = BatchId::new(owned.epoch, self.batches.fetch_add(1, Ordering::Relaxed));
        let (reply, answer) = sync_channel(1);
        self.writer()?.send(Command::Batch(Job { tenant: owned.tenant.clone(), id, batch, reply }))?;
        Ok(Ticket::awaited(id, answer))
    }

    fn wait(&self, ticket: Ticket) -> Result<Settled, LedgerError> {
        ticket.wait()
    }

    fn resolve(&self, owned: &Owned, id: BatchId) -> Result<bool, LedgerError> {
        // While a connection is open, SQLite goes on believing what it had in memory when the flush failed.
        let mut reader = self.lock_reader();
        *reader = None;
        self.ask(|reply| Command::Resolve { tenant: owned.tenant.clone(), epoch: owned.epoch, id, reply })
    }

    fn read(&self, tenant: &str, query: &Query) -> Result<Rows, LedgerError> {
        self.with_reader(|conn| reader::rows(conn, tenant, query))
    }

    fn check(&self, tenant: &str) -> Result<(), LedgerError> {
        // A connection of its own: looking at everything takes long, and others go on reading.
        let conn = open::reader(&self.dir).map_err(|e| e.reading(&self.dir))?;
        whole::check(&conn).map_err(|e| e.reading(&self.dir))?;
        self.recorded(tenant)?.try_for_each(|row| row.map(drop))
    }

    fn recorded(&self, tenant: &str) -> Result<RecordedRows<'_>, LedgerError> {
        Ok(Box::new(View::open(&self.dir, tenant)?.into_rows()))
    }

    fn recorded_root(&self, tenant: &str) -> Result<Digest, LedgerError> {
        View::open(&self.dir, tenant)?.root()
    }

    fn compact(&self, owned: &Owned) -> Result<Digest, LedgerError> {
        let _one_at_a_time = self.compacting.lock().unwrap_or_else(PoisonError::into_inner);
        let view = View::open(&self.dir, &owned.tenant)?;
        if view.epoch() != owned.epoch {
            return Err(LedgerError::Fenced);
        }
        let Some(tenant) = view.changed() else { return view.root() };
        let mut file = BaseWriter::create(&self.dir, tenant.id)?;
        view.into_rows().try_for_each(|row| file.push(&row?))?;
        let root = file.finish()?;
        let rebase = Rebase { from: tenant.base, to: root, serial: tenant.serial };
        self.ask(|reply| Command::Rebase { tenant: owned.tenant.clone(), epoch: owned.epoch, rebase, reply })?;
        if let Some(old) = tenant.base.filter(|old| *old != root) {
            // A file that stays is removed at the next start.
            drop(fs::remove_file(self.dir.join(file_name(tenant.id, old))));
        }
        Ok(root)
    }

    fn shrink(&self, _: &Owned) -> Result<(), LedgerError> {
        self.ask(|reply| Command::Shrink { reply })
    }
}

#[cfg(test)]
impl SqliteLedger {
    /// Lets the next batch meet a fault.
    pub(crate) fn fail_next(&self, fault: super::Fault) {
        self.on_writer(move |state| state.fault = Some(fault));
    }

    /// Runs a statement on the writer's connection.
    fn run_sql(&self, sql: &'static str) {
        self.on_writer(move |state| drop(state.connection().map(|conn| conn.execute_batch(sql))));
    }

    /// Does something in the writer's thread, after what is queued.
    fn on_writer(&self, work: impl FnOnce(&mut writer::State) + Send + 'static) {
        self.writer().and_then(|writer| writer.send(Command::Test(Box::new(work)))).expect("the writer is there");
    }
}
