//! What counts. Only what was seen counts: where nobody can tell, there is no debt but a gap, which the scans tell of.

use std::collections::{HashMap, HashSet};

use super::tally::older;
use super::{Debt, Item, Kind, Tally, Terms};
use crate::correlate::{Case, Cases, Identity, Side, traits};
use crate::discover::Snapshot;
use crate::model::{Fact, FactFlags, IdentityKind, Person, Subject, Sym, Time};

const DAY: i64 = 86_400;

/// The tier from which access counts as privileged.
const PRIVILEGED_TIER: u8 = 3;

/// Who is not there to answer, over the whole estate: cases may be only a part of it.
#[derive(Clone, Debug)]
pub struct Census {
    as_of: Time,
    /// Whether any source speaks of identities.
    speaks: bool,
    /// Names of those who have left.
    gone: Vec<String>,
}

impl Census {
    /// Counts the people of a snapshot that has all of them.
    #[must_use]
    pub fn of(whole: &Snapshot, as_of: Time) -> Self {
        let gone = whole.people.iter().filter(|person| person.has_left(as_of));
        let gone = gone.map(|person| whole.symbols.text(person.identity).to_owned()).collect();
        Census { as_of, speaks: !whole.people.is_empty(), gone }
    }
}

/// Counts the backlog over these cases, on up to so many threads.
#[must_use]
pub fn count(cases: &Cases, census: &Census, terms: &Terms, threads: usize) -> Debt {
    let gone = census.gone.iter().filter_map(|name| cases.snapshot.symbols.find(name)).collect();
    let scale = Scale { cases, as_of: census.as_of, speaks: census.speaks, terms, gone };
    let share = cases.identities.len().div_ceil(threads.max(1)).max(1);
    let mut debt = Debt::under(terms);
    std::thread::scope(|scope| {
        let parts: Vec<_> = cases.identities.chunks(share).map(|part| scope.spawn(|| scale.part(part))).collect();
        for part in parts {
            match part.join() {
                Ok(part) => debt.add(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    debt
}

/// What cases are weighed on.
struct Scale<'a> {
    cases: &'a Cases,
    as_of: Time,
    speaks: bool,
    terms: &'a Terms,
    /// Those who have left.
    gone: HashSet<Sym>,
}

/// A case that is held, and what is said of it.
struct Held<'a> {
    case: &'a Case,
    fact: &'a Fact,
    wish: Option<&'a Fact>,
    who: Option<&'a Person>,
    tier: u8,
}

impl Scale<'_> {
    fn part(&self, identities: &[Identity]) -> Debt {
        let mut debt = Debt::default();
        let mut targets: HashMap<(Kind, Sym), u64> = HashMap::new();
        for identity in identities {
            let who = identity.person.and_then(|i| self.cases.snapshot.people.get(i as usize));
            let range = identity.cases.start as usize..identity.cases.end as usize;
            for case in self.cases.cases.get(range).unwrap_or_default() {
                let Some(held) = self.held(case, who) else { continue };
                debt.held += 1;
                let mut any = false;
                for kind in Kind::ALL {
                    let Some(since) = self.since(kind, &held) else { continue };
                    any = true;
                    *targets.entry((kind, held.fact.target)).or_default() += 1;
                    self.enter(debt.by_kind.entry(kind).or_default(), &held, since);
                }
                debt.cases += u64::from(any);
            }
        }
        for ((kind, target), count) in targets {
            let target = self.cases.snapshot.symbols.text(target).to_owned();
            debt.by_kind.entry(kind).or_default().by_target.insert(target, count);
        }
        debt
    }

    fn enter(&self, tally: &mut Tally, held: &Held<'_>, since: Time) {
        tally.cases += 1;
        if let Some(count) = tally.by_tier.get_mut(usize::from(held.tier)) {
            *count += 1;
        }
        tally.oldest = older(tally.oldest, since);
        if tally.lists(held.tier, since)
            && let Some(key) = self.cases.key(held.case)
        {
            tally.list(Item { key, since, tier: held.tier });
        }
    }

    /// What a target is known to hold by itself: what comes from another grant is that grant's debt.
    fn held<'a>(&'a self, case: &'a Case, who: Option<&'a Person>) -> Option<Held<'a>> {
        let fact = self.cases.snapshot.observed.get(case.observed? as usize)?;
        if !case.is_observed() || fact.flags.has(FactFlags::INHERITED) {
            return None;
        }
        let wish = case.desired.filter(|_| case.is_desired()).and_then(|i| self.cases.snapshot.desired.get(i as usize));
        let tier = case.entitlement.and_then(|i| self.cases.snapshot.entitlements.get(i as usize)).map_or(0, |row| row.tier);
        Some(Held { case, fact, wish, who, tier: tier.min(3) })
    }

    /// Since when a case is debt of a kind: [`Time::NONE`] when nobody knows; none: it is not.
    fn since(&self, kind: Kind, held: &Held<'_>) -> Option<Time> {
        let Held { case, fact, wish, who, tier } = *held;
        let works = case.observed_side == Side::Present;
        let grant = fact.subject != Subject::Account;
        let ago = |days: u32| self.as_of.plus(-i64::from(days) * DAY);
        match kind {
            Kind::Orphaned => match who {
                // Where no source speaks of identities at all, nobody is unknown.
                None => self.speaks.then_some(case.undesired_since),
                Some(who) => who.has_left(self.as_of).then(|| who.ends_at.min(self.as_of)),
            },
            Kind::Unwanted => (case.desired_side == Side::Absent).then_some(case.undesired_since),
            Kind::Unowned => {
                let machine = who.is_some_and(|who| who.kind == IdentityKind::Machine);
                let owners = [wish.map(|wish| wish.owner), Some(fact.owner), who.map(|who| who.owner)];
                let answers = |owner: Sym| owner != Sym::EMPTY && !self.gone.contains(&owner);
                // Of a person's own credential the person answers.
                let bound = machine || (fact.subject == Subject::Credential && who.is_none());
                (bound && !owners.into_iter().flatten().any(answers)).then_some(Time::NONE)
            }
            Kind::Standing => {
                let strong = tier >= PRIVILEGED_TIER || case.traits & traits::PRIVILEGED != 0;
                let endless = fact.expires_at.is_none() && wish.is_none_or(|wish| wish.expires_at.is_none());
                let kept = case.traits & traits::BREAK_GLASS != 0;
                (grant && works && strong && endless && !kept).then(|| wish.map_or(Time::NONE, |wish| wish.not_before))
            }
            Kind::LongLived => {
                let far = self.as_of.plus(i64::from(self.terms.secret_days) * DAY);
                let long = fact.expires_at.is_none() || fact.expires_at > far;
                let counts = self.terms.secret_days > 0 && fact.subject == Subject::Credential && works;
                (counts && long).then(|| wish.map_or(Time::NONE, |wish| wish.not_before))
            }
            Kind::Unused => {
                // A later record starts the days anew.
                let since = fact.last_used.max(wish.map_or(Time::NONE, |wish| wish.not_before));
                let counts = self.terms.unused_days > 0 && works && fact.last_used.is_some();
                (counts && since < ago(self.terms.unused_days)).then_some(since)
            }
            Kind::Unreviewed => {
                let wish = wish.filter(|_| grant && self.terms.review_days > 0)?;
                let old = wish.not_before.is_some() && wish.not_before < ago(self.terms.review_days);
                let approved = wish.record != Sym::EMPTY && wish.approver != Sym::EMPTY;
                (!approved || old).then_some(wish.not_before)
            }
        }
    }
}
