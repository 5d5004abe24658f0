//! The tree of RFC 6962: domain-separated hashes, and the frontier that appends leaves and gives the root. Owns no
//! storage; proofs are in `proof`.

use sha2::{Digest as _, Sha256};

use super::LogHead;
use crate::model::Digest;

/// Hash of a leaf: SHA-256(0x00 ‖ bytes).
#[must_use]
pub fn leaf_hash(bytes: &[u8]) -> Digest {
    Digest(Sha256::new().chain_update([0]).chain_update(bytes).finalize().into())
}

/// Hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
#[must_use]
pub fn node_hash(left: Digest, right: Digest) -> Digest {
    Digest(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// The roots of the complete subtrees of a log, largest first: all that appending and the root need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Digest>,
}

impl Frontier {
    /// How many leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends the hash of a leaf.
    pub fn append(&mut self, leaf: Digest) {
        let mut node = leaf;
        // A one at the end of the old size is a complete subtree of the same height as the new node.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                node = node_hash(left, node);
            }
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// Root of the tree over all leaves; SHA-256 of nothing when there are none.
    #[must_use]
    pub fn root(&self) -> Digest {
        let right_to_left = self.peaks.iter().copied().rev();
        right_to_left.reduce(|right, left| node_hash(left, right)).unwrap_or_else(|| Digest::of(b""))
    }

    /// Size and root.
    #[must_use]
    pub fn head(&self) -> LogHead {
        LogHead { size: self.size, root: self.root() }
    }

    /// What is stored beside the size: the peaks, one after another.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.peaks.iter().flat_map(|peak| peak.0).collect()
    }

    /// Reads what [`Frontier::to_bytes`] wrote; none when there are not as many peaks as this size has.
    #[must_use]
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Option<Self> {
        let (peaks, rest) = bytes.as_chunks::<32>();
        let complete = rest.is_empty() && peaks.len() as u64 == u64::from(size.count_ones());
        complete.then(|| Frontier { size, peaks: peaks.iter().map(|peak| Digest(*peak)).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::{Digest, Frontier, leaf_hash, node_hash};

    /// The definition of RFC 6962, section 2.1, word for word.
    fn by_definition(leaves: &[Vec<u8>]) -> Digest {
        match leaves {
            [] => Digest::of(b""),
            [leaf] => leaf_hash(leaf),
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                node_hash(by_definition(&leaves[..split]), by_definition(&leaves[split..]))
            }
        }
    }

    #[test]
    fn root_is_that_of_the_definition_at_every_size_and_survives_storage() {
        let leaves: Vec<Vec<u8>> = (0..130u8).map(|i| vec![i; usize::from(i)]).collect();
        let mut frontier = Frontier::default();
        assert_eq!(frontier.root(), by_definition(&[]));
        for (i, leaf) in leaves.iter().enumerate() {
            frontier.append(leaf_hash(leaf));
            assert_eq!(frontier.root(), by_definition(&leaves[..=i]), "size {}", i + 1);
            let stored = Frontier::from_bytes(frontier.size(), &frontier.to_bytes());
            assert_eq!(stored.as_ref(), Some(&frontier));
            assert_eq!(Frontier::from_bytes(frontier.size() + 1, &frontier.to_bytes()).filter(|_| i % 2 == 1), None);
        }
    }

    #[test]
    fn root_is_that_of_the_published_test_vectors() {
        let leaves: [&[u8]; 8] = [
            b"",
            b"\0",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut frontier = Frontier::default();
        for (leaf, root) in leaves.into_iter().zip(roots) {
            frontier.append(leaf_hash(leaf));
            assert_eq!(frontier.root().to_string(), root);
        }
    }
}
