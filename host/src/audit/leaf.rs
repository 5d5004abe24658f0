//! A leaf's canonical bytes: what it says, and the fields that the log adds. Owns making and encoding leaves; knows no
//! store and no tree.

use std::collections::BTreeMap;

use serde::Serialize;

use super::commitment::commit;
use super::{Decimal, LogHead, NotCanonical, Statement, canonical};
use crate::commit::{End, Event};
use crate::ledger::{Leaf, LeafKind, Opening, RunRow};
use crate::limits::LEAF_BYTES;
use crate::model::{Change, ChangeId, Denial, Digest, PlanId, RuleChange, RuleStep, RunId, State, Time};
use crate::planted::{Bug, has};

/// Version of the leaf format.
pub const VERSION: u32 = 1;

/// Why a leaf cannot be written, or is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LeafError {
    /// A value cannot be written exactly.
    #[error("a leaf holds a value that has no canonical form")]
    NotCanonical(#[from] NotCanonical),
    /// It is too long.
    #[error("a leaf of {bytes} bytes is longer than {LEAF_BYTES}")]
    TooLong {
        /// How long.
        bytes: usize,
    },
    /// A leaf says when it was written.
    #[error("a leaf has no time")]
    NoTime,
    /// The bytes are no leaf of this version.
    #[error("no leaf of version {VERSION}: {problem}")]
    Malformed {
        /// What is wrong with them.
        problem: String,
    },
    /// The bytes mean a leaf, but are not how it is written.
    #[error("the bytes are not the canonical form of what they say")]
    Respelled,
}

/// What a leaf says of a file that is attached.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Attached {
    /// SHA-256 of the file.
    pub digest: Digest,
    /// Its media type.
    pub media: String,
    /// Its bytes.
    pub size: u64,
}

/// What the log adds to a leaf when it is appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafPlace<'a> {
    /// Whose log.
    pub tenant: &'a str,
    /// The writer's fence.
    pub epoch: u64,
    /// Its index, from zero.
    pub index: u64,
}

impl Leaf {
    /// What kind of thing it says.
    #[must_use]
    pub const fn kind(&self) -> LeafKind {
        self.says.kind()
    }

    /// The bytes that are stored and hashed.
    ///
    /// # Errors
    /// When it is too long, has no time, or a value has no canonical form.
    pub fn encode(&self, place: LeafPlace<'_>) -> Result<Vec<u8>, LeafError> {
        encode(&self.says, place, self.run, self.at)
    }

    /// A run begins under this rule.
    #[must_use]
    pub fn run_start(row: &RunRow, rule: &str, module: Digest) -> Self {
        let says = Statement::RunStart { as_of: row.as_of, basis: row.basis, module, rule: rule.to_owned() };
        Leaf::plain(row.run, row.began, says)
    }

    /// What happened to a change. `found` is the state that was read, if the event rests on one; `recovered` says that a
    /// read settled what no answer did. States are committed to under salts: 32 fresh secret bytes each.
    ///
    /// # Errors
    /// When a state has no canonical form.
    pub fn event(
        run: RunId,
        plan: PlanId,
        change: &Change,
        event: &Event,
        recovered: bool,
        found: Option<&State>,
        salt: &mut dyn FnMut() -> [u8; 32],
    ) -> Result<Self, LeafError> {
        let mut bodies = Vec::new();
        let mut commit = |field: &str, state: &State| -> Result<Digest, LeafError> {
            let (commitment, body) = commit(field, state, salt())?;
            bodies.push(body);
            Ok(commitment)
        };
        let of = change.id;
        let says = match event.clone() {
            Event::Intent { attempt, .. } => Statement::Intent {
                after: commit("after", if has(Bug::LeafTellsBefore) { &change.before } else { &change.after })?,
                attempt,
                before: commit("before", &change.before)?,
                case: change.key.clone(),
                change: of,
                incarnation: change.incarnation,
                lane: change.lane,
                op: change.kind,
                plan,
                reason: change.reason.code.clone(),
                record: change.record.clone(),
                tier: change.tier,
                wave: change.wave,
            },
            Event::Outcome { outcome, .. } => {
                let found = found.map(|state| commit("found", state)).transpose()?;
                match recovered {
                    true => Statement::Recovered { change: of, found, outcome, plan },
                    false => Statement::Outcome { change: of, found, outcome, plan },
                }
            }
            Event::Confirmed { grade, .. } => {
                let found = found.map(|state| commit("found", state)).transpose()?;
                Statement::Confirmed { change: of, found, grade, plan }
            }
            Event::Ended { end: end @ (End::Superseded | End::Replanned), .. } => Statement::Superseded { change: of, end, plan },
            Event::Ended { end, .. } => Statement::Ended { change: of, end, plan },
        };
        let (Event::Intent { at, .. } | Event::Outcome { at, .. } | Event::Confirmed { at, .. } | Event::Ended { at, .. }) =
            event;
        Ok(Leaf { at: *at, run, says, bodies })
    }

    /// A gate was opened, in this run or (run zero) outside of any.
    #[must_use]
    pub fn approval(run: RunId, opening: &Opening) -> Self {
        let Opening { change, gate, by, why, at } = opening.clone();
        Leaf::plain(run, at, Statement::Approval { by, change, gate, why })
    }

    /// A denial was made or settled.
    #[must_use]
    pub fn denial(run: RunId, at: Time, denial: &Denial) -> Self {
        let step = denial.step();
        let Denial { target, holder, object, by, why, .. } = denial.clone();
        Leaf::plain(run, at, Statement::Emergency { by, holder, object, step, target, why })
    }

    /// A case was taken over from another writer, by force.
    #[must_use]
    pub fn transfer(run: RunId, opening: &Opening, from: &str) -> Self {
        let Opening { change, by, why, at, .. } = opening.clone();
        Leaf::plain(run, at, Statement::Transfer { by, change, from: from.to_owned(), why })
    }

    /// A denial was lifted.
    #[must_use]
    pub fn lifted(run: RunId, denial: &Denial, by: &str, why: &str) -> Self {
        let Denial { target, holder, object, lifted_at, .. } = denial.clone();
        Leaf::plain(run, lifted_at, Statement::Lifted { by: by.to_owned(), holder, object, target, why: why.to_owned() })
    }

    /// A rule module took a step.
    #[must_use]
    pub fn rule(run: RunId, step: &RuleStep) -> Self {
        let RuleStep { module, rule, what, by, why, at } = step.clone();
        let (problem, counts): (String, &[(&str, u64)]) = match &what {
            RuleChange::Refused { problem } => (problem.clone(), &[]),
            RuleChange::Compared { cases, differ, failed, .. } => {
                (String::new(), &[("cases", *cases), ("differ", *differ), ("failed", *failed)])
            }
            RuleChange::Failed { failed, batches, problem, .. } => {
                (problem.clone(), &[("batches", *batches), ("failed", *failed)])
            }
            RuleChange::Promoted { unseen } => (String::new(), if *unseen { &[("unseen", 1)] } else { &[] }),
            _ => (String::new(), &[]),
        };
        let counts = counts.iter().map(|(name, count)| ((*name).to_owned(), Decimal(*count))).collect();
        let step = what.name().to_owned();
        Leaf::plain(run, at, Statement::Rule { by, counts, module, problem, rule, step, why })
    }

    /// The slices before this one are settled.
    #[must_use]
    pub fn slice_checkpoint(run: RunId, at: Time, plan: PlanId, slice: u64) -> Self {
        Leaf::plain(run, at, Statement::SliceCheckpoint { plan, slice: Decimal(slice) })
    }

    /// A new writer took over and found this log.
    #[must_use]
    pub fn takeover(run: RunId, at: Time, found: LogHead) -> Self {
        Leaf::plain(run, at, Statement::Takeover { root: found.root, size: Decimal(found.size) })
    }

    /// The states of a leaf are removed.
    #[must_use]
    pub fn redaction(run: RunId, at: Time, leaf: u64, by: &str, why: &str) -> Self {
        Leaf::plain(run, at, Statement::Redaction { by: by.to_owned(), leaf: Decimal(leaf), why: why.to_owned() })
    }

    /// Leaves before an index are removed.
    #[must_use]
    pub fn pruning(run: RunId, at: Time, before: u64, by: &str, why: &str) -> Self {
        Leaf::plain(run, at, Statement::Pruning { before: Decimal(before), by: by.to_owned(), why: why.to_owned() })
    }

    /// A file is attached to a change as evidence.
    #[must_use]
    pub fn attachment(run: RunId, at: Time, change: ChangeId, file: &Attached, by: &str, note: &str) -> Self {
        let Attached { digest, media, size } = file.clone();
        let (by, note) = (by.to_owned(), note.to_owned());
        Leaf::plain(run, at, Statement::Attachment { by, change, digest, media, note, size: Decimal(size) })
    }

    /// Another key signs the log from here on: the note of a [`super::Rotation`].
    #[must_use]
    pub fn key_rotation(run: RunId, at: Time, note: String) -> Self {
        Leaf::plain(run, at, Statement::KeyRotation { note })
    }

    /// A run ended, with counts for people.
    #[must_use]
    pub fn run_end(run: RunId, at: Time, plan: Option<PlanId>, counts: &BTreeMap<String, u64>) -> Self {
        let counts = counts.iter().map(|(name, count)| (name.clone(), Decimal(*count))).collect();
        Leaf::plain(run, at, Statement::RunEnd { counts, plan })
    }

    fn plain(run: RunId, at: Time, says: Statement) -> Self {
        Leaf { at, run, says, bodies: Vec::new() }
    }
}

/// The canonical bytes of a statement at its place.
pub(super) fn encode(says: &Statement, place: LeafPlace<'_>, run: RunId, time: Time) -> Result<Vec<u8>, LeafError> {
    if time.is_none() {
        return Err(LeafError::NoTime);
    }
    let (epoch, index, run) = (Decimal(place.epoch), Decimal(place.index), Decimal(run.0));
    let text = canonical(&Written { epoch, index, run, says, tenant: place.tenant, time, version: VERSION })?;
    if text.len() > LEAF_BYTES {
        return Err(LeafError::TooLong { bytes: text.len() });
    }
    Ok(text.into_bytes())
}

/// All members of a leaf.
#[derive(Serialize)]
struct Written<'a> {
    epoch: Decimal,
    index: Decimal,
    run: Decimal,
    #[serde(flatten)]
    says: &'a Statement,
    tenant: &'a str,
    time: Time,
    version: u32,
}
