//! What the ledger learns at the two ends of planning: that a run began, and what its seal showed.

use super::{BatchFault, Engine, EngineError, RunReport, Store};
use crate::commit::{End, Event};
use crate::correlate::{Case, Cases, Recorded, Side};
use crate::decide::Decided;
use crate::discover::ScanKeys;
use crate::ledger::{Batch, Entry, Leaf, Owned, RunRow, Stage};
use crate::model::{PlanId, StateHash, Time};
use crate::plan::{Header, Inputs, PlanFile, seal};
use crate::rule::{BatchVerdict, Fault};

/// Entries per batch when many cases are recorded at once.
const HEADS_PER_BATCH: usize = 10_000;

/// Log lines of a rule that a run's report keeps.
const REPORT_LOG_LINES: usize = 200;

impl Engine {
    /// Records that a run begins, before its first page.
    pub(super) fn begin(&self, owned: &Owned, run: &RunRow) -> Result<(), EngineError> {
        let rule = self.parts.module.facts();
        let name = format!("{}@{}", rule.name, rule.version);
        let leaves = vec![Leaf::run_start(run, &name, rule.module)];
        self.submit(owned, Batch { entries: vec![Entry::Run(run.clone())], leaves }).map(|_| ())
    }

    /// Writes the plan's file as a whole or not at all.
    pub(super) fn write_plan(&self, cases: &Cases, decided: &Decided, inputs: Inputs) -> Result<(PlanId, Header), EngineError> {
        let beside = self.store.plans().join("next");
        let mut sealed = None;
        Store::replace(&beside, |file| {
            sealed = Some(seal(cases, decided, self.parts.module.facts(), inputs, file, self.threads(), &*self.observer)?);
            Ok(())
        })?;
        let Some(sealed) = sealed else { return Err(EngineError::NotFound { what: "sealed plan", name: beside.display().to_string() }) };
        let path = self.store.plan(sealed.id);
        std::fs::rename(&beside, &path).map_err(|source| EngineError::Store { path, source })?;
        Ok((sealed.id, sealed.header))
    }

    /// Records the seal: the run's plan, complete scans, and what is now known of cases that are as they should be.
    pub(super) fn record_seal(
        &self,
        owned: &Owned,
        run: RunRow,
        plan: PlanId,
        cases: &Cases,
        decided: &Decided,
        keys: Vec<ScanKeys>,
    ) -> Result<(), EngineError> {
        self.replace_open_plan(owned, &run, plan)?;
        let heads = heads(cases, decided, run.as_of);
        for chunk in heads.chunks(HEADS_PER_BATCH) {
            let entries = chunk.iter().copied().map(Entry::Head).collect();
            self.submit(owned, Batch { entries, leaves: Vec::new() })?;
        }
        let mut entries = vec![Entry::Run(RunRow { stage: Stage::Sealed, plan: Some(plan), ..run })];
        for keys in keys {
            entries.push(Entry::Counted(keys.write(&self.store.keys())?));
        }
        self.submit(owned, Batch { entries, leaves: Vec::new() }).map(|_| ())
    }

    /// Ends what the former plan left open: the new one has looked at the same cases again.
    fn replace_open_plan(&self, owned: &Owned, run: &RunRow, plan: PlanId) -> Result<(), EngineError> {
        for former in self.runs(16)?.into_iter().filter(|former| former.run != run.run && former.stage != Stage::Replaced) {
            let mut batch = Batch { entries: vec![Entry::Run(RunRow { stage: Stage::Replaced, ..former.clone() })], leaves: Vec::new() };
            if let Some(open) = former.plan.filter(|open| *open != plan) {
                self.end_open(&former, open, run.as_of, &mut batch)?;
            }
            self.submit(owned, batch)?;
        }
        Ok(())
    }

    fn end_open(&self, former: &RunRow, plan: PlanId, at: Time, batch: &mut Batch) -> Result<(), EngineError> {
        let path = self.store.plan(plan);
        if !path.exists() {
            return Ok(());
        }
        let statuses = self.statuses(plan)?;
        for change in PlanFile::open(&path)?.changes() {
            let change = change?;
            if statuses.get(&change.id).is_none_or(|status| !status.is_final() && !status.effect_unknown()) {
                batch.entries.push(Entry::Change { plan, change: change.id, event: Event::Ended { end: End::Replanned, at } });
                batch.leaves.push(Leaf::superseded(former.run, at, plan, change.id, &End::Replanned));
            }
        }
        Ok(())
    }

    /// What a run tells besides its plan.
    pub(super) fn report(&self, run: &RunRow, plan: PlanId, cases: &Cases, verdicts: &[BatchVerdict]) -> RunReport {
        let rule = self.parts.module.facts();
        let faults = cases.batches.iter().zip(verdicts).enumerate().filter_map(|(index, (batch, verdict))| {
            let fault = verdict.result.as_ref().err()?;
            let case = case_of(fault).map(|case| cases.key(batch.cases.start + case).to_string());
            let count = u64::from(batch.cases.end - batch.cases.start);
            Some(BatchFault { batch: index as u64, cases: count, case, message: fault.to_string() })
        });
        let lines: Vec<String> = verdicts.iter().flat_map(|verdict| &verdict.log).map(|(_, line)| line.clone()).collect();
        RunReport {
            run: run.run,
            plan,
            as_of: run.as_of,
            rule: format!("{}@{}", rule.name, rule.version),
            facts: cases.snapshot.scans.iter().map(|scan| scan.rows).sum(),
            cases: cases.cases.len() as u64,
            batches: cases.batches.len() as u64,
            fuel: verdicts.iter().map(|verdict| verdict.fuel).sum(),
            scans: cases.snapshot.scans.clone(),
            faults: faults.collect(),
            log: lines.iter().skip(lines.len().saturating_sub(REPORT_LOG_LINES)).cloned().collect(),
        }
    }
}

fn case_of(fault: &Fault) -> Option<u32> {
    match fault {
        Fault::Trap { case, .. } | Fault::Rule { case, .. } => *case,
        _ => None,
    }
}

/// Recorded rows that the seal changes: cases that are as they should be, and since when others are not. What a change of
/// this plan will confirm is left to its confirmation.
fn heads(cases: &Cases, decided: &Decided, as_of: Time) -> Vec<Recorded> {
    let mut planned = decided.decisions.iter().map(|decision| decision.case).collect::<Vec<_>>();
    planned.sort_unstable();
    let rows = cases.cases.iter().enumerate().filter(|(index, _)| planned.binary_search(&(*index as u32)).is_err());
    rows.filter_map(|(_, case)| head(cases, case, as_of)).collect()
}

fn head(cases: &Cases, case: &Case, as_of: Time) -> Option<Recorded> {
    let observed = cases.observed_state(case)?;
    let known = case.recorded.and_then(|index| cases.recorded.get(index as usize)).copied();
    let settled = case.desired_side == case.observed_side && case.differs == 0;
    let row = match known {
        Some(row) if settled => Recorded { state: observed, since: Time::NONE, ..row },
        Some(row) => Recorded { since: case.undesired_since, ..row },
        None if case.observed_side == Side::Absent => return None,
        None => Recorded {
            key: case.key,
            state: observed,
            incarnation: 1,
            flags: 0,
            since: if settled { Time::NONE } else { case.undesired_since },
        },
    };
    let _ = as_of;
    let closed = known.is_some_and(|row| row.state == StateHash::ABSENT);
    (!closed && known != Some(row)).then_some(row)
}
