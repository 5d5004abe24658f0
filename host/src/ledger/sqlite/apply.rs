//! One batch within a transaction: its entries become rows, its leaves the end of the log. Owns the statements that
//! write; when a transaction begins and ends is for `writer`.

use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};

use super::StoreError;
use super::checked::{CHECK_BYTES, check, number, sealed, text};
use super::open::place;
use crate::audit::{Frontier, LeafPlace, LogHead, leaf_hash};
use crate::ledger::row::to_bytes;
use crate::ledger::{Batch, BatchId, Entry, Leaf};
use crate::model::{Digest, PlanId};

/// Bytes of one peak of a frontier.
const PEAK_BYTES: usize = 32;

/// The row of a tenant while a transaction works on it.
pub(super) struct Tenant {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) epoch: u64,
    /// Entries so far.
    pub(super) serial: u64,
    pub(super) frontier: Frontier,
    /// Root of the sorted base.
    pub(super) base: Option<Digest>,
    /// Number of the plan that the last event belonged to.
    plan: Option<(PlanId, u64)>,
}

/// What every change needs several times, prepared once for a batch.
struct Inserts<'c> {
    event: CachedStatement<'c>,
    head: CachedStatement<'c>,
    leaf: CachedStatement<'c>,
    body: CachedStatement<'c>,
}

impl<'c> Inserts<'c> {
    fn prepare(conn: &'c Connection) -> Result<Self, StoreError> {
        Ok(Inserts {
            event: conn.prepare_cached("INSERT INTO events (place, plan, change, event) VALUES (?1, ?2, ?3, ?4)")?,
            head: conn.prepare_cached("INSERT OR REPLACE INTO heads (tenant, key, serial, row) VALUES (?1, ?2, ?3, ?4)")?,
            leaf: conn.prepare_cached("INSERT INTO leaves (place, hash, bytes) VALUES (?1, ?2, ?3)")?,
            body: conn.prepare_cached("INSERT INTO bodies (place, field, salt, state) VALUES (?1, ?2, ?3, ?4)")?,
        })
    }
}

impl Tenant {
    /// Reads the row of a tenant, and that its log's root is the one of its frontier.
    pub(super) fn load(conn: &Connection, name: &str) -> Result<Option<Self>, StoreError> {
        let sql = "SELECT id, epoch, serial, log_size, log_root, frontier, base FROM tenants WHERE name = ?1";
        let row = conn.prepare_cached(sql)?.query_one([name], |row| {
            let size: u64 = row.get(3)?;
            let frontier: Vec<u8> = row.get(5)?;
            let root = Digest(row.get(4)?);
            let base: Option<[u8; 32]> = row.get(6)?;
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, LogHead { size, root }, frontier, base.map(Digest)))
        });
        let Some((id, epoch, serial, head, stored, base)) = row.optional()? else { return Ok(None) };
        // A row that format 2 wrote has no check behind its frontier.
        let (peaks, found) = stored.split_at(stored.len() - stored.len() % PEAK_BYTES);
        let damaged =
            |problem: &str| Err(StoreError::Damaged(format!("the log of `{name}` has {} leaves and {problem}", head.size)));
        let Some(frontier) = Frontier::from_bytes(head.size, peaks).filter(|frontier| frontier.root() == head.root) else {
            return damaged("a root that is not that of its frontier");
        };
        let tenant = Tenant { id, name: name.to_owned(), epoch, serial, frontier, base, plan: None };
        match found.is_empty() || found == tenant.check() {
            true => Ok(Some(tenant)),
            false => damaged("a row that is not what was written"),
        }
    }

    /// The check of its row.
    fn check(&self) -> [u8; CHECK_BYTES] {
        let LogHead { size, root } = self.frontier.head();
        let base = self.base.as_ref().map_or(ValueRef::Null, |base| ValueRef::Blob(&base.0));
        let columns = [number(self.id), text(&self.name), number(self.epoch), number(self.serial), number(size), base];
        check("tenants", &columns, &root.0)
    }

    /// Reads the row of a tenant for its writer of this epoch.
    pub(super) fn owned(conn: &Connection, name: &str, epoch: u64) -> Result<Self, StoreError> {
        Self::load(conn, name)?.filter(|tenant| tenant.epoch == epoch).ok_or(StoreError::Fenced)
    }

    /// Writes back what was moved.
    pub(super) fn store(&self, conn: &Connection) -> Result<(), StoreError> {
        let sql = "UPDATE tenants SET epoch = ?2, serial = ?3, log_size = ?4, log_root = ?5, frontier = ?6, base = ?7 \
                   WHERE id = ?1";
        let LogHead { size, root } = self.frontier.head();
        let frontier = [self.frontier.to_bytes().as_slice(), &self.check()].concat();
        let base = self.base.map(|base| base.0);
        conn.prepare_cached(sql)?.execute(params![self.id, self.epoch, self.serial, size, root.0, frontier, base])?;
        Ok(())
    }

    /// Applies one batch; gives the log's head after it.
    pub(super) fn apply(&mut self, conn: &Connection, id: BatchId, batch: &Batch) -> Result<LogHead, StoreError> {
        let mut inserts = Inserts::prepare(conn)?;
        for entry in &batch.entries {
            self.entry(conn, &mut inserts, entry)?;
        }
        for leaf in &batch.leaves {
            self.leaf(&mut inserts, leaf)?;
        }
        let (epoch, number) = id.parts();
        let sql = "INSERT INTO batches (tenant, epoch, number) VALUES (?1, ?2, ?3)";
        conn.prepare_cached(sql)?.execute(params![self.id, epoch, number])?;
        Ok(self.frontier.head())
    }

    fn entry(&mut self, conn: &Connection, inserts: &mut Inserts<'_>, entry: &Entry) -> Result<(), StoreError> {
        self.serial += 1;
        match entry {
            Entry::Run(row) => {
                let sql = "INSERT OR REPLACE INTO runs (tenant, run, row) VALUES (?1, ?2, ?3)";
                let stored = sealed("runs", &[number(self.id), number(row.run.0)], row)?;
                conn.prepare_cached(sql)?.execute(params![self.id, row.run.0, stored])?;
            }
            Entry::Change { plan, change, event } => {
                let plan = self.plan(conn, *plan)?;
                let place = place(self.id, self.serial)?;
                let stored = sealed("events", &[number(place), number(plan), ValueRef::Blob(&change.0.0)], event)?;
                inserts.event.execute(params![place, plan, change.0.0, stored])?;
            }
            Entry::Head(row) => {
                let bytes = to_bytes(row);
                let check = check("heads", &[number(self.id), ValueRef::Blob(&row.key.0), number(self.serial)], &bytes);
                inserts.head.execute(params![self.id, row.key.0, self.serial, [&bytes[..], &check].concat()])?;
            }
            Entry::Opened(row) => {
                let sql = "INSERT OR REPLACE INTO openings (tenant, change, gate, row) VALUES (?1, ?2, ?3, ?4)";
                let (change, gate) = row.key();
                let stored = sealed("openings", &[number(self.id), ValueRef::Blob(&change.0.0), text(gate)], row)?;
                conn.prepare_cached(sql)?.execute(params![self.id, change.0.0, gate, stored])?;
            }
            Entry::Adopted(row) => {
                let sql = "INSERT OR REPLACE INTO adoptions (tenant, scope, mode, module, row) VALUES (?1, ?2, ?3, ?4, ?5)";
                let (scope, mode, module) = row.key();
                let key = [number(self.id), text(&scope), text(mode), ValueRef::Blob(&module.0)];
                conn.prepare_cached(sql)?.execute(params![self.id, scope, mode, module.0, sealed("adoptions", &key, row)?])?;
            }
            Entry::Denied(row) => {
                let sql = "INSERT OR REPLACE INTO denials (tenant, target, holder, object, row) VALUES (?1, ?2, ?3, ?4, ?5)";
                let key = [number(self.id), text(&row.target), text(&row.holder), text(&row.object)];
                let stored = sealed("denials", &key, row)?;
                conn.prepare_cached(sql)?.execute(params![self.id, row.target, row.holder, row.object, stored])?;
            }
            Entry::Redacted(index) => {
                // What is overwritten is overwritten with zeros, from here until the connection is opened anew.
                conn.execute_batch("PRAGMA secure_delete = ON")?;
                let sql = "UPDATE bodies SET state = NULL, salt = zeroblob(32) WHERE place = ?1";
                conn.prepare_cached(sql)?.execute([place(self.id, *index)?])?;
            }
            Entry::Pruned { from, to } => self.prune(conn, *from, *to)?,
            Entry::Rule(row) => {
                let sql = "INSERT INTO rule_steps (place, row) VALUES (?1, ?2)";
                let place = place(self.id, self.serial)?;
                conn.prepare_cached(sql)?.execute(params![place, sealed("rule_steps", &[number(place)], row)?])?;
            }
            Entry::Counted(row) => {
                let sql = "INSERT OR REPLACE INTO scan_counts (tenant, source, side, target, row) VALUES (?1, ?2, ?3, ?4, ?5)";
                let (source, side, target) = row.key();
                let stored = sealed("scan_counts", &[number(self.id), text(&source), text(side), text(&target)], row)?;
                conn.prepare_cached(sql)?.execute(params![self.id, source, side, target, stored])?;
            }
        }
        Ok(())
    }

    /// Empties leaves. Their rows stay, with the hashes that every proof is made of.
    fn prune(&self, conn: &Connection, from: u64, to: u64) -> Result<(), StoreError> {
        // As for what is redacted: what is overwritten is overwritten with zeros.
        conn.execute_batch("PRAGMA secure_delete = ON")?;
        let range = [place(self.id, from)?, place(self.id, to)?];
        conn.prepare_cached("DELETE FROM bodies WHERE place >= ?1 AND place < ?2")?.execute(range)?;
        conn.prepare_cached("UPDATE leaves SET bytes = x'' WHERE place >= ?1 AND place < ?2 AND bytes != x''")?.execute(range)?;
        Ok(())
    }

    /// A plan's number: 32 bytes less in each event, and a small index.
    fn plan(&mut self, conn: &Connection, plan: PlanId) -> Result<u64, StoreError> {
        if let Some((last, number)) = self.plan
            && last == plan
        {
            return Ok(number);
        }
        let insert = "INSERT OR IGNORE INTO plans (tenant, digest) VALUES (?1, ?2)";
        conn.prepare_cached(insert)?.execute(params![self.id, plan.0.0])?;
        let select = "SELECT id FROM plans WHERE tenant = ?1 AND digest = ?2";
        let number = conn.prepare_cached(select)?.query_one(params![self.id, plan.0.0], |row| row.get(0))?;
        self.plan = Some((plan, number));
        Ok(number)
    }

    fn leaf(&mut self, inserts: &mut Inserts<'_>, leaf: &Leaf) -> Result<(), StoreError> {
        let index = self.frontier.size();
        let bytes = leaf.encode(LeafPlace { tenant: &self.name, epoch: self.epoch, index })?;
        let (hash, place) = (leaf_hash(&bytes), place(self.id, index)?);
        inserts.leaf.execute(params![place, hash.0, bytes])?;
        for body in &leaf.bodies {
            let salt = Digest::parse(&body.salt);
            let salt = salt.ok_or_else(|| StoreError::Unusable(format!("the salt of `{}` is no 32 bytes", body.field)))?;
            inserts.body.execute(params![place, body.field, salt.0, body.state])?;
        }
        self.frontier.append(hash);
        Ok(())
    }
}
