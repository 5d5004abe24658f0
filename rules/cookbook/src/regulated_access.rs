//! The auditor wants to look at it for another year.
//!
//! Some access has to stay for a time after its reason is gone: who could read
//! the trading archive must be able to, while the inquiry may still ask. It is
//! kept from the first plan that saw it unwanted, for as long as the regulation
//! says, and then goes. What a leaver has of it waits for a person: the archive
//! is not read with the account of somebody who is gone.
//!
//! It does not keep what a source takes back with an end of its own: that has
//! expired, and is for other policies.

use trueup_guest::prelude::*;

/// What can be set for a tenant.
#[derive(Settings, Clone, Debug)]
pub struct Settings {
    /// Beginnings of the objects that are regulated.
    #[setting(default = ["archive:"])]
    pub regulated: Vec<String>,
    /// Days for which they stay once no source wants them.
    #[setting(default = 365, min = 0, max = 3650)]
    pub regulated_days: i64,
}

/// Why it says what it says.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is regulated, and the time for which it has to stay has not passed.
    RegulatedKept,
    /// It is regulated, and the time for which it had to stay has passed.
    RegulatedOver,
    /// It is regulated, has to stay, and its holder has left.
    RegulatedLeaver,
    /// It is regulated, and nobody knows whether it is there or wanted.
    RegulatedUnknown,
}

/// Judges one case.
#[rule(name = "regulated-access", columns(undesired_since))]
pub fn regulated_access(case: Case<'_>, cx: &Context<Settings>) -> Option<Verdict<Why>> {
    if !cx.settings.regulated.iter().any(|start| case.object().starts_with(start.as_str())) {
        return None;
    }
    if case.is_unknown() {
        return Some(Verdict::hold(Why::RegulatedUnknown));
    }
    if !case.is_undesired() || !case.is_changeable() {
        return None;
    }
    if case.undesired_for(Days(cx.settings.regulated_days), cx) {
        return Verdict::take(case, Why::RegulatedOver);
    }
    Some(match case.identity().has_left(cx) {
        true => Verdict::hold(Why::RegulatedLeaver),
        false => Verdict::keep(Why::RegulatedKept),
    })
}

trueup_guest::cases!("cases/regulated-access");
trueup_guest::laws!();
