//! The total order of a plan: which wave a change is in, how the rule's edges lift it, and what decides within a wave.
//! Compares texts, never the numbers of a dictionary, so that equal facts give an equal order.

use crate::correlate::Cases;
use crate::decide::{Cause, Decided, Decision};
use crate::model::{ChangeKind, Sym, Symbols, Wave};

/// The host's order class of a change.
#[must_use]
pub const fn wave(kind: ChangeKind, cause: Cause) -> Wave {
    match (kind, cause) {
        // Deleting first could make it impossible to take what the account still holds.
        (ChangeKind::Delete, _) => Wave::DELETES,
        (ChangeKind::Revoke | ChangeKind::Shorten | ChangeKind::Disable, Cause::Expiry | Cause::Denied | Cause::Leaver) => {
            Wave::URGENT
        }
        (ChangeKind::Revoke | ChangeKind::Shorten | ChangeKind::Disable, Cause::Exclusive) => Wave::EXCLUSIVE,
        (ChangeKind::Revoke | ChangeKind::Shorten, Cause::Routine) => Wave::REVOKES,
        (ChangeKind::Disable, Cause::Routine) => Wave::DISABLES,
        (ChangeKind::Create | ChangeKind::Enable, _) => Wave::ACCOUNTS,
        (
            ChangeKind::Grant
            | ChangeKind::Update
            | ChangeKind::Extend
            | ChangeKind::Issue
            | ChangeKind::Rotate
            | ChangeKind::Reown,
            _,
        ) => Wave::GRANTS,
    }
}

/// A decision in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub wave: Wave,
    pub step: u16,
    /// Index into the decisions.
    pub decision: u32,
}

/// All decisions in plan order.
pub(super) fn order(cases: &Cases, decided: &Decided) -> Vec<Placed> {
    let decisions = decided.decisions.as_slice();
    let ranks = ranks(cases, decisions);
    let rank = |sym: Sym| ranks.get(sym.0 as usize).copied().unwrap_or_default();
    let mut all: Vec<_> = decisions
        .iter()
        .zip(places(decided))
        .enumerate()
        .map(|(i, (decision, (wave, step)))| {
            let (target, holder, object, subject) = names(cases, decision);
            let text = (rank(target), rank(holder), rank(object));
            ((wave, step, decision.rank, text, subject, decision.kind), i as u32)
        })
        .collect();
    all.sort_unstable();
    all.into_iter().map(|((wave, step, ..), decision)| Placed { wave, step, decision }).collect()
}

/// Wave and step of each decision: its own wave, or as far as edges lift it, the rule's and the host's.
fn places(decided: &Decided) -> Vec<(Wave, u16)> {
    let decisions = decided.decisions.as_slice();
    let mut places: Vec<Option<(Wave, u16)>> = vec![None; decisions.len()];
    let mut path = Vec::new();
    for start in 0..decisions.len() {
        path.push(start);
        while let Some(&i) = path.last() {
            let Some(decision) = decisions.get(i).filter(|_| places.get(i) == Some(&None)) else {
                path.pop();
                continue;
            };
            // The bound only matters for edges in a cycle, which deciding does not let through.
            let open = |j: &usize| places.get(*j) == Some(&None) && path.len() <= decisions.len();
            if let Some(j) = before(decided, decision).find(open) {
                path.push(j);
                continue;
            }
            let last = before(decided, decision).filter_map(|j| places.get(j).copied().flatten()).max();
            let own = wave(decision.kind, decision.cause);
            let place = match last {
                Some((wave, step)) if wave >= own => (wave, step.saturating_add(1)),
                _ => (own, 0),
            };
            if let Some(slot) = places.get_mut(i) {
                *slot = Some(place);
            }
            path.pop();
        }
    }
    places.into_iter().map(|place| place.unwrap_or((Wave::GRANTS, 0))).collect()
}

/// Indices of the decisions that must come before this one: by the rule's edge, then by the host's.
pub(super) fn before<'a>(decided: &'a Decided, decision: &Decision) -> impl Iterator<Item = usize> + use<'a> {
    let (case, after) = (decision.case, decision.after);
    let first = decided.edges.partition_point(|edge| edge.later < case);
    let own = decided.edges.iter().skip(first).take_while(move |edge| edge.later == case).map(|edge| edge.earlier);
    let earlier = after.into_iter().chain(own.filter(move |earlier| Some(*earlier) != after));
    earlier.filter_map(move |case| decided.decisions.binary_search_by_key(&case, |d| d.case).ok())
}

fn names(cases: &Cases, decision: &Decision) -> (Sym, Sym, Sym, u8) {
    let case = cases.cases.get(decision.case as usize);
    case.and_then(|case| cases.native(case))
        .map_or_else(Default::default, |fact| (fact.target, fact.holder, fact.object, fact.subject as u8))
}

/// For each symbol that names a decided case: the rank of its text among those. Only these are sorted, because a plan is
/// mostly small and a dictionary large.
fn ranks(cases: &Cases, decisions: &[Decision]) -> Vec<u32> {
    let symbols: &Symbols = &cases.snapshot.symbols;
    let mut ranks = vec![u32::MAX; symbols.len()];
    let mut used = Vec::new();
    for decision in decisions {
        let (target, holder, object, _) = names(cases, decision);
        for sym in [target, holder, object] {
            if let Some(rank) = ranks.get_mut(sym.0 as usize)
                && *rank == u32::MAX
            {
                *rank = 0;
                used.push(sym);
            }
        }
    }
    used.sort_unstable_by(|&a, &b| symbols.text(a).cmp(symbols.text(b)));
    for (i, sym) in used.into_iter().enumerate() {
        if let Some(rank) = ranks.get_mut(sym.0 as usize) {
            *rank = i as u32;
        }
    }
    ranks
}
