//! Removing states from beside the log, and a holder from everything else that the store keeps: what a leaf only commits to
//! goes, the leaf stays, and another leaf says so.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::answers::Answers;
use super::{Engine, EngineError, Store};
use crate::audit::{LogEntry, Statement};
use crate::ledger::{Batch, Entry, Leaf, Owned, StoredLeaf};
use crate::limits::{MESSAGE_BYTES, REDACTED_AT_ONCE};
use crate::model::{ChangeId, PlanId, RunId};
use crate::plan::{PlanFile, RedactedPlan};

/// Leaves that are read at once.
const LEAVES_PER_PAGE: u32 = 4_096;

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Redacted {
    /// Leaves beside which states stood.
    pub leaves: Vec<u64>,
    /// States, with their salts.
    pub states: u64,
    /// Plans whose lines are gone; their headers and the digests of their lines stay.
    pub plans: Vec<PlanId>,
    /// Runs whose pages, answers and reports are gone.
    pub runs: Vec<RunId>,
    /// Objects of recordings: runs that need one of them cannot be derived again.
    pub objects: u64,
}

impl Engine {
    /// Removes the states beside a leaf and their salts, durably, and says so in the log. Leaves and proofs are as before; only
    /// that what was there can be shown is over. Of a leaf that names an attachment, the file goes. Gives how many states or
    /// files went. Plans, pages and recordings of runs hold states too, and are not touched: see [`Engine::redact_holder`].
    ///
    /// # Errors
    /// When the leaf holds no state or file that is still there, or the ledger fails.
    pub fn redact(&self, leaf: u64, by: &str, why: &str) -> Result<usize, EngineError> {
        let found = self.leaves(leaf, 1)?.into_iter().find(|found| found.index == leaf);
        let states = found.map_or(0, |found| states(&found));
        if states == 0 {
            return self.redact_attachment(leaf, by, why);
        }
        let turn = self.acquire()?;
        self.redact_leaves(&turn, &[leaf], by, why)?;
        self.checkpoint()?;
        Ok(states)
    }

    /// Removes a holder (its native id) from the store: the states beside every leaf of its cases, each sealed plan that has a
    /// line of it, the pages, answers and reports of runs, and the objects of recordings that name it. Of such a plan the header and the digests of its lines stay, so that
    /// its name can be checked still; its run can be explained, compared, undone and derived again no more. Names in leaves and in
    /// denials stay: proofs rest on the ones, protection on the others. Safe to repeat after a crash.
    ///
    /// # Errors
    /// When there is nothing of the holder, a plan that has a line of it is not settled, or files or the ledger fail.
    pub fn redact_holder(&self, holder: &str, by: &str, why: &str) -> Result<Redacted, EngineError> {
        let turn = self.acquire()?;
        let mut done = Redacted::default();
        let plans = self.plans_of(holder)?;
        let runs = self.runs(u32::MAX)?;
        if let Some(open) = runs.iter().find(|run| !run.stage.is_over()) {
            return Err(EngineError::Unsettled { what: "run", name: open.run.to_string() });
        }
        (done.leaves, done.states) = self.leaves_of(holder)?;
        if done.leaves.is_empty() && plans.is_empty() {
            return Err(EngineError::NotFound { what: "state or plan of holder", name: holder.to_owned() });
        }
        // The log says it first: a crash then leaves too much, and the same call again removes it.
        for some in done.leaves.chunks(REDACTED_AT_ONCE) {
            self.redact_leaves(&turn, some, by, why)?;
        }
        for plan in &plans {
            self.store.redact_plan(*plan)?;
        }
        done.runs = runs.iter().filter(|run| run.plan.is_some_and(|plan| plans.contains(&plan))).map(|run| run.run).collect();
        let answers = Answers::within(self.store.answers());
        answers.forget(&done.runs)?;
        for run in &done.runs {
            remove(&self.store.report(*run))?;
        }
        // Pages are those of one run, and hold everybody.
        remove(&self.store.all_pages())?;
        done.objects = self.recordings().redact(holder)?;
        done.plans = plans;
        self.checkpoint()?;
        Ok(done)
    }

    fn redact_leaves(&self, turn: &Owned, leaves: &[u64], by: &str, why: &str) -> Result<(), EngineError> {
        let bounded = |text: &str| text.chars().take(MESSAGE_BYTES / 4).collect::<String>();
        let run = self.runs(1)?.first().map_or(RunId(0), |run| run.run);
        let says = |leaf: &u64| Leaf::redaction(run, self.clock.now(), *leaf, &bounded(by), &bounded(why));
        let entries = leaves.iter().map(|leaf| Entry::Redacted(*leaf)).collect();
        self.submit(turn, Batch { entries, leaves: leaves.iter().map(says).collect() }).map(drop)
    }

    /// Leaves of a holder's cases with states beside them that are still there, and how many states.
    fn leaves_of(&self, holder: &str) -> Result<(Vec<u64>, u64), EngineError> {
        let (mut mine, mut changes, mut count, mut next) = (Vec::new(), BTreeSet::<ChangeId>::new(), 0, 0);
        loop {
            let page = self.leaves(next, LEAVES_PER_PAGE)?;
            let Some(last) = page.last() else { return Ok((mine, count)) };
            next = last.index + 1;
            for leaf in page.iter().filter(|leaf| !leaf.bodies.is_empty()) {
                let damaged = |error: crate::audit::LeafError| EngineError::Damaged {
                    path: "the audit log".into(),
                    problem: format!("leaf {}: {error}", leaf.index),
                };
                let of_holder = match LogEntry::parse(&leaf.bytes).map_err(damaged)?.says {
                    Statement::Intent { change, case, .. } if case.holder == holder => {
                        changes.insert(change);
                        true
                    }
                    Statement::Outcome { change, .. }
                    | Statement::Recovered { change, .. }
                    | Statement::Confirmed { change, .. } => changes.contains(&change),
                    _ => false,
                };
                let states = states(leaf) as u64;
                if of_holder && states > 0 {
                    mine.push(leaf.index);
                    count += states;
                }
            }
        }
    }

    /// Sealed plans that have a line of a holder, each of which must be settled.
    fn plans_of(&self, holder: &str) -> Result<Vec<PlanId>, EngineError> {
        let mut plans = Vec::new();
        for path in super::verifying::files(&self.store.plans(), "plan")? {
            let plan = PlanFile::open(&path)?;
            let statuses = self.statuses(plan.id())?;
            let (mut has, mut open) = (false, false);
            for change in plan.changes() {
                let change = change?;
                has |= change.key.holder == holder;
                open |= !statuses.get(&change.id).is_some_and(crate::commit::Status::is_final);
            }
            for held in plan.held() {
                has |= held?.key.holder == holder;
            }
            match (has, open) {
                (true, true) => return Err(EngineError::Unsettled { what: "plan", name: plan.id().to_string() }),
                (true, false) => plans.push(plan.id()),
                (false, _) => {}
            }
        }
        Ok(plans)
    }
}

impl Store {
    /// Replaces a plan by what stays of it.
    fn redact_plan(&self, plan: PlanId) -> Result<(), EngineError> {
        let path = self.plan(plan);
        let file = PlanFile::open(&path)?;
        let stays = RedactedPlan::beside(&path);
        Store::replace(&stays, |out| Ok(RedactedPlan::write(&file, out)?))?;
        RedactedPlan::open(&stays)?;
        remove(&path)
    }
}

/// How many states beside a leaf are still there.
fn states(leaf: &StoredLeaf) -> usize {
    leaf.bodies.iter().filter(|body| body.state.is_some()).count()
}

/// Removes a file or a folder, durably; nothing when there is none.
pub(super) fn remove(path: &Path) -> Result<(), EngineError> {
    let error = |source| EngineError::Store { path: path.to_owned(), source };
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        removed => removed.map_err(error)?,
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(error)
}
