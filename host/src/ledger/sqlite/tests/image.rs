//! What a disk may hold after the power is lost: of what was not flushed, all, nothing, or some sectors. Owns the choice;
//! what happened on the disk is `disk`'s.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::disk::{Journal, NodeId, Op};

/// What a disk writes as a whole, in bytes.
const SECTOR_BYTES: usize = 512;

/// What becomes of what was not flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Loss {
    /// Nothing of it is there.
    Everything,
    /// All of it is there, but for what a failed flush was for: the system believes that clean.
    FailedFlushes,
    /// All of it is there.
    Nothing,
    /// Names and lengths are as they were flushed last; all bytes are there.
    Shape,
    /// All of it is there up to a place in the journal, where a write is torn.
    Tail,
    /// Each sector for itself: some are there, in whatever order they were written.
    Sectors,
}

impl Loss {
    pub(super) const ALL: [Self; 6] =
        [Self::Everything, Self::FailedFlushes, Self::Nothing, Self::Shape, Self::Tail, Self::Sectors];
}

/// Numbers from a seed (splitmix64).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end.max(1) as u64) as usize
    }
}

/// How safe an operation is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Safety {
    Durable,
    Pending,
    /// Its flush failed: no later flush is for it.
    Forsaken,
}

/// Files by name.
pub(super) type Image = BTreeMap<String, Vec<u8>>;

/// The disk after the first `now` operations of a journal, when the power is lost then.
pub(super) fn image(journal: &Journal, now: usize, loss: Loss, dice: &mut Dice) -> Image {
    let safety = safety(journal, now);
    let unsafe_ones: Vec<usize> = (0..now).filter(|at| safety[*at] != Safety::Durable).collect();
    let cut = unsafe_ones.get(dice.below(unsafe_ones.len())).copied().unwrap_or(now);
    // Names are kept in order: file systems journal them.
    let pending_names = unsafe_ones.iter().filter(|at| matches!(journal.entries[**at].op, Op::Create(..) | Op::Delete(_)));
    let names_end = match loss {
        Loss::Everything | Loss::Shape => 0,
        Loss::FailedFlushes | Loss::Nothing => now,
        Loss::Tail => cut,
        Loss::Sectors => pending_names.copied().nth(dice.below(4)).unwrap_or(now),
    };
    let mut names: BTreeMap<&str, NodeId> = BTreeMap::new();
    let mut files: BTreeMap<NodeId, Vec<u8>> = BTreeMap::new();
    for (at, entry) in journal.entries.iter().take(now).enumerate() {
        let durable = safety[at] == Safety::Durable;
        let mut kept = |from: usize| {
            durable
                || match loss {
                    Loss::Everything => false,
                    Loss::FailedFlushes => safety[at] == Safety::Pending,
                    Loss::Nothing => true,
                    Loss::Shape => matches!(entry.op, Op::Write(..)),
                    Loss::Tail => at < cut || at == cut && from < SECTOR_BYTES * 3,
                    Loss::Sectors => dice.below(2) == 0,
                }
        };
        match &entry.op {
            Op::Create(name, node) if durable || at < names_end => _ = names.insert(name, *node),
            Op::Delete(name) if durable || at < names_end => _ = names.remove(name.as_str()),
            Op::Write(node, place, bytes) => {
                let file = files.entry(*node).or_default();
                for (from, piece) in sectors(*place, bytes) {
                    if kept(from - place) {
                        file.resize(file.len().max(from + piece.len()), 0);
                        file[from..from + piece.len()].copy_from_slice(piece);
                    }
                }
            }
            Op::Truncate(node, size) => {
                if kept(0) {
                    files.entry(*node).or_default().resize(*size, 0);
                }
            }
            Op::Create(..) | Op::Delete(_) | Op::Names | Op::Sync(..) => {}
        }
    }
    let bases = journal.entries.get(now).map_or_else(|| journal.bases.keys().cloned().collect(), |entry| entry.bases.clone());
    let bases = bases.into_iter().filter_map(|name| Some((name.clone(), journal.bases.get(&name)?.clone())));
    let named = names.into_iter().map(|(name, node)| (name.to_owned(), files.get(&node).cloned().unwrap_or_default()));
    named.chain(bases).collect()
}

/// A write, cut where sectors end.
fn sectors(place: usize, bytes: &[u8]) -> Vec<(usize, &[u8])> {
    let mut pieces = Vec::new();
    let (mut from, mut rest) = (place, bytes);
    while !rest.is_empty() {
        let (piece, next) = rest.split_at(rest.len().min(SECTOR_BYTES - from % SECTOR_BYTES));
        pieces.push((from, piece));
        (from, rest) = (from + piece.len(), next);
    }
    pieces
}

/// What is durable after the first `now` operations.
fn safety(journal: &Journal, now: usize) -> Vec<Safety> {
    let mut safety = vec![Safety::Pending; now];
    for (end, entry) in journal.entries.iter().take(now).enumerate() {
        let (node, to) = match &entry.op {
            Op::Names => (None, Safety::Durable),
            Op::Sync(node, true) => (Some(*node), Safety::Durable),
            Op::Sync(node, false) => (Some(*node), Safety::Forsaken),
            _ => continue,
        };
        safety[end] = Safety::Durable;
        for (before, safety) in journal.entries.iter().zip(&mut safety).take(end) {
            let covers = match (&before.op, node) {
                (Op::Create(..) | Op::Delete(_), None) => true,
                (Op::Write(written, ..) | Op::Truncate(written, _), Some(node)) => *written == node,
                _ => false,
            };
            if covers && *safety == Safety::Pending {
                *safety = to;
            }
        }
    }
    safety
}

/// Writes an image where a ledger can be opened.
pub(super) fn place(image: &Image, dir: &Path) {
    for (name, bytes) in image {
        fs::write(dir.join(name), bytes).expect("it is ours");
    }
}
