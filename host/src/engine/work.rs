//! What people have open: work items that a plan asked for and nobody has finished. Knows no desk; a target opens and
//! searches items.

use serde::Serialize;

use super::{Engine, EngineError};
use crate::commit::Status;
use crate::ledger::Stage;
use crate::model::{CaseKey, ChangeId, Time};
use crate::plan::PlanFile;

/// A work item that is not finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkItem {
    /// The change that it is for.
    pub change: ChangeId,
    /// Its case.
    pub key: CaseKey,
    /// The target's name of it.
    pub item: String,
    /// When it is due.
    pub due: Time,
    /// Who works on it; empty: nobody yet.
    pub by: String,
    /// Whether it is past that instant. It stays open.
    pub overdue: bool,
}

impl WorkItem {
    /// `manual` or `manual_overdue`, as what became of a run names it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        if self.overdue { "manual_overdue" } else { "manual" }
    }
}

impl Engine {
    /// Work items of every plan that is not over, those that are overdue first, then by what is due next.
    pub(super) fn open_work(&self) -> Result<Vec<WorkItem>, EngineError> {
        let now = self.clock.now();
        let mut open = Vec::new();
        let unfinished = |stage| matches!(stage, Stage::Committing | Stage::Unsettled);
        for run in self.runs(u32::MAX)?.into_iter().filter(|run| unfinished(run.stage)) {
            let Some(plan) = run.plan.filter(|plan| self.store.plan(*plan).exists()) else { continue };
            let statuses = self.statuses(plan)?;
            if !statuses.values().any(|status| matches!(status, Status::Manual { .. })) {
                continue;
            }
            for change in PlanFile::open(&self.store.plan(plan))?.changes() {
                let change = change?;
                if let Some(Status::Manual { item, due, by, overdue, .. }) = statuses.get(&change.id) {
                    let (item, due, by, overdue) = (item.clone(), *due, by.clone(), *overdue || now >= *due);
                    open.push(WorkItem { change: change.id, key: change.key, item, due, by, overdue });
                }
            }
        }
        open.sort_by(|a, b| (!a.overdue, a.due, &a.key).cmp(&(!b.overdue, b.due, &b.key)));
        Ok(open)
    }
}
