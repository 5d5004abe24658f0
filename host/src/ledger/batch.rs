//! What one batch may hold. Closed sets: the store adds nothing of its own.

use serde::{Deserialize, Serialize};

use crate::audit::Statement;
use crate::commit::Event;
use crate::correlate::Recorded;
use crate::discover::ScanSide;
use crate::model::{ChangeId, Denial, Digest, GateKind, Mode, PlanId, RuleStep, RunId, Time};

/// Names a batch, so that one of unknown fate can be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId(pub u128);

impl BatchId {
    /// Of the writer's epoch, and a number that this process uses once.
    pub(super) const fn new(epoch: u64, number: u64) -> Self {
        BatchId(((epoch as u128) << 64) | number as u128)
    }

    /// Epoch and number.
    #[cfg_attr(not(feature = "sqlite"), expect(dead_code, reason = "for stores that keep them apart"))]
    pub(super) const fn parts(self) -> (u64, u64) {
        ((self.0 >> 64) as u64, self.0 as u64)
    }
}

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
    /// Access is denied until somebody lifts it, or the denial is lifted.
    Denied(Denial),
    /// The states beside the leaf with this index are removed, and their salts: without its salt, a state cannot be told from
    /// its commitment, however few states there are to try.
    Redacted(u64),
    /// Leaves from an index up to another are emptied: their bytes, the states beside them and the salts go, their hashes stay.
    Pruned {
        /// The first one.
        from: u64,
        /// The one after the last.
        to: u64,
    },
    /// A rule module takes a step; all steps are kept, in their order.
    Rule(RuleStep),
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
    /// A newer run took its place, and nobody knows yet what some of its changes did.
    Unsettled,
}

impl Stage {
    /// Whether nothing is left to do.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Replaced | Self::Unsettled)
    }

    /// Whether a newer run took its place.
    #[must_use]
    pub const fn is_replaced(self) -> bool {
        matches!(self, Self::Replaced | Self::Unsettled)
    }
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
    /// First slice that is not settled.
    pub slice: u64,
    /// Whether the run goes on to commit what it sealed.
    pub commits: bool,
    /// The run whose plan this one amends: only cases that moved while that was committed are looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amends: Option<RunId>,
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

/// What a later opening replaces an earlier one by.
pub(super) type OpeningKey = (ChangeId, &'static str);

impl Opening {
    pub(super) const fn key(&self) -> OpeningKey {
        (self.change, self.gate.name())
    }
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

/// What a later adoption replaces an earlier one by.
pub(super) type AdoptionKey = (String, &'static str, Digest);

impl Adoption {
    pub(super) fn key(&self) -> AdoptionKey {
        let mode = match self.mode {
            Mode::Observe => "observe",
            Mode::Additive => "additive",
            Mode::Authoritative => "authoritative",
        };
        (self.scope.clone(), mode, self.module)
    }
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

/// What a later count replaces an earlier one by.
pub(super) type ScanKey = (String, &'static str, String);

impl ScanCount {
    pub(super) fn key(&self) -> ScanKey {
        let side = match self.side {
            ScanSide::Desired => "desired",
            ScanSide::Observed => "observed",
        };
        (self.source.clone(), side, self.target.clone())
    }
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
    /// An emergency call denied access, or all that a denial covers is gone.
    Emergency,
    /// A case was taken over from another writer.
    Transfer,
    /// A denial was lifted.
    Lifted,
    /// States were removed.
    Redaction,
    /// A file was attached to a change.
    Attachment,
    /// Old leaves are removed.
    Pruning,
    /// Another key signs from here on.
    KeyRotation,
    /// A rule module took a step.
    Rule,
    /// A run ended.
    RunEnd,
}

impl LeafKind {
    /// Its stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RunStart => "run_start",
            Self::SliceCheckpoint => "slice_checkpoint",
            Self::Intent => "intent",
            Self::Outcome => "outcome",
            Self::Confirmed => "confirmed",
            Self::Recovered => "recovered",
            Self::Superseded => "superseded",
            Self::Ended => "ended",
            Self::Takeover => "takeover",
            Self::Approval => "approval",
            Self::Emergency => "emergency",
            Self::Transfer => "transfer",
            Self::Lifted => "lifted",
            Self::Redaction => "redaction",
            Self::Attachment => "attachment",
            Self::Pruning => "pruning",
            Self::KeyRotation => "key_rotation",
            Self::Rule => "rule",
            Self::RunEnd => "run_end",
        }
    }
}

/// One leaf before it has its index: the store completes and hashes it when it is appended. Made by the functions that
/// `audit` gives it, one per kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// When.
    pub at: Time,
    /// The run; zero outside of any.
    pub run: RunId,
    /// What it says; the common fields are added by the log.
    pub says: Statement,
    /// States that the leaf only commits to: `before`, `after`.
    pub bodies: Vec<AuditBody>,
}

/// One leaf as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLeaf {
    /// Its index, from zero.
    pub index: u64,
    /// Its hash in the tree, stored beside the bytes: it tells which leaf was altered, where the root only tells that one
    /// was.
    pub hash: Digest,
    /// Its canonical bytes; none when it was pruned.
    pub bytes: Vec<u8>,
    /// The states that its commitments stand for.
    pub bodies: Vec<AuditBody>,
}

impl StoredLeaf {
    /// Whether nothing is left of it but its hash.
    #[must_use]
    pub const fn is_pruned(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// A state behind a salted commitment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditBody {
    /// The leaf's field that holds the commitment.
    pub field: String,
    /// 32 bytes, hexadecimal; zeros when it was redacted.
    pub salt: String,
    /// Canonical JSON of the state; none when it was redacted.
    pub state: Option<String>,
}
