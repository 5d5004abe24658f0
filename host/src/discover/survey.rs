//! The noun of discovery where facts stay on disk: who and what is named, how far each scan can be trusted, and the pages, to go
//! through again. Owns that what comes out of the pages is what went in.

use std::io;
use std::path::PathBuf;

use super::piles::Piles;
use super::recall::recall_as;
use super::spool::Spool;
use super::{DiscoverError, Names, Page, ScanSide, Snapshot};
use crate::model::{Fact, Sym};

/// All that discovery learned, while the facts lie in the pages.
pub struct Survey {
    /// People, catalogue, scans and the digest of all rows, without facts. Its dictionary holds what [`Survey::names`] names.
    pub snapshot: Snapshot,
    /// What facts name.
    pub names: Names,
    /// What messages call the source of each scan.
    pub places: Vec<String>,
    pub(super) spool: PathBuf,
    pub(super) origins: Vec<Origin>,
    /// For each scan the words of its keys.
    pub(super) keys: Piles,
}

/// Whose pages there are.
pub(super) struct Origin {
    pub(super) side: ScanSide,
    pub(super) name: String,
    /// The number of its first scan.
    pub(super) base: u16,
    pub(super) facts: u64,
}

impl Survey {
    /// How many facts there are.
    #[must_use]
    pub fn facts(&self) -> u64 {
        self.origins.iter().map(|origin| origin.facts).sum()
    }

    /// Goes through all pages: source by source, in their order.
    ///
    /// # Errors
    /// When a page cannot be read or is not what was stored, and when `page` fails.
    pub fn pages(&self, mut page: impl FnMut(Page) -> Result<(), DiscoverError>) -> Result<(), DiscoverError> {
        for origin in self.origins.iter().filter(|origin| origin.facts > 0) {
            let mut found = 0;
            Spool::replay(&self.spool, origin.side, &origin.name, |mut stored| {
                found += stored.facts.len() as u64;
                stored.facts.iter_mut().for_each(|fact| fact.scan += origin.base);
                page(stored)
            })?;
            if found != origin.facts {
                return Err(self.damaged(format!("`{}` had {} rows and has {found}", origin.name, origin.facts)));
            }
        }
        Ok(())
    }

    /// Takes in what more facts name, over whatever dictionary they have.
    pub fn name(&mut self, more: &Snapshot) {
        let symbols = &mut self.snapshot.symbols;
        let mut of = |sym: Sym| symbols.intern(more.symbols.text(sym));
        for fact in more.desired.iter().chain(&more.observed) {
            let [target, holder, object] = [fact.target, fact.holder, fact.object].map(&mut of);
            let [identity, replaces] = [fact.identity, fact.replaces].map(&mut of);
            self.names.add(&Fact { identity, replaces, ..Fact::new(fact.subject, target, holder, object) });
        }
    }

    /// What comes out of the pages is not what went in.
    #[must_use]
    pub fn damaged(&self, problem: String) -> DiscoverError {
        DiscoverError::Spool { path: self.spool.clone(), source: io::Error::new(io::ErrorKind::InvalidData, problem) }
    }

    /// All of it in memory, as one snapshot.
    ///
    /// # Errors
    /// When a page cannot be read, or a source contradicts itself.
    pub fn whole(&self) -> Result<Snapshot, DiscoverError> {
        let scans = self.snapshot.scans.clone();
        Ok(Snapshot { scans, ..recall_as(&self.spool, &self.snapshot.scans, &self.places)? })
    }
}
