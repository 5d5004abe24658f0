//! Pushing events to sinks, each from its own cursor, behind the commit. Owns that a cursor moves only after its sink took what comes
//! before it, and that one process at a time delivers to a sink; trying again is for `courier`.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{Changes, Cursor, ExportError, Form, Lent, Reader, Sink};
use crate::courier::{Couriers, Errand, Left};
use crate::ledger::{Ledger, Query, Rows};
use crate::limits::{EXPORT_LOOK_SECONDS, EXPORT_PAGE_LEAVES, MESSAGE_BYTES};
use crate::notary::{io_error, names_a_file};
use crate::telemetry::stage;

/// A sink, and how events are written for it.
#[derive(Clone)]
#[non_exhaustive]
pub struct Export {
    /// Where they go.
    pub sink: Arc<dyn Sink>,
    /// How they are written.
    pub form: Form,
}

impl Export {
    /// To this sink in this form.
    #[must_use]
    pub fn new(sink: Arc<dyn Sink>, form: Form) -> Self {
        Export { sink, form }
    }
}

/// How far a sink is behind.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct SinkLag {
    /// The sink.
    pub sink: String,
    /// Leaves of the log that it has not been given yet.
    pub leaves: u64,
    /// Leaves that were pruned before it was given them.
    pub missed: u64,
    /// What the last failure was, while there is one.
    pub problem: Option<String>,
}

impl SinkLag {
    /// As the file of its cursor tells, whoever delivers: for a process that only looks.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn of(folder: &Path, sink: &str, ledger: &dyn Ledger, tenant: &str) -> Result<Self, ExportError> {
        let cursor = Cursor::read(&Cursor::path(folder, sink)).unwrap_or_default();
        let Rows::LogHead(head) = ledger.read(tenant, &Query::LogHead)? else {
            return Ok(SinkLag { sink: sink.to_owned(), leaves: 0, missed: cursor.missed, problem: cursor.problem });
        };
        // A cursor that does not fit is begun anew by whoever delivers.
        let next = if cursor.fits(ledger, tenant)? { cursor.next } else { 0 };
        let leaves = head.size.saturating_sub(next);
        Ok(SinkLag { sink: sink.to_owned(), leaves, missed: cursor.missed, problem: cursor.problem })
    }
}

/// Where the log is that is exported.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) ledger: Lent,
    pub(crate) tenant: String,
    pub(crate) origin: String,
    pub(crate) changes: Arc<dyn Changes>,
    /// Where cursors lie.
    pub(crate) folder: PathBuf,
}

/// Pushes a log's events to sinks, each in a thread of its own. Dropping it stops that; what was not delivered is delivered by the
/// next one.
pub struct Exporter {
    couriers: Couriers,
    source: Source,
    sinks: Vec<String>,
}

impl Exporter {
    /// Starts a thread for each sink.
    pub(crate) fn start(source: Source, exports: Vec<Export>) -> Result<Self, ExportError> {
        fs::create_dir_all(&source.folder).map_err(io_error(&source.folder))?;
        let mut names = BTreeSet::new();
        let errands = exports.into_iter().map(|export| -> Result<(String, Box<dyn Errand>), ExportError> {
            let name = export.sink.name().to_owned();
            if !names_a_file(&name) || !names.insert(name.clone()) {
                return Err(ExportError::Name { name });
            }
            let Source { ledger, tenant, origin, changes, folder } = source.clone();
            let reader = Reader::over(ledger, &tenant, &origin, changes);
            Ok((name, Box::new(Line { reader, export, folder })))
        });
        let errands = errands.collect::<Result<Vec<_>, _>>()?;
        let sinks = errands.iter().map(|(name, _)| name.clone()).collect();
        let couriers = Couriers::start("trueup-export", Duration::from_secs(EXPORT_LOOK_SECONDS), errands);
        let couriers = couriers.map_err(io_error(&source.folder))?;
        Ok(Exporter { couriers, source, sinks })
    }

    /// Says that there may be new leaves. Returns at once.
    pub fn ring(&self) {
        self.couriers.ring();
    }

    /// The sinks.
    pub(crate) fn sinks(&self) -> &[String] {
        &self.sinks
    }

    /// How far each sink is behind now, also one that is at work or held up.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn lags(&self) -> Result<Vec<SinkLag>, ExportError> {
        let Source { ledger, tenant, folder, .. } = &self.source;
        let of = |sink: &String| ledger.with(|ledger| SinkLag::of(folder, sink, ledger, tenant));
        self.sinks.iter().map(of).collect()
    }

    /// Waits until every sink has all that is there now, at most so long, and tells how far each is behind then.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn settle(&self, patience: Duration) -> Result<Vec<SinkLag>, ExportError> {
        let told = self.couriers.settle(patience);
        let mut lags = self.lags()?;
        for (lag, Left { problem, .. }) in lags.iter_mut().zip(told) {
            lag.problem = lag.problem.take().or(problem);
        }
        Ok(lags)
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // A thread that its sink holds up must not hold the store.
        self.source.ledger.take_back();
    }
}

/// One sink and what is read for it.
struct Line {
    reader: Reader,
    export: Export,
    folder: PathBuf,
}

impl Errand for Line {
    fn carry(&mut self, stopped: &dyn Fn() -> bool) -> Result<(), String> {
        self.deliver(stopped).map_err(|error| {
            let words = words(&error);
            if !matches!(error, ExportError::Taken { .. } | ExportError::Stopped) {
                self.tell(&words);
            }
            words
        })
    }

    fn left(&self) -> Result<u64, String> {
        let reached = self.reached().map_err(|error| words(&error))?;
        self.reader.left(reached.next).map_err(|error| words(&error))
    }
}

impl Line {
    fn path(&self) -> PathBuf {
        Cursor::path(&self.folder, self.export.sink.name())
    }

    fn deliver(&mut self, stopped: &dyn Fn() -> bool) -> Result<(), ExportError> {
        let _alone = self.alone()?;
        let mut cursor = self.reached()?;
        while let Some(page) = self.reader.page(&cursor, &self.export.form, EXPORT_PAGE_LEAVES)? {
            if stopped() {
                return Ok(());
            }
            if !page.events.is_empty() {
                let sink = &self.export.sink;
                let refused = |source| ExportError::Sink { sink: sink.name().to_owned(), source };
                let _span = stage!("push", to = sink.name(), events = page.events.len() as u64).entered();
                sink.deliver(&page.events).map_err(refused)?;
            }
            cursor = page.cursor;
            cursor.write(&self.path())?;
        }
        Ok(())
    }

    /// The right to deliver to the sink, for as long as the file is open: two processes would give each event twice, and a file's end
    /// may be mended by one of them alone.
    fn alone(&self) -> Result<File, ExportError> {
        let path = self.folder.join(format!("{}.lock", self.export.sink.name()));
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(io_error(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(ExportError::Taken { sink: self.export.sink.name().to_owned() }),
            Err(TryLockError::Error(error)) => Err(io_error(&path)(error).into()),
        }
    }

    /// How far the sink has come. A cursor that cannot be read or does not fit the log is the beginning: events may come twice, but
    /// none is left out.
    fn reached(&self) -> Result<Cursor, ExportError> {
        let cursor = Cursor::read(&self.path()).unwrap_or_default();
        Ok(if self.reader.fits(&cursor)? { cursor } else { Cursor::default() })
    }

    /// Writes down why nothing is delivered, for whoever asks for the status. Where that cannot be written either, this process tells.
    fn tell(&self, problem: &str) {
        let Ok(cursor) = self.reached() else { return };
        let problem = Some(problem.chars().take(MESSAGE_BYTES).collect());
        if cursor.problem != problem {
            drop(Cursor { problem, ..cursor }.write(&self.path()));
        }
    }
}

/// An error with its causes.
fn words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !words.ends_with(&text) {
            words = format!("{words}: {text}");
        }
        cause = error.source();
    }
    words
}
