//! Do not remove the last owner.
//!
//! A repository without an owner is one that nobody can repair: not even to name
//! the next owner. Where a removal would take the last one, by its end, its
//! holder's leaving or its record's, it waits until somebody else owns it too.
//!
//! A rule sees one identity at a time and cannot count owners. So the vendor
//! counts them in a column of its own, `owners`; without one, let the host do it
//! with `min_holders` in the catalogue.

use trueup_guest::prelude::*;

/// What can be set for a tenant.
#[derive(Settings, Clone, Debug)]
pub struct Settings {
    /// Levels that make somebody an owner.
    #[setting(default = ["owner"])]
    pub owner_levels: Vec<String>,
}

/// Why it says what it says.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It would go, and with it the last owner.
    LastOwner,
    /// It is an owner's, and nobody knows whether it is there or wanted.
    OwnerUnknown,
}

/// Judges one case.
#[rule(name = "last-owners", columns(level, "owners"))]
pub fn last_owners(case: Case<'_>, cx: &Context<Settings>) -> Option<Verdict<Why>> {
    let level = case.observed_level()?;
    if !cx.settings.owner_levels.iter().any(|owner| owner == level) {
        return None;
    }
    if case.is_unknown() {
        return Some(Verdict::hold(Why::OwnerUnknown));
    }
    let goes = case.is_undesired() || case.has_expired(cx) || case.identity().has_left(cx);
    let last = case.observed().exists() && case.vendor_integer("owners").is_none_or(|owners| owners < 2);
    (goes && last).then(|| Verdict::hold(Why::LastOwner))
}

trueup_guest::cases!("cases/last-owners");
trueup_guest::laws!(|laws| laws.vendor("owners", &["0", "1", "2"]));
