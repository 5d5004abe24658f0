//! What was signed last, beside the keys and not in the store, so that a store which was restored from a copy is told from
//! the one that was signed. Owns that file: the text of the checkpoint, with the frontier of its tree as further lines.

use std::path::{Path, PathBuf};

use super::NotaryError;
use super::files::{read_text, replace};
use crate::audit::{Checkpoint, Frontier, LogHead};
use crate::limits::NOTE_BYTES;
use crate::model::Digest;

/// Its name in the folder of keys.
const FILE: &str = "signed";

/// Remembers what was signed last for one log.
pub(super) struct Guard {
    path: PathBuf,
    origin: String,
}

impl Guard {
    pub(super) fn new(folder: &Path, origin: &str) -> Self {
        Guard { path: folder.join(FILE), origin: origin.to_owned() }
    }

    /// The tree that was signed last; none when nothing was.
    pub(super) fn read(&self) -> Result<Option<Frontier>, NotaryError> {
        let Some(text) = read_text(&self.path, NOTE_BYTES)? else { return Ok(None) };
        let damaged = |problem: &str| NotaryError::Damaged { path: self.path.clone(), problem: problem.to_owned() };
        let checkpoint = Checkpoint::parse(&text).map_err(|error| damaged(&error.to_string()))?;
        if checkpoint.origin != self.origin {
            return Err(damaged("it is of another log"));
        }
        let peaks = checkpoint.extensions.iter().map(|line| Digest::parse(line).map(|peak| peak.0));
        let peaks = peaks.collect::<Option<Vec<_>>>().ok_or_else(|| damaged("a line is no hash"))?.concat();
        let frontier = Frontier::from_bytes(checkpoint.head.size, &peaks).filter(|frontier| frontier.head() == checkpoint.head);
        frontier.map(Some).ok_or_else(|| damaged("its root is not that of its frontier"))
    }

    /// Remembers, durably, that this tree is about to be signed.
    pub(super) fn write(&self, frontier: &Frontier) -> Result<(), NotaryError> {
        let mut checkpoint = Checkpoint::new(&self.origin, frontier.head())?;
        let peaks = frontier.to_bytes();
        let (peaks, _) = peaks.as_chunks::<32>();
        checkpoint.extensions = peaks.iter().map(|peak| Digest(*peak).to_string()).collect();
        replace(&self.path, checkpoint.text().as_bytes(), true)
    }
}

/// Whether a tree may be signed after another: it is the same, or has more leaves. That it goes on from there is for
/// whoever made it.
pub(super) const fn shrank(signed: &Frontier, head: LogHead) -> Option<NotaryError> {
    if head.size < signed.size() {
        return Some(NotaryError::Shrunk { signed: signed.size(), found: head.size });
    }
    None
}
