//! What a new plan means for the ones before it: what they left unsent ends there, and goes on in the new plan under the same
//! names where it is still wanted, with the gates that were opened for it. What may have reached a target is settled by
//! reading before anything else happens to its case.

use std::collections::BTreeSet;

use super::{Engine, EngineError};
use crate::commit::{Commit, End, Event, NoDesk, Status};
use crate::ledger::{Batch, Entry, Leaf, LedgerError, Owned, RunRow, Stage};
use crate::model::{Change, ChangeId, Gate, GateKind, KeyHash, PlanId, RunId, Time};
use crate::plan::{PlanError, PlanFile};

/// Former runs that are looked at for open changes: more than one is open only after a crash.
const FORMER_RUNS: u32 = 16;

/// Whether a change may have reached its target, and is not settled.
const fn is_unsettled(status: &Status) -> bool {
    !status.is_final() && !matches!(status, Status::Ready { .. } | Status::Waiting { .. })
}

impl Engine {
    /// Ends what the former plan left open: the new one has looked at the same cases again. A run that is not over gives
    /// way; one that is over keeps its name, and everything before it was ended in its time.
    pub(super) fn replace_former(&self, owned: &Owned, run: &RunRow, plan: PlanId) -> Result<(), EngineError> {
        for former in self.runs(FORMER_RUNS)?.into_iter().filter(|former| former.run != run.run) {
            let over = former.stage.is_over();
            let mut batch = Batch::default();
            let mut settled = true;
            if let Some(open) = former.plan.filter(|open| *open != plan) {
                settled = self.end_unsent(&former, open, None, run.began, &mut batch)?;
            }
            if !over {
                let stage = if settled { Stage::Replaced } else { Stage::Unsettled };
                batch.entries.push(Entry::Run(RunRow { stage, ..former.clone() }));
            }
            if !batch.entries.is_empty() {
                self.submit(owned, batch)?;
            }
            // What a run amends may be open still.
            if over && former.amends.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Ends every change of a plan, or of these identities in it, that was never sent or is known not to have been applied.
    /// Whether nothing is left whose effect is unknown, or that was applied and not read back yet.
    pub(super) fn end_unsent(
        &self,
        former: &RunRow,
        plan: PlanId,
        identities: Option<&BTreeSet<String>>,
        at: Time,
        batch: &mut Batch,
    ) -> Result<bool, EngineError> {
        let path = self.store.plan(plan);
        if !path.exists() {
            return Ok(true);
        }
        let statuses = self.statuses(plan)?;
        let mut salts = self.salts()?;
        for change in PlanFile::open(&path)?.changes() {
            let change = change?;
            let wanted = identities.is_none_or(|identities| identities.contains(&change.component));
            if wanted && statuses.get(&change.id).is_none_or(|status| !status.is_final() && !is_unsettled(status)) {
                let event = Event::Ended { end: End::Replanned, at };
                let leaf = Leaf::event(former.run, plan, &change, &event, false, None, &mut || salts.salt());
                batch.leaves.push(leaf.map_err(LedgerError::from)?);
                batch.entries.push(Entry::Change { plan, change: change.id, event });
            }
        }
        Ok(!statuses.values().any(is_unsettled))
    }

    /// Settles by reading what former plans may have sent. Nothing is sent. What cannot be read yet waits for the next time.
    pub(super) async fn settle_former(&self, owned: &Owned) -> Result<(), EngineError> {
        for former in self.runs(u32::MAX)?.into_iter().filter(|run| run.stage == Stage::Unsettled) {
            let Some(plan) = former.plan.filter(|plan| self.store.plan(*plan).exists()) else { continue };
            let statuses = self.statuses(plan)?;
            let open: BTreeSet<ChangeId> = statuses.into_iter().filter(|(_, s)| is_unsettled(s)).map(|(id, _)| id).collect();
            self.settle(owned, &former, plan, &open).await?;
            let mut batch = Batch::default();
            let settled = self.end_unsent(&former, plan, None, self.clock.now(), &mut batch)?;
            let stage = if settled { Stage::Replaced } else { Stage::Unsettled };
            batch.entries.push(Entry::Run(RunRow { stage, ..former.clone() }));
            self.submit(owned, batch)?;
        }
        Ok(())
    }

    /// Reads these changes of a plan until their effect is known, or reading cannot tell.
    async fn settle(&self, owned: &Owned, run: &RunRow, plan: PlanId, open: &BTreeSet<ChangeId>) -> Result<(), EngineError> {
        let (targets, denials) = (self.targets_by_name(), self.denials()?);
        // A gate that nobody opens: what turns out not to have been applied is not sent again, but left to the new plan.
        let closed = |change: Change| Change { gates: vec![Gate { kind: GateKind::Manual, scope: String::new() }], ..change };
        let changes = PlanFile::open(&self.store.plan(plan))?.changes();
        let wanted = |change: &Result<Change, PlanError>| change.as_ref().map_or(true, |change| open.contains(&change.id));
        let mut salts = self.salts()?;
        let commit = Commit {
            plan,
            changes: open.len() as u64,
            run: run.clone(),
            slice: self.parts.options.slice,
            targets: &targets,
            ledger: &*self.ledger,
            owned,
            flow: self.parts.options.flow.clone(),
            openings: &[],
            denials: &denials,
            desk: &NoDesk,
            sink: None,
            in_doubt: Vec::new(),
            events: self.events(plan)?,
            clock: &*self.clock,
            observer: &*self.observer,
            salts: &mut salts,
        };
        let outcomes = commit.run(changes.filter(|change| wanted(change)).map(|change| change.map(closed))).await?;
        self.measure_commit(&outcomes);
        Ok(())
    }

    /// Cases that the plan of a run before this one may have changed, and nobody knows yet.
    pub(super) fn unsettled(&self, before: RunId) -> Result<BTreeSet<KeyHash>, EngineError> {
        let mut keys = BTreeSet::new();
        let open = |stage| matches!(stage, Stage::Unsettled | Stage::Committing);
        for run in self.runs(u32::MAX)?.into_iter().filter(|run| run.run < before && open(run.stage)) {
            let Some(plan) = run.plan.filter(|plan| self.store.plan(*plan).exists()) else { continue };
            let statuses = self.statuses(plan)?;
            if !statuses.values().any(Status::effect_unknown) {
                continue;
            }
            for change in PlanFile::open(&self.store.plan(plan))?.changes() {
                let change = change?;
                if statuses.get(&change.id).is_some_and(Status::effect_unknown) {
                    keys.extend(KeyHash::parse(&change.recorded_as));
                }
            }
        }
        Ok(keys)
    }
}
