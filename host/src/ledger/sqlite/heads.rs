//! Recorded state at one instant: the sorted base, and the rows that changed since, read page by page. Owns a connection
//! and its read transaction, so that a run can go on writing meanwhile.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};

use super::apply::Tenant;
use super::checked::check;
use super::{StoreError, open};
use crate::correlate::Recorded;
use crate::ledger::base::BaseReader;
use crate::ledger::merge::Merge;
use crate::ledger::row::{RootHasher, from_bytes, to_bytes};
use crate::ledger::{LedgerError, RecordedRows};
use crate::model::Digest;

/// Rows per page.
const PAGE_ROWS: u32 = 4_096;
/// How often a base may be replaced between reading its name and opening it.
const TRIES: u32 = 8;

/// Which base and heads a view shows.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    pub(super) id: u64,
    pub(super) epoch: u64,
    pub(super) base: Option<Digest>,
    /// Entries so far: heads above it came later.
    pub(super) serial: u64,
}

/// Recorded state of one tenant at one instant.
pub(super) struct View {
    tenant: Option<Seen>,
    base: Option<BaseReader>,
    heads: Heads,
}

impl View {
    pub(super) fn open(dir: &Path, tenant: &str) -> Result<Self, LedgerError> {
        for _ in 0..TRIES {
            let conn = open::reader(dir).map_err(|e| e.reading(dir))?;
            let seen = begin(&conn, tenant).map_err(|e| e.reading(dir))?;
            let mut heads = Heads::new(dir, conn, seen.map_or(0, |seen| seen.id));
            heads.fill().map_err(|e| e.reading(dir))?;
            let Some(Seen { id, base: Some(root), .. }) = seen else {
                return Ok(View { tenant: seen, base: None, heads });
            };
            match BaseReader::open(dir, id, root) {
                Ok(base) => return Ok(View { tenant: seen, base: Some(base?), heads }),
                // A merge in another thread or process took its place: look again.
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                Err(e) => return Err(LedgerError::Unreadable { path: dir.to_owned(), problem: e.to_string() }),
            }
        }
        let problem = format!("the base of recorded state of `{tenant}` is missing");
        Err(LedgerError::Corrupt { path: dir.to_owned(), problem })
    }

    /// The epoch of the tenant's writer; zero when it never had one.
    pub(super) fn epoch(&self) -> u64 {
        self.tenant.map_or(0, |tenant| tenant.epoch)
    }

    /// What there is to merge, if anything changed since the base.
    pub(super) fn changed(&self) -> Option<Seen> {
        self.tenant.filter(|_| !self.heads.page.is_empty())
    }

    /// Digest of recorded state. With nothing changed since, the base's name says it.
    pub(super) fn root(self) -> Result<Digest, LedgerError> {
        match (self.changed(), self.tenant.and_then(|tenant| tenant.base)) {
            (None, Some(root)) => Ok(root),
            _ => {
                let mut hasher = RootHasher::default();
                self.into_rows().try_for_each(|row| row.map(|row| hasher.add(&to_bytes(&row))))?;
                Ok(hasher.root())
            }
        }
    }

    pub(super) fn into_rows(self) -> RecordedRows<'static> {
        match self.base {
            Some(base) => Box::new(Merge::new(base, self.heads)),
            None => Box::new(self.heads),
        }
    }
}

/// Begins the read transaction that the view lives in.
fn begin(conn: &Connection, tenant: &str) -> Result<Option<Seen>, StoreError> {
    conn.execute_batch("BEGIN")?;
    Ok(Tenant::load(conn, tenant)?.map(|tenant| Seen {
        id: tenant.id,
        epoch: tenant.epoch,
        base: tenant.base,
        serial: tenant.serial,
    }))
}

/// The row of a head. One that format 2 wrote has no check behind it.
fn head(row: &Row<'_>) -> Result<Recorded, StoreError> {
    let (key, stored) = (row.get_ref(0)?, row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?);
    let damaged = |problem: &str| StoreError::Damaged(format!("the head of {key:?} {problem}"));
    let (bytes, found) = stored.split_first_chunk().ok_or_else(|| damaged("is too short"))?;
    let recorded = from_bytes(bytes);
    if key != ValueRef::Blob(&recorded.key.0) {
        return Err(damaged("holds another key"));
    }
    match found.is_empty() || found == check("heads", &[row.get_ref(2)?, key, row.get_ref(3)?], bytes) {
        true => Ok(recorded),
        false => Err(damaged("is not what was written")),
    }
}

/// Changed rows in ascending order of keys.
struct Heads {
    dir: PathBuf,
    conn: Connection,
    tenant: u64,
    page: VecDeque<Recorded>,
    after: Option<[u8; 16]>,
    done: bool,
}

impl Heads {
    fn new(dir: &Path, conn: Connection, tenant: u64) -> Self {
        Heads { dir: dir.to_owned(), conn, tenant, page: VecDeque::new(), after: None, done: false }
    }

    fn fill(&mut self) -> Result<(), StoreError> {
        let sql = "SELECT key, row, tenant, serial FROM heads WHERE tenant = ?1 AND key > ?2 ORDER BY key LIMIT ?3";
        let mut statement = self.conn.prepare_cached(sql)?;
        // The empty blob sorts before every key.
        let after = self.after.as_ref().map_or(&[][..], |key| &key[..]);
        let mut rows = statement.query(params![self.tenant, after, PAGE_ROWS])?;
        while let Some(row) = rows.next()? {
            self.page.push_back(head(row)?);
        }
        self.after = self.page.back().map(|row| row.key.0);
        self.done = self.page.len() < PAGE_ROWS as usize;
        Ok(())
    }
}

impl Iterator for Heads {
    type Item = Result<Recorded, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.is_empty()
            && !self.done
            && let Err(e) = self.fill()
        {
            self.done = true;
            return Some(Err(e.reading(&self.dir)));
        }
        self.page.pop_front().map(Ok)
    }
}
