//! The decision as a plug-in for extism: the same Rust function behind two forms of a batch, bytes and MessagePack. Owns the
//! boundary alone.
#![expect(missing_docs, reason = "the macro drops what it is told of a function")]

use extism_pdk::{FnResult, plugin_fn};
use trueup_against_decision::{Batch, judge, read_batch, write_answers};

/// A batch as bytes.
#[plugin_fn]
pub fn judge_bytes(input: Vec<u8>) -> FnResult<Vec<u8>> {
    let batch = read_batch(&input)?;
    let (verdicts, valid_until) = judge(&batch.now, &batch.rows);
    Ok(write_answers(&verdicts, valid_until))
}

/// A batch as MessagePack.
#[plugin_fn]
pub fn judge_msgpack(input: Vec<u8>) -> FnResult<Vec<u8>> {
    let batch: Batch<'_> = rmp_serde::from_slice(&input)?;
    Ok(rmp_serde::to_vec(&judge(&batch.now, &batch.rows))?)
}
