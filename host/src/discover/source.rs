//! The seam for systems that say what access should be.

use async_trait::async_trait;

use super::{Cursor, Page};
use crate::model::Time;

/// A system whose record decides what access should be.
#[async_trait]
pub trait Source: Send + Sync {
    /// Its name in the configuration.
    fn name(&self) -> &str;

    /// The targets that it speaks for: absence from a complete scan means "not desired" there, and only there.
    fn covers(&self) -> &[String];

    /// Names the state of the source as far as it is known before reading (a change token, a file's size and time):
    /// a scan resumes after a crash only under the same one. Empty: always begin anew.
    ///
    /// # Errors
    /// When the source cannot be reached.
    async fn version(&self) -> Result<String, DiscoverError>;

    /// The page at `after`, or the first.
    ///
    /// # Errors
    /// When the source cannot be read, or a row is malformed; the scan is then incomplete.
    async fn page(&self, after: Option<&Cursor>) -> Result<Page, DiscoverError>;

    /// The instant at which the source's content was true, if it says so; none: now.
    fn read_at(&self) -> Option<Time> {
        None
    }
}

/// Why a scan failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoverError {
    /// A row is not what the mapping says.
    #[error("{file}:{line}: field `{field}`: {problem}")]
    Row {
        /// The file, as configured.
        file: String,
        /// Counted from one.
        line: u64,
        /// The column or key.
        field: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// Two rows state the same thing.
    #[error("{file}:{line}: duplicate of line {first}: `{key}`")]
    Duplicate {
        /// The file, as configured.
        file: String,
        /// Counted from one.
        line: u64,
        /// The line that stated it first.
        first: u64,
        /// The key.
        key: String,
    },
    /// The file or system cannot be read.
    #[error("cannot read `{name}`: {problem}")]
    Unreadable {
        /// The file or system.
        name: String,
        /// What went wrong.
        problem: String,
    },
    /// The run's own pages cannot be stored.
    #[error("cannot store pages in `{path}`")]
    Spool {
        /// The spool file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}
