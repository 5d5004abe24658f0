//! How much goes side by side: per target, tenant, entity type and policy domain. Owns the counts; order is for `lines`.

use std::collections::{BTreeMap, BTreeSet};

use super::item::{Item, Slot};
use crate::limits::FLIGHT_CHANGES;
use crate::model::{Change, Lane, Subject};
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
        if change.lane == Lane::Emergency {
            return true;
        }
        let below = |count: Option<&u32>, bound: Option<&u32>| bound.is_none_or(|bound| count.copied().unwrap_or(0) < *bound);
        let domain = domain(change);
        let bulk_waits = self.flow.bulk_yields && change.lane == Lane::Bulk && self.bulk >= self.flow.tenant.div_ceil(2);
        !bulk_waits
            && self.all < self.flow.tenant.max(1)
            && below(self.targets.get(&change.key.target), self.parallel.get(&change.key.target))
            && below(self.subjects.get(&change.key.subject), self.flow.subjects.get(&change.key.subject))
            && below(self.domains.get(domain), self.flow.domains.get(domain))
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
        count(self.targets.entry(change.key.target.clone()).or_default());
        count(self.subjects.entry(change.key.subject).or_default());
        if self.flow.domains.contains_key(domain(change)) {
            count(self.domains.entry(domain(change).to_owned()).or_default());
        }
    }

    /// The next of those who wait that find a place now: at most as many as the tenant has places left.
    pub(super) fn admits(&self, waiting: &BTreeSet<(Lane, Slot)>, items: &BTreeMap<Slot, Item>) -> Vec<(Lane, Slot)> {
        let free = self.flow.tenant.max(1).saturating_sub(self.all) as usize;
        let fits = |entry: &&(Lane, Slot)| items.get(&entry.1).is_none_or(|item| self.has_room(&item.change));
        if free == 0 { Vec::new() } else { waiting.iter().filter(fits).take(free).copied().collect() }
    }
}

fn domain(change: &Change) -> &str {
    change.key.object.split_once(':').map_or("", |(kind, _)| kind)
}
