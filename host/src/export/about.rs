//! What later leaves leave out: the case of a change, which only its intent tells. Owns a bounded memory of it; knows no event.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::audit::{LogEntry, Statement};
use crate::limits::{EXPORT_REMEMBERED_BYTES, EXPORT_REMEMBERED_CHANGES};
use crate::model::{CaseKey, Change, ChangeId, ChangeKind, Lane, PlanId};

/// What is known of a change besides its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// What is changed.
    pub case: CaseKey,
    /// What is done.
    pub op: ChangeKind,
    /// Which queue.
    pub lane: Lane,
    /// Risk tier.
    pub tier: u8,
    /// Why: the stable code.
    pub reason: String,
    /// The source record that justifies it, or empty.
    pub record: String,
}

impl About {
    /// Bytes of its texts.
    fn bytes(&self) -> usize {
        let CaseKey { target, holder, object, .. } = &self.case;
        [target, holder, object, &self.reason, &self.record].iter().map(|text| text.len()).sum()
    }
}

impl From<&Change> for About {
    fn from(change: &Change) -> Self {
        About {
            case: change.key.clone(),
            op: change.kind,
            lane: change.lane,
            tier: change.tier,
            reason: change.reason.code.clone(),
            record: change.record.clone(),
        }
    }
}

/// Where changes are looked up whose intent lies far back, or which were never sent: the plans of a store.
pub trait Changes: Send + Sync {
    /// Tells of these changes of a plan, and of as many others of it as are worth remembering. What is not found is left out.
    fn look_up(&self, plan: PlanId, wanted: &BTreeSet<ChangeId>, tell: &mut dyn FnMut(ChangeId, About));
}

/// No plans at hand.
impl Changes for () {
    fn look_up(&self, _: PlanId, _: &BTreeSet<ChangeId>, _: &mut dyn FnMut(ChangeId, About)) {}
}

/// Remembers the newest changes that it was told of.
#[derive(Default)]
pub struct Directory {
    known: BTreeMap<ChangeId, About>,
    /// In the order of being told.
    order: VecDeque<ChangeId>,
    bytes: usize,
}

impl Directory {
    /// What is known of a change.
    #[must_use]
    pub fn get(&self, change: ChangeId) -> Option<&About> {
        self.known.get(&change)
    }

    /// Takes in what a leaf tells.
    pub fn learn(&mut self, entry: &LogEntry) {
        let Statement::Intent { case, change, lane, op, reason, record, tier, .. } = &entry.says else { return };
        let (case, reason, record) = (case.clone(), reason.clone(), record.clone());
        self.add(*change, About { case, op: *op, lane: *lane, tier: *tier, reason, record });
    }

    /// Takes in what somebody else tells. The oldest is forgotten where there is too much.
    pub fn add(&mut self, change: ChangeId, about: About) {
        self.bytes += about.bytes();
        match self.known.insert(change, about) {
            Some(former) => self.bytes -= former.bytes(),
            None => self.order.push_back(change),
        }
        while self.order.len() > EXPORT_REMEMBERED_CHANGES || self.bytes > EXPORT_REMEMBERED_BYTES {
            let Some(oldest) = self.order.pop_front() else { return };
            self.bytes -= self.known.remove(&oldest).map_or(0, |about| about.bytes());
        }
    }

    /// How many changes it remembers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether it remembers none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

/// The change that an event is told of, where its leaf does not say what it is.
pub(super) const fn named(says: &Statement) -> Option<(PlanId, ChangeId)> {
    match says {
        Statement::Outcome { change, plan, .. }
        | Statement::Confirmed { change, plan, .. }
        | Statement::Ended { change, plan, .. } => Some((*plan, *change)),
        _ => None,
    }
}
