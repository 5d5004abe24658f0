//! What one batch may hold. Closed sets: the store adds nothing of its own.

use serde::{Deserialize, Serialize};

use crate::commit::Event;
use crate::correlate::Recorded;
use crate::discover::ScanSide;
use crate::model::{ChangeId, Digest, GateKind, Mode, PlanId, RunId, Time};

/// Names a batch, so that one of unknown fate can be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId(pub u128);

/// One ordered, atomic group of entries.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Entries, applied in order.
    pub entries: Vec<Entry>,
    /// Leaves of the audit log, appended in order in the same transaction.
    pub leaves: Vec<Leaf>,
}

/// One entry.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Entry {
    /// A run begins or reaches its next stage; the row replaces the run's former one.
    Run(RunRow),
    /// An event of a change.
    Change {
        /// The plan that it belongs to.
        plan: PlanId,
        /// The change.
        change: ChangeId,
        /// The event.
        event: Event,
    },
    /// What is now recorded of a case.
    Head(Recorded),
    /// A gate is opened.
    Opened(Opening),
    /// A scope is adopted under a mode and a rule.
    Adopted(Adoption),
    /// A complete scan and what it held.
    Counted(ScanCount),
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Reading pages.
    Discovering,
    /// Sealed; the plan's file is durable.
    Sealed,
    /// Writing slices.
    Committing,
    /// Every change is settled or waits at a named gate.
    Done,
    /// A newer run took its place.
    Replaced,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRow {
    /// Its name.
    pub run: RunId,
    /// How far it has come.
    pub stage: Stage,
    /// The one instant of its plan.
    pub as_of: Time,
    /// When it began.
    pub began: Time,
    /// Digest of configuration, settings, module and profile: a run resumes only under the same.
    pub basis: Digest,
    /// Its plan, once sealed.
    pub plan: Option<PlanId>,
    /// First slice that is not settled, and the slice size.
    pub slice: u64,
}

/// A gate opened for a change, or for a shrunk scan (then `change` is the scan's digest).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// What it is bound to.
    pub change: ChangeId,
    /// Which gate.
    pub gate: GateKind,
    /// Who opened it.
    pub by: String,
    /// Why.
    pub why: String,
    /// When.
    pub at: Time,
}

/// A scope under a mode and a rule that was looked at before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adoption {
    /// Name of the scope.
    pub scope: String,
    /// Its mode.
    pub mode: Mode,
    /// The rule module.
    pub module: Digest,
    /// When.
    pub at: Time,
}

/// A complete scan: what the next one is held against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScanCount {
    /// The source's name.
    pub source: String,
    /// Which side.
    pub side: ScanSide,
    /// The target.
    pub target: String,
    /// How many rows.
    pub rows: u64,
    /// Digest of the file of sorted key prefixes, kept beside the ledger.
    pub keys: Digest,
}

/// What kind of thing a leaf says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LeafKind {
    /// A run begins.
    RunStart,
    /// A slice is settled.
    SliceCheckpoint,
    /// A change may be sent.
    Intent,
    /// An attempt's effect is known.
    Outcome,
    /// Evidence was read.
    Confirmed,
    /// After a crash, an effect was settled by reading.
    Recovered,
    /// A change ended because its case moved or a newer plan came.
    Superseded,
    /// A change ended unconfirmed for another reason.
    Ended,
    /// A new writer took over.
    Takeover,
    /// A gate was opened.
    Approval,
    /// A run ended.
    RunEnd,
}

/// One leaf before it has its index: the store completes and hashes it when it is appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// What it says.
    pub kind: LeafKind,
    /// When.
    pub at: Time,
    /// The run.
    pub run: RunId,
    /// Fields of this kind, each a canonical JSON value; the common fields are added by the log.
    pub fields: std::collections::BTreeMap<&'static str, serde_json::Value>,
    /// States that the leaf only commits to: `before`, `after`.
    pub bodies: Vec<AuditBody>,
}

/// A state behind a salted commitment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditBody {
    /// The leaf's field that holds the commitment.
    pub field: String,
    /// 32 bytes, hexadecimal.
    pub salt: String,
    /// Canonical JSON of the state; none when it was redacted.
    pub state: Option<String>,
}
