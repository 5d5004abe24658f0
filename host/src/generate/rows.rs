//! The rows of sources and targets, as plain owned values. Field names are the names in the files. No logic.

use serde::Serialize;

use crate::model::{IdentityKind, IdentityStatus, Subject, Time};

/// One identity, as human resources or the machine registry knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PersonRow {
    /// Its name.
    pub identity: String,
    /// What it is.
    pub kind: IdentityKind,
    /// Where it stands.
    pub status: IdentityStatus,
    /// Who answers for it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// Its organisational unit, like `engineering/ledger-core`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// When it last changed its position.
    #[serde(skip_serializing_if = "Time::is_none")]
    pub moved_at: Time,
    /// When its engagement ends or ended.
    #[serde(skip_serializing_if = "Time::is_none")]
    pub ends_at: Time,
}

/// One desired account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountRow {
    /// The system that holds it.
    pub target: String,
    /// Its native id there.
    pub holder: String,
    /// Whose it is.
    pub identity: String,
    /// Whether it shall work.
    pub enabled: bool,
    /// Who answers for it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub owner: String,
}

/// One desired grant, or one desired credential (which has no level).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GrantRow {
    /// The system that holds it.
    pub target: String,
    /// The holder's native id there.
    pub holder: String,
    /// The entitlement or credential, as `type:name`.
    pub object: String,
    /// The level (role), where the entitlement has levels.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub level: String,
    /// Who the holder is.
    pub identity: String,
    /// Who answers for it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// What it is for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub purpose: String,
    /// The source record that justifies it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub record: String,
    /// Who approved that record; never the identity itself.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub approver: String,
    /// Not before this instant.
    #[serde(skip_serializing_if = "Time::is_none")]
    pub not_before: Time,
    /// When it ends by itself.
    #[serde(skip_serializing_if = "Time::is_none")]
    pub expires_at: Time,
    /// The object whose place it takes. Only credentials say so.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub replaces: String,
}

impl GrantRow {
    /// Whether it is desired at an instant: begun, and not expired.
    #[must_use]
    pub fn live_at(&self, at: Time) -> bool {
        self.not_before <= at && (self.expires_at.is_none() || self.expires_at > at)
    }
}

/// One entitlement of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntitlementRow {
    /// The target that has it.
    pub target: String,
    /// The object, as in [`GrantRow::object`].
    pub object: String,
    /// Risk tier, 0 to 3.
    pub tier: u8,
    /// Whether it gives power over others' access.
    pub privileged: bool,
    /// Whether it is kept for emergencies.
    pub break_glass: bool,
    /// Its exclusion group, or empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub exclusion: String,
    /// Who answers for it.
    pub owner: String,
}

/// One thing that a target holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObservedRow {
    /// What kind of thing.
    pub subject: Subject,
    /// The system that holds it.
    pub target: String,
    /// The holder's native id there.
    pub holder: String,
    /// The entitlement or credential, as `type:name`; empty for an account.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub object: String,
    /// The level (role), or empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub level: String,
    /// Whether it works.
    pub enabled: bool,
    /// Who answers for it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// What it is for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub purpose: String,
    /// When it ends by itself.
    #[serde(skip_serializing_if = "Time::is_none")]
    pub expires_at: Time,
    /// When it was last used; none: never.
    #[serde(skip_serializing_if = "Time::is_none")]
    pub last_used: Time,
    /// The grant that it is inherited from; empty: it is direct.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub via: String,
}

impl ObservedRow {
    /// What a target holds once it holds the desired grant or credential.
    #[must_use]
    pub fn of_grant(subject: Subject, row: GrantRow, last_used: Time) -> Self {
        ObservedRow {
            subject,
            target: row.target,
            holder: row.holder,
            object: row.object,
            level: row.level,
            enabled: true,
            owner: row.owner,
            purpose: row.purpose,
            expires_at: row.expires_at,
            last_used,
            via: String::new(),
        }
    }

    /// What a target holds once it holds the desired account.
    #[must_use]
    pub fn of_account(row: AccountRow, last_used: Time) -> Self {
        ObservedRow {
            subject: Subject::Account,
            target: row.target,
            holder: row.holder,
            object: String::new(),
            level: String::new(),
            enabled: row.enabled,
            owner: row.owner,
            purpose: String::new(),
            expires_at: Time::NONE,
            last_used,
            via: String::new(),
        }
    }
}
