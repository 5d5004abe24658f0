//! What can go wrong between the ledger and SQLite, and what it means to a caller. Owns the translation only.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::audit::LeafError;
use crate::ledger::LedgerError;

/// A failure below the trait: it does not know yet whether it was met while reading or writing.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    #[error(transparent)]
    Leaf(#[from] LeafError),
    #[error("{0}")]
    Damaged(String),
    #[error("{0}")]
    Unusable(String),
    #[error("format {found}")]
    Newer { found: u32, supported: u32 },
    #[error("another writer took over")]
    Fenced,
    #[error("there is none")]
    Absent,
}

impl StoreError {
    /// Met while writing: nothing was written.
    pub(super) fn writing(self, dir: &Path) -> LedgerError {
        let path = dir.to_owned();
        match self {
            Self::Leaf(e) => LedgerError::Leaf(e),
            Self::Fenced => LedgerError::Fenced,
            Self::Absent => LedgerError::Absent { path },
            Self::Newer { found, supported } => LedgerError::Newer { path, found, supported },
            e if e.is_damage() => LedgerError::Corrupt { path, problem: e.to_string() },
            e if e.is_without_room() => LedgerError::Unwritable { path, problem: "database or disk is full".to_owned() },
            e => LedgerError::Unwritable { path, problem: e.to_string() },
        }
    }

    /// SQLite calls it an I/O error where there is no room for its index of the write-ahead log.
    fn is_without_room(&self) -> bool {
        let Self::Sql(error) = self else { return false };
        error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
    }

    /// Met while reading.
    pub(super) fn reading(self, dir: &Path) -> LedgerError {
        match self.writing(dir) {
            LedgerError::Unwritable { path, problem } => LedgerError::Unreadable { path, problem },
            e => e,
        }
    }

    fn is_damage(&self) -> bool {
        use rusqlite::Error as Sql;
        match self {
            Self::Damaged(_) => true,
            Self::Sql(
                Sql::FromSqlConversionFailure(..)
                | Sql::IntegralValueOutOfRange(..)
                | Sql::InvalidColumnType(..)
                | Sql::Utf8Error(..),
            ) => true,
            Self::Sql(e) => {
                matches!(e.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
            }
            Self::Leaf(_) | Self::Unusable(_) | Self::Newer { .. } | Self::Fenced | Self::Absent => false,
        }
    }
}
