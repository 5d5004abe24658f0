//! V35: the targets' own journals joined with the ledger. Each mutation that a change made is matched with one leaf that tells
//! of an intent: of this change, this case and this state. No leaf is matched twice, unless the network delivered twice.

use trueup::audit::{Statement, canonical};
use trueup::ledger::{Batch, Leaf};
use trueup::model::CaseKey;

use super::{Oracle, Who, short};
use crate::sim::target::{By, Landed};

/// What a durable leaf tells of an intent, with the states behind its commitments.
pub(super) struct Told {
    attempt: u32,
    case: CaseKey,
    after: String,
    /// A mutation was matched with it.
    joined: bool,
}

impl Told {
    fn of(leaf: &Leaf) -> Option<(trueup::model::PlanId, trueup::model::ChangeId, Told)> {
        let Statement::Intent { change, plan, attempt, case, .. } = &leaf.says else { return None };
        let after = leaf.bodies.iter().find(|body| body.field == "after")?.state.clone()?;
        Some((*plan, *change, Told { attempt: *attempt, case: case.clone(), after, joined: false }))
    }
}

impl Oracle {
    /// Leaves became durable.
    pub(super) fn hear(&mut self, batch: &Batch) {
        for (plan, change, told) in batch.leaves.iter().filter_map(Told::of) {
            self.told.entry((plan != self.plan, change)).or_default().push(told);
        }
    }

    /// A mutation took effect: one leaf says so, and no other mutation is behind it.
    pub(super) fn joins(&mut self, landed: &Landed) {
        let who: Who = match landed.by {
            By::Change(id, emergency) => (emergency, id),
            // What was issued is taken back: the intent to issue it is behind both.
            By::Undo(id) => {
                let told = self.told.get(&(false, id)).is_some_and(|told| told.iter().any(|told| told.joined));
                return self.check(told, "V35", landed.tick, || format!("{} was taken back, and never made", id.0.short()));
            }
            By::Collateral(..) | By::Foreign => return,
        };
        let state = canonical(&landed.after).unwrap_or_default();
        // An emergency takes away whatever is held: what somebody else edits after the intent is left as it is found.
        let taken = who.0 && landed.after.as_ref().is_none_or(|holding| !holding.enabled);
        let told = self.told.get_mut(&who).map(Vec::as_mut_slice).unwrap_or_default();
        let fits = |told: &Told| told.case == landed.key && (told.after == state || taken);
        let free = told.iter_mut().find(|told| !told.joined && fits(told));
        if let Some(told) = free {
            told.joined = true;
            self.joined += 1;
            return;
        }
        // A request that the network delivers twice takes effect twice where somebody edits in between.
        if let Some(more) = self.delivered_twice.get_mut(&who).filter(|more| **more > 0)
            && told.iter().any(fits)
        {
            *more -= 1;
            self.joined += 1;
            return;
        }
        let told = told.iter().map(|told| format!("attempt {} to {}, joined: {}", told.attempt, told.after, told.joined));
        let (told, change) = (told.collect::<Vec<_>>(), short(who));
        self.breaks("V35", landed.tick, format!("{change} made {} to be {state}; no leaf tells of it: {told:?}", landed.key));
    }

    /// The network delivers a request of a change twice.
    pub fn delivered_twice(&mut self, who: Who) {
        *self.delivered_twice.entry(who).or_default() += 1;
    }
}
