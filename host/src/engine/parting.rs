//! Planning part by part: facts are dealt out by the digest of their identity, and each part is paired, judged, decided and
//! written on its own, in the order of digests, so that only one is in memory. Owns what outlives a part: the batch that the
//! next part may still fill, counts, and what the seal records. A plan does not depend on how many parts there are.

use std::mem;
use std::path::{Path, PathBuf};

use super::comparing::Comparing;
use super::joining::Join;
use super::planning::{Bounds, Watch};
use super::remembering::Remembering;
use super::resting::Fared;
use super::store::keep;
use super::{Engine, EngineError, Planned, RunReport};
use crate::correlate::{Cases, Recorded, identity_digest, withdrawn};
use crate::debt::{self, Census, Debt};
use crate::decide::{Decided, Ends, Policy, decide_part};
use crate::discover::{DiscoverError, Scan, Snapshot, Spill, Survey, record_counts};
use crate::ledger::{Owned, RunRow, read_aside};
use crate::limits::PLAN_PARTS;
use crate::link::{Links, Numbers};
use crate::model::{CaseKey, Time};
use crate::plan::{Draft, Inputs, Sealing};
use crate::progress::Progress;
use crate::rule::{BatchVerdict, VerdictsDigest};

/// What all parts of a plan have in common.
struct Common<'a> {
    run: &'a RunRow,
    survey: &'a Survey,
    links: &'a Links,
    folder: &'a Path,
    bounds: &'a Bounds,
    policy: Policy<'a>,
    /// All but the digest of verdicts.
    inputs: Inputs,
    census: Census,
    /// Until when the rule rests.
    rests: Option<Time>,
}

/// What was dealt out and waits for its part.
struct Dealt {
    facts: Spill,
    recorded: Join,
    parts: usize,
}

/// What the parts leave behind for the end.
struct Left {
    sealing: Sealing,
    report: RunReport,
    owed: Debt,
    ends: Ends,
    verdicts: VerdictsDigest,
    rows: Rows,
    fared: Fared,
    comparing: Option<Comparing>,
}

/// Rows to record.
#[derive(Default)]
struct Rows {
    /// Files of them.
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
        // Holders that must be left and successors may concern several identities at once: then they are decided together.
        let posts = survey.snapshot.entitlements.iter().any(|row| row.min_holders > 0 || row.break_glass);
        let together = survey.names.replaces || posts;
        let links = self.link_survey(&mut survey)?;
        watch.lap("link");
        let mut rows = Rows::default();
        let mut dealt = self.deal(&survey, &links, folder, together, &mut rows)?;
        watch.lap("deal");
        let bounds = self.bounds(run.run)?;
        let policy = self.policy(run.as_of, &bounds);
        let inputs = self.inputs(&run, facts, &[], &policy)?;
        let doubted = inputs.clock.is_some();
        let census = Census::of(&survey.snapshot, run.as_of);
        let report = RunReport::new(&run, &self.rule, &survey.snapshot.scans);
        let rests = self.rests(&run)?;
        let comparing = self.begin_beside(&run);
        let mut left = Left::begin(Sealing::begin(folder)?, report, Debt::under(&self.parts.options.debt), rows, comparing);
        let common = Common { run: &run, survey: &survey, links: &links, folder, bounds: &bounds, policy, inputs, census, rests };
        self.tell_parts(0, dealt.parts);
        for part in 0..dealt.parts {
            self.plan_part(&common, part, &mut dealt, &mut left, &mut memory, watch)?;
        }
        let Left { sealing, report, owed, ends, verdicts, rows, fared, comparing } = left;
        let inputs = Inputs { verdicts: verdicts.finish(), ..common.inputs };
        let waiting = ends.too_many(policy.spent);
        let sealed = self.write_plan(|out, _, observer| sealing.finish(&policy, inputs, &waiting, out, observer))?;
        watch.lap("seal");
        let spared = memory.end(run.run)?;
        let beside = comparing.map(Comparing::end);
        let report = RunReport { plan: sealed.id, debt: Some(owed), spared, rests, beside, ..report };
        report.write(&self.store)?;
        if rests.is_none() {
            self.record_fared(owned, &run, fared)?;
        }
        if let Some(comparison) = &report.beside {
            self.end_beside(owned, &run, comparison)?;
        }
        self.record_seal(owned, run, sealed.id, rows.read(&survey.snapshot.scans, doubted), counts)?;
        watch.lap("record");
        Ok(Planned { plan: sealed.id, header: sealed.header, report, timings: Vec::new() })
    }

    /// Takes one part from its facts to its lines.
    fn plan_part(
        &self,
        common: &Common<'_>,
        part: usize,
        dealt: &mut Dealt,
        left: &mut Left,
        memory: &mut Remembering<'_>,
        watch: &mut Watch,
    ) -> Result<(), EngineError> {
        let facts = dealt.facts(part, common.survey)?;
        watch.lap("read");
        let cases = self.pair_part(common, part, facts, dealt)?;
        watch.lap("correlate");
        let verdicts = match common.rests {
            Some(until) => Self::resting(&cases, until),
            None => self.judge_anew(&cases, common.run.as_of, memory)?,
        };
        left.fared.add(&verdicts);
        watch.lap("judge");
        let decided = decide_part(&cases, &verdicts, &common.policy, self.threads());
        watch.lap("decide");
        if let Some(comparing) = &mut left.comparing {
            self.judge_beside(&cases, &decided, &common.policy, comparing);
            watch.lap("judge beside");
        }
        let inputs = common.inputs.clone();
        let draft = Draft { cases: &cases, decided: &decided, policy: common.policy, rule: &self.rule, inputs };
        left.sealing.add(&draft, self.threads())?;
        watch.lap("seal");
        self.keep_part(common, cases, &verdicts, &decided, left)?;
        self.tell_parts(part + 1, dealt.parts);
        watch.lap("record");
        Ok(())
    }

    /// The cases of a part, but for those that the next one may add to: these are given back.
    fn pair_part(&self, common: &Common<'_>, part: usize, mut facts: Snapshot, dealt: &mut Dealt) -> Result<Cases, EngineError> {
        let local = common.links.local(&common.survey.snapshot, &mut facts, common.bounds.denied());
        let mut cases = self.pair(facts, local, dealt.recorded.take(part)?, common.run.as_of)?;
        self.store.keep_met(common.run.run, part as u32, &cases.recorded)?;
        if part + 1 < dealt.parts {
            dealt.give_back(part + 1, &mut cases)?;
        }
        Ok(cases)
    }

    /// Keeps what the end needs of a part.
    fn keep_part(
        &self,
        common: &Common<'_>,
        mut cases: Cases,
        verdicts: &[BatchVerdict],
        decided: &Decided,
        left: &mut Left,
    ) -> Result<(), EngineError> {
        left.report.add(&cases, verdicts);
        left.owed.add(debt::count(&cases, &common.census, &self.parts.options.debt, self.threads()));
        left.verdicts.add(verdicts);
        left.ends.count(&cases, &decided.decisions);
        mem::take(&mut cases.unlisted).into_iter().for_each(|row| left.rows.alone(row));
        // A clock that is doubted dates nothing.
        if common.inputs.clock.is_some() {
            return Ok(());
        }
        let planned = decided.decisions.iter().filter_map(|decision| cases.cases.get(decision.case as usize));
        left.rows.keep_seen(common.folder, &self.seen_anew(&cases, &planned.map(|case| case.key).collect()))
    }

    fn tell_parts(&self, done: usize, of: usize) {
        self.observer.on(&Progress::Part { done: done as u64, of: of as u64 });
    }

    /// Deals facts and recorded rows out into parts.
    fn deal(&self, survey: &Survey, links: &Links, folder: &Path, together: bool, kept: &mut Rows) -> Result<Dealt, EngineError> {
        let parts = survey.facts().div_ceil(self.parts.options.part.max(1)).clamp(1, if together { 1 } else { PLAN_PARTS });
        let mut rows = self.ledger.recorded(&self.parts.tenant)?.peekable();
        let mut recorded = Join::new(folder);
        let joined = rows.peek().is_some().then_some(&mut recorded);
        let facts = self.deal_facts(survey, links, folder, parts, joined)?;
        recorded.rows(Box::new(rows), |row| kept.alone(row))?;
        Ok(Dealt { facts, recorded, parts: parts as usize })
    }

    /// Deals the facts out into parts, which are ranges of their identities' digests. There is room for as many again: what a
    /// part gives back. If recorded rows are to be joined, the keys of the facts are told.
    fn deal_facts(
        &self,
        survey: &Survey,
        links: &Links,
        folder: &Path,
        parts: u64,
        mut join: Option<&mut Join>,
    ) -> Result<Spill, EngineError> {
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
        Ok(spill)
    }
}

impl Dealt {
    /// The facts of a part, each source held to its word, and those that the part before gave back.
    fn facts(&mut self, part: usize, survey: &Survey) -> Result<Snapshot, DiscoverError> {
        let mut facts = Snapshot { scans: survey.snapshot.scans.clone(), ..Snapshot::default() };
        self.facts.take(part, &mut facts)?;
        facts.check(&survey.places)?;
        self.facts.take(self.parts + part, &mut facts)?;
        Ok(facts)
    }

    /// Gives the batch that could still grow to the part that may add to it.
    fn give_back(&mut self, next: usize, cases: &mut Cases) -> Result<(), DiscoverError> {
        let (open, met) = cases.give_back_open_batch();
        open.iter().try_for_each(|fact| self.facts.push(self.parts + next, fact, &cases.snapshot.symbols))?;
        met.iter().try_for_each(|row| self.recorded.row(next, row))?;
        self.facts.flush(&cases.snapshot.symbols)
    }
}

impl Left {
    fn begin(sealing: Sealing, report: RunReport, owed: Debt, rows: Rows, comparing: Option<Comparing>) -> Self {
        let (ends, verdicts, fared) = (Ends::default(), VerdictsDigest::default(), Fared::default());
        Left { sealing, report, owed, ends, verdicts, rows, fared, comparing }
    }
}

impl Rows {
    /// Takes a row of which there is no case.
    fn alone(&mut self, row: Recorded) {
        if row.flags & Recorded::WITHHELD != 0 {
            self.unlisted.push(row);
        }
    }

    /// All of them, file by file. A clock that is doubted dates nothing.
    fn read(&self, scans: &[Scan], doubted: bool) -> impl Iterator<Item = Result<Vec<Recorded>, EngineError>> {
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

/// Rows that were kept by this run.
fn read_kept(path: &Path) -> Result<Vec<Recorded>, EngineError> {
    let rows = read_aside(path).map_err(|source| EngineError::Store { path: path.to_owned(), source })?;
    rows.ok_or_else(|| EngineError::Damaged { path: path.to_owned(), problem: "it is not what was written".to_owned() })
}
