//! It was granted for something else.
//!
//! Access is for a purpose. Where the sources now name another one than the
//! target records, low risk is brought in line, and high risk waits until
//! somebody other than the one who gains by it approved the new purpose.
//!
//! It compares what both sides state. Where the target records no purpose there
//! is nothing to compare.

use trueup_guest::prelude::*;

/// What can be set for a tenant.
#[derive(Settings, Clone, Debug)]
pub struct Settings {
    /// Risk tier from which a new purpose needs the approval of somebody else; 4 never does.
    #[setting(default = 1, min = 0, max = 4)]
    pub purpose_from_tier: i64,
}

/// Why it says what it says.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It has a new purpose, which the target takes over.
    PurposeNew,
    /// It has a new purpose that nobody else approved.
    PurposeNotApproved,
    /// Nobody knows whether it is there or wanted, so nobody knows what for.
    PurposeUnknown,
}

/// Judges one case.
#[rule(name = "purposes", columns(approver, observed_purpose, owner, tier))]
pub fn purposes(case: Case<'_>, cx: &Context<Settings>) -> Option<Verdict<Why>> {
    if case.is_unknown() {
        return Some(Verdict::hold(Why::PurposeUnknown));
    }
    if !case.purpose_changed() || case.observed_purpose().is_none() || !case.is_changeable() {
        return None;
    }
    let needs_approval = case.reaches_tier(cx.settings.purpose_from_tier);
    Some(match needs_approval && !case.is_approved_by_another() {
        true => Verdict::hold(Why::PurposeNotApproved),
        false => Verdict::true_up(Attributes::PURPOSE, Why::PurposeNew),
    })
}

trueup_guest::cases!("cases/purposes");
trueup_guest::laws!();
