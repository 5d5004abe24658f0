//! Whose key opens production?
//!
//! People go into production through a session that somebody can see; a key in a
//! person's hands is none. So keys of production are for machines alone: a
//! person's is not issued, and goes where it is found, whatever the source lists.
//! Where no source says whether the holder is a person, somebody has to find out.
//!
//! The key for emergencies is exempt; see `break_glass`.

use trueup_guest::prelude::*;

/// What can be set for a tenant.
#[derive(Settings, Clone, Debug)]
pub struct Settings {
    /// Targets that are production.
    #[setting(default = ["production"])]
    pub production: Vec<String>,
}

/// Why it says what it says.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A person or a group holds a key of production.
    PersonalKey,
    /// A person or a group is to get a key of production.
    PersonalKeyAsked,
    /// It is a key of production, and nobody knows whose, or whether it is there or wanted.
    ProductionKeyUnknown,
}

/// Judges one case.
#[rule(name = "production-keys")]
pub fn production_keys(case: Case<'_>, cx: &Context<Settings>) -> Option<Verdict<Why>> {
    let is_key = case.subject() == Subject::Credential && cx.settings.production.iter().any(|target| target == case.target());
    if !is_key || case.is_break_glass() || case.identity().is_machine() {
        return None;
    }
    if case.is_unknown() || case.identity().kind() == IdentityKind::Unknown {
        return Some(Verdict::hold(Why::ProductionKeyUnknown));
    }
    match case.is_missing() {
        true => Some(Verdict::hold(Why::PersonalKeyAsked)),
        false => Verdict::take(case, Why::PersonalKey),
    }
}

trueup_guest::cases!("cases/production-keys");
trueup_guest::laws!();
