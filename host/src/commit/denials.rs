//! Emergencies in the core: what is denied from now on, the changes that take it away, and when that is settled. Owns what
//! is known of denials; calls come in at the desk, and how one change goes on is decided in `advance` and `answer`.

use std::collections::BTreeMap;

use super::core::Core;
use super::item::{Item, Slot};
use super::{CommitError, Status};
use crate::model::{CaseKey, Change, Denial, PlanId};
use crate::planted::{Bug, has};

/// What is denied, and what is done about it.
#[derive(Debug)]
pub(super) struct Denials {
    /// All that were ever made, lifted ones too.
    known: Vec<Denial>,
    under_way: BTreeMap<PlanId, UnderWay>,
    /// Cases that a change left behind may still give access to.
    doubtful: Vec<CaseKey>,
    /// What was under way when a denial was announced, by the denial's key.
    landing: BTreeMap<(String, String, String), Vec<Change>>,
    /// The place of the next emergency change: before all of the plan.
    next: i64,
}

/// One denial whose changes are in hand.
#[derive(Debug)]
struct UnderWay {
    denial: Denial,
    /// How many of them are.
    left: usize,
    /// Whether all of it can be and so far was taken away.
    clean: bool,
}

impl Denials {
    pub(super) fn new(known: Vec<Denial>) -> Self {
        let (under_way, landing) = (BTreeMap::new(), BTreeMap::new());
        Denials { known, under_way, doubtful: Vec::new(), landing, next: i64::MIN }
    }

    /// Whether a case is denied.
    pub(super) fn cover(&self, key: &CaseKey) -> bool {
        self.known.iter().any(|denial| denial.covers(key))
    }

    /// Whether a denial that concerns a target is not settled.
    pub(super) fn is_open_at(&self, target: &str) -> bool {
        let concerns = |denial: &Denial| denial.target.is_empty() || denial.target == target;
        self.known.iter().any(|denial| denial.stands() && denial.settled_at.is_none() && concerns(denial))
    }

    /// A change was left behind that may still give access to this case.
    pub(super) fn doubt(&mut self, key: &CaseKey) {
        self.doubtful.push(key.clone());
    }

    /// A change of a denial's plan was left.
    fn left(&mut self, plan: PlanId, confirmed: bool) {
        if let Some(under_way) = self.under_way.get_mut(&plan) {
            under_way.left = under_way.left.saturating_sub(1);
            under_way.clean &= confirmed;
        }
    }

    /// The denials of which nothing is in hand any more, each with whether all of it was taken away.
    fn over(&mut self) -> Vec<(Denial, bool)> {
        let over = self.under_way.extract_if(.., |_, under_way| under_way.left == 0);
        let settled = |under_way: UnderWay| {
            let clean = under_way.clean && !self.doubtful.iter().any(|key| under_way.denial.covers(key));
            (under_way.denial, clean)
        };
        over.map(|(_, under_way)| settled(under_way)).collect()
    }
}

impl Core<'_> {
    /// Denies access from now on: what is queued ends, and what is under way is remembered, to be taken away with what is
    /// held.
    pub fn announce(&mut self, denial: &Denial) {
        let covered = self.items.iter().filter(|(_, item)| denial.covers(&item.change.key));
        let may_land = |item: &Item| item.gives() && item.is_under_way();
        let landing = covered.clone().filter(|(_, item)| may_land(item)).map(|(_, item)| Change::clone(&item.change)).collect();
        let covered: Vec<Slot> = covered.map(|(slot, _)| *slot).collect();
        self.denials.landing.insert(denial.key(), landing);
        if !self.denials.known.contains(denial) {
            if !has(Bug::DenialNotFirst) {
                self.journal.denial(denial, self.at.now);
            }
            self.denials.known.push(denial.clone());
        }
        covered.into_iter().for_each(|slot| self.poke(slot));
    }

    /// Takes away what a denial that was announced covers: `changes` do so, `complete` says that they take all of it.
    ///
    /// # Errors
    /// As for [`Core::offer`].
    pub fn deny(&mut self, denial: Denial, plan: PlanId, changes: Vec<Change>, complete: bool) -> Result<(), CommitError> {
        let fresh = UnderWay { denial, left: 0, clean: true };
        self.denials.under_way.entry(plan).or_insert(fresh).clean &= complete;
        for change in changes {
            debug_assert!(!change.kind.adds(), "an emergency only reduces access");
            // A routine change of the same name may wait for long; another denial's may end otherwise. Neither counts.
            if self.items.range(..Slot(0)).any(|(_, item)| item.plan == plan && item.change.id == change.id) {
                continue;
            }
            let slot = Slot(self.denials.next);
            self.denials.next += 1;
            self.outcomes.emergencies += 1;
            if let Some(under_way) = self.denials.under_way.get_mut(&plan) {
                under_way.left += 1;
            }
            self.take(slot, plan, change)?;
        }
        self.settle_denials();
        Ok(())
    }

    /// The changes that were under way when a denial was announced, and that may have given what it covers.
    pub fn landing(&mut self, denial: &Denial) -> Vec<Change> {
        self.denials.landing.remove(&denial.key()).unwrap_or_default()
    }

    pub(super) fn left_emergency(&mut self, item: &Item) {
        let confirmed = matches!(item.status, Status::Confirmed { .. });
        self.outcomes.revoked += u64::from(confirmed);
        self.denials.left(item.plan, confirmed);
        self.settle_denials();
    }

    /// Denials whose changes are all confirmed are settled.
    fn settle_denials(&mut self) {
        for (denial, clean) in self.denials.over() {
            if !clean {
                self.outcomes.unsettled_denials += 1;
                continue;
            }
            let settled = Denial { settled_at: self.at.now, ..denial };
            self.journal.denial(&settled, self.at.now);
        }
    }
}
