//! That one key of a log takes over from another: a note that both sign, kept as a leaf. Owns its text.

use super::keys::{SigningKey, VerifierKey};
use super::note::{Note, NoteError};

/// First line: no checkpoint and no note of another kind has this text.
const VERSION: &str = "trueup key rotation v1";

/// A key that took over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rotation {
    /// The log.
    pub origin: String,
    /// The key before.
    pub from: VerifierKey,
    /// The key after.
    pub to: VerifierKey,
}

impl Rotation {
    /// The note by which a key says that another follows it. The other one signs too, which shows that somebody has it.
    ///
    /// # Errors
    /// When the origin cannot be a line of a note.
    pub fn sign(origin: &str, from: &SigningKey, to: &SigningKey) -> Result<String, NoteError> {
        Note::sign(&text(origin, from.verifier(), to.verifier()), [from, to])
    }

    /// Reads a note and checks that both keys signed it. Whether the former key is one to trust is for the reader.
    ///
    /// # Errors
    /// When it is no such note, or one of the two did not sign it.
    pub fn open(note: &str) -> Result<Self, NoteError> {
        let malformed = NoteError::Malformed { problem: "its text is no key rotation's" };
        let mut lines = note.lines();
        let (Some(VERSION), Some(origin), Some(from), Some(to)) = (lines.next(), lines.next(), lines.next(), lines.next()) else {
            return Err(malformed);
        };
        let (Ok(from), Ok(to)) = (VerifierKey::parse(from), VerifierKey::parse(to)) else { return Err(malformed) };
        let opened = Note::open(note.as_bytes(), &[from.clone(), to.clone()])?;
        if opened.text != text(origin, &from, &to) || from == to {
            return Err(malformed);
        }
        match opened.signers.len() {
            2 => Ok(Rotation { origin: origin.to_owned(), from, to }),
            _ => Err(NoteError::Unsigned),
        }
    }

    /// Adds to trusted keys those that follow them, in the order of the log.
    pub fn follow<'r>(trusted: &mut Vec<VerifierKey>, origin: &str, rotations: impl IntoIterator<Item = &'r Rotation>) {
        for rotation in rotations {
            if rotation.origin == origin && trusted.contains(&rotation.from) && !trusted.contains(&rotation.to) {
                trusted.push(rotation.to.clone());
            }
        }
    }
}

fn text(origin: &str, from: &VerifierKey, to: &VerifierKey) -> String {
    format!("{VERSION}\n{origin}\n{from}\n{to}\n")
}
