//! A complete access system in one SQLite file: accounts, grants and credentials, a version per resource, conditional
//! writes, a journal of its own. It plays the remote system in demos and tests, and serves small tenants for real. Knows
//! nothing of plans: a write is one case, one condition, one transaction.

mod door;
mod listing;
mod schema;
mod writing;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use rusqlite::Connection;

use super::{Class, Profile, ReadError, Reading, Target, Write, WriteError, Written};
use crate::discover::{Cursor, DiscoverError, Page};
use crate::model::{Attribute, CaseKey, Holding, Subject, Time};

/// An access system in one SQLite file.
pub struct EmbeddedTarget {
    name: String,
    profile: Profile,
    conn: Mutex<Connection>,
}

/// One row of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EmbeddedRow {
    /// What kind of thing.
    pub subject: Subject,
    /// The holder's native id.
    pub holder: String,
    /// The entitlement or credential; empty for an account.
    pub object: String,
    /// What is held.
    pub holding: Holding,
    /// When it was last used.
    pub last_used: Time,
    /// Where inherited access comes from; such a row cannot be written.
    pub via: String,
}

/// One mutation, as the system itself recorded it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRow {
    /// Its place.
    pub seq: u64,
    /// When.
    pub at: Time,
    /// The change that asked for it; none for an edit by somebody else.
    pub change: Option<String>,
    /// The writer's epoch.
    pub fence: u64,
    /// What kind of thing.
    pub subject: Subject,
    /// The holder.
    pub holder: String,
    /// The entitlement or credential.
    pub object: String,
    /// What was done: the kind of the change, or `foreign`.
    pub operation: String,
    /// JSON of what was held before; none: nothing.
    pub before: Option<String>,
    /// JSON of what is held since; none: nothing.
    pub after: Option<String>,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// SQLite says no.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// It is the database of another program.
    #[error("it is the database of another program (application id {found:#010x})")]
    Foreign {
        /// What it says it is.
        found: u32,
    },
    /// It holds what no trueup wrote.
    #[error("it is damaged: {problem}")]
    Damaged {
        /// What and where.
        problem: String,
    },
}

impl EmbeddedTarget {
    /// Opens the system of this name, and makes its file when there is none.
    ///
    /// # Errors
    /// When the file cannot be made or is none of ours.
    pub fn open(path: &Path, name: &str) -> Result<Self, EmbeddedError> {
        let conn = schema::open(path)?;
        let mut profile = Profile::new(Class::K0);
        profile.attributes =
            vec![Attribute::Enabled, Attribute::Level, Attribute::ExpiresAt, Attribute::Owner, Attribute::Purpose];
        profile.accounts = true;
        Ok(EmbeddedTarget { name: name.to_owned(), profile, conn: Mutex::new(conn) })
    }

    /// A transaction that was cut off by a panic was rolled back when it was dropped: the connection is sound.
    fn conn(&self) -> MutexGuard<'_, Connection> {
        self.conn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Target for EmbeddedTarget {
    fn name(&self) -> &str {
        &self.name
    }

    fn profile(&self) -> &Profile {
        &self.profile
    }

    async fn version(&self) -> Result<String, DiscoverError> {
        let unreadable =
            |error: rusqlite::Error| DiscoverError::Unreadable { name: self.name.clone(), problem: error.to_string() };
        listing::version(&self.conn()).map_err(unreadable)
    }

    async fn page(&self, after: Option<&Cursor>) -> Result<Page, DiscoverError> {
        let unreadable = |error: EmbeddedError| DiscoverError::Unreadable { name: self.name.clone(), problem: error.to_string() };
        listing::page(&self.conn(), &self.name, after).map_err(unreadable)
    }

    async fn read(&self, key: &CaseKey) -> Result<Reading, ReadError> {
        let failed = |error: EmbeddedError| ReadError { key: key.to_string(), message: error.to_string() };
        let mut conn = self.conn();
        // One transaction: a state with the version of a later one would let a write overwrite what it never saw.
        let tx = conn.transaction().map_err(|error| failed(error.into()))?;
        let state = writing::state(&tx, key.subject, &key.holder, &key.object).map_err(failed)?;
        let version = writing::version(&tx, key.subject, &key.holder, &key.object).map_err(failed)?;
        Ok(Reading::new(state, version.to_string()))
    }

    async fn write(&self, write: Write<'_>) -> Result<Written, WriteError> {
        writing::write(&mut self.conn(), &write).map(|()| Written::default())
    }

    async fn held_by(&self, holder: &str) -> Result<Vec<(CaseKey, Holding)>, ReadError> {
        let failed = |error: EmbeddedError| ReadError { key: format!("{}/{holder}", self.name), message: error.to_string() };
        listing::of_holder(&self.conn(), &self.name, holder).map_err(failed)
    }
}

#[cfg(test)]
mod tests;
