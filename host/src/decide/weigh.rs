//! The host's share of a change that may be made: how urgent, how risky, and what must be opened first.

use super::decision::{Cause, Gates};
use super::ground::View;
use crate::model::{ChangeKind, Subject, Time};

/// Highest risk tier.
const TOP_TIER: u8 = 3;
/// What cannot be undone, and what gives power over others' access.
const SERIOUS_TIER: u8 = 2;

/// Why a change is urgent. An end that has passed outweighs a leaver, a leaver the rule's wish.
pub(super) fn cause(view: &View<'_>, kind: ChangeKind, exclusive: bool, as_of: Time) -> Cause {
    if !kind.removes() {
        Cause::Routine
    } else if view.has_expired(as_of) {
        Cause::Expiry
    } else if kind == ChangeKind::Disable && view.left {
        Cause::Leaver
    } else if exclusive {
        Cause::Exclusive
    } else {
        Cause::Routine
    }
}

/// The higher of the host's tier and the rule's.
pub(super) fn tier(view: &View<'_>, kind: ChangeKind, asked: u8) -> u8 {
    let subject = view.observed.or(view.desired).map(|fact| fact.subject);
    let irreversible = matches!(kind, ChangeKind::Delete | ChangeKind::Rotate)
        || (kind == ChangeKind::Revoke && subject == Some(Subject::Credential));
    let mut tier = view.entitlement.map_or(0, |e| e.tier).max(asked);
    if irreversible || view.is_privileged() {
        tier = tier.max(SERIOUS_TIER);
    }
    if view.is_break_glass() {
        tier = TOP_TIER;
    }
    tier.min(TOP_TIER)
}

/// The tier of undoing something of this tier.
pub(super) fn one_up(tier: u8) -> u8 {
    tier.saturating_add(1).min(TOP_TIER)
}

/// What must be opened first. The host's own revokes do not depend on the rule, nor does their adoption.
pub(super) fn gates(view: &View<'_>, kind: ChangeKind, by_host: bool) -> Gates {
    let adopted = if by_host { view.adopted_by_any } else { view.adopted };
    let approval = kind.removes() && view.is_break_glass();
    Gates { adoption: kind.removes() && !adopted, approval, budget: false, claim: view.of_another }
}
