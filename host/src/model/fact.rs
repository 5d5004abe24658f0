//! Facts as sources and targets state them: compact rows over a dictionary. Owns no judgement.

use serde::{Deserialize, Serialize};

use super::{Sym, Time};

/// What a case is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Subject {
    /// An identity's object in a target.
    Account = 0,
    /// A holder holds an entitlement.
    Grant = 1,
    /// A key, token or certificate.
    Credential = 2,
}

/// Marks of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct FactFlags(pub u8);

impl FactFlags {
    /// It exists but does not work: a disabled account or key.
    pub const DISABLED: u8 = 1;
    /// It comes from another grant, named in `via`.
    pub const INHERITED: u8 = 2;
    /// The target does not let it be changed.
    pub const IMMUTABLE: u8 = 4;

    /// Whether all of `bits` are set.
    #[must_use]
    pub const fn has(self, bits: u8) -> bool {
        self.0 & bits == bits
    }
}

/// One row: an account, grant or credential that a source desires or a target holds.
#[derive(Clone, Copy, Debug)]
pub struct Fact {
    /// What kind of thing.
    pub subject: Subject,
    /// Its marks.
    pub flags: FactFlags,
    /// Index into [`crate::Snapshot::scans`]: the scan that it came from.
    pub scan: u16,
    /// Line of the source's file, from one; zero when there is none. For messages only: never hashed or compared.
    pub line: u32,
    /// The system that holds it.
    pub target: Sym,
    /// The holder's native id there.
    pub holder: Sym,
    /// The entitlement or credential as `type:name`; empty for an account.
    pub object: Sym,
    /// The level (role), where level is an attribute; empty otherwise.
    pub level: Sym,
    /// The identity that a source links the holder to; empty when it says nothing.
    pub identity: Sym,
    /// Who answers for it.
    pub owner: Sym,
    /// What it is for.
    pub purpose: Sym,
    /// Desired: the live source record that justifies it.
    pub record: Sym,
    /// Desired: who approved that record.
    pub approver: Sym,
    /// Observed: where inherited access comes from.
    pub via: Sym,
    /// Desired: the object whose place it takes.
    pub replaces: Sym,
    /// Observed: the writer that says it manages this, where the target keeps such a mark; empty: nobody does, or
    /// [`Fact::OURS`].
    pub managed_by: Sym,
    /// Desired: not before this instant.
    pub not_before: Time,
    /// When it ends by itself.
    pub expires_at: Time,
    /// Observed: when it was last used.
    pub last_used: Time,
}

impl Fact {
    /// The mark by which trueup says that it manages something.
    pub const OURS: &str = "trueup";

    /// A present, enabled fact with nothing else known.
    #[must_use]
    pub const fn new(subject: Subject, target: Sym, holder: Sym, object: Sym) -> Self {
        const E: Sym = Sym::EMPTY;
        Fact {
            subject,
            flags: FactFlags(0),
            scan: 0,
            line: 0,
            target,
            holder,
            object,
            level: E,
            identity: E,
            owner: E,
            purpose: E,
            record: E,
            approver: E,
            via: E,
            replaces: E,
            managed_by: E,
            not_before: Time::NONE,
            expires_at: Time::NONE,
            last_used: Time::NONE,
        }
    }
}

/// What an identity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum IdentityKind {
    /// No source says.
    #[default]
    Unknown = 0,
    /// A human.
    Person = 1,
    /// A service account, workload, agent or device.
    Machine = 2,
    /// A group that itself holds grants.
    Group = 3,
}

/// Where an identity stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum IdentityStatus {
    /// No source says.
    #[default]
    Unknown = 0,
    /// At work.
    Active = 1,
    /// Away, to return.
    OnLeave = 2,
    /// Notice given; still here.
    Leaving = 3,
    /// Gone.
    Left = 4,
}

/// What sources say of an identity.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// Its name.
    pub identity: Sym,
    /// What it is.
    pub kind: IdentityKind,
    /// Where it stands.
    pub status: IdentityStatus,
    /// Who answers for it.
    pub owner: Sym,
    /// Its organisational unit.
    pub unit: Sym,
    /// When it last changed its position.
    pub moved_at: Time,
    /// When its engagement ends or ended.
    pub ends_at: Time,
}

impl Person {
    /// Whether it is gone: a source says so, or its engagement has ended.
    #[must_use]
    pub fn has_left(&self, as_of: Time) -> bool {
        self.status == IdentityStatus::Left || (self.ends_at.is_some() && self.ends_at <= as_of)
    }
}

/// What the catalogue says of an entitlement.
#[derive(Clone, Copy, Debug)]
pub struct Entitlement {
    /// The target that has it; empty: every target.
    pub target: Sym,
    /// The object, as in [`Fact::object`].
    pub object: Sym,
    /// Risk tier, 0 to 3.
    pub tier: u8,
    /// Whether it gives power over others' access.
    pub privileged: bool,
    /// Whether it is kept for emergencies.
    pub break_glass: bool,
    /// Its exclusion group, or empty: nobody holds more than one of a group.
    pub exclusion: Sym,
    /// Who answers for it.
    pub owner: Sym,
    /// Holders below which no plan takes it; zero: it may be held by nobody.
    pub min_holders: u16,
    /// The object of the same target that it belongs to: held before it, given up after it; or empty.
    pub parent: Sym,
}
