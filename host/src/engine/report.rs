//! What a run tells besides its plan: scans, faults, what the rule wrote. Kept as one JSON file per run.

use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{EngineError, Store};
use crate::debt::Debt;
use crate::discover::Scan;
use crate::model::{PlanId, RunId, Time};

/// A batch that got no verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchFault {
    /// Counted from zero.
    pub batch: u64,
    /// How many cases are held for it.
    pub cases: u64,
    /// The case that was being judged, if the module told.
    pub case: Option<String>,
    /// What happened.
    pub message: String,
}

/// What a run tells besides its plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    /// The run.
    pub run: RunId,
    /// Its plan.
    pub plan: PlanId,
    /// The one instant of its plan.
    pub as_of: Time,
    /// The rule, as name@version.
    pub rule: String,
    /// Rows read.
    pub facts: u64,
    /// Cases judged.
    pub cases: u64,
    /// Batches judged.
    pub batches: u64,
    /// Fuel used.
    pub fuel: u64,
    /// Every scan and how far it was trusted.
    pub scans: Vec<Scan>,
    /// Batches that got no verdict.
    pub faults: Vec<BatchFault>,
    /// Lines that the rule wrote, newest last, bounded.
    pub log: Vec<String>,
    /// The backlog of clean-up, before the run's changes; none for a run that looked at some cases only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debt: Option<Debt>,
}

impl RunReport {
    pub(super) fn write(&self, store: &Store) -> Result<(), EngineError> {
        let path = store.report(self.run);
        Store::replace(&path, |file| {
            let error = |source: std::io::Error| EngineError::Store { path: path.clone(), source };
            serde_json::to_writer(&mut *file, self).map_err(|e| error(e.into()))?;
            file.write_all(b"\n").map_err(error)
        })
    }

    /// Reads the report of a run.
    ///
    /// # Errors
    /// When it is not there or damaged.
    pub fn read(path: &Path) -> Result<Self, EngineError> {
        let text = std::fs::read(path).map_err(|source| EngineError::Store { path: path.to_owned(), source })?;
        serde_json::from_slice(&text).map_err(|e| EngineError::Damaged { path: path.to_owned(), problem: e.to_string() })
    }
}
