//! What a rule is asked, known without wasmtime.

use super::settings::Settings;
use crate::model::Time;

/// What holds for all batches of a plan.
#[derive(Clone, Copy, Debug)]
pub struct Judging<'a> {
    /// The plan's one instant.
    pub as_of: Time,
    /// Settings that fit the module.
    pub settings: &'a Settings,
    /// Whether somebody reads along: the rule may then log what it thinks.
    pub explain: bool,
}

/// What a key names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum KeyKind {
    /// A holder's native id.
    Holder = 0,
    /// An entitlement or credential.
    Object = 1,
}

impl KeyKind {
    /// The kind of this number, as links count them: 0 holders, objects else.
    #[cfg(feature = "sqlite")]
    pub(crate) const fn of(kind: u8) -> Self {
        if kind == 0 { Self::Holder } else { Self::Object }
    }

    /// In a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Holder => "holder",
            Self::Object => "object",
        }
    }
}
