//! Five people, one login.
//!
//! What several people use together tells nobody who did it. Where it cannot be
//! avoided it needs an owner, and holds nothing of high risk: that goes, or waits
//! for a person where it is kept for emergencies.
//!
//! It knows an account as shared where a source says that its identity is a
//! group. A password that people pass on it cannot see.

use trueup_guest::prelude::*;

/// What can be set for a tenant.
#[derive(Settings, Clone, Debug)]
pub struct Settings {
    /// Risk tier that a shared account may not reach.
    #[setting(default = 2, min = 0, max = 4)]
    pub shared_below_tier: i64,
}

/// Why it says what it says.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is too risky for an account that several people use.
    SharedTooRisky,
    /// It is too risky for an account that several people use, and kept for emergencies.
    SharedBreakGlass,
    /// Several people use this account, and nobody answers for it.
    SharedUnowned,
    /// Several people use this account, and nobody knows whether this is there or wanted.
    SharedUnknown,
}

/// Judges one case.
#[rule(name = "shared-accounts", columns(identity_owner, tier))]
pub fn shared_accounts(case: Case<'_>, cx: &Context<Settings>) -> Option<Verdict<Why>> {
    if case.identity().kind() != IdentityKind::Group {
        return None;
    }
    if case.is_unknown() {
        return Some(Verdict::hold(Why::SharedUnknown));
    }
    let risky = case.reaches_tier(cx.settings.shared_below_tier);
    if risky && case.is_break_glass() {
        return Some(Verdict::hold(Why::SharedBreakGlass));
    }
    if risky {
        let asked = case.is_missing().then(|| Verdict::hold(Why::SharedTooRisky));
        return asked.or_else(|| Verdict::take(case, Why::SharedTooRisky));
    }
    case.identity().owner().is_none().then(|| Verdict::hold(Why::SharedUnowned))
}

trueup_guest::cases!("cases/shared-accounts");
trueup_guest::laws!();
