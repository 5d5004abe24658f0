//! Reading a log as events, page by page, with what later leaves leave out. Owns the order and what is in memory; delivers nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::about::named;
use super::envelope::parsed;
use super::{Changes, Cursor, Directory, Event, ExportError, Form};
use crate::audit::LogEntry;
use crate::ledger::{Ledger, Query, Rows, StoredLeaf};
use crate::limits::{EXPORT_LOOK_BACK_LEAVES, EXPORT_PAGE_LEAVES};
use crate::model::{ChangeId, PlanId};

/// The events of a page, and where the next one begins.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Delivery {
    /// In the order of the log.
    pub events: Vec<Event>,
    /// After this page.
    pub cursor: Cursor,
}

/// A ledger that is lent to whoever reads it, and may be asked back: whoever holds nothing else of an engine must not keep its store
/// open.
#[derive(Clone)]
pub(crate) struct Lent(Arc<Mutex<Option<Arc<dyn Ledger>>>>);

impl Lent {
    pub(crate) fn new(ledger: Arc<dyn Ledger>) -> Self {
        Lent(Arc::new(Mutex::new(Some(ledger))))
    }

    /// Takes it back, once nobody reads.
    pub(super) fn take_back(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    pub(super) fn with<T>(&self, read: impl FnOnce(&dyn Ledger) -> Result<T, ExportError>) -> Result<T, ExportError> {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(ledger) => read(&**ledger),
            None => Err(ExportError::Stopped),
        }
    }
}

/// Reads the log of a tenant as events.
pub struct Reader {
    ledger: Lent,
    tenant: String,
    origin: String,
    changes: Arc<dyn Changes>,
    directory: Directory,
    /// Whether what lies before the first page was looked at.
    looked_back: bool,
}

impl Reader {
    /// Of this tenant's log, which events name by `origin`. `changes` is asked where neither the page nor what lies shortly before it
    /// tells of a change.
    #[must_use]
    pub fn new(ledger: Arc<dyn Ledger>, tenant: &str, origin: &str, changes: Arc<dyn Changes>) -> Self {
        Self::over(Lent::new(ledger), tenant, origin, changes)
    }

    pub(super) fn over(ledger: Lent, tenant: &str, origin: &str, changes: Arc<dyn Changes>) -> Self {
        let (tenant, origin) = (tenant.to_owned(), origin.to_owned());
        Reader { ledger, tenant, origin, changes, directory: Directory::default(), looked_back: false }
    }

    /// The next page: leaves from the cursor on, as events of a form. None when there is no further leaf.
    ///
    /// # Errors
    /// When the ledger cannot be read, or a leaf is none.
    pub fn page(&mut self, cursor: &Cursor, form: &Form, most: u32) -> Result<Option<Delivery>, ExportError> {
        let mut leaves = self.leaves(cursor.next, most.min(EXPORT_PAGE_LEAVES))?;
        let (Some(first), Some(last)) = (leaves.first(), leaves.last()) else { return Ok(None) };
        let pruned = leaves.iter().filter(|leaf| leaf.is_pruned()).count() as u64;
        let next = Cursor {
            next: last.index + 1,
            last: last.hash,
            missed: cursor.missed + first.index.saturating_sub(cursor.next) + pruned,
            problem: None,
        };
        let first = first.index;
        leaves.retain(|leaf| !leaf.is_pruned());
        let entries = leaves.iter().map(parsed).collect::<Result<Vec<_>, _>>()?;
        entries.iter().for_each(|entry| self.directory.learn(entry));
        self.complete(&entries, first)?;
        let mut events = Vec::new();
        for (leaf, entry) in leaves.iter().zip(&entries) {
            let about = named(&entry.says).and_then(|(_, change)| self.directory.get(change));
            events.extend(form.event(&self.origin, leaf, about)?);
        }
        Ok(Some(Delivery { events, cursor: next }))
    }

    /// What is remembered of a change.
    #[cfg(test)]
    pub(super) fn about(&self, change: ChangeId) -> Option<super::About> {
        self.directory.get(change).cloned()
    }

    /// Whether the log goes on from a cursor.
    pub(super) fn fits(&self, cursor: &Cursor) -> Result<bool, ExportError> {
        self.ledger.with(|ledger| cursor.fits(ledger, &self.tenant))
    }

    /// Leaves that are there from an index on.
    pub(super) fn left(&self, next: u64) -> Result<u64, ExportError> {
        match self.ledger.with(|ledger| Ok(ledger.read(&self.tenant, &Query::LogHead)?))? {
            Rows::LogHead(head) => Ok(head.size.saturating_sub(next)),
            _ => Ok(0),
        }
    }

    fn leaves(&self, from: u64, most: u32) -> Result<Vec<StoredLeaf>, ExportError> {
        match self.ledger.with(|ledger| Ok(ledger.read(&self.tenant, &Query::Leaves(from, most))?))? {
            Rows::Leaves(leaves) => Ok(leaves),
            _ => Ok(Vec::new()),
        }
    }

    /// Looks up what these leaves name and do not tell.
    fn complete(&mut self, entries: &[LogEntry], first: u64) -> Result<(), ExportError> {
        let unknown = |directory: &Directory| {
            let mut unknown: BTreeMap<PlanId, BTreeSet<ChangeId>> = BTreeMap::new();
            for (plan, change) in entries.iter().filter_map(|entry| named(&entry.says)) {
                if directory.get(change).is_none() {
                    unknown.entry(plan).or_default().insert(change);
                }
            }
            unknown
        };
        if unknown(&self.directory).is_empty() {
            return Ok(());
        }
        if !self.looked_back {
            self.look_back(first)?;
        }
        for (plan, wanted) in unknown(&self.directory) {
            self.changes.look_up(plan, &wanted, &mut |change, about| self.directory.add(change, about));
        }
        Ok(())
    }

    /// Reads the intents before the first page: of changes that were under way when the last process ended.
    fn look_back(&mut self, first: u64) -> Result<(), ExportError> {
        self.looked_back = true;
        let mut from = first.saturating_sub(EXPORT_LOOK_BACK_LEAVES);
        while from < first {
            let most = u32::try_from(first - from).unwrap_or(u32::MAX).min(EXPORT_PAGE_LEAVES);
            let leaves = self.leaves(from, most)?;
            let Some(last) = leaves.last() else { break };
            from = last.index + 1;
            for leaf in leaves.iter().filter(|leaf| !leaf.is_pruned()) {
                self.directory.learn(&parsed(leaf)?);
            }
        }
        Ok(())
    }
}
