//! Cuts identities into batches by content alone, so that neither threads nor slices move a cut. Owns the rule of the cut.

use super::{Batch, Identity};
use crate::limits::{BATCH_CLOSES_AFTER_CASES, BATCH_HOLDS_CASES, IDENTITY_HOLDS_CASES};

/// Whether nothing that follows could still join a batch that ends with this identity.
pub(super) fn is_closed(batch: &Batch, last: &Identity) -> bool {
    let size = batch.cases.end - batch.cases.start;
    let ends = last.digest.0.last().is_some_and(|byte| byte & 7 == 0);
    size > BATCH_HOLDS_CASES || (size >= BATCH_CLOSES_AFTER_CASES && ends)
}

/// Batches of whole identities, in order. A batch closes once it has enough cases at an identity whose digest ends in
/// three zero bits, or before it would hold too many; a larger identity stands alone.
pub(super) fn cut(identities: &[Identity]) -> Vec<Batch> {
    let mut batches = Vec::new();
    let mut open: Option<Batch> = None;
    for (at, identity) in (0u32..).zip(identities) {
        let count = identity.cases.end - identity.cases.start;
        let held = open.as_ref().map_or(0, |batch| batch.cases.end - batch.cases.start);
        if held > 0 && held.saturating_add(count) > BATCH_HOLDS_CASES {
            batches.extend(open.take());
        }
        let mut batch = open.take().unwrap_or(Batch {
            identities: at..at,
            cases: identity.cases.start..identity.cases.start,
            too_large: count > IDENTITY_HOLDS_CASES,
        });
        batch.identities.end = at + 1;
        batch.cases.end = identity.cases.end;
        if is_closed(&batch, identity) {
            batches.push(batch);
        } else {
            open = Some(batch);
        }
    }
    batches.extend(open);
    batches
}
