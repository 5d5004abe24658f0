//! What a leaf says, one variant per kind: the closed set of fields. Owns their names and types; the fields that all
//! leaves share are in `leaf`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::commit::{End, Outcome};
use crate::ledger::LeafKind;
use crate::model::{CaseKey, ChangeId, ChangeKind, DenialStep, Digest, GateKind, Lane, PlanId, Time, Wave};
use crate::target::Grade;

/// A 64-bit number, written as decimal text so that no JSON reader rounds it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Decimal(pub u64);

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Decimal {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map(Decimal).map_err(serde::de::Error::custom)
    }
}

/// What one leaf says. `before` and `after` are commitments: the states lie beside the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Statement {
    /// A run begins.
    RunStart {
        /// The one instant of its plan.
        as_of: Time,
        /// Digest of configuration, settings, module and profile.
        basis: Digest,
        /// SHA-256 of the rule's component.
        module: Digest,
        /// The rule, as name@version.
        rule: String,
    },
    /// A change may be sent from now on.
    Intent {
        /// Commitment to the expected state.
        after: Digest,
        /// Counts attempts, from one.
        attempt: u32,
        /// Commitment to the state that is changed.
        before: Digest,
        /// What is changed.
        case: CaseKey,
        /// The change.
        change: ChangeId,
        /// Counts the lives of the case.
        incarnation: u32,
        /// Which queue.
        lane: Lane,
        /// What is done.
        op: ChangeKind,
        /// The plan, whose header names the rule and all inputs.
        plan: PlanId,
        /// Why: the stable code. Its text is in the plan.
        reason: String,
        /// The source record that justifies it, or empty.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        record: String,
        /// Risk tier.
        tier: u8,
        /// Order class.
        wave: Wave,
    },
    /// The effect of the last attempt is known, or known to be unknown.
    Outcome {
        /// The change.
        change: ChangeId,
        /// Commitment to the state that was read, if it rests on a read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        found: Option<Digest>,
        /// What it was.
        outcome: Outcome,
        /// The plan.
        plan: PlanId,
    },
    /// Evidence of the demanded grade was read.
    Confirmed {
        /// The change.
        change: ChangeId,
        /// Commitment to the state that was read, if it rests on a read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        found: Option<Digest>,
        /// How good it is.
        grade: Grade,
        /// The plan.
        plan: PlanId,
    },
    /// After a crash, the effect of an attempt was settled by reading.
    Recovered {
        /// The change.
        change: ChangeId,
        /// Commitment to the state that was read, if it rests on a read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        found: Option<Digest>,
        /// What it was.
        outcome: Outcome,
        /// The plan.
        plan: PlanId,
    },
    /// A change ended because its case moved or a newer plan came.
    Superseded {
        /// The change.
        change: ChangeId,
        /// How.
        end: End,
        /// The plan.
        plan: PlanId,
    },
    /// A change ended unconfirmed for another reason.
    Ended {
        /// The change.
        change: ChangeId,
        /// How.
        end: End,
        /// The plan.
        plan: PlanId,
    },
    /// A gate was opened.
    Approval {
        /// Who opened it.
        by: String,
        /// What it is bound to.
        change: ChangeId,
        /// Which gate.
        gate: GateKind,
        /// Why.
        why: String,
    },
    /// Access is denied by an emergency call, or all that it covers is gone.
    Emergency {
        /// Who called.
        by: String,
        /// The holder's native id.
        holder: String,
        /// The entitlement or credential; empty for all of the holder's.
        object: String,
        /// How far it has come.
        step: DenialStep,
        /// The system; empty for every system.
        target: String,
        /// Why.
        why: String,
    },
    /// The claim gate of a change was opened by force: its case was another writer's, and is ours from now on.
    Transfer {
        /// Who forced it.
        by: String,
        /// The change.
        change: ChangeId,
        /// The other writer.
        from: String,
        /// Why.
        why: String,
    },
    /// A denial was lifted: routine work may give the access again.
    Lifted {
        /// Who lifted it.
        by: String,
        /// The holder.
        holder: String,
        /// The entitlement or credential; empty: everything that the holder has.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        object: String,
        /// The system; empty: every system.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        target: String,
        /// Why.
        why: String,
    },
    /// A rule module took a step: it was uploaded, judged beside another, or decides from now on.
    Rule {
        /// Who did it; empty: the host itself.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        by: String,
        /// Numbers that belong to the step: cases that were compared, batches that failed.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        counts: BTreeMap<String, Decimal>,
        /// SHA-256 of the component.
        module: Digest,
        /// What was wrong with it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        problem: String,
        /// The rule, as name@version.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        rule: String,
        /// Which step.
        step: String,
        /// Why.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        why: String,
    },
    /// All changes of the slices before this one are settled.
    SliceCheckpoint {
        /// The plan.
        plan: PlanId,
        /// First slice that is not settled.
        slice: Decimal,
    },
    /// A new writer took over a run that had not ended.
    Takeover {
        /// Root of the log that it found.
        root: Digest,
        /// Size of the log that it found.
        size: Decimal,
    },
    /// The states that a leaf commits to were removed, with their salts: nobody can tell them any more. All proofs stand.
    Redaction {
        /// Who asked for it.
        by: String,
        /// Index of the leaf.
        leaf: Decimal,
        /// Why.
        why: String,
    },
    /// Leaves before this index are removed, but for those that are still needed. Their hashes stay, and all proofs stand.
    Pruning {
        /// The first index that none of this is about: a multiple of 256.
        before: Decimal,
        /// Who asked for it.
        by: String,
        /// Why.
        why: String,
    },
    /// A file was attached to a change as evidence: it lies in the store under its digest, as long as it is not redacted.
    Attachment {
        /// Who attached it.
        by: String,
        /// The change.
        change: ChangeId,
        /// SHA-256 of the file.
        digest: Digest,
        /// Its media type, such as `application/pdf`.
        media: String,
        /// What it shows.
        note: String,
        /// Its bytes.
        size: Decimal,
    },
    /// From here on another key signs the log's checkpoints, beside the former one or in its place.
    KeyRotation {
        /// The note by which the former key names it, which both signed.
        note: String,
    },
    /// A run ended.
    RunEnd {
        /// Counts for people: how many changes ended how.
        counts: BTreeMap<String, Decimal>,
        /// Its plan, if one was sealed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plan: Option<PlanId>,
    },
}

impl Statement {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> LeafKind {
        match self {
            Self::RunStart { .. } => LeafKind::RunStart,
            Self::Intent { .. } => LeafKind::Intent,
            Self::Outcome { .. } => LeafKind::Outcome,
            Self::Confirmed { .. } => LeafKind::Confirmed,
            Self::Recovered { .. } => LeafKind::Recovered,
            Self::Superseded { .. } => LeafKind::Superseded,
            Self::Ended { .. } => LeafKind::Ended,
            Self::Approval { .. } => LeafKind::Approval,
            Self::Emergency { .. } => LeafKind::Emergency,
            Self::Transfer { .. } => LeafKind::Transfer,
            Self::Lifted { .. } => LeafKind::Lifted,
            Self::Rule { .. } => LeafKind::Rule,
            Self::SliceCheckpoint { .. } => LeafKind::SliceCheckpoint,
            Self::Takeover { .. } => LeafKind::Takeover,
            Self::Redaction { .. } => LeafKind::Redaction,
            Self::Attachment { .. } => LeafKind::Attachment,
            Self::Pruning { .. } => LeafKind::Pruning,
            Self::KeyRotation { .. } => LeafKind::KeyRotation,
            Self::RunEnd { .. } => LeafKind::RunEnd,
        }
    }

    /// The change that it speaks of. For a gate this may be the digest of a scan or of a whole plan.
    #[must_use]
    pub const fn change(&self) -> Option<ChangeId> {
        match self {
            Self::Intent { change, .. }
            | Self::Outcome { change, .. }
            | Self::Confirmed { change, .. }
            | Self::Recovered { change, .. }
            | Self::Superseded { change, .. }
            | Self::Ended { change, .. }
            | Self::Approval { change, .. }
            | Self::Transfer { change, .. }
            | Self::Attachment { change, .. } => Some(*change),
            _ => None,
        }
    }

    /// The plan that a change of it belongs to.
    #[must_use]
    pub const fn plan(&self) -> Option<PlanId> {
        match self {
            Self::Intent { plan, .. }
            | Self::Outcome { plan, .. }
            | Self::Confirmed { plan, .. }
            | Self::Recovered { plan, .. }
            | Self::Superseded { plan, .. }
            | Self::Ended { plan, .. } => Some(*plan),
            _ => None,
        }
    }

    /// The fields that are commitments.
    #[must_use]
    pub fn commitments(&self) -> Vec<(&'static str, Digest)> {
        match self {
            Self::Intent { after, before, .. } => vec![("after", *after), ("before", *before)],
            Self::Outcome { found, .. } | Self::Recovered { found, .. } | Self::Confirmed { found, .. } => {
                found.iter().map(|found| ("found", *found)).collect()
            }
            _ => Vec::new(),
        }
    }
}
