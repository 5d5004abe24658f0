//! The budget of what ends by its own expiry: a clock that jumps must not empty an estate. Counts over a whole plan, part by
//! part, so that batches, threads and parts do not matter. What an operator denied is not counted: a person called for it.

use std::collections::{BTreeMap, HashMap};

use super::decision::{Cause, Decision};
use crate::correlate::Cases;
use crate::limits::{EXPIRY_PERCENT, EXPIRY_ROWS};
use crate::model::Sym;

/// What ends by itself in a plan, and what is held, by target.
#[derive(Clone, Debug, Default)]
pub struct Ends(BTreeMap<String, Ending>);

#[derive(Clone, Copy, Debug, Default)]
struct Ending {
    ends: u64,
    held: u64,
}

impl Ends {
    /// Counts the cases that are decided here, and what was decided of them.
    pub fn count(&mut self, cases: &Cases, decisions: &[Decision]) {
        let mut found: HashMap<Sym, Ending> = HashMap::new();
        for (_, case) in cases.here().filter(|(_, case)| case.is_observed()) {
            found.entry(cases.native(case).map_or(Sym::EMPTY, |fact| fact.target)).or_default().held += 1;
        }
        for decision in decisions.iter().filter(|decision| decision.cause == Cause::Expiry) {
            found.entry(target(cases, decision)).or_default().ends += 1;
        }
        for (target, found) in found {
            let sum = self.0.entry(cases.snapshot.symbols.text(target).to_owned()).or_default();
            *sum = Ending { ends: sum.ends + found.ends, held: sum.held + found.held };
        }
    }

    /// So much is held in a target in all, whether it was counted or not.
    pub fn among(&mut self, target: &str, held: u64) {
        let sum = self.0.entry(target.to_owned()).or_default();
        sum.held = sum.held.max(held);
    }

    /// The targets of which more ends than a sound clock would end, after `spent` by earlier plans of the run; with how much
    /// of this plan ends there: all of that waits.
    #[must_use]
    pub fn too_many(&self, spent: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
        let mut waiting = BTreeMap::new();
        for (target, Ending { ends, held }) in self.0.iter().filter(|(_, ending)| ending.ends > 0) {
            let all = ends + spent.get(target).copied().unwrap_or_default();
            if all > EXPIRY_ROWS && all * 100 > held * EXPIRY_PERCENT {
                waiting.insert(target.clone(), *ends);
            }
        }
        waiting
    }
}

/// Puts a gate before all ends of these targets.
pub fn gate(cases: &Cases, waiting: &BTreeMap<String, u64>, decisions: &mut [Decision]) {
    if waiting.is_empty() {
        return;
    }
    for decision in decisions.iter_mut().filter(|decision| decision.cause == Cause::Expiry) {
        decision.gates.budget = waiting.contains_key(cases.snapshot.symbols.text(target(cases, decision)));
    }
}

fn target(cases: &Cases, decision: &Decision) -> Sym {
    let case = cases.cases.get(decision.case as usize);
    case.and_then(|case| cases.native(case)).map_or(Sym::EMPTY, |fact| fact.target)
}
