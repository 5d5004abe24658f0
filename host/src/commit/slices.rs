//! Which slices of a plan are settled: the checkpoint is the first that is not. A slice is a range of the plan; how far its
//! changes get does not depend on it.

use std::collections::{BTreeMap, BTreeSet};

use crate::planted::{Bug, has};

/// The slices of a plan.
#[derive(Debug)]
pub(super) struct Slices {
    size: u64,
    /// Changes left behind, per slice that is not settled.
    left: BTreeMap<u64, u64>,
    /// Indices that were taken ahead of their turn, and how far turns have come.
    ahead: BTreeSet<u64>,
    turn: u64,
    of: Option<u64>,
    /// Slices settled so far, and as last told.
    settled: u64,
    told: u64,
}

impl Slices {
    pub(super) fn new(size: u64) -> Self {
        Slices { size: size.max(1), left: BTreeMap::new(), ahead: BTreeSet::new(), turn: 0, of: None, settled: 0, told: 0 }
    }

    /// Whether a change was taken already.
    pub(super) fn has(&self, index: u64) -> bool {
        index < self.turn || self.ahead.contains(&index)
    }

    /// A change is taken in hand.
    pub(super) fn take(&mut self, index: u64) {
        self.ahead.insert(index);
        while self.ahead.remove(&self.turn) {
            self.turn += 1;
        }
    }

    /// A change is left behind.
    pub(super) fn leave(&mut self, index: u64) {
        *self.left.entry(index / self.size).or_default() += 1;
        self.advance();
    }

    /// There are no more.
    pub(super) fn end(&mut self, of: u64) {
        self.of = Some(of);
        self.advance();
    }

    pub(super) const fn is_ended(&self) -> bool {
        self.of.is_some()
    }

    fn advance(&mut self) {
        while let Some(left) = self.left.get(&self.settled) {
            let end = (self.settled + 1) * self.size;
            let size = self.of.map_or(self.size, |of| of.min(end).saturating_sub(self.settled * self.size));
            if *left < size {
                break;
            }
            self.left.remove(&self.settled);
            self.settled += 1;
        }
    }

    /// The first slice that is not settled, if it has moved.
    pub(super) fn settled(&mut self) -> Option<u64> {
        (self.settled > self.told).then(|| {
            self.told = self.settled;
            self.settled + u64::from(has(Bug::CheckpointEarly))
        })
    }
}
