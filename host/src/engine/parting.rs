//! Planning part by part: facts are dealt out by the digest of their identity, and each part is paired, judged, decided and
//! written on its own, in the order of digests, so that only one is in memory. Owns what outlives a part: the batch that the
//! next part may still fill, counts, and what the seal records. A plan does not depend on how many parts there are.

use std::mem;
use std::path::{Path, PathBuf};

use super::apart::Apart;
use super::comparing::Comparing;
use super::dealing::Dealt;
use super::planning::{Bounds, Watch};
use super::remembering::Remembering;
use super::replay::{Recorder, Whole};
use super::resting::Fared;
use super::store::keep;
use super::{Engine, EngineError, Planned, RunReport};
use crate::correlate::{Cases, Recorded, withdrawn};
use crate::debt::{self, Census, Debt};
use crate::decide::{Decided, Ends, Policy, decide_part};
use crate::discover::{Scan, Snapshot, Survey, record_counts};
use crate::ledger::{Owned, RunRow, read_aside};
use crate::link::Links;
use crate::model::Time;
use crate::plan::{Draft, Inputs, Sealing};
use crate::progress::Progress;
use crate::rule::{BatchVerdict, VerdictsDigest};
use crate::telemetry::stage;

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
    recorder: Recorder,
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
        let apart = Apart::begin(&survey);
        let links = {
            let _span = stage!("link", run = run.run.0).entered();
            self.link_survey(&mut survey)?
        };
        watch.lap("link");
        let mut rows = Rows::default();
        let mut dealt = self.deal(&survey, &links, folder, apart.linked(&links), |row| rows.alone(row))?;
        watch.lap("deal");
        let bounds = self.bounds(run.run)?;
        let policy = self.policy(run.as_of, &bounds);
        let inputs = self.inputs(&run, facts, &[], &policy)?;
        let doubted = inputs.clock.is_some();
        let census = Census::of(&survey.snapshot, run.as_of);
        let report = RunReport::new(&run, &self.rule, &survey.snapshot.scans);
        let rests = self.rests(&run)?;
        let comparing = self.begin_beside(&run);
        let owed = Debt::under(&self.parts.options.debt);
        let mut left = Left::begin(Sealing::begin(folder), report, owed, rows, comparing, Recorder::begin(self, run.run)?);
        let common = Common { run: &run, survey: &survey, links: &links, folder, bounds: &bounds, policy, inputs, census, rests };
        self.tell_parts(0, dealt.parts);
        for part in 0..dealt.parts {
            self.plan_part(&common, part, &mut dealt, &mut left, &mut memory, watch)?;
        }
        self.plan_apart(&common, &mut dealt, &mut left, watch)?;
        let Left { sealing, report, owed, ends, verdicts, rows, fared, comparing, recorder } = left;
        let inputs = Inputs { verdicts: verdicts.finish(), ..common.inputs };
        let waiting = ends.too_many(policy.spent);
        let span = stage!("seal", run = run.run.0).entered();
        let sealed = self.write_plan(|out, _, observer| sealing.finish(&policy, inputs, &waiting, out, observer))?;
        drop(span);
        watch.lap("seal");
        recorder.end(self, &Whole { snapshot: &survey.snapshot, links: &links, policy: &policy }, &sealed)?;
        watch.lap("recording");
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
        let facts = dealt.facts(part, common.survey, &mut left.recorder, watch)?;
        watch.lap("read");
        let run = common.run.run.0;
        let span =
            stage!("correlate", run = run, part = part as u64, facts = facts.desired.len() as u64 + facts.observed.len() as u64)
                .entered();
        let cases = self.pair_part(common, part, facts, dealt)?;
        drop(span);
        watch.lap("correlate");
        left.recorder.met(&cases.recorded)?;
        watch.lap("recording");
        let span = stage!(
            "judge",
            run = run,
            part = part as u64,
            cases = cases.cases.len() as u64,
            batches = cases.batches.len() as u64
        )
        .entered();
        let verdicts = match common.rests {
            Some(until) => Self::resting(&cases, until),
            None => self.judge_anew(&cases, common.run.as_of, memory)?,
        };
        drop(span);
        left.fared.add(&verdicts);
        left.report.add(&cases, &verdicts);
        left.owed.add(debt::count(&cases, &common.census, &self.parts.options.debt, self.threads()));
        left.verdicts.add(&verdicts);
        watch.lap("judge");
        left.recorder.answers(&verdicts)?;
        watch.lap("recording");
        let beside = self.judge_beside(&cases, common.run.as_of);
        if let (Some(beside), Some(comparing)) = (&beside, &mut left.comparing) {
            comparing.faults(beside);
            watch.lap("judge beside");
        }
        dealt.apart.keep(&cases, &verdicts, beside.as_deref());
        self.seal_part(common, cases, &verdicts, beside.as_deref(), left, watch)?;
        self.tell_parts(part + 1, dealt.parts);
        Ok(())
    }

    /// Decides what the parts left to be decided together.
    fn plan_apart(&self, common: &Common<'_>, dealt: &mut Dealt, left: &mut Left, watch: &mut Watch) -> Result<(), EngineError> {
        if dealt.apart.is_empty() {
            return Ok(());
        }
        let mut facts = Snapshot { scans: common.survey.snapshot.scans.clone(), ..Snapshot::default() };
        dealt.facts.take(2 * dealt.parts, &mut facts)?;
        watch.lap("read");
        let local = common.links.local(&common.survey.snapshot, &mut facts, common.bounds.denied());
        let mut cases = self.pair(facts, local, dealt.recorded.take(dealt.parts)?, common.run.as_of)?;
        let (verdicts, beside) = mem::take(&mut dealt.apart)
            .answers(&mut cases)
            .ok_or_else(|| common.survey.damaged("an identity that is decided apart is not as its part had it".to_owned()))?;
        watch.lap("correlate");
        self.seal_part(common, cases, &verdicts, beside.as_deref(), left, watch)
    }

    /// Decides cases and writes their lines.
    fn seal_part(
        &self,
        common: &Common<'_>,
        cases: Cases,
        verdicts: &[BatchVerdict],
        beside: Option<&[BatchVerdict]>,
        left: &mut Left,
        watch: &mut Watch,
    ) -> Result<(), EngineError> {
        let span = stage!("decide", run = common.run.run.0, cases = cases.cases.len() as u64).entered();
        let decided = decide_part(&cases, verdicts, &common.policy, self.threads());
        drop(span);
        watch.lap("decide");
        if let (Some(beside), Some(comparing)) = (beside, &mut left.comparing) {
            self.compare_beside(&cases, &decided, beside, &common.policy, comparing);
            watch.lap("judge beside");
        }
        let inputs = common.inputs.clone();
        let draft = Draft { cases: &cases, decided: &decided, policy: common.policy, rule: &self.rule, inputs };
        left.sealing.add(&draft, self.threads())?;
        watch.lap("seal");
        self.keep_part(common, cases, &decided, left)?;
        watch.lap("record");
        Ok(())
    }

    /// The cases of a part, but for those that the next one may add to: these are given back. Those of identities that are decided
    /// apart are dealt out once more.
    fn pair_part(&self, common: &Common<'_>, part: usize, mut facts: Snapshot, dealt: &mut Dealt) -> Result<Cases, EngineError> {
        let local = common.links.local(&common.survey.snapshot, &mut facts, common.bounds.denied());
        let mut cases = self.pair(facts, local, dealt.recorded.take(part)?, common.run.as_of)?;
        self.store.keep_met(common.run.run, part as u32, &cases.recorded)?;
        if part + 1 < dealt.parts {
            dealt.give_back(part + 1, &mut cases)?;
        }
        if dealt.parts > 1 {
            dealt.set_apart(&mut cases, common.survey, common.links)?;
        }
        Ok(cases)
    }

    /// Keeps what the end needs of a part.
    fn keep_part(&self, common: &Common<'_>, mut cases: Cases, decided: &Decided, left: &mut Left) -> Result<(), EngineError> {
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
}

impl Left {
    fn begin(
        sealing: Sealing,
        report: RunReport,
        owed: Debt,
        rows: Rows,
        comparing: Option<Comparing>,
        recorder: Recorder,
    ) -> Self {
        let (ends, verdicts, fared) = (Ends::default(), VerdictsDigest::default(), Fared::default());
        Left { sealing, report, owed, ends, verdicts, rows, fared, comparing, recorder }
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
