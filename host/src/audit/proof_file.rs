//! Proofs as files: of one record (<https://c2sp.org/tlog-proof>), and of growth between two checkpoints, in the form in
//! which witnesses are asked (`add-checkpoint` of <https://c2sp.org/tlog-witness>). Owns their text; what they prove is
//! checked by `proof`.

use super::base64;
use super::checkpoint::{Checkpoint, CheckpointError, decimal, digest};
use super::keys::VerifierKey;
use super::proof::{ProofError, check_consistency, check_inclusion};
use super::tree::leaf_hash;
use crate::limits::{NOTE_BYTES, PROOF_EXTRA_BYTES, PROOF_FILE_BYTES, PROOF_HASHES};
use crate::model::Digest;

/// First line of a record's proof.
const VERSION: &str = "c2sp.org/tlog-proof@v1";

/// Why a file proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofFileError {
    /// It is no such file.
    #[error("it is no proof: {problem}")]
    Malformed {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Its checkpoint cannot be believed.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// It proves something else.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

const fn malformed(problem: &'static str) -> ProofFileError {
    ProofFileError::Malformed { problem }
}

/// That one record is in a log: all that is needed to check it, but for the record and the keys that are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordProof {
    /// What its maker sends along; nobody signed for it. trueup puts the record there.
    pub extra: Vec<u8>,
    /// Which leaf.
    pub index: u64,
    /// From the leaf's sibling to the root's child.
    pub hashes: Vec<Digest>,
    /// The signed checkpoint, as it was signed.
    pub checkpoint: String,
}

impl RecordProof {
    /// Reads a file.
    ///
    /// # Errors
    /// When it is not exactly of the form; what it proves is not checked yet.
    pub fn parse(file: &[u8]) -> Result<Self, ProofFileError> {
        let (head, checkpoint) = halves(file)?;
        let mut lines = head.lines().peekable();
        if lines.next() != Some(VERSION) {
            return Err(malformed("its first line is another"));
        }
        let mut extra = Vec::new();
        if let Some(text) = lines.next_if(|line| line.starts_with("extra ")).and_then(|line| line.strip_prefix("extra ")) {
            extra = base64::decode(text).ok_or(malformed("its extra data are no base 64"))?;
        }
        let index = lines.next().and_then(|line| decimal(line.strip_prefix("index ")?)).ok_or(malformed("it has no index"))?;
        Ok(RecordProof { extra, index, hashes: hashes(lines)?, checkpoint: checkpoint.to_owned() })
    }

    /// The file.
    ///
    /// # Errors
    /// When something is too long for one.
    pub fn to_text(&self) -> Result<String, ProofFileError> {
        if self.extra.len() > PROOF_EXTRA_BYTES || self.hashes.len() > PROOF_HASHES || self.checkpoint.len() > NOTE_BYTES {
            return Err(malformed("it would be too long"));
        }
        let mut text = format!("{VERSION}\n");
        if !self.extra.is_empty() {
            text.push_str(&format!("extra {}\n", base64::encode(&self.extra)));
        }
        text.push_str(&format!("index {}\n", self.index));
        self.hashes.iter().for_each(|hash| text.push_str(&format!("{}\n", base64::encode(&hash.0))));
        Ok(text + "\n" + &self.checkpoint)
    }

    /// Checks, offline, that this record is in the log of this origin: known keys signed the checkpoint, and the record is
    /// where the proof says under its root. Gives the checkpoint.
    ///
    /// # Errors
    /// When it is not shown.
    pub fn verify(&self, record: &[u8], origin: &str, keys: &[VerifierKey]) -> Result<Checkpoint, ProofFileError> {
        let checkpoint = Checkpoint::open(self.checkpoint.as_bytes(), origin, keys)?;
        check_inclusion(checkpoint.head, self.index, leaf_hash(record), &self.hashes)?;
        Ok(checkpoint)
    }
}

/// That a log grew from an earlier size to a checkpoint without a change to what was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrowthProof {
    /// The earlier size.
    pub old: u64,
    /// The proof of consistency.
    pub hashes: Vec<Digest>,
    /// The signed checkpoint, as it was signed.
    pub checkpoint: String,
}

impl GrowthProof {
    /// Reads a file.
    ///
    /// # Errors
    /// When it is not exactly of the form; what it proves is not checked yet.
    pub fn parse(file: &[u8]) -> Result<Self, ProofFileError> {
        let (head, checkpoint) = halves(file)?;
        let mut lines = head.lines();
        let old = lines.next().and_then(|line| decimal(line.strip_prefix("old ")?)).ok_or(malformed("it has no old size"))?;
        Ok(GrowthProof { old, hashes: hashes(lines)?, checkpoint: checkpoint.to_owned() })
    }

    /// The file.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("old {}\n", self.old);
        self.hashes.iter().for_each(|hash| text.push_str(&format!("{}\n", base64::encode(&hash.0))));
        text + "\n" + &self.checkpoint
    }

    /// Checks that the log of an earlier checkpoint grew into this one. Gives the later checkpoint.
    ///
    /// # Errors
    /// When it is not shown.
    pub fn verify(&self, earlier: &Checkpoint, keys: &[VerifierKey]) -> Result<Checkpoint, ProofFileError> {
        let later = Checkpoint::open(self.checkpoint.as_bytes(), &earlier.origin, keys)?;
        if earlier.head.size != self.old {
            return Err(malformed("it begins at another size"));
        }
        check_consistency(earlier.head, later.head, &self.hashes)?;
        Ok(later)
    }
}

/// What stands before the first empty line, and the checkpoint after it.
fn halves(file: &[u8]) -> Result<(&str, &str), ProofFileError> {
    if file.len() > PROOF_FILE_BYTES {
        return Err(malformed("it is too long"));
    }
    let text = str::from_utf8(file).map_err(|_| malformed("it is no UTF-8"))?;
    let (head, checkpoint) = text.split_once("\n\n").ok_or(malformed("it has no empty line"))?;
    // A line ends in a line feed alone: `lines` would let a carriage return pass.
    if head.contains('\r') { Err(malformed("it has carriage returns")) } else { Ok((head, checkpoint)) }
}

fn hashes<'l>(lines: impl Iterator<Item = &'l str>) -> Result<Vec<Digest>, ProofFileError> {
    let mut hashes = Vec::new();
    for line in lines {
        if hashes.len() == PROOF_HASHES {
            return Err(malformed("it has more hashes than any tree is high"));
        }
        hashes.push(digest(line).ok_or(malformed("a line is no hash"))?);
    }
    Ok(hashes)
}
