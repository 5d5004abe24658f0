//! The tree of a ledger's log, for proofs. Owns reading hashes; a proof of one leaf reads the hashes of all leaves, once,
//! and none of their bytes. Tiles give the same by reading a few files.

use super::{LEAVES_PER_PAGE, NotaryError};
use crate::audit::{Frontier, Nodes};
use crate::ledger::{Ledger, Query, Rows};
use crate::model::Digest;

/// Proves over the hashes that a ledger keeps beside the leaves. They are not trusted: a proof is worth what it leads to.
pub struct LedgerNodes<'l> {
    ledger: &'l dyn Ledger,
    tenant: &'l str,
}

impl<'l> LedgerNodes<'l> {
    /// Of this tenant's log.
    #[must_use]
    pub fn new(ledger: &'l dyn Ledger, tenant: &'l str) -> Self {
        LedgerNodes { ledger, tenant }
    }

    /// Hashes of leaves from an index on, exactly so many.
    pub(super) fn hashes(&self, from: u64, count: u64) -> Result<Vec<Digest>, NotaryError> {
        let mut all: Vec<Digest> = Vec::new();
        while (all.len() as u64) < count {
            let next = from + all.len() as u64;
            let most = (count - all.len() as u64).min(u64::from(LEAVES_PER_PAGE)) as u32;
            let Rows::LeafHashes(page) = self.ledger.read(self.tenant, &Query::LeafHashes(next, most))? else { break };
            if page.is_empty() {
                return Err(NotaryError::Beyond { size: next, wanted: next });
            }
            all.extend(page);
        }
        Ok(all)
    }
}

impl Nodes for LedgerNodes<'_> {
    type Error = NotaryError;

    fn node(&self, level: u32, index: u64) -> Result<Digest, NotaryError> {
        let (mut at, end) = (index << level, (index + 1) << level);
        let mut frontier = Frontier::default();
        while at < end {
            let page = self.hashes(at, (end - at).min(u64::from(LEAVES_PER_PAGE)))?;
            page.iter().for_each(|hash| frontier.append(*hash));
            at += page.len() as u64;
        }
        Ok(frontier.root())
    }
}
