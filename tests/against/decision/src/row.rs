//! One case as a plain struct: what the decision reads, and nothing else.

use serde::{Deserialize, Serialize};

/// An instant that is not recorded. All others are seconds since 1970.
pub const NONE: i64 = 0;

/// Bit of [`Row::differs`]: whether it is switched on.
pub const ENABLED: u8 = 1;
/// Bit of [`Row::differs`]: its level.
pub const LEVEL: u8 = 1 << 1;
/// Bit of [`Row::differs`]: when it ends.
pub const EXPIRES_AT: u8 = 1 << 2;

macro_rules! coded {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(into = "u8", from = "u8")]
        #[repr(u8)]
        pub enum $name { $($(#[$of])* $variant),* }

        impl From<$name> for u8 {
            fn from(value: $name) -> u8 {
                value as u8
            }
        }

        impl From<u8> for $name {
            /// A code beyond the last one is the last one: the most cautious.
            #[inline]
            fn from(code: u8) -> Self {
                const ALL: &[$name] = &[$($name::$variant),*];
                ALL.get(usize::from(code)).or(ALL.last()).copied().unwrap_or(ALL[0])
            }
        }
    };
}

coded! {
    /// What a case is about.
    Subject {
        /// An account.
        Account,
        /// An entitlement that it holds.
        Grant,
        /// A key, token or certificate.
        Credential,
    }
}

coded! {
    /// What one side says.
    Side {
        /// It is not there.
        Absent,
        /// It is there and works.
        Present,
        /// It is there and switched off.
        Disabled,
        /// Nobody knows.
        Unknown,
        /// Nobody knows, because two holders could be the same identity.
        Disputed,
    }
}

coded! {
    /// What an identity is.
    Kind {
        /// No source says.
        Unknown,
        /// A human.
        Person,
        /// A service, workload, agent or device.
        Machine,
        /// A group.
        Group,
    }
}

impl Side {
    /// Whether it is there.
    #[must_use]
    #[inline]
    pub const fn exists(self) -> bool {
        matches!(self, Side::Present | Side::Disabled)
    }
}

/// One case.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Row<'a> {
    /// When desired access ends.
    pub expires_at: i64,
    /// When desired access may begin.
    pub not_before: i64,
    /// When it was last used.
    pub last_used: i64,
    /// Who answers for its identity.
    pub identity_owner: Option<&'a str>,
    /// What it is for.
    pub purpose: Option<&'a str>,
    /// The record that justifies it.
    pub record: Option<&'a str>,
    /// Who approved that record.
    pub approver: Option<&'a str>,
    /// What it is about.
    pub subject: Subject,
    /// What the sources say.
    pub desired: Side,
    /// What the target holds.
    pub observed: Side,
    /// What was last confirmed.
    pub recorded: Side,
    /// What its identity is.
    pub identity_kind: Kind,
    /// Attributes that differ between desired and observed, as bits.
    pub differs: u8,
    /// Risk tier, 0 lowest to 3 highest.
    pub tier: u8,
    /// Held through something else.
    pub inherited: bool,
    /// Nobody may change it.
    pub immutable: bool,
    /// Somebody else changed it since it was recorded.
    pub changed_elsewhere: bool,
    /// This tenant's plans wrote it.
    pub claimed: bool,
    /// It is privileged.
    pub privileged: bool,
    /// It is kept for emergencies.
    pub break_glass: bool,
    /// Extras of its scope may stay.
    pub additive: bool,
    /// It was taken away while it was wanted.
    pub withheld: bool,
}

/// What holds for all cases: the instant, and the rule's settings.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Now {
    /// The plan's instant.
    pub as_of: i64,
    /// Days after which unused access goes; 0: never.
    pub unused_days: i64,
    /// Tier from which access needs a purpose and an approver.
    pub justify_from_tier: i64,
    /// Whether desired access needs a record.
    pub require_record: bool,
    /// Tier from which a machine without an owner is switched off.
    pub disable_orphans_from_tier: i64,
}

/// What an engine is handed at once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Batch<'a> {
    /// What holds for all of it.
    pub now: Now,
    /// The cases.
    #[serde(borrow)]
    pub rows: Vec<Row<'a>>,
}
