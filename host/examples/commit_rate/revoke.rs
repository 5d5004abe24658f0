//! How long an emergency revoke takes while a bulk run is in full flight: from the call until the last removal is
//! confirmed and that is durable. Calls come at random instants, each for somebody with grants queued and one under way.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use trueup::async_trait;
use trueup::commit::{Clock as _, CommitError, Desk, SystemClock, plain_key};
use trueup::correlate::Recorded;
use trueup::ledger::{
    Batch, BatchId, Entry, Ledger, LedgerError, Owned, Query, RecordedRows, Recovery, Rows, Settled, SqliteLedger, Ticket,
};
use trueup::limits::SLICE_CHANGES;
use trueup::model::{CaseKey, Change, Denial, Digest, Lane, StateHash, Time};

use crate::Result;
use crate::figure::{Figure, Table, now, percentile};
use crate::job::{Job, TENANT, grant};
use crate::store::{Store, TARGET};

const CHANGES: usize = 20_000;
const GRANTS_PER_HOLDER: usize = 10;
const CALL: Duration = Duration::from_millis(1);
const CALLS: usize = 200;
/// The longest pause between two calls, in microseconds.
const PAUSE_MICROS: u64 = 25_000;

/// Where the calls come in.
#[derive(Default)]
struct Phone {
    calls: Mutex<Vec<Denial>>,
    rings: Notify,
}

#[async_trait]
impl Desk for Phone {
    fn take(&self) -> Vec<Denial> {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn arrived(&self) {
        self.rings.notified().await;
    }

    fn is_managed(&self, _: &CaseKey) -> bool {
        true
    }

    fn recorded(&self, key: &CaseKey) -> Result<Recorded, CommitError> {
        Ok(Recorded::new(plain_key(key), StateHash::ABSENT, 1))
    }
}

/// A ledger that notes when it is durable that a denial is settled.
struct Watched {
    ledger: SqliteLedger,
    submitted: Mutex<HashMap<BatchId, Vec<String>>>,
    settled: Mutex<BTreeMap<String, Instant>>,
}

impl Ledger for Watched {
    fn acquire(&self, tenant: &str) -> Result<Owned, LedgerError> {
        self.ledger.acquire(tenant)
    }

    fn recover(&self, owned: &Owned) -> Result<Recovery, LedgerError> {
        self.ledger.recover(owned)
    }

    fn submit(&self, owned: &Owned, batch: Batch) -> Result<Ticket, LedgerError> {
        let settled = batch.entries.iter().filter_map(|entry| match entry {
            Entry::Denied(denial) if denial.settled_at.is_some() => Some(denial.holder.clone()),
            _ => None,
        });
        let settled: Vec<_> = settled.collect();
        let ticket = self.ledger.submit(owned, batch)?;
        if !settled.is_empty() {
            self.submitted.lock().unwrap_or_else(PoisonError::into_inner).insert(ticket.id(), settled);
        }
        Ok(ticket)
    }

    fn wait(&self, ticket: Ticket) -> Result<Settled, LedgerError> {
        let id = ticket.id();
        let answer = self.ledger.wait(ticket)?;
        let holders = self.submitted.lock().unwrap_or_else(PoisonError::into_inner).remove(&id).unwrap_or_default();
        let mut settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        settled.extend(holders.into_iter().map(|holder| (holder, now())));
        Ok(answer)
    }

    fn resolve(&self, owned: &Owned, id: BatchId) -> Result<bool, LedgerError> {
        self.ledger.resolve(owned, id)
    }

    fn read(&self, tenant: &str, query: &Query) -> Result<Rows, LedgerError> {
        self.ledger.read(tenant, query)
    }

    fn recorded(&self, tenant: &str) -> Result<RecordedRows<'_>, LedgerError> {
        self.ledger.recorded(tenant)
    }

    fn compact(&self, owned: &Owned) -> Result<Digest, LedgerError> {
        self.ledger.compact(owned)
    }
}

pub fn measure(work: &Path, table: &mut Table) -> Result<()> {
    let ledger =
        Watched { ledger: SqliteLedger::open(&work.join("revoke"))?, submitted: Mutex::default(), settled: Mutex::default() };
    let owned = ledger.acquire(TENANT)?;
    let (target, phone, over) = (Arc::new(Store::slow(CALL)), Phone::default(), AtomicBool::new(false));
    let (slice, clock, desk) = (SLICE_CHANGES, &SystemClock, &phone);
    let (events, in_doubt) = (Vec::new(), Vec::new());
    let job = Job { ledger: &ledger, owned: &owned, target: &target, slice, clock, desk, events, in_doubt };
    let (ran, called) = std::thread::scope(|scope| {
        let caller = scope.spawn(|| call(&target, &phone, &over));
        let ran = job.run(plan());
        over.store(true, Ordering::Relaxed);
        (ran, caller.join())
    });
    let ((outcomes, spent), Ok(called)) = (ran?, called) else { return Err("the caller failed".into()) };
    if outcomes.unsettled_denials > 0 || outcomes.open() > 0 {
        return Err(format!("{} denials are not settled; open: {:?}", outcomes.unsettled_denials, outcomes.open).into());
    }
    let held = target.held();
    if let Some((holder, _)) = called.iter().find(|(holder, _)| !held.of(holder).is_empty()) {
        return Err(format!("`{holder}` still holds something").into());
    }
    let settled = ledger.settled.lock().unwrap_or_else(PoisonError::into_inner);
    let since = |ends: &dyn Fn(&str) -> Option<Instant>| -> Vec<f64> {
        called.iter().filter_map(|(holder, at)| Some((ends(holder)? - *at).as_secs_f64() * 1e3)).collect()
    };
    let confirmed = since(&|holder| settled.get(holder).copied());
    let removed = since(&|holder| held.removed.get(holder).copied());
    for (what, mut times) in [("last removal confirmed and durable", confirmed), ("last removal applied", removed)] {
        let calls = times.len();
        for (name, share) in [("p50", 0.5), ("p99", 0.99), ("max", 1.0)] {
            let figure = Figure::new(&format!("emergency revoke, {what}: {name}"), percentile(&mut times, share), "ms")
                .with("bulk changes", CHANGES)
                .with("calls", calls)
                .with("calls while it ran", called.len())
                .with("a call to the target", format!("{} ms", CALL.as_millis()))
                .with("run", format!("{:.1} s", spent.as_secs_f64()))
                .with("confirmed", outcomes.confirmed())
                .with("ended", format!("{:?}", outcomes.ended))
                .with("removed", outcomes.revoked);
            table.add(figure)?;
        }
    }
    Ok(())
}

/// Grants of the bulk lane, holder by holder.
fn plan() -> Vec<Change> {
    let one = |n: usize| {
        let holder = format!("user-{:04}", n / GRANTS_PER_HOLDER);
        grant(holder, format!("repository:r{}", n % 1_000), Lane::Bulk)
    };
    (0..CHANGES).map(one).collect()
}

/// Calls at random instants; whom, and when.
fn call(target: &Store, phone: &Phone, over: &AtomicBool) -> Vec<(String, Instant)> {
    let (mut calls, mut denied, mut random) = (Vec::new(), BTreeSet::new(), 0x9e37_79b9_7f4a_7c15_u64);
    while calls.len() < CALLS && !over.load(Ordering::Relaxed) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        std::thread::sleep(Duration::from_micros(random % PAUSE_MICROS));
        let holder = {
            let held = target.held();
            // One grant is under way, and at least one more is queued.
            let fits = |holder: &&String| held.of(holder).len() + 1 < GRANTS_PER_HOLDER && !denied.contains(*holder);
            let fitting: Vec<&String> = held.flying.keys().filter(fits).collect();
            let at = usize::try_from(random >> 32).unwrap_or(0) % fitting.len().max(1);
            fitting.get(at).map(|holder| (*holder).clone())
        };
        let Some(holder) = holder else { continue };
        let (by, why) = ("operator".to_owned(), "compromised".to_owned());
        let denial = Denial {
            target: TARGET.to_owned(),
            holder: holder.clone(),
            object: String::new(),
            by,
            why,
            at: SystemClock.now(),
            settled_at: Time::NONE,
            lifted_at: Time::NONE,
        };
        calls.push((holder.clone(), now()));
        phone.calls.lock().unwrap_or_else(PoisonError::into_inner).push(denial);
        phone.rings.notify_one();
        denied.insert(holder);
    }
    calls
}
