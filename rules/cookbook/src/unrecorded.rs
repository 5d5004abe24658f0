//! There is access, and no request for it.
//!
//! What no record explains was given by hand, by a script, or by somebody who
//! should not have been there. It waits for some days, so that whoever needs it
//! can ask for it the right way, and then it goes. What a source wants without a
//! record behind it waits as well.
//!
//! Where extras may stay, in an additive scope, it leaves them alone. Access for
//! emergencies waits for a person however long it takes.

use trueup_guest::prelude::*;

/// What can be set for a tenant.
#[derive(Settings, Clone, Debug)]
pub struct Settings {
    /// Days for which access without a record may wait for one.
    #[setting(default = 7, min = 0, max = 365)]
    pub unrecorded_days: i64,
}

/// Why it says what it says.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// No source wants it, and there is time left to ask for it.
    UnrecordedFound,
    /// No source wanted it for as long as it could wait for one.
    UnrecordedGone,
    /// No source wants it, and it is kept for emergencies.
    UnrecordedBreakGlass,
    /// A source wants it without a record that says why.
    NoRecord,
    /// Nobody knows whether it is there or wanted.
    UnrecordedUnknown,
}

/// Judges one case.
#[rule(name = "unrecorded", columns(record, undesired_since))]
pub fn unrecorded(case: Case<'_>, cx: &Context<Settings>) -> Option<Verdict<Why>> {
    if case.is_unknown() {
        return Some(Verdict::hold(Why::UnrecordedUnknown));
    }
    if case.desired().exists() {
        return case.record().is_none().then(|| Verdict::hold(Why::NoRecord));
    }
    if !case.is_undesired() || !case.is_changeable() {
        return None;
    }
    if case.is_break_glass() {
        return Some(Verdict::hold(Why::UnrecordedBreakGlass));
    }
    match case.undesired_for(Days(cx.settings.unrecorded_days), cx) {
        true => Verdict::take(case, Why::UnrecordedGone),
        false => Some(Verdict::hold(Why::UnrecordedFound)),
    }
}

trueup_guest::cases!("cases/unrecorded");
trueup_guest::laws!();
