//! Cases and decisions as the constraints look at them. Owns what counts as held, and as working.

use super::super::decision::Decision;
use super::super::ground::Ground;
use crate::correlate::{Case, Identity, Side, traits};
use crate::model::{Fact, Sym};

/// A thing of a target, in the form in which things are compared.
pub(super) type Thing = (Sym, Sym);

/// One look at all decisions.
pub(super) struct Scene<'a> {
    pub ground: &'a Ground<'a>,
    /// In order of cases.
    pub decisions: &'a [Decision],
}

impl<'a> Scene<'a> {
    /// What is to be done to a case.
    pub(super) fn decision(&self, case: u32) -> Option<&'a Decision> {
        self.decisions.binary_search_by_key(&case, |decision| decision.case).ok().and_then(|i| self.decisions.get(i))
    }
}

impl Ground<'_> {
    pub(super) fn case(&self, index: u32) -> Option<&Case> {
        self.cases.cases.get(index as usize)
    }

    pub(super) fn desired(&self, case: &Case) -> Option<&Fact> {
        case.desired.and_then(|i| self.cases.snapshot.desired.get(i as usize))
    }

    /// The object of a case, as it is compared.
    pub(super) fn thing(&self, case: &Case) -> Option<Thing> {
        self.cases.native(case).map(|fact| (fact.target, self.cases.links.object(fact.object)))
    }

    /// The identities that are judged, with their numbers. An amendment judges a few: what the plan before it did to the
    /// others is not known here.
    pub(super) fn judged(&self) -> impl Iterator<Item = (u32, &Identity)> {
        let ranges = self.cases.batches.iter().map(|batch| batch.identities.clone());
        let here = ranges.flatten().filter(|number| !self.cases.is_apart(*number));
        here.filter_map(|number| Some((number, self.cases.identities.get(number as usize)?)))
    }

    /// The cases of an identity, with their indices.
    pub(super) fn of(&self, identity: &Identity) -> impl Iterator<Item = (u32, &Case)> {
        identity.cases.clone().filter_map(|index| Some((index, self.case(index)?)))
    }

    /// Whether the target holds it, or may hold it.
    pub(super) fn may_be_held(&self, case: &Case) -> bool {
        case.observed_side != Side::Absent || self.is_unsettled(case)
    }

    /// Whether the target is known to hold it, working, and of its own: what comes from elsewhere can go from there.
    pub(super) fn holds(&self, case: &Case) -> bool {
        let inherited = case.traits & traits::INHERITED != 0;
        case.observed_side == Side::Present && !self.is_unsettled(case) && !inherited
    }

    /// Whether it is held beyond this instant.
    pub(super) fn works(&self, case: &Case) -> bool {
        let observed = case.observed.and_then(|i| self.cases.snapshot.observed.get(i as usize));
        let ended = observed.is_some_and(|fact| fact.expires_at.is_some() && fact.expires_at <= self.as_of);
        self.holds(case) && !ended
    }
}
