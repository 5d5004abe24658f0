//! What answers are read from: the verified log, leaf by leaf, and the sealed plans, run by run.

use std::path::PathBuf;

use serde::Serialize;

use super::super::{Engine, EngineError, RunReport};
use super::Shown;
use crate::audit::{Cut, LeafError, LogEntry, LogHead, TILE_WIDTH, Verified, Verifier, VerifyError, verify_pages};
use crate::discover::{Page, Scan, ScanSide, recall_pages};
use crate::ledger::{RunRow, StoredLeaf};
use crate::model::{PlanId, State, Time};
use crate::notary::Notary;
use crate::plan::PlanFile;

/// Where a log begins that was pruned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Beginning {
    /// When the first leaf was written that none was removed after.
    pub begins: Time,
    /// What the log says of those before.
    #[serde(flatten)]
    pub cut: Cut,
}

/// Leaves that are read at once.
const LEAVES_PER_PAGE: u32 = 4_096;

impl Engine {
    /// Recomputes the log up to its present head, and shows each leaf on the way that was not pruned. What was seen stands only
    /// when the log turns out to be sound.
    pub(in crate::engine) fn walk(
        &self,
        kept: &[LogHead],
        see: impl FnMut(&LogEntry, &StoredLeaf) -> Result<(), EngineError> + Send,
    ) -> Result<Result<Verified, VerifyError>, EngineError> {
        let head = self.log_head()?;
        // A checkpoint that another process signs meanwhile is of leaves that are not looked at.
        let signed = self.notary.as_ref().map(Notary::heads).transpose()?.unwrap_or_default();
        let newer = self.log_head()?.size;
        let mut verifier = Verifier::default();
        for seen in kept.iter().chain(signed.iter().filter(|signed| signed.size <= head.size || signed.size > newer)) {
            verifier = verifier.seen(*seen);
        }
        let mut from = 0;
        let next = || -> Result<Vec<StoredLeaf>, EngineError> {
            if from >= head.size {
                return Ok(Vec::new());
            }
            let mut page = self.leaves(from, LEAVES_PER_PAGE)?;
            from = page.last().map_or(head.size, |last| last.index + 1);
            // Another process may go on writing: what comes after the head is for the next question.
            page.retain(|leaf| leaf.index < head.size);
            Ok(page)
        };
        let verifier = verify_pages(verifier, self.threads(), next, see)?;
        Ok(verifier.and_then(|verifier| verifier.finish(head)))
    }

    /// The same for questions: a log that is not sound answers none.
    pub(super) fn read_log(
        &self,
        see: impl FnMut(&LogEntry, &StoredLeaf) -> Result<(), EngineError> + Send,
    ) -> Result<LogHead, EngineError> {
        Ok(self.walk(&[], see)??.head)
    }

    /// Where the log begins, when it was pruned: an answer then tells nothing of what was before. Reads the whole log to be sure of
    /// that, where its first leaves are gone, and a page where they are not.
    ///
    /// # Errors
    /// When the log is not sound, or the ledger cannot be read.
    pub fn log_beginning(&self) -> Result<Option<Beginning>, EngineError> {
        if !self.leaves(0, TILE_WIDTH as u32)?.iter().any(StoredLeaf::is_pruned) {
            return Ok(None);
        }
        let Some(cut) = self.walk(&[], |_, _| Ok(()))??.cut else { return Ok(None) };
        let Some(first) = self.leaves(cut.before, 1)?.into_iter().next() else { return Ok(None) };
        let damaged = |error: LeafError| EngineError::Damaged {
            path: "the audit log".into(),
            problem: format!("leaf {}: {error}", first.index),
        };
        Ok(Some(Beginning { begins: LogEntry::parse(&first.bytes).map_err(damaged)?.time, cut }))
    }

    /// Every run that sealed a plan, the oldest first.
    pub(super) fn sealed_runs(&self) -> Result<Vec<(RunRow, PlanId)>, EngineError> {
        let runs = self.runs(u32::MAX)?.into_iter().rev();
        Ok(runs.filter_map(|run| run.plan.map(|plan| (run, plan))).collect())
    }

    /// A sealed plan. One that is no longer kept is none; one that is damaged is an error.
    pub(super) fn sealed(&self, plan: PlanId) -> Result<Option<PlanFile>, EngineError> {
        let path = self.store.plan(plan);
        let file = if path.exists() { Some(PlanFile::open(&path)?) } else { None };
        match file.as_ref().filter(|file| file.id() != plan) {
            Some(other) => Err(EngineError::Damaged { path, problem: format!("it holds the plan `{}`", other.id()) }),
            None => Ok(file),
        }
    }

    /// What a run reported; none when its report is no longer kept.
    pub(super) fn reported(&self, run: &RunRow) -> Result<Option<RunReport>, EngineError> {
        let path = self.store.report(run.run);
        if path.exists() { RunReport::read(&path).map(Some) } else { Ok(None) }
    }

    /// The newest run whose pages are kept, its scans and the folder.
    pub(super) fn newest_pages(&self) -> Result<Option<(RunRow, Vec<Scan>, PathBuf)>, EngineError> {
        for (run, _) in self.sealed_runs()?.into_iter().rev() {
            let folder = self.store.pages(run.run);
            if folder.is_dir()
                && let Some(report) = self.reported(&run)?
            {
                return Ok(Some((run, report.scans, folder)));
            }
        }
        Ok(None)
    }

    /// Shows the newest pages one by one, with the side and the source that each is of.
    pub(super) fn read_pages(&self, see: impl FnMut(ScanSide, &str, &Page)) -> Result<Option<(RunRow, Vec<Scan>)>, EngineError> {
        let Some((run, scans, folder)) = self.newest_pages()? else { return Ok(None) };
        recall_pages(&folder, &scans, see)?;
        Ok(Some((run, scans)))
    }
}

/// The state that a leaf commits to under this name; none when it has no such field.
pub(super) fn shown(leaf: &StoredLeaf, field: &str) -> Result<Option<Shown>, EngineError> {
    let Some(body) = leaf.bodies.iter().find(|body| body.field == field) else { return Ok(None) };
    let Some(text) = &body.state else { return Ok(Some(Shown::Redacted)) };
    let state = serde_json::from_str(text).map_err(|error| EngineError::Damaged {
        path: "the audit log".into(),
        problem: format!("the state `{field}` beside leaf {} is none: {error}", leaf.index),
    })?;
    let state: State = state;
    Ok(Some(state.into()))
}
