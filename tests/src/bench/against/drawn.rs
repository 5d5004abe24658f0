//! The cases that the other program draws: whether the native rule and the component say of them what it expects.

use std::path::Path;

use anyhow::{Result, ensure};

use super::COMPARED;
use super::own::Own;
use super::row::{Exchange, Now, columns};

/// Compares, and gives how many they are.
pub(super) fn check(own: &Own<'_>, path: &Path) -> Result<usize> {
    let Exchange { now, rows, answers, valid_until } = Exchange::read(path)?;
    ensure!(now == Now::of(own.settings())?, "the drawn cases are of another plan");
    let batches: Vec<_> = rows.chunks(COMPARED as usize).map(columns).collect();
    let own = own.agree_on(&batches)?;
    for ((expected, found), row) in answers.iter().zip(&own.verdicts).zip(&rows) {
        ensure!(expected == found, "the rule says {found:?}, not {expected:?}, of {row:?}");
    }
    ensure!((answers.len(), valid_until) == (own.verdicts.len(), own.valid_until), "answers are missing, or hold otherwise");
    Ok(rows.len())
}
