//! The file's tables, and the checks that make a file ours. Owns every pragma.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::EmbeddedError;

/// "TrUt": a target of trueup.
const APPLICATION_ID: u32 = 0x5472_5574;

/// How long a write waits for another process, as a remote system would let it wait.
const BUSY: Duration = Duration::from_secs(10);

/// Memory that a connection keeps pages of the file in; SQLite counts kibibytes as negative numbers.
const CACHE_KIB: i64 = -256;

const TABLES: &str = "
CREATE TABLE holding (
    subject INTEGER NOT NULL,
    holder TEXT NOT NULL,
    object TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    level TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    owner TEXT NOT NULL,
    purpose TEXT NOT NULL,
    last_used INTEGER NOT NULL,
    via TEXT NOT NULL,
    PRIMARY KEY (subject, holder, object)
) STRICT, WITHOUT ROWID;
CREATE TABLE resource (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE fence (highest INTEGER NOT NULL) STRICT;
INSERT INTO fence VALUES (0);
CREATE TABLE journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    change TEXT,
    fence INTEGER NOT NULL,
    subject INTEGER NOT NULL,
    holder TEXT NOT NULL,
    object TEXT NOT NULL,
    operation TEXT NOT NULL,
    before TEXT,
    after TEXT
) STRICT;
";

/// Opens a file, and makes its tables when it is new. A file of another program is not touched.
pub(super) fn open(path: &Path) -> Result<Connection, EmbeddedError> {
    let mut conn = Connection::open(path)?;
    conn.busy_timeout(BUSY)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.pragma_update(None, "cell_size_check", true)?;
    // An estate may have hundreds of these; behind it stands the system's own cache.
    conn.pragma_update(None, "cache_size", CACHE_KIB)?;
    // It plays a remote system: what a power cut may take back there is not what the ledger promises.
    conn.pragma_update(None, "synchronous", "NORMAL")?;
    let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found: u32 = tx.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: u64 = tx.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    match (found, tables) {
        (APPLICATION_ID, _) => {}
        (0, 0) => {
            tx.execute_batch(TABLES)?;
            tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        }
        (found, _) => return Err(EmbeddedError::Foreign { found }),
    }
    tx.commit()?;
    // The journal mode is written into the file: only now is it known to be ours.
    conn.pragma_update(None, "journal_mode", "WAL")?;
    Ok(conn)
}
