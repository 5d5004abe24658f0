//! The backlog of clean-up over runs: counted while a plan is made, kept with the run's report.

use super::{Engine, EngineError, RunReport};
use crate::debt::Debt;
use crate::ledger::Stage;
use crate::model::{RunId, Time};

/// The backlog as one run found it, before its changes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Owed {
    /// The run.
    pub run: RunId,
    /// The instant of its plan.
    pub as_of: Time,
    /// What it found.
    pub debt: Debt,
}

impl Engine {
    /// The backlog as the newest runs found it, the oldest of them first. Runs that counted none are left out: those that
    /// undo another, and those that ended before they had a plan.
    ///
    /// # Errors
    /// When the ledger cannot be read, or a run's report is damaged.
    pub fn debt(&self, runs: u32) -> Result<Vec<Owed>, EngineError> {
        let mut all = Vec::new();
        for row in self.runs(runs)?.into_iter().filter(|row| row.stage != Stage::Discovering) {
            let path = self.store.report(row.run);
            // A store that came from elsewhere may hold the ledger alone.
            let report = path.exists().then(|| RunReport::read(&path)).transpose()?;
            all.extend(report.and_then(|report| Some(Owed { run: report.run, as_of: report.as_of, debt: report.debt? })));
        }
        all.reverse();
        Ok(all)
    }
}
