//! The way of a tenant's rule module: uploaded and admitted, judging beside the one that decides, deciding, taken back. Owns who may
//! take which step; what follows from steps is for `model`. Every step is a leaf of the
//! audit log. How a component is taken in is in `uploading`.

use std::fs;
use std::sync::Arc;

use super::beside::Beside;
use super::{Engine, EngineError};
use crate::ledger::{Batch, Entry, Leaf, Owned, Query, Rows};
use crate::model::{Digest, Rollout, RuleChange, RuleStep, RunId};
use crate::rule::{Module, Settings};

/// Who takes a step, and why: both are written into the audit log.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// Who.
    pub by: &'a str,
    /// Why.
    pub why: &'a str,
}

impl Engine {
    /// The same engine under this rule, with settings that it checked.
    #[must_use]
    pub fn judged_by(mut self, module: Arc<Module>, settings: Settings) -> Self {
        self.rule = module.facts().clone();
        (self.parts.module, self.parts.settings) = (Some(module), settings);
        self
    }

    /// The same engine, which lets this module judge each plan's cases beside its own rule. Nothing follows from what it says; how
    /// often it says something else is in the run's report, and a step of it.
    #[must_use]
    pub fn shadowed_by(mut self, module: Arc<Module>, settings: Settings) -> Self {
        self.beside = Some(Beside::Judges(module, settings));
        self
    }

    /// The same engine, whose module that should judge beside its rule cannot be loaded: plans are made without it, and say so.
    #[must_use]
    pub fn shadow_missing(mut self, module: Digest, problem: String) -> Self {
        self.beside = Some(Beside::Missing(module, problem));
        self
    }

    /// Every step of every module of this tenant, in their order.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn rule_steps(&self) -> Result<Vec<RuleStep>, EngineError> {
        match self.ledger.read(&self.parts.tenant, &Query::RuleSteps)? {
            Rows::RuleSteps(steps) => Ok(steps),
            _ => Ok(Vec::new()),
        }
    }

    /// Where this tenant's modules stand.
    ///
    /// # Errors
    /// When the ledger cannot be read, or holds a step that cannot follow on those before it.
    pub fn rollout(&self) -> Result<Rollout, EngineError> {
        let damaged = |error: crate::model::RolloutError| EngineError::Damaged {
            path: self.store.ledger(),
            problem: format!("a step of a rule cannot have been taken: {error}"),
        };
        Rollout::of(&self.rule_steps()?).map_err(damaged)
    }

    /// The component of a module that was admitted.
    ///
    /// # Errors
    /// When it is no longer kept (upload it again), cannot be read, or is not what was uploaded.
    pub fn component(&self, module: Digest) -> Result<Vec<u8>, EngineError> {
        let path = self.store.module(module);
        match fs::read(&path) {
            Ok(bytes) if Digest::of(&bytes) == module => Ok(bytes),
            Ok(_) => Err(EngineError::Damaged { path, problem: "it is not the module that was uploaded".to_owned() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(EngineError::NotFound { what: "uploaded module", name: module.short() })
            }
            Err(source) => Err(EngineError::Store { path, source }),
        }
    }

    /// Lets an admitted module judge beside the one that decides, in place of any other that did. The settings are those that
    /// it would decide under: it has checked them.
    ///
    /// # Errors
    /// When it was not admitted, or decides; or the ledger cannot be written.
    pub fn shadow(&self, module: &Module, _: &Settings, signed: Signed<'_>) -> Result<Rollout, EngineError> {
        self.component(module.facts().module)?;
        self.take(module.facts().module, module.facts().label(), RuleChange::Shadowed, signed)
    }

    /// Ends that a module judges beside.
    ///
    /// # Errors
    /// When it does not; or the ledger cannot be written.
    pub fn withdraw(&self, module: Digest, signed: Signed<'_>) -> Result<Rollout, EngineError> {
        self.take(module, self.called(module)?, RuleChange::Withdrawn, signed)
    }

    /// Lets an admitted module decide from the next plan on. It must have judged at least one plan beside the one that decides
    /// now, unless this is waived (`unseen`), which the audit log tells. What it takes away is gated as an adoption (V6).
    ///
    /// # Errors
    /// When it was not admitted, decides already, or has judged nothing yet; or the ledger cannot be written.
    pub fn promote(&self, module: &Module, _: &Settings, unseen: bool, signed: Signed<'_>) -> Result<Rollout, EngineError> {
        let digest = module.facts().module;
        self.component(digest)?;
        let rollout = self.rollout()?;
        let unseen = unseen && (rollout.shadow() != Some(digest) || rollout.compared() == 0);
        self.take(digest, module.facts().label(), RuleChange::Promoted { unseen }, signed)
    }

    /// Takes the module back that decides: the one before it decides from the next plan on. Its scopes were adopted then, so
    /// that nothing it takes away waits for that again.
    ///
    /// # Errors
    /// When none decided before; or the ledger cannot be written.
    pub fn roll_back_rule(&self, signed: Signed<'_>) -> Result<Rollout, EngineError> {
        let none = || EngineError::NotFound { what: "rule before that of tenant", name: self.parts.tenant.clone() };
        let former = self.rollout()?.former().ok_or_else(none)?;
        self.component(former)?;
        self.take(former, self.called(former)?, RuleChange::Restored, signed)
    }

    fn called(&self, module: Digest) -> Result<String, EngineError> {
        let rollout = self.rollout()?;
        Ok(rollout.admitted().find(|(admitted, _)| *admitted == module).map_or_else(String::new, |(_, rule)| rule.to_owned()))
    }

    /// Records a step that somebody takes.
    pub(super) fn take(
        &self,
        module: Digest,
        rule: String,
        what: RuleChange,
        signed: Signed<'_>,
    ) -> Result<Rollout, EngineError> {
        let owned = self.acquire()?;
        let (by, why, at) = (signed.by.to_owned(), signed.why.to_owned(), self.clock.now());
        let run = self.runs(1)?.first().map_or(RunId(0), |run| run.run);
        let after = self.record_step(&owned, run, RuleStep { module, rule, what, by, why, at })?;
        self.checkpoint()?;
        Ok(after)
    }

    /// Makes a step durable, if it may follow on those before it.
    pub(super) fn record_step(&self, owned: &Owned, run: RunId, step: RuleStep) -> Result<Rollout, EngineError> {
        let after = self.rollout()?.next(&step)?;
        let leaves = vec![Leaf::rule(run, &step)];
        self.submit(owned, Batch { entries: vec![Entry::Rule(step)], leaves })?;
        Ok(after)
    }
}
