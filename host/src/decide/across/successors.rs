//! Keys that take the place of others, by `replaces` on desired rows of whatever identity: the old one goes after the last
//! of them works, and stays while one is missing (V13).

use std::collections::HashMap;

use super::super::decision::{Cause, Decision, Refusal};
use super::super::ground::Ground;
use super::Findings;
use super::scene::{Scene, Thing};
use crate::model::{ChangeKind, Fact, Subject, Sym};

/// The old keys that somebody holds, each with the cases of those that take its place.
pub(super) struct Successors {
    keys: Vec<(u32, Vec<u32>)>,
}

impl Successors {
    pub(super) fn of(ground: &Ground<'_>) -> Self {
        if !ground.cases.snapshot.desired.iter().any(|fact| is_key(fact) && !fact.replaces.is_empty()) {
            return Successors { keys: Vec::new() };
        }
        let mut by_old: HashMap<Thing, Vec<u32>> = HashMap::new();
        let mut held: Vec<(u32, Thing)> = Vec::new();
        for (index, case) in ground.cases.here() {
            let Some(thing) = ground.cases.native(case).filter(|fact| is_key(fact)).and_then(|_| ground.thing(case)) else {
                continue;
            };
            if case.is_observed() {
                held.push((index, thing));
            }
            let replaces = ground.desired(case).filter(|_| case.is_desired()).map_or(Sym::EMPTY, |fact| fact.replaces);
            if !replaces.is_empty() {
                by_old.entry((thing.0, ground.cases.links.object(replaces))).or_default().push(index);
            }
        }
        Successors { keys: held.into_iter().filter_map(|(index, thing)| Some((index, by_old.get(&thing)?.clone()))).collect() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(super) fn look(&self, scene: &Scene<'_>, findings: &mut Findings) {
        // What has ended or was denied goes at once: that is no rotation.
        let goes = |d: &&Decision| d.kind.removes() && matches!(d.cause, Cause::Routine | Cause::Exclusive);
        for (old, new) in &self.keys {
            if scene.decision(*old).filter(goes).is_none() {
                continue;
            }
            for &new in new {
                let works = scene.ground.case(new).is_some_and(|case| scene.ground.works(case));
                match scene.decision(new).map(|decision| decision.kind) {
                    Some(ChangeKind::Issue | ChangeKind::Enable) => findings.edge(*old, new, Refusal::Unreplaced),
                    Some(kind) if kind.removes() => findings.refuse(*old, Refusal::Unreplaced),
                    _ if works => {}
                    _ => findings.refuse(*old, Refusal::Unreplaced),
                }
            }
        }
    }
}

fn is_key(fact: &Fact) -> bool {
    fact.subject == Subject::Credential
}
