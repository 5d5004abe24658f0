//! Builds the lines of a plan, one at a time, when they are written: a change from its decision and case, and what is told
//! of a held case.

use super::draft::Book;
use super::order::{Placed, before};
use super::sealed::HeldLine;
use crate::correlate::{Case, Side, traits};
use crate::decide::{Cause, Decision, Gates, Held, Refusal};
use crate::model::{
    Attribute, AttributeMask, CaseKey, Change, ChangeId, ChangeKind, Fact, FactFlags, Gate, GateKind, Holding, Lane, Reason,
    State, StateHash, Time,
};

/// Traits of what is ours and was changed by somebody else.
const FOREIGN: u32 = traits::CLAIMED | traits::CHANGED;
/// What the host adds to the reason of a change of it: whether the change undoes the edit or follows it is for the rule.
const FOREIGN_EDIT: &str = " (foreign edit: somebody else changed what trueup gave)";

/// The change of a decision in its place; none when the decision names no case.
pub(super) fn change(book: &Book<'_>, placed: Placed) -> Option<Change> {
    let decision = book.decided.decisions.get(placed.decision as usize)?;
    let case = book.case(decision.case)?;
    let Named { key, incarnation, before, after, id } = named(book, decision, case);
    let mut reason = book.why(decision, &key);
    if case.traits & FOREIGN == FOREIGN {
        reason.text += FOREIGN_EDIT;
    }
    let live = book.desired(case).filter(|_| case.is_desired());
    // Since when it has been so is for what is left of it: what is gone begins anew.
    let left = after.is_some();
    let since = |time: Time| if left { time } else { Time::NONE };
    Some(Change {
        after,
        before,
        component: book.identity(decision.identity).to_owned(),
        depends: depends(book, decision),
        disabled_since: since(case.disabled_since),
        ends_at: live.filter(|_| decision.kind.adds()).map_or(Time::NONE, |fact| earliest(decision.ends_at, fact.expires_at)),
        gates: gates(book, decision.gates, decision.tier, Some(case)),
        id,
        incarnation,
        key,
        kind: decision.kind,
        lane: Lane::Routine,
        not_before: live.filter(|_| decision.kind.adds()).map_or(Time::NONE, |fact| fact.not_before),
        rank: decision.rank,
        reason,
        record: live.map_or_else(String::new, |fact| book.text(fact.record).to_owned()),
        recorded_as: case.key.to_string(),
        step: placed.step,
        tier: decision.tier,
        undesired_since: since(case.undesired_since),
        wave: placed.wave,
        // What is denied is kept away by the denial, and no longer than it stands.
        withholds: !left && live.is_some() && decision.cause != Cause::Denied,
    })
}

/// The first of two ends, either of which may be none.
fn earliest(one: Time, other: Time) -> Time {
    if one.is_none() || (other.is_some() && other < one) { other } else { one }
}

/// What a change's name is made of, and the name.
struct Named {
    key: CaseKey,
    incarnation: u32,
    before: State,
    after: State,
    id: ChangeId,
}

fn named(book: &Book<'_>, decision: &Decision, case: &Case) -> Named {
    let key = book.key(case);
    let incarnation = incarnation(book, decision.kind, case);
    let before = observed_state(book, case);
    let after = expected(book, decision, case, before.as_ref());
    let (from, to) = (StateHash::of(before.as_ref()), StateHash::of(after.as_ref()));
    let id = Change::id_of(book.tenant, &key, decision.kind, incarnation, from, to);
    Named { key, incarnation, before, after, id }
}

fn depends(book: &Book<'_>, decision: &Decision) -> Vec<ChangeId> {
    let earlier = before(book.decided, decision).filter_map(|i| book.decided.decisions.get(i));
    earlier.filter_map(|earlier| Some(named(book, earlier, book.case(earlier.case)?).id)).collect()
}

/// A closed life is over, and so is one that ended unseen when the thing is made anew: both open the next one, so that a
/// change of the new life never shares its name with one of the old.
fn incarnation(book: &Book<'_>, kind: ChangeKind, case: &Case) -> u32 {
    let Some(recorded) = case.recorded.and_then(|i| book.cases.recorded.get(i as usize)) else { return 1 };
    let makes = matches!(kind, ChangeKind::Grant | ChangeKind::Create | ChangeKind::Issue);
    if makes || recorded.is_closed() { recorded.incarnation.saturating_add(1) } else { recorded.incarnation }
}

pub(super) fn observed_state(book: &Book<'_>, case: &Case) -> State {
    let fact = book.observed(case)?;
    Some(holding(book, fact, case.observed_side, fact.expires_at))
}

/// What a fact says, as far as the target stores it.
fn holding(book: &Book<'_>, fact: &Fact, side: Side, expires_at: Time) -> Holding {
    let stores = book.attributes(fact.target);
    let text = |attribute, sym| if stores.has(attribute) { book.text(sym).to_owned() } else { String::new() };
    let disabled = side == Side::Disabled || fact.flags.has(FactFlags::DISABLED);
    Holding {
        enabled: !(stores.has(Attribute::Enabled) && disabled),
        expires_at: if stores.has(Attribute::ExpiresAt) { expires_at } else { Time::NONE },
        level: text(Attribute::Level, fact.level),
        owner: text(Attribute::Owner, fact.owner),
        purpose: text(Attribute::Purpose, fact.purpose),
    }
}

fn expected(book: &Book<'_>, decision: &Decision, case: &Case, before: Option<&Holding>) -> State {
    if matches!(decision.kind, ChangeKind::Revoke | ChangeKind::Delete) {
        return None;
    }
    let wanted = book.desired(case).map(|fact| holding(book, fact, case.desired_side, decision.ends_at));
    let Some(mut after) = before.cloned() else { return wanted };
    let writes = AttributeMask(decision.mask);
    if let Some(wanted) = wanted {
        // What desired does not state stays as it is.
        let take = |attribute, from: &String, to: &mut String| {
            if writes.has(attribute) && !from.is_empty() {
                to.clone_from(from);
            }
        };
        take(Attribute::Level, &wanted.level, &mut after.level);
        take(Attribute::Owner, &wanted.owner, &mut after.owner);
        take(Attribute::Purpose, &wanted.purpose, &mut after.purpose);
        if writes.has(Attribute::ExpiresAt) {
            after.expires_at = wanted.expires_at;
        }
    }
    match decision.kind {
        ChangeKind::Disable => after.enabled = false,
        ChangeKind::Enable | ChangeKind::Rotate => after.enabled = true,
        _ => {}
    }
    Some(after)
}

/// The gates of a change, spelled out.
pub(super) fn gates(book: &Book<'_>, gates: Gates, tier: u8, case: Option<&Case>) -> Vec<Gate> {
    let Gates { adoption, approval, budget, claim } = gates;
    let mut gates = Vec::new();
    if adoption {
        let scope = case.and_then(|case| case.scope).and_then(|i| book.scopes.get(usize::from(i))).cloned().unwrap_or_default();
        gates.push(Gate { kind: GateKind::Adoption, scope });
    }
    if budget {
        let target = case.map(|case| book.key(case).target).unwrap_or_default();
        gates.push(Gate { kind: GateKind::Budget, scope: format!("expiry of {target}") });
    }
    if approval {
        gates.push(Gate { kind: GateKind::Approval, scope: tier.to_string() });
    }
    if claim {
        let writer = case.and_then(|case| book.observed(case)).map_or("", |fact| book.text(fact.managed_by));
        gates.push(Gate { kind: GateKind::Claim, scope: writer.to_owned() });
    }
    if book.clock_doubted {
        gates.push(Gate { kind: GateKind::Clock, scope: String::new() });
    }
    gates
}

/// What is told of a held case; none when it names no case.
pub(super) fn held_line(book: &Book<'_>, held: &Held) -> Option<HeldLine> {
    let case = book.case(held.case)?;
    let (by, reason) = match (held.refusal, held.reason) {
        (Some(refusal), _) => ("host", refused(book, Some(case), &book.key(case), refusal)),
        (None, Some(reason)) => ("rule", book.reason(reason)),
        (None, None) => ("rule", Reason { code: String::new(), text: String::new() }),
    };
    let proposed = held.reason.filter(|_| held.refusal.is_some()).map_or_else(String::new, |i| book.reason(i).code);
    let effect = held.effect.map_or("none", |effect| effect.name()).to_owned();
    Some(HeldLine { by: by.to_owned(), effect, key: book.key(case), proposed, reason })
}

/// Why the host does not do something, with what it knows of the case.
pub(super) fn refused(book: &Book<'_>, case: Option<&Case>, key: &CaseKey, refusal: Refusal) -> Reason {
    let mut text = refusal.text().to_owned();
    if refusal == Refusal::Inherited
        && let Some(via) = case.and_then(|case| book.observed(case)).map(|fact| book.text(fact.via)).filter(|via| !via.is_empty())
    {
        text += &format!(": `{via}`");
    }
    if refusal == Refusal::Denied
        && let Some(denial) = book.denial(key)
    {
        text += &format!(": {denial}");
    }
    Reason { code: refusal.code().to_owned(), text }
}
