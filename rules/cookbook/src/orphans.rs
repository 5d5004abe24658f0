//! Nobody answers for this service account.
//!
//! What a machine has needs somebody who is here and answers for it. Once nobody
//! does, nothing new is given; what is risky is switched off or taken away, and
//! the rest waits for a person, who names an owner or lets it go.
//!
//! It does not wait: a batch does not say since when nobody answers. Name the
//! next owner before the last one leaves.

use trueup_guest::prelude::*;

/// What can be set for a tenant.
#[derive(Settings, Clone, Debug)]
pub struct Settings {
    /// Risk tier from which what an orphan has is taken away rather than held; 4 only holds.
    #[setting(default = 2, min = 0, max = 4)]
    pub orphan_off_from_tier: i64,
}

/// Why it says what it says.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Nobody answers for this machine.
    Orphan,
    /// Nobody answers for this machine, and this is too risky to leave.
    OrphanOff,
    /// Nobody answers for this machine, and nobody knows whether this is there or wanted.
    OrphanUnknown,
}

/// Judges one case.
#[rule(name = "orphans", columns(identity_owner, tier))]
pub fn orphans(case: Case<'_>, cx: &Context<Settings>) -> Option<Verdict<Why>> {
    if !case.identity().is_orphan() {
        return None;
    }
    if case.is_unknown() {
        return Some(Verdict::hold(Why::OrphanUnknown));
    }
    let risky = case.reaches_tier(cx.settings.orphan_off_from_tier) && !case.is_break_glass();
    match case.observed().exists() && risky {
        true => Verdict::take(case, Why::OrphanOff),
        false => (case.is_missing() || case.observed().exists()).then(|| Verdict::hold(Why::Orphan)),
    }
}

trueup_guest::cases!("cases/orphans");
trueup_guest::laws!();
