//! Durable changes per second, beside a bare loop that writes the very same rows in as many transactions.

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, params};
use trueup::commit::{NoDesk, SystemClock};
use trueup::ledger::{Ledger as _, SqliteLedger};
use trueup::limits::LEDGER_CHECKPOINT_ROWS;

use crate::figure::{Figure, Table, cpu_seconds, now};
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
#[derive(Default)]
struct Rows {
    events: Vec<(u64, Vec<u8>, String)>,
    leaves: Vec<Leaf>,
    bodies: Vec<Body>,
    heads: Vec<(Vec<u8>, u64, Vec<u8>)>,
    batches: u64,
}

/// Seconds that something took, and those that its threads were on a processor.
#[derive(Clone, Copy)]
pub struct Spent {
    wall: f64,
    cpu: f64,
}

impl Spent {
    const MOST: Spent = Spent { wall: f64::MAX, cpu: f64::MAX };

    fn best(self, other: Spent) -> Self {
        Spent { wall: self.wall.min(other.wall), cpu: self.cpu.min(other.cpu) }
    }
}

pub fn measure(work: &Path, table: &mut Table) -> Result<()> {
    for (slice, changes) in SIZES {
        let (mut ours, mut bare) = (Spent::MOST, Spent::MOST);
        let mut kept = Rows::default();
        for _ in 0..ROUNDS {
            let folder = empty(&work.join("durable"))?;
            ours = ours.best(commit(&folder, slice, changes)?);
            kept = rows(&folder)?;
            bare = bare.best(write(&folder, &kept)?);
        }
        let of = |count: usize| count as f64 / changes as f64;
        let (events, leaves) = (of(kept.events.len()), of(kept.leaves.len()));
        let (bodies, heads) = (of(kept.bodies.len()), of(kept.heads.len()));
        let rate = |spent: Spent| changes as f64 / spent.wall;
        let cpu = |spent: Spent| spent.cpu / changes as f64 * 1e6;
        let figure = Figure::new(&format!("durable changes, {slice} per slice"), rate(ours), "per second")
            .beside("a bare SQLite loop that writes the same rows", rate(bare))
            .with("changes", changes)
            .with("rounds", format!("best of {ROUNDS}"))
            .with("rows per change", format!("{events:.1} events, {leaves:.1} leaves, {bodies:.1} states, {heads:.1} heads"))
            .with("calls per change", "read, write, read back, answered at once")
            .with("transactions", format!("{} each, for {} slices", kept.batches, changes.div_ceil(u64::from(slice))))
            .with("processor time per change", format!("{:.0} µs, the bare loop {:.0} µs", cpu(ours), cpu(bare)))
            .with("overhead", format!("{:.0} %", (ours.wall / bare.wall - 1.0) * 100.0))
            .with("aim", "below 25 % at 100 per slice");
        table.add(figure)?;
    }
    Ok(())
}

/// Commits so many changes.
pub fn commit(folder: &Path, slice: u32, changes: u64) -> Result<Spent> {
    let ledger = SqliteLedger::open(folder)?;
    let owned = ledger.acquire(TENANT)?;
    let target = Arc::new(Store::new());
    let (clock, desk) = (&SystemClock, &NoDesk);
    let (events, in_doubt) = (Vec::new(), Vec::new());
    let job = Job { ledger: &ledger, owned: &owned, target: &target, slice, clock, desk, events, in_doubt };
    let plan = grants(changes);
    let cpu = cpu_seconds();
    let (outcomes, wall) = job.run(plan)?;
    let cpu = cpu_seconds() - cpu;
    all_confirmed(&outcomes, changes)?;
    Ok(Spent { wall: wall.as_secs_f64(), cpu })
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

/// The rows of one of so many transactions.
fn part<T>(rows: &[T], number: usize, of: usize) -> &[T] {
    let at = |number: usize| rows.len() * number / of;
    rows.get(at(number)..at(number + 1)).unwrap_or_default()
}

/// Writes them by a loop that does nothing else.
fn write(folder: &Path, rows: &Rows) -> Result<Spent> {
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
    let all = usize::try_from(rows.batches)?;
    let mut unmoved = 0;
    let (begun, cpu) = (now(), cpu_seconds());
    for number in 0..all {
        let tx = conn.transaction()?;
        for (place, change, event) in part(&rows.events, number, all) {
            let sql = "INSERT INTO events VALUES (?1, 1, ?2, ?3)";
            tx.prepare_cached(sql)?.execute(params![place, change, event])?;
        }
        for (place, hash, bytes) in part(&rows.leaves, number, all) {
            tx.prepare_cached("INSERT INTO leaves VALUES (?1, ?2, ?3)")?.execute(params![place, hash, bytes])?;
        }
        for (place, field, salt, state) in part(&rows.bodies, number, all) {
            let sql = "INSERT INTO bodies VALUES (?1, ?2, ?3, ?4)";
            tx.prepare_cached(sql)?.execute(params![place, field, salt, state])?;
        }
        for (key, serial, row) in part(&rows.heads, number, all) {
            let sql = "INSERT OR REPLACE INTO heads VALUES (1, ?1, ?2, ?3)";
            tx.prepare_cached(sql)?.execute(params![key, serial, row])?;
        }
        tx.prepare_cached("INSERT INTO batches VALUES (?1)")?.execute([number as u64])?;
        tx.prepare_cached("INSERT OR REPLACE INTO head VALUES (1, ?1)")?.execute([vec![0; 320]])?;
        tx.commit()?;
        unmoved += part(&rows.events, number, all).len() + part(&rows.leaves, number, all).len();
        if unmoved >= LEDGER_CHECKPOINT_ROWS {
            unmoved = 0;
            conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        }
    }
    Ok(Spent { wall: begun.elapsed().as_secs_f64(), cpu: cpu_seconds() - cpu })
}
