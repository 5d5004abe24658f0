//! How much goes side by side: per target, tenant, entity type and policy domain. Owns the counts; order is for `lines`.

use std::collections::{BTreeMap, BTreeSet};

use super::item::Slot;
use crate::limits::FLIGHT_CHANGES;
use crate::model::{CaseKey, Change, Lane, Subject};
use crate::target::Profile;

/// Bounds on what is in flight at once. A target's own bound is in its profile.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flow {
    /// Changes of the tenant.
    pub tenant: u32,
    /// Changes of one kind of thing; what is not named has no bound of its own.
    pub subjects: BTreeMap<Subject, u32>,
    /// Changes of objects whose type (what comes before the first `:`) is this; others have no bound of their own.
    pub domains: BTreeMap<String, u32>,
    /// Whether bulk changes leave half of the tenant's places to routine ones.
    pub bulk_yields: bool,
}

impl Default for Flow {
    fn default() -> Self {
        Flow { tenant: FLIGHT_CHANGES, subjects: BTreeMap::new(), domains: BTreeMap::new(), bulk_yields: true }
    }
}

impl Flow {
    /// One change after another.
    #[must_use]
    pub fn sequential() -> Self {
        Flow { tenant: 1, ..Flow::default() }
    }
}

/// Changes that the same bounds hold back, by their lane first.
type Kind = (Lane, Subject, String, String);

/// Changes that wait for a place, kept apart by what holds them back, so that nobody is asked who still finds none.
#[derive(Debug, Default)]
pub(super) struct Queue(BTreeMap<Kind, BTreeSet<Slot>>);

impl Queue {
    /// Lines up.
    pub(super) fn enter(&mut self, change: &Change, slot: Slot) {
        let kind = (change.lane, change.key.subject, change.key.target.clone(), domain(change).to_owned());
        self.0.entry(kind).or_default().insert(slot);
    }
}

/// What is in flight.
#[derive(Debug)]
pub(super) struct Flight {
    flow: Flow,
    parallel: BTreeMap<String, u32>,
    all: u32,
    bulk: u32,
    targets: BTreeMap<String, u32>,
    subjects: BTreeMap<Subject, u32>,
    domains: BTreeMap<String, u32>,
}

impl Flight {
    pub(super) fn new(flow: Flow, profiles: &BTreeMap<String, Profile>) -> Self {
        let parallel = profiles.iter().map(|(name, profile)| (name.clone(), profile.parallel.max(1))).collect();
        let (targets, subjects, domains) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Flight { flow, parallel, all: 0, bulk: 0, targets, subjects, domains }
    }

    /// Whether there is a place for a change. An emergency always finds one.
    pub(super) fn has_room(&self, change: &Change) -> bool {
        let CaseKey { target, subject, .. } = &change.key;
        change.lane == Lane::Emergency || self.room(change.lane, *subject, target, domain(change)) > 0
    }

    /// How many places there are for such changes.
    fn room(&self, lane: Lane, subject: Subject, target: &str, domain: &str) -> u32 {
        let left = |count: Option<&u32>, bound: Option<&u32>| {
            bound.map_or(u32::MAX, |bound| bound.saturating_sub(count.copied().unwrap_or(0)))
        };
        let bulk = match lane {
            Lane::Bulk if self.flow.bulk_yields => self.flow.tenant.div_ceil(2).saturating_sub(self.bulk),
            _ => u32::MAX,
        };
        self.free()
            .min(bulk)
            .min(left(self.targets.get(target), self.parallel.get(target)))
            .min(left(self.subjects.get(&subject), self.flow.subjects.get(&subject)))
            .min(left(self.domains.get(domain), self.flow.domains.get(domain)))
    }

    /// How many places the tenant has left.
    fn free(&self) -> u32 {
        self.flow.tenant.max(1).saturating_sub(self.all)
    }

    /// A change takes off.
    pub(super) fn take_off(&mut self, change: &Change) {
        self.count(change, |count| *count += 1);
    }

    /// A change has landed.
    pub(super) fn land(&mut self, change: &Change) {
        self.count(change, |count| *count = count.saturating_sub(1));
    }

    fn count(&mut self, change: &Change, count: impl Fn(&mut u32)) {
        if change.lane == Lane::Emergency {
            return;
        }
        count(&mut self.all);
        if change.lane == Lane::Bulk {
            count(&mut self.bulk);
        }
        of(&mut self.targets, &change.key.target, &count);
        count(self.subjects.entry(change.key.subject).or_default());
        if self.flow.domains.contains_key(domain(change)) {
            of(&mut self.domains, domain(change), &count);
        }
    }

    /// Takes those who find a place now out of a queue, of the most urgent lane and longest waiting first: no more than there
    /// are places, and no more than `most`.
    pub(super) fn admit(&self, queue: &mut Queue, most: usize) -> Vec<Slot> {
        let most = most.min(self.free() as usize);
        if most == 0 || queue.0.is_empty() {
            return Vec::new();
        }
        let mut first: Vec<(Lane, Slot)> = Vec::new();
        for ((lane, subject, target, domain), slots) in &queue.0 {
            let room = most.min(self.room(*lane, *subject, target, domain) as usize);
            first.extend(slots.iter().take(room).map(|slot| (*lane, *slot)));
        }
        first.sort_unstable();
        first.truncate(most);
        for (lane, slot) in &first {
            queue.0.iter_mut().filter(|(kind, _)| kind.0 == *lane).any(|(_, slots)| slots.remove(slot));
        }
        queue.0.retain(|_, slots| !slots.is_empty());
        first.into_iter().map(|(_, slot)| slot).collect()
    }
}

fn of(counts: &mut BTreeMap<String, u32>, name: &str, count: impl Fn(&mut u32)) {
    match counts.get_mut(name) {
        Some(found) => count(found),
        None => count(counts.entry(name.to_owned()).or_default()),
    }
}

fn domain(change: &Change) -> &str {
    change.key.object.split_once(':').map_or("", |(kind, _)| kind)
}
