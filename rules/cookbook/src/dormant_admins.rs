//! An administrator who never logs in.
//!
//! Privileged access that nobody uses helps nobody but whoever steals it. After
//! two months it goes, whatever the sources list; whoever needs it again asks
//! again. Access for emergencies stays, because nobody hopes to use it.
//!
//! A target that does not report use is no proof that nobody used it: without a
//! last use nothing goes.

use trueup_guest::prelude::*;

/// What can be set for a tenant.
#[derive(Settings, Clone, Debug)]
pub struct Settings {
    /// Days after which unused privileged access goes.
    #[setting(default = 60, min = 1, max = 3650)]
    pub dormant_days: i64,
}

/// Why it says what it says.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is privileged, and nobody has used it for too long.
    AdminDormant,
    /// It is privileged, and nobody knows whether it is there or wanted.
    AdminUnknown,
}

/// Judges one case.
#[rule(name = "dormant-admins", columns(last_used, not_before))]
pub fn dormant_admins(case: Case<'_>, cx: &Context<Settings>) -> Option<Verdict<Why>> {
    if !case.is_privileged() || case.is_break_glass() {
        return None;
    }
    if case.is_unknown() {
        return Some(Verdict::hold(Why::AdminUnknown));
    }
    match case.unused_for(Days(cx.settings.dormant_days), cx) {
        true => Verdict::take(case, Why::AdminDormant),
        false => None,
    }
}

trueup_guest::cases!("cases/dormant-admins");
trueup_guest::laws!();
