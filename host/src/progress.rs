//! What a run tells while it works. Owns no display.

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Progress {
    /// A page was read and stored.
    Page {
        /// The source or target.
        source: String,
        /// Rows of this scan so far.
        rows: u64,
    },
    /// A batch was judged.
    Judge {
        /// Batches so far.
        done: u64,
        /// All batches.
        of: u64,
    },
    /// Facts are dealt out into parts, and parts of the plan are written beside it.
    Part {
        /// Parts so far.
        done: u64,
        /// All parts.
        of: u64,
    },
    /// The plan is being written.
    Seal {
        /// Changes so far.
        done: u64,
        /// All changes.
        of: u64,
    },
    /// Intents of a slice are durable.
    Intent {
        /// Changes so far.
        done: u64,
        /// All changes.
        of: u64,
    },
    /// A change was sent.
    Sent {
        /// Changes so far.
        done: u64,
        /// All changes.
        of: u64,
    },
    /// A change is being read back.
    Verify {
        /// Changes so far.
        done: u64,
        /// All changes.
        of: u64,
    },
}

/// Listens to a run. Called from several threads.
pub trait Observer: Send + Sync {
    /// One step was made.
    fn on(&self, step: &Progress);
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn on(&self, _: &Progress) {}
}
