//! What a verified log comes to, and what can be wrong with one. Owns the words; the judgement is for `verify`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{LeafError, LogHead, NoteError, Rotation};
use crate::ledger::LeafKind;
use crate::model::{ChangeId, Digest, Time};

/// What a verified log holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// Size and root.
    pub head: LogHead,
    /// Leaves per kind.
    pub by_kind: BTreeMap<LeafKind, u64>,
    /// States that were redacted: their commitments stand, but nobody can open them.
    pub redacted: u64,
    /// Intents whose state before is not what the last confirmed change of the same case left behind: somebody else
    /// changed it in between.
    pub foreign: u64,
    /// Keys that took over from others, in order. Each was signed for by the key before.
    pub rotations: Vec<Rotation>,
    /// Leaves that were pruned: their hashes are in the root, and nothing else is left of them.
    pub pruned: u64,
    /// The leaf that explains that; none when none was pruned yet.
    pub cut: Option<Cut>,
}

/// What a leaf says of those that were pruned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Cut {
    /// None of the leaves from this index on was removed.
    pub before: u64,
    /// The leaf that says so.
    pub leaf: u64,
    /// When it was written.
    pub at: Time,
    /// Who asked for it.
    pub by: String,
    /// Why.
    pub why: String,
}

/// Why a log is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// A leaf is missing or stands twice.
    #[error("leaf {expected} is missing; leaf {found} stands in its place")]
    Gap {
        /// The index that comes next.
        expected: u64,
        /// The index that came.
        found: u64,
    },
    /// A leaf does not have the hash that was stored with it.
    #[error("leaf {index} was altered: its bytes do not have the hash that was stored with them")]
    Altered {
        /// Its index.
        index: u64,
    },
    /// A leaf's bytes are no leaf.
    #[error("leaf {index} was altered or not written by trueup")]
    Leaf {
        /// Its index.
        index: u64,
        /// What is wrong with it.
        source: LeafError,
    },
    /// A leaf contradicts its place: index, tenant, or an epoch below that of the leaf before.
    #[error("leaf {index} does not belong there: {problem}")]
    Misplaced {
        /// Its index.
        index: u64,
        /// What contradicts what.
        problem: String,
    },
    /// A body is not what the leaf commits to.
    #[error("the state `{field}` beside leaf {index} {problem}")]
    Body {
        /// The leaf's index.
        index: u64,
        /// The field.
        field: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// States are gone, and no later leaf says that they were redacted.
    #[error("states beside leaf {index} were removed, and no leaf says so")]
    Removed {
        /// The leaf's index.
        index: u64,
    },
    /// A leaf is gone, and no later leaf that is covered by what was signed says that it was pruned.
    #[error("leaf {index} was emptied, and no leaf under a checkpoint says that it was pruned")]
    Emptied {
        /// Its index.
        index: u64,
    },
    /// An effect without an intent before it, or a confirmation without an effect.
    #[error("leaf {index} speaks of change {change} without {missing} before it")]
    Order {
        /// The leaf's index.
        index: u64,
        /// The change.
        change: ChangeId,
        /// What should stand before.
        missing: &'static str,
    },
    /// A key took over without the former one's word.
    #[error("leaf {index} names a key that the one before did not sign for")]
    Rotation {
        /// The leaf's index.
        index: u64,
        /// What is wrong with its note.
        source: NoteError,
    },
    /// The leaves do not have the expected root.
    #[error("the first {size} leaves have the root {found}, not {expected}: some of them were altered")]
    Root {
        /// How many leaves.
        size: u64,
        /// The root that was expected.
        expected: Digest,
        /// The root that they have.
        found: Digest,
    },
    /// The log is shorter or longer than expected.
    #[error("the log has {found} leaves, not {expected}")]
    Size {
        /// How many were expected.
        expected: u64,
        /// How many there are.
        found: u64,
    },
}
