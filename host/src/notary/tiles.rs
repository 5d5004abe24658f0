//! A log as a folder of static files that any server of files can serve (<https://c2sp.org/tlog-tiles>). Owns writing and
//! reading them; their names and bytes are for `audit`.

use std::fs;
use std::path::{Path, PathBuf};

use super::files::{read, replace};
use super::nodes::LedgerNodes;
use super::{NotaryError, io_error};
use crate::audit::{
    Checkpoint, Nodes, TILE_WIDTH, Tile, TileNodes, VerifierKey, decode_hashes, encode_bundle, encode_hashes, root_of,
    subtree_root,
};
use crate::ledger::{Ledger, Query, Rows, StoredLeaf};
use crate::limits::{LEAF_BYTES, NOTE_BYTES};
use crate::model::Digest;

/// Name of the newest checkpoint, below the prefix.
const CHECKPOINT: &str = "checkpoint";
/// Longest bundle, in bytes.
const BUNDLE_BYTES: usize = TILE_WIDTH as usize * (LEAF_BYTES + 2);

/// What an export came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Exported {
    /// Leaves that the folder held before.
    pub before: u64,
    /// Leaves that it holds now.
    pub size: u64,
    /// Files that were written, but for the checkpoint.
    pub files: u64,
    /// Leaves whose records were left out, because the log was pruned there. Tiles of hashes are all written, so that every proof
    /// can be made from the folder.
    pub pruned: u64,
}

/// A folder of tiles: what a server serves below the log's prefix.
#[derive(Clone, Debug)]
pub struct TileFolder(PathBuf);

impl TileFolder {
    /// In this folder.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        TileFolder(folder.to_owned())
    }

    /// The checkpoint that it serves; none when nothing was exported yet.
    ///
    /// # Errors
    /// When it cannot be read, or is not one of this log under these keys.
    pub fn checkpoint(&self, origin: &str, keys: &[VerifierKey]) -> Result<Option<Checkpoint>, NotaryError> {
        let Some(note) = read(&self.0.join(CHECKPOINT), NOTE_BYTES)? else { return Ok(None) };
        Ok(Some(Checkpoint::open(&note, origin, keys)?))
    }

    /// The tree of these tiles at a size.
    pub fn nodes(&self, size: u64) -> impl Nodes<Error = NotaryError> + '_ {
        TileNodes::new(size, |tile| self.hashes(tile))
    }

    /// The hashes of a tile; of the full one where only that is left.
    fn hashes(&self, tile: Tile) -> Result<Vec<Digest>, NotaryError> {
        let full = Tile { width: TILE_WIDTH, ..tile };
        for (tile, path) in [(tile, self.0.join(tile.path())), (full, self.0.join(full.path()))] {
            if let Some(bytes) = read(&path, TILE_WIDTH as usize * 32)? {
                return decode_hashes(tile, &bytes).ok_or_else(|| self.other("a tile has not the hashes that its name says"));
            }
        }
        Err(self.other(&format!("`{}` is missing", tile.path())))
    }

    /// Brings the folder to a signed checkpoint of a log, by adding what it lacks. The checkpoint itself comes last, and only
    /// if the tiles have its root: until then, the folder serves the former one.
    pub(super) fn bring_to(
        &self,
        note: &str,
        now: &Checkpoint,
        former: Option<&Checkpoint>,
        ledger: &dyn Ledger,
        tenant: &str,
    ) -> Result<Exported, NotaryError> {
        let before = former.map_or(0, |former| former.head.size);
        if before > now.head.size {
            return Err(self.other("it has more leaves"));
        }
        let (mut files, mut pruned) = (0, 0);
        for tile in Tile::added(before, now.head.size) {
            let bytes = match tile.level {
                None => match records(ledger, tenant, tile)? {
                    Some(bytes) => bytes,
                    None => {
                        pruned += tile.width;
                        continue;
                    }
                },
                Some(0) => encode_hashes(&LedgerNodes::new(ledger, tenant).hashes(tile.index * TILE_WIDTH, tile.width)?),
                Some(level) => self.above(level, tile)?,
            };
            self.put(tile, &bytes)?;
            files += 1;
        }
        for known in [Some(now), former].into_iter().flatten() {
            // Partial tiles of the former size may be gone: its root follows from the larger ones.
            if root_of(&self.nodes(now.head.size), known.head.size)? != known.head.root {
                return Err(self.other(&format!("its first {} leaves have another root", known.head.size)));
            }
        }
        replace(&self.0.join(CHECKPOINT), note.as_bytes(), false)?;
        Ok(Exported { before, size: now.head.size, files, pruned })
    }

    /// A tile above the lowest: each of its hashes is that of a full tile below.
    fn above(&self, level: u32, tile: Tile) -> Result<Vec<u8>, NotaryError> {
        let first = tile.index * TILE_WIDTH;
        let below = (first..first + tile.width).map(|index| {
            let hashes = self.hashes(Tile { level: Some(level - 1), index, width: TILE_WIDTH })?;
            subtree_root(&hashes).ok_or_else(|| self.other("a tile is not full"))
        });
        Ok(encode_hashes(&below.collect::<Result<Vec<_>, _>>()?))
    }

    /// Writes a file once: a file of this name never has other bytes.
    fn put(&self, tile: Tile, bytes: &[u8]) -> Result<(), NotaryError> {
        let path = self.0.join(tile.path());
        match read(&path, BUNDLE_BYTES)? {
            Some(found) if found == bytes => return Ok(()),
            Some(_) => return Err(self.other(&format!("`{}` holds other bytes", tile.path()))),
            None => {}
        }
        let folder = path.parent().unwrap_or(&self.0);
        fs::create_dir_all(folder).map_err(io_error(folder))?;
        replace(&path, bytes, false)
    }

    fn other(&self, problem: &str) -> NotaryError {
        NotaryError::OtherTiles { path: self.0.clone(), problem: problem.to_owned() }
    }
}

/// The bytes of a bundle; none when one of its records was pruned: there is no bundle with gaps.
fn records(ledger: &dyn Ledger, tenant: &str, tile: Tile) -> Result<Option<Vec<u8>>, NotaryError> {
    let first = tile.index * TILE_WIDTH;
    let Rows::Leaves(leaves) = ledger.read(tenant, &Query::Leaves(first, tile.width as u32))? else { return Ok(None) };
    let beyond = NotaryError::Beyond { size: first + leaves.len() as u64, wanted: first + tile.width };
    if leaves.len() as u64 != tile.width {
        return Err(beyond);
    }
    if leaves.iter().any(StoredLeaf::is_pruned) {
        return Ok(None);
    }
    encode_bundle(leaves.iter().map(|leaf| &leaf.bytes[..])).map(Some).ok_or(beyond)
}
