//! Cases that the newest plan saw, as a case file shows them: for an author who wants to keep one. Asks no source and no target.

use trueup_cases::Columns;

use super::{Engine, EngineError};
use crate::model::Time;
use crate::plan::PlanFile;
use crate::rule::{BatchVerdict, all_columns};

/// Which identities are wanted. All that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Those of cases that this engine's rule answers with this reason.
    pub reason: Option<String>,
    /// This one.
    pub identity: Option<String>,
    /// At most so many.
    pub take: usize,
}

/// What was captured.
#[derive(Clone, Debug, Default)]
pub struct Captured {
    /// The instant of the plan.
    pub as_of: Time,
    /// Whole identities, one a batch, every column of the contract filled.
    pub identities: Vec<Columns>,
}

impl Engine {
    /// Captures identities that the newest plan saw.
    ///
    /// # Errors
    /// When there is no sealed run, or what it saw is no longer there.
    pub fn capture(&self, wanted: &Wanted) -> Result<Captured, EngineError> {
        let no_run = || EngineError::NotFound { what: "sealed run", name: self.parts.tenant.clone() };
        let (run, plan) = self.newest_plan()?.ok_or_else(no_run)?;
        let file = PlanFile::open(&self.store.plan(plan))?;
        let (snapshot, recorded) = self.seen(&run, &file)?;
        let cases = self.correlate(snapshot, recorded.into_iter().map(Ok), run.as_of)?;
        let verdicts = if wanted.reason.is_some() { self.judge(&cases, run.as_of, None) } else { Vec::new() };
        let limits = self.parts.module.as_ref().map(|module| *module.limits()).unwrap_or_default();
        let mut captured = Captured { as_of: run.as_of, identities: Vec::new() };
        for (index, batch) in cases.batches.iter().enumerate() {
            let identities = cases.identities.get(batch.identities.start as usize..batch.identities.end as usize);
            let chosen = identities.unwrap_or_default().iter().enumerate().filter(|(_, identity)| {
                let name = cases.snapshot.symbols.text(identity.name);
                let rows = identity.cases.start - batch.cases.start..identity.cases.end - batch.cases.start;
                wanted.identity.as_ref().is_none_or(|wanted| wanted == name)
                    && wanted.reason.as_ref().is_none_or(|reason| self.is_given(verdicts.get(index), reason, &rows))
            });
            let room = wanted.take.saturating_sub(captured.identities.len());
            let chosen: Vec<usize> = chosen.map(|(place, _)| place).take(room).collect();
            if chosen.is_empty() {
                continue;
            }
            // A batch that is too large to be judged is too large to be shown.
            let Ok(columns) = all_columns(&cases, batch, &limits) else { continue };
            captured.identities.extend(chosen.into_iter().map(|place| columns.reordered(&[place], false).0));
        }
        Ok(captured)
    }

    /// Whether some of these rows is answered with a reason.
    fn is_given(&self, verdict: Option<&BatchVerdict>, reason: &str, rows: &std::ops::Range<u32>) -> bool {
        let Some(Ok(columns)) = verdict.map(|verdict| &verdict.result) else { return false };
        let named = |index: &u16| self.rule.reasons.get(usize::from(*index)).is_some_and(|named| named.code == reason);
        columns.case.iter().zip(&columns.reason).any(|(row, index)| rows.contains(row) && named(index))
    }
}
