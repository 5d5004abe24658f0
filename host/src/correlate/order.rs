//! The order of cases, as one integer per fact. Owns identities' order, the layout of the sort keys and their sorting.

use crate::discover::Snapshot;
use crate::link::Links;
use crate::model::{Digest, Encoder, Fact, Sym};

use super::pair::{CorrelateContext, TargetFacts};

/// Facts in the order of their cases.
pub(super) struct Order {
    /// Identities in the order of their digests.
    pub(super) identities: Vec<(Digest, Sym)>,
    /// One per fact: identity, subject, target, holder, object, side, index.
    pub(super) keys: Vec<u128>,
    /// Bits of a key below the identity.
    pub(super) below_identity: u32,
    /// Bits of a key below the case: side and index.
    pub(super) below_case: u32,
    /// Targets by their number in the keys, sorted by name.
    pub(super) targets: Vec<(Sym, TargetFacts)>,
    /// For each symbol its number as a target.
    pub(super) target_number: Vec<u16>,
}

/// Sorts the facts. None: there are more than a key can number.
pub(super) fn order(snapshot: &Snapshot, links: &Links, context: &CorrelateContext<'_>, ranks: &[u32]) -> Option<Order> {
    let (targets, target_number) = targets(snapshot, context);
    let texts = snapshot.symbols.len();
    let counts = |fact: &&Fact| {
        let target = target_number.get(fact.target.0 as usize).and_then(|&n| targets.get(usize::from(n)));
        fact.subject != crate::model::Subject::Account || target.is_some_and(|(_, facts)| facts.accounts)
    };
    let mut number = vec![u32::MAX; texts];
    let mut identities = Vec::new();
    for fact in snapshot.desired.iter().chain(&snapshot.observed).filter(counts) {
        let identity = links.identity(fact);
        if let Some(slot) = number.get_mut(identity.0 as usize).filter(|slot| **slot == u32::MAX) {
            *slot = 0;
            identities.push((Digest::default(), identity));
        }
    }
    digest(snapshot, context, &mut identities);
    identities.sort_unstable_by_key(|(digest, _)| *digest);
    for (at, (_, identity)) in (0u32..).zip(&identities) {
        if let Some(slot) = number.get_mut(identity.0 as usize) {
            *slot = at;
        }
    }
    let text_bits = bits(texts);
    let index_bits = bits(snapshot.desired.len().max(snapshot.observed.len()));
    let target_bits = bits(targets.len());
    let below_case = index_bits + 1;
    let below_identity = below_case + 2 * text_bits + target_bits + 2;
    if below_identity + bits(identities.len()) > u128::BITS {
        return None;
    }
    let of = |table: &[u32], sym: Sym| u128::from(table.get(sym.0 as usize).copied().unwrap_or(0));
    let key = |side: u128, index: usize, fact: &Fact| {
        let mut key = of(&number, links.identity(fact)) << 2 | fact.subject as u128;
        key = key << target_bits | u128::from(target_number.get(fact.target.0 as usize).copied().unwrap_or(0));
        key = key << text_bits | of(ranks, links.holder(fact.holder));
        key = key << text_bits | of(ranks, links.object(fact.object));
        (key << 1 | side) << index_bits | index as u128
    };
    let mut keys = Vec::with_capacity(snapshot.desired.len() + snapshot.observed.len());
    for (side, facts) in [(0, &snapshot.desired), (1, &snapshot.observed)] {
        keys.extend(facts.iter().enumerate().filter(|(_, fact)| counts(fact)).map(|(i, fact)| key(side, i, fact)));
    }
    sort(&mut keys, context.threads);
    Some(Order { identities, keys, below_identity, below_case, targets, target_number })
}

/// How many bits number `count` things.
fn bits(count: usize) -> u32 {
    usize::BITS - count.leading_zeros()
}

/// All targets in the order of their names, and for each symbol its number among them.
fn targets(snapshot: &Snapshot, context: &CorrelateContext<'_>) -> (Vec<(Sym, TargetFacts)>, Vec<u16>) {
    let mut number = vec![u16::MAX; snapshot.symbols.len()];
    let mut targets = Vec::new();
    for fact in snapshot.desired.iter().chain(&snapshot.observed) {
        if let Some(slot) = number.get_mut(fact.target.0 as usize).filter(|slot| **slot == u16::MAX) {
            *slot = 0;
            let facts = context.targets.get(snapshot.symbols.text(fact.target)).copied().unwrap_or_default();
            targets.push((fact.target, facts));
        }
    }
    targets.sort_by(|a, b| snapshot.symbols.text(a.0).cmp(snapshot.symbols.text(b.0)));
    for (at, (target, _)) in (0u16..).zip(&targets) {
        if let Some(slot) = number.get_mut(target.0 as usize) {
            *slot = at;
        }
    }
    (targets, number)
}

/// What orders identities: a digest of tenant and name.
#[must_use]
pub fn identity_digest(tenant: &str, name: &str) -> Digest {
    let mut encoder = Encoder::new("trueup.identity");
    encoder.text(tenant).text(name);
    encoder.finish()
}

/// Digest of tenant and name, for each identity.
fn digest(snapshot: &Snapshot, context: &CorrelateContext<'_>, identities: &mut [(Digest, Sym)]) {
    let share = identities.len().div_ceil(context.threads.max(1)).max(1);
    std::thread::scope(|scope| {
        for chunk in identities.chunks_mut(share) {
            scope.spawn(move || {
                for (digest, identity) in chunk {
                    *digest = identity_digest(context.tenant, snapshot.symbols.text(*identity));
                }
            });
        }
    });
}

/// Sorts shares on their threads; the stable sort then finds the runs and merges them.
fn sort(keys: &mut [u128], threads: usize) {
    let share = keys.len().div_ceil(threads.max(1)).max(1);
    std::thread::scope(|scope| {
        for chunk in keys.chunks_mut(share) {
            scope.spawn(|| chunk.sort_unstable());
        }
    });
    if threads > 1 {
        keys.sort();
    }
}
