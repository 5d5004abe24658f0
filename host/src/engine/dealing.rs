//! Facts and recorded rows on their way into parts: ranges of the digest of their identity. Owns which part a row goes to, and what
//! goes to another one after it was met.

use std::path::Path;

use super::apart::Apart;
use super::joining::Join;
use super::planning::Watch;
use super::replay::Recorder;
use super::{Engine, EngineError};
use crate::correlate::{Cases, Recorded, identity_digest};
use crate::discover::{DiscoverError, Snapshot, Spill, Survey};
use crate::limits::PLAN_PARTS;
use crate::link::{Links, Numbers};
use crate::model::CaseKey;

/// What was dealt out and waits for its part.
pub(super) struct Dealt {
    pub(super) facts: Spill,
    pub(super) recorded: Join,
    pub(super) parts: usize,
    /// Of which identities facts and rows are dealt out once more, behind all parts.
    pub(super) apart: Apart,
}

impl Engine {
    /// Deals facts and recorded rows out into parts. Rows of which no part has a case are given to `alone`.
    pub(super) fn deal(
        &self,
        survey: &Survey,
        links: &Links,
        folder: &Path,
        apart: Apart,
        alone: impl FnMut(Recorded),
    ) -> Result<Dealt, EngineError> {
        let parts = survey.facts().div_ceil(self.parts.options.part.max(1)).clamp(1, PLAN_PARTS);
        let mut rows = self.ledger.recorded(&self.parts.tenant)?.peekable();
        let mut recorded = Join::new(folder);
        let joined = rows.peek().is_some().then_some(&mut recorded);
        let facts = self.deal_facts(survey, links, folder, parts, joined)?;
        recorded.rows(Box::new(rows), alone)?;
        Ok(Dealt { facts, recorded, parts: parts as usize, apart })
    }

    /// Deals the facts out into parts, which are ranges of their identities' digests. There is room for as many again: what a
    /// part gives back; and for one more: what is decided apart. If recorded rows are to be joined, the keys of the facts are told.
    fn deal_facts(
        &self,
        survey: &Survey,
        links: &Links,
        folder: &Path,
        parts: u64,
        mut join: Option<&mut Join>,
    ) -> Result<Spill, EngineError> {
        let mut spill = Spill::new(folder, 2 * parts as usize + 1);
        let names = &survey.snapshot.symbols;
        let mut part_of: Vec<Option<u16>> = vec![None; names.len()];
        survey.pages(|page| {
            let mut numbers = Numbers::new(names);
            for fact in &page.facts {
                let named = numbers.named(&page.symbols, fact);
                let identity = links.identity(&named);
                let part = part_of.get_mut(identity.0 as usize).ok_or_else(|| survey.damaged("a name is new".to_owned()))?;
                let part = *part.get_or_insert_with(|| {
                    let digest = identity_digest(&self.parts.tenant, names.text(identity));
                    ((u128::from(digest.prefix()) * u128::from(parts)) >> u64::BITS) as u16
                });
                spill.push(usize::from(part), fact, &page.symbols)?;
                if let Some(join) = &mut join {
                    let [target, holder, object] =
                        [named.target, links.holder(named.holder), links.object(named.object)].map(|sym| names.text(sym));
                    join.key(CaseKey::hash(fact.subject, target, holder, object), part)?;
                }
            }
            spill.flush(&page.symbols)
        })?;
        Ok(spill)
    }
}

impl Dealt {
    /// The facts of a part, each source held to its word, and those that the part before gave back, which recorded them.
    pub(super) fn facts(
        &mut self,
        part: usize,
        survey: &Survey,
        recorder: &mut Recorder,
        watch: &mut Watch,
    ) -> Result<Snapshot, EngineError> {
        let mut facts = Snapshot { scans: survey.snapshot.scans.clone(), ..Snapshot::default() };
        self.facts.take(part, &mut facts)?;
        facts.check(&survey.places)?;
        watch.lap("read");
        recorder.facts(&facts)?;
        watch.lap("recording");
        self.facts.take(self.parts + part, &mut facts)?;
        Ok(facts)
    }

    /// Gives the batch that could still grow to the part that may add to it.
    pub(super) fn give_back(&mut self, next: usize, cases: &mut Cases) -> Result<(), DiscoverError> {
        let (open, met) = cases.give_back_open_batch();
        open.iter().try_for_each(|fact| self.facts.push(self.parts + next, fact, &cases.snapshot.symbols))?;
        met.iter().try_for_each(|row| self.recorded.row(next, row))?;
        self.facts.flush(&cases.snapshot.symbols)
    }

    /// Deals out once more what is decided apart.
    pub(super) fn set_apart(&mut self, cases: &mut Cases, survey: &Survey, links: &Links) -> Result<(), DiscoverError> {
        cases.apart = self.apart.concerned(cases, survey, links);
        let (facts, rows) = cases.what_makes(cases.apart.iter().copied());
        facts.iter().try_for_each(|fact| self.facts.push(2 * self.parts, fact, &cases.snapshot.symbols))?;
        rows.iter().try_for_each(|row| self.recorded.row(self.parts, row))?;
        self.facts.flush(&cases.snapshot.symbols)
    }
}
