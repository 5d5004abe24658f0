//! One leaf looked at by itself: its hash, its bytes, the states that it commits to. Owns what can be told of a leaf without the
//! others, so that several can be looked at side by side; what they say together is for `verify`.

use super::commitment::opens;
use super::{LogEntry, Statement, VerifyError, leaf_hash};
use crate::ledger::StoredLeaf;
use crate::model::{CaseKey, Digest, KeyHash};

/// What a leaf says, and what was found beside it.
pub(super) struct Examined {
    pub(super) entry: LogEntry,
    /// Of an intent: what it changes.
    pub(super) case: Option<KeyHash>,
    /// Found last, so that a leaf that stands in the wrong place is told before a state that is not its own.
    pub(super) states: Result<States, VerifyError>,
}

/// Digests of the states beside a leaf, as far as they were not redacted.
#[derive(Default)]
pub(super) struct States {
    pub(super) before: Option<Digest>,
    pub(super) after: Option<Digest>,
    pub(super) found: Option<Digest>,
    /// States whose text and salt are gone.
    pub(super) redacted: u64,
}

/// Looks at a leaf.
pub(super) fn examine(leaf: &StoredLeaf) -> Result<Examined, VerifyError> {
    let index = leaf.index;
    if leaf_hash(&leaf.bytes) != leaf.hash {
        return Err(VerifyError::Altered { index });
    }
    let entry = LogEntry::parse(&leaf.bytes).map_err(|source| VerifyError::Leaf { index, source })?;
    let states = states(leaf, &entry.says);
    let case = match &entry.says {
        Statement::Intent { case: CaseKey { target, holder, subject, object }, .. } => {
            Some(CaseKey::hash(*subject, target, holder, object))
        }
        _ => None,
    };
    Ok(Examined { entry, case, states })
}

/// Opens each commitment.
fn states(leaf: &StoredLeaf, says: &Statement) -> Result<States, VerifyError> {
    let fail = |field: &str, problem| Err(VerifyError::Body { index: leaf.index, field: field.to_owned(), problem });
    let commitments = says.commitments();
    if let Some(body) = leaf.bodies.iter().find(|body| !commitments.iter().any(|(field, _)| body.field == *field)) {
        return fail(&body.field, "belongs to no commitment");
    }
    let mut states = States::default();
    for (field, commitment) in commitments {
        let mut bodies = leaf.bodies.iter().filter(|body| body.field == field);
        let body = match (bodies.next(), bodies.next()) {
            (Some(body), None) => body,
            (None, _) => return fail(field, "is missing"),
            (Some(_), Some(_)) => return fail(field, "stands there twice"),
        };
        if !opens(body, commitment) {
            return fail(field, "is not what the leaf commits to");
        }
        let Some(state) = &body.state else {
            states.redacted += 1;
            continue;
        };
        let digest = Some(Digest::of(state.as_bytes()));
        match field {
            "before" => states.before = digest,
            "after" => states.after = digest,
            _ => states.found = digest,
        }
    }
    Ok(states)
}
