//! The noun: how much of each kind there is, and the worst of it. Merging does not depend on an order, so that it does not
//! matter in how many parts it was counted.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Kind, Terms};
use crate::limits::DEBT_LISTED;
use crate::model::{CaseKey, Time};

/// One case of a kind. The worst comes first: by tier, then by age, then by key; what has no known age counts as the oldest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The case.
    pub key: CaseKey,
    /// Since when, where that is known; none: nobody knows.
    pub since: Time,
    /// Its tier, 0 to 3.
    pub tier: u8,
}

impl Ord for Item {
    fn cmp(&self, other: &Self) -> Ordering {
        (Reverse(self.tier), self.since, &self.key).cmp(&(Reverse(other.tier), other.since, &other.key))
    }
}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What there is of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many cases.
    pub cases: u64,
    /// How many in each tier, from 0 to 3.
    pub by_tier: [u64; 4],
    /// How many in each target.
    pub by_target: BTreeMap<String, u64>,
    /// Since when the oldest, of those of which that is known.
    pub oldest: Time,
    /// The worst [`DEBT_LISTED`] of them.
    pub worst: BTreeSet<Item>,
}

impl Tally {
    /// Whether such a case would be listed.
    pub(super) fn lists(&self, tier: u8, since: Time) -> bool {
        let last = self.worst.last().filter(|_| self.worst.len() >= DEBT_LISTED);
        last.is_none_or(|last| (Reverse(tier), since) <= (Reverse(last.tier), last.since))
    }

    pub(super) fn list(&mut self, item: Item) {
        self.worst.insert(item);
        while self.worst.len() > DEBT_LISTED {
            self.worst.pop_last();
        }
    }

    fn add(&mut self, other: Tally) {
        self.cases += other.cases;
        for (all, more) in self.by_tier.iter_mut().zip(other.by_tier) {
            *all += more;
        }
        for (target, more) in other.by_target {
            *self.by_target.entry(target).or_default() += more;
        }
        self.oldest = older(self.oldest, other.oldest);
        other.worst.into_iter().for_each(|item| self.list(item));
    }
}

/// The earlier of two instants, each of which may be unknown.
pub(super) fn older(a: Time, b: Time) -> Time {
    match (a.is_some(), b.is_some()) {
        (true, true) => a.min(b),
        (true, false) => a,
        _ => b,
    }
}

/// The backlog of one run, before its changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Debt {
    /// How many cases are held at all: accounts, grants and credentials that were seen.
    pub held: u64,
    /// How many of them are debt of any kind.
    pub cases: u64,
    /// From when on they are.
    pub terms: Terms,
    /// How much of each kind; a kind of which there is nothing is not named.
    pub by_kind: BTreeMap<Kind, Tally>,
}

impl Debt {
    /// Nothing yet, under these terms.
    #[must_use]
    pub fn under(terms: &Terms) -> Self {
        Debt { terms: *terms, ..Debt::default() }
    }

    /// What there is of a kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> u64 {
        self.by_kind.get(&kind).map_or(0, |tally| tally.cases)
    }

    /// Takes in what was counted over other cases.
    pub fn add(&mut self, other: Debt) {
        self.held += other.held;
        self.cases += other.cases;
        for (kind, tally) in other.by_kind {
            self.by_kind.entry(kind).or_default().add(tally);
        }
    }
}
