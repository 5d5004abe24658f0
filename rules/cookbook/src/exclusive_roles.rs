//! These two must not be in one hand.
//!
//! Whoever enters a payment does not release it. Roles that exclude each other
//! stand in one exclusion group of the catalogue. A second one is held while
//! there is a first, or while both are asked for. Where both are there, the one
//! that no source wants goes, before anything is granted; where both are wanted a
//! person decides.
//!
//! It sees one identity at a time: the same human under two names is two to it.
//! Only cases in a group are compared with the others.

use trueup_guest::prelude::*;

/// Why it says what it says.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// With it the identity would have two roles that exclude each other.
    ExclusiveSecond,
    /// The identity has two roles that exclude each other.
    ExclusiveBoth,
    /// It excludes another role that the identity has, and no source wants it.
    ExclusiveUnwanted,
    /// It excludes other roles, and nobody knows whether it is there or wanted.
    ExclusiveUnknown,
}

/// Judges one case.
#[rule(name = "exclusive-roles", columns(exclusion))]
pub fn exclusive_roles(case: Case<'_>, _cx: &Context) -> Option<Verdict<Why>> {
    case.exclusion()?;
    if case.is_unknown() {
        return Some(Verdict::hold(Why::ExclusiveUnknown));
    }
    let mut others = case.identity().cases().filter(|other| case.conflicts_with(*other));
    if case.is_missing() {
        let second = others.any(|other| other.desired().exists() || !other.observed().is_absent());
        return second.then(|| Verdict::hold(Why::ExclusiveSecond));
    }
    if case.observed().is_absent() || !others.any(|other| !other.observed().is_absent()) {
        return None;
    }
    match case.is_undesired() && !case.is_break_glass() {
        true => Verdict::take(case, Why::ExclusiveUnwanted).map(Verdict::exclusive),
        false => Some(Verdict::hold(Why::ExclusiveBoth)),
    }
}

trueup_guest::cases!("cases/exclusive-roles");
trueup_guest::laws!();
