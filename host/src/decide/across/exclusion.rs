//! Exclusion groups: nobody is given one of a group who holds, may hold, or is to be given another (V13). What is taken for
//! it goes first.

use super::super::decision::Refusal;
use super::super::ground::Ground;
use super::Findings;
use super::scene::{Scene, Thing};
use crate::model::{ChangeKind, Sym};

/// The groups of which an identity has two cases at least.
pub(super) struct Exclusion {
    groups: Vec<Vec<(u32, Thing)>>,
}

impl Exclusion {
    pub(super) fn of(ground: &Ground<'_>) -> Self {
        let rows = &ground.cases.snapshot.entitlements;
        let mut groups = Vec::new();
        if rows.iter().all(|row| row.exclusion.is_empty()) {
            return Exclusion { groups };
        }
        for (_, identity) in ground.judged() {
            let mut own: Vec<(Sym, Vec<(u32, Thing)>)> = Vec::new();
            for (index, case) in ground.of(identity) {
                let row = case.entitlement.and_then(|i| rows.get(i as usize)).filter(|row| !row.exclusion.is_empty());
                let (Some(row), Some(thing)) = (row, ground.thing(case)) else { continue };
                match own.iter_mut().find(|(group, _)| *group == row.exclusion) {
                    Some((_, group)) => group.push((index, thing)),
                    None => own.push((row.exclusion, vec![(index, thing)])),
                }
            }
            groups.extend(own.into_iter().map(|(_, group)| group).filter(|group| group.len() > 1));
        }
        Exclusion { groups }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    pub(super) fn look(&self, scene: &Scene<'_>, findings: &mut Findings) {
        let gives = |case: u32| {
            scene.decision(case).is_some_and(|d| matches!(d.kind, ChangeKind::Grant | ChangeKind::Issue | ChangeKind::Enable))
        };
        for group in &self.groups {
            for &(given, thing) in group.iter().filter(|(case, _)| gives(*case)) {
                for &(other, _) in group.iter().filter(|(other, another)| *other != given && *another != thing) {
                    let held = scene.ground.case(other).is_some_and(|case| scene.ground.may_be_held(case));
                    let goes = scene.decision(other).is_some_and(|decision| decision.kind == ChangeKind::Revoke);
                    if gives(other) || (held && !goes) {
                        findings.refuse(given, Refusal::Excluded);
                    } else if held {
                        findings.edge(given, other, Refusal::Excluded);
                    }
                }
            }
        }
    }
}
