//! How many operations per second become durable, beside a bare SQLite loop that writes the same rows, and beside what
//! one flush costs here and now. Run: `cargo run --release --example ledger_rate -- [directory]`.

#![expect(clippy::disallowed_methods, reason = "it measures")]

use std::error::Error;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use trueup::audit::{Salts, Verifier, leaf_hash};
use trueup::commit::Event;
use trueup::correlate::Recorded;
use trueup::ledger::{Batch, Entry, Leaf, Ledger, Owned, Query, Rows, Settled, SqliteLedger, StoredLeaf};
use trueup::model::{
    CaseKey, Change, ChangeKind, Digest, Holding, KeyHash, Lane, PlanId, Reason, RunId, StateHash, Subject, Time, Wave,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const TENANT: &str = "acme";
const PLAN: PlanId = PlanId(Digest([7; 32]));
const AT: Time = Time::from_seconds(1_767_225_600);
const MEASURE: Duration = Duration::from_secs(3);

fn main() -> Result<()> {
    let parent = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    println!("{:>10} {:>12} {:>12} {:>9} {:>10}", "ops/batch", "ledger op/s", "bare op/s", "overhead", "flush µs");
    for size in [1, 10, 100, 1_000] {
        let dir = tempfile::tempdir_in(&parent)?;
        let flush = flush_probe(dir.path())?;
        let sample = sample(dir.path(), size)?;
        let bare = bare_rate(dir.path(), &sample)?;
        let ledger = ledger_rate(dir.path(), size)?;
        let overhead = (bare / ledger - 1.0) * 100.0;
        println!("{size:>10} {ledger:>12.0} {bare:>12.0} {overhead:>8.0}% {:>10.0}", flush * 1e6);
    }
    let dir = tempfile::tempdir_in(&parent)?;
    recovery_and_verification(dir.path(), 200)?;
    recorded_state(dir.path(), 1_000)
}

/// Seconds that one append and flush of a block takes.
fn flush_probe(dir: &Path) -> Result<f64> {
    let mut file = File::create(dir.join("probe"))?;
    let begun = Instant::now();
    for _ in 0..50 {
        file.write_all(&[1; 4096])?;
        file.sync_data()?;
    }
    Ok(begun.elapsed().as_secs_f64() / 50.0)
}

fn change(n: u64) -> Change {
    let key = CaseKey {
        target: "github".to_owned(),
        holder: format!("user-{n}"),
        subject: Subject::Grant,
        object: "repository:core/engine".to_owned(),
    };
    let after = Some(Holding { level: "write".to_owned(), ..Holding::default() });
    Change {
        id: Change::id_of(TENANT, &key, ChangeKind::Grant, 1, StateHash::ABSENT, StateHash::of(after.as_ref())),
        after,
        before: None,
        component: key.holder.clone(),
        depends: Vec::new(),
        disabled_since: Time::NONE,
        gates: Vec::new(),
        incarnation: 1,
        key,
        kind: ChangeKind::Grant,
        lane: Lane::Routine,
        not_before: Time::NONE,
        rank: 0,
        reason: Reason { code: "joiner".to_owned(), text: String::new() },
        recorded_as: String::new(),
        record: "hr/4711".to_owned(),
        step: 0,
        tier: 1,
        undesired_since: Time::NONE,
        wave: Wave::GRANTS,
        withholds: false,
    }
}

/// One operation: the event of an intent, and its leaf with two states beside it.
fn batch(from: u64, size: u64, salts: &mut Salts) -> Result<Batch> {
    let mut batch = Batch::default();
    for n in from..from + size {
        let (change, event) = (change(n), Event::Intent { epoch: 1, attempt: 1, at: AT });
        batch.leaves.push(Leaf::event(RunId(1), PLAN, &change, &event, false, None, &mut || salts.salt())?);
        batch.entries.push(Entry::Change { plan: PLAN, change: change.id, event });
    }
    Ok(batch)
}

fn commit(ledger: &SqliteLedger, owned: &Owned, batch: Batch) -> Result<()> {
    match ledger.wait(ledger.submit(owned, batch)?)? {
        Settled::Committed(_) => Ok(()),
        other => Err(format!("not committed: {other:?}").into()),
    }
}

/// Operations per second, each batch durable before the next is submitted.
fn ledger_rate(dir: &Path, size: u64) -> Result<f64> {
    let ledger = SqliteLedger::open(&dir.join("ledger"))?;
    let (owned, mut salts) = (ledger.acquire(TENANT)?, Salts::from_seed([1; 32]));
    // Making the changes is the plan's work, not the ledger's.
    let mut spent = Duration::ZERO;
    let mut done = 0;
    while spent < MEASURE {
        let next = batch(done, size, &mut salts)?;
        let begun = Instant::now();
        commit(&ledger, &owned, next)?;
        spent += begun.elapsed();
        done += size;
    }
    Ok(done as f64 / spent.as_secs_f64())
}

/// What the ledger stores of one batch.
fn sample(dir: &Path, size: u64) -> Result<Vec<StoredLeaf>> {
    let ledger = SqliteLedger::open(&dir.join("sample"))?;
    let owned = ledger.acquire(TENANT)?;
    commit(&ledger, &owned, batch(0, size, &mut Salts::from_seed([1; 32]))?)?;
    match ledger.read(TENANT, &Query::Leaves(0, u32::try_from(size)?))? {
        Rows::Leaves(leaves) => Ok(leaves),
        other => Err(format!("other rows: {other:?}").into()),
    }
}

/// The same rows, made before, by a loop that does nothing else.
fn bare_rate(dir: &Path, sample: &[StoredLeaf]) -> Result<f64> {
    let mut conn = Connection::open(dir.join("bare.sqlite"))?;
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
    let begun = Instant::now();
    while begun.elapsed() < MEASURE {
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

/// How long a restart and `audit verify` take.
fn recovery_and_verification(dir: &Path, batches: u64) -> Result<()> {
    let ledger = SqliteLedger::open(&dir.join("ledger"))?;
    let (owned, mut salts) = (ledger.acquire(TENANT)?, Salts::from_seed([1; 32]));
    for n in 0..batches {
        commit(&ledger, &owned, batch(n * 1_000, 1_000, &mut salts)?)?;
    }
    drop(ledger);
    let begun = Instant::now();
    let ledger = SqliteLedger::open(&dir.join("ledger"))?;
    let owned = ledger.acquire(TENANT)?;
    let head = ledger.recover(&owned)?.head;
    let Rows::Events(events) = ledger.read(TENANT, &Query::Events(PLAN))? else { return Err("other rows".into()) };
    println!("recovery: {} events in {:.2} s", events.len(), begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    let (mut verifier, mut from) = (Verifier::default(), 0);
    loop {
        let Rows::Leaves(leaves) = ledger.read(TENANT, &Query::Leaves(from, 4_096))? else { return Err("other rows".into()) };
        let Some(last) = leaves.last() else { break };
        from = last.index + 1;
        leaves.iter().try_for_each(|leaf| verifier.push(leaf))?;
    }
    let verified = verifier.finish(head)?;
    println!("verification: {} leaves in {:.2} s", verified.head.size, begun.elapsed().as_secs_f64());
    Ok(())
}

/// How long recorded state takes to write, merge and read.
fn recorded_state(dir: &Path, thousands: u64) -> Result<()> {
    let ledger = SqliteLedger::open(&dir.join("recorded"))?;
    let owned = ledger.acquire(TENANT)?;
    let begun = Instant::now();
    for n in 0..thousands {
        let entries = (n * 1_000..(n + 1) * 1_000).map(|n| {
            let mut key = [0; 16];
            key.copy_from_slice(&Digest::of(&n.to_be_bytes()).0[..16]);
            let state = StateHash(n);
            let row = Recorded { key: KeyHash(key), state, incarnation: 1, flags: 0, since: AT, disabled_since: Time::NONE };
            Entry::Head(row)
        });
        commit(&ledger, &owned, Batch { entries: entries.collect(), leaves: Vec::new() })?;
    }
    println!("recorded: {thousands},000 heads written in {:.2} s", begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    ledger.compact(&owned)?;
    println!("recorded: merged in {:.2} s", begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    let rows = ledger.recorded(TENANT)?.try_fold(0u64, |rows, row| row.map(|_| rows + 1))?;
    println!("recorded: {rows} rows read in {:.2} s", begun.elapsed().as_secs_f64());
    Ok(())
}
