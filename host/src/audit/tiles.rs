//! A log as static files (<https://c2sp.org/tlog-tiles>): tiles of 256 hashes, and bundles of 256 records. Owns names and
//! bytes of the files; writing and reading them is for others.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::proof::Nodes;
use super::tree::node_hash;
use crate::model::Digest;

/// Hashes of a full tile, and records of a full bundle.
pub const TILE_WIDTH: u64 = 256;
/// Levels of the tree in a tile.
const TILE_LEVELS: u32 = 8;

/// One file of a log: hashes of a level, or records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tile {
    /// None: a bundle of records. Else the level in steps of eight levels of the tree; level 0 holds hashes of leaves.
    pub level: Option<u32>,
    /// Counts tiles of a level, from zero.
    pub index: u64,
    /// How many hashes or records: 1 to 256.
    pub width: u64,
}

impl Tile {
    /// Its path below the log's prefix.
    #[must_use]
    pub fn path(&self) -> String {
        let level = self.level.map_or_else(|| "entries".to_owned(), |level| level.to_string());
        let mut index = format!("{:03}", self.index % 1_000);
        let mut above = self.index / 1_000;
        while above > 0 {
            index = format!("x{:03}/{index}", above % 1_000);
            above /= 1_000;
        }
        match self.is_full() {
            true => format!("tile/{level}/{index}"),
            false => format!("tile/{level}/{index}.p/{}", self.width),
        }
    }

    /// Whether it never changes again.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The hash tile that holds this position of a level, in a tree of this size; none when the tree does not reach there.
    fn holding(level: u32, position: u64, size: u64) -> Option<Self> {
        let there = size.checked_shr(level * TILE_LEVELS).unwrap_or(0);
        let index = position / TILE_WIDTH;
        let width = there.saturating_sub(index * TILE_WIDTH).min(TILE_WIDTH);
        (position < there).then_some(Tile { level: Some(level), index, width })
    }

    /// The files that a tree of `new` leaves has and one of `old` leaves has not, those of lower levels first.
    pub fn added(old: u64, new: u64) -> impl Iterator<Item = Tile> {
        let levels = (0..u64::BITS / TILE_LEVELS).map(move |level| (Some(level), level * TILE_LEVELS));
        let kinds = [(None, 0)].into_iter().chain(levels);
        kinds.flat_map(move |(level, shift)| {
            let (old, new) = (old >> shift, new >> shift);
            let last = if new > old { new.div_ceil(TILE_WIDTH) } else { 0 };
            (old / TILE_WIDTH..last).map(move |index| {
                let width = (new - index * TILE_WIDTH).min(TILE_WIDTH);
                Tile { level, index, width }
            })
        })
    }
}

/// The bytes of a bundle: each record after its length. None when one is longer than 65,535 bytes.
#[must_use]
pub fn encode_bundle<'r>(records: impl IntoIterator<Item = &'r [u8]>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for record in records {
        bytes.extend(u16::try_from(record.len()).ok()?.to_be_bytes());
        bytes.extend(record);
    }
    Some(bytes)
}

/// The records of a bundle; none when it does not end with a record.
#[must_use]
pub fn decode_bundle(mut bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut records = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let (record, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        records.push(record.to_vec());
        bytes = rest;
    }
    bytes.is_empty().then_some(records)
}

/// The bytes of a tile of hashes.
#[must_use]
pub fn encode_hashes(hashes: &[Digest]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// The hashes of a tile; none when there are not as many as its name says.
#[must_use]
pub fn decode_hashes(tile: Tile, bytes: &[u8]) -> Option<Vec<Digest>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    (rest.is_empty() && hashes.len() as u64 == tile.width).then(|| hashes.iter().copied().map(Digest).collect())
}

/// Root of the complete subtree over a power of two of hashes.
pub fn subtree_root(hashes: &[Digest]) -> Option<Digest> {
    let mut level = hashes.to_vec();
    while level.len() > 1 {
        let (pairs, odd) = level.as_chunks::<2>();
        if !odd.is_empty() {
            return None;
        }
        level = pairs.iter().map(|[left, right]| node_hash(*left, *right)).collect();
    }
    level.pop()
}

/// Proofs over the tiles of a tree: a tile is read once, and each proof needs those on its way only.
pub struct TileNodes<R> {
    size: u64,
    read: R,
    known: RefCell<BTreeMap<Tile, Vec<Digest>>>,
}

impl<E, R: Fn(Tile) -> Result<Vec<Digest>, E>> TileNodes<R> {
    /// Over a tree of this size, whose tiles `read` gives. What it gives is not trusted: a proof is worth what it leads to.
    pub fn new(size: u64, read: R) -> Self {
        TileNodes { size, read, known: RefCell::default() }
    }
}

impl<E, R: Fn(Tile) -> Result<Vec<Digest>, E>> Nodes for TileNodes<R> {
    type Error = E;

    fn node(&self, level: u32, index: u64) -> Result<Digest, E> {
        let (step, height) = (level / TILE_LEVELS, level % TILE_LEVELS);
        let first = index << height;
        // Where the tree does not reach there is no hash: no proof leads anywhere from this one.
        let Some(tile) = Tile::holding(step, first, self.size) else { return Ok(Digest([0; 32])) };
        if !self.known.borrow().contains_key(&tile) {
            let hashes = (self.read)(tile)?;
            self.known.borrow_mut().insert(tile, hashes);
        }
        let known = self.known.borrow();
        let hashes = known.get(&tile).map(Vec::as_slice).unwrap_or_default();
        let from = (first % TILE_WIDTH) as usize;
        let under = hashes.get(from..from + (1 << height)).unwrap_or_default();
        Ok(subtree_root(under).unwrap_or(Digest([0; 32])))
    }
}
