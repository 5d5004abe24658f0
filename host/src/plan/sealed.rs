//! The noun of planning, as it is stored: lines of canonical JSON. First the header, then the changes in plan order, then
//! what was held, last the trailer with the digest of each chunk of lines. Fields stand in alphabetical order, so that
//! what serde writes is canonical.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{CaseKey, Digest, Encoder, Mode, PlanId, Reason, Time};

/// Version of the rules of order and of what a change holds: part of a plan's inputs.
pub const PLANNER: u32 = 4;
/// Versions under which this one still makes the plans that they made: a change that alters plans raises [`PLANNER`], and only
/// what can still be made as it was stays listed.
pub const PLANNERS: &[u32] = &[PLANNER];
/// Format of plan files that this version writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

/// What a plan was made from. No file names, threads, run numbers or version tokens: equal facts give an equal plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// The plan that this one amends: cases that moved while that was committed, looked at again. None for a plan of its
    /// own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amends: Option<PlanId>,
    /// The one instant.
    pub as_of: Time,
    /// The instant of an earlier run against which the clock is doubted: every change waits. None: it is believed.
    #[serde(default, skip_serializing_if = "Time::is_none")]
    pub clock: Time,
    /// Digest of the denials that stand; none when none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denials: Option<Digest>,
    /// Digest of the sorted canonical facts.
    pub facts: Digest,
    /// Digest of the limits that the rule judged under; none: the usual ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Digest>,
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
    /// The plan that this one undoes; none for what a rule asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<PlanId>,
    /// Digest of the cases that an earlier plan may have changed; none when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsettled: Option<Digest>,
    /// Root over the verdict columns of all batches.
    pub verdicts: Digest,
}

/// First line of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Scopes that were not adopted before.
    pub adopts: Vec<Adoptable>,
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

/// A scope that may be adopted when the plan is finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adoptable {
    /// Its mode.
    pub mode: Mode,
    /// The name under which it is adopted.
    pub scope: String,
    /// Whether it was seen as a whole: it has cases, each was judged, and no side of any is unknown.
    pub whole: bool,
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
    /// Cases per reason code that the rule holds where nothing is managed: the scope is only observed, or no source speaks
    /// of it. They are not listed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unmanaged: BTreeMap<String, u64>,
}

impl Summary {
    /// Takes in the counts of another part of the plan.
    pub(super) fn add(&mut self, part: Summary) {
        let Summary { by_kind, by_tier, gated, held, kept, unmanaged } = part;
        let sums = [&mut self.by_kind, &mut self.by_tier, &mut self.gated, &mut self.held, &mut self.kept, &mut self.unmanaged];
        for (sums, counts) in sums.into_iter().zip([by_kind, by_tier, gated, held, kept, unmanaged]) {
            for (key, count) in counts {
                *sums.entry(key).or_default() += count;
            }
        }
    }
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
    /// The code of the rule's reason, when it is the host that refuses; empty when there was no answer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub proposed: String,
    /// Why.
    pub reason: Reason,
}

/// A run of lines that is hashed and read at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chunk {
    /// Its size, newlines included.
    pub bytes: u64,
    /// Of its bytes.
    pub digest: Digest,
    /// How many lines.
    pub lines: u64,
}

impl Chunk {
    /// Describes these bytes.
    pub(super) fn of(bytes: &[u8], lines: u64) -> Chunk {
        let mut encoder = Encoder::new("trueup.plan.chunk");
        encoder.bytes(bytes);
        Chunk { bytes: bytes.len() as u64, digest: encoder.finish(), lines }
    }
}

/// Last line of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trailer {
    /// Chunks of changes.
    pub changes: Vec<Chunk>,
    /// Chunks of held lines.
    pub held: Vec<Chunk>,
    /// The plan's name: a digest over the header and all chunks.
    pub id: PlanId,
}

impl Trailer {
    /// Names a plan by its header line, without the newline, and its chunks.
    pub(super) fn of(header: &[u8], changes: Vec<Chunk>, held: Vec<Chunk>) -> Trailer {
        let mut encoder = Encoder::new("trueup.plan");
        encoder.bytes(header);
        for chunks in [&changes, &held] {
            encoder.number(chunks.len() as i64);
            for chunk in chunks {
                encoder.number(chunk.bytes as i64).bytes(&chunk.digest.0).number(chunk.lines as i64);
            }
        }
        Trailer { changes, held, id: PlanId(encoder.finish()) }
    }
}
