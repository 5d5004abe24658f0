//! The budget of what ends by its own expiry: a clock that jumps must not empty an estate. Counts over a whole plan, so that
//! batches and threads do not matter. What an operator denied is not counted: a person called for it.

use std::collections::{BTreeMap, HashMap};

use super::decision::{Cause, Decision};
use crate::correlate::Cases;
use crate::limits::{EXPIRY_PERCENT, EXPIRY_ROWS};
use crate::model::Sym;

/// Puts a gate before all ends of a target when there are more than a sound clock would make.
pub(super) fn gate(cases: &Cases, spent: &BTreeMap<String, u64>, decisions: &mut [Decision]) {
    let target =
        |decision: &Decision| cases.cases.get(decision.case as usize).and_then(|case| cases.native(case)).map(|f| f.target);
    let mut ends: HashMap<Sym, u64> = HashMap::new();
    for decision in decisions.iter().filter(|decision| decision.cause == Cause::Expiry) {
        *ends.entry(target(decision).unwrap_or_default()).or_default() += 1;
    }
    for (target, ends) in &mut ends {
        *ends += spent.get(cases.snapshot.symbols.text(*target)).copied().unwrap_or_default();
    }
    ends.retain(|_, ends| *ends > EXPIRY_ROWS);
    if ends.is_empty() {
        return;
    }
    let mut held: HashMap<Sym, u64> = HashMap::new();
    for case in cases.cases.iter().filter(|case| case.is_observed()) {
        *held.entry(cases.native(case).map_or(Sym::EMPTY, |fact| fact.target)).or_default() += 1;
    }
    ends.retain(|target, ends| *ends * 100 > held.get(target).copied().unwrap_or_default() * EXPIRY_PERCENT);
    for decision in decisions.iter_mut().filter(|decision| decision.cause == Cause::Expiry) {
        decision.gates.budget = target(decision).is_some_and(|target| ends.contains_key(&target));
    }
}
