//! A newer plan takes over once faults have stopped: what the old one never sent ends there, and what it may have sent is
//! settled by reading. Does what the engine does between two plans; makes no plan of its own.

use trueup::commit::{End, Event, Status};
use trueup::model::{Change, ChangeId, Gate, GateKind, Time};

use super::plan::{START, plan_id};
use super::world::World;

impl World<'_> {
    /// The plan is replaced.
    pub(super) fn replace(&mut self) {
        if let Some(epoch) = self.owner() {
            self.kill(epoch);
        }
        self.end_unsent();
        let open: Vec<ChangeId> = self.open().into_iter().map(|(id, _)| id).collect();
        let closed = |change: &Change| {
            // A gate that nobody opens: what turns out not to have been applied is not sent again.
            let gates = vec![Gate { kind: GateKind::Manual, scope: String::new() }];
            Change { gates, ..change.clone() }
        };
        self.estate.changes = self.estate.changes.iter().filter(|change| open.contains(&change.id)).map(closed).collect();
        self.oracle.only(&self.estate.changes);
    }

    /// What the old plan left behind is judged.
    pub(super) fn judge_replaced(&mut self) {
        self.end_unsent();
        let open = self.open();
        self.oracle.replaced(self.tick, &open);
    }

    /// Changes of the plan that are not over.
    fn open(&self) -> Vec<(ChangeId, &'static str)> {
        let open = |change: &Change| {
            let status = self.status(change.id);
            (!status.is_final()).then(|| (change.id, status.name()))
        };
        self.estate.changes.iter().filter_map(open).collect()
    }

    fn status(&self, change: ChangeId) -> Status {
        self.statuses.get(&(plan_id(), change, 0)).cloned().unwrap_or_default()
    }

    /// Whatever was never sent, or is known not to have been applied, ends.
    fn end_unsent(&mut self) {
        let at = Time::from_seconds(START + self.tick);
        for (change, status) in self.open() {
            if matches!(status, "ready" | "waiting") {
                let event = Event::Ended { end: End::Replanned, at };
                self.count_arrow((plan_id(), change, 0), &event);
                self.oracle.replanned(change, event.clone());
                self.disk.events.push((plan_id(), change, event));
            }
        }
    }
}
