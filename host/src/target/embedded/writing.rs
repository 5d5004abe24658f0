//! One case at a time: what is held, under which version, and the conditional write. Owns the rules of the system: who has
//! grants cannot be deleted, what is inherited cannot be written.

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::EmbeddedError;
use crate::model::{Holding, State, Subject, Time};
use crate::target::{Write, WriteError};

/// A mutation to be journaled.
pub(super) struct Mutation<'a> {
    pub(super) at: Time,
    pub(super) change: Option<String>,
    pub(super) fence: u64,
    pub(super) operation: &'a str,
    pub(super) subject: Subject,
    pub(super) holder: &'a str,
    pub(super) object: &'a str,
    pub(super) after: Option<&'a Holding>,
}

/// What is held.
pub(super) fn state(conn: &Connection, subject: Subject, holder: &str, object: &str) -> Result<State, EmbeddedError> {
    let sql = "SELECT enabled, level, expires_at, owner, purpose FROM holding WHERE subject = ?1 AND holder = ?2 AND object = ?3";
    let mut statement = conn.prepare_cached(sql)?;
    let found = statement.query_row(params![subject as i64, holder, object], |row| {
        Ok(Holding {
            enabled: row.get(0)?,
            level: row.get(1)?,
            expires_at: Time::from_seconds(row.get(2)?),
            owner: row.get(3)?,
            purpose: row.get(4)?,
        })
    });
    Ok(found.optional()?)
}

/// Version of the resource that a case belongs to: the object, or the account itself. Zero: nothing was ever there.
pub(super) fn version(conn: &Connection, subject: Subject, holder: &str, object: &str) -> Result<i64, EmbeddedError> {
    let mut statement = conn.prepare_cached("SELECT version FROM resource WHERE name = ?1")?;
    let found = statement.query_row([resource(subject, holder, object)], |row| row.get(0));
    Ok(found.optional()?.unwrap_or(0))
}

fn resource(subject: Subject, holder: &str, object: &str) -> String {
    match subject {
        Subject::Account => format!("account {holder}"),
        Subject::Grant => format!("object {object}"),
        Subject::Credential => format!("credential {object}"),
    }
}

/// The conditional write: one transaction, all or nothing.
pub(super) fn write(conn: &mut Connection, write: &Write<'_>) -> Result<(), WriteError> {
    let sqlite = |error: rusqlite::Error| failed(error.into());
    let key = &write.change.key;
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite)?;
    let highest: u64 = tx.query_row("SELECT highest FROM fence", (), |row| row.get(0)).map_err(sqlite)?;
    if write.fence < highest {
        return Err(WriteError::Fenced);
    }
    let found = version(&tx, key.subject, &key.holder, &key.object).map_err(failed)?;
    if found.to_string() != write.version.0 {
        return Err(WriteError::Precondition);
    }
    if let Some(message) = forbidden(&tx, write).map_err(failed)? {
        return Err(WriteError::Rejected { message });
    }
    if write.fence > highest {
        tx.execute("UPDATE fence SET highest = ?1", [write.fence]).map_err(sqlite)?;
    }
    let mutation = Mutation {
        at: write.at,
        change: Some(write.change.id.to_string()),
        fence: write.fence,
        operation: write.change.kind.name(),
        subject: key.subject,
        holder: &key.holder,
        object: &key.object,
        after: write.after,
    };
    mutate(&tx, &mutation).map_err(failed)?;
    // Whether a failed commit took effect, nobody knows.
    tx.commit().map_err(|error| WriteError::Ambiguous { message: error.to_string() })
}

/// What a failure before the commit means: nothing was written, but only damage is there for good.
fn failed(error: EmbeddedError) -> WriteError {
    match error {
        EmbeddedError::Sqlite(error) => match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => WriteError::Throttled { seconds: 1 },
            _ => WriteError::Ambiguous { message: error.to_string() },
        },
        damaged => WriteError::Rejected { message: damaged.to_string() },
    }
}

fn forbidden(conn: &Connection, write: &Write<'_>) -> Result<Option<String>, EmbeddedError> {
    let key = &write.change.key;
    let sql = "SELECT via FROM holding WHERE subject = ?1 AND holder = ?2 AND object = ?3 AND via <> ''";
    let via: Option<String> =
        conn.query_row(sql, params![key.subject as i64, key.holder, key.object], |row| row.get(0)).optional()?;
    if let Some(via) = via {
        return Ok(Some(format!("inherited from {via}; change it there")));
    }
    if key.subject == Subject::Account && write.after.is_none() {
        let sql = "SELECT count(*) FROM holding WHERE subject <> 0 AND holder = ?1";
        let grants: u64 = conn.query_row(sql, [&key.holder], |row| row.get(0))?;
        if grants > 0 {
            return Ok(Some(format!("the account still holds {grants} grants and credentials")));
        }
    }
    Ok(None)
}

/// Applies a mutation, moves the resource's version and journals it. What changes nothing is no mutation.
pub(super) fn mutate(tx: &Transaction<'_>, mutation: &Mutation<'_>) -> Result<bool, EmbeddedError> {
    let Mutation { subject, holder, object, after, .. } = *mutation;
    let before = state(tx, subject, holder, object)?;
    if before.as_ref() == after {
        return Ok(false);
    }
    match after {
        None => {
            let sql = "DELETE FROM holding WHERE subject = ?1 AND holder = ?2 AND object = ?3";
            tx.prepare_cached(sql)?.execute(params![subject as i64, holder, object])?;
        }
        Some(holding) => {
            let sql = "INSERT INTO holding VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, '')
                 ON CONFLICT DO UPDATE SET enabled = ?4, level = ?5, expires_at = ?6, owner = ?7, purpose = ?8";
            let Holding { enabled, level, expires_at, owner, purpose } = holding;
            let row = params![subject as i64, holder, object, enabled, level, expires_at.seconds(), owner, purpose];
            tx.prepare_cached(sql)?.execute(row)?;
        }
    }
    let sql = "INSERT INTO resource VALUES (?1, 1) ON CONFLICT DO UPDATE SET version = version + 1";
    tx.prepare_cached(sql)?.execute([resource(subject, holder, object)])?;
    journal(tx, mutation, before.as_ref())?;
    Ok(true)
}

fn journal(tx: &Transaction<'_>, mutation: &Mutation<'_>, before: Option<&Holding>) -> Result<(), EmbeddedError> {
    let json = |state: Option<&Holding>| {
        let text = state.map(serde_json::to_string).transpose();
        text.map_err(|error| EmbeddedError::Damaged { problem: error.to_string() })
    };
    let sql = "INSERT INTO journal (at, change, fence, subject, holder, object, operation, before, after)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let (before, after) = (json(before)?, json(mutation.after)?);
    tx.prepare_cached(sql)?.execute(params![
        mutation.at.seconds(),
        mutation.change,
        mutation.fence,
        mutation.subject as i64,
        mutation.holder,
        mutation.object,
        mutation.operation,
        before,
        after
    ])?;
    Ok(())
}
