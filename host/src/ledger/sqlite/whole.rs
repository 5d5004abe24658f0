//! Everything that a ledger stores, looked at once: the pages of the database, whose rows they are, and the check of each
//! row. Owns the statements; what they would mean is for nobody here.

use rusqlite::Connection;
use serde::de::IgnoredAny;

use super::StoreError;
use super::apply::Tenant;
use super::checked::opened;
use super::open::fresh;

/// Tables whose rows carry a check: the name, the column of the row, and the columns that place it.
const CHECKED: [(&str, &str); 7] = [
    ("runs", "row, tenant, run"),
    ("events", "event, place, plan, change"),
    ("openings", "row, tenant, change, gate"),
    ("adoptions", "row, tenant, scope, mode, module"),
    ("denials", "row, tenant, target, holder, object"),
    ("scan_counts", "row, tenant, source, side, target"),
    ("rule_steps", "row, place"),
];
/// Tables whose rows name their tenant.
const OF_TENANTS: [&str; 8] = ["batches", "runs", "plans", "heads", "openings", "adoptions", "denials", "scan_counts"];
/// Tables whose rows name it in their place.
const PLACED: [&str; 4] = ["events", "leaves", "bodies", "rule_steps"];

/// The text of each table and index.
fn schema(conn: &Connection) -> Result<Vec<[String; 4]>, StoreError> {
    let sql = "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema ORDER BY name";
    let mut statement = conn.prepare(sql)?;
    let rows = statement.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Looks at everything.
pub(super) fn check(conn: &Connection) -> Result<(), StoreError> {
    // One state, whatever is written meanwhile.
    conn.execute_batch("BEGIN")?;
    let damaged = |problem: String| Err(StoreError::Damaged(problem));
    let found: String = conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        return damaged(found);
    }
    if schema(conn)? != schema(&fresh()?)? {
        return damaged("its tables are not those that were made".to_owned());
    }
    let mut names = conn.prepare("SELECT name FROM tenants")?;
    for name in names.query_map([], |row| row.get::<_, String>(0))? {
        Tenant::load(conn, &name?)?;
    }
    let owners = OF_TENANTS.iter().map(|table| (*table, "tenant".to_owned()));
    let placed = PLACED.iter().map(|table| (*table, format!("place >> {}", super::open::INDEX_BITS)));
    for (table, owner) in owners.chain(placed) {
        let sql = format!("SELECT count(*) FROM {table} WHERE {owner} NOT IN (SELECT id FROM tenants)");
        let lost: u64 = conn.query_row(&sql, [], |row| row.get(0))?;
        if lost > 0 {
            return damaged(format!("{lost} rows of `{table}` are of no tenant"));
        }
    }
    let sql = "SELECT count(*) FROM events WHERE plan NOT IN (SELECT id FROM plans)";
    let lost: u64 = conn.query_row(sql, [], |row| row.get(0))?;
    if lost > 0 {
        return damaged(format!("{lost} rows of `events` are of no plan"));
    }
    for (table, columns) in CHECKED {
        let mut statement = conn.prepare(&format!("SELECT {columns} FROM {table}"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            opened::<IgnoredAny>(table, row)?;
        }
    }
    Ok(())
}
