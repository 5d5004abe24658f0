//! A module that judges beside the one that decides, part by part of a plan. What it says is counted and never followed; whatever
//! it does, the plan is the same.

use std::sync::Arc;

use super::comparing::{Comparing, Comparison};
use super::{Engine, EngineError};
use crate::correlate::Cases;
use crate::decide::{Decided, Policy};
use crate::ledger::{Owned, RunRow};
use crate::model::{Digest, RuleChange, RuleStep, Time};
use crate::rule::{BatchVerdict, Judging, Module, RuleFacts, Settings, judge_all};

/// Which module it is.
pub(super) enum Beside {
    /// It judges, under these settings.
    Judges(Arc<Module>, Settings),
    /// It should, and cannot.
    Missing(Digest, String),
}

impl Engine {
    /// What is held side by side in a plan of this run, if anything is.
    pub(super) fn begin_beside(&self, run: &RunRow) -> Option<Comparing> {
        Some(match self.beside.as_ref()? {
            Beside::Judges(module, _) => Comparing::begin((run.run, run.as_of), &self.rule, module.facts()),
            Beside::Missing(module, problem) => {
                let facts = RuleFacts { module: *module, ..RuleFacts::absent() };
                Comparing::begin((run.run, run.as_of), &self.rule, &facts).missing(problem)
            }
        })
    }

    /// What the module beside says of a part; nothing where none judges.
    pub(super) fn judge_beside(&self, cases: &Cases, as_of: Time) -> Option<Vec<BatchVerdict>> {
        let Some(Beside::Judges(module, settings)) = &self.beside else { return None };
        let judging = Judging { as_of, settings, explain: false };
        Some(judge_all(module, &judging, cases, self.threads(), &*self.observer, None))
    }

    /// Holds what it said of a part beside what was decided of it.
    pub(super) fn compare_beside(
        &self,
        cases: &Cases,
        decided: &Decided,
        verdicts: &[BatchVerdict],
        policy: &Policy<'_>,
        comparing: &mut Comparing,
    ) {
        let Some(Beside::Judges(module, _)) = &self.beside else { return };
        let policy = Policy { module: module.facts().module, ..*policy };
        comparing.part(cases, (decided, &self.rule), (verdicts, module.facts()), &policy, self.threads());
    }

    /// Records that the module judged a plan. One that was withdrawn meanwhile did so for nothing.
    pub(super) fn end_beside(&self, owned: &Owned, run: &RunRow, comparison: &Comparison) -> Result<(), EngineError> {
        let Some(Beside::Judges(module, _)) = &self.beside else { return Ok(()) };
        let facts = module.facts();
        if self.rollout()?.shadow() != Some(facts.module) {
            return Ok(());
        }
        let Comparison { cases, same, failed, .. } = *comparison;
        let what = RuleChange::Compared { run: run.run, cases, differ: cases - same, failed };
        let (by, why, at) = (String::new(), String::new(), self.clock.now());
        self.record_step(owned, run.run, RuleStep { module: facts.module, rule: facts.label(), what, by, why, at })?;
        Ok(())
    }
}
