//! From the first page to the seal. Nothing is written to a target here.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{BatchFault, Engine, EngineError, RunReport, Store};
use crate::correlate::{Cases, CorrelateContext, correlate};
use crate::decide::{Policy, decide};
use crate::discover::{Completeness, Discovery, ScanSide, Snapshot, discover};
use crate::ledger::{Adoption, Batch, Entry, Opening, Owned, Query, Rows, RunRow, ScanCount, Stage};
use crate::link::link;
use crate::model::{Digest, GateKind, PlanId, RunId, Time};
use crate::plan::{Header, Inputs, PLANNER, seal};
use crate::rule::{BatchVerdict, Fault, Judging, judge_all};

/// Log lines of a rule that a run's report keeps.
const REPORT_LOG_LINES: usize = 200;

/// What planning came to.
#[derive(Debug)]
#[non_exhaustive]
pub struct Planned {
    /// The sealed plan.
    pub plan: PlanId,
    /// Its first line.
    pub header: Header,
    /// What else the run tells.
    pub report: RunReport,
    /// How long each stage took, in the order of the stages. For people: nothing depends on it.
    pub timings: Vec<(&'static str, Duration)>,
}

impl Engine {
    /// Discovers, judges and seals. A run that was interrupted before its seal is continued; one that was interrupted
    /// while committing is committed first.
    ///
    /// # Errors
    /// When a stage fails; nothing was then written to any target, and the run can be resumed.
    pub async fn plan(&self, as_of: Option<Time>) -> Result<Planned, EngineError> {
        let owned = self.acquire()?;
        let recovery = self.ledger.recover(&owned)?;
        if let Some(open) = recovery.run.filter(|run| run.stage == Stage::Committing) {
            self.commit(&owned, open).await?;
        }
        let now = self.clock.now();
        let run = RunRow {
            run: RunId(recovery.last_run + 1),
            stage: Stage::Discovering,
            as_of: as_of.unwrap_or(now),
            began: now,
            basis: self.basis(),
            plan: None,
            slice: 0,
        };
        self.begin(&owned, &run)?;
        self.seal_run(&owned, run).await
    }

    /// Reads, judges and seals for a run that is recorded as begun.
    pub(super) async fn seal_run(&self, owned: &Owned, run: RunRow) -> Result<Planned, EngineError> {
        let mut watch = Watch::default();
        let openings = self.openings()?;
        let counts = self.scan_counts()?;
        let pages = self.store.begin_pages(run.run)?;
        let snapshot = self.discover(&run, pages, &openings, counts).await?;
        watch.lap("discover");
        let planned = tokio::task::block_in_place(|| self.seal_snapshot(owned, run, snapshot, &mut watch));
        planned.map(|planned| Planned { timings: watch.laps, ..planned })
    }

    async fn discover(
        &self,
        run: &RunRow,
        spool: std::path::PathBuf,
        openings: &[Opening],
        counts: Vec<ScanCount>,
    ) -> Result<Snapshot, EngineError> {
        let released: BTreeSet<Digest> =
            openings.iter().filter(|opening| opening.gate == GateKind::Shrink).map(|opening| opening.change.0).collect();
        let options = Discovery {
            as_of: run.as_of,
            now: run.as_of.max(self.clock.now()),
            max_age: self.parts.options.max_age,
            spool,
            counts,
            keys: self.store.keys(),
            released,
        };
        let snapshot = discover(&self.parts.sources, &self.parts.targets, &options, Arc::clone(&self.observer)).await?;
        self.check_targets(&snapshot)?;
        Ok(snapshot)
    }

    fn check_targets(&self, snapshot: &Snapshot) -> Result<(), EngineError> {
        let known: BTreeSet<&str> = self.parts.targets.iter().map(|target| target.name()).collect();
        match snapshot.scans.iter().find(|scan| !known.contains(scan.target.as_str())) {
            Some(scan) => Err(EngineError::UnknownTarget { from: scan.source.clone(), target: scan.target.clone() }),
            None => Ok(()),
        }
    }

    /// Links and correlates a snapshot.
    pub(super) fn correlate(&self, mut snapshot: Snapshot, as_of: Time) -> Result<Cases, EngineError> {
        let module = &self.parts.module;
        let links = link(&mut snapshot, &mut |kind, keys: &[&str]| module.canon(kind, keys))?;
        let profiles = self.parts.targets.iter().map(|target| (target.name().to_owned(), target.profile().clone())).collect();
        let context = CorrelateContext { tenant: &self.parts.tenant, as_of, scopes: &self.parts.scopes, profiles: &profiles };
        Ok(correlate(snapshot, links, self.ledger.recorded(&self.parts.tenant)?, &context)?)
    }

    fn seal_snapshot(&self, owned: &Owned, run: RunRow, snapshot: Snapshot, watch: &mut Watch) -> Result<Planned, EngineError> {
        let facts_digest = snapshot.facts_digest();
        watch.lap("digest");
        let cases = self.correlate(snapshot, run.as_of)?;
        watch.lap("correlate");
        let judging = Judging { as_of: run.as_of, settings: &self.parts.settings, explain: false };
        let verdicts = judge_all(&self.parts.module, &judging, &cases, self.threads(), &*self.observer);
        watch.lap("judge");
        let adoptions = self.adoptions()?;
        let profiles = self.parts.targets.iter().map(|target| (target.name().to_owned(), target.profile().clone())).collect();
        let facts = self.parts.module.facts();
        let policy = Policy {
            as_of: run.as_of,
            scopes: &self.parts.scopes,
            profiles: &profiles,
            adoptions: &adoptions,
            module: facts.module,
        };
        let decided = decide(&cases, &verdicts, &policy, self.threads());
        watch.lap("decide");
        let inputs = self.inputs(&run, facts_digest, &verdicts)?;
        let sealed = self.write_plan(&cases, &decided, inputs)?;
        watch.lap("seal");
        let report = self.report(&run, sealed.0, &cases, &verdicts);
        report.write(&self.store)?;
        self.record_seal(owned, run, sealed.0, &cases, &decided)?;
        watch.lap("record");
        Ok(Planned { plan: sealed.0, header: sealed.1, report, timings: Vec::new() })
    }

    fn inputs(&self, run: &RunRow, facts: Digest, verdicts: &[BatchVerdict]) -> Result<Inputs, EngineError> {
        let rule = self.parts.module.facts();
        Ok(Inputs {
            as_of: run.as_of,
            facts,
            planner: PLANNER,
            profile: rule.profile.clone(),
            recorded: self.ledger.recorded_root(&self.parts.tenant)?,
            rule: format!("{}@{}", rule.name, rule.version),
            rule_module: rule.module,
            scopes: self.scopes_digest(),
            settings: self.parts.settings.digest(),
            tenant: self.parts.tenant.clone(),
            verdicts: crate::rule::verdicts_digest(verdicts),
        })
    }
}

/// Laps of one run.
#[derive(Default)]
struct Watch {
    laps: Vec<(&'static str, Duration)>,
    last: Option<Instant>,
}
