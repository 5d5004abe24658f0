//! Checkpoints (<https://c2sp.org/tlog-checkpoint>): whose log, how many leaves, which root. Owns their text; signatures
//! are those of notes.

use super::keys::{SigningKey, VerifierKey};
use super::note::{Note, NoteError};
use super::{LogHead, base64};
use crate::model::Digest;

/// Why a text is no checkpoint, or not the one that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// It is no note that can be believed.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Its text is no checkpoint's.
    #[error("it is no checkpoint: {problem}")]
    Malformed {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// It is of another log.
    #[error("it is of the log `{found}`, not of `{expected}`")]
    Origin {
        /// Whose it is.
        found: String,
        /// Whose it should be.
        expected: String,
    },
}

/// What a log says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checkpoint {
    /// Names the log, for ever.
    pub origin: String,
    /// Size and root.
    pub head: LogHead,
    /// Further lines that were signed: opaque, and none where trueup signs.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// Of a log at a size.
    ///
    /// # Errors
    /// When the origin cannot be one: empty, or more than a line.
    pub fn new(origin: &str, head: LogHead) -> Result<Self, CheckpointError> {
        if origin.is_empty() || origin.chars().any(|letter| letter < ' ') {
            return Err(CheckpointError::Malformed { problem: "its first line is no origin" });
        }
        Ok(Checkpoint { origin: origin.to_owned(), head, extensions: Vec::new() })
    }

    /// Reads the text of a checkpoint that was believed for another reason than signatures, or is about to be.
    ///
    /// # Errors
    /// When it is not exactly the text of a checkpoint.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let malformed = |problem| CheckpointError::Malformed { problem };
        let mut lines = text.strip_suffix('\n').ok_or(malformed("its last line has no end"))?.split('\n');
        let (origin, size, root) = (lines.next().unwrap_or_default(), lines.next(), lines.next());
        let size = size.and_then(decimal).ok_or(malformed("its second line is no size"))?;
        let root = root.and_then(digest).ok_or(malformed("its third line is no root"))?;
        let mut checkpoint = Checkpoint::new(origin, LogHead { size, root })?;
        checkpoint.extensions = lines.map(str::to_owned).collect();
        if checkpoint.extensions.iter().any(String::is_empty) {
            return Err(malformed("it has an empty line"));
        }
        Ok(checkpoint)
    }

    /// Opens a signed checkpoint of this log: known keys signed it, and it says that it is of this origin.
    ///
    /// # Errors
    /// When it is no checkpoint, of another log, or signed by nobody known.
    pub fn open(note: &[u8], origin: &str, keys: &[VerifierKey]) -> Result<Self, CheckpointError> {
        let checkpoint = Self::parse(&Note::open(note, keys)?.text)?;
        match checkpoint.origin == origin {
            true => Ok(checkpoint),
            false => Err(CheckpointError::Origin { found: checkpoint.origin, expected: origin.to_owned() }),
        }
    }

    /// Reads what a note says whose signatures are of no known key: for a claim that can only make a reader stricter.
    ///
    /// # Errors
    /// When its text is no checkpoint's.
    pub fn unsigned(note: &str) -> Result<Self, CheckpointError> {
        let end = note.rfind("\n\n").ok_or(CheckpointError::Malformed { problem: "it is no note" })?;
        Self::parse(note.get(..=end).unwrap_or_default())
    }

    /// Its text: what is signed.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.head.size, base64::encode(&self.head.root.0));
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// The note with the signatures of these keys.
    ///
    /// # Errors
    /// When there is none.
    pub fn sign<'k>(&self, keys: impl IntoIterator<Item = &'k SigningKey>) -> Result<String, CheckpointError> {
        Ok(Note::sign(&self.text(), keys)?)
    }
}

/// A number as logs write it: no sign, no leading zero.
pub(super) fn decimal(text: &str) -> Option<u64> {
    text.parse::<u64>().ok().filter(|number| number.to_string() == text)
}

/// A hash as logs write it.
pub(super) fn digest(text: &str) -> Option<Digest> {
    base64::decode(text)?.try_into().ok().map(Digest)
}
