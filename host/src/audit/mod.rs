//! The audit log: leaves, their tree, and its verification. Pure; where leaves are kept is for `ledger`.

use crate::model::Digest;

/// Size and root of a log (RFC 6962).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogHead {
    /// How many leaves.
    pub size: u64,
    /// Root of the tree; of the empty tree: SHA-256 of nothing.
    pub root: Digest,
}

impl Default for LogHead {
    fn default() -> Self {
        LogHead { size: 0, root: Digest::of(b"") }
    }
}
