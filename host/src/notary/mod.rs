//! Evidence that leaves the host: keys, signed checkpoints, proofs and tiles of the audit log, and pushing checkpoints to
//! witnesses. Owns the files of all that; what they say is for `audit`, and what is committed for `ledger`.

pub(crate) mod files;
mod growing;
mod guard;
mod history;
mod http;
mod keyring;
mod nodes;
mod pushing;
mod signing;
mod tiles;
mod witness;

#[cfg(test)]
mod tests;

pub use history::History;
pub use http::HttpWitness;
pub use keyring::Keyring;
pub use nodes::LedgerNodes;
#[cfg(feature = "sqlite")]
pub(crate) use pushing::names_a_file;
pub use pushing::{Lag, Pusher};
pub use signing::Notary;
pub use tiles::{Exported, TileFolder};
#[cfg(unix)]
pub use witness::Syslog;
pub use witness::{AppendOnlyFile, Witness, Witnessed, witnessed};

use std::io;
use std::path::{Path, PathBuf};

use crate::audit::{CheckpointError, KeyError, LogHead, NoteError, ProofFileError};
use crate::ledger::LedgerError;

/// Why nothing was signed, proved or exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotaryError {
    /// A file cannot be read or written.
    #[error("cannot use `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file of keys is open to others, or a link.
    #[error("`{}` is open to other users; whoever reads it can sign, so make it yours alone: chmod go= on it", path.display())]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// A file holds something else.
    #[error("`{}` is damaged: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// There are keys there already.
    #[error("`{}` holds keys already; rotate them instead", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// There are no keys there.
    #[error("`{}` holds no keys", path.display())]
    NoKeys {
        /// The folder.
        path: PathBuf,
    },
    /// More keys would sign than verifiers read.
    #[error("{count} keys sign already; retire the older ones first")]
    TooManyKeys {
        /// How many.
        count: usize,
    },
    /// A name or key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A note cannot be made or believed.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// A checkpoint cannot be made or believed.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A proof cannot be made.
    #[error(transparent)]
    Proof(#[from] ProofFileError),
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The log is shorter than what was signed.
    #[error("the log has {found} leaves, and {signed} were signed: this store is an older copy, or was cut")]
    Shrunk {
        /// How many leaves were signed.
        signed: u64,
        /// How many there are.
        found: u64,
    },
    /// The log does not go on from what was signed.
    #[error(
        "the log's {} leaves have the root {}, but those that were signed go on to {found}: it was written anew, altered or forked",
        head.size, head.root
    )]
    Forked {
        /// What the ledger says.
        head: LogHead,
        /// What follows from what was signed and the leaves since.
        found: crate::model::Digest,
    },
    /// Leaves are gone, and nothing that was signed says that they were pruned.
    #[error("leaf {index} was emptied, and no leaf that was signed says that it was pruned")]
    Emptied {
        /// The last such leaf.
        index: u64,
    },
    /// A leaf was pruned: there is nothing to prove any more.
    #[error("leaf {index} was pruned: its hash stands in the tree, and its text is gone")]
    Pruned {
        /// Its index.
        index: u64,
    },
    /// Nothing was signed yet.
    #[error("no checkpoint was signed yet")]
    Unsigned,
    /// The checkpoint that was signed does not reach there.
    #[error("the newest checkpoint covers {size} leaves, not leaf {wanted}")]
    Beyond {
        /// How many it covers.
        size: u64,
        /// What was asked for.
        wanted: u64,
    },
    /// A witness cannot be reached like this.
    #[error("`{url}` is no address of a witness: {problem}")]
    Address {
        /// The address.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The folder of tiles is of another log, or was changed.
    #[error("`{}` holds tiles of another log, or was changed: {problem}", path.display())]
    OtherTiles {
        /// The folder.
        path: PathBuf,
        /// What does not fit.
        problem: String,
    },
}

/// An error of a file.
pub(crate) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> NotaryError {
    let path = path.to_owned();
    move |source| NotaryError::Io { path, source }
}

/// Leaves that are read at once.
const LEAVES_PER_PAGE: u32 = 4_096;
