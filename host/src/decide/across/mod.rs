//! What must hold of many cases at once, across identities: the catalogue's facts and `replaces` become refusals, and edges
//! between changes. Counts over a whole plan, so that batches and threads do not matter.

mod cycle;
mod exclusion;
mod holders;
mod parents;
mod scene;
mod successors;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::decision::{Decided, Decision, Edge, Held, Refusal};
use super::derive::Effect;
use super::ground::Ground;
use crate::model::ChangeKind;
use exclusion::Exclusion;
use holders::Holders;
use parents::Parents;
use scene::Scene;
use successors::Successors;

/// What one look at all decisions found.
#[derive(Default)]
struct Findings {
    edges: Vec<Edge>,
    refused: BTreeMap<u32, Refusal>,
    /// Nothing can be ordered: what would have to wait is refused.
    unordered: bool,
}

impl Findings {
    /// One has to wait for the other, or is refused for this.
    fn edge(&mut self, later: u32, earlier: u32, otherwise: Refusal) {
        if self.unordered {
            self.refuse(later, otherwise);
        } else {
            self.edges.push(Edge { later, earlier });
        }
    }

    /// Of several refusals of one case the first in the order of refusals is told.
    fn refuse(&mut self, case: u32, refusal: Refusal) {
        let told = self.refused.entry(case).or_insert(refusal);
        *told = refusal.min(*told);
    }
}

/// What the facts of a run demand.
struct Constraints {
    holders: Holders,
    exclusion: Exclusion,
    successors: Successors,
    parents: Parents,
}

impl Constraints {
    /// None where the facts demand nothing.
    fn of(ground: &Ground<'_>) -> Option<Self> {
        let (holders, exclusion) = (Holders::of(ground), Exclusion::of(ground));
        let (successors, parents) = (Successors::of(ground), Parents::of(ground));
        let idle = holders.is_empty() && exclusion.is_empty() && successors.is_empty() && parents.is_empty();
        (!idle).then_some(Constraints { holders, exclusion, successors, parents })
    }

    fn look(&self, ground: &Ground<'_>, decisions: &[Decision], mut findings: Findings) -> Findings {
        let scene = Scene { ground, decisions };
        self.holders.look(&scene, &mut findings);
        self.exclusion.look(&scene, &mut findings);
        self.successors.look(&scene, &mut findings);
        if !findings.unordered {
            self.parents.look(&scene, &mut findings);
        }
        findings.edges.sort_unstable();
        findings.edges.dedup();
        findings
    }
}

/// Refuses what the facts forbid, and orders what they allow in one order only. Looks again after each refusal, because
/// what is refused is no longer there for others to rely on; it ends because each look refuses something.
pub(super) fn settle(ground: &Ground<'_>, decided: &mut Decided) {
    let Some(constraints) = Constraints::of(ground) else { return };
    loop {
        let mut findings = constraints.look(ground, &decided.decisions, Findings::default());
        if findings.refused.is_empty() {
            cycle::refuse(&decided.decisions, &mut findings);
        }
        if findings.refused.is_empty() {
            decided.edges = findings.edges;
            return;
        }
        hold(decided, findings.refused);
    }
}

/// What the facts forbid of decisions that nobody orders: by case.
pub(super) fn forbidden(ground: &Ground<'_>, mut decisions: Vec<Decision>) -> BTreeMap<u32, Refusal> {
    let mut all = BTreeMap::new();
    let Some(constraints) = Constraints::of(ground) else { return all };
    decisions.sort_unstable_by_key(|decision| decision.case);
    loop {
        let findings = constraints.look(ground, &decisions, Findings { unordered: true, ..Findings::default() });
        if findings.refused.is_empty() {
            return all;
        }
        decisions.retain(|decision| !findings.refused.contains_key(&decision.case));
        all.extend(findings.refused);
    }
}

/// Holds what is refused, and what the rule wants after it.
fn hold(decided: &mut Decided, mut refused: BTreeMap<u32, Refusal>) {
    loop {
        let waits = |d: &&Decision| !refused.contains_key(&d.case) && d.after.is_some_and(|after| refused.contains_key(&after));
        let blocked: Vec<u32> = decided.decisions.iter().filter(waits).map(|decision| decision.case).collect();
        if blocked.is_empty() {
            break;
        }
        refused.extend(blocked.into_iter().map(|case| (case, Refusal::Blocked)));
    }
    let mut held = Vec::with_capacity(refused.len());
    decided.decisions.retain(|decision| match refused.get(&decision.case) {
        Some(&refusal) => {
            let effect = Some(effect(decision.kind));
            held.push(Held { case: decision.case, effect, reason: decision.reason, refusal: Some(refusal) });
            false
        }
        None => true,
    });
    decided.held.append(&mut held);
    decided.held.sort_by_key(|held| held.case);
}

/// What was asked for, as far as the change tells.
const fn effect(kind: ChangeKind) -> Effect {
    match kind {
        ChangeKind::Grant | ChangeKind::Create | ChangeKind::Issue => Effect::Present,
        ChangeKind::Revoke | ChangeKind::Delete => Effect::Absent,
        ChangeKind::Disable => Effect::Disabled,
        ChangeKind::Rotate => Effect::Replace,
        ChangeKind::Update | ChangeKind::Extend | ChangeKind::Shorten | ChangeKind::Enable | ChangeKind::Reown => Effect::TrueUp,
    }
}
