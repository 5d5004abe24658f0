//! What deciding is bound by besides the facts: the instant, scopes, adoptions, and what targets can do. Owns how a scope
//! is named when it is adopted.

use std::collections::{BTreeMap, BTreeSet};

use crate::ledger::Adoption;
use crate::model::{AttributeMask, Denial, Digest, Encoder, KeyHash, Mode, Scopes, Time};
use crate::target::Profile;

/// What the host is bound by. The catalogue comes with the cases' snapshot, recorded state with the cases.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// The one instant of the plan.
    pub as_of: Time,
    /// Where the host may write, and how far.
    pub scopes: &'a Scopes,
    /// What each target can do. A target that is missing is never written.
    pub targets: &'a BTreeMap<String, TargetPolicy>,
    /// Scopes that were looked at before.
    pub adoptions: &'a [Adoption],
    /// SHA-256 of the rule's component.
    pub module: Digest,
    /// What nothing routine may give again. Those that were lifted have no effect.
    pub denials: &'a [Denial],
    /// Cases that an earlier plan may have changed: nobody knows yet.
    pub unsettled: &'a BTreeSet<KeyHash>,
    /// Ends per target that the plan which this one amends had already: they count in the same budget.
    pub spent: &'a BTreeMap<String, u64>,
}

/// What deciding and planning must know of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetPolicy {
    /// The attributes that it stores.
    pub attributes: AttributeMask,
    /// Whether accounts are objects of their own there.
    pub accounts: bool,
    /// Whether it can make a new credential in the place of an old one.
    pub rotates: bool,
    /// How long a change may take to land, in seconds.
    pub landing_bound: u32,
}

impl From<&Profile> for TargetPolicy {
    fn from(profile: &Profile) -> Self {
        TargetPolicy {
            attributes: AttributeMask(profile.attributes.iter().fold(0, |mask, &a| mask | a as u32)),
            accounts: profile.accounts,
            rotates: false,
            landing_bound: profile.landing_bound,
        }
    }
}

impl Policy<'_> {
    /// Digest of the denials that stand, in whatever order they come; none when none stands.
    #[must_use]
    pub fn denials_digest(&self) -> Option<Digest> {
        let mut standing: Vec<&Denial> = self.denials.iter().filter(|denial| denial.stands()).collect();
        standing.sort_by_key(|denial| denial.key());
        let mut encoder = Encoder::new("trueup.denials");
        for Denial { target, holder, object, by, why, at, .. } in &standing {
            encoder.text(target).text(holder).text(object).text(by).text(why).number(at.seconds());
        }
        (!standing.is_empty()).then(|| encoder.finish())
    }

    /// Digest of the cases of unknown effect; none when there is none.
    #[must_use]
    pub fn unsettled_digest(&self) -> Option<Digest> {
        let mut encoder = Encoder::new("trueup.unsettled");
        self.unsettled.iter().for_each(|key| {
            encoder.bytes(&key.0);
        });
        (!self.unsettled.is_empty()).then(|| encoder.finish())
    }

    /// The name under which a scope is adopted: what it holds, without the earlier scopes that take keys from it, so that
    /// a scope that grows because an earlier one is gone is a new scope.
    #[must_use]
    pub fn adoption_name(&self, scope: usize) -> String {
        let Some(this) = self.scopes.0.get(scope) else { return String::new() };
        let earlier = self.scopes.0.iter().take(scope).filter(|s| s.target == this.target);
        earlier.fold(this.name(), |name, s| name + " except " + &s.objects)
    }

    /// Whether a scope was looked at before, under its mode and this rule; with `any_rule`, under whatever rule.
    #[must_use]
    pub fn is_adopted(&self, scope: usize, any_rule: bool) -> bool {
        let Some(mode) = self.scopes.0.get(scope).map(|s| s.mode) else { return false };
        let name = self.adoption_name(scope);
        mode == Mode::Observe
            || self.adoptions.iter().any(|a| a.scope == name && a.mode == mode && (any_rule || a.module == self.module))
    }
}
