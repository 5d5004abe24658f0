//! What waits for a person, and how a person lets it pass.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::clock::is_believed;
use super::planning::released;
use super::{Engine, EngineError, RunReport, WorkItem};
use crate::commit::{CommitError, Event, Status, next};
use crate::discover::{Completeness, Scan};
use crate::ledger::{Adoption, Batch, Entry, Leaf, Opening, Query, Rows, RunRow, ScanCount};
use crate::model::{Change, ChangeId, Digest, GateKind, PlanId, RunId, Time};
use crate::plan::{HeldLine, PlanFile};

/// A change that waits at a gate.
#[derive(Clone, Debug, Serialize)]
pub struct WaitingChange {
    /// The change.
    pub change: Change,
    /// Those of its gates that are closed.
    pub closed: Vec<GateKind>,
}

/// A scan that shrank.
#[derive(Clone, Debug, Serialize)]
pub struct WaitingScan {
    /// The source.
    pub source: String,
    /// The target whose rows these are.
    pub target: String,
    /// Rows of the last complete scan that are missing.
    pub lost: u64,
    /// Rows of the last complete scan.
    pub of: u64,
    /// What a release binds to.
    pub digest: Digest,
}

/// All that waits for a person.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Holds {
    /// The plan that it is about.
    pub plan: Option<PlanId>,
    /// Changes at closed gates, in plan order.
    pub gates: Vec<WaitingChange>,
    /// Scans that shrank.
    pub scans: Vec<WaitingScan>,
    /// The instant of an earlier run against which the plan's clock is doubted; none: it is believed.
    pub clock: Time,
    /// Cases that the rule or the host holds.
    pub held: Vec<HeldLine>,
    /// Work items that people have open, those that are overdue first.
    pub work: Vec<WorkItem>,
}

/// What is to be opened.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Release {
    /// Beginnings of change ids.
    pub changes: Vec<String>,
    /// Every change at this gate.
    pub gate: Option<GateKind>,
    /// Shrunk scans of these sources.
    pub scans: Vec<String>,
    /// All that waits, but what another writer manages.
    pub all: bool,
    /// Also take over what another writer manages.
    pub force: bool,
    /// Who opens.
    pub by: String,
    /// Why it is right.
    pub why: String,
}

impl Engine {
    /// What waits for a person in the newest sealed run.
    ///
    /// # Errors
    /// When the ledger, the plan or the report cannot be read.
    pub fn holds(&self) -> Result<Holds, EngineError> {
        let work = self.open_work()?;
        let Some((run, plan)) = self.newest_plan()? else { return Ok(Holds { work, ..Holds::default() }) };
        let file = PlanFile::open(&self.store.plan(plan))?;
        let mut gates = self.waiting(&file, plan)?;
        let mut held = file.held().collect::<Result<Vec<_>, _>>()?;
        for (_, plan) in self.amendments(run.run)? {
            let file = PlanFile::open(&self.store.plan(plan))?;
            gates.extend(self.waiting(&file, plan)?);
            held.extend(file.held().collect::<Result<Vec<_>, _>>()?);
        }
        let openings = self.openings()?;
        let released = released(&openings);
        let clock = if is_believed(&openings, plan) { Time::NONE } else { file.header().inputs.clock };
        // A plan from elsewhere was made by another store's run: it has no report here.
        let report = self.store.report(run.run);
        let scans = if report.exists() { RunReport::read(&report)?.scans } else { Vec::new() };
        let scans = scans.iter().filter_map(shrunk).filter(|scan| !released.contains(&scan.digest)).collect();
        Ok(Holds { plan: Some(plan), gates, scans, clock, held, work })
    }

    /// Opens gates, durably and in the audit log. Returns what was opened; `resume` then commits it, and a new plan
    /// believes a released scan.
    ///
    /// # Errors
    /// When nothing that waits bears a given name.
    pub fn release(&self, release: &Release) -> Result<Vec<Opening>, EngineError> {
        let holds = self.holds()?;
        let openings = self.openings_for(&holds, release)?;
        if openings.is_empty() {
            return Ok(openings);
        }
        let owned = self.acquire()?;
        let run = self.newest_plan()?.map(|(run, _)| run.run).unwrap_or(RunId(0));
        let leaves = openings.iter().map(|opening| match claimant(&holds, opening) {
            Some(writer) => Leaf::transfer(run, opening, writer),
            None => Leaf::approval(run, opening),
        });
        let leaves = leaves.collect();
        let entries = openings.iter().cloned().map(Entry::Opened).collect();
        self.submit(&owned, Batch { entries, leaves })?;
        self.checkpoint()?;
        Ok(openings)
    }

    fn openings_for(&self, holds: &Holds, release: &Release) -> Result<Vec<Opening>, EngineError> {
        let at = self.clock.now();
        let open =
            |change: ChangeId, gate: GateKind| Opening { change, gate, by: release.by.clone(), why: release.why.clone(), at };
        let mut openings = Vec::new();
        for prefix in &release.changes {
            if !holds.gates.iter().any(|waiting| waiting.change.id.to_string().starts_with(prefix)) {
                return Err(EngineError::NotFound { what: "waiting change", name: prefix.clone() });
            }
        }
        for source in &release.scans {
            if !holds.scans.iter().any(|scan| scan.source == *source) {
                return Err(EngineError::NotFound { what: "shrunk scan of source", name: source.clone() });
            }
        }
        for waiting in &holds.gates {
            let id = waiting.change.id.to_string();
            let named = release.all || release.changes.iter().any(|prefix| id.starts_with(prefix));
            let forced = |gate: GateKind| release.force || gate != GateKind::Claim;
            let gates = waiting.closed.iter().filter(|gate| (named || release.gate == Some(**gate)) && forced(**gate));
            openings.extend(gates.map(|gate| open(waiting.change.id, *gate)));
        }
        let scans = holds.scans.iter().filter(|scan| release.all || release.scans.contains(&scan.source));
        openings.extend(scans.map(|scan| open(ChangeId(scan.digest), GateKind::Shrink)));
        // That the clock is right is said of the plan as well, so that the next one is held against its instant.
        let clock = holds.plan.filter(|_| holds.clock.is_some() && (release.all || release.gate == Some(GateKind::Clock)));
        openings.extend(clock.map(|plan| open(ChangeId(plan.0), GateKind::Clock)));
        Ok(openings)
    }

    fn waiting(&self, file: &PlanFile, plan: PlanId) -> Result<Vec<WaitingChange>, EngineError> {
        let status = self.statuses(plan)?;
        let openings = self.openings()?;
        let opened: BTreeSet<(ChangeId, GateKind)> = openings.iter().map(|opening| (opening.change, opening.gate)).collect();
        let mut waiting = Vec::new();
        for change in file.changes() {
            let change = change?;
            let closed: Vec<GateKind> =
                change.gates.iter().map(|gate| gate.kind).filter(|gate| !opened.contains(&(change.id, *gate))).collect();
            if !closed.is_empty() && !status.contains_key(&change.id) {
                waiting.push(WaitingChange { change, closed });
            }
        }
        Ok(waiting)
    }

    /// Status of every change of a plan that has any event.
    pub(super) fn statuses(&self, plan: PlanId) -> Result<BTreeMap<ChangeId, Status>, EngineError> {
        let mut statuses: BTreeMap<ChangeId, Status> = BTreeMap::new();
        for (change, event) in self.events(plan)? {
            let status = statuses.entry(change).or_default();
            *status = next(status, &event).map_err(|source| CommitError::Contradiction { change, source })?;
        }
        Ok(statuses)
    }

    pub(super) fn events(&self, plan: PlanId) -> Result<Vec<(ChangeId, Event)>, EngineError> {
        match self.ledger.read(&self.parts.tenant, &Query::Events(plan))? {
            Rows::Events(events) => Ok(events),
            _ => Ok(Vec::new()),
        }
    }

    pub(super) fn openings(&self) -> Result<Vec<Opening>, EngineError> {
        match self.ledger.read(&self.parts.tenant, &Query::Openings)? {
            Rows::Openings(openings) => Ok(openings),
            _ => Ok(Vec::new()),
        }
    }

    pub(super) fn adoptions(&self) -> Result<Vec<Adoption>, EngineError> {
        match self.ledger.read(&self.parts.tenant, &Query::Adoptions)? {
            Rows::Adoptions(adoptions) => Ok(adoptions),
            _ => Ok(Vec::new()),
        }
    }

    pub(super) fn scan_counts(&self) -> Result<Vec<ScanCount>, EngineError> {
        match self.ledger.read(&self.parts.tenant, &Query::ScanCounts)? {
            Rows::ScanCounts(counts) => Ok(counts),
            _ => Ok(Vec::new()),
        }
    }

    /// The newest run that has a plan of its own.
    pub(super) fn newest_plan(&self) -> Result<Option<(RunRow, PlanId)>, EngineError> {
        let runs = self.runs(16)?;
        let whole = runs.into_iter().filter(|run| !run.stage.is_replaced() && run.amends.is_none());
        Ok(whole.into_iter().find_map(|run| run.plan.map(|plan| (run, plan))))
    }

    /// The sealed amendments of a run, the oldest first.
    pub(super) fn amendments(&self, run: RunId) -> Result<Vec<(RunRow, PlanId)>, EngineError> {
        let runs = self.runs(u32::MAX)?.into_iter().rev();
        let of_run = runs.filter(|row| row.amends == Some(run) && !row.stage.is_replaced());
        Ok(of_run.filter_map(|row| row.plan.map(|plan| (row, plan))).collect())
    }
}

/// From whom an opening takes a change's case.
fn claimant<'h>(holds: &'h Holds, opening: &Opening) -> Option<&'h str> {
    let waiting = holds.gates.iter().filter(|_| opening.gate == GateKind::Claim).find(|w| w.change.id == opening.change)?;
    waiting.change.gates.iter().find(|gate| gate.kind == GateKind::Claim).map(|gate| gate.scope.as_str())
}

fn shrunk(scan: &Scan) -> Option<WaitingScan> {
    let Completeness::Shrunk { lost, of } = scan.completeness else { return None };
    Some(WaitingScan { source: scan.source.clone(), target: scan.target.clone(), lost, of, digest: scan.digest })
}
