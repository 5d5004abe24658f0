//! What must be open before a change may be sent: its gates, the changes that come before it, and its namespaces. Owns no
//! time and no target; decides nothing about how a change ends.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::ledger::Opening;
use crate::model::{Change, ChangeId, Digest, Gate, GateKind, Lane, Namespace, Wave};

/// The gates that somebody opened.
#[derive(Debug, Default)]
pub(super) struct Openings(BTreeSet<(ChangeId, GateKind)>);

impl Openings {
    pub(super) fn new(openings: &[Opening]) -> Self {
        Openings(openings.iter().map(|opening| (opening.change, opening.gate)).collect())
    }

    /// The first gate of a change that nobody opened.
    pub(super) fn closed<'c>(&self, change: &'c Change) -> Option<&'c Gate> {
        change.gates.iter().find(|gate| !self.0.contains(&(change.id, gate.kind)))
    }
}

/// Where a change stands in the order of its component.
pub(super) type Place = (Wave, u16);

/// What stands in the way of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// This change ended unconfirmed: what waits for it ends too.
    Ended(ChangeId),
    /// This change is still open: what waits for it stays open.
    Open(ChangeId),
}

/// The lowest changes of a component that did not get confirmed: they block the most. They need not be left behind in the
/// order of the plan: what an earlier run ended is left at once.
#[derive(Debug, Default)]
struct Component {
    ended: Option<(Place, ChangeId)>,
    open: Option<(Place, ChangeId)>,
}

/// Everything unconfirmed so far, and nothing of what was confirmed: its size follows what went wrong or waits, not the
/// plan.
#[derive(Debug, Default)]
pub(super) struct Barrier {
    components: BTreeMap<u64, Component>,
    /// Prefixes of ids: two that meet would block one change too many, never one too few.
    ended: HashSet<u64>,
    open: HashSet<u64>,
    /// Namespaces with a mutation of unknown effect.
    unsettled: BTreeMap<Namespace, (ChangeId, Lane)>,
}

impl Barrier {
    /// A change is left behind unconfirmed.
    pub(super) fn leave(&mut self, change: &Change, component: u64, ended: bool) {
        let component = self.components.entry(component).or_default();
        let first = if ended { &mut component.ended } else { &mut component.open };
        if first.is_none_or(|(at, _)| place(change) < at) {
            *first = Some((place(change), change.id));
        }
        let ids = if ended { &mut self.ended } else { &mut self.open };
        ids.insert(change.id.0.prefix());
    }

    /// A change may be on its way: until that is settled nothing else touches its namespaces (V10).
    pub(super) fn unsettled(&mut self, change: &Change, spaces: &[Namespace]) {
        for namespace in spaces {
            self.unsettled.entry(namespace.clone()).or_insert((change.id, change.lane));
        }
    }

    /// What a change has to wait for, if anything: within its component every earlier wave and step must be confirmed
    /// (V14); elsewhere only what it depends on.
    pub(super) fn before(&self, change: &Change, component: u64, spaces: &[Namespace]) -> Option<Before> {
        let earlier = |first: &Option<(Place, ChangeId)>| first.filter(|(at, _)| *at < place(change)).map(|(_, id)| id);
        let needs = |ids: &HashSet<u64>| change.depends.iter().find(|id| ids.contains(&id.0.prefix())).copied();
        let component = self.components.get(&component);
        if let Some(id) = component.and_then(|c| earlier(&c.ended)).or_else(|| needs(&self.ended)) {
            return Some(Before::Ended(id));
        }
        if let Some(id) = component.and_then(|c| earlier(&c.open)).or_else(|| needs(&self.open)) {
            return Some(Before::Open(id));
        }
        if self.unsettled.is_empty() {
            return None;
        }
        let other = spaces.iter().find_map(|n| self.unsettled.get(n).copied());
        other.filter(|other| *other != (change.id, change.lane)).map(|(id, _)| Before::Open(id))
    }
}

pub(super) fn place(change: &Change) -> Place {
    (change.wave, change.step)
}

pub(super) fn component(change: &Change) -> u64 {
    Digest::of(change.component.as_bytes()).prefix()
}
