//! A change: one intended mutation, as a sealed plan lists it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{CaseKey, ChangeId, Encoder, Namespace, State, StateHash, Time};

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Give a grant.
    Grant,
    /// Take a grant.
    Revoke,
    /// Change attributes of what is held.
    Update,
    /// Let it end later.
    Extend,
    /// Let it end earlier.
    Shorten,
    /// Let it work again.
    Enable,
    /// Keep it, but let it not work.
    Disable,
    /// Make an account.
    Create,
    /// Delete an account.
    Delete,
    /// Make a credential.
    Issue,
    /// Make a new credential in the place of an old one.
    Rotate,
    /// Give it another owner.
    Reown,
}

impl ChangeKind {
    /// Whether it takes access away.
    #[must_use]
    pub const fn removes(self) -> bool {
        matches!(self, Self::Revoke | Self::Shorten | Self::Disable | Self::Delete)
    }

    /// Whether it may add access. An update may.
    #[must_use]
    pub const fn adds(self) -> bool {
        matches!(self, Self::Grant | Self::Update | Self::Extend | Self::Enable | Self::Create | Self::Issue | Self::Rotate)
    }

    /// Its stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Revoke => "revoke",
            Self::Update => "update",
            Self::Extend => "extend",
            Self::Shorten => "shorten",
            Self::Enable => "enable",
            Self::Disable => "disable",
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Issue => "issue",
            Self::Rotate => "rotate",
            Self::Reown => "reown",
        }
    }
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The host's order class of a change: a barrier inside its component, a priority elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Wave(pub u8);

impl Wave {
    /// Revokes of what expired, and disabling who left.
    pub const URGENT: Wave = Wave(0);
    /// Revokes that must precede a grant.
    pub const EXCLUSIVE: Wave = Wave(1);
    /// Accounts made or enabled.
    pub const ACCOUNTS: Wave = Wave(2);
    /// Grants, updates and new keys.
    pub const GRANTS: Wave = Wave(3);
    /// Routine revokes, old keys.
    pub const REVOKES: Wave = Wave(5);
    /// Routine disabling.
    pub const DISABLES: Wave = Wave(6);
    /// Deletions.
    pub const DELETES: Wave = Wave(7);
}

/// The queue that a change is admitted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Reduces access at an operator's call, before all else.
    Emergency,
    /// Everyday reconciliation.
    Routine,
    /// Clean-up that yields to routine work.
    Bulk,
    /// A person does it.
    Manual,
}

impl Lane {
    /// Its stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Emergency => "emergency",
            Self::Routine => "routine",
            Self::Bulk => "bulk",
            Self::Manual => "manual",
        }
    }
}

/// Something that must be opened before a change is dispatched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateKind {
    /// A scope, mode or rule that is new here removes something.
    Adoption,
    /// A source lost more rows than it plausibly does.
    Shrink,
    /// A removal budget is spent.
    Budget,
    /// A person must approve it.
    Approval,
    /// The clock is not to be trusted.
    Clock,
    /// A person must do it.
    Manual,
    /// Another writer says that it manages this: taking it over needs force.
    Claim,
}

impl GateKind {
    /// Every kind, in the order of declaration.
    pub const ALL: [GateKind; 7] =
        [Self::Adoption, Self::Shrink, Self::Budget, Self::Approval, Self::Clock, Self::Manual, Self::Claim];

    /// Its stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Adoption => "adoption",
            Self::Shrink => "shrink",
            Self::Budget => "budget",
            Self::Approval => "approval",
            Self::Clock => "clock",
            Self::Manual => "manual",
            Self::Claim => "claim",
        }
    }
}

/// A gate of one change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Gate {
    /// Which gate.
    pub kind: GateKind,
    /// Whose: the scope for adoption and budget, the tier for approval, the other writer for a claim.
    pub scope: String,
}

/// Why, in the rule's or the host's words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reason {
    /// Stable code.
    pub code: String,
    /// For people.
    pub text: String,
}

/// One line of a sealed plan. Fields stand in alphabetical order, so that what serde writes is canonical JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Expected after.
    pub after: State,
    /// The state that it changes.
    pub before: State,
    /// The identity whose changes wait for one another.
    pub component: String,
    /// Changes of this plan that must be confirmed first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends: Vec<ChangeId>,
    /// First plan that saw it disabled, this plan included; none where it works, or is gone afterwards.
    #[serde(default, skip_serializing_if = "Time::is_none")]
    pub disabled_since: Time,
    /// When the access that it adds ends, whether or not the target stores that: it is not given so late that it would land
    /// after it. None: it does not end, or none is added.
    #[serde(default, skip_serializing_if = "Time::is_none")]
    pub ends_at: Time,
    /// What must be opened before it is dispatched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
    /// Its name.
    pub id: ChangeId,
    /// Counts the lives of the case: raised when a closed grant is given anew.
    pub incarnation: u32,
    /// The case.
    pub key: CaseKey,
    /// What it does.
    pub kind: ChangeKind,
    /// Which queue.
    pub lane: Lane,
    /// When it may begin.
    #[serde(default, skip_serializing_if = "Time::is_none")]
    pub not_before: Time,
    /// Order within a wave.
    pub rank: i16,
    /// Why.
    pub reason: Reason,
    /// The source record that justifies it, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub record: String,
    /// The key of the case in recorded state.
    pub recorded_as: String,
    /// Barrier within a wave, from the rule's `after`.
    pub step: u16,
    /// Risk tier, 0 to 3.
    pub tier: u8,
    /// First plan that saw it observed and not desired, this plan included; none where it is desired, or is gone afterwards.
    #[serde(default, skip_serializing_if = "Time::is_none")]
    pub undesired_since: Time,
    /// Order class.
    pub wave: Wave,
    /// Whether it takes away what sources desire: it is not given back until they have stopped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withholds: bool,
}

impl Change {
    /// A change of the routine lane in the wave of grants, of which nothing else is known: no gates, no dependencies, no reason.
    /// Its component is its holder, its recorded case the one of its own spelling.
    #[must_use]
    pub fn routine(tenant: &str, key: CaseKey, kind: ChangeKind, incarnation: u32, before: State, after: State) -> Change {
        let (was, is) = (StateHash::of(before.as_ref()), StateHash::of(after.as_ref()));
        Change {
            id: Change::id_of(tenant, &key, kind, incarnation, was, is),
            after,
            before,
            component: key.holder.clone(),
            depends: Vec::new(),
            disabled_since: Time::NONE,
            ends_at: Time::NONE,
            gates: Vec::new(),
            incarnation,
            kind,
            lane: Lane::Routine,
            not_before: Time::NONE,
            rank: 0,
            reason: Reason { code: String::new(), text: String::new() },
            record: String::new(),
            recorded_as: CaseKey::hash(key.subject, &key.target, &key.holder, &key.object).to_string(),
            step: 0,
            tier: 0,
            undesired_since: Time::NONE,
            wave: Wave::GRANTS,
            withholds: false,
            key,
        }
    }

    /// Digest of tenant, case, kind, incarnation, before and after.
    #[must_use]
    pub fn id_of(
        tenant: &str,
        key: &CaseKey,
        kind: ChangeKind,
        incarnation: u32,
        before: StateHash,
        after: StateHash,
    ) -> ChangeId {
        let mut encoder = Encoder::new("trueup.change");
        encoder.text(tenant).text(&key.target).text(&key.holder).number(key.subject as i64).text(&key.object);
        encoder.text(kind.name()).number(i64::from(incarnation)).bytes(&before.0.to_be_bytes()).bytes(&after.0.to_be_bytes());
        ChangeId(encoder.finish())
    }

    /// The namespaces that it holds while its effect is unknown, sorted.
    #[must_use]
    pub fn namespaces(&self) -> Vec<Namespace> {
        let mut all = vec![Namespace::Principal(self.key.target.clone(), self.key.holder.clone())];
        if !self.key.object.is_empty() {
            all.push(Namespace::Resource(self.key.target.clone(), self.key.object.clone()));
        }
        all
    }
}
