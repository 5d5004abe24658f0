//! What the guarantees look at, looked up once: policy resolved against the dictionary of a run, and the view of one case.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Policy, TargetPolicy};
use crate::correlate::{Case, Cases, Identity, Recorded, Side, WhyUnknown, traits};
use crate::model::{Attribute, Denial, Entitlement, Fact, FactFlags, KeyHash, Mode, Sym, Time};

/// A scope, resolved.
#[derive(Clone, Copy)]
struct Ruled {
    mode: Mode,
    /// Adopted under this rule.
    adopted: bool,
    /// Adopted under whatever rule: what the host's own revokes need.
    adopted_by_any: bool,
}

/// A denial that stands, resolved: none covers every target, or every object.
#[derive(Clone, Copy)]
struct Barred {
    target: Option<Sym>,
    object: Option<Sym>,
}

/// Policy resolved against one run.
pub(super) struct Ground<'a> {
    pub as_of: Time,
    pub cases: &'a Cases,
    targets: HashMap<Sym, TargetPolicy>,
    scopes: Vec<Ruled>,
    left: HashSet<Sym>,
    /// By the holder as it is compared, so that another spelling does not escape.
    barred: HashMap<Sym, Vec<Barred>>,
    unsettled: BTreeSet<KeyHash>,
    /// The mark of our own.
    ours: Sym,
}

impl<'a> Ground<'a> {
    pub(super) fn new(cases: &'a Cases, policy: &Policy<'_>) -> Self {
        let symbols = &cases.snapshot.symbols;
        let ruled = |i: usize| Ruled {
            mode: policy.scopes.0.get(i).map_or(Mode::Observe, |s| s.mode),
            adopted: policy.is_adopted(i, false),
            adopted_by_any: policy.is_adopted(i, true),
        };
        Ground {
            as_of: policy.as_of,
            cases,
            targets: policy.targets.iter().filter_map(|(name, t)| symbols.find(name).map(|sym| (sym, *t))).collect(),
            scopes: (0..policy.scopes.0.len()).map(ruled).collect(),
            left: cases.snapshot.people.iter().filter(|p| p.has_left(policy.as_of)).map(|p| p.identity).collect(),
            barred: barred(cases, policy.denials),
            unsettled: policy.unsettled.clone(),
            ours: symbols.find(Fact::OURS).unwrap_or_default(),
        }
    }

    /// The view of a case of this identity.
    pub(super) fn view(&self, case: &'a Case, identity: &Identity) -> View<'a> {
        let snapshot = &self.cases.snapshot;
        let desired = case.desired.and_then(|i| snapshot.desired.get(i as usize));
        let observed = case.observed.and_then(|i| snapshot.observed.get(i as usize));
        let ruled = case.scope.and_then(|i| self.scopes.get(usize::from(i)));
        View {
            case,
            desired,
            observed,
            recorded: case.recorded.and_then(|i| self.cases.recorded.get(i as usize)),
            entitlement: case.entitlement.and_then(|i| snapshot.entitlements.get(i as usize)),
            target: observed.or(desired).and_then(|fact| self.targets.get(&fact.target)).copied(),
            mode: ruled.map_or(Mode::Observe, |r| r.mode),
            adopted: ruled.is_some_and(|r| r.adopted),
            adopted_by_any: ruled.is_some_and(|r| r.adopted_by_any),
            effect_unknown: self.is_unsettled(case),
            of_another: observed.is_some_and(|fact| !fact.managed_by.is_empty() && fact.managed_by != self.ours),
            denied: [desired, observed].into_iter().flatten().any(|fact| self.is_denied(fact)),
            left: identity.person.and_then(|i| snapshot.people.get(i as usize)).is_some_and(|p| p.has_left(self.as_of)),
        }
    }

    /// Whether an earlier plan may have changed a case, and nobody knows yet.
    pub(super) fn is_unsettled(&self, case: &Case) -> bool {
        self.unsettled.contains(&case.key)
    }

    /// Whether this is somebody, and nobody says that they left.
    pub(super) fn answers(&self, owner: Sym) -> bool {
        !owner.is_empty() && !self.left.contains(&owner)
    }

    /// Whether a denial stands against what a fact says. One of an object does not cover the holder's account.
    fn is_denied(&self, fact: &Fact) -> bool {
        let links = &self.cases.links;
        self.barred.get(&links.holder(fact.holder)).is_some_and(|barred| {
            barred.iter().any(|b| {
                b.target.is_none_or(|target| target == fact.target)
                    && b.object.is_none_or(|object| object == links.object(fact.object))
            })
        })
    }

    /// When the scan of a fact was read.
    pub(super) fn read_at(&self, fact: &Fact) -> Option<Time> {
        self.cases.snapshot.scans.get(usize::from(fact.scan)).map(|scan| scan.read_at)
    }

    /// Whether nobody can tell whose accounts an identity holds: then nothing of it is touched. An object in dispute only
    /// concerns its own cases.
    pub(super) fn is_disputed(&self, identity: &Identity) -> bool {
        let Cases { cases, links, .. } = self.cases;
        let cases = cases.get(identity.cases.start as usize..identity.cases.end as usize).unwrap_or_default();
        !links.disputed.is_empty()
            && cases.iter().filter_map(|case| self.cases.native(case)).any(|fact| {
                let holder = links.holder(fact.holder);
                links.disputed.contains(&(fact.target, holder))
            })
    }
}

/// Denials by holder. One that names what no fact names covers no case.
fn barred(cases: &Cases, denials: &[Denial]) -> HashMap<Sym, Vec<Barred>> {
    let (symbols, links) = (&cases.snapshot.symbols, &cases.links);
    let named = |text: &str| if text.is_empty() { Some(None) } else { symbols.find(text).map(Some) };
    let mut barred: HashMap<Sym, Vec<Barred>> = HashMap::new();
    for denial in denials.iter().filter(|denial| denial.stands()) {
        let (Some(holder), Some(target), Some(object)) =
            (symbols.find(&denial.holder), named(&denial.target), named(&denial.object))
        else {
            continue;
        };
        let object = object.map(|object| links.object(object));
        barred.entry(links.holder(holder)).or_default().push(Barred { target, object });
    }
    barred
}

/// One case with everything it refers to.
pub(super) struct View<'a> {
    pub case: &'a Case,
    pub desired: Option<&'a Fact>,
    pub observed: Option<&'a Fact>,
    pub recorded: Option<&'a Recorded>,
    pub entitlement: Option<&'a Entitlement>,
    pub target: Option<TargetPolicy>,
    pub mode: Mode,
    pub adopted: bool,
    pub adopted_by_any: bool,
    /// An earlier plan may have changed it.
    pub effect_unknown: bool,
    /// Another writer says that it manages this.
    pub of_another: bool,
    /// A denial stands against it.
    pub denied: bool,
    pub left: bool,
}

impl View<'_> {
    /// Whether nobody can tell which thing it is.
    pub(super) fn is_disputed(&self) -> bool {
        self.case.desired_why == WhyUnknown::Disputed || self.case.observed_why == WhyUnknown::Disputed
    }

    /// Whether a person who looks at it could let nothing pass: the scope is only observed, or no source speaks of it.
    pub(super) fn is_unmanaged(&self) -> bool {
        self.mode == Mode::Observe || self.case.desired_why == WhyUnknown::Uncovered
    }

    pub(super) fn is_inherited(&self) -> bool {
        self.case.traits & traits::INHERITED != 0 || self.observed.is_some_and(|f| f.flags.has(FactFlags::INHERITED))
    }

    pub(super) fn is_immutable(&self) -> bool {
        self.case.traits & traits::IMMUTABLE != 0 || self.observed.is_some_and(|f| f.flags.has(FactFlags::IMMUTABLE))
    }

    pub(super) fn is_claimed(&self) -> bool {
        self.case.traits & traits::CLAIMED != 0
    }

    pub(super) fn is_privileged(&self) -> bool {
        self.case.traits & traits::PRIVILEGED != 0 || self.entitlement.is_some_and(|e| e.privileged)
    }

    pub(super) fn is_break_glass(&self) -> bool {
        self.case.traits & traits::BREAK_GLASS != 0 || self.entitlement.is_some_and(|e| e.break_glass)
    }

    /// The instant at which its last life ended, if it ended.
    pub(super) fn closed_at(&self) -> Option<Time> {
        self.recorded.filter(|r| r.is_closed()).map(|r| r.since)
    }

    pub(super) fn observed_end(&self) -> Time {
        self.observed.map_or(Time::NONE, |f| f.expires_at)
    }

    pub(super) fn desired_end(&self) -> Time {
        self.desired.map_or(Time::NONE, |f| f.expires_at)
    }

    /// Whether the target holds it although its own end has passed; where the target stores no ends, the end that was
    /// justified, of what we gave.
    pub(super) fn has_expired(&self, as_of: Time) -> bool {
        let passed = |end: Time| end.is_some() && end <= as_of;
        let stores = self.target.is_some_and(|target| target.attributes.has(Attribute::ExpiresAt));
        let lapsed = !stores && self.is_claimed() && self.case.desired_side == Side::Absent && passed(self.desired_end());
        self.case.is_observed() && (passed(self.observed_end()) || lapsed)
    }
}
