//! What a log came to since it was signed last: the tree over the leaves since then, whose bytes are hashed again. Owns which leaf
//! may be gone: none that was not signed, and none before a leaf that says so was signed.

use super::guard::shrank;
use super::{LEAVES_PER_PAGE, NotaryError};
use crate::audit::{Frontier, LogEntry, LogHead, Statement, leaf_hash};
use crate::ledger::{Ledger, Query, Rows, StoredLeaf};
use crate::model::Digest;

/// How the bytes of a leaf begin that says that others are removed, and of no other kind: names are sorted.
const PRUNING: &[u8] = b"{\"before\":\"";

/// The tree at the committed head, from what was signed and the leaves since. `seen` is a head that was signed and whose tree is not
/// remembered.
pub(super) fn grown(
    ledger: &dyn Ledger,
    tenant: &str,
    from: Frontier,
    head: LogHead,
    seen: Option<LogHead>,
) -> Result<Frontier, NotaryError> {
    if let Some(error) = shrank(&from, head) {
        return Err(error);
    }
    if let Some(seen) = seen.filter(|seen| seen.size > head.size) {
        return Err(NotaryError::Shrunk { signed: seen.size, found: head.size });
    }
    let (signed, mut tree, mut gone) = (from.size(), from, Gone::default());
    let check = |tree: &Frontier, known: LogHead| match tree.head() == known || tree.size() != known.size {
        true => Ok(()),
        false => Err(NotaryError::Forked { head: known, found: tree.root() }),
    };
    while tree.size() < head.size {
        let most = (head.size - tree.size()).min(u64::from(LEAVES_PER_PAGE)) as u32;
        let Rows::Leaves(page) = ledger.read(tenant, &Query::Leaves(tree.size(), most))? else { break };
        let gap = NotaryError::Forked { head, found: Digest::of(b"") };
        if page.is_empty() {
            return Err(gap);
        }
        for leaf in page {
            if leaf.index != tree.size() {
                return Err(gap);
            }
            gone.see(&leaf);
            tree.append(if leaf.is_pruned() { leaf.hash } else { leaf_hash(&leaf.bytes) });
            seen.map_or(Ok(()), |seen| check(&tree, seen))?;
        }
    }
    check(&tree, head)?;
    match signed {
        // All of it is new to these keys: what was signed under others, or before the memory was lost, explains what is gone.
        0 => gone.is_explained(seen.map_or(u64::MAX, |seen| seen.size))?,
        _ => gone.begins(ledger, tenant, signed)?,
    }
    Ok(tree)
}

/// What is gone of some leaves, and what they say of that.
#[derive(Default)]
struct Gone {
    /// The last leaf that is empty.
    last: Option<u64>,
    /// Where leaves stand that say that those before an index are removed, and the index.
    said: Vec<(u64, u64)>,
}

impl Gone {
    fn see(&mut self, leaf: &StoredLeaf) {
        if leaf.is_pruned() {
            self.last = Some(leaf.index);
        } else if leaf.bytes.starts_with(PRUNING)
            && let Ok(LogEntry { says: Statement::Pruning { before, .. }, .. }) = LogEntry::parse(&leaf.bytes)
        {
            self.said.push((leaf.index, before.0));
        }
    }

    /// Whether leaves of a log of this size say so of all that are gone.
    fn is_explained(&self, size: u64) -> Result<(), NotaryError> {
        let said = self.said.iter().filter(|(index, _)| *index < size).map(|(_, before)| *before).max().unwrap_or(0);
        self.last.filter(|last| *last >= said).map_or(Ok(()), |index| Err(NotaryError::Emptied { index }))
    }

    /// Holds leaves that nothing has signed yet against those that were: none of them is gone, and where one says that others are to
    /// go, these are still there. Whoever emptied them first wrote that leaf to excuse it.
    fn begins(&self, ledger: &dyn Ledger, tenant: &str, signed: u64) -> Result<(), NotaryError> {
        self.is_explained(0)?;
        if self.said.is_empty() {
            return Ok(());
        }
        let (mut before, mut next) = (Self::default(), 0);
        while next < signed {
            let most = (signed - next).min(u64::from(LEAVES_PER_PAGE)) as u32;
            let Rows::Leaves(page) = ledger.read(tenant, &Query::Leaves(next, most))? else { break };
            let Some(last) = page.last() else { break };
            next = last.index + 1;
            page.iter().for_each(|leaf| before.see(leaf));
        }
        before.is_explained(signed)
    }
}
