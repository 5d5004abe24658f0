//! Why a plan cannot be written or read.

use std::io;
use std::path::PathBuf;

/// Why a plan cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The writer failed.
    #[error("cannot write the plan")]
    Write(#[source] io::Error),
    /// A part of it cannot be kept beside it until all parts are there.
    #[error("cannot keep a part of the plan in `{}`", path.display())]
    Run {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line would be longer than plans may have.
    #[error("cannot seal the plan: {what} takes {bytes} bytes, more than {allowed}; shorten its texts at the source")]
    Long {
        /// Which line.
        what: String,
        /// Its length.
        bytes: usize,
        /// The limit.
        allowed: usize,
    },
    /// The file cannot be read.
    #[error("cannot read the plan `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Its lines were removed on purpose; header and digests are in the file beside it.
    #[error("the plan `{}` was redacted: its lines are gone, and its name can be checked still", path.display())]
    Redacted {
        /// Where the plan was.
        path: PathBuf,
    },
    /// The file is not as it was sealed.
    #[error("{}:{line}: the plan is damaged: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Counted from one; for a chunk: its first line.
        line: u64,
        /// What is wrong.
        problem: String,
    },
    /// A newer trueup sealed it.
    #[error("the plan `{}` has format {found}; this trueup reads up to {supported}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// What this version reads.
        supported: u32,
    },
}
