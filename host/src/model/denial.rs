//! Deny-until: what an emergency revoke leaves behind. Owns which cases it covers; who may make or lift one is for `engine`.

use serde::{Deserialize, Serialize};

use super::{CaseKey, Time};

/// Access that nothing routine may give again, until somebody lifts this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Denial {
    /// The system; empty for every system.
    pub target: String,
    /// The holder's native id.
    pub holder: String,
    /// The entitlement or credential; empty for everything that the holder has.
    pub object: String,
    /// Who called for it.
    pub by: String,
    /// Why.
    pub why: String,
    /// When.
    pub at: Time,
    /// When everything that it covers was seen to be gone; none while the emergency revoke goes on.
    #[serde(default, skip_serializing_if = "Time::is_none")]
    pub settled_at: Time,
    /// When it was lifted; none while it stands.
    #[serde(default, skip_serializing_if = "Time::is_none")]
    pub lifted_at: Time,
}

/// How far a denial has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DenialStep {
    /// It stands; what it covers is being taken away.
    Made,
    /// It stands, and everything that it covers was seen to be gone.
    Settled,
}

impl Denial {
    /// How far it has come.
    #[must_use]
    pub const fn step(&self) -> DenialStep {
        if self.settled_at.is_none() { DenialStep::Made } else { DenialStep::Settled }
    }

    /// Whether it stands.
    #[must_use]
    pub const fn stands(&self) -> bool {
        self.lifted_at.is_none()
    }

    /// Whether it stands and covers this case. A denial of one object does not cover the holder's account.
    #[must_use]
    pub fn covers(&self, key: &CaseKey) -> bool {
        self.stands()
            && self.holder == key.holder
            && (self.target.is_empty() || self.target == key.target)
            && (self.object.is_empty() || self.object == key.object)
    }

    /// What a later denial replaces an earlier one by.
    pub(crate) fn key(&self) -> (String, String, String) {
        (self.target.clone(), self.holder.clone(), self.object.clone())
    }
}
