//! Guests stay for ever.
//!
//! A guest is invited for a piece of work, and nobody thinks of them when it is
//! done. So what a guest has needs an end within weeks, goes at that end, and
//! goes before it when nobody uses it. The host of a guest extends it by asking
//! again.
//!
//! It knows guests by their unit. A guest that the source of people does not mark
//! is nobody's guest.

use trueup_guest::prelude::*;

/// What can be set for a tenant.
#[derive(Settings, Clone, Debug)]
pub struct Settings {
    /// Units whose people are guests.
    #[setting(default = ["guests"])]
    pub guest_units: Vec<String>,
    /// Days for which a guest may have something at once.
    #[setting(default = 30, min = 1, max = 3650)]
    pub guest_days: i64,
    /// Days after which what a guest does not use goes.
    #[setting(default = 21, min = 1, max = 3650)]
    pub guest_unused_days: i64,
}

/// Why it says what it says.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// What a guest has needs an end within weeks.
    GuestTooLong,
    /// The time for which a guest had it has passed.
    GuestOver,
    /// A guest has it and does not use it.
    GuestUnused,
    /// It is a guest's, and nobody knows whether it is there or wanted.
    GuestUnknown,
}

/// Judges one case.
#[rule(name = "guests", columns(identity_unit, last_used, not_before))]
pub fn guests(case: Case<'_>, cx: &Context<Settings>) -> Option<Verdict<Why>> {
    let unit = case.identity().unit()?;
    if !cx.settings.guest_units.iter().any(|guests| guests == unit) {
        return None;
    }
    if case.is_unknown() {
        return Some(Verdict::hold(Why::GuestUnknown));
    }
    if case.has_expired(cx) {
        return Verdict::take(case, Why::GuestOver);
    }
    if case.unused_for(Days(cx.settings.guest_unused_days), cx) {
        return Verdict::take(case, Why::GuestUnused);
    }
    case.granted_longer_than(Days(cx.settings.guest_days), cx).then(|| Verdict::hold(Why::GuestTooLong))
}

trueup_guest::cases!("cases/guests");
trueup_guest::laws!();
