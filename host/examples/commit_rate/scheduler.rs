//! What a change costs without any I/O: the core and the making of leaves, with and without the ledger in memory.

use std::path::Path;
use std::sync::Arc;

use trueup::audit::LogHead;
use trueup::commit::{NoDesk, SystemClock};
use trueup::ledger::{
    Batch, BatchId, Ledger, LedgerError, MemoryLedger, Owned, Query, RecordedRows, Recovery, Rows, Settled, Ticket,
};
use trueup::limits::SLICE_CHANGES;
use trueup::model::Digest;

use crate::Result;
use crate::figure::{Figure, Table};
use crate::job::{Job, TENANT, all_confirmed, grants};
use crate::store::Store;

const PLANS: [u64; 2] = [10_000, 100_000];
const ROUNDS: usize = 3;

/// A ledger that forgets: what is left of the time is the core's.
struct Nowhere(MemoryLedger);

impl Ledger for Nowhere {
    fn acquire(&self, tenant: &str) -> Result<Owned, LedgerError> {
        self.0.acquire(tenant)
    }

    fn recover(&self, owned: &Owned) -> Result<Recovery, LedgerError> {
        self.0.recover(owned)
    }

    fn submit(&self, _: &Owned, _: Batch) -> Result<Ticket, LedgerError> {
        Ok(Ticket::settled(BatchId(1), Ok(Settled::Committed(LogHead::default()))))
    }

    fn wait(&self, ticket: Ticket) -> Result<Settled, LedgerError> {
        self.0.wait(ticket)
    }

    fn resolve(&self, owned: &Owned, id: BatchId) -> Result<bool, LedgerError> {
        self.0.resolve(owned, id)
    }

    fn read(&self, tenant: &str, query: &Query) -> Result<Rows, LedgerError> {
        self.0.read(tenant, query)
    }

    fn recorded(&self, tenant: &str) -> Result<RecordedRows<'_>, LedgerError> {
        self.0.recorded(tenant)
    }

    fn compact(&self, owned: &Owned) -> Result<Digest, LedgerError> {
        self.0.compact(owned)
    }
}

/// Makes a ledger.
type Make<'a> = &'a dyn Fn() -> Box<dyn Ledger>;

pub fn measure(_: &Path, table: &mut Table) -> Result<()> {
    let memory = || Box::new(MemoryLedger::new()) as Box<dyn Ledger>;
    let nowhere = || Box::new(Nowhere(MemoryLedger::new())) as Box<dyn Ledger>;
    let kinds: [(&str, Make<'_>); 2] = [("with the ledger in memory", &memory), ("with a ledger that forgets", &nowhere)];
    for (name, ledger) in kinds {
        let mut small = None;
        for changes in PLANS {
            let mut best = f64::MAX;
            for _ in 0..ROUNDS {
                best = best.min(once(&*ledger(), changes)?);
            }
            let mut figure = Figure::new(&format!("a change {name}, of {changes}"), best, "ns")
                .with("changes per slice", SLICE_CHANGES)
                .with("rounds", format!("best of {ROUNDS}"));
            if let Some(small) = small {
                figure = figure.beside("the smaller plan", small);
            }
            small = Some(best);
            table.add(figure)?;
        }
    }
    Ok(())
}

fn once(ledger: &dyn Ledger, changes: u64) -> Result<f64> {
    let owned = ledger.acquire(TENANT)?;
    let target = Arc::new(Store::new());
    let (slice, clock, desk) = (SLICE_CHANGES, &SystemClock, &NoDesk);
    let (events, in_doubt) = (Vec::new(), Vec::new());
    let job = Job { ledger, owned: &owned, target: &target, slice, clock, desk, events, in_doubt };
    let (outcomes, spent) = job.run(grants(changes))?;
    all_confirmed(&outcomes, changes)?;
    Ok(spent.as_nanos() as f64 / changes as f64)
}
