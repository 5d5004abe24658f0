//! The engine's way to its rule, which may be missing: then every batch is without a verdict, and the host does its own
//! duties alone.

use super::{Engine, EngineError};
use crate::correlate::{Batch, Cases};
use crate::discover::Snapshot;
use crate::link::{Links, link};
use crate::model::Time;
use crate::rule::{BatchVerdict, Fault, Judging, KeyKind, RuleFacts, judge_all};

impl Engine {
    /// What plans record of the rule.
    #[must_use]
    pub const fn rule(&self) -> &RuleFacts {
        &self.rule
    }

    /// Verdicts of all batches.
    pub(super) fn judge(&self, cases: &Cases, as_of: Time) -> Vec<BatchVerdict> {
        match &self.parts.module {
            Some(module) => judge_all(module, &self.judging(as_of, false), cases, self.threads(), &*self.observer),
            None => cases.batches.iter().map(|_| absent()).collect(),
        }
    }

    /// The verdict of one batch, with the log open.
    pub(super) fn judge_again(&self, cases: &Cases, batch: &Batch, as_of: Time) -> BatchVerdict {
        match &self.parts.module {
            Some(module) => module.judge(&self.judging(as_of, true), cases, batch),
            None => absent(),
        }
    }

    /// Links accounts to identities, as the rule compares keys if it says so.
    pub(super) fn link(&self, snapshot: &mut Snapshot) -> Result<Links, EngineError> {
        let Some(module) = self.parts.module.as_ref().filter(|module| module.is_canonical()) else {
            return Ok(link::<Fault>(snapshot, None)?);
        };
        let mut canon = |kind: u8, keys: &[&str]| module.canon(if kind == 0 { KeyKind::Holder } else { KeyKind::Object }, keys);
        Ok(link(snapshot, Some(&mut canon))?)
    }

    const fn judging(&self, as_of: Time, explain: bool) -> Judging<'_> {
        Judging { as_of, settings: &self.parts.settings, explain }
    }
}

const fn absent() -> BatchVerdict {
    BatchVerdict { result: Err(Fault::Absent), fuel: 0, log: Vec::new() }
}
