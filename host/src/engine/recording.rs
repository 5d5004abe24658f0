//! What the ledger learns at the two ends of planning: that a run began, and what its seal showed.

use std::collections::BTreeSet;
use std::io::Write;

use super::{BatchFault, Engine, EngineError, RunReport, Store};
use crate::correlate::{Cases, Recorded, sightings};
use crate::discover::{prune_keys, record_counts};
use crate::ledger::{Batch, Entry, Leaf, Owned, RunRow, Stage};
use crate::model::{KeyHash, PlanId};
use crate::plan::{PlanError, Sealed};
use crate::progress::Observer;
use crate::rule::{BatchVerdict, Fault};

/// Entries per batch when many cases are recorded at once.
const HEADS_PER_BATCH: usize = 10_000;

/// Log lines of a rule that a run's report keeps.
const REPORT_LOG_LINES: usize = 200;

impl Engine {
    /// Records that a run begins, before its first page.
    pub(super) fn begin(&self, owned: &Owned, run: &RunRow) -> Result<(), EngineError> {
        let leaves = vec![Leaf::run_start(run, &self.rule.label(), self.rule.module)];
        self.submit(owned, Batch { entries: vec![Entry::Run(run.clone())], leaves }).map(|_| ())
    }

    /// Writes the plan's file as a whole or not at all.
    pub(super) fn write_plan(
        &self,
        seal: impl FnOnce(&mut dyn Write, usize, &dyn Observer) -> Result<Sealed, PlanError>,
    ) -> Result<Sealed, EngineError> {
        let beside = self.store.plans().join("next.plan");
        let sealed = Store::replace(&beside, |file| Ok(seal(file, self.threads(), &*self.observer)?))?;
        let path = self.store.plan(sealed.id);
        std::fs::rename(&beside, &path).map_err(|source| EngineError::Store { path, source })?;
        Ok(sealed)
    }

    /// Records the seal: the run's plan, complete scans, and since when cases are undesired or disabled. A clock that is
    /// doubted dates nothing.
    pub(super) fn record_seal(
        &self,
        owned: &Owned,
        run: RunRow,
        plan: PlanId,
        cases: &Cases,
        planned: &BTreeSet<KeyHash>,
        doubted: bool,
    ) -> Result<(), EngineError> {
        self.replace_former(owned, &run, plan)?;
        let targets = self.target_facts();
        let seen = sightings(cases, &targets).filter(|row| !doubted && !planned.contains(&row.key));
        let seen: Vec<Recorded> = seen.collect();
        for chunk in seen.chunks(HEADS_PER_BATCH) {
            let entries = chunk.iter().copied().map(Entry::Head).collect();
            self.submit(owned, Batch { entries, leaves: Vec::new() })?;
        }
        let counts = record_counts(&cases.snapshot, &self.store.keys())?;
        let mut entries = vec![Entry::Run(RunRow { stage: Stage::Sealed, plan: Some(plan), ..run })];
        entries.extend(counts.into_iter().map(Entry::Counted));
        self.submit(owned, Batch { entries, leaves: Vec::new() })?;
        Ok(prune_keys(&self.store.keys(), &self.scan_counts()?)?)
    }

    /// What a run tells besides its plan.
    pub(super) fn report(&self, run: &RunRow, plan: PlanId, cases: &Cases, verdicts: &[BatchVerdict]) -> RunReport {
        let faults = cases.batches.iter().zip(verdicts).enumerate().filter_map(|(index, (batch, verdict))| {
            let fault = verdict.result.as_ref().err().filter(|fault| **fault != Fault::Absent)?;
            let case = case_of(fault).and_then(|case| cases.cases.get((batch.cases.start + case) as usize));
            let case = case.and_then(|case| cases.key(case)).map(|key| key.to_string());
            let count = u64::from(batch.cases.end - batch.cases.start);
            Some(BatchFault { batch: index as u64, cases: count, case, message: fault.to_string() })
        });
        let lines: Vec<&String> = verdicts.iter().flat_map(|verdict| &verdict.log).map(|(_, line)| line).collect();
        RunReport {
            run: run.run,
            plan,
            as_of: run.as_of,
            rule: self.rule.label(),
            facts: cases.snapshot.scans.iter().map(|scan| scan.rows).sum(),
            cases: cases.cases.len() as u64,
            batches: cases.batches.len() as u64,
            fuel: verdicts.iter().map(|verdict| verdict.fuel).sum(),
            scans: cases.snapshot.scans.clone(),
            faults: faults.collect(),
            log: lines.iter().skip(lines.len().saturating_sub(REPORT_LOG_LINES)).map(ToString::to_string).collect(),
            debt: None,
        }
    }
}

fn case_of(fault: &Fault) -> Option<u32> {
    match fault {
        Fault::Trap { case, .. } | Fault::Rule { case, .. } => *case,
        _ => None,
    }
}
