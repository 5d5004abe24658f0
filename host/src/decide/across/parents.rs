//! Entitlements that belong to another one, in the hands of one holder: the parent is given first and taken last.

use std::collections::HashMap;

use super::super::decision::Refusal;
use super::super::ground::Ground;
use super::Findings;
use super::scene::{Scene, Thing};
use crate::model::{ChangeKind, Sym};

/// Cases with those of their parents, of the same holder.
pub(super) struct Parents {
    pairs: Vec<(u32, u32)>,
}

impl Parents {
    pub(super) fn of(ground: &Ground<'_>) -> Self {
        let rows = &ground.cases.snapshot.entitlements;
        let mut pairs = Vec::new();
        if rows.iter().all(|row| row.parent.is_empty()) {
            return Parents { pairs };
        }
        for (_, identity) in ground.judged() {
            let mut cases: HashMap<(Sym, Thing), u32> = HashMap::new();
            let mut children = Vec::new();
            for (index, case) in ground.of(identity) {
                let (Some(fact), Some(thing)) = (ground.cases.native(case), ground.thing(case)) else { continue };
                let holder = ground.cases.links.holder(fact.holder);
                cases.insert((holder, thing), index);
                let row = case.entitlement.and_then(|i| rows.get(i as usize));
                if let Some(row) = row.filter(|row| !row.parent.is_empty()) {
                    children.push((index, (holder, (thing.0, ground.cases.links.object(row.parent)))));
                }
            }
            pairs.extend(children.into_iter().filter_map(|(child, parent)| Some((child, *cases.get(&parent)?))));
        }
        Parents { pairs }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    pub(super) fn look(&self, scene: &Scene<'_>, findings: &mut Findings) {
        let kind = |case: u32| scene.decision(case).map(|decision| decision.kind);
        for &(child, parent) in self.pairs.iter().filter(|(child, parent)| child != parent) {
            match (kind(child), kind(parent)) {
                (Some(ChangeKind::Grant), Some(ChangeKind::Grant)) => findings.edge(child, parent, Refusal::Blocked),
                (Some(ChangeKind::Revoke), Some(ChangeKind::Revoke)) => findings.edge(parent, child, Refusal::Blocked),
                _ => {}
            }
        }
    }
}
