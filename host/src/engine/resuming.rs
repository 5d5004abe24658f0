//! Going on with a run that was interrupted, or whose gates were opened. Under the terms that it began under it goes on where
//! it was; under others it begins again, and what it had sent is settled under its own plan (V23).

use super::{Applied, Engine, EngineError, Planned};
use crate::ledger::{Batch, Entry, Leaf, Owned, RunRow, Stage};
use crate::model::{ChangeId, RunId};
use crate::plan::PlanFile;

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
        let owned = self.acquire()?;
        let Some(run) = self.interrupted(&owned)? else { return Ok(None) };
        if run.basis != self.basis() {
            let run = self.begin_again(&owned, run).await?;
            return self.seal_and_commit(&owned, run).await.map(Some);
        }
        if run.stage == Stage::Discovering {
            // What a run before this one sent may be unsettled still, if this one took its place and was interrupted.
            self.settle_former(&owned).await?;
            return self.seal_and_commit(&owned, run).await.map(Some);
        }
        Ok(Some((None, self.commit(&owned, run).await?)))
    }

    /// The run that there is to go on with.
    fn interrupted(&self, owned: &Owned) -> Result<Option<RunRow>, EngineError> {
        if let Some(run) = self.ledger.recover(owned)?.run.filter(|run| run.stage == Stage::Committing || run.commits) {
            return Ok(Some(run));
        }
        match self.newest_plan()? {
            Some((run, plan)) if run.stage == Stage::Done && self.passed(plan)? => Ok(Some(run)),
            _ => Ok(None),
        }
    }

    async fn seal_and_commit(&self, owned: &Owned, run: RunRow) -> Result<(Option<Planned>, Applied), EngineError> {
        let planned = self.seal_run(owned, run).await?;
        let applied = self.apply_owned(owned, planned.plan).await?;
        Ok((Some(planned), applied))
    }

    /// Gives up a run whose terms are no longer those of this engine, and begins the one that takes its place: in one batch,
    /// so that a crash in between leaves one of them to go on with.
    async fn begin_again(&self, owned: &Owned, former: RunRow) -> Result<RunRow, EngineError> {
        let mut batch = Batch { entries: vec![Entry::Run(given_up(&former))], leaves: Vec::new() };
        let run = former.commits.then(|| {
            // An instant that somebody chose is kept; the one of beginning is not.
            let chosen = Some(former.as_of).filter(|as_of| *as_of != former.began);
            (self.ledger.recover(owned)).map(|known| self.new_run(RunId(known.last_run + 1), chosen, true))
        });
        let run = run.transpose()?;
        if let Some(run) = &run {
            batch.entries.push(Entry::Run(run.clone()));
            batch.leaves.push(Leaf::run_start(run, &self.rule.label(), self.rule.module));
        }
        self.submit(owned, batch)?;
        self.settle_former(owned).await?;
        self.attend(owned).await?;
        run.ok_or_else(|| EngineError::OtherTerms { plan: former.plan.map(|plan| plan.to_string()).unwrap_or_default() })
    }

    /// Before a new plan: commits what an interrupted run left, if it is under the same terms; else gives that run up.
    pub(super) async fn end_interrupted(&self, owned: &Owned, run: RunRow) -> Result<(), EngineError> {
        if run.basis == self.basis() {
            return self.commit(owned, run).await.map(|_| ());
        }
        self.submit(owned, Batch { entries: vec![Entry::Run(given_up(&run))], leaves: Vec::new() }).map(|_| ())
    }

    /// Whether a change of this plan waits at gates that are all open by now.
    fn passed(&self, plan: crate::model::PlanId) -> Result<bool, EngineError> {
        let file = PlanFile::open(&self.store.plan(plan))?;
        let statuses = self.statuses(plan)?;
        let openings = self.openings()?;
        for change in file.changes() {
            let change = change?;
            let opened = |id: ChangeId, gate| openings.iter().any(|opening| opening.change == id && opening.gate == gate);
            let waits = !change.gates.is_empty() && !statuses.contains_key(&change.id);
            if waits && change.gates.iter().all(|gate| opened(change.id, gate.kind)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A run that another one takes the place of: what it sent is settled before anything else is planned.
fn given_up(run: &RunRow) -> RunRow {
    let stage = if run.plan.is_some() { Stage::Unsettled } else { Stage::Replaced };
    RunRow { stage, ..run.clone() }
}
