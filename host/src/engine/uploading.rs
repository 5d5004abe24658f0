//! Taking in a rule module: admitted or refused, and both are steps. Owns the components in the store.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use super::{Engine, EngineError, Signed, Store};
use crate::limits::MODULES_KEPT;
use crate::model::{Digest, Rollout, RuleChange};
use crate::rule::{AdmitError, Module, RuleEngine};

impl Engine {
    /// Takes in a component, if it may run here: compiled and asked what it is by this engine for rules. It does not judge yet.
    ///
    /// # Errors
    /// Why it may not run, which is a step too; or the store or the ledger cannot be written.
    pub fn upload(&self, rules: &RuleEngine, component: &[u8], signed: Signed<'_>) -> Result<Module, EngineError> {
        let digest = Digest::of(component);
        let module = match Module::load(rules, component) {
            Ok(module) => module,
            // That the compiler does not work says nothing of the module.
            Err(error @ AdmitError::Worker { .. }) => return Err(error.into()),
            Err(error) => {
                self.take(digest, String::new(), RuleChange::Refused { problem: error.to_string() }, signed)?;
                return Err(error.into());
            }
        };
        let path = self.store.module(digest);
        let error = |source| EngineError::Store { path: path.clone(), source };
        fs::create_dir_all(self.store.modules()).map_err(error)?;
        Store::replace(&path, |file| file.write_all(component).map_err(error))?;
        let rollout = self.take(digest, module.facts().label(), RuleChange::Admitted, signed)?;
        self.prune_modules(&rollout, digest)?;
        Ok(module)
    }

    /// Removes components that nobody is going to ask for: all but those in use and the newest.
    fn prune_modules(&self, rollout: &Rollout, newest: Digest) -> Result<(), EngineError> {
        let used = [rollout.live(), rollout.former(), rollout.shadow(), Some(newest)];
        let mut kept: BTreeSet<PathBuf> = used.into_iter().flatten().map(|module| self.store.module(module)).collect();
        for step in self.rule_steps()?.iter().rev() {
            if kept.len() >= MODULES_KEPT {
                break;
            }
            kept.insert(self.store.module(step.module));
        }
        let folder = self.store.modules();
        let error = |source| EngineError::Store { path: folder.clone(), source };
        for entry in fs::read_dir(&folder).map_err(error)? {
            let path = entry.map_err(error)?.path();
            if !kept.contains(&path) {
                fs::remove_file(&path).map_err(|source| EngineError::Store { path, source })?;
            }
        }
        Ok(())
    }
}
