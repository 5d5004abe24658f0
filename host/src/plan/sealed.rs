//! The noun of planning, as it is stored: a header, chunks of changes, and what was held.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{CaseKey, Digest, Reason, Time};

/// What a plan was made from. No file names, threads, run numbers or version tokens: equal facts give an equal plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// The one instant.
    pub as_of: Time,
    /// Digest of the sorted canonical facts.
    pub facts: Digest,
    /// Version of the planner's own rules of order.
    pub planner: u32,
    /// Name of the determinism profile.
    pub profile: String,
    /// Digest of recorded state.
    pub recorded: Digest,
    /// The rule, as name@version.
    pub rule: String,
    /// SHA-256 of the rule's component.
    pub rule_module: Digest,
    /// Digest of managed scopes.
    pub scopes: Digest,
    /// Digest of the rule's settings.
    pub settings: Digest,
    /// The tenant.
    pub tenant: String,
    /// Root over the verdict columns of all batches.
    pub verdicts: Digest,
}

/// First line of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// How many changes.
    pub changes: u64,
    /// Format of the file.
    pub format: u32,
    /// How many held lines.
    pub held: u64,
    /// What it was made from.
    pub inputs: Inputs,
    /// Counts for people.
    pub summary: Summary,
}

/// Counts of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Changes per kind.
    pub by_kind: BTreeMap<String, u64>,
    /// Changes per tier.
    pub by_tier: BTreeMap<String, u64>,
    /// Changes per gate; one without a gate counts nowhere.
    pub gated: BTreeMap<String, u64>,
    /// Held cases per code (the rule's reason or the host's refusal).
    pub held: BTreeMap<String, u64>,
    /// Kept cases per reason code.
    pub kept: BTreeMap<String, u64>,
}

/// One case that is not changed although the rule or the facts ask for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldLine {
    /// Whether the host refused (`host`) or the rule held it (`rule`).
    pub by: String,
    /// What the rule proposed.
    pub effect: String,
    /// The case.
    pub key: CaseKey,
    /// Why.
    pub reason: Reason,
}
