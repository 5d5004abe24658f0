//! What becomes durable about changes: events, recorded heads, the checkpoint, and the leaf that the audit log keeps of each.
//! The one place that records an event, so that none bypasses `next`. Knows no target, and submits nothing itself.

use std::collections::BTreeMap;

use super::item::Item;
use super::outcomes::Told;
use super::{CommitError, Event, Outcome, Status, next};
use crate::audit::Salts;
use crate::correlate::Recorded;
use crate::ledger::{Batch, Entry, Leaf, LedgerError, RunRow};
use crate::model::{Denial, PlanId, State, Time};

/// Events on their way to the ledger.
pub(super) struct Journal<'a> {
    plan: PlanId,
    run: RunRow,
    salts: &'a mut Salts,
    pending: Batch,
    /// Counts batches, from one.
    number: u64,
    /// Intents in the pending batch.
    intents: usize,
    /// What was recorded so far.
    told: BTreeMap<Told, u64>,
}

impl<'a> Journal<'a> {
    pub(super) fn new(plan: PlanId, run: RunRow, salts: &'a mut Salts) -> Self {
        Journal { plan, run, salts, pending: Batch::default(), number: 1, intents: 0, told: BTreeMap::new() }
    }

    /// Number of the batch that is being filled.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    pub(super) const fn intents(&self) -> usize {
        self.intents
    }

    /// What was recorded, by kind.
    pub(super) fn told(&mut self) -> BTreeMap<Told, u64> {
        std::mem::take(&mut self.told)
    }

    pub(super) const fn as_of(&self) -> Time {
        self.run.as_of
    }

    /// Records an event of a change; it is durable with the pending batch. `found` is the state that was read, if the event
    /// rests on one.
    pub(super) fn record(&mut self, item: &mut Item, event: Event, found: Option<&State>) -> Result<(), CommitError> {
        let (change, plan, id) = (&item.change, item.plan, item.change.id);
        let status = next(&item.status, &event).map_err(|source| CommitError::Contradiction { change: id, source })?;
        let recovered = settled_by_reading(&item.status, &event);
        let salts = &mut *self.salts;
        let leaf = Leaf::event(self.run.run, plan, change, &event, recovered, found, &mut || salts.salt());
        self.pending.leaves.push(leaf.map_err(LedgerError::from)?);
        *self.told.entry(Told::of(&event, change.lane)).or_default() += 1;
        self.intents += usize::from(matches!(event, Event::Intent { .. }));
        self.pending.entries.push(Entry::Change { plan, change: id, event });
        item.status = status;
        item.batch = self.number;
        Ok(())
    }

    /// Records what is now known of a confirmed case.
    pub(super) fn head(&mut self, head: Recorded) {
        self.pending.entries.push(Entry::Head(head));
    }

    /// Records a denial, or what became of it.
    pub(super) fn denial(&mut self, denial: &Denial, at: Time) {
        self.pending.leaves.push(Leaf::denial(self.run.run, at, denial));
        self.pending.entries.push(Entry::Denied(denial.clone()));
    }

    /// Records that all slices up to this one are settled, if there is anything new to say.
    pub(super) fn checkpoint(&mut self, slice: u64, at: Time) {
        if self.pending.entries.is_empty() {
            return;
        }
        self.run.slice = slice;
        self.pending.entries.push(Entry::Run(self.run.clone()));
        self.pending.leaves.push(Leaf::slice_checkpoint(self.run.run, at, self.plan, slice));
    }

    /// Takes what is to become durable next, if there is anything; later events belong to the next batch.
    pub(super) fn take(&mut self) -> Option<Batch> {
        if self.pending.entries.is_empty() {
            return None;
        }
        (self.number, self.intents) = (self.number + 1, 0);
        Some(std::mem::take(&mut self.pending))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pending.entries.is_empty()
    }
}

/// Whether an event settles by reading what no answer did.
fn settled_by_reading(status: &Status, event: &Event) -> bool {
    let Event::Outcome { outcome, .. } = event else { return false };
    matches!(status, Status::Ambiguous { .. } | Status::Intent { doubt: true, .. })
        && matches!(outcome, Outcome::Observed | Outcome::Stale { .. } | Outcome::NotApplied)
}
