//! What a batch looks like to a rule, as one digest: equal digests, equal questions. The instant is left out, because an answer
//! says itself until when it holds.

use super::bindings::trueup::rules::types as wire;
use super::module::Module;
use super::{Judging, profile_digest};
use crate::model::{Digest, Encoder, canonical_json};

/// Bytes that are hashed at once.
const BLOCK_BYTES: usize = 4_096;

/// All that an answer may depend on besides the batch and the instant.
pub(super) fn terms(module: &Module, judging: &Judging<'_>) -> Digest {
    let mut encoder = Encoder::new("trueup.terms");
    encoder.bytes(&module.facts().module.0).bytes(&profile_digest().0).number(i64::from(judging.explain));
    // Limits and settings are plain texts, numbers and flags: they are always JSON.
    encoder.text(&canonical_json(&module.limits).unwrap_or_default());
    encoder.text(&canonical_json(judging.settings).unwrap_or_default());
    encoder.finish()
}

/// The digest of a batch under these terms. Every column counts, in the order of the contract.
pub(super) fn digest(terms: &Digest, batch: &wire::Batch) -> Digest {
    // Written out, so that a new column of the contract cannot be forgotten.
    let wire::Batch {
        heap,
        text_ends,
        identity,
        identity_ends,
        identity_kind,
        identity_status,
        identity_moved_at,
        identity_ends_at,
        identity_owner,
        identity_unit,
        subject,
        target,
        holder,
        object,
        desired,
        observed,
        recorded,
        unknown_why,
        differs,
        traits,
        desired_expires_at,
        observed_expires_at,
        not_before,
        last_used,
        undesired_since,
        disabled_since,
        desired_level,
        observed_level,
        owner,
        purpose,
        observed_purpose,
        record,
        approver,
        via,
        replaces,
        tier,
        exclusion,
        vendor,
    } = batch;
    let mut encoder = Encoder::new("trueup.shown");
    encoder.bytes(&terms.0).text(heap);
    for numbers in [text_ends, identity, identity_ends, identity_owner, identity_unit, target, holder, object, differs, traits] {
        column(&mut encoder, numbers, |number| number.to_le_bytes());
    }
    for bytes in [identity_kind, identity_status, subject, desired, observed, recorded, unknown_why, tier] {
        encoder.bytes(bytes);
    }
    for instants in [identity_moved_at, identity_ends_at, desired_expires_at, observed_expires_at, not_before] {
        column(&mut encoder, instants, |instant| instant.to_le_bytes());
    }
    for instants in [last_used, undesired_since, disabled_since] {
        column(&mut encoder, instants, |instant| instant.to_le_bytes());
    }
    for texts in [desired_level, observed_level, owner, purpose, observed_purpose, record, approver, via, replaces, exclusion] {
        column(&mut encoder, texts, |text| text.to_le_bytes());
    }
    for column in vendor {
        // A vendor's column has no fixed form; its text names kind and values.
        encoder.text(&format!("{column:?}"));
    }
    encoder.finish()
}

/// A column with its length, numbers little-endian.
fn column<T: Copy, const N: usize>(encoder: &mut Encoder, values: &[T], bytes: impl Fn(T) -> [u8; N]) {
    encoder.number(values.len() as i64);
    let mut block = [0; BLOCK_BYTES];
    for chunk in values.chunks(BLOCK_BYTES / N) {
        let mut used = 0;
        for (slot, value) in block.as_chunks_mut::<N>().0.iter_mut().zip(chunk) {
            *slot = bytes(*value);
            used += N;
        }
        encoder.bytes(block.get(..used).unwrap_or_default());
    }
}
