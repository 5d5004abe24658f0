//! Somebody left. What now?
//!
//! On the day somebody leaves, their account is switched off at once, and what it
//! holds goes. Whatever is still there an hour later is of the highest tier, so
//! that it goes first and shows in reports. Access for emergencies goes too: it
//! is the one that hurts most in the wrong hands. Nothing new is given, though
//! sources are slow and still list it.
//!
//! It does not delete the account; see `disabled_accounts`.

use trueup_guest::prelude::*;

/// What can be set for a tenant.
#[derive(Settings, Clone, Debug)]
pub struct Settings {
    /// Hours after the last day from which what a leaver still has is of the highest tier.
    #[setting(default = 1, min = 0, max = 720)]
    pub leaver_hours: i64,
}

/// Why it says what it says.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The identity has left, so this goes.
    LeaverOff,
    /// The identity left longer ago than this may take.
    LeaverLate,
    /// The identity has left and gets nothing new.
    LeaverNothingNew,
    /// The identity has left, and nobody knows what it has or should have here.
    LeaverUnknown,
}

/// Judges one case.
#[rule(name = "leavers")]
pub fn leavers(case: Case<'_>, cx: &Context<Settings>) -> Option<Verdict<Why>> {
    let identity = case.identity();
    if !identity.has_left(cx) {
        return None;
    }
    if case.is_unknown() {
        return Some(Verdict::hold(Why::LeaverUnknown));
    }
    if case.is_missing() {
        return Some(Verdict::keep(Why::LeaverNothingNew));
    }
    match identity.has_left_for(Hours(cx.settings.leaver_hours), cx) {
        true => Verdict::take(case, Why::LeaverLate).map(|verdict| verdict.tier(3)),
        false => Verdict::take(case, Why::LeaverOff),
    }
}

trueup_guest::cases!("cases/leavers");
trueup_guest::laws!();
