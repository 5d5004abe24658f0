//! Lists the system page by page, in the order of its keys.

use rusqlite::{Connection, Row};

use super::EmbeddedError;
use super::writing::state;
use crate::discover::{Cursor, Page};
use crate::limits::PAGE_ROWS;
use crate::model::{CaseKey, Fact, FactFlags, Holding, Subject, Sym, Time};

const SELECT: &str = "SELECT subject, holder, object, enabled, level, expires_at, owner, purpose, last_used, via FROM holding
     WHERE (subject, holder, object) > (?1, ?2, ?3) ORDER BY subject, holder, object LIMIT ?4";

/// Moves with every mutation.
pub(super) fn version(conn: &Connection) -> rusqlite::Result<String> {
    let sql = "SELECT (SELECT coalesce(max(seq), 0) FROM journal), (SELECT count(*) FROM resource)";
    conn.query_row(sql, (), |row| Ok(format!("{}.{}", row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
}

/// The page after a cursor, or the first; the last one says how many rows there are.
pub(super) fn page(conn: &Connection, target: &str, after: Option<&Cursor>) -> Result<Page, EmbeddedError> {
    let (subject, holder, object) = match after {
        None => (-1, String::new(), String::new()),
        Some(cursor) => serde_json::from_str::<(i64, String, String)>(&cursor.0)
            .map_err(|error| EmbeddedError::Damaged { problem: format!("cursor: {error}") })?,
    };
    let mut page = Page::default();
    let mut last = (0_i64, Sym::EMPTY, Sym::EMPTY);
    let target = page.symbols.intern(target);
    let mut statement = conn.prepare_cached(SELECT)?;
    let mut rows = statement.query((subject, holder, object, PAGE_ROWS))?;
    while let Some(row) = rows.next()? {
        let fact = fact(&mut page, target, row)?;
        last = (fact.subject as i64, fact.holder, fact.object);
        page.facts.push(fact);
    }
    drop(rows);
    if page.facts.len() >= PAGE_ROWS as usize {
        let key = (last.0, page.symbols.text(last.1), page.symbols.text(last.2));
        let text = serde_json::to_string(&key).map_err(|error| EmbeddedError::Damaged { problem: error.to_string() })?;
        page.next = Some(Cursor(text));
    } else {
        page.total = Some(conn.query_row("SELECT count(*) FROM holding", (), |row| row.get(0))?);
    }
    Ok(page)
}

/// What a holder has of its own: what it inherits is taken away where it comes from.
pub(super) fn of_holder(conn: &Connection, target: &str, holder: &str) -> Result<Vec<(CaseKey, Holding)>, EmbeddedError> {
    let sql =
        "SELECT subject, object FROM holding WHERE holder = ?1 AND subject IN (0, 1, 2) AND via = '' ORDER BY subject, object";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([holder])?;
    let mut held = Vec::new();
    while let Some(row) = rows.next()? {
        let (subject, object): (_, String) = (subject(row.get(0)?)?, row.get(1)?);
        if let Some(holding) = state(conn, subject, holder, &object)? {
            held.push((CaseKey { target: target.to_owned(), holder: holder.to_owned(), subject, object }, holding));
        }
    }
    Ok(held)
}

fn fact(page: &mut Page, target: Sym, row: &Row<'_>) -> Result<Fact, EmbeddedError> {
    let subject = subject(row.get(0)?)?;
    let mut intern = |column: usize| -> rusqlite::Result<Sym> {
        let text = row
            .get_ref(column)?
            .as_str()
            .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error)))?;
        Ok(page.symbols.intern(text))
    };
    let mut fact = Fact::new(subject, target, intern(1)?, intern(2)?);
    fact.level = intern(4)?;
    fact.owner = intern(6)?;
    fact.purpose = intern(7)?;
    fact.via = intern(9)?;
    fact.expires_at = Time::from_seconds(row.get(5)?);
    fact.last_used = Time::from_seconds(row.get(8)?);
    let disabled = if row.get(3)? { 0 } else { FactFlags::DISABLED };
    let inherited = if fact.via.is_empty() { 0 } else { FactFlags::INHERITED };
    fact.flags = FactFlags(disabled | inherited);
    Ok(fact)
}

/// The subject of a stored number.
pub(super) fn subject(number: i64) -> Result<Subject, EmbeddedError> {
    match number {
        0 => Ok(Subject::Account),
        1 => Ok(Subject::Grant),
        2 => Ok(Subject::Credential),
        other => Err(EmbeddedError::Damaged { problem: format!("a row has subject {other}") }),
    }
}
