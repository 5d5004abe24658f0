//! The seam to answers of former runs. A rule says of each answer until when it gives the same to the same question; before
//! that instant a batch that looks as it did need not be judged again. Owns the words; where answers are kept is for others.

use super::BatchVerdict;
use crate::model::Digest;

/// What batches were answered before. A batch is named by its place among those that are judged together, and known again by
/// the digest of all that its answer may depend on but the instant: module, profile, limits, settings, and every column.
pub trait Memory: Sync {
    /// The answer that this batch gets without being judged. None: it is judged.
    fn recall(&self, batch: usize, shown: &Digest) -> Option<BatchVerdict>;

    /// Takes in what a batch was answered that was judged.
    fn keep(&self, batch: usize, shown: Digest, verdict: &BatchVerdict);
}
