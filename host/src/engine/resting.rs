//! A rule that fails on a plan rests for a while, ever longer while it goes on failing, so that it takes no time from others in
//! vain. Meanwhile the host does its own duties without it, and what only a rule may decide is held. Owns what counts as failing.

use super::{Engine, EngineError};
use crate::correlate::Cases;
use crate::ledger::{Owned, RunRow};
use crate::model::{RuleChange, RuleStep, Time};
use crate::rule::{BatchVerdict, Fault};

/// How a plan's batches fared.
#[derive(Clone, Debug, Default)]
pub(super) struct Fared {
    batches: u64,
    failed: u64,
    problem: String,
}

impl Fared {
    /// Takes in the verdicts of a part. That an identity is too large, or there is no rule, is not the rule's failure.
    pub(super) fn add(&mut self, verdicts: &[BatchVerdict]) {
        let faults = verdicts.iter().filter_map(|verdict| verdict.result.as_ref().err());
        let faults: Vec<&Fault> = faults
            .filter(|fault| !matches!(fault, Fault::IdentityTooLarge { .. } | Fault::Absent | Fault::Resting { .. }))
            .collect();
        if let (0, Some(first)) = (self.failed, faults.first()) {
            self.problem = first.to_string();
        }
        self.failed += faults.len() as u64;
        self.batches += verdicts.len() as u64;
    }

    /// Half of all batches got no answer: it is the rule that fails, not a case.
    const fn is_failure(&self) -> bool {
        self.failed > 0 && self.failed * 2 >= self.batches
    }
}

impl Engine {
    /// Until when the rule rests, as of this run; none: it may judge.
    pub(super) fn rests(&self, run: &RunRow) -> Result<Option<Time>, EngineError> {
        if self.parts.module.is_none() {
            return Ok(None);
        }
        Ok(self.rollout()?.rests_until(self.rule.module).filter(|until| run.began < *until))
    }

    /// Verdicts of a part while the rule rests.
    pub(super) fn resting(cases: &Cases, until: Time) -> Vec<BatchVerdict> {
        let verdict = || BatchVerdict { result: Err(Fault::Resting { until }), fuel: 0, log: Vec::new() };
        cases.batches.iter().map(|_| verdict()).collect()
    }

    /// Records that the rule failed on a plan, or no longer does.
    pub(super) fn record_fared(&self, owned: &Owned, run: &RunRow, fared: Fared) -> Result<(), EngineError> {
        let failed = self.rollout()?.has_failed(self.rule.module);
        let what = match (fared.is_failure(), failed) {
            (true, _) => {
                RuleChange::Failed { run: run.run, failed: fared.failed, batches: fared.batches, problem: fared.problem }
            }
            (false, true) => RuleChange::Recovered { run: run.run },
            (false, false) => return Ok(()),
        };
        let (by, why, at) = (String::new(), String::new(), self.clock.now());
        self.record_step(owned, run.run, RuleStep { module: self.rule.module, rule: self.rule.label(), what, by, why, at })?;
        Ok(())
    }
}
