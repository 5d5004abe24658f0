//! What becomes durable about changes: events, recorded heads, the checkpoint, and the leaf that the audit log keeps of each.
//! The one place that records an event, so that none bypasses `next`. Knows no target.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::driver::Item;
use super::{CommitError, End, Event, Outcome, Status, next};
use crate::correlate::Recorded;
use crate::ledger::{AuditBody, Batch, Entry, Leaf, LeafKind, Ledger, Owned, RunRow, Settled};
use crate::model::{Change, Digest, PlanId, State, Time, canonical_json};

/// Events on their way to the ledger.
pub(super) struct Journal<'a> {
    pub(super) ledger: &'a dyn Ledger,
    pub(super) owned: &'a Owned,
    pub(super) plan: PlanId,
    pub(super) run: RunRow,
    pub(super) salt: &'a mut (dyn FnMut() -> [u8; 32] + Send),
    pub(super) pending: Batch,
}

type Fields = BTreeMap<&'static str, Value>;

impl Journal<'_> {
    /// Records an event of a change; it is durable after the next [`Journal::flush`]. `found` is the state that was read, if
    /// the event rests on one.
    pub(super) fn record(&mut self, item: &mut Item, event: Event, found: Option<&State>) -> Result<(), CommitError> {
        let change = &item.change;
        let status = next(&item.status, &event).map_err(|source| CommitError::Contradiction { change: change.id, source })?;
        let mut fields = Fields::from([("plan", json!(self.plan)), ("change", json!(change.id))]);
        let mut states: Vec<(&str, &State)> = Vec::new();
        let kind = match &event {
            Event::Intent { epoch, attempt, .. } => {
                describe(change, &mut fields);
                fields.extend([("epoch", json!(epoch.to_string())), ("attempt", json!(attempt))]);
                states.extend([("before", &change.before), ("after", &change.after)]);
                LeafKind::Intent
            }
            Event::Outcome { outcome, .. } => {
                fields.insert("outcome", json!(outcome.name()));
                states.extend(found.map(|state| ("found", state)));
                match outcome {
                    Outcome::Rejected { message } | Outcome::Ambiguous { message } => {
                        fields.insert("message", json!(message));
                    }
                    Outcome::Throttled { until } => {
                        fields.insert("until", json!(until));
                    }
                    Outcome::Acked | Outcome::Observed | Outcome::Stale { .. } | Outcome::NotApplied => {}
                }
                if by_reading(&item.status, outcome) { LeafKind::Recovered } else { LeafKind::Outcome }
            }
            Event::Confirmed { grade, .. } => {
                fields.extend([("grade", json!(grade)), ("incarnation", json!(change.incarnation))]);
                states.extend(found.map(|state| ("found", state)));
                LeafKind::Confirmed
            }
            Event::Ended { end, .. } => {
                fields.insert("end", json!(end.name()));
                if let End::BlockedBy { change } = end {
                    fields.insert("blocked_by", json!(change));
                }
                if matches!(end, End::Superseded | End::Replanned) { LeafKind::Superseded } else { LeafKind::Ended }
            }
        };
        let bodies = states.into_iter().map(|(field, state)| self.body(field, state)).collect();
        self.leaf(kind, event.at(), fields, bodies);
        self.pending.entries.push(Entry::Change { plan: self.plan, change: change.id, event });
        item.status = status;
        Ok(())
    }

    /// Records what is now known of a confirmed case.
    pub(super) fn head(&mut self, head: Recorded) {
        self.pending.entries.push(Entry::Head(head));
    }

    /// Records that all slices before this one are settled, if there is anything new to say.
    pub(super) fn checkpoint(&mut self, slice: u64, at: Time) {
        if self.pending.entries.is_empty() {
            return;
        }
        self.run.slice = slice;
        self.pending.entries.push(Entry::Run(self.run.clone()));
        let fields = Fields::from([("plan", json!(self.plan)), ("slice", json!(slice.to_string()))]);
        self.leaf(LeafKind::SliceCheckpoint, at, fields, Vec::new());
    }

    /// Makes everything recorded so far durable, in one batch.
    pub(super) fn flush(&mut self) -> Result<(), CommitError> {
        if self.pending.entries.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.pending);
        let ticket = self.ledger.submit(self.owned, batch)?;
        match self.ledger.wait(ticket)? {
            Settled::Committed(_) => Ok(()),
            Settled::Fenced => Err(CommitError::Fenced),
            Settled::Unknown(id) if self.ledger.resolve(self.owned, id)? => Ok(()),
            Settled::Unknown(_) => Err(CommitError::NotDurable),
        }
    }

    fn leaf(&mut self, kind: LeafKind, at: Time, fields: Fields, bodies: Vec<AuditBody>) {
        self.pending.leaves.push(Leaf { kind, at, run: self.run.run, fields, bodies });
    }

    fn body(&mut self, field: &str, state: &State) -> AuditBody {
        let salt = Digest((self.salt)()).to_string();
        AuditBody { field: field.to_owned(), salt, state: canonical_json(state).ok() }
    }
}

/// What the log says of a change once per attempt: what it is and why. States stand behind commitments.
fn describe(change: &Change, fields: &mut Fields) {
    fields.extend([
        ("case", json!(change.key)),
        ("op", json!(change.kind)),
        ("incarnation", json!(change.incarnation)),
        ("wave", json!(change.wave)),
        ("tier", json!(change.tier)),
        ("reason", json!(change.reason.code)),
        ("record", json!(change.record)),
    ]);
}

/// Whether an outcome settles by reading what no answer did.
fn by_reading(status: &Status, outcome: &Outcome) -> bool {
    matches!(status, Status::Ambiguous { .. } | Status::Intent { doubt: true, .. })
        && matches!(outcome, Outcome::Observed | Outcome::Stale { .. } | Outcome::NotApplied)
}
