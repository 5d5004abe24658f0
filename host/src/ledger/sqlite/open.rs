//! Connections: how SQLite is set so that a committed batch survives the loss of power, and how that is checked. Owns
//! the schema and its version.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};

use super::StoreError;
use super::place::sync;

/// Name of the database file.
const FILE: &str = "ledger.sqlite";
/// Name of its write-ahead log, as SQLite forms it.
const LOG: &str = "ledger.sqlite-wal";
/// The write-ahead log is written anew in pieces of this size, in bytes.
const PIECE_BYTES: usize = 1 << 20;
/// "true", as SQLite's number for whose file it is.
const APPLICATION: i64 = 0x7472_7565;
/// Version of the schema.
const FORMAT: u32 = 3;
/// Older ones may lose a write-ahead log that is reset while it is read.
const OLDEST_SQLITE: i32 = 3_051_003;
/// How long to wait for a reader of another process.
const PATIENCE: Duration = Duration::from_secs(5);
/// Every statement that the ledger has.
const STATEMENTS: usize = 64;

/// What every connection needs, and what it must read as afterwards.
const COMMON: [(&str, &str, i64); 4] =
    [("trusted_schema", "OFF", 0), ("cell_size_check", "ON", 1), ("mmap_size", "0", 0), ("foreign_keys", "ON", 1)];
/// What the writer needs besides. FULL: a commit returns after the flush; NORMAL would lose commits with the power.
const WRITER: [(&str, &str, i64); 4] = [
    ("synchronous", "FULL", 2),
    ("fullfsync", "ON", 1),
    ("checkpoint_fullfsync", "ON", 1),
    // The writer thread decides when to checkpoint.
    ("wal_autocheckpoint", "0", 0),
];

/// One place number holds a tenant (above) and an index (below): rows of one tenant lie together, in order, and are
/// appended at the end of a table without an index.
pub(super) const INDEX_BITS: u32 = 40;

/// The place of a tenant's row.
pub(super) fn place(tenant: u64, index: u64) -> Result<u64, StoreError> {
    match tenant.checked_shl(INDEX_BITS).filter(|shifted| shifted >> INDEX_BITS == tenant && index >> INDEX_BITS == 0) {
        Some(shifted) => Ok(shifted | index),
        None => Err(StoreError::Damaged(format!("tenant {tenant} has a row {index}, which is out of range"))),
    }
}

/// The index in a place.
pub(super) const fn index_of(place: u64) -> u64 {
    place & ((1 << INDEX_BITS) - 1)
}

/// What format 2 has and format 1 had not. Format 3 has a check with each row; rows without one are read as they are.
const RULE_STEPS: &str = "CREATE TABLE rule_steps(place INTEGER PRIMARY KEY, row TEXT NOT NULL) STRICT;";

const SCHEMA: &str = "
CREATE TABLE tenants(
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    epoch INTEGER NOT NULL,
    serial INTEGER NOT NULL,     -- entries so far: the place of the next event, the age of heads
    log_size INTEGER NOT NULL,
    log_root BLOB NOT NULL,
    frontier BLOB NOT NULL,      -- its peaks, then the check of this row
    base BLOB                    -- root of the sorted base of recorded state, once there is one
) STRICT;
CREATE TABLE batches(
    tenant INTEGER NOT NULL, epoch INTEGER NOT NULL, number INTEGER NOT NULL,
    PRIMARY KEY (tenant, epoch, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE runs(
    tenant INTEGER NOT NULL, run INTEGER NOT NULL, row TEXT NOT NULL,
    PRIMARY KEY (tenant, run)
) STRICT, WITHOUT ROWID;
CREATE TABLE plans(
    id INTEGER PRIMARY KEY, tenant INTEGER NOT NULL, digest BLOB NOT NULL,
    UNIQUE (tenant, digest)
) STRICT;
CREATE TABLE events(
    place INTEGER PRIMARY KEY, plan INTEGER NOT NULL, change BLOB NOT NULL, event TEXT NOT NULL
) STRICT;
CREATE INDEX events_of_plan ON events(plan);
CREATE TABLE heads(
    tenant INTEGER NOT NULL, key BLOB NOT NULL, serial INTEGER NOT NULL, row BLOB NOT NULL,
    PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE openings(
    tenant INTEGER NOT NULL, change BLOB NOT NULL, gate TEXT NOT NULL, row TEXT NOT NULL,
    PRIMARY KEY (tenant, change, gate)
) STRICT, WITHOUT ROWID;
CREATE TABLE adoptions(
    tenant INTEGER NOT NULL, scope TEXT NOT NULL, mode TEXT NOT NULL, module BLOB NOT NULL, row TEXT NOT NULL,
    PRIMARY KEY (tenant, scope, mode, module)
) STRICT, WITHOUT ROWID;
CREATE TABLE denials(
    tenant INTEGER NOT NULL, target TEXT NOT NULL, holder TEXT NOT NULL, object TEXT NOT NULL, row TEXT NOT NULL,
    PRIMARY KEY (tenant, target, holder, object)
) STRICT, WITHOUT ROWID;
CREATE TABLE scan_counts(
    tenant INTEGER NOT NULL, source TEXT NOT NULL, side TEXT NOT NULL, target TEXT NOT NULL, row TEXT NOT NULL,
    PRIMARY KEY (tenant, source, side, target)
) STRICT, WITHOUT ROWID;
CREATE TABLE leaves(
    place INTEGER PRIMARY KEY, hash BLOB NOT NULL, bytes BLOB NOT NULL
) STRICT;
CREATE TABLE bodies(
    place INTEGER NOT NULL REFERENCES leaves(place), field TEXT NOT NULL, salt BLOB NOT NULL, state TEXT,
    PRIMARY KEY (place, field)
) STRICT, WITHOUT ROWID;
";

/// The one connection that writes. Makes the database when it is missing, and brings what the write-ahead log holds into
/// the database and flushes it: only then is what an earlier process left behind known to be durable.
pub(super) fn writer(dir: &Path) -> Result<Connection, StoreError> {
    renew(dir).map_err(|e| StoreError::Unusable(e.to_string()))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = connect(dir, flags)?;
    let fresh = version(&conn)? == (0, 0) && is_empty(&conn)?;
    let found = if fresh { FORMAT } else { check(&conn)? };
    set(&conn, &WRITER)?;
    #[cfg(test)]
    super::tests::disk::plant(dir, &conn)?;
    keep_log(&conn)?;
    if fresh {
        let header = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {FORMAT};");
        conn.execute_batch(&format!("BEGIN IMMEDIATE; {header} {RULE_STEPS} {SCHEMA} COMMIT;"))?;
    }
    if found < FORMAT {
        let added = if found == 1 { RULE_STEPS } else { "" };
        conn.execute_batch(&format!("BEGIN IMMEDIATE; PRAGMA user_version = {FORMAT}; {added} COMMIT;"))?;
    }
    // Also when it is not new: who made it may have failed between making and flushing its name.
    sync(dir).map_err(|e| StoreError::Unusable(e.to_string()))?;
    settle(&conn)?;
    #[cfg(test)]
    if super::tests::disk::planted(dir, super::tests::disk::Planted::UnconfirmedEnd) {
        return Ok(conn);
    }
    confirm(&conn)?;
    Ok(conn)
}

/// A ledger in memory, as a new one is made: what the tables of another are held against.
pub(super) fn fresh() -> Result<Connection, StoreError> {
    let conn = Connection::open_in_memory()?;
    conn.execute_batch(&format!("{RULE_STEPS} {SCHEMA}"))?;
    Ok(conn)
}

/// Gives the database a write-ahead log. The pragma answers before its change is flushed, so it is run to its end, where a
/// failure shows: with another journal, a commit would return before it is durable.
fn keep_log(conn: &Connection) -> Result<(), StoreError> {
    let mut pragma = conn.prepare("PRAGMA journal_mode = WAL")?;
    let mut answers = pragma.query([])?;
    let mut mode = String::new();
    while let Some(row) = answers.next()? {
        mode = row.get(0)?;
    }
    match mode.as_str() {
        "wal" => Ok(()),
        _ => Err(StoreError::Unusable(format!("it cannot have a write-ahead log; its journal is `{mode}`"))),
    }
}

/// Makes durable, by a commit of its own, that the write-ahead log was emptied. Before that, the loss of power may bring
/// back what was in it: also a batch whose flush failed, and which this connection is about to find absent.
fn confirm(conn: &Connection) -> Result<(), StoreError> {
    Ok(conn.execute_batch(&format!("PRAGMA user_version = {FORMAT}"))?)
}

/// Writes the write-ahead log over itself, byte for byte, and flushes it. After a failed flush the system may hold in
/// memory, as clean, what the disk never took: flushing again does nothing, and to move it into the database would tear
/// that when the power is lost. Readers of other processes see the same bytes throughout.
fn renew(dir: &Path) -> io::Result<()> {
    #[cfg(test)]
    if !super::tests::disk::renews(dir, LOG)? {
        return Ok(());
    }
    let mut log = match File::options().read(true).write(true).open(dir.join(LOG)) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        log => log?,
    };
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match log.read(&mut piece)? {
            0 => return log.sync_all(),
            length => {
                let (written, _) = piece.split_at(length);
                log.seek(SeekFrom::Current(-(length as i64)))?;
                log.write_all(written)?;
            }
        }
    }
}

/// A connection that only reads, and sees one committed state per transaction.
pub(super) fn reader(dir: &Path) -> Result<Connection, StoreError> {
    if !dir.join(FILE).exists() {
        return Err(StoreError::Absent);
    }
    let conn = connect(dir, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    match check(&conn)? {
        FORMAT => Ok(conn),
        found => Err(StoreError::Unusable(format!("it has format {found}, which the next plan or resume brings to {FORMAT}"))),
    }
}

/// Moves the whole write-ahead log into the database, flushes it, and empties the log.
fn settle(conn: &Connection) -> Result<(), StoreError> {
    let busy: i64 = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    match busy {
        0 => Ok(()),
        _ => Err(StoreError::Unusable("another process is reading it; try again when that is done".to_owned())),
    }
}

fn connect(dir: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(StoreError::Unusable(format!("SQLite {} can lose data; 3.51.3 is needed", rusqlite::version())));
    }
    #[cfg(not(test))]
    let conn = Connection::open_with_flags(dir.join(FILE), flags)?;
    #[cfg(test)]
    let conn = super::tests::disk::connect(&dir.join(FILE), flags)?;
    conn.busy_timeout(PATIENCE)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    set(&conn, &COMMON)?;
    Ok(conn)
}

/// Sets pragmas and reads them back: SQLite ignores in silence what it does not know or cannot do.
fn set(conn: &Connection, pragmas: &[(&str, &str, i64)]) -> Result<(), StoreError> {
    for (name, value, expected) in pragmas {
        conn.execute_batch(&format!("PRAGMA {name} = {value}"))?;
        let found: Value = conn.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))?;
        if found != Value::Integer(*expected) {
            return Err(StoreError::Unusable(format!("pragma {name} reads {found:?} after being set to {value}")));
        }
    }
    Ok(())
}

fn version(conn: &Connection) -> Result<(i64, u32), StoreError> {
    let application = conn.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let format = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok((application, format))
}

fn is_empty(conn: &Connection) -> Result<bool, StoreError> {
    Ok(conn.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?)
}

/// The format of a ledger. Refuses what is none, and one of a newer format.
fn check(conn: &Connection) -> Result<u32, StoreError> {
    match version(conn)? {
        (APPLICATION, found) if found > FORMAT => Err(StoreError::Newer { found, supported: FORMAT }),
        (APPLICATION, found @ 1..) => Ok(found),
        _ => Err(StoreError::Damaged(format!("`{FILE}` is not a ledger of trueup"))),
    }
}
