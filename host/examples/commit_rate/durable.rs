//! Durable changes per second, beside a bare loop that writes the very same rows with one transaction per slice.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, params};
use trueup::commit::{NoDesk, SystemClock};
use trueup::ledger::{Ledger as _, SqliteLedger};
use trueup::limits::LEDGER_CHECKPOINT_ROWS;

use crate::figure::{Figure, Table, now};
use crate::job::{Job, TENANT, all_confirmed, grants};
use crate::store::Store;
use crate::{Result, empty};

/// Changes per slice, and changes of the plan.
const SIZES: [(u32, u64); 4] = [(1, 1_000), (10, 5_000), (100, 20_000), (1_000, 30_000)];
/// Rounds of each side, in turn: the best ones are compared, since what else the machine does slows both down, but not in
/// the same rounds.
const ROUNDS: usize = 3;

type Leaf = (u64, Vec<u8>, Vec<u8>);
type Body = (u64, String, Vec<u8>, Option<String>);

/// What the ledger holds after a commit.
struct Rows {
    events: Vec<(u64, Vec<u8>, String)>,
    leaves: Vec<Leaf>,
    bodies: Vec<Body>,
    heads: Vec<(Vec<u8>, u64, Vec<u8>)>,
    batches: u64,
}

pub fn measure(work: &Path, table: &mut Table) -> Result<()> {
    for (slice, changes) in SIZES {
        let (mut ours, mut bare) = (f64::MAX, f64::MAX);
        let mut per_change = String::new();
        let mut batches = 0.0;
        for _ in 0..ROUNDS {
            let folder = empty(&work.join("durable"))?;
            ours = ours.min(commit(&folder, slice, changes)?.as_secs_f64());
            let rows = rows(&folder)?;
            bare = bare.min(write(&folder, &rows, changes.div_ceil(u64::from(slice)))?.as_secs_f64());
            let of = |count: usize| count as f64 / changes as f64;
            let (events, leaves, bodies, heads) = (rows.events.len(), rows.leaves.len(), rows.bodies.len(), rows.heads.len());
            per_change =
                format!("{:.0} events, {:.0} leaves, {:.0} states, {:.0} head", of(events), of(leaves), of(bodies), of(heads));
            batches = rows.batches as f64 / changes.div_ceil(u64::from(slice)) as f64;
        }
        let rate = |seconds: f64| changes as f64 / seconds;
        let figure = Figure::new(&format!("durable changes, {slice} per slice"), rate(ours), "per second")
            .beside("a bare SQLite loop that writes the same rows", rate(bare))
            .with("changes", changes)
            .with("rounds", format!("best of {ROUNDS}"))
            .with("rows per change", per_change)
            .with("transactions per slice", format!("{batches:.2}, the bare loop 1"))
            .with("overhead", format!("{:.0} %", (ours / bare - 1.0) * 100.0))
            .with("aim", "below 25 % at 100 per slice");
        table.add(figure)?;
    }
    Ok(())
}

fn commit(folder: &Path, slice: u32, changes: u64) -> Result<Duration> {
    let ledger = SqliteLedger::open(folder)?;
    let owned = ledger.acquire(TENANT)?;
    let target = Arc::new(Store::new());
    let (clock, desk) = (&SystemClock, &NoDesk);
    let (events, in_doubt) = (Vec::new(), Vec::new());
    let job = Job { ledger: &ledger, owned: &owned, target: &target, slice, clock, desk, events, in_doubt };
    let (outcomes, spent) = job.run(grants(changes))?;
    all_confirmed(&outcomes, changes)?;
    Ok(spent)
}

fn rows(folder: &Path) -> Result<Rows> {
    let conn = Connection::open(folder.join("ledger.sqlite"))?;
    let mut events = conn.prepare("SELECT place, change, event FROM events ORDER BY place")?;
    let mut leaves = conn.prepare("SELECT place, hash, bytes FROM leaves ORDER BY place")?;
    let mut bodies = conn.prepare("SELECT place, field, salt, state FROM bodies ORDER BY place")?;
    let mut heads = conn.prepare("SELECT key, serial, row FROM heads ORDER BY serial")?;
    Ok(Rows {
        events: events.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect::<Result<_, _>>()?,
        leaves: leaves.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect::<Result<_, _>>()?,
        bodies: bodies
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
            .collect::<Result<_, _>>()?,
        heads: heads.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect::<Result<_, _>>()?,
        batches: conn.query_row("SELECT count(*) FROM batches", [], |row| row.get(0))?,
    })
}

/// The rows of one of so many slices.
fn part<T>(rows: &[T], slice: usize, slices: usize) -> &[T] {
    let at = |slice: usize| rows.len() * slice / slices;
    rows.get(at(slice)..at(slice + 1)).unwrap_or_default()
}

/// Writes them by a loop that does nothing else.
fn write(folder: &Path, rows: &Rows, slices: u64) -> Result<Duration> {
    let mut conn = Connection::open(folder.join("bare.sqlite"))?;
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
         CREATE TABLE events(place INTEGER PRIMARY KEY, plan INTEGER NOT NULL, change BLOB NOT NULL, event TEXT NOT NULL);
         CREATE INDEX events_of_plan ON events(plan);
         CREATE TABLE leaves(place INTEGER PRIMARY KEY, hash BLOB NOT NULL, bytes BLOB NOT NULL);
         CREATE TABLE bodies(place INTEGER, field TEXT, salt BLOB, state TEXT, PRIMARY KEY (place, field)) WITHOUT ROWID;
         CREATE TABLE heads(tenant INTEGER, key BLOB, serial INTEGER, row BLOB, PRIMARY KEY (tenant, key)) WITHOUT ROWID;
         CREATE TABLE batches(id INTEGER PRIMARY KEY); CREATE TABLE head(id INTEGER PRIMARY KEY, frontier BLOB);",
    )?;
    let slices = usize::try_from(slices)?;
    let mut unmoved = 0;
    let begun = now();
    for slice in 0..slices {
        let tx = conn.transaction()?;
        for (place, change, event) in part(&rows.events, slice, slices) {
            let sql = "INSERT INTO events VALUES (?1, 1, ?2, ?3)";
            tx.prepare_cached(sql)?.execute(params![place, change, event])?;
        }
        for (place, hash, bytes) in part(&rows.leaves, slice, slices) {
            tx.prepare_cached("INSERT INTO leaves VALUES (?1, ?2, ?3)")?.execute(params![place, hash, bytes])?;
        }
        for (place, field, salt, state) in part(&rows.bodies, slice, slices) {
            let sql = "INSERT INTO bodies VALUES (?1, ?2, ?3, ?4)";
            tx.prepare_cached(sql)?.execute(params![place, field, salt, state])?;
        }
        for (key, serial, row) in part(&rows.heads, slice, slices) {
            let sql = "INSERT OR REPLACE INTO heads VALUES (1, ?1, ?2, ?3)";
            tx.prepare_cached(sql)?.execute(params![key, serial, row])?;
        }
        tx.prepare_cached("INSERT INTO batches VALUES (?1)")?.execute([slice as u64])?;
        tx.prepare_cached("INSERT OR REPLACE INTO head VALUES (1, ?1)")?.execute([vec![0; 320]])?;
        tx.commit()?;
        unmoved += part(&rows.events, slice, slices).len() + part(&rows.leaves, slice, slices).len();
        if unmoved >= LEDGER_CHECKPOINT_ROWS {
            unmoved = 0;
            conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        }
    }
    Ok(begun.elapsed())
}
