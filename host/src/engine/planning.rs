//! From the first page to the seal. Nothing is written to a target here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::answers::Answers;
use super::remembering::Remembering;
use super::{Engine, EngineError, RunReport};
use crate::correlate::{Cases, CorrelateContext, CorrelateError, Recorded, TargetFacts, correlate};
use crate::decide::{Policy, TargetPolicy};
use crate::discover::{Discovery, Snapshot, Survey, discover};
use crate::ledger::{Adoption, LedgerError, Opening, Owned, RunRow, Stage};
use crate::link::Links;
use crate::model::{Denial, Digest, GateKind, KeyHash, PlanId, RunId, Time};
use crate::plan::{Header, Inputs, PLANNER};
use crate::rule::BatchVerdict;
use crate::telemetry::{stage, within};

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
    /// Discovers, judges and seals. A run that was interrupted while committing is committed first, if it began under the
    /// same terms; one that was interrupted earlier, or began under others, is given up for this one.
    ///
    /// # Errors
    /// When a stage fails; nothing was then written to any target, and the next plan begins again.
    pub async fn plan(&self, as_of: Option<Time>) -> Result<Planned, EngineError> {
        let planning = async {
            let owned = self.acquire()?;
            let planned = self.plan_owned(&owned, as_of, false).await?;
            self.checkpoint()?;
            Ok(planned)
        };
        let planned = within(stage!("plan", tenant = self.parts.tenant.as_str()), planning).await;
        self.measure_call("plan", &planned);
        planned
    }

    pub(super) async fn plan_owned(&self, owned: &Owned, as_of: Option<Time>, commits: bool) -> Result<Planned, EngineError> {
        let recovery = self.ledger.recover(owned)?;
        if let Some(open) = recovery.run.filter(|run| run.stage == Stage::Committing) {
            self.end_interrupted(owned, open).await?;
        }
        self.settle_former(owned).await?;
        self.attend(owned).await?;
        let run = self.new_run(RunId(recovery.last_run + 1), as_of, commits);
        self.begin(owned, &run)?;
        self.seal_run(owned, run).await
    }

    /// A run that begins now.
    pub(super) fn new_run(&self, run: RunId, as_of: Option<Time>, commits: bool) -> RunRow {
        let (began, stage) = (self.clock.now(), Stage::Discovering);
        let as_of = as_of.unwrap_or(began);
        RunRow { run, stage, as_of, began, basis: self.basis(), plan: None, slice: 0, commits, amends: None }
    }

    /// Reads, judges and seals for a run that is recorded as begun. A rule that breaks its word on the way is not believed any
    /// more: then all is read from the pages again, and judged.
    pub(super) async fn seal_run(&self, owned: &Owned, run: RunRow) -> Result<Planned, EngineError> {
        let mut watch = Watch::start();
        let pages = self.store.begin_pages(run.run)?;
        let answers = Answers::within(self.store.answers());
        loop {
            let folder = self.store.begin_spill()?;
            let reading = self.read(&run, pages.clone(), folder.path());
            let survey = within(stage!("discover", run = run.run.0), reading).await?;
            // An emergency does not wait until all is judged.
            self.attend(owned).await?;
            watch.lap("discover");
            let believed = answers.is_believed(self.rule.module)?;
            let memory = Remembering::of(&answers, &run, believed, self.parts.options.reuse)?;
            let sealed = || self.seal_survey(owned, run.clone(), survey, folder.path(), &mut watch, memory);
            match tokio::task::block_in_place(sealed) {
                Err(EngineError::Contradicted) if believed => answers.distrust(self.rule.module)?,
                Ok(planned) => {
                    let planned = Planned { timings: watch.laps, ..planned };
                    self.measure_plan(&planned);
                    return Ok(planned);
                }
                failed => return failed,
            }
        }
    }

    /// Reads all sources and targets, or what the run's pages already hold of them.
    pub(super) async fn read(&self, run: &RunRow, spool: PathBuf, scratch: &Path) -> Result<Survey, EngineError> {
        let openings = self.openings()?;
        let options = Discovery {
            as_of: run.as_of,
            now: run.began.max(run.as_of),
            max_age_seconds: self.parts.options.max_age,
            spool,
            scratch: scratch.to_owned(),
            counts: self.scan_counts()?,
            keys_dir: self.store.keys(),
            released: released(&openings),
        };
        let survey = discover(&self.parts.sources, &self.parts.targets, &options, Arc::clone(&self.observer)).await?;
        self.check_targets(&survey.snapshot)?;
        Ok(survey)
    }

    fn check_targets(&self, snapshot: &Snapshot) -> Result<(), EngineError> {
        let known: BTreeSet<&str> = self.parts.targets.iter().map(|target| target.name()).collect();
        let foreign = snapshot.scans.iter().find(|scan| !scan.target.is_empty() && !known.contains(scan.target.as_str()));
        match foreign {
            Some(scan) => Err(EngineError::UnknownTarget { from: scan.source.clone(), target: scan.target.clone() }),
            None => Ok(()),
        }
    }

    /// Links a snapshot and correlates it with recorded state.
    pub(super) fn correlate(
        &self,
        mut snapshot: Snapshot,
        recorded: impl Iterator<Item = Result<Recorded, LedgerError>>,
        as_of: Time,
    ) -> Result<Cases, EngineError> {
        let links = self.link(&mut snapshot)?;
        self.pair(snapshot, links, recorded, as_of)
    }

    /// Correlates what is linked with recorded state.
    pub(super) fn pair(
        &self,
        snapshot: Snapshot,
        links: Links,
        recorded: impl Iterator<Item = Result<Recorded, LedgerError>>,
        as_of: Time,
    ) -> Result<Cases, EngineError> {
        let context = CorrelateContext {
            tenant: &self.parts.tenant,
            as_of,
            scopes: &self.parts.scopes,
            targets: &self.target_facts(),
            threads: self.threads(),
        };
        correlate(snapshot, links, recorded, &context).map_err(|error| match error {
            CorrelateError::Recorded(error) => error.into(),
            other => EngineError::Correlate(other.to_string()),
        })
    }

    pub(super) fn inputs(
        &self,
        run: &RunRow,
        facts: Digest,
        verdicts: &[BatchVerdict],
        policy: &Policy<'_>,
    ) -> Result<Inputs, EngineError> {
        let rule = &self.rule;
        Ok(Inputs {
            amends: None,
            as_of: run.as_of,
            clock: self.doubted_clock(run)?,
            denials: policy.denials_digest(),
            facts,
            limits: rule.limits,
            planner: PLANNER,
            profile: rule.profile.clone(),
            recorded: self.ledger.recorded_root(&self.parts.tenant)?,
            rule: rule.label(),
            rule_module: rule.module,
            scopes: self.scopes_digest(),
            settings: self.settings_digest(),
            tenant: self.parts.tenant.clone(),
            undoes: None,
            unsettled: policy.unsettled_digest(),
            verdicts: crate::rule::verdicts_digest(verdicts),
        })
    }

    /// Reads what deciding for a run is bound by besides the configuration.
    pub(super) fn bounds(&self, run: RunId) -> Result<Bounds, EngineError> {
        let (adoptions, denials, unsettled) = (self.adoptions()?, self.denials()?, self.unsettled(run)?);
        Ok(Bounds { adoptions, denials, unsettled, spent: BTreeMap::new(), targets: self.target_policies() })
    }

    pub(super) fn policy<'a>(&'a self, as_of: Time, bounds: &'a Bounds) -> Policy<'a> {
        let Bounds { adoptions, denials, unsettled, spent, targets } = bounds;
        Policy { as_of, scopes: &self.parts.scopes, targets, adoptions, module: self.rule.module, denials, unsettled, spent }
    }

    pub(super) fn target_policies(&self) -> BTreeMap<String, TargetPolicy> {
        self.parts.targets.iter().map(|target| (target.name().to_owned(), target.profile().into())).collect()
    }

    pub(super) fn target_facts(&self) -> BTreeMap<String, TargetFacts> {
        self.parts.targets.iter().map(|target| (target.name().to_owned(), target.profile().into())).collect()
    }
}

/// What deciding is bound by besides the configuration.
pub(super) struct Bounds {
    adoptions: Vec<Adoption>,
    denials: Vec<Denial>,
    unsettled: BTreeSet<KeyHash>,
    spent: BTreeMap<String, u64>,
    targets: BTreeMap<String, TargetPolicy>,
}

impl Bounds {
    /// Texts by which denials name holders, targets and objects.
    pub(super) fn denied(&self) -> impl Iterator<Item = &str> {
        let standing = self.denials.iter().filter(|denial| denial.stands());
        standing.flat_map(|denial| [denial.holder.as_str(), denial.target.as_str(), denial.object.as_str()])
    }

    /// After another plan of the same run spent so much.
    pub(super) fn after(self, spent: BTreeMap<String, u64>) -> Self {
        Bounds { spent, ..self }
    }
}

/// Digests of the shrunk scans that somebody released.
pub(super) fn released(openings: &[Opening]) -> BTreeSet<Digest> {
    openings.iter().filter(|opening| opening.gate == GateKind::Shrink).map(|opening| opening.change.0).collect()
}

/// Laps of one run.
pub(super) struct Watch {
    pub(super) laps: Vec<(&'static str, Duration)>,
    last: Instant,
}

impl Watch {
    #[expect(clippy::disallowed_methods, reason = "laps are for people; nothing depends on them")]
    pub(super) fn start() -> Self {
        Watch { laps: Vec::new(), last: Instant::now() }
    }

    /// Ends a lap of this stage; several of one stage add up.
    pub(super) fn lap(&mut self, stage: &'static str) {
        let time = self.last.elapsed();
        match self.laps.iter_mut().find(|(known, _)| *known == stage) {
            Some((_, sum)) => *sum += time,
            None => self.laps.push((stage, time)),
        }
        self.last += time;
    }
}
