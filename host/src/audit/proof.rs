//! Proofs over the tree (RFC 6962, section 2.1): that a leaf is in it, and that a later tree holds an earlier one. Owns
//! making and checking them; where the hashes come from is for whoever has the tree.

use super::tree::node_hash;
use super::{Frontier, LogHead};
use crate::limits::PROOF_HASHES;
use crate::model::Digest;

/// Gives the roots of complete subtrees: all that proofs need of a tree.
pub trait Nodes {
    /// Why a hash cannot be had.
    type Error;

    /// Root of the complete subtree over the leaves from `index`·2^`level` to before (`index` + 1)·2^`level`. Only asked
    /// for where the tree has all of them.
    ///
    /// # Errors
    /// When it cannot be had.
    fn node(&self, level: u32, index: u64) -> Result<Digest, Self::Error>;
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The tree has no such leaf, or the later tree is smaller.
    #[error("the tree of {size} leaves does not reach to {wanted}")]
    Short {
        /// Size of the tree.
        size: u64,
        /// Which leaf or size was wanted.
        wanted: u64,
    },
    /// The hashes do not lead to the root.
    #[error("the proof does not lead to the root: the record, the proof or the root is another")]
    Refuted,
}

/// Root of a tree's first `size` leaves.
///
/// # Errors
/// When a hash cannot be had.
pub fn root_of<N: Nodes + ?Sized>(nodes: &N, size: u64) -> Result<Digest, N::Error> {
    range(nodes, 0, size)
}

/// Root over the leaves `from` to before `end`, where `from` is a multiple of the largest power of two that fits.
fn range<N: Nodes + ?Sized>(nodes: &N, from: u64, end: u64) -> Result<Digest, N::Error> {
    let mut peaks = Vec::new();
    let mut at = from;
    while let Some(level) = (end - at).checked_ilog2() {
        peaks.push(nodes.node(level, at >> level)?);
        at += 1 << level;
    }
    let right_to_left = peaks.into_iter().rev();
    Ok(right_to_left.reduce(|right, left| node_hash(left, right)).unwrap_or(LogHead::default().root))
}

/// The largest power of two below a number above one.
const fn split(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}

/// The hashes that lead from leaf `index` to the root of the first `size` leaves, the leaf's sibling first; none when there
/// is no such leaf.
///
/// # Errors
/// When a hash cannot be had.
pub fn prove_inclusion<N: Nodes + ?Sized>(nodes: &N, size: u64, index: u64) -> Result<Option<Vec<Digest>>, N::Error> {
    if index >= size {
        return Ok(None);
    }
    let (mut from, mut end, mut proof) = (0, size, Vec::new());
    while end - from > 1 {
        let middle = from + split(end - from);
        if index < middle {
            proof.push(range(nodes, middle, end)?);
            end = middle;
        } else {
            proof.push(range(nodes, from, middle)?);
            from = middle;
        }
    }
    proof.reverse();
    Ok(Some(proof))
}

/// The hashes that show that the first `new` leaves begin with the first `old` ones; none when `old` is more.
///
/// # Errors
/// When a hash cannot be had.
pub fn prove_consistency<N: Nodes + ?Sized>(nodes: &N, old: u64, new: u64) -> Result<Option<Vec<Digest>>, N::Error> {
    if old > new {
        return Ok(None);
    }
    let (mut from, mut end, mut proof) = (0, new, Vec::new());
    if old == 0 {
        return Ok(Some(proof));
    }
    while old != end {
        let middle = from + split(end - from);
        if old <= middle {
            proof.push(range(nodes, middle, end)?);
            end = middle;
        } else {
            proof.push(range(nodes, from, middle)?);
            from = middle;
        }
    }
    // The earlier root itself is known to whoever checks.
    if from > 0 {
        proof.push(range(nodes, from, end)?);
    }
    proof.reverse();
    Ok(Some(proof))
}

/// Checks that the leaf with this hash is leaf `index` of a tree.
///
/// # Errors
/// When it is not shown.
pub fn check_inclusion(tree: LogHead, index: u64, leaf: Digest, proof: &[Digest]) -> Result<(), ProofError> {
    if index >= tree.size {
        return Err(ProofError::Short { size: tree.size, wanted: index });
    }
    let mut climb = Climb::new(index, tree.size - 1);
    let mut root = leaf;
    for hash in proof.iter().take(PROOF_HASHES) {
        root = if climb.is_right()? { node_hash(*hash, root) } else { node_hash(root, *hash) };
        climb.step();
    }
    let whole = climb.is_done() && proof.len() <= PROOF_HASHES;
    if whole && root == tree.root { Ok(()) } else { Err(ProofError::Refuted) }
}

/// Checks that a later tree begins with all leaves of an earlier one, as they were.
///
/// # Errors
/// When it is not shown.
pub fn check_consistency(old: LogHead, new: LogHead, proof: &[Digest]) -> Result<(), ProofError> {
    if old.size > new.size {
        return Err(ProofError::Short { size: new.size, wanted: old.size });
    }
    if old.size == 0 || old.size == new.size {
        let same = if old.size == 0 { old == LogHead::default() } else { old == new };
        // Of no leaves there is one tree only.
        let possible = new.size > 0 || new == LogHead::default();
        return if same && possible && proof.is_empty() { Ok(()) } else { Err(ProofError::Refuted) };
    }
    let mut hashes = proof.iter().copied().take(PROOF_HASHES);
    let mut climb = Climb::new(old.size - 1, new.size - 1);
    climb.skip_right();
    // An earlier tree that is one complete subtree is where the climb begins, and is not sent.
    let first = if old.size.is_power_of_two() { Some(old.root) } else { hashes.next() };
    let (Some(mut former), true) = (first, proof.len() <= PROOF_HASHES) else { return Err(ProofError::Refuted) };
    let mut latter = former;
    for hash in hashes {
        if climb.is_right()? {
            (former, latter) = (node_hash(hash, former), node_hash(hash, latter));
        } else {
            latter = node_hash(latter, hash);
        }
        climb.step();
    }
    if climb.is_done() && former == old.root && latter == new.root { Ok(()) } else { Err(ProofError::Refuted) }
}

/// The way from a leaf to the root, one level at a time.
struct Climb {
    at: u64,
    /// The last node of the level.
    last: u64,
}

impl Climb {
    const fn new(at: u64, last: u64) -> Self {
        Climb { at, last }
    }

    /// Up to the largest complete subtree that ends here.
    const fn skip_right(&mut self) {
        let levels = self.at.trailing_ones();
        (self.at, self.last) = (self.at >> levels, self.last >> levels);
    }

    /// Whether the next hash stands on the left. There must be a level above.
    const fn is_right(&self) -> Result<bool, ProofError> {
        if self.last == 0 { Err(ProofError::Refuted) } else { Ok(self.at & 1 == 1 || self.at == self.last) }
    }

    /// One level up; further where the last node of a level has no sibling and is carried up as it is.
    const fn step(&mut self) {
        if self.at & 1 == 0 && self.at == self.last {
            let levels = self.at.trailing_zeros();
            let levels = if self.at == 0 { 0 } else { levels };
            (self.at, self.last) = (self.at >> levels, self.last >> levels);
        }
        (self.at, self.last) = (self.at >> 1, self.last >> 1);
    }

    const fn is_done(&self) -> bool {
        self.last == 0
    }
}

/// Leaf hashes in memory: what small logs and tests prove over.
impl Nodes for [Digest] {
    type Error = std::convert::Infallible;

    fn node(&self, level: u32, index: u64) -> Result<Digest, Self::Error> {
        let (from, count) = ((index << level) as usize, 1 << level);
        let mut frontier = Frontier::default();
        self.iter().skip(from).take(count).for_each(|leaf| frontier.append(*leaf));
        Ok(frontier.root())
    }
}
