//! What the core asks of targets, and what comes back. The driver and the simulator perform calls; neither decides any.

use std::sync::Arc;

use super::item::Slot;
use crate::model::{Change, State, Time};
use crate::target::{Found, Member, ReadError, Reading, Receipt, Version, WriteError, Written};

/// One call to one target.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Call {
    /// Which change it is for; its answer comes back under this name.
    pub slot: Slot,
    /// The change; its key names the target and the case.
    pub change: Arc<Change>,
    /// The writer's epoch.
    pub fence: u64,
    /// What is asked.
    pub ask: Ask,
}

/// What is asked of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ask {
    /// Read the case.
    Read,
    /// Write it.
    Write {
        /// What shall be held afterwards.
        after: State,
        /// Only if the resource still has this version.
        version: Version,
        /// The whole list, where only that can be written.
        list: Vec<Member>,
        /// The same for each attempt at the same effect; an emergency's attempts have one each.
        key: String,
        /// The instant of the attempt.
        at: Time,
    },
    /// How far accepted work has come.
    Poll {
        /// Its receipt.
        receipt: String,
    },
    /// What carries a key.
    Find {
        /// The key.
        key: String,
    },
    /// Take back what was made under an id.
    Undo {
        /// The id.
        id: String,
    },
}

impl Ask {
    /// Its stable name.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write { .. } => "write",
            Self::Poll { .. } => "poll",
            Self::Find { .. } => "find",
            Self::Undo { .. } => "undo",
        }
    }
}

/// What came back. The secret material of a [`Written`] has gone to its sink before: the core sees the handle.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// To [`Ask::Read`].
    Read(Result<Reading, ReadError>),
    /// To [`Ask::Write`], with the handle of issued material; none: it was lost.
    Write(Result<Written, WriteError>, Option<String>),
    /// To [`Ask::Poll`].
    Poll(Result<Receipt, ReadError>),
    /// To [`Ask::Find`].
    Find(Result<Vec<Found>, ReadError>),
    /// To [`Ask::Undo`].
    Undo(Result<(), WriteError>),
}
