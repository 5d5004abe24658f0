//! When may we delete the account?
//!
//! An account that is switched off can be switched on again, by whoever gets hold
//! of the directory. After some months without anybody who wants it, it is
//! deleted; not while something still hangs on it, because without the account
//! nobody can remove that any more.
//!
//! Accounts for emergencies rest as long as they like. What a source still lists,
//! even switched off, is not deleted.

use trueup_guest::prelude::*;

/// What can be set for a tenant.
#[derive(Settings, Clone, Debug)]
pub struct Settings {
    /// Days for which an account rests before it is deleted.
    #[setting(default = 90, min = 1, max = 3650)]
    pub rest_days: i64,
}

/// Why it says what it says.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It has been switched off for long enough, so it is deleted.
    RestedEnough,
    /// It is switched off, and will be deleted.
    Resting,
    /// It would be deleted, but something still hangs on it.
    RestsStillHolds,
    /// It is switched off, and kept for emergencies.
    RestsBreakGlass,
    /// Nobody knows whether this account is there or wanted.
    RestsUnknown,
}

/// Judges one case.
#[rule(name = "disabled-accounts", columns(disabled_since))]
pub fn disabled_accounts(case: Case<'_>, cx: &Context<Settings>) -> Option<Verdict<Why>> {
    if !case.is_account() {
        return None;
    }
    if case.is_unknown() {
        return Some(Verdict::hold(Why::RestsUnknown));
    }
    if !case.is_undesired() || case.observed() != Side::Disabled || !case.is_changeable() {
        return None;
    }
    let hangs_on_it = |other: Case<'_>| {
        !other.is_account() && other.target() == case.target() && other.holder() == case.holder() && !other.observed().is_absent()
    };
    Some(if case.is_break_glass() {
        Verdict::keep(Why::RestsBreakGlass)
    } else if !case.disabled_for(Days(cx.settings.rest_days), cx) {
        Verdict::keep(Why::Resting)
    } else if case.identity().cases().any(hangs_on_it) {
        Verdict::keep(Why::RestsStillHolds)
    } else {
        Verdict::absent(Why::RestedEnough)
    })
}

trueup_guest::cases!("cases/disabled-accounts");
trueup_guest::laws!(|laws| laws.identities(2_000));
