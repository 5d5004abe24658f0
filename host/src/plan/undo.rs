//! A plan that undoes what another one did: the inverse of each confirmed change, from the states that are sealed there, in
//! an order in which every dependent goes before what it depends on. Owns no judgement: `decide` said what may be undone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;

use super::PlanError;
use super::change::{gates, observed_state, refused};
use super::draft::{Book, Draft};
use super::order::wave;
use super::seal::{Lines, Sealed, write_plan};
use super::sealed::{FORMAT, Header, HeldLine, Summary};
use crate::correlate::Case;
use crate::decide::{Cause, Refusal, Undone};
use crate::model::{CaseKey, Change, ChangeId, ChangeKind, Gate, GateKind, KeyHash, Lane, PlanId, Reason, StateHash, Time, Wave};
use crate::progress::Observer;

/// What is undone.
pub struct Undoing<'a> {
    /// Facts of now, policy and inputs; nothing is decided there by a rule.
    pub draft: Draft<'a>,
    /// The plan.
    pub plan: PlanId,
    /// Its confirmed changes that are to be undone, in plan order.
    pub changes: &'a [Change],
    /// What was decided of each.
    pub undone: &'a [Result<Undone, Refusal>],
    /// Changes that others depend on which are not undone.
    pub needed: &'a BTreeSet<ChangeId>,
    /// The life that each case is in, as recorded.
    pub lives: &'a BTreeMap<KeyHash, u32>,
}

/// An inverse that others have to wait for.
#[derive(Clone, Copy)]
struct Earlier {
    id: ChangeId,
    wave: Wave,
    step: u16,
}

/// Orders what is undone and writes it, as [`super::seal`] does.
///
/// # Errors
/// When the writer fails, or a line would be longer than plans may have.
pub fn seal_undoing(
    undoing: &Undoing<'_>,
    threads: usize,
    out: &mut dyn Write,
    observer: &dyn Observer,
) -> Result<Sealed, PlanError> {
    let book = Book::new(&undoing.draft);
    let (mut changes, held) = inverses(undoing, &book);
    changes.sort_by_cached_key(|change| {
        let CaseKey { target, holder, object, subject } = change.key.clone();
        (change.wave, change.step, change.rank, target, holder, object, subject, change.kind)
    });
    let header = Header {
        adopts: Vec::new(),
        changes: changes.len() as u64,
        format: FORMAT,
        held: held.len() as u64,
        inputs: undoing.draft.inputs.clone(),
        summary: summary(&changes, &held),
    };
    let lines = Lines { change: &|i: usize| changes.get(i).cloned(), held: &|i: usize| held.get(i).cloned() };
    write_plan(header, &lines, threads, out, observer)
}

/// The inverses, last change first, and what cannot be undone.
fn inverses(undoing: &Undoing<'_>, book: &Book<'_>) -> (Vec<Change>, Vec<HeldLine>) {
    let (mut changes, mut held) = (Vec::new(), Vec::new());
    let mut earlier: HashMap<ChangeId, Vec<Earlier>> = HashMap::new();
    let mut blocked: BTreeSet<ChangeId> = undoing.needed.clone();
    for (change, undone) in undoing.changes.iter().zip(undoing.undone).rev() {
        let inverse = match undone {
            Ok(_) if blocked.contains(&change.id) => Err((None, Refusal::Blocked)),
            Ok(undone) => inverse(undoing, book, change, undone, earlier.get(&change.id)).ok_or((undone.case, Refusal::Moved)),
            Err(refusal) => Err((None, *refusal)),
        };
        match inverse {
            Ok(inverse) => {
                let before = Earlier { id: inverse.id, wave: inverse.wave, step: inverse.step };
                change.depends.iter().for_each(|id| earlier.entry(*id).or_default().push(before));
                changes.push(inverse);
            }
            Err((case, refusal)) => {
                blocked.extend(&change.depends);
                let reason = refused(book, case.and_then(|case| book.case(case)), &change.key, refusal);
                let (by, effect) = ("host".to_owned(), "undo".to_owned());
                held.push(HeldLine { by, effect, key: change.key.clone(), proposed: change.reason.code.clone(), reason });
            }
        }
    }
    (changes, held)
}

/// The change that takes another one back; none when its case has moved since.
fn inverse(
    undoing: &Undoing<'_>,
    book: &Book<'_>,
    change: &Change,
    undone: &Undone,
    earlier: Option<&Vec<Earlier>>,
) -> Option<Change> {
    let case = undone.case.and_then(|case| book.case(case));
    let now = case.and_then(|case| observed_state(book, case));
    let (before, after) = (change.after.clone(), change.before.clone());
    if StateHash::of(now.as_ref()) != StateHash::of(before.as_ref()) {
        return None;
    }
    let kind = undone.kind;
    let life = KeyHash::parse(&change.recorded_as).and_then(|key| undoing.lives.get(&key)).copied().unwrap_or(change.incarnation);
    let incarnation = if kind == ChangeKind::Grant { life.saturating_add(1) } else { life };
    let (from, to) = (StateHash::of(before.as_ref()), StateHash::of(after.as_ref()));
    let id = Change::id_of(book.tenant, &change.key, kind, incarnation, from, to);
    let mut gates = gates(book, undone.gates, undone.tier, case);
    if kind.adds() {
        gates.push(Gate { kind: GateKind::Approval, scope: "rollback".to_owned() });
    }
    let (mut at, mut depends) = ((wave(kind, Cause::Routine), 0), Vec::new());
    for first in earlier.into_iter().flatten() {
        depends.push(first.id);
        if first.wave >= at.0 {
            at = at.max((first.wave, first.step.saturating_add(1)));
        }
    }
    let live = case.filter(|case| case.is_desired()).and_then(|case| book.desired(case));
    // As in any plan: what is gone begins anew, and what is taken while it is desired is kept away.
    let left = after.is_some();
    let since = |at: fn(&Case) -> Time| case.filter(|_| left).map_or(Time::NONE, at);
    Some(Change {
        withholds: !left && live.is_some(),
        disabled_since: since(|case| case.disabled_since),
        ends_at: live.filter(|_| kind.adds()).map_or(Time::NONE, |fact| fact.expires_at),
        undesired_since: since(|case| case.undesired_since),
        after,
        before,
        component: change.component.clone(),
        depends,
        gates,
        id,
        incarnation,
        key: change.key.clone(),
        kind,
        lane: Lane::Routine,
        not_before: live.filter(|_| kind.adds()).map_or(Time::NONE, |fact| fact.not_before),
        rank: change.rank.saturating_neg(),
        reason: Reason {
            code: "trueup:rollback".to_owned(),
            text: format!("undoes change {} of plan {}", change.id.0.short(), undoing.plan.0.short()),
        },
        record: live.map_or_else(String::new, |fact| book.text(fact.record).to_owned()),
        recorded_as: change.recorded_as.clone(),
        step: at.1,
        tier: undone.tier,
        wave: at.0,
    })
}

fn summary(changes: &[Change], held: &[HeldLine]) -> Summary {
    let mut summary = Summary::default();
    for change in changes {
        *summary.by_kind.entry(change.kind.name().to_owned()).or_default() += 1;
        *summary.by_tier.entry(change.tier.to_string()).or_default() += 1;
        let kinds: BTreeSet<GateKind> = change.gates.iter().map(|gate| gate.kind).collect();
        kinds.into_iter().for_each(|kind| *summary.gated.entry(kind.name().to_owned()).or_default() += 1);
    }
    held.iter().for_each(|line| *summary.held.entry(line.reason.code.clone()).or_default() += 1);
    summary
}
