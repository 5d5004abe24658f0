//! Which scopes a finished plan adopts. Works from the plan alone, so that a run that resumes needs no cases.

use std::collections::BTreeMap;

use super::PlanError;
use super::sealed::Header;
use crate::ledger::Adoption;
use crate::model::{Change, ChangeId, GateKind, Time};

/// Adoptions to record when a plan is finished. A scope is adopted when each of its adoption gates was opened, or when it
/// has none because the plan takes nothing away there, and it was seen as a whole: a scope that nobody could look at
/// would otherwise be adopted blindly.
///
/// # Errors
/// When the changes cannot be read.
pub fn adopted_by(
    header: &Header,
    changes: impl Iterator<Item = Result<Change, PlanError>>,
    is_open: impl Fn(&ChangeId) -> bool,
    at: Time,
) -> Result<Vec<Adoption>, PlanError> {
    let mut all_open: BTreeMap<String, bool> = BTreeMap::new();
    if !header.adopts.is_empty() {
        for change in changes {
            let change = change?;
            for gate in change.gates.into_iter().filter(|gate| gate.kind == GateKind::Adoption) {
                *all_open.entry(gate.scope).or_insert(true) &= is_open(&change.id);
            }
        }
    }
    let adopted = header.adopts.iter().filter(|scope| all_open.get(&scope.scope).copied().unwrap_or(scope.whole));
    let module = header.inputs.rule_module;
    Ok(adopted.map(|scope| Adoption { scope: scope.scope.clone(), mode: scope.mode, module, at }).collect())
}
