//! Somebody starts on Monday.
//!
//! A first day without a login is a lost day, and access before the first day is
//! a leak. Accounts come first, then the base access that everybody has, each
//! after its account, and before whatever else is granted. Nothing comes before
//! it may begin.
//!
//! It gives only what a source lists: which access is the base of a unit is for
//! the source to derive, not for a rule.

use trueup_guest::prelude::*;

/// What can be set for a tenant.
#[derive(Settings, Clone, Debug)]
pub struct Settings {
    /// Objects that everybody has.
    #[setting(default = ["role:member"])]
    pub base_access: Vec<String>,
}

/// Why it says what it says.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// An account, made before anything that it is to hold.
    JoinerAccount,
    /// Everybody has it, and it comes right after its account.
    JoinerBase,
    /// Everybody has it, and its account is not made.
    JoinerNoAccount,
    /// It comes on the first day, which is not today.
    JoinerNotYet,
    /// Nobody knows whether this account or base access is there or wanted.
    JoinerUnknown,
}

/// Judges one case.
#[rule(name = "joiners", columns(not_before))]
pub fn joiners(case: Case<'_>, cx: &Context<Settings>) -> Option<Verdict<Why>> {
    let is_base = case.is_account() || cx.settings.base_access.iter().any(|object| object == case.object());
    if !is_base || !case.identity().is_person() || case.identity().has_left(cx) {
        return None;
    }
    if case.is_unknown() {
        return Some(Verdict::hold(Why::JoinerUnknown));
    }
    if !case.is_missing() || case.is_withheld() || case.has_expired(cx) {
        return None;
    }
    if !case.is_wanted_now(cx) {
        return cx.is_future(case.not_before()).then(|| Verdict::keep(Why::JoinerNotYet));
    }
    if case.is_account() {
        return Some(Verdict::present(Why::JoinerAccount).rank(-20));
    }
    let same = |other: &Case<'_>| other.is_account() && other.target() == case.target() && other.holder() == case.holder();
    let base = Verdict::present(Why::JoinerBase).rank(-10);
    Some(match case.identity().cases().find(same) {
        Some(account) if account.observed().is_absent() => match account.is_wanted_now(cx) && !account.is_withheld() {
            true => base.after(account),
            false => Verdict::hold(Why::JoinerNoAccount),
        },
        Some(account) if account.is_unknown() => Verdict::hold(Why::JoinerNoAccount),
        _ => base,
    })
}

trueup_guest::cases!("cases/joiners");
trueup_guest::laws!();
