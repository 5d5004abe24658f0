//! What the ledger learns at the two ends of planning: that a run began, and what its seal showed.

use std::collections::BTreeSet;
use std::io::Write;

use super::{Engine, EngineError, RunReport, Store};
use crate::correlate::{Cases, Recorded, sightings, withdrawn};
use crate::discover::prune_keys;
use crate::ledger::{Batch, Entry, Leaf, Owned, RunRow, ScanCount, Stage};
use crate::model::{KeyHash, PlanId};
use crate::plan::{PlanError, Sealed};
use crate::progress::Observer;
use crate::rule::BatchVerdict;

/// What a plan is called until it is named by its digest.
pub(super) const NEXT_PLAN: &str = "next.plan";
/// Entries per batch when many cases are recorded at once.
const HEADS_PER_BATCH: usize = 10_000;

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
        let beside = self.store.plans().join(NEXT_PLAN);
        let named = |error| match error {
            PlanError::Write(source) => EngineError::Store { path: beside.clone(), source },
            other => other.into(),
        };
        let sealed = Store::replace(&beside, |file| seal(file, self.threads(), &*self.observer).map_err(named))?;
        let path = self.store.plan(sealed.id);
        std::fs::rename(&beside, &path).map_err(|source| EngineError::Store { path, source })?;
        Ok(sealed)
    }

    /// Records the seal: the run's plan, complete scans, and since when cases are undesired or disabled.
    pub(super) fn record_seal(
        &self,
        owned: &Owned,
        run: RunRow,
        plan: PlanId,
        seen: impl Iterator<Item = Result<Vec<Recorded>, EngineError>>,
        counts: Vec<ScanCount>,
    ) -> Result<(), EngineError> {
        self.replace_former(owned, &run, plan)?;
        for rows in seen {
            for chunk in rows?.chunks(HEADS_PER_BATCH) {
                let entries = chunk.iter().copied().map(Entry::Head).collect();
                self.submit(owned, Batch { entries, leaves: Vec::new() })?;
            }
        }
        let mut entries = vec![Entry::Run(RunRow { stage: Stage::Sealed, plan: Some(plan), ..run })];
        entries.extend(counts.into_iter().map(Entry::Counted));
        self.submit(owned, Batch { entries, leaves: Vec::new() })?;
        Ok(prune_keys(&self.store.keys(), &self.scan_counts()?)?)
    }

    /// Rows that change because these cases were seen, but for those that the plan changes. A clock that is doubted dates
    /// nothing: then nobody asks for them.
    pub(super) fn seen_anew(&self, cases: &Cases, planned: &BTreeSet<KeyHash>) -> Vec<Recorded> {
        let targets = self.target_facts();
        let seen = sightings(cases, &targets).chain(withdrawn(&cases.unlisted, &cases.snapshot.scans));
        seen.filter(|row| !planned.contains(&row.key)).collect()
    }

    /// What a run tells besides its plan.
    pub(super) fn report(&self, run: &RunRow, plan: PlanId, cases: &Cases, verdicts: &[BatchVerdict]) -> RunReport {
        let mut report = RunReport::new(run, &self.rule, &cases.snapshot.scans);
        report.add(cases, verdicts);
        RunReport { plan, ..report }
    }
}
