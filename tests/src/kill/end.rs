//! How a run ended: what the target holds, what its own journal says was done, and what the ledger says was done. Instants,
//! attempts and how an outcome was learned are no part of it: a killed run may need more attempts, and may learn by reading
//! what no answer told. Which changes took effect, from what to what, and how they ended must be the same.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;

use anyhow::{Result, bail};
use trueup::commit::{Event, Outcome, Status, next, plain_key};
use trueup::engine::Store;
use trueup::ledger::{Ledger as _, Query, Rows, SqliteLedger};
use trueup::model::{CaseKey, Change, ChangeId, KeyHash, PlanId, Subject};
use trueup::plan::PlanFile;
use trueup::target::EmbeddedTarget;

use super::tenant::TENANT;
use crate::replayed;

/// What was done per key, in order.
type History = BTreeMap<String, Vec<String>>;

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub struct End {
    rows: Vec<String>,
    /// By the target's journal: operation, before, after.
    journal: History,
    /// By the ledger: kind, before, after, effective attempts, end.
    ledger: History,
    /// Recorded state by key, without the instants at which closed rows were closed.
    recorded: BTreeMap<KeyHash, String>,
    changes: u64,
}

impl End {
    /// Looks at a tenant's folder.
    ///
    /// # Errors
    /// When something of it cannot be read, or contradicts itself.
    pub fn of(folder: &Path) -> Result<Self> {
        let target = EmbeddedTarget::open(&folder.join("crm.db"), "crm")?;
        let mut journal = History::new();
        for row in target.journal()? {
            let what = format!("{} {:?} {:?}", row.operation, row.before, row.after);
            journal.entry(format!("{}/{}", row.holder, row.object)).or_default().push(what);
        }
        let store = Store::open(&folder.join("trueup-store"))?;
        let ledger = SqliteLedger::open_read_only(&store.ledger())?;
        let (ledger_history, changes) = history(&store, &ledger)?;
        // However a run was killed and gone on with, what is recorded of it derives its plan.
        replayed::all(store.folder(), None)?;
        Ok(End {
            rows: target.dump()?.iter().map(|row| format!("{row:?}")).collect(),
            journal,
            ledger: ledger_history,
            recorded: recorded(&ledger)?,
            changes,
        })
    }

    /// Changes of the last plan.
    #[must_use]
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// Without these cases of a holder, and without how many changes there were: where the moment of a kill decides that.
    #[must_use]
    pub fn without(mut self, holder: &str, objects: &[&str]) -> Self {
        for object in objects {
            self.journal.remove(&format!("{holder}/{object}"));
            let key = CaseKey {
                target: "crm".to_owned(),
                holder: holder.to_owned(),
                subject: Subject::Grant,
                object: (*object).to_owned(),
            };
            self.ledger.remove(&key.to_string());
            self.recorded.remove(&plain_key(&key));
            self.changes = 0;
        }
        self
    }

    /// The first thing in which another end is not this one.
    #[must_use]
    pub fn differs(&self, other: &End) -> Option<String> {
        unequal("rows", &self.rows, &other.rows)
            .or_else(|| unequal("journal", &pairs(&self.journal), &pairs(&other.journal)))
            .or_else(|| unequal("ledger", &pairs(&self.ledger), &pairs(&other.ledger)))
            .or_else(|| unequal("recorded", &lines(&self.recorded), &lines(&other.recorded)))
            .or_else(|| unequal("changes", &[self.changes], &[other.changes]))
    }
}

fn pairs(history: &History) -> Vec<(&String, &Vec<String>)> {
    history.iter().collect()
}

fn lines(recorded: &BTreeMap<KeyHash, String>) -> Vec<&String> {
    recorded.values().collect()
}

fn unequal<T: PartialEq + Debug>(what: &str, expected: &[T], found: &[T]) -> Option<String> {
    let at = (0..expected.len().max(found.len())).find(|&i| expected.get(i) != found.get(i))?;
    Some(format!("{what} {at}: {:?} where {:?} was expected", found.get(at), expected.get(at)))
}

/// What was done per key, by the plans of all runs and the events of their changes; with the changes of the last plan.
fn history(store: &Store, ledger: &SqliteLedger) -> Result<(History, u64)> {
    let Rows::Runs(runs) = ledger.read(TENANT, &Query::Runs(u32::MAX))? else { bail!("no runs") };
    let mut plans: Vec<PlanId> = runs.into_iter().rev().filter_map(|run| run.plan).collect();
    plans.dedup();
    let (mut all, mut last) = (History::new(), 0);
    for plan in plans {
        let Rows::Events(events) = ledger.read(TENANT, &Query::Events(plan))? else { bail!("no events") };
        let mut of: BTreeMap<ChangeId, Vec<Event>> = BTreeMap::new();
        for (change, event) in events {
            of.entry(change).or_default().push(event);
        }
        let file = PlanFile::open(&store.plan(plan))?;
        last = file.header().changes;
        for change in file.changes() {
            let change = change?;
            let line = told(&change, of.get(&change.id).map_or(&[], Vec::as_slice))?;
            all.entry(change.key.to_string()).or_default().push(line);
        }
    }
    Ok((all, last))
}

/// One change: what it did, how often it took effect, and how it ended. An attempt that nobody answered, or that did not
/// reach the target, is a step on the way and not told.
fn told(change: &Change, events: &[Event]) -> Result<String> {
    let mut status = Status::default();
    let (mut effects, mut refusals) = (0, Vec::new());
    for event in events {
        status = next(&status, event)?;
        match event {
            Event::Outcome { outcome: Outcome::Acked | Outcome::Observed, .. } => effects += 1,
            Event::Outcome { outcome: outcome @ (Outcome::Stale { .. } | Outcome::Rejected { .. }), .. } => {
                refusals.push(outcome.name());
            }
            _ => {}
        }
    }
    let end = match status {
        Status::Confirmed { grade, .. } => format!("confirmed {grade:?}"),
        Status::Ended { end, .. } => format!("ended {}", end.name()),
        open => format!("open as {open}"),
    };
    let Change { kind, incarnation, before, after, .. } = change;
    Ok(format!("{kind} {incarnation} {before:?} {after:?}: {effects} times in effect, {refusals:?}, {end}"))
}

fn recorded(ledger: &SqliteLedger) -> Result<BTreeMap<KeyHash, String>> {
    let mut lines = BTreeMap::new();
    for row in ledger.recorded(TENANT)? {
        let mut row = row?;
        if row.is_closed() {
            row.since = Default::default();
        }
        lines.insert(row.key, format!("{row:?}"));
    }
    Ok(lines)
}
