//! A rule that fails on a plan rests for a while, ever longer while it goes on failing, so that it takes no time from others in
//! vain. Meanwhile the host does its own duties without it, and what only a rule may decide is held. Owns what counts as failing.

use super::{Engine, EngineError};
use crate::correlate::Cases;
use crate::ledger::{Owned, RunRow};
use crate::limits::{RULE_REST_LONGEST_SECONDS, RULE_REST_SECONDS};
use crate::model::{Digest, Rollout, RuleChange, RuleStep, Time};
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

/// Until when a module rests because it failed: a minute after the first failure, twice as long after each further one.
#[must_use]
pub fn rests_until(rollout: &Rollout, module: Digest) -> Option<Time> {
    let (failures, last) = rollout.failures(module)?;
    // Doubled so often that it is past the longest, whatever it begins with.
    let doubled = RULE_REST_SECONDS << failures.saturating_sub(1).min(32);
    Some(last.plus(doubled.min(RULE_REST_LONGEST_SECONDS)))
}

impl Engine {
    /// Until when the rule rests, as of this run; none: it may judge.
    pub(super) fn rests(&self, run: &RunRow) -> Result<Option<Time>, EngineError> {
        if self.parts.module.is_none() {
            return Ok(None);
        }
        Ok(rests_until(&self.rollout()?, self.rule.module).filter(|until| run.began < *until))
    }

    /// Verdicts of a part while the rule rests.
    pub(super) fn resting(cases: &Cases, until: Time) -> Vec<BatchVerdict> {
        let verdict = || BatchVerdict { result: Err(Fault::Resting { until }), fuel: 0, log: Vec::new() };
        cases.batches.iter().map(|_| verdict()).collect()
    }

    /// Records that the rule failed on a plan, or no longer does.
    pub(super) fn record_fared(&self, owned: &Owned, run: &RunRow, fared: Fared) -> Result<(), EngineError> {
        let failed = self.rollout()?.failures(self.rule.module).is_some();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_goes_on_failing_rests_ever_longer_but_no_longer_than_an_hour() {
        let module = Digest([1; 32]);
        let at = Time::from_seconds(1_000);
        let step = || {
            let what = RuleChange::Failed { run: crate::model::RunId(1), failed: 1, batches: 1, problem: String::new() };
            RuleStep { module, rule: String::new(), what, by: String::new(), why: String::new(), at }
        };
        assert_eq!(rests_until(&Rollout::default(), module), None);
        for (failures, seconds) in [(1, 60), (2, 120), (3, 240), (6, 1_920), (7, 3_600), (64, 3_600), (200, 3_600)] {
            let steps: Vec<_> = (0..failures).map(|_| step()).collect();
            let rollout = Rollout::of(&steps).expect("it may fail");
            assert_eq!(rests_until(&rollout, module), Some(at.plus(seconds)), "{failures}");
        }
    }
}
