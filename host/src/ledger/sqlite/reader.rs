//! The closed set of queries as statements that read. Owns no transaction and writes nothing.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::StoreError;
use super::apply::Tenant;
use super::checked::{all, opened};
use super::open::{index_of, place};
use crate::audit::LogHead;
use crate::ledger::{AuditBody, Query, Rows, StoredLeaf};
use crate::model::{ChangeId, Digest, PlanId, RuleStep};

/// Answers a query. A tenant that is not known has no rows.
pub(super) fn rows(conn: &Connection, tenant: &str, query: &Query) -> Result<Rows, StoreError> {
    let id = "SELECT id FROM tenants WHERE name = ?1";
    let id = conn.prepare_cached(id)?.query_one([tenant], |row| row.get(0)).optional()?.unwrap_or(0);
    Ok(match query {
        Query::Events(plan) => Rows::Events(events(conn, id, *plan)?),
        Query::Openings => Rows::Openings(all(
            conn,
            "openings",
            "SELECT row, tenant, change, gate FROM openings WHERE tenant = ?1 ORDER BY change, gate",
            [id],
        )?),
        Query::Adoptions => Rows::Adoptions(all(
            conn,
            "adoptions",
            "SELECT row, tenant, scope, mode, module FROM adoptions WHERE tenant = ?1 ORDER BY scope, mode, module",
            [id],
        )?),
        Query::Denials => Rows::Denials(all(
            conn,
            "denials",
            "SELECT row, tenant, target, holder, object FROM denials WHERE tenant = ?1 ORDER BY target, holder, object",
            [id],
        )?),
        Query::RuleSteps => Rows::RuleSteps(rule_steps(conn, id)?),
        Query::ScanCounts => Rows::ScanCounts(all(
            conn,
            "scan_counts",
            "SELECT row, tenant, source, side, target FROM scan_counts WHERE tenant = ?1 ORDER BY source, side, target",
            [id],
        )?),
        Query::Runs(most) => Rows::Runs(all(
            conn,
            "runs",
            "SELECT row, tenant, run FROM runs WHERE tenant = ?1 ORDER BY run DESC LIMIT ?2",
            params![id, most],
        )?),
        Query::Leaves(from, most) => Rows::Leaves(leaves(conn, id, *from, *most)?),
        Query::LeafHashes(from, most) => Rows::LeafHashes(leaf_hashes(conn, id, *from, *most)?),
        Query::LogHead => Rows::LogHead(log_head(conn, tenant)?),
    })
}

fn rule_steps(conn: &Connection, tenant: u64) -> Result<Vec<RuleStep>, StoreError> {
    let (first, end) = (place(tenant, 0)?, place(tenant + 1, 0)?);
    all(conn, "rule_steps", "SELECT row, place FROM rule_steps WHERE place >= ?1 AND place < ?2 ORDER BY place", [first, end])
}

fn events(conn: &Connection, tenant: u64, plan: PlanId) -> Result<Vec<(ChangeId, crate::commit::Event)>, StoreError> {
    let sql = "SELECT event, place, plan, change FROM events \
               WHERE plan = (SELECT id FROM plans WHERE tenant = ?1 AND digest = ?2) ORDER BY place";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params![tenant, plan.0.0])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push((ChangeId(Digest(row.get(3)?)), opened("events", row)?));
    }
    Ok(all)
}

fn leaves(conn: &Connection, tenant: u64, from: u64, most: u32) -> Result<Vec<StoredLeaf>, StoreError> {
    // Tenant zero is nobody, and the places of the next tenant end those of this one.
    let (first, end) = (place(tenant, from)?, place(tenant + 1, 0)?);
    let sql = "SELECT place, hash, bytes FROM leaves WHERE place >= ?1 AND place < ?2 ORDER BY place LIMIT ?3";
    let mut statement = conn.prepare_cached(sql)?;
    let found = statement.query_map(params![first, end, most], |row| {
        let (place, hash) = (row.get(0)?, row.get(1)?);
        Ok((place, StoredLeaf { index: index_of(place), hash: Digest(hash), bytes: row.get(2)?, bodies: Vec::new() }))
    })?;
    let mut found = found.collect::<Result<Vec<(u64, StoredLeaf)>, _>>()?;
    let Some((last, _)) = found.last() else { return Ok(Vec::new()) };
    let sql = "SELECT place, field, salt, state FROM bodies WHERE place BETWEEN ?1 AND ?2 ORDER BY place, field";
    let mut statement = conn.prepare_cached(sql)?;
    let mut bodies = statement.query(params![first, *last])?;
    let mut leaf = found.iter_mut().peekable();
    while let Some(row) = bodies.next()? {
        let at: u64 = row.get(0)?;
        while leaf.next_if(|(place, _)| *place < at).is_some() {}
        let body = AuditBody { field: row.get(1)?, salt: Digest(row.get(2)?).to_string(), state: row.get(3)? };
        match leaf.peek_mut() {
            Some((place, leaf)) if *place == at => leaf.bodies.push(body),
            _ => return Err(StoreError::Damaged(format!("leaf {} has a state but is not there", index_of(at)))),
        }
    }
    Ok(found.into_iter().map(|(_, leaf)| leaf).collect())
}

fn leaf_hashes(conn: &Connection, tenant: u64, from: u64, most: u32) -> Result<Vec<Digest>, StoreError> {
    let (first, end) = (place(tenant, from)?, place(tenant + 1, 0)?);
    let sql = "SELECT hash FROM leaves WHERE place >= ?1 AND place < ?2 ORDER BY place LIMIT ?3";
    let mut statement = conn.prepare_cached(sql)?;
    let hashes = statement.query_map(params![first, end, most], |row| row.get(0).map(Digest))?;
    Ok(hashes.collect::<Result<_, _>>()?)
}

fn log_head(conn: &Connection, tenant: &str) -> Result<LogHead, StoreError> {
    Ok(Tenant::load(conn, tenant)?.map(|tenant| tenant.frontier.head()).unwrap_or_default())
}
