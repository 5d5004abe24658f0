//! Somebody broke the glass. Who looks at it?
//!
//! Access for emergencies is granted for hours, with an end, and goes at that
//! end. Whoever used it has a person look at it for some days afterwards: it is
//! held, and stands on the list of what waits. Where no source lists it any more
//! a person decides, because to lose the last way in is worse than to keep it for
//! a day.
//!
//! It does not remove it for being unused: that is what it is for.

use trueup_guest::prelude::*;

/// What can be set for a tenant.
#[derive(Settings, Clone, Debug)]
pub struct Settings {
    /// Hours for which emergency access may be granted at once.
    #[setting(default = 8, min = 1, max = 720)]
    pub glass_hours: i64,
    /// Days after a use for which it waits for somebody to look at it.
    #[setting(default = 7, min = 0, max = 365)]
    pub glass_review_days: i64,
}

/// Why it says what it says.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The time for which emergency access was granted has passed.
    GlassOver,
    /// Emergency access was used, and somebody has to look at it.
    GlassUsed,
    /// Emergency access needs an end within hours.
    GlassTooLong,
    /// It is kept for emergencies, and no source lists it any more.
    GlassUnlisted,
    /// It is kept for emergencies, and nobody knows whether it is there or wanted.
    GlassUnknown,
}

/// Judges one case.
#[rule(name = "break-glass", columns(last_used, not_before))]
pub fn break_glass(case: Case<'_>, cx: &Context<Settings>) -> Option<Verdict<Why>> {
    if !case.is_break_glass() {
        return None;
    }
    if case.is_unknown() {
        return Some(Verdict::hold(Why::GlassUnknown));
    }
    if case.has_expired(cx) {
        return Verdict::take(case, Why::GlassOver);
    }
    if case.is_undesired() {
        return Some(Verdict::hold(Why::GlassUnlisted));
    }
    if case.observed().exists() && case.used_within(Days(cx.settings.glass_review_days), cx) {
        return Some(Verdict::hold(Why::GlassUsed));
    }
    case.granted_longer_than(Hours(cx.settings.glass_hours), cx).then(|| Verdict::hold(Why::GlassTooLong))
}

trueup_guest::cases!("cases/break-glass");
trueup_guest::laws!();
