//! Signed notes (<https://c2sp.org/signed-note>): a text, an empty line, a line for each signature. Owns reading and
//! writing them; a text whose signatures do not verify is given to nobody.

use super::base64;
use super::keys::{SigningKey, VerifierKey, is_name};
use crate::limits::{NOTE_BYTES, NOTE_SIGNATURES};

/// What begins the line of a signature.
const DASH: &str = "\u{2014} ";

/// Why a note is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// It is longer than any note that is read.
    #[error("a note of {bytes} bytes is longer than {NOTE_BYTES}")]
    TooLong {
        /// How long.
        bytes: usize,
    },
    /// It has more signatures than any note that is read.
    #[error("a note with more than {NOTE_SIGNATURES} signatures is not read")]
    TooManySignatures,
    /// It is no signed note.
    #[error("it is no signed note: {problem}")]
    Malformed {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A known key did not sign this text.
    #[error("the signature of `{key}` does not verify: the note was altered, or another key signed it")]
    Forged {
        /// The key's name.
        key: String,
    },
    /// No known key signed it.
    #[error("no known key signed it")]
    Unsigned,
}

const fn malformed(problem: &'static str) -> NoteError {
    NoteError::Malformed { problem }
}

/// A note whose signatures of known keys verify.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Note {
    /// What was signed, with its last line end.
    pub text: String,
    /// The known keys that signed it, each once.
    pub signers: Vec<VerifierKey>,
}

impl Note {
    /// Opens a note: every signature of a known key verifies, and there is at least one. Signatures of other keys are
    /// passed over, whatever they hold.
    ///
    /// # Errors
    /// When it is no note, or nobody known signed it.
    pub fn open(note: &[u8], keys: &[VerifierKey]) -> Result<Self, NoteError> {
        let (text, signatures) = split(note)?;
        let mut signers: Vec<VerifierKey> = Vec::new();
        for signature in signatures {
            let known = keys.iter().filter(|key| key.name() == signature.name && key.id() == signature.id);
            for key in known {
                if !key.verifies(text, &signature.bytes) {
                    return Err(NoteError::Forged { key: key.name().to_owned() });
                }
                if !signers.contains(key) {
                    signers.push(key.clone());
                }
            }
        }
        if signers.is_empty() {
            return Err(NoteError::Unsigned);
        }
        Ok(Note { text: text.to_owned(), signers })
    }

    /// Signs a text by each of these keys, in order.
    ///
    /// # Errors
    /// When the text cannot be that of a note, or nobody signs.
    pub fn sign<'k>(text: &str, keys: impl IntoIterator<Item = &'k SigningKey>) -> Result<String, NoteError> {
        check_text(text)?;
        let mut note = format!("{text}\n");
        let mut signed = 0;
        for key in keys {
            let mut bytes = key.verifier().id().to_be_bytes().to_vec();
            bytes.extend(key.sign(text));
            note.push_str(&format!("{DASH}{} {}\n", key.verifier().name(), base64::encode(&bytes)));
            signed += 1;
        }
        match signed {
            0 => Err(NoteError::Unsigned),
            _ if signed > NOTE_SIGNATURES => Err(NoteError::TooManySignatures),
            _ if note.len() > NOTE_BYTES => Err(NoteError::TooLong { bytes: note.len() }),
            _ => Ok(note),
        }
    }
}

/// One line below the text.
struct Signature<'n> {
    name: &'n str,
    id: u32,
    bytes: Vec<u8>,
}

/// The text of a note, which nobody has verified yet, and its signatures.
fn split(note: &[u8]) -> Result<(&str, Vec<Signature<'_>>), NoteError> {
    if note.len() > NOTE_BYTES {
        return Err(NoteError::TooLong { bytes: note.len() });
    }
    let note = str::from_utf8(note).map_err(|_| malformed("it is no UTF-8"))?;
    let end = note.rfind("\n\n").ok_or(malformed("it has no empty line before its signatures"))?;
    let (text, rest) = note.split_at(end + 1);
    check_text(text)?;
    let lines = rest.strip_prefix('\n').and_then(|rest| rest.strip_suffix('\n'));
    let lines = lines.ok_or(malformed("its last line has no end"))?;
    let mut signatures = Vec::new();
    for line in lines.split('\n') {
        if signatures.len() == NOTE_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        signatures.push(signature(line).ok_or(malformed("a line below the text is no signature"))?);
    }
    Ok((text, signatures))
}

fn signature(line: &str) -> Option<Signature<'_>> {
    let (name, encoded) = line.strip_prefix(DASH)?.split_once(' ')?;
    let bytes = base64::decode(encoded)?;
    let (id, bytes) = bytes.split_first_chunk()?;
    let signature = Signature { name, id: u32::from_be_bytes(*id), bytes: bytes.to_vec() };
    (is_name(name) && !bytes.is_empty()).then_some(signature)
}

fn check_text(text: &str) -> Result<(), NoteError> {
    if !text.ends_with('\n') {
        return Err(malformed("its text does not end a line"));
    }
    if text.chars().any(|letter| letter < ' ' && letter != '\n') {
        return Err(malformed("it has control characters"));
    }
    Ok(())
}
