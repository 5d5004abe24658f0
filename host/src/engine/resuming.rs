//! Going on with a run that was interrupted, or whose gates were opened. Under the terms that it began under it goes on where
//! it was; under others it begins again, and what it had sent is settled under its own plan (V23).

use super::{Applied, Engine, EngineError, Planned};
use crate::ledger::{Batch, Entry, Leaf, Owned, RunRow, Stage};
use crate::model::{PlanId, RunId};
use crate::plan::PlanFile;
use crate::telemetry::{stage, within};

/// The form of what an interrupted run leaves behind for the next process. It goes up when that, or what is made of it,
/// changes its meaning.
pub(super) const RUN_FORMAT: u32 = 1;

impl Engine {
    /// Goes on with a run that was interrupted, or with the newest plan when gates were opened since. None: nothing to do.
    ///
    /// A run that began under another format, rule, configuration or target profile is not gone on with: what it may have
    /// sent is settled by reading, what it had not sent ends, and a new run takes its place.
    ///
    /// # Errors
    /// As for [`Engine::plan`] and [`Engine::apply`]; [`EngineError::OtherTerms`] when the plan of such a run was applied by
    /// hand, so that only a person can say what shall take its place.
    pub async fn resume(&self) -> Result<Option<(Option<Planned>, Applied)>, EngineError> {
        let resuming = async {
            let owned = self.acquire()?;
            let resumed = self.resume_owned(&owned).await?;
            self.checkpoint()?;
            Ok(resumed)
        };
        let resumed = within(stage!("resume", tenant = self.parts.tenant.as_str()), resuming).await;
        self.measure_call("resume", &resumed);
        resumed
    }

    async fn resume_owned(&self, owned: &Owned) -> Result<Option<(Option<Planned>, Applied)>, EngineError> {
        let open = self.ledger.recover(owned)?.run.filter(|run| run.stage == Stage::Committing || run.commits);
        let Some(run) = open.map_or_else(|| self.opened(), |run| Ok(Some(run)))? else { return Ok(None) };
        if run.basis != self.basis() {
            let run = self.begin_again(owned, run).await?;
            return self.seal_and_commit(owned, run).await.map(Some);
        }
        match run.stage {
            Stage::Discovering => {
                // What a run before this one sent may be unsettled still, if this one took its place and was interrupted.
                self.settle_former(owned).await?;
                self.seal_and_commit(owned, run).await.map(Some)
            }
            Stage::Done => Ok(self.go_through_gates(owned).await?.map(|applied| (None, applied))),
            _ => Ok(Some((None, self.go_on(owned, run).await?))),
        }
    }

    /// The newest plan and its amendments, the oldest first.
    fn newest_plans(&self) -> Result<Vec<(RunRow, PlanId)>, EngineError> {
        let Some(first) = self.newest_plan()? else { return Ok(Vec::new()) };
        let amendments = self.amendments(first.0.run)?;
        Ok(std::iter::once(first).chain(amendments).collect())
    }

    /// A run that is over, and whose plan has changes whose gates were opened since.
    fn opened(&self) -> Result<Option<RunRow>, EngineError> {
        for (run, plan) in self.newest_plans()? {
            if run.stage == Stage::Done && self.passed(plan)? {
                return Ok(Some(run));
            }
        }
        Ok(None)
    }

    /// Commits what was opened since of the newest plan and its amendments.
    async fn go_through_gates(&self, owned: &Owned) -> Result<Option<Applied>, EngineError> {
        let mut whole: Option<Applied> = None;
        for (run, plan) in self.newest_plans()? {
            if run.stage == Stage::Done && self.passed(plan)? {
                let applied = self.commit(owned, run).await?;
                match &mut whole {
                    Some(whole) => whole.add(applied),
                    None => whole = Some(applied),
                }
            }
        }
        Ok(whole)
    }

    /// Goes on with a run, and with the one that it amends if that is open as well.
    async fn go_on(&self, owned: &Owned, run: RunRow) -> Result<Applied, EngineError> {
        let amended = run.amends;
        let applied = self.commit(owned, run).await?;
        let first = self.runs(u32::MAX)?.into_iter().find(|run| Some(run.run) == amended && run.stage == Stage::Committing);
        let Some(first) = first else { return Ok(applied) };
        let mut whole = self.commit(owned, first).await?;
        whole.add(applied);
        Ok(whole)
    }

    async fn seal_and_commit(&self, owned: &Owned, run: RunRow) -> Result<(Option<Planned>, Applied), EngineError> {
        let planned = self.seal_run(owned, run).await?;
        let applied = self.apply_owned(owned, planned.plan).await?;
        Ok((Some(planned), applied))
    }

    /// Gives up a run whose terms are no longer those of this engine, with what it amends or is amended by, and begins the one
    /// that takes its place: in one batch, so that a crash in between leaves one of them to go on with.
    async fn begin_again(&self, owned: &Owned, former: RunRow) -> Result<RunRow, EngineError> {
        let last = self.ledger.recover(owned)?.last_run;
        let mut batch = Batch { entries: self.given_up(&former)?, leaves: Vec::new() };
        let amended = self.runs(u32::MAX)?.into_iter().find(|run| Some(run.run) == former.amends);
        let former = amended.unwrap_or(former);
        // An instant that somebody chose is kept; the one of beginning is not.
        let chosen = Some(former.as_of).filter(|as_of| *as_of != former.began);
        let run = former.commits.then(|| self.new_run(RunId(last + 1), chosen, true));
        if let Some(run) = &run {
            batch.entries.push(Entry::Run(run.clone()));
            batch.leaves.push(Leaf::run_start(run, &self.rule.label(), self.rule.module));
        }
        self.submit(owned, batch)?;
        self.settle_former(owned).await?;
        self.attend(owned).await?;
        run.ok_or_else(|| EngineError::OtherTerms { plan: former.plan.map(|plan| plan.to_string()).unwrap_or_default() })
    }

    /// Rows that say that these runs gave way: what they sent is settled before anything else is planned.
    fn given_up(&self, former: &RunRow) -> Result<Vec<Entry>, EngineError> {
        let open = self.runs(u32::MAX)?.into_iter().filter(|run| !run.stage.is_over() || run.run == former.run);
        let rows = open.map(|run| {
            let stage = if run.plan.is_some() { Stage::Unsettled } else { Stage::Replaced };
            Entry::Run(RunRow { stage, ..run })
        });
        Ok(rows.collect())
    }

    /// Before a new plan: commits what an interrupted run left, if it is under the same terms; else gives that run up.
    pub(super) async fn end_interrupted(&self, owned: &Owned, run: RunRow) -> Result<(), EngineError> {
        if run.basis == self.basis() {
            return self.commit(owned, run).await.map(|_| ());
        }
        let entries = self.given_up(&run)?;
        self.submit(owned, Batch { entries, leaves: Vec::new() }).map(|_| ())
    }

    /// Whether a change of this plan waits at gates that are all open by now.
    fn passed(&self, plan: PlanId) -> Result<bool, EngineError> {
        let file = PlanFile::open(&self.store.plan(plan))?;
        let statuses = self.statuses(plan)?;
        let openings = self.openings()?;
        for change in file.changes() {
            let change = change?;
            let opened = |gate| openings.iter().any(|opening| opening.change == change.id && opening.gate == gate);
            let waits = !change.gates.is_empty() && !statuses.contains_key(&change.id);
            if waits && change.gates.iter().all(|gate| opened(gate.kind)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
