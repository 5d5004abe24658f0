//! What the host does by its own hand, whatever the rule says or whether there is one: it ends what an operator denied, and
//! what has expired where no rule answers. Owns no order: waves follow from the cause.

use super::batches::{At, ask, ends_at, subject};
use super::decision::{Cause, Decision, Gates, Held, Refusal};
use super::derive::{Derived, Effect, derive};
use super::edges::Outcome;
use super::ground::{Ground, View};
use super::guard::{Proposal, guard};
use super::weigh;
use crate::correlate::Side;
use crate::model::{Attribute, ChangeKind, Subject, Time};

/// What becomes of a case that the rule is not asked about; none: the rule is. While nobody knows what an earlier plan did to
/// it, nothing more is done.
pub(super) fn before_the_rule(ground: &Ground<'_>, view: &View<'_>, at: At) -> Option<Outcome> {
    match view {
        view if view.effect_unknown => Some(held(at, Refusal::EffectUnknown)),
        view if view.denied => end_denied(ground, view, at),
        _ => None,
    }
}

/// What is denied and still there goes, by the host's own hand: a denial outweighs desire and needs no gate, because an
/// operator called for it. An account is disabled rather than deleted. Scopes, modes and what a target can do bind it as
/// they bind a rule.
fn end_denied(ground: &Ground<'_>, view: &View<'_>, at: At) -> Option<Outcome> {
    let (effect, kind, mask) = match (subject(view), view.case.observed_side) {
        (_, Side::Absent | Side::Unknown) | (Subject::Account, Side::Disabled) => return None,
        (Subject::Account, Side::Present) => (Effect::Disabled, ChangeKind::Disable, Attribute::Enabled as u32),
        (Subject::Grant | Subject::Credential, _) => (Effect::Absent, ChangeKind::Revoke, 0),
    };
    let proposal = Proposal { kind, mask, until: Time::NONE, ends_at: ends_at(view, kind, mask, Time::NONE) };
    let checked = if at.disputed { Err(Refusal::Disputed) } else { guard(view, &proposal, ground) };
    Some(match checked {
        Ok(()) => Outcome::Planned(decision(view, at, &proposal, Cause::Denied, Gates::default()), effect),
        Err(refusal) => held(at, refusal),
    })
}

/// What becomes of a case whose batch has no answers: what has expired still goes, by the host's own hand; an account is
/// disabled rather than deleted. Everything else is held.
pub(super) fn without_rule(ground: &Ground<'_>, view: &View<'_>, at: At, refusal: Refusal) -> Outcome {
    if at.disputed || !view.has_expired(ground.as_of) || is_renewed(view, ground.as_of) {
        return held(at, refusal);
    }
    let effect = if subject(view) == Subject::Account { Effect::Disabled } else { Effect::Absent };
    let Derived::Change { kind, mask } = derive(&ask(view, effect, 0, Time::NONE)) else { return held(at, refusal) };
    let proposal = Proposal { kind, mask, until: Time::NONE, ends_at: ends_at(view, kind, mask, Time::NONE) };
    if guard(view, &proposal, ground).is_err() {
        return held(at, refusal);
    }
    Outcome::Planned(decision(view, at, &proposal, Cause::Expiry, weigh::gates(view, kind, true)), effect)
}

fn held(at: At, refusal: Refusal) -> Outcome {
    Outcome::Held(Held { case: at.case, effect: None, reason: None, refusal: Some(refusal) })
}

fn decision(view: &View<'_>, at: At, proposal: &Proposal, cause: Cause, gates: Gates) -> Decision {
    Decision {
        case: at.case,
        identity: at.identity,
        kind: proposal.kind,
        mask: proposal.mask,
        ends_at: proposal.ends_at,
        cause,
        tier: weigh::tier(view, proposal.kind, 0),
        rank: 0,
        after: None,
        reason: None,
        gates,
    }
}

/// Whether it is desired beyond the end that the target has.
fn is_renewed(view: &View<'_>, as_of: Time) -> bool {
    view.case.is_desired() && (view.desired_end().is_none() || view.desired_end() > as_of)
}
