//! One thing that happened, as a leaf of the log or a line of a sealed plan tells it. Owns the words of both that questions
//! have in common; which of them belong to an answer is for the question.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::EngineError;
use crate::audit::{LogEntry, Statement};
use crate::commit::{End, Outcome};
use crate::ledger::StoredLeaf;
use crate::model::{
    CaseKey, ChangeId, ChangeKind, DenialStep, Digest, Gate, GateKind, Holding, Lane, PlanId, Reason, RunId, State, Time,
};
use crate::target::Grade;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Moment {
    /// When: of what a plan says, the beginning of its run.
    pub at: Time,
    /// The leaf; none for what a sealed plan says, whose digest stands in the leaves of its changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaf: Option<u64>,
    /// The run; zero outside of any.
    pub run: RunId,
    /// The case, where it is about one and that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseKey>,
    /// The change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeId>,
    /// The plan that the change belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanId>,
    /// What happened.
    #[serde(flatten)]
    pub what: Happened,
    /// The states that the leaf commits to: `before`, `after`, `found`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub states: BTreeMap<&'static str, Shown>,
}

/// A state, as far as it can be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// Nothing is held.
    Nothing,
    /// This is held.
    Holding(Holding),
    /// It was redacted: the commitment to it stands.
    Redacted,
}

impl From<State> for Shown {
    fn from(state: State) -> Self {
        state.map_or(Self::Nothing, Self::Holding)
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Happened {
    /// A plan was sealed that holds a change.
    Planned {
        /// What it does.
        op: ChangeKind,
        /// Why.
        reason: Reason,
        /// The rule, as name@version.
        rule: String,
        /// The source record, or empty.
        record: String,
        /// Risk tier.
        tier: u8,
        /// What has to be opened first.
        gates: Vec<Gate>,
    },
    /// A plan was sealed that leaves a case as it is although something asks for a change.
    Held {
        /// Who holds it: the rule, or the host, which refused what the rule proposed.
        by: String,
        /// What the rule proposed.
        effect: String,
        /// Why it is held.
        reason: Reason,
        /// The rule, as name@version.
        rule: String,
    },
    /// A change may be sent from then on.
    Intent {
        /// What it does.
        op: ChangeKind,
        /// Counts attempts, from one.
        attempt: u32,
        /// The queue.
        lane: Lane,
        /// Code of the reason.
        reason: String,
        /// The source record, or empty.
        record: String,
        /// Risk tier.
        tier: u8,
        /// Counts the lives of the case.
        incarnation: u32,
    },
    /// The effect of an attempt became known, or known to be unknown.
    Outcome {
        /// What it was.
        outcome: Outcome,
    },
    /// The same, by reading after a crash.
    Recovered {
        /// What it was.
        outcome: Outcome,
    },
    /// Evidence was read.
    Confirmed {
        /// How good it is.
        grade: Grade,
    },
    /// The change ended because its case moved, or a newer plan came.
    Superseded {
        /// How.
        end: End,
    },
    /// The change ended unconfirmed otherwise.
    Ended {
        /// How.
        end: End,
    },
    /// A gate was opened.
    GateOpened {
        /// Which.
        gate: GateKind,
        /// Who.
        by: String,
        /// Why.
        why: String,
    },
    /// The case was taken over from another writer.
    TakenOver {
        /// The other writer.
        from: String,
        /// Who.
        by: String,
        /// Why.
        why: String,
    },
    /// An emergency call denied access, or all that it covers was seen to be gone.
    Denied {
        /// Which of the two.
        step: DenialStep,
        /// The system; empty: every system.
        target: String,
        /// The holder.
        holder: String,
        /// The object; empty: everything.
        object: String,
        /// Who called.
        by: String,
        /// Why.
        why: String,
    },
    /// A denial was lifted.
    Lifted {
        /// The system; empty: every system.
        target: String,
        /// The holder.
        holder: String,
        /// The object; empty: everything.
        object: String,
        /// Who.
        by: String,
        /// Why.
        why: String,
    },
    /// What a leaf commits to was removed.
    Redacted {
        /// The leaf.
        of: u64,
        /// Who asked for it.
        by: String,
        /// Why.
        why: String,
    },
    /// A file was attached.
    Attached {
        /// SHA-256 of it.
        digest: Digest,
        /// Its media type.
        media: String,
        /// What it shows.
        note: String,
        /// Who attached it.
        by: String,
    },
}

impl Moment {
    /// What a leaf tells of changes, denials and evidence; none for leaves of other things.
    pub(super) fn of(entry: &LogEntry, leaf: &StoredLeaf) -> Result<Option<Moment>, EngineError> {
        let Some(what) = happened(&entry.says) else { return Ok(None) };
        let mut states = BTreeMap::new();
        for (field, _) in entry.says.commitments() {
            if let Some(state) = super::log::shown(leaf, field)? {
                states.insert(field, state);
            }
        }
        let case = match &entry.says {
            Statement::Intent { case, .. } => Some(case.clone()),
            _ => None,
        };
        let (change, plan) = (entry.says.change(), entry.says.plan());
        Ok(Some(Moment { at: entry.time, leaf: Some(entry.index), run: entry.run, case, change, plan, what, states }))
    }
}

fn happened(says: &Statement) -> Option<Happened> {
    Some(match says.clone() {
        Statement::Intent { op, attempt, lane, reason, record, tier, incarnation, .. } => {
            Happened::Intent { op, attempt, lane, reason, record, tier, incarnation }
        }
        Statement::Outcome { outcome, .. } => Happened::Outcome { outcome },
        Statement::Recovered { outcome, .. } => Happened::Recovered { outcome },
        Statement::Confirmed { grade, .. } => Happened::Confirmed { grade },
        Statement::Superseded { end, .. } => Happened::Superseded { end },
        Statement::Ended { end, .. } => Happened::Ended { end },
        Statement::Approval { by, gate, why, .. } => Happened::GateOpened { gate, by, why },
        Statement::Transfer { by, from, why, .. } => Happened::TakenOver { from, by, why },
        Statement::Emergency { by, holder, object, step, target, why } => {
            Happened::Denied { step, target, holder, object, by, why }
        }
        Statement::Lifted { by, holder, object, target, why } => Happened::Lifted { target, holder, object, by, why },
        Statement::Redaction { by, leaf, why } => Happened::Redacted { of: leaf.0, by, why },
        Statement::Attachment { by, digest, media, note, .. } => Happened::Attached { digest, media, note, by },
        Statement::RunStart { .. }
        | Statement::Rule { .. }
        | Statement::SliceCheckpoint { .. }
        | Statement::Takeover { .. }
        | Statement::KeyRotation { .. }
        | Statement::Pruning { .. }
        | Statement::RunEnd { .. } => return None,
    })
}
