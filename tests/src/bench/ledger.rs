//! How many changes become durable in a second, beside a bare SQLite loop that writes the same rows.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use rusqlite::{Connection, params};
use trueup::audit::{Salts, leaf_hash};
use trueup::commit::{Event, Outcome};
use trueup::correlate::Recorded;
use trueup::ledger::{Batch, Entry, Leaf, Ledger, Owned, Query, Rows, Settled, SqliteLedger, StoredLeaf};
use trueup::model::{CaseKey, Change, ChangeKind, Digest, Holding, PlanId, Reason, RunId, StateHash, Subject, Time};
use trueup::target::Grade;

use super::Sizes;
use super::machine::{now, timed};
use super::summary::{Figure, Summary};

pub(super) const TENANT: &str = "acme";
const PLAN: PlanId = PlanId(Digest([7; 32]));
const AT: Time = Time::from_seconds(1_767_225_600);

/// Measures both in turn, for each number of changes per commit.
pub(super) fn measure(sizes: &Sizes, work: &Path, summary: &mut Summary<'_>) -> Result<()> {
    summary.say("committing to the ledger …")?;
    let time = Duration::from_millis(sizes.writes_ms);
    for &size in sizes.commits {
        let (mut ledger, mut bare) = (Vec::new(), Vec::new());
        let sample = in_folder(work, |folder| sample(folder, size))?;
        for _ in 0..sizes.write_rounds {
            bare.push(in_folder(work, |folder| bare_rate(folder, &sample, time))?);
            ledger.push(in_folder(work, |folder| ledger_rate(folder, size, time))?);
        }
        // Whatever else the machine does slows both down, but not in the same rounds: the best ones are compared.
        let best = |rates: &[f64]| rates.iter().copied().fold(0.0, f64::max);
        let (ledger, bare) = (best(&ledger), best(&bare));
        let figure = Figure::new(&format!("durable changes, {size} per commit"), ledger, "per second")
            .beside("a bare SQLite loop that writes the same rows", bare)
            .with("rounds", sizes.write_rounds)
            .with("time of a round", format!("{} ms", sizes.writes_ms))
            .with("rows per change", "1 event, 1 leaf, 2 states")
            .with("overhead", format!("{:.0} %", (bare / ledger - 1.0) * 100.0))
            .with("aim", "below 25 % at 100 per commit");
        summary.add(figure)?;
    }
    Ok(())
}

/// Works in a folder that is new and gone afterwards.
pub(super) fn in_folder<T>(work: &Path, run: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    let folder = work.join("ledger");
    fs::create_dir_all(&folder)?;
    let given = run(&folder)?;
    fs::remove_dir_all(&folder)?;
    Ok(given)
}

pub(super) fn change(n: u64) -> Change {
    let key = CaseKey {
        target: "github".to_owned(),
        holder: format!("user-{n}"),
        subject: Subject::Grant,
        object: "repository:core/engine".to_owned(),
    };
    let after = Some(Holding { level: "write".to_owned(), ..Holding::default() });
    Change {
        reason: Reason { code: "joiner".to_owned(), text: String::new() },
        record: "hr/4711".to_owned(),
        tier: 1,
        ..Change::routine(TENANT, key, ChangeKind::Grant, 1, None, after)
    }
}

/// An event of each change, and its leaf with the states beside it.
fn batch(from: u64, size: u64, salts: &mut Salts, events: &[Event]) -> Result<Batch> {
    let mut batch = Batch::default();
    for change in (from..from + size).map(change) {
        for event in events {
            add(&mut batch, &change, event, Some(salts))?;
        }
    }
    Ok(batch)
}

/// An event of a change, and its leaf where the log is kept.
fn add(batch: &mut Batch, change: &Change, event: &Event, salts: Option<&mut Salts>) -> Result<()> {
    if let Some(salts) = salts {
        batch.leaves.push(Leaf::event(RunId(1), PLAN, change, event, false, None, &mut || salts.salt())?);
    }
    batch.entries.push(Entry::Change { plan: PLAN, change: change.id, event: event.clone() });
    Ok(())
}

fn intents(from: u64, size: u64, salts: &mut Salts) -> Result<Batch> {
    batch(from, size, salts, &[Event::Intent { epoch: 1, attempt: 1, at: AT }])
}

/// What a change leaves behind when all goes well: intent, outcome, confirmation, and what is recorded of its case.
const WHOLE: [Event; 3] = [
    Event::Intent { epoch: 1, attempt: 1, at: AT },
    Event::Outcome { outcome: Outcome::Acked, at: AT },
    Event::Confirmed { grade: Grade::E3, at: AT },
];

/// All of that of some changes; without salts no leaf of it.
pub(super) fn slice(changes: &[Change], mut salts: Option<&mut Salts>) -> Result<Batch> {
    let mut batch = Batch::default();
    for change in changes {
        for event in &WHOLE {
            add(&mut batch, change, event, salts.as_deref_mut())?;
        }
        let CaseKey { target, holder, subject, object } = &change.key;
        let key = CaseKey::hash(*subject, target, holder, object);
        batch.entries.push(Entry::Head(Recorded::new(key, StateHash(1), change.incarnation)));
    }
    Ok(batch)
}

pub(super) fn whole(from: u64, size: u64, salts: &mut Salts) -> Result<Batch> {
    slice(&(from..from + size).map(change).collect::<Vec<_>>(), Some(salts))
}

pub(super) fn commit(ledger: &SqliteLedger, owned: &Owned, batch: Batch) -> Result<()> {
    match ledger.wait(ledger.submit(owned, batch)?)? {
        Settled::Committed(_) => Ok(()),
        other => bail!("not committed: {other:?}"),
    }
}

/// Changes per second, each commit durable before the next is submitted.
fn ledger_rate(folder: &Path, size: u64, time: Duration) -> Result<f64> {
    let ledger = SqliteLedger::open(&folder.join("ledger"))?;
    let (owned, mut salts) = (ledger.acquire(TENANT)?, Salts::from_seed([1; 32]));
    // Making the changes is the plan's work, not the ledger's.
    let mut spent = Duration::ZERO;
    let mut done = 0;
    while spent < time {
        let next = intents(done, size, &mut salts)?;
        spent += timed(|| commit(&ledger, &owned, next))?.0;
        done += size;
    }
    Ok(done as f64 / spent.as_secs_f64())
}

/// What the ledger stores of one commit.
fn sample(folder: &Path, size: u64) -> Result<Vec<StoredLeaf>> {
    let ledger = SqliteLedger::open(&folder.join("ledger"))?;
    let owned = ledger.acquire(TENANT)?;
    commit(&ledger, &owned, intents(0, size, &mut Salts::from_seed([1; 32]))?)?;
    match ledger.read(TENANT, &Query::Leaves(0, u32::try_from(size)?))? {
        Rows::Leaves(leaves) => Ok(leaves),
        other => bail!("other rows: {other:?}"),
    }
}

/// The same rows, made before, by a loop that does nothing else.
fn bare_rate(folder: &Path, sample: &[StoredLeaf], time: Duration) -> Result<f64> {
    let mut conn = Connection::open(folder.join("bare.sqlite"))?;
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
         CREATE TABLE events(place INTEGER PRIMARY KEY, plan INTEGER, change BLOB, event TEXT);
         CREATE INDEX events_of_plan ON events(plan);
         CREATE TABLE leaves(place INTEGER PRIMARY KEY, hash BLOB, bytes BLOB);
         CREATE TABLE bodies(place INTEGER, field TEXT, salt BLOB, state TEXT, PRIMARY KEY (place, field)) WITHOUT ROWID;
         CREATE TABLE batches(id INTEGER PRIMARY KEY); CREATE TABLE head(id INTEGER PRIMARY KEY, frontier BLOB);",
    )?;
    let event = r#"{"event":"intent","epoch":1,"attempt":1,"at":"2026-01-01T00:00:00Z"}"#;
    let salts: Vec<Vec<_>> =
        sample.iter().map(|leaf| leaf.bodies.iter().map(|body| Digest::parse(&body.salt)).collect()).collect();
    let (mut place, mut rows) = (0u64, 0);
    let begun = now();
    while begun.elapsed() < time {
        let tx = conn.transaction()?;
        for (leaf, salts) in sample.iter().zip(&salts) {
            place += 1;
            tx.prepare_cached("INSERT INTO events VALUES (?1, 1, ?2, ?3)")?.execute(params![place, leaf.hash.0, event])?;
            let sql = "INSERT INTO leaves VALUES (?1, ?2, ?3)";
            tx.prepare_cached(sql)?.execute(params![place, leaf_hash(&leaf.bytes).0, leaf.bytes])?;
            for (body, salt) in leaf.bodies.iter().zip(salts) {
                let sql = "INSERT INTO bodies VALUES (?1, ?2, ?3, ?4)";
                tx.prepare_cached(sql)?.execute(params![place, body.field, salt.map(|salt| salt.0), body.state])?;
            }
        }
        tx.prepare_cached("INSERT INTO batches VALUES (?1)")?.execute([place])?;
        tx.prepare_cached("INSERT OR REPLACE INTO head VALUES (1, ?1)")?.execute([vec![0; 320]])?;
        tx.commit()?;
        rows += 2 * sample.len();
        if rows > trueup::limits::LEDGER_CHECKPOINT_ROWS {
            rows = 0;
            conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        }
    }
    Ok(place as f64 / begun.elapsed().as_secs_f64())
}
