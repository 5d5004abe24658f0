//! What becomes durable about changes: events, recorded heads, the checkpoint, and the leaf that the audit log keeps of each.
//! The one place that records an event, so that none bypasses `next`. Knows no target.

use super::driver::Item;
use super::{CommitError, Event, Outcome, Status, next};
use crate::audit::Salts;
use crate::correlate::Recorded;
use crate::ledger::{Batch, Entry, Leaf, Ledger, LedgerError, Owned, RunRow, Settled};
use crate::model::{PlanId, State, Time};

/// Events on their way to the ledger.
pub(super) struct Journal<'a> {
    pub(super) ledger: &'a dyn Ledger,
    pub(super) owned: &'a Owned,
    pub(super) plan: PlanId,
    pub(super) run: RunRow,
    pub(super) salts: &'a mut Salts,
    pub(super) pending: Batch,
}

impl Journal<'_> {
    /// Records an event of a change; it is durable after the next [`Journal::flush`]. `found` is the state that was read, if
    /// the event rests on one.
    pub(super) fn record(&mut self, item: &mut Item, event: Event, found: Option<&State>) -> Result<(), CommitError> {
        let (change, plan, id) = (&item.change, self.plan, item.change.id);
        let status = next(&item.status, &event).map_err(|source| CommitError::Contradiction { change: id, source })?;
        let recovered = settled_by_reading(&item.status, &event);
        let salts = &mut *self.salts;
        let leaf = Leaf::event(self.run.run, plan, change, &event, recovered, found, &mut || salts.salt());
        let leaf = leaf.map_err(LedgerError::from)?;
        self.pending.leaves.push(leaf);
        self.pending.entries.push(Entry::Change { plan, change: id, event });
        item.status = status;
        Ok(())
    }

    /// Records what is now known of a confirmed case.
    pub(super) fn head(&mut self, head: Recorded) {
        self.pending.entries.push(Entry::Head(head));
    }

    /// Records that all slices before this one are settled, if there is anything new to say.
    pub(super) fn checkpoint(&mut self, slice: u64, at: Time) {
        if self.pending.entries.is_empty() {
            return;
        }
        self.run.slice = slice;
        self.pending.entries.push(Entry::Run(self.run.clone()));
        self.pending.leaves.push(Leaf::slice_checkpoint(self.run.run, at, self.plan, slice));
    }

    /// Makes everything recorded so far durable, in one batch.
    pub(super) fn flush(&mut self) -> Result<(), CommitError> {
        if self.pending.entries.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.pending);
        let ticket = self.ledger.submit(self.owned, batch)?;
        match self.ledger.wait(ticket)? {
            Settled::Committed(_) => Ok(()),
            Settled::Fenced => Err(CommitError::Fenced),
            Settled::Unknown(id) if self.ledger.resolve(self.owned, id)? => Ok(()),
            Settled::Unknown(_) => Err(CommitError::NotDurable),
        }
    }
}

/// Whether an event settles by reading what no answer did.
fn settled_by_reading(status: &Status, event: &Event) -> bool {
    let Event::Outcome { outcome, .. } = event else { return false };
    matches!(status, Status::Ambiguous { .. } | Status::Intent { doubt: true, .. })
        && matches!(outcome, Outcome::Observed | Outcome::Stale { .. } | Outcome::NotApplied)
}
