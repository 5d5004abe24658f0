//! A contract ends on Friday. Does the access?
//!
//! Access of somebody with a last day ends on that day, whatever the request
//! said: it is written into the target, so that it ends even if nothing runs that
//! night. In the last days nothing new is given, because nobody reviews it any
//! more.
//!
//! It does not take away what has outlived its contract; see `leavers`. A longer
//! contract is longer access only once the source of people says so.

use trueup_guest::prelude::*;

/// What can be set for a tenant.
#[derive(Settings, Clone, Debug)]
pub struct Settings {
    /// Days before the last one in which nothing new is given.
    #[setting(default = 7, min = 0, max = 365)]
    pub last_days: i64,
}

/// Why it says what it says.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It ends with the contract, not later.
    ContractBound,
    /// The contract is about to end, so nothing new is given.
    ContractEnding,
    /// There is a contract with an end, and nobody knows what it has or should have here.
    ContractUnknown,
}

/// Judges one case.
#[rule(name = "contractors", columns(not_before))]
pub fn contractors(case: Case<'_>, cx: &Context<Settings>) -> Option<Verdict<Why>> {
    let end = case.identity().ends_at()?;
    if case.identity().has_left(cx) {
        return None;
    }
    if case.is_unknown() {
        return Some(Verdict::hold(Why::ContractUnknown));
    }
    if !case.is_wanted_now(cx) || !case.is_changeable() || case.is_withheld() {
        return None;
    }
    if case.is_missing() && case.identity().leaves_within(Days(cx.settings.last_days), cx) {
        return Some(Verdict::hold(Why::ContractEnding));
    }
    case.outlives_engagement().then(|| Verdict::present(Why::ContractBound).until(end))
}

trueup_guest::cases!("cases/contractors");
trueup_guest::laws!();
