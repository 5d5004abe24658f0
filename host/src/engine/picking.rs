//! A few identities out of many: their facts from the pages, their rows from recorded state. What is in memory follows how many
//! were asked for, not how many there are.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use super::{Engine, EngineError};
use crate::correlate::Recorded;
use crate::discover::{Snapshot, Spill, Survey};
use crate::link::{Links, Numbers};
use crate::model::{CaseKey, KeyHash, Sym};

impl Engine {
    /// The facts of these identities. They go through a file in this folder.
    pub(super) fn pick(
        &self,
        survey: &Survey,
        links: &Links,
        identities: &BTreeSet<String>,
        folder: &Path,
    ) -> Result<Snapshot, EngineError> {
        let names = &survey.snapshot.symbols;
        let wanted: HashSet<Sym> = identities.iter().filter_map(|name| names.find(name)).collect();
        let mut spill = Spill::new(folder, 1);
        survey.pages(|page| {
            let mut numbers = Numbers::new(names);
            for fact in &page.facts {
                if wanted.contains(&links.identity(&numbers.named(&page.symbols, fact))) {
                    spill.push(0, fact, &page.symbols)?;
                }
            }
            spill.flush(&page.symbols)
        })?;
        let mut picked = Snapshot { scans: survey.snapshot.scans.clone(), ..Snapshot::default() };
        spill.take(0, &mut picked)?;
        Ok(picked)
    }

    /// What is recorded of the cases that these facts make.
    pub(super) fn recorded_of(&self, snapshot: &Snapshot, links: &Links) -> Result<Vec<Recorded>, EngineError> {
        let text = |sym| snapshot.symbols.text(sym);
        let facts = snapshot.desired.iter().chain(&snapshot.observed);
        let key = |fact: &crate::model::Fact| {
            CaseKey::hash(fact.subject, text(fact.target), text(links.holder(fact.holder)), text(links.object(fact.object)))
        };
        let keys: HashSet<KeyHash> = facts.map(key).collect();
        let rows = self.ledger.recorded(&self.parts.tenant)?;
        let wanted = rows.filter(|row| row.as_ref().map_or(true, |row| keys.contains(&row.key)));
        Ok(wanted.collect::<Result<_, _>>()?)
    }
}
