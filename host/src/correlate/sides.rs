//! What is known of one case: which row speaks for each side, and whether absence means absence. Owns the three-valued
//! logic; knows nothing of recorded state.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::order::Order;
use super::pair::CorrelateContext;
use super::{Case, Side, WhyUnknown, traits};
use crate::discover::{Completeness, ScanSide, Snapshot};
use crate::link::Links;
use crate::model::{Attribute, CaseKey, Fact, FactFlags, Mode, Sym, Time};

/// Which scans speak for one side of one target and subject.
#[derive(Clone, Default)]
struct Coverage {
    /// Somebody does.
    covered: bool,
    /// Those from which absence means nothing.
    gaps: Vec<(u16, WhyUnknown)>,
}

/// Everything that cases are judged by.
pub(super) struct Pairing<'a> {
    snapshot: &'a Snapshot,
    links: &'a Links,
    context: &'a CorrelateContext<'a>,
    order: &'a Order,
    ranks: &'a [u32],
    /// By side, target number and subject.
    coverage: Vec<Coverage>,
    catalogue: HashMap<(Sym, Sym), u32>,
}

impl<'a> Pairing<'a> {
    pub(super) fn new(
        snapshot: &'a Snapshot,
        links: &'a Links,
        context: &'a CorrelateContext<'a>,
        order: &'a Order,
        ranks: &'a [u32],
    ) -> Self {
        let mut coverage = vec![Coverage::default(); 2 * 3 * order.targets.len()];
        for (number, scan) in (0u16..).zip(&snapshot.scans) {
            let target = snapshot.symbols.find(&scan.target).and_then(|sym| order.target_number.get(sym.0 as usize));
            for subject in (0..3).filter(|subject| scan.subjects.0 >> subject & 1 == 1) {
                let at = target.map(|target| slot(scan.side, *target, subject));
                if let Some(coverage) = at.and_then(|at| coverage.get_mut(at)) {
                    coverage.covered = true;
                    coverage.gaps.extend(why(&scan.completeness).map(|why| (number, why)));
                }
            }
        }
        let mut catalogue = HashMap::new();
        for (index, row) in (0u32..).zip(&snapshot.entitlements) {
            catalogue.entry((row.target, links.object(row.object))).or_insert(index);
        }
        Pairing { snapshot, links, context, order, ranks, coverage, catalogue }
    }

    /// The case of one group of keys, which are sorted: desired rows first.
    pub(super) fn case(&self, keys: &[u128]) -> Option<Case> {
        let bits = self.order.below_case - 1;
        let index = |key: &u128| (key & ((1 << bits) - 1)) as u32;
        let split = keys.partition_point(|key| key >> bits & 1 == 0);
        let (desired, observed) = keys.split_at_checked(split)?;
        let desired = self.desired(desired.iter().map(index));
        let observed = self.observed(observed.iter().map(index));
        let fact = observed.fact.or(desired.fact)?;
        let target = self.order.target_number.get(fact.target.0 as usize).copied()?;
        let mut case = Case {
            desired: desired.index,
            observed: observed.index,
            recorded: None,
            key: self.hash(fact),
            desired_side: desired.side.unwrap_or(Side::Absent),
            observed_side: observed.side.unwrap_or(Side::Absent),
            recorded_side: Side::Absent,
            desired_why: WhyUnknown::Known,
            observed_why: WhyUnknown::Known,
            differs: 0,
            traits: 0,
            scope: None,
            entitlement: self.entitlement(fact),
            undesired_since: Time::NONE,
            disabled_since: Time::NONE,
        };
        if desired.side.is_none() {
            case.desired_why = self.gap(ScanSide::Desired, target, fact, &desired.scans);
        }
        if observed.side.is_none() {
            case.observed_why =
                if observed.contradictory { WhyUnknown::Incomplete } else { self.gap(ScanSide::Observed, target, fact, &[]) };
        }
        if self.links.is_disputed(fact) {
            (case.desired_why, case.observed_why) = (WhyUnknown::Disputed, WhyUnknown::Disputed);
        }
        if case.desired_why != WhyUnknown::Known {
            case.desired_side = Side::Unknown;
        }
        if case.observed_why != WhyUnknown::Known {
            case.observed_side = Side::Unknown;
        }
        self.describe(&mut case, fact, desired.fact, observed.fact);
        Some(case)
    }

    /// What follows from both sides.
    fn describe(&self, case: &mut Case, fact: &Fact, desired: Option<&Fact>, observed: Option<&Fact>) {
        let text = |sym| self.snapshot.symbols.text(sym);
        case.scope = self.context.scopes.find(text(fact.target), text(fact.object)).and_then(|scope| u16::try_from(scope).ok());
        let scope = case.scope.and_then(|scope| self.context.scopes.0.get(usize::from(scope)));
        let entry = case.entitlement.and_then(|row| self.snapshot.entitlements.get(row as usize));
        for (set, bit) in [
            (observed.is_some_and(|fact| fact.flags.has(FactFlags::INHERITED)), traits::INHERITED),
            (observed.is_some_and(|fact| fact.flags.has(FactFlags::IMMUTABLE)), traits::IMMUTABLE),
            (entry.is_some_and(|row| row.privileged), traits::PRIVILEGED),
            (entry.is_some_and(|row| row.break_glass), traits::BREAK_GLASS),
            (scope.is_some_and(|scope| scope.mode == Mode::Additive), traits::ADDITIVE),
        ] {
            case.traits |= if set { bit } else { 0 };
        }
        if let (true, true, Some(desired), Some(observed)) = (case.is_desired(), case.is_observed(), desired, observed) {
            case.differs = self.differs(desired, observed);
        }
    }

    /// The attributes that the desired row states, the target stores, and that are not as stated.
    fn differs(&self, desired: &Fact, observed: &Fact) -> u32 {
        let target =
            self.order.target_number.get(desired.target.0 as usize).and_then(|&n| self.order.targets.get(usize::from(n)));
        let stores = target.map(|(_, facts)| facts.attributes).unwrap_or_default();
        let disabled = |fact: &Fact| fact.flags.has(FactFlags::DISABLED);
        let text = |desired: Sym, observed: Sym| !desired.is_empty() && desired != observed;
        let mut differs = 0;
        for (attribute, different) in [
            (Attribute::Enabled, disabled(desired) != disabled(observed)),
            (Attribute::Level, text(desired.level, observed.level)),
            (Attribute::ExpiresAt, desired.expires_at.is_some() && desired.expires_at != observed.expires_at),
            (Attribute::Owner, text(desired.owner, observed.owner)),
            (Attribute::Purpose, text(desired.purpose, observed.purpose)),
        ] {
            differs |= if different && stores.has(attribute) { attribute as u32 } else { 0 };
        }
        differs
    }

    /// The desired row that speaks for the case. While at least one justification is live it is desired; one that may
    /// begin already, works, and ends last is preferred. One that may not begin yet still desires: nothing is removed
    /// because of it, and what it desires is not granted before `not_before`.
    fn desired(&self, rows: impl Iterator<Item = u32>) -> Found<'a> {
        let as_of = self.context.as_of;
        let mut found = Found::default();
        let mut best = None;
        for index in rows {
            let Some(fact) = self.snapshot.desired.get(index as usize) else { continue };
            found.scans.push(fact.scan);
            let ended = fact.expires_at.is_some() && fact.expires_at <= as_of;
            let end = if fact.expires_at.is_some() { fact.expires_at.seconds() } else { i64::MAX };
            let order = (ended, fact.not_before > as_of, fact.flags.has(FactFlags::DISABLED), Reverse(end), self.canonical(fact));
            if best.as_ref().is_none_or(|best| order < *best) {
                best = Some(order);
                found.index = Some(index);
                found.fact = Some(fact);
                found.side = (!ended).then(|| side(fact));
            }
        }
        found
    }

    /// The observed row that speaks for the case: a direct one before inherited ones. Direct rows that contradict each
    /// other say nothing.
    fn observed(&self, rows: impl Iterator<Item = u32>) -> Found<'a> {
        let mut found = Found::default();
        let mut best = None;
        for index in rows {
            let Some(fact) = self.snapshot.observed.get(index as usize) else { continue };
            let inherited = fact.flags.has(FactFlags::INHERITED);
            let order = (inherited, fact.flags.has(FactFlags::DISABLED), self.canonical(fact));
            if let (Some(other), false) = (found.fact, inherited) {
                let state = |f: &Fact| (f.flags, f.level, f.expires_at, f.owner, f.purpose);
                found.contradictory |= !other.flags.has(FactFlags::INHERITED) && state(fact) != state(other);
            }
            if best.as_ref().is_none_or(|best| order < *best) {
                best = Some(order);
                found.index = Some(index);
                found.fact = Some(fact);
                found.side = Some(side(fact));
            }
        }
        if found.contradictory {
            found.side = None;
        }
        found
    }

    /// An order of rows of one case that does not depend on where they came from.
    fn canonical(&self, fact: &Fact) -> [i64; 12] {
        let rank = |sym: Sym| self.ranks.get(sym.0 as usize).copied().map_or(0, i64::from);
        let texts = [fact.holder, fact.object, fact.record, fact.level, fact.owner, fact.purpose, fact.approver, fact.via];
        let [a, b, c, d, e, f, g, h] = texts.map(rank);
        [a, b, c, d, e, f, g, h, rank(fact.replaces), rank(fact.managed_by), fact.not_before.seconds(), fact.last_used.seconds()]
    }

    /// Why a side without rows is not known to be absent. `spoken`: scans that did state the case, in rows that ended.
    fn gap(&self, side: ScanSide, target: u16, fact: &Fact, spoken: &[u16]) -> WhyUnknown {
        let Some(coverage) = self.coverage.get(slot(side, target, fact.subject as u8)) else { return WhyUnknown::Uncovered };
        if !coverage.covered {
            return if side == ScanSide::Desired { WhyUnknown::Uncovered } else { WhyUnknown::Incomplete };
        }
        let open = coverage.gaps.iter().filter(|(scan, _)| !spoken.contains(scan));
        open.map(|(_, why)| *why).min_by_key(|why| *why as u8).unwrap_or(WhyUnknown::Known)
    }

    fn hash(&self, fact: &Fact) -> crate::model::KeyHash {
        let text = |sym| self.snapshot.symbols.text(sym);
        let (holder, object) = (self.links.holder(fact.holder), self.links.object(fact.object));
        CaseKey::hash(fact.subject, text(fact.target), text(holder), text(object))
    }

    fn entitlement(&self, fact: &Fact) -> Option<u32> {
        if self.catalogue.is_empty() {
            return None;
        }
        let object = self.links.object(fact.object);
        self.catalogue.get(&(fact.target, object)).or_else(|| self.catalogue.get(&(Sym::EMPTY, object))).copied()
    }
}

/// What one side says.
#[derive(Default)]
struct Found<'a> {
    index: Option<u32>,
    fact: Option<&'a Fact>,
    /// None: no live row.
    side: Option<Side>,
    /// Scans that state the case.
    scans: Vec<u16>,
    contradictory: bool,
}

fn side(fact: &Fact) -> Side {
    if fact.flags.has(FactFlags::DISABLED) { Side::Disabled } else { Side::Present }
}

fn slot(side: ScanSide, target: u16, subject: u8) -> usize {
    (usize::from(target) * 3 + usize::from(subject)) * 2 + usize::from(side == ScanSide::Observed)
}

const fn why(completeness: &Completeness) -> Option<WhyUnknown> {
    match completeness {
        Completeness::Complete => None,
        Completeness::Incomplete { .. } => Some(WhyUnknown::Incomplete),
        Completeness::Stale => Some(WhyUnknown::Stale),
        Completeness::Shrunk { .. } => Some(WhyUnknown::Shrunk),
    }
}
