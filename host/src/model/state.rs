//! The state of one case, as it is compared, written, read back and hashed.

use serde::{Deserialize, Serialize};

use super::{Encoder, Time};

/// One attribute that desired and observed may differ in: bits of `differs` in the rule contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u32)]
pub enum Attribute {
    /// Whether it works.
    Enabled = 1,
    /// The level (role).
    Level = 2,
    /// When it ends.
    ExpiresAt = 4,
    /// Who answers for it.
    Owner = 8,
    /// What it is for.
    Purpose = 16,
}

/// A set of attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AttributeMask(pub u32);

impl AttributeMask {
    /// Every attribute there is.
    pub const ALL: AttributeMask = AttributeMask(31);

    /// Whether an attribute is in the set.
    #[must_use]
    pub const fn has(self, attribute: Attribute) -> bool {
        self.0 & attribute as u32 != 0
    }
}

/// What is held, when something is held.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holding {
    /// Whether it works.
    pub enabled: bool,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Time::is_none")]
    pub expires_at: Time,
    /// The level (role), where level is an attribute.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub level: String,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub purpose: String,
}

impl Default for Holding {
    fn default() -> Self {
        Holding { enabled: true, expires_at: Time::NONE, level: String::new(), owner: String::new(), purpose: String::new() }
    }
}

/// The state of a case: nothing, or what is held.
pub type State = Option<Holding>;

/// Eight bytes that stand for a state in recorded state and as the base of a change. Zero stands for "nothing held".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StateHash(#[serde(with = "hex")] pub u64);

impl StateHash {
    /// Of nothing.
    pub const ABSENT: StateHash = StateHash(0);

    /// Of a state.
    #[must_use]
    pub fn of(state: Option<&Holding>) -> Self {
        state.map_or(Self::ABSENT, |h| Self::of_parts(h.enabled, &h.level, h.expires_at, &h.owner, &h.purpose))
    }

    /// Of what is held, without building a [`Holding`].
    #[must_use]
    pub fn of_parts(enabled: bool, level: &str, expires_at: Time, owner: &str, purpose: &str) -> Self {
        let mut encoder = Encoder::new("trueup.state");
        encoder.number(i64::from(enabled)).text(level).number(expires_at.seconds()).text(owner).text(purpose);
        StateHash(encoder.finish().prefix().max(1))
    }
}

mod hex {
    use serde::Deserialize;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(super) fn serialize<S: serde::Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{value:016x}"))
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map_err(serde::de::Error::custom)
    }
}
