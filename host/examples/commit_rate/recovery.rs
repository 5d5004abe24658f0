//! How soon a new writer has settled what its forerunner left in doubt, in a ledger that records a million cases.
//!
//! The ledger is built of recorded rows in batches, merged into a sorted base, and of one batch of intents per slice. Half
//! of the intents had been applied when the writer stopped; the target shows which.

use std::path::Path;
use std::sync::Arc;

use trueup::audit::Salts;
use trueup::commit::{Event, NoDesk, Status, SystemClock, next};
use trueup::correlate::Recorded;
use trueup::ledger::{Batch, Entry, Leaf, Ledger as _, Owned, Query, Rows, Settled, SqliteLedger};
use trueup::limits::SLICE_CHANGES;
use trueup::model::{CaseKey, Change, ChangeId, Holding, RunId, StateHash, Subject, Time};

use crate::Result;
use crate::figure::{Figure, Table, now};
use crate::job::{Job, PLAN, START, TENANT, all_confirmed, grants};
use crate::store::{Store, TARGET};

const RECORDED: u64 = 1_000_000;
const OPEN: u64 = 10_000;
const HEADS_PER_BATCH: u64 = 10_000;

pub fn measure(work: &Path, table: &mut Table) -> Result<()> {
    let folder = work.join("recovery");
    let plan = grants(OPEN);
    build(&folder, &plan)?;
    let target = Arc::new(Store::new());
    plan.iter().step_by(2).for_each(|change| _ = target.held().put(&change.key, change.after.clone()));

    let begun = now();
    let ledger = SqliteLedger::open(&folder)?;
    let owned = ledger.acquire(TENANT)?;
    ledger.recover(&owned)?;
    let opened = begun.elapsed();
    let Rows::Events(events) = ledger.read(TENANT, &Query::Events(PLAN))? else { return Err("other rows".into()) };
    let in_doubt = in_doubt(&plan, &events)?;
    let read = begun.elapsed();
    let doubts = in_doubt.len();
    let (slice, clock, desk) = (SLICE_CHANGES, &SystemClock, &NoDesk);
    let job = Job { ledger: &ledger, owned: &owned, target: &target, slice, clock, desk, events, in_doubt };
    let (outcomes, _) = job.run(plan)?;
    let all = begun.elapsed();
    all_confirmed(&outcomes, OPEN)?;

    let figure = Figure::new(&format!("recovery: {OPEN} open intents settled and confirmed"), all.as_secs_f64(), "s")
        .beside("the aim", 5.0)
        .with("recorded rows", RECORDED)
        .with("in doubt", doubts)
        .with("settled by reading", outcomes.recovered)
        .with("sent again", outcomes.writes)
        .with("ledger opened after", format!("{:.2} s", opened.as_secs_f64()))
        .with("events read after", format!("{:.2} s", read.as_secs_f64()));
    table.add(figure)
}

/// Those of the plan whose effect is not known.
fn in_doubt(plan: &[Change], events: &[(ChangeId, Event)]) -> Result<Vec<(u64, Change)>> {
    let mut statuses = std::collections::HashMap::<ChangeId, Status>::new();
    for (id, event) in events {
        let status = statuses.entry(*id).or_default();
        *status = next(status, event)?;
    }
    let unknown = |change: &Change| statuses.get(&change.id).is_some_and(Status::effect_unknown);
    Ok((0..).zip(plan).filter(|(_, change)| unknown(change)).map(|(index, change)| (index, change.clone())).collect())
}

fn build(folder: &Path, plan: &[Change]) -> Result<()> {
    let ledger = SqliteLedger::open(folder)?;
    let owned = ledger.acquire(TENANT)?;
    let state = StateHash::of(Some(&Holding::default()));
    for from in (0..RECORDED).step_by(usize::try_from(HEADS_PER_BATCH)?) {
        let key = |n: u64| CaseKey::hash(Subject::Grant, TARGET, &format!("recorded-{n}"), "repository:core");
        let heads = (from..from + HEADS_PER_BATCH).map(|n| Entry::Head(Recorded::new(key(n), state, 1)));
        submit(&ledger, &owned, Batch { entries: heads.collect(), leaves: Vec::new() })?;
    }
    ledger.compact(&owned)?;
    let mut salts = Salts::from_seed([5; 32]);
    for slice in plan.chunks(SLICE_CHANGES as usize) {
        let mut batch = Batch::default();
        for change in slice {
            let event = Event::Intent { epoch: owned.epoch(), attempt: 1, at: Time::from_seconds(START) };
            batch.leaves.push(Leaf::event(RunId(1), PLAN, change, &event, false, None, &mut || salts.salt())?);
            batch.entries.push(Entry::Change { plan: PLAN, change: change.id, event });
        }
        submit(&ledger, &owned, batch)?;
    }
    Ok(())
}

fn submit(ledger: &SqliteLedger, owned: &Owned, batch: Batch) -> Result<()> {
    match ledger.wait(ledger.submit(owned, batch)?)? {
        Settled::Committed(_) => Ok(()),
        other => Err(format!("not committed: {other:?}").into()),
    }
}
