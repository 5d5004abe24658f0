//! What the audit log costs and how fast it answers: while changes are committed, when all of it is verified, when something of it
//! is proved, and on disk. Owns the large log that most of this is measured on; needs no sandbox.

mod appending;
mod proving;
mod verifying;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use trueup::audit::{LogHead, Salts};
use trueup::ledger::{Ledger, SqliteLedger};
use trueup::limits::SLICE_CHANGES;

use super::Sizes;
use super::ledger::{TENANT, change, commit, in_folder, slice, whole};
use super::summary::{Figure, Summary, number};

/// What stands in the log of each change.
const LEAVES: u64 = 3;
const LOG: &str = "an intent with two states, an outcome, a confirmation of each change";

/// A log on disk that nobody writes any more.
struct Log {
    ledger: SqliteLedger,
    folder: PathBuf,
    head: LogHead,
    changes: u64,
}

/// Measures appending, and then everything else on one large log.
pub(super) fn measure(sizes: &Sizes, work: &Path, summary: &mut Summary<'_>) -> Result<()> {
    appending::measure(sizes, work, summary)?;
    in_folder(work, |folder| {
        summary.say(&format!("a log of {} changes …", number(sizes.logged as f64)))?;
        let log = Log::write(&folder.join("ledger"), sizes.logged)?;
        verifying::measure(sizes, &log, summary)?;
        room(&log, summary)?;
        proving::measure(sizes, &log, folder, summary)
    })
}

impl Log {
    /// Commits so many changes, in slices as a run cuts them, and opens the ledger anew.
    fn write(folder: &Path, changes: u64) -> Result<Self> {
        let head = {
            let ledger = SqliteLedger::open(folder)?;
            let (owned, mut salts, each) = (ledger.acquire(TENANT)?, Salts::from_seed([1; 32]), u64::from(SLICE_CHANGES));
            for from in (0..changes).step_by(SLICE_CHANGES as usize) {
                commit(&ledger, &owned, whole(from, each.min(changes - from), &mut salts)?)?;
            }
            ledger.recover(&owned)?.head
        };
        ensure!(head.size == changes * LEAVES, "the log has {} leaves", head.size);
        Ok(Log { ledger: SqliteLedger::open_read_only(folder)?, folder: folder.to_owned(), head, changes })
    }
}

/// What the log takes on disk.
fn room(log: &Log, summary: &mut Summary<'_>) -> Result<()> {
    let (mut leaves, mut states) = (0, 0);
    verifying::read(log, |leaf| {
        leaves += leaf.bytes.len();
        states += leaf.bodies.iter().filter_map(|body| body.state.as_ref()).map(String::len).sum::<usize>();
        Ok(())
    })?;
    let each = |bytes: f64| bytes / log.changes as f64;
    let files = fs::read_dir(&log.folder)?.map(|entry| Ok(entry?.metadata()?.len())).sum::<Result<u64>>()?;
    let figure = |name: &str, bytes: f64| {
        Figure::new(name, each(bytes), "bytes").with("changes", log.changes).with("leaves", log.head.size).with("log", LOG)
    };
    summary.add(figure("leaves of a change", leaves as f64).with("states beside them", number(each(states as f64))))?;
    let all = figure("the ledger, a change", files as f64).beside("the leaves alone", each(leaves as f64));
    summary.add(all.with("in it", "leaves and their hashes, states and salts, events, recorded state, indexes"))
}
