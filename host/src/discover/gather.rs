//! What is kept of pages while they are read, besides the pages themselves: names, and on disk the digest and the key of each
//! row. Shared by all readers; what it comes to does not depend on their order.

use std::mem;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::piles::Piles;
use super::rows::{RowDigests, digests, key_words};
use super::{DiscoverError, Names, Page, ScanSide};
use crate::model::{Digest, Fact, Sym, Symbols};

/// What all readers add to.
pub(super) struct Gathering(Mutex<Gathered>);

/// What was gathered.
pub(super) struct Gathered {
    /// The texts that facts use as names.
    pub(super) symbols: Symbols,
    pub(super) names: Names,
    pub(super) rows: RowDigests,
    /// For each scan the words of its keys, as they came.
    pub(super) keys: Piles,
}

impl Gathering {
    /// Nothing yet; what is kept on disk goes to this folder.
    pub(super) fn new(folder: &Path) -> Self {
        Gathering(Mutex::new(Gathered::new(RowDigests::new(Some(folder)), Piles::on_disk(folder, "scan"))))
    }

    /// Takes in the facts of a page, which know their scans; `base` is the number of the source's first scan.
    pub(super) fn take(&self, page: &Page, side: ScanSide, base: u16) -> Result<(), DiscoverError> {
        let rows: Vec<Digest> = digests(&page.facts, &page.symbols).collect();
        let keys: Vec<u64> = key_words(&page.facts, &page.symbols).collect();
        let mut numbers = vec![Sym::EMPTY; page.symbols.len()];
        let mut gathered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Gathered { symbols, names, rows: digests, keys: words } = &mut *gathered;
        for ((fact, row), key) in page.facts.iter().zip(&rows).zip(&keys) {
            let scan = base + fact.scan;
            digests.add(side, scan, row)?;
            words.push(usize::from(scan), &key.to_le_bytes())?;
            let mut here = |sym: Sym| match numbers.get_mut(sym.0 as usize) {
                Some(number) => {
                    if number.is_empty() && !sym.is_empty() {
                        *number = symbols.intern(page.symbols.text(sym));
                    }
                    *number
                }
                None => Sym::EMPTY,
            };
            let [target, holder, object] = [fact.target, fact.holder, fact.object].map(&mut here);
            let [identity, replaces] = [fact.identity, fact.replaces].map(&mut here);
            names.add(&Fact { identity, replaces, ..Fact::new(fact.subject, target, holder, object) });
        }
        Ok(())
    }

    /// All that was gathered; nothing is left.
    pub(super) fn finish(&self) -> Gathered {
        let mut gathered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        mem::replace(&mut gathered, Gathered::new(RowDigests::new(None), Piles::in_memory()))
    }
}

impl Gathered {
    fn new(rows: RowDigests, keys: Piles) -> Self {
        Gathered { symbols: Symbols::default(), names: Names::default(), rows, keys }
    }
}
