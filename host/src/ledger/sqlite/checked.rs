//! A check beside each stored row, over its text and the columns that place it, so that damage is found where it is and no
//! damaged row is acted on. Owns the check and where it stands; it is no secret, and what was altered on purpose is found by
//! the audit log alone.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Params, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::StoreError;

/// Bytes of a check.
pub(super) const CHECK_BYTES: usize = 8;
/// Hexadecimal digits of a check, before the text of its row. A row without one was written by format 2 and begins with a
/// bracket.
const DIGITS: usize = 2 * CHECK_BYTES;

/// The check of a row of a table.
pub(super) fn check(table: &str, key: &[ValueRef<'_>], row: &[u8]) -> [u8; CHECK_BYTES] {
    let mut hasher = Sha256::new();
    let mut take = |kind: u8, bytes: &[u8]| {
        hasher.update([kind]);
        hasher.update((bytes.len() as u64).to_be_bytes());
        hasher.update(bytes);
    };
    take(0, table.as_bytes());
    for column in key {
        match column {
            ValueRef::Null => take(1, b""),
            ValueRef::Integer(number) => take(2, &number.to_be_bytes()),
            ValueRef::Real(number) => take(3, &number.to_be_bytes()),
            ValueRef::Text(text) => take(4, text),
            ValueRef::Blob(bytes) => take(5, bytes),
        }
    }
    take(6, row);
    let digest: [u8; 32] = hasher.finalize().into();
    std::array::from_fn(|i| digest[i])
}

/// A number as a column.
pub(super) const fn number(number: u64) -> ValueRef<'static> {
    ValueRef::Integer(number as i64)
}

/// A text as a column.
pub(super) const fn text(text: &str) -> ValueRef<'_> {
    ValueRef::Text(text.as_bytes())
}

/// What is stored of a row whose place these columns are.
pub(super) fn sealed<T: Serialize>(table: &str, key: &[ValueRef<'_>], row: &T) -> Result<String, StoreError> {
    let text = serde_json::to_string(row).map_err(|e| StoreError::Unusable(e.to_string()))?;
    let check = u64::from_be_bytes(check(table, key, text.as_bytes()));
    Ok(format!("{check:016x}{text}"))
}

/// The row behind what is stored: its first column, and the columns of its place after it.
pub(super) fn opened<T: DeserializeOwned>(table: &str, row: &Row<'_>) -> Result<T, StoreError> {
    let stored = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
    let columns = 1..row.as_ref().column_count();
    let key = columns.map(|i| row.get_ref(i)).collect::<Result<Vec<_>, _>>()?;
    let damaged = |problem: &str| StoreError::Damaged(format!("row {key:?} of `{table}` {problem}"));
    let text = match stored.split_at_checked(DIGITS) {
        _ if stored.starts_with('{') => stored,
        Some((digits, text)) if digits == format!("{:016x}", u64::from_be_bytes(check(table, &key, text.as_bytes()))) => text,
        _ => return Err(damaged("is not what was written")),
    };
    serde_json::from_str(text).map_err(|e| damaged(&format!("is none: {e}")))
}

/// All rows that a statement finds.
pub(super) fn all<T: DeserializeOwned>(
    conn: &Connection,
    table: &str,
    sql: &str,
    params: impl Params,
) -> Result<Vec<T>, StoreError> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(opened(table, row)?);
    }
    Ok(all)
}
