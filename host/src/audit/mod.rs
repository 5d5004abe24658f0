//! The audit log: what a leaf says, its canonical bytes, the tree over the leaves, the verification of a whole log, and the
//! formats by which others verify it: signed notes, checkpoints, proofs, tiles.
//! Pure: no clock, no randomness of its own; where leaves are kept is for `ledger`, where keys and checkpoints lie for `engine`.

mod base64;
mod canonical;
mod checkpoint;
mod commitment;
mod entry;
mod examined;
mod keys;
mod leaf;
mod note;
mod pages;
mod proof;
mod proof_file;
mod rotation;
mod salts;
mod statement;
mod tiles;
mod tree;
mod verified;
mod verify;

#[cfg(test)]
mod tests;

pub use canonical::{NotCanonical, canonical};
pub use checkpoint::{Checkpoint, CheckpointError};
pub use entry::LogEntry;
pub use keys::{KeyError, SigningKey, VerifierKey};
pub use leaf::{Attached, LeafError, LeafPlace, VERSION};
pub use note::{Note, NoteError};
pub use pages::verify_pages;
pub use proof::{Nodes, ProofError, check_consistency, check_inclusion, prove_consistency, prove_inclusion, root_of};
pub use proof_file::{GrowthProof, ProofFileError, RecordProof};
pub use rotation::Rotation;
pub use salts::Salts;
pub use statement::{Decimal, Statement};
pub use tiles::{TILE_WIDTH, Tile, TileNodes, decode_bundle, decode_hashes, encode_bundle, encode_hashes, subtree_root};
pub use tree::{Frontier, leaf_hash, node_hash};
pub use verified::{Cut, Verified, VerifyError};
pub use verify::{Verifier, verify_log};

use crate::model::Digest;

/// Size and root of a log (RFC 6962).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
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
