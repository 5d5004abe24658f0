//! Whether what a plan did may be undone: the same guarantees as for a rule's proposals, held against the facts of now. What
//! cannot come back is told. Owns no order, no states and no change: those are for `plan`.

use std::collections::HashMap;

use super::decision::{Cause, Decision, Gates, Refusal};
use super::ground::Ground;
use super::guard::{Proposal, guard_undo};
use super::{Policy, across, weigh};
use crate::correlate::{Case, Cases, Identity, Side};
use crate::discover::{Completeness, Scan, ScanSide};
use crate::model::{Change, ChangeKind, KeyHash, Mode, Subject, Time};

/// What may be done to undo a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undone {
    /// The case; none when neither sources nor the target know it any more.
    pub case: Option<u32>,
    /// What to do.
    pub kind: ChangeKind,
    /// Risk tier: one above the change's own and the host's.
    pub tier: u8,
    /// What must be opened first, besides the approval that whatever may add access needs.
    pub gates: Gates,
}

/// Decides of each confirmed change whether it may be undone.
#[must_use]
pub fn undo(cases: &Cases, policy: &Policy<'_>, changes: &[Change]) -> Vec<Result<Undone, Refusal>> {
    let ground = Ground::new(cases, policy);
    let wanted: HashMap<KeyHash, usize> =
        changes.iter().enumerate().filter_map(|(i, change)| Some((KeyHash::parse(&change.recorded_as)?, i))).collect();
    let mut found: HashMap<usize, (u32, &Identity)> = HashMap::new();
    for identity in &cases.identities {
        for index in identity.cases.clone() {
            let case = cases.cases.get(index as usize);
            if let Some(change) = case.and_then(|case| wanted.get(&case.key)) {
                found.insert(*change, (index, identity));
            }
        }
    }
    let one = |(i, change): (usize, &Change)| {
        let kind = inverse(change)?;
        if KeyHash::parse(&change.recorded_as).is_some_and(|key| policy.unsettled.contains(&key)) {
            return Err(Refusal::EffectUnknown);
        }
        match found.get(&i).and_then(|(index, identity)| Some((*index, cases.cases.get(*index as usize)?, *identity))) {
            Some((index, case, identity)) => undo_case(&ground, change, kind, (index, case, identity)),
            None => undo_unknown(cases, policy, change, kind),
        }
    };
    let mut undone: Vec<_> = changes.iter().enumerate().map(one).collect();
    forbid(&ground, &mut undone);
    undone
}

/// What the catalogue demands holds against a rollback too. It has an order of its own, so nothing may rely on another one.
fn forbid(ground: &Ground<'_>, all: &mut [Result<Undone, Refusal>]) {
    let decision = |undone: &Undone| {
        Some(Decision {
            case: undone.case?,
            identity: 0,
            kind: undone.kind,
            mask: 0,
            ends_at: Time::NONE,
            cause: Cause::Routine,
            tier: undone.tier,
            rank: 0,
            after: None,
            reason: None,
            gates: undone.gates,
        })
    };
    let refused = across::forbidden(ground, all.iter().flatten().filter_map(decision).collect());
    for one in all {
        let case = one.as_ref().ok().and_then(|undone| undone.case);
        if let Some(refusal) = case.and_then(|case| refused.get(&case)) {
            *one = Err(*refusal);
        }
    }
}

/// The kind that takes a change back.
fn inverse(change: &Change) -> Result<ChangeKind, Refusal> {
    use ChangeKind as K;
    Ok(match (change.kind, change.key.subject) {
        (K::Delete | K::Rotate, _) | (K::Revoke, Subject::Credential) => return Err(Refusal::Irreversible),
        (K::Revoke, _) => K::Grant,
        (K::Grant | K::Issue, _) => K::Revoke,
        (K::Create, _) => K::Delete,
        (K::Enable, _) => K::Disable,
        (K::Disable, _) => K::Enable,
        (K::Extend, _) => K::Shorten,
        (K::Shorten, _) => K::Extend,
        (K::Update, _) => K::Update,
        (K::Reown, _) => K::Reown,
    })
}

fn undo_case(
    ground: &Ground<'_>,
    change: &Change,
    kind: ChangeKind,
    (index, case, identity): (u32, &Case, &Identity),
) -> Result<Undone, Refusal> {
    let view = ground.view(case, identity);
    if ground.is_disputed(identity) || view.is_disputed() {
        return Err(Refusal::Disputed);
    }
    if case.observed_side == Side::Unknown {
        return Err(Refusal::ObservedUnknown);
    }
    let ends_at = change.before.as_ref().map_or(Time::NONE, |before| before.expires_at);
    guard_undo(&view, &Proposal { kind, mask: 0, until: Time::NONE, ends_at }, ground)?;
    let tier = weigh::one_up(weigh::tier(&view, kind, change.tier));
    Ok(Undone { case: Some(index), kind, tier, gates: weigh::gates(&view, kind, true) })
}

/// A change of a case that neither sources nor the target know any more: only a grant that was taken can be given back, and
/// only when it is known that it is not there and that nobody desires it.
fn undo_unknown(cases: &Cases, policy: &Policy<'_>, change: &Change, kind: ChangeKind) -> Result<Undone, Refusal> {
    if change.after.is_some() {
        return Err(Refusal::Moved);
    }
    if policy.denials.iter().any(|denial| denial.covers(&change.key)) {
        return Err(Refusal::Denied);
    }
    let Some(scope) = policy.scopes.find(&change.key.target, &change.key.object) else { return Err(Refusal::ObserveOnly) };
    if policy.scopes.0.get(scope).is_none_or(|scope| scope.mode == Mode::Observe) {
        return Err(Refusal::ObserveOnly);
    }
    let Some(target) = policy.targets.get(&change.key.target) else { return Err(Refusal::Unsupported) };
    let known = |side| {
        let speaks = |s: &&Scan| s.side == side && s.target == change.key.target && s.subjects.has(change.key.subject);
        let mut scans = cases.snapshot.scans.iter().filter(speaks).peekable();
        scans.peek().is_some() && scans.all(|scan| scan.completeness == Completeness::Complete)
    };
    if !known(ScanSide::Observed) {
        return Err(Refusal::ObservedUnknown);
    }
    if !known(ScanSide::Desired) {
        return Err(Refusal::DesiredUnknown);
    }
    let end = change.before.as_ref().map_or(Time::NONE, |before| before.expires_at);
    if end.is_some() && end <= policy.as_of.plus(i64::from(target.landing_bound)) {
        return Err(Refusal::ExpiresTooSoon);
    }
    Ok(Undone { case: None, kind, tier: weigh::one_up(change.tier), gates: Gates::default() })
}
