//! The engine's way to its rule, which may be missing: then every batch is without a verdict, and the host does its own
//! duties alone.

use super::{Engine, EngineError};
use crate::correlate::{Batch, Cases};
use crate::discover::{Snapshot, Survey};
use crate::link::{Links, Numbers, link, link_names};
use crate::model::Time;
use crate::rule::{BatchVerdict, Fault, Judging, KeyKind, Memory, Module, RuleFacts, judge_all};

impl Engine {
    /// What plans record of the rule.
    #[must_use]
    pub const fn rule(&self) -> &RuleFacts {
        &self.rule
    }

    /// Verdicts of all batches.
    pub(super) fn judge(&self, cases: &Cases, as_of: Time, memory: Option<&dyn Memory>) -> Vec<BatchVerdict> {
        match &self.parts.module {
            Some(module) => judge_all(module, &self.judging(as_of, false), cases, self.threads(), &*self.observer, memory),
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
        Ok(link(snapshot, Some(&mut canon(module)))?)
    }

    /// Links what was surveyed. Only where several spellings compare as one are the pages gone through for it.
    pub(super) fn link_survey(&self, survey: &mut Survey) -> Result<Links, EngineError> {
        let names = std::mem::take(&mut survey.names);
        let (mut links, spellings) = match self.parts.module.as_ref().filter(|module| module.is_canonical()) {
            None => link_names::<Fault>(&mut survey.snapshot, names, None)?,
            Some(module) => link_names(&mut survey.snapshot, names, Some(&mut canon(module)))?,
        };
        if let Some(mut spellings) = spellings {
            let whole = &survey.snapshot;
            survey.pages(|page| {
                let mut numbers = Numbers::new(&whole.symbols);
                for fact in &page.facts {
                    let Some(side) = whole.scans.get(usize::from(fact.scan)).map(|scan| scan.side) else { continue };
                    let named = numbers.named(&page.symbols, fact);
                    spellings.meet(&mut links, &whole.symbols, side, &named);
                }
                Ok(())
            })?;
            spellings.settle(&mut links);
        }
        Ok(links)
    }

    const fn judging(&self, as_of: Time, explain: bool) -> Judging<'_> {
        Judging { as_of, settings: &self.parts.settings, explain }
    }
}

/// How the module compares keys.
fn canon(module: &Module) -> impl FnMut(u8, &[&str]) -> Result<Vec<String>, Fault> + '_ {
    |kind, keys| module.canon(KeyKind::of(kind), keys)
}

const fn absent() -> BatchVerdict {
    BatchVerdict { result: Err(Fault::Absent), fuel: 0, log: Vec::new() }
}
