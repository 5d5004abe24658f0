//! Stands for rule modules in a build that can run none: a type without values, so that the engine can be built and tried
//! without wasmtime, on its own duties alone.

use super::{BatchVerdict, Fault, Judging, KeyKind, Memory, RuleFacts, SettingInfo};
use crate::correlate::{Batch, Cases};
use crate::progress::Observer;

/// A rule that may judge. There is none in this build.
#[derive(Clone, Debug)]
pub enum Module {}

impl Module {
    /// What a plan records of it.
    #[must_use]
    pub const fn facts(&self) -> &RuleFacts {
        match *self {}
    }

    /// The settings that it reads.
    #[must_use]
    pub const fn settings(&self) -> &[SettingInfo] {
        match *self {}
    }

    /// Whether it says how keys are compared.
    #[must_use]
    pub const fn is_canonical(&self) -> bool {
        match *self {}
    }

    /// For each key, the form in which it is compared.
    ///
    /// # Errors
    /// Never: there is no module.
    pub fn canon(&self, _: KeyKind, _: &[&str]) -> Result<Vec<String>, Fault> {
        match *self {}
    }

    /// Judges one batch.
    #[must_use]
    pub fn judge(&self, _: &Judging<'_>, _: &Cases, _: &Batch) -> BatchVerdict {
        match *self {}
    }
}

/// Judges all batches.
#[must_use]
pub fn judge_all(
    module: &Module,
    _: &Judging<'_>,
    _: &Cases,
    _: usize,
    _: &dyn Observer,
    _: Option<&dyn Memory>,
) -> Vec<BatchVerdict> {
    match *module {}
}
