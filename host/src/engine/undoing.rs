//! Rolling back: a new plan of the inverses of what another plan did, under all gates and guarantees. Nothing is written to a
//! target here; the plan is applied like any other.

use std::collections::{BTreeMap, BTreeSet};

use super::planning::Watch;
use super::{Engine, EngineError, Planned};
use crate::commit::Status;
use crate::decide::{Decided, undo};
use crate::discover::{Survey, record_counts};
use crate::ledger::{Owned, RunRow};
use crate::model::{Change, ChangeId, Encoder, KeyHash, PlanId, RunId};
use crate::plan::{Draft, Inputs, PlanFile, Undoing, seal_undoing};

/// What is to be undone.
struct Wanted {
    plan: PlanId,
    changes: Vec<Change>,
    /// Changes that confirmed ones depend on which are not to be undone.
    needed: BTreeSet<ChangeId>,
}

impl Engine {
    /// Seals a plan that undoes the confirmed changes of another one, or those whose ids begin with one of `select`. A change
    /// whose case moved since, which cannot be undone, or which would give again what was denied or has ended is listed with
    /// its reason instead. What may add access waits for an approval besides the usual gates.
    ///
    /// # Errors
    /// When there is no such plan or change, or a stage fails.
    pub async fn rollback(&self, plan: PlanId, select: &[String]) -> Result<Planned, EngineError> {
        let owned = self.acquire()?;
        let recovery = self.ledger.recover(&owned)?;
        self.settle_former(&owned).await?;
        let wanted = self.wanted(plan, select)?;
        let run = self.new_run(RunId(recovery.last_run + 1), None, false);
        self.begin(&owned, &run)?;
        let mut watch = Watch::start();
        let folder = self.store.begin_spill()?;
        let survey = self.read(&run, self.store.begin_pages(run.run)?, folder.path()).await?;
        watch.lap("discover");
        let planned = tokio::task::block_in_place(|| self.seal_rollback(&owned, run, &survey, &wanted, watch))?;
        self.checkpoint()?;
        Ok(planned)
    }

    fn wanted(&self, plan: PlanId, select: &[String]) -> Result<Wanted, EngineError> {
        let path = self.store.plan(plan);
        if !path.exists() {
            return Err(EngineError::NotFound { what: "plan", name: plan.to_string() });
        }
        let file = PlanFile::open(&path)?;
        let tenant = &file.header().inputs.tenant;
        if *tenant != self.parts.tenant {
            return Err(EngineError::ForeignPlan { found: tenant.clone(), expected: self.parts.tenant.clone() });
        }
        let statuses = self.statuses(plan)?;
        let mut wanted = Wanted { plan, changes: Vec::new(), needed: BTreeSet::new() };
        let mut named: BTreeSet<&String> = BTreeSet::new();
        for change in file.changes() {
            let change = change?;
            if !matches!(statuses.get(&change.id), Some(Status::Confirmed { .. })) {
                continue;
            }
            let id = change.id.to_string();
            let by: Vec<&String> = select.iter().filter(|prefix| id.starts_with(prefix.as_str())).collect();
            if select.is_empty() || !by.is_empty() {
                named.extend(by);
                wanted.changes.push(change);
            } else {
                wanted.needed.extend(change.depends);
            }
        }
        match select.iter().find(|prefix| !named.contains(prefix)) {
            Some(prefix) => Err(EngineError::NotFound { what: "confirmed change", name: prefix.clone() }),
            None => Ok(wanted),
        }
    }

    fn seal_rollback(
        &self,
        owned: &Owned,
        run: RunRow,
        survey: &Survey,
        wanted: &Wanted,
        mut watch: Watch,
    ) -> Result<Planned, EngineError> {
        let facts = survey.snapshot.facts_digest();
        let cases = self.correlate(survey.whole()?, self.ledger.recorded(&self.parts.tenant)?, run.as_of)?;
        self.store.keep_met(run.run, 0, &cases.recorded)?;
        watch.lap("correlate");
        let bounds = self.bounds(run.run)?;
        let policy = self.policy(run.as_of, &bounds);
        let undone = undo(&cases, &policy, &wanted.changes);
        watch.lap("decide");
        let keys: BTreeSet<KeyHash> = wanted.changes.iter().filter_map(|change| KeyHash::parse(&change.recorded_as)).collect();
        let mut chosen = Encoder::new("trueup.rollback");
        wanted.changes.iter().for_each(|change| {
            chosen.bytes(&change.id.0.0);
        });
        let verdicts = chosen.finish();
        let inputs = Inputs { undoes: Some(wanted.plan), verdicts, ..self.inputs(&run, facts, &[], &policy)? };
        let doubted = inputs.clock.is_some();
        let (lives, nothing) = (self.lives(&keys)?, Decided::default());
        let undoing = Undoing {
            draft: Draft { cases: &cases, decided: &nothing, policy, rule: &self.rule, inputs },
            plan: wanted.plan,
            changes: &wanted.changes,
            undone: &undone,
            needed: &wanted.needed,
            lives: &lives,
        };
        let sealed = self.write_plan(|out, threads, observer| seal_undoing(&undoing, threads, out, observer))?;
        watch.lap("seal");
        let report = self.report(&run, sealed.id, &cases, &[]);
        report.write(&self.store)?;
        let seen = if doubted { Vec::new() } else { self.seen_anew(&cases, &keys) };
        let counts = record_counts(survey, &self.store.keys())?;
        self.record_seal(owned, run, sealed.id, std::iter::once(Ok(seen)), counts)?;
        watch.lap("record");
        Ok(Planned { plan: sealed.id, header: sealed.header, report, timings: watch.laps })
    }

    /// The life that each of these cases is in, as recorded.
    fn lives(&self, keys: &BTreeSet<KeyHash>) -> Result<BTreeMap<KeyHash, u32>, EngineError> {
        let mut lives = BTreeMap::new();
        for row in self.ledger.recorded(&self.parts.tenant)? {
            let row = row?;
            if keys.contains(&row.key) {
                lives.insert(row.key, row.incarnation);
            }
        }
        Ok(lives)
    }
}
