//! From the seal to the last checkpoint. Where an interrupted run goes on is for `resuming`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::amending::{Amended, Amendment};
use super::{Engine, EngineError};
use crate::audit::{LogHead, Salts};
use crate::commit::{Commit, Outcomes, Status};
use crate::ledger::{Adoption, Batch, Entry, Leaf, LedgerError, Owned, RunRow, Settled, Stage};
use crate::model::{Change, ChangeId, GateKind, PlanId, RunId};
use crate::plan::{PlanFile, adopted_by};
use crate::telemetry::{stage, within};

/// Names of what keeps a run from being over: another process goes on with it. Gates and instants do not.
const LEFT_OPEN: [&str; 6] = ["unknown", "unverified", "backed_off", "accepted", "manual", "manual_overdue"];

/// What committing came to.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Applied {
    /// The plan.
    pub plan: PlanId,
    /// What became of its changes.
    pub outcomes: Outcomes,
    /// Head of the audit log afterwards, before any amendment.
    pub head: LogHead,
    /// What was looked at again because it had moved meanwhile, and what that came to.
    pub amendments: Vec<Amended>,
    /// Identities whose cases moved each time that they were looked at: left to the next run.
    pub contended: BTreeSet<String>,
}

impl Applied {
    /// Adds what became of an amendment.
    pub(super) fn add(&mut self, amendment: Applied) {
        let Applied { plan, outcomes, head, amendments, contended } = amendment;
        self.amendments.push(Amended { plan, identities: BTreeSet::new(), replanned: 0, outcomes, head });
        self.amendments.extend(amendments);
        self.contended.extend(contended);
    }

    /// Whether something is still open.
    #[must_use]
    pub fn waits(&self) -> bool {
        let amended = self.amendments.iter();
        let (open, elsewhere) =
            amended.fold((self.outcomes.open(), 0), |(open, n), next| (open + next.outcomes.open(), n + next.replanned));
        open > elsewhere
    }
}

impl Engine {
    /// Commits a sealed plan of this store, exactly as it is: a case that moved since is refused alone.
    ///
    /// # Errors
    /// When the plan cannot be read or is another tenant's, or the ledger fails. What is durable stays so.
    pub async fn apply(&self, plan: PlanId) -> Result<Applied, EngineError> {
        let applying = async {
            let owned = self.acquire()?;
            let applied = self.apply_owned(&owned, plan).await?;
            self.checkpoint()?;
            Ok(applied)
        };
        let applied = within(stage!("apply", tenant = self.parts.tenant.as_str()), applying).await;
        self.measure_call("apply", &applied);
        applied
    }

    pub(super) async fn apply_owned(&self, owned: &Owned, plan: PlanId) -> Result<Applied, EngineError> {
        let known = self.runs(u32::MAX)?.into_iter().find(|run| run.plan == Some(plan));
        let run = match known {
            Some(run) => run,
            None => self.adopt_plan(owned, plan)?,
        };
        self.commit(owned, run).await
    }

    /// Commits a plan, and what is planned anew of the identities that moved meanwhile.
    pub(super) async fn commit(&self, owned: &Owned, run: RunRow) -> Result<Applied, EngineError> {
        let (mut applied, mut next) = self.commit_one(owned, run).await?;
        while let Next::Amendment(Amendment { run, identities, replanned }) = next {
            let (Applied { plan, outcomes, head, .. }, after) = self.commit_one(owned, run).await?;
            applied.amendments.push(Amended { plan, identities, replanned, outcomes, head });
            next = after;
        }
        if let Next::Contended(identities) = next {
            applied.contended = identities;
        }
        self.measure_applied(&applied);
        Ok(applied)
    }

    /// Takes a plan that this ledger does not know of as a run of its own.
    fn adopt_plan(&self, owned: &Owned, plan: PlanId) -> Result<RunRow, EngineError> {
        let file = PlanFile::open(&self.store.plan(plan))?;
        let tenant = &file.header().inputs.tenant;
        if *tenant != self.parts.tenant {
            return Err(EngineError::ForeignPlan { found: tenant.clone(), expected: self.parts.tenant.clone() });
        }
        let run = RunRow {
            run: RunId(self.ledger.recover(owned)?.last_run + 1),
            stage: Stage::Sealed,
            as_of: file.header().inputs.as_of,
            began: self.clock.now(),
            basis: self.basis(),
            plan: Some(plan),
            slice: 0,
            commits: true,
            amends: None,
        };
        self.submit(owned, Batch { entries: vec![Entry::Run(run.clone())], leaves: Vec::new() })?;
        Ok(run)
    }

    async fn commit_one(&self, owned: &Owned, run: RunRow) -> Result<(Applied, Next), EngineError> {
        let Some(plan) = run.plan else { return Err(EngineError::NotFound { what: "plan of", name: run.run.to_string() }) };
        let file = PlanFile::open(&self.store.plan(plan))?;
        let tenant = &file.header().inputs.tenant;
        if *tenant != self.parts.tenant {
            return Err(EngineError::ForeignPlan { found: tenant.clone(), expected: self.parts.tenant.clone() });
        }
        let run = RunRow { stage: Stage::Committing, ..run };
        self.submit(owned, Batch { entries: vec![Entry::Run(run.clone())], leaves: Vec::new() })?;
        let targets = self.targets_by_name();
        let mut salts = self.salts()?;
        let (openings, denials, desk) = (self.openings()?, self.denials()?, self.desk()?);
        let events = self.events(plan)?;
        let commit = Commit {
            plan,
            changes: file.header().changes,
            run: run.clone(),
            slice: self.parts.options.slice,
            targets: &targets,
            ledger: &*self.ledger,
            owned,
            flow: self.parts.options.flow.clone(),
            openings: &openings,
            denials: &denials,
            desk: &desk,
            sink: self.parts.sink.as_deref(),
            in_doubt: in_doubt(&file, &self.statuses(plan)?)?,
            events,
            clock: &*self.clock,
            observer: &*self.observer,
            salts: &mut salts,
        };
        let outcomes =
            within(stage!("commit", run = run.run.0, changes = file.header().changes), commit.run(file.changes())).await?;
        self.measure_commit(&outcomes);
        self.clear_calls()?;
        let moved = self.moved(&file, &outcomes)?;
        let contended = if self.is_contended(&file)? { moved.clone() } else { BTreeSet::new() };
        // Sealed before this run is over, so that a crash loses nothing of it.
        let next = match self.amend(owned, &run, &file, moved).await? {
            Some(amendment) => Next::Amendment(amendment),
            None => Next::Contended(contended),
        };
        let head = self.finish(owned, run, plan, &file, &outcomes, &next)?;
        Ok((Applied { plan, outcomes, head, amendments: Vec::new(), contended: BTreeSet::new() }, next))
    }

    /// Records the end of a run: done, unless something of unknown effect or an unreachable target is left for `resume`.
    fn finish(
        &self,
        owned: &Owned,
        run: RunRow,
        plan: PlanId,
        file: &PlanFile,
        outcomes: &Outcomes,
        next: &Next,
    ) -> Result<LogHead, EngineError> {
        let left = LEFT_OPEN.iter().any(|name| outcomes.open.contains_key(*name));
        let stage = if left { Stage::Committing } else { Stage::Done };
        let at = self.clock.now();
        let mut entries = vec![Entry::Run(RunRow { stage, ..run.clone() })];
        // An amendment has not seen any scope as a whole.
        if run.amends.is_none() {
            entries.extend(self.adoptions_after(file)?.into_iter().map(Entry::Adopted));
        }
        let leaves = vec![Leaf::run_end(run.run, at, Some(plan), &tallies(outcomes, next))];
        let head = self.submit(owned, Batch { entries, leaves })?;
        if stage == Stage::Done {
            self.ledger.compact(owned)?;
        }
        Ok(head)
    }

    /// Scopes whose removals were looked at, or that had none: adopted under this mode and rule from now on.
    fn adoptions_after(&self, file: &PlanFile) -> Result<Vec<Adoption>, EngineError> {
        let openings = self.openings()?;
        let is_open = |id: &ChangeId| openings.iter().any(|o| o.change == *id && o.gate == GateKind::Adoption);
        Ok(adopted_by(file.header(), file.changes(), is_open, self.clock.now())?)
    }

    pub(super) fn salts(&self) -> Result<Salts, EngineError> {
        Ok(Salts::from_seed(self.randomness()?))
    }

    pub(super) fn randomness(&self) -> Result<[u8; 32], EngineError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| EngineError::Randomness(error.to_string()))?;
        Ok(bytes)
    }

    /// Makes a batch durable, whatever it takes: a flush of unknown fate is looked up.
    pub(super) fn submit(&self, owned: &Owned, batch: Batch) -> Result<LogHead, EngineError> {
        let ticket = self.ledger.submit(owned, batch)?;
        match self.ledger.wait(ticket)? {
            Settled::Committed(head) => Ok(head),
            Settled::Fenced => Err(LedgerError::Fenced.into()),
            Settled::Unknown(id) if self.ledger.resolve(owned, id)? => Ok(self.ledger.recover(owned)?.head),
            Settled::Unknown(_) => {
                let problem = "the last batch could not be flushed and is not there; the disk may be full".to_owned();
                Err(LedgerError::Unwritable { path: self.store.ledger(), problem }.into())
            }
        }
    }
}

/// The changes of a plan whose effect is not known or not seen, with their places.
fn in_doubt(file: &PlanFile, statuses: &BTreeMap<ChangeId, Status>) -> Result<Vec<(u64, Change)>, EngineError> {
    if !statuses.values().any(Status::is_under_way) {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for (index, change) in (0..).zip(file.changes()) {
        let change = change?;
        if statuses.get(&change.id).is_some_and(Status::is_under_way) {
            found.push((index, change));
        }
    }
    Ok(found)
}

/// What follows the commit of a plan.
enum Next {
    /// What moved was looked at again.
    Amendment(Amendment),
    /// Nothing; these identities moved each time.
    Contended(BTreeSet<String>),
}

fn tallies(outcomes: &Outcomes, next: &Next) -> BTreeMap<String, u64> {
    let contended = match next {
        Next::Contended(identities) if !identities.is_empty() => Some(("contended".to_owned(), identities.len() as u64)),
        _ => None,
    };
    let confirmed = outcomes.confirmed.iter().map(|(grade, number)| (format!("confirmed_{grade:?}").to_lowercase(), *number));
    let ended = outcomes.ended.iter().map(|(end, number)| ((*end).to_owned(), *number));
    confirmed
        .chain(ended)
        .chain(outcomes.open.iter().map(|(open, number)| (open.replace(' ', "_"), *number)))
        .chain(contended)
        .collect()
}
