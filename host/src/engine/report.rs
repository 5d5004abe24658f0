//! What a run tells besides its plan: scans, faults, what the rule wrote. Kept as one JSON file per run.

use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Comparison, EngineError, Store};
use crate::correlate::Cases;
use crate::debt::Debt;
use crate::discover::Scan;
use crate::ledger::RunRow;
use crate::model::{Digest, PlanId, RunId, Time};
use crate::rule::{BatchVerdict, Fault, RuleFacts};

/// Log lines of a rule that a run's report keeps.
const REPORT_LOG_LINES: usize = 200;

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

/// How many batches were not judged because the answer of a former run still held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spared {
    /// Batches that got a former answer.
    pub reused: u64,
    /// Batches that had one and were judged again, to see whether it still holds: one in a hundred, and one at least.
    pub checked: u64,
    /// Whether the rule answered otherwise than it had promised, in this run or before: then nothing is reused.
    pub broken: bool,
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
    /// How much of the judging was spared.
    #[serde(default)]
    pub spared: Spared,
    /// Until when the rule rests because it failed before; nothing was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rests: Option<Time>,
    /// What another module, which judged beside the rule, would have decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Comparison>,
    /// Parts in which it was planned.
    #[serde(default = "one")]
    pub parts: u32,
}

/// A report without parts was written when there were none.
const fn one() -> u32 {
    1
}

impl RunReport {
    /// What is told before the first batch: the plan is named when it is sealed.
    pub(super) fn new(run: &RunRow, rule: &RuleFacts, scans: &[Scan]) -> Self {
        RunReport {
            run: run.run,
            plan: PlanId(Digest::default()),
            as_of: run.as_of,
            rule: rule.label(),
            facts: scans.iter().map(|scan| scan.rows).sum(),
            cases: 0,
            batches: 0,
            fuel: 0,
            scans: scans.to_vec(),
            faults: Vec::new(),
            log: Vec::new(),
            debt: None,
            spared: Spared::default(),
            rests: None,
            beside: None,
            parts: 0,
        }
    }

    /// Takes in the next part and its verdicts.
    pub(super) fn add(&mut self, cases: &Cases, verdicts: &[BatchVerdict]) {
        for (index, (batch, verdict)) in (self.batches..).zip(cases.batches.iter().zip(verdicts)) {
            let Some(fault) =
                verdict.result.as_ref().err().filter(|fault| !matches!(fault, Fault::Absent | Fault::Resting { .. }))
            else {
                continue;
            };
            let case = case_of(fault).and_then(|case| cases.cases.get((batch.cases.start + case) as usize));
            let case = case.and_then(|case| cases.key(case)).map(|key| key.to_string());
            let count = u64::from(batch.cases.end - batch.cases.start);
            self.faults.push(BatchFault { batch: index, cases: count, case, message: fault.to_string() });
        }
        self.log.extend(verdicts.iter().flat_map(|verdict| &verdict.log).map(|(_, line)| line.clone()));
        self.log.drain(..self.log.len().saturating_sub(REPORT_LOG_LINES));
        self.cases += cases.cases.len() as u64;
        self.batches += cases.batches.len() as u64;
        self.fuel += verdicts.iter().map(|verdict| verdict.fuel).sum::<u64>();
        self.parts += 1;
    }

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

fn case_of(fault: &Fault) -> Option<u32> {
    match fault {
        Fault::Trap { case, .. } | Fault::Rule { case, .. } => *case,
        _ => None,
    }
}
