//! The stage: facts in order, cases of whole identities, recorded state, batches. Owns the parallel pass; its result does
//! not depend on how many threads work.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use super::order::{Order, order};
use super::sides::Pairing;
use super::{Case, Cases, Identity, Recorded, batches, recorded};
use crate::discover::Snapshot;
use crate::link::Links;
use crate::model::{AttributeMask, Fact, KeyHash, Scopes, Sym, Time};
use crate::target::Profile;

/// What correlation must know of a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TargetFacts {
    /// The attributes that it stores: others are not compared.
    pub attributes: AttributeMask,
    /// Whether accounts are objects of their own there; else rows about accounts only link identities.
    pub accounts: bool,
}

impl From<&Profile> for TargetFacts {
    fn from(profile: &Profile) -> Self {
        let attributes = profile.attributes.iter().fold(0, |mask, attribute| mask | *attribute as u32);
        TargetFacts { attributes: AttributeMask(attributes), accounts: profile.accounts }
    }
}

/// What correlation is told.
#[derive(Clone, Copy, Debug)]
pub struct CorrelateContext<'a> {
    /// The tenant: part of the order of identities.
    pub tenant: &'a str,
    /// The one instant of the plan.
    pub as_of: Time,
    /// Where the host may write.
    pub scopes: &'a Scopes,
    /// Targets by name.
    pub targets: &'a BTreeMap<String, TargetFacts>,
    /// How many threads may work.
    pub threads: usize,
}

/// Why cases cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum CorrelateError<E> {
    /// Recorded state cannot be read.
    #[error(transparent)]
    Recorded(E),
    /// Recorded state does not ascend.
    #[error("recorded state is out of order at key {key}")]
    Unsorted {
        /// Where.
        key: KeyHash,
    },
    /// More cases than one run can number.
    #[error("{facts} facts are more than one run can hold; split the estate into tenants")]
    TooMany {
        /// How many.
        facts: u64,
    },
}

/// Pairs what is desired, observed and recorded into cases. `recorded` ascends by key.
///
/// # Errors
/// When recorded state cannot be read, or there is more than one run can hold.
pub fn correlate<E>(
    mut snapshot: Snapshot,
    links: Links,
    recorded: impl Iterator<Item = Result<Recorded, E>>,
    context: &CorrelateContext<'_>,
) -> Result<Cases, CorrelateError<E>> {
    let facts = (snapshot.desired.len() + snapshot.observed.len()) as u64;
    if facts >= u64::from(u32::MAX) {
        return Err(CorrelateError::TooMany { facts });
    }
    forget_owners_who_left(&mut snapshot, &links, context.as_of);
    let ranks = snapshot.symbols.ranks();
    let order = order(&snapshot, &links, context, &ranks).ok_or(CorrelateError::TooMany { facts })?;
    let (cases, identities) = pair(&snapshot, &links, context, &order, &ranks);
    let Order { targets, target_number, .. } = order;
    drop(ranks);
    let batches = batches::cut(&identities);
    let mut cases =
        Cases { snapshot, links, recorded: Vec::new(), unlisted: Vec::new(), identities, cases, batches, apart: Vec::new() };
    let stores = |fact: &Fact| {
        let number = target_number.get(fact.target.0 as usize);
        number.and_then(|&n| targets.get(usize::from(n))).map(|(_, facts)| facts.attributes).unwrap_or_default()
    };
    recorded::merge(&mut cases, recorded, stores, context.as_of)?;
    Ok(cases)
}

/// Who has left answers for nobody any more.
fn forget_owners_who_left(snapshot: &mut Snapshot, links: &Links, as_of: Time) {
    let left: HashSet<Sym> = snapshot.people.iter().filter(|p| p.has_left(as_of)).map(|p| links.holder(p.identity)).collect();
    for person in snapshot.people.iter_mut().filter(|person| left.contains(&links.holder(person.owner))) {
        person.owner = Sym::EMPTY;
    }
}

/// What one thread made: cases, and for each identity its number and how many cases it has.
type Share = (Vec<Case>, Vec<(usize, u32)>);

fn pair(
    snapshot: &Snapshot,
    links: &Links,
    context: &CorrelateContext<'_>,
    order: &Order,
    ranks: &[u32],
) -> (Vec<Case>, Vec<Identity>) {
    let pairing = Pairing::new(snapshot, links, context, order, ranks);
    let shares: Vec<Share> = std::thread::scope(|scope| {
        let ranges = shares(order, context.threads);
        let work = |range: Range<usize>| pair_share(&pairing, order, order.keys.get(range).unwrap_or(&[]));
        let tasks: Vec<_> = ranges.into_iter().map(|range| scope.spawn(move || work(range))).collect();
        tasks.into_iter().map(|task| task.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let people = people(snapshot, links);
    let mut cases = Vec::new();
    let mut identities = Vec::with_capacity(order.identities.len());
    let mut start = 0;
    for (mut share, counts) in shares {
        if cases.is_empty() {
            cases = share;
        } else {
            cases.append(&mut share);
        }
        for (number, count) in counts {
            if let Some(&(digest, name)) = order.identities.get(number) {
                identities.push(Identity { name, digest, person: people.get(&name).copied(), cases: start..start + count });
                start += count;
            }
        }
    }
    (cases, identities)
}

/// Who is known by a name. Of two spellings, the one that is furthest in its life is believed, as in discovery.
fn people(snapshot: &Snapshot, links: &Links) -> HashMap<Sym, u32> {
    let status = |i: u32| snapshot.people.get(i as usize).map_or(0, |person| person.status as u8);
    let mut people = HashMap::new();
    for (i, person) in (0u32..).zip(&snapshot.people) {
        let slot = people.entry(links.holder(person.identity)).or_insert(i);
        *slot = if status(i) > status(*slot) { i } else { *slot };
    }
    people
}

/// Ranges of keys of about equal size that cut no identity.
fn shares(order: &Order, threads: usize) -> Vec<Range<usize>> {
    let identity = |key: &u128| key >> order.below_identity;
    let share = order.keys.len().div_ceil(threads.max(1)).max(1);
    let mut ranges = Vec::new();
    let mut start = 0;
    while start < order.keys.len() {
        let last = (start + share).min(order.keys.len()) - 1;
        let of_last = order.keys.get(last).map(identity);
        let rest = order.keys.get(last..).unwrap_or(&[]);
        let end = last + rest.iter().take_while(|key| Some(identity(key)) == of_last).count();
        ranges.push(start..end);
        start = end.max(start + 1);
    }
    ranges
}

fn pair_share(pairing: &Pairing<'_>, order: &Order, keys: &[u128]) -> Share {
    let mut cases = Vec::with_capacity(keys.len());
    let mut counts: Vec<(usize, u32)> = Vec::new();
    for group in keys.chunk_by(|a, b| a >> order.below_case == b >> order.below_case) {
        let Some(case) = pairing.case(group) else { continue };
        cases.push(case);
        let identity = group.first().map_or(0, |key| (key >> order.below_identity) as usize);
        match counts.last_mut() {
            Some((last, count)) if *last == identity => *count += 1,
            _ => counts.push((identity, 1)),
        }
    }
    cases.shrink_to_fit();
    (cases, counts)
}
