//! The administrator's side door: edits by somebody else, a fast first load, and looking at everything. trueup's own writes
//! never come this way.

use rusqlite::{TransactionBehavior, params};

use super::listing::subject;
use super::writing::{Mutation, mutate};
use super::{EmbeddedError, EmbeddedRow, EmbeddedTarget, JournalRow};
use crate::model::{Holding, Subject, Time};

impl EmbeddedTarget {
    /// Fills the system in one transaction, as its own import would: no journal. Rows that are there are replaced.
    ///
    /// # Errors
    /// When the file cannot be written; then nothing was.
    pub fn seed(&self, rows: impl IntoIterator<Item = EmbeddedRow>) -> Result<u64, EmbeddedError> {
        let mut conn = self.conn();
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut count = 0;
        {
            let mut insert = tx.prepare("INSERT OR REPLACE INTO holding VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?;
            for row in rows {
                let Holding { enabled, level, expires_at, owner, purpose } = &row.holding;
                insert.execute(params![
                    row.subject as i64,
                    row.holder,
                    row.object,
                    enabled,
                    level,
                    expires_at.seconds(),
                    owner,
                    purpose,
                    row.last_used.seconds(),
                    row.via
                ])?;
                count += 1;
            }
        }
        tx.commit()?;
        Ok(count)
    }

    /// An edit by somebody else: what is held from now on, or nothing. Returns whether it changed anything.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn foreign_edit(
        &self,
        at: Time,
        subject: Subject,
        holder: &str,
        object: &str,
        after: Option<&Holding>,
    ) -> Result<bool, EmbeddedError> {
        let mut conn = self.conn();
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mutation = Mutation { at, change: None, fence: 0, operation: "foreign", subject, holder, object, after };
        let changed = mutate(&tx, &mutation)?;
        tx.commit()?;
        Ok(changed)
    }

    /// Sets when these rows were last used, as their use would, in one transaction. Rows that are not there stay so.
    ///
    /// # Errors
    /// When the file cannot be written; then nothing was.
    pub fn use_all(&self, rows: &[EmbeddedRow]) -> Result<(), EmbeddedError> {
        let mut conn = self.conn();
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let sql = "UPDATE holding SET last_used = ?4 WHERE subject = ?1 AND holder = ?2 AND object = ?3 AND last_used <> ?4";
            let mut update = tx.prepare(sql)?;
            for row in rows {
                update.execute(params![row.subject as i64, row.holder, row.object, row.last_used.seconds()])?;
            }
        }
        Ok(tx.commit()?)
    }

    /// Everything that is held, in the order of keys.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn dump(&self) -> Result<Vec<EmbeddedRow>, EmbeddedError> {
        let conn = self.conn();
        let mut statement = conn.prepare(
            "SELECT subject, holder, object, enabled, level, expires_at, owner, purpose, last_used, via
             FROM holding ORDER BY subject, holder, object",
        )?;
        let mut rows = statement.query(())?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(EmbeddedRow {
                subject: subject(row.get(0)?)?,
                holder: row.get(1)?,
                object: row.get(2)?,
                holding: Holding {
                    enabled: row.get(3)?,
                    level: row.get(4)?,
                    expires_at: Time::from_seconds(row.get(5)?),
                    owner: row.get(6)?,
                    purpose: row.get(7)?,
                },
                last_used: Time::from_seconds(row.get(8)?),
                via: row.get(9)?,
            });
        }
        Ok(all)
    }

    /// Every mutation that the system recorded, in order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn journal(&self) -> Result<Vec<JournalRow>, EmbeddedError> {
        let conn = self.conn();
        let mut statement = conn.prepare(
            "SELECT seq, at, change, fence, subject, holder, object, operation, before, after FROM journal ORDER BY seq",
        )?;
        let mut rows = statement.query(())?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(JournalRow {
                seq: row.get(0)?,
                at: Time::from_seconds(row.get(1)?),
                change: row.get(2)?,
                fence: row.get(3)?,
                subject: subject(row.get(4)?)?,
                holder: row.get(5)?,
                object: row.get(6)?,
                operation: row.get(7)?,
                before: row.get(8)?,
                after: row.get(9)?,
            });
        }
        Ok(all)
    }
}
