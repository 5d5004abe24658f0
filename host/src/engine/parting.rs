//! Planning part by part: facts are dealt out by the digest of their identity, and each part is paired, judged, decided and
//! written on its own, in the order of digests, so that only one is in memory. Owns what outlives a part: the batch that the
//! next part may still fill, counts, and what the seal records. A plan does not depend on how many parts there are.

use std::mem;
use std::path::{Path, PathBuf};

use super::joining::Join;
use super::planning::Watch;
use super::remembering::Remembering;
use super::store::keep;
use super::{Engine, EngineError, Planned, RunReport};
use crate::correlate::{Recorded, identity_digest, withdrawn};
use crate::debt::{self, Census, Debt};
use crate::decide::{Ends, decide_part};
use crate::discover::{DiscoverError, Scan, Snapshot, Spill, Survey, record_counts};
use crate::ledger::{Owned, RunRow, read_aside};
use crate::limits::PLAN_PARTS;
use crate::link::{Links, Numbers};
use crate::model::CaseKey;
use crate::plan::{Draft, Inputs, Sealing};
use crate::progress::Progress;
use crate::rule::VerdictsDigest;

/// What the parts leave behind for the end.
#[derive(Default)]
struct Left {
    ends: Ends,
    verdicts: VerdictsDigest,
    /// Files of rows to record.
    seen: Vec<PathBuf>,
    /// Withheld rows that no part has a case of.
    unlisted: Vec<Recorded>,
}

impl Engine {
    /// Plans over what was read, and seals.
    pub(super) fn seal_survey(
        &self,
        owned: &Owned,
        run: RunRow,
        mut survey: Survey,
        folder: &Path,
        watch: &mut Watch,
        mut memory: Remembering<'_>,
    ) -> Result<Planned, EngineError> {
        let facts = survey.snapshot.facts_digest();
        let counts = record_counts(&survey, &self.store.keys())?;
        watch.lap("record");
        let together = survey.names.replaces || !survey.snapshot.entitlements.is_empty();
        let links = self.link_survey(&mut survey)?;
        watch.lap("link");
        let mut rows = self.ledger.recorded(&self.parts.tenant)?.peekable();
        let mut join = Join::new(folder);
        let joined = rows.peek().is_some().then_some(&mut join);
        let (mut spill, parts) = self.deal(&survey, &links, folder, together, joined)?;
        let mut left = Left::default();
        join.rows(Box::new(rows), |row| left.alone(row))?;
        watch.lap("deal");
        let bounds = self.bounds(run.run)?;
        let policy = self.policy(run.as_of, &bounds);
        let inputs = self.inputs(&run, facts, &[], &policy)?;
        let doubted = inputs.clock.is_some();
        let mut report = RunReport::new(&run, &self.rule, &survey.snapshot.scans);
        let terms = &self.parts.options.debt;
        let (census, mut owed) = (Census::of(&survey.snapshot, run.as_of), Debt::under(terms));
        let mut sealing = Sealing::begin(folder)?;
        self.tell_parts(0, parts);
        for part in 0..parts {
            let mut facts = read_part(&survey, &mut spill, part, parts)?;
            watch.lap("read");
            let local = links.local(&survey.snapshot, &mut facts, bounds.denied());
            let mut cases = self.pair(facts, local, join.take(part)?, run.as_of)?;
            self.store.keep_met(run.run, part as u32, &cases.recorded)?;
            if part + 1 < parts {
                let (open, met) = cases.give_back_open_batch();
                open.iter().try_for_each(|fact| spill.push(parts + part + 1, fact, &cases.snapshot.symbols))?;
                met.iter().try_for_each(|row| join.row(part + 1, row))?;
                spill.flush(&cases.snapshot.symbols)?;
            }
            watch.lap("correlate");
            let verdicts = self.judge_anew(&cases, run.as_of, &mut memory)?;
            watch.lap("judge");
            let decided = decide_part(&cases, &verdicts, &policy, self.threads());
            watch.lap("decide");
            let draft = Draft { cases: &cases, decided: &decided, policy, rule: &self.rule, inputs: inputs.clone() };
            sealing.add(&draft, self.threads())?;
            watch.lap("seal");
            report.add(&cases, &verdicts);
            owed.add(debt::count(&cases, &census, terms, self.threads()));
            left.verdicts.add(&verdicts);
            left.ends.count(&cases, &decided.decisions);
            mem::take(&mut cases.unlisted).into_iter().for_each(|row| left.alone(row));
            if !doubted {
                let planned = decided.decisions.iter().filter_map(|decision| cases.cases.get(decision.case as usize));
                left.keep_seen(folder, &self.seen_anew(&cases, &planned.map(|case| case.key).collect()))?;
            }
            self.tell_parts(part + 1, parts);
            watch.lap("record");
        }
        let inputs = Inputs { verdicts: mem::take(&mut left.verdicts).finish(), ..inputs };
        let waiting = left.ends.too_many(policy.spent);
        let sealed = self.write_plan(|out, _, observer| sealing.finish(&policy, inputs, &waiting, out, observer))?;
        watch.lap("seal");
        let spared = memory.end(run.run)?;
        let report = RunReport { plan: sealed.id, debt: Some(owed), spared, ..report };
        report.write(&self.store)?;
        self.record_seal(owned, run, sealed.id, left.rows(&survey.snapshot.scans, doubted), counts)?;
        watch.lap("record");
        Ok(Planned { plan: sealed.id, header: sealed.header, report, timings: Vec::new() })
    }

    fn tell_parts(&self, done: usize, of: usize) {
        self.observer.on(&Progress::Part { done: done as u64, of: of as u64 });
    }

    /// Deals the facts out into parts, which are ranges of their identities' digests. There is room for as many again: what a
    /// part gives back. If recorded rows are to be joined, the keys of the facts are told.
    fn deal(
        &self,
        survey: &Survey,
        links: &Links,
        folder: &Path,
        together: bool,
        mut join: Option<&mut Join>,
    ) -> Result<(Spill, usize), EngineError> {
        // The catalogue and successors may demand something of several identities at once: then they are decided together.
        let parts = survey.facts().div_ceil(self.parts.options.part.max(1)).clamp(1, if together { 1 } else { PLAN_PARTS });
        let mut spill = Spill::new(folder, 2 * parts as usize);
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
        Ok((spill, parts as usize))
    }
}

impl Left {
    /// Takes a row of which there is no case.
    fn alone(&mut self, row: Recorded) {
        if row.flags & Recorded::WITHHELD != 0 {
            self.unlisted.push(row);
        }
    }

    /// The rows to record, file by file. A clock that is doubted dates nothing.
    fn rows(&self, scans: &[Scan], doubted: bool) -> impl Iterator<Item = Result<Vec<Recorded>, EngineError>> {
        let withdrawn = withdrawn(&self.unlisted, scans).filter(|_| !doubted).collect();
        self.seen.iter().map(|path| read_kept(path)).chain([Ok(withdrawn)])
    }

    fn keep_seen(&mut self, folder: &Path, rows: &[Recorded]) -> Result<(), EngineError> {
        if !rows.is_empty() {
            let path = folder.join(format!("seen-{}", self.seen.len()));
            keep(&path, rows)?;
            self.seen.push(path);
        }
        Ok(())
    }
}

/// The facts of a part, each source held to its word, and those that the part before gave back.
fn read_part(survey: &Survey, spill: &mut Spill, part: usize, parts: usize) -> Result<Snapshot, DiscoverError> {
    let mut facts = Snapshot { scans: survey.snapshot.scans.clone(), ..Snapshot::default() };
    spill.take(part, &mut facts)?;
    facts.check(&survey.places)?;
    spill.take(parts + part, &mut facts)?;
    Ok(facts)
}

/// Rows that were kept by this run.
fn read_kept(path: &Path) -> Result<Vec<Recorded>, EngineError> {
    let rows = read_aside(path).map_err(|source| EngineError::Store { path: path.to_owned(), source })?;
    rows.ok_or_else(|| EngineError::Damaged { path: path.to_owned(), problem: "it is not what was written".to_owned() })
}
