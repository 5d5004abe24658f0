//! The ledger of a simulation: atomic batches in order, and what a new owner finds. Keeps what was acknowledged, whatever
//! happens to the process.

use std::collections::BTreeMap;

use trueup::commit::{Event, plain_key};
use trueup::correlate::Recorded;
use trueup::ledger::{Batch, Entry, Stage};
use trueup::model::{CaseKey, ChangeId, Denial, KeyHash, PlanId, StateHash};

/// What is durable.
#[derive(Default)]
pub struct Disk {
    /// The newest owner's epoch.
    pub epoch: u64,
    /// Events of all plans, in the order of being recorded.
    pub events: Vec<(PlanId, ChangeId, Event)>,
    heads: BTreeMap<KeyHash, Recorded>,
    denials: BTreeMap<(String, String, String), Denial>,
    /// The checkpoint.
    pub slice: u64,
    /// Whether a run was recorded as committing.
    pub committing: bool,
    /// Leaves of the audit log so far.
    pub leaves: u64,
}

impl Disk {
    /// Takes a batch as a whole.
    pub fn apply(&mut self, batch: &Batch) {
        self.leaves += batch.leaves.len() as u64;
        for entry in &batch.entries {
            match entry {
                Entry::Change { plan, change, event } => self.events.push((*plan, *change, event.clone())),
                Entry::Head(head) => drop(self.heads.insert(head.key, *head)),
                Entry::Denied(denial) => self.deny(denial.clone()),
                Entry::Run(row) => (self.slice, self.committing) = (row.slice, row.stage == Stage::Committing),
                _ => {}
            }
        }
    }

    /// Keeps a denial.
    pub fn deny(&mut self, denial: Denial) {
        self.denials.insert((denial.target.clone(), denial.holder.clone(), denial.object.clone()), denial);
    }

    /// All denials.
    #[must_use]
    pub fn denials(&self) -> Vec<Denial> {
        self.denials.values().cloned().collect()
    }

    /// The events of one plan.
    #[must_use]
    pub fn of_plan(&self, plan: PlanId) -> Vec<(ChangeId, Event)> {
        self.events.iter().filter(|(of, ..)| *of == plan).map(|(_, change, event)| (*change, event.clone())).collect()
    }

    /// What is recorded of a case.
    #[must_use]
    pub fn recorded(&self, key: &CaseKey) -> Recorded {
        let hash = plain_key(key);
        self.heads.get(&hash).copied().unwrap_or_else(|| Recorded::new(hash, StateHash::ABSENT, 1))
    }
}
