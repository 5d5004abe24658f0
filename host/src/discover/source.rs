//! The seam for systems that say what access should be.

use std::path::PathBuf;

use async_trait::async_trait;

use super::{Cursor, Page, Subjects};
use crate::model::Time;

/// A system whose record decides what access should be.
#[async_trait]
pub trait Source: Send + Sync {
    /// Its name in the configuration.
    fn name(&self) -> &str;

    /// The targets that it speaks for: absence from a complete scan means "not desired" there, and only there.
    fn covers(&self) -> &[String];

    /// The subjects that it speaks for: a list of grants says nothing of the accounts that are missing from it. By
    /// default all.
    fn subjects(&self) -> Subjects {
        Subjects::ALL
    }

    /// What messages call it: a file's path, or its name.
    fn place(&self) -> &str {
        self.name()
    }

    /// Names the state of the source as far as it is known before reading (a change token, a file's size and time):
    /// a scan resumes after a crash only under the same one. Empty: always begin anew.
    ///
    /// # Errors
    /// When the source cannot be reached.
    async fn version(&self) -> Result<String, DiscoverError>;

    /// The page at `after`, or the first.
    ///
    /// # Errors
    /// When the source cannot be read, the scan is incomplete; a malformed row ends the run.
    async fn page(&self, after: Option<&Cursor>) -> Result<Page, DiscoverError>;

    /// The instant at which the source's content was true, if it says so; none: now.
    fn read_at(&self) -> Option<Time> {
        None
    }
}

/// Why a scan failed. All but [`DiscoverError::Unreadable`] end the run; that one makes a scan incomplete.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoverError {
    /// A source is configured in a way that cannot work.
    #[error("source `{name}`: {problem}")]
    Config {
        /// The source.
        name: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// A configured file does not exist.
    #[error("`{file}` of source `{name}` does not exist; correct the path, or remove the source")]
    Missing {
        /// The source.
        name: String,
        /// The file, as configured.
        file: String,
    },
    /// A row is not what the mapping says.
    #[error("{file}:{line}: field `{field}`: {problem}")]
    Row {
        /// The file, as configured.
        file: String,
        /// Counted from one; zero when the source has no lines.
        line: u64,
        /// The column or key.
        field: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// Two rows state the same thing, differently.
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
    /// One source says two different things of an identity or of a catalogue row.
    #[error("{file}: `{key}` is stated twice, differently; keep one of the rows")]
    Contradiction {
        /// The file, as configured.
        file: String,
        /// The identity or object.
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
    /// More rows than one run can hold.
    #[error("{rows} rows are more than one run can hold; split the estate into tenants")]
    TooLarge {
        /// How many.
        rows: u64,
    },
    /// The run's own pages, or the keys of the last complete scans, cannot be stored.
    #[error("cannot store pages in `{}`", path.display())]
    Spool {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}
