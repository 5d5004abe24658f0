//! The ledger in memory: what the trait means, in the fewest words, and the faults that a simulator needs. Nothing
//! survives the process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::batch::{AdoptionKey, OpeningKey, ScanKey};
use super::{
    Adoption, Batch, BatchId, Entry, Ledger, LedgerError, Opening, Owned, Query, RecordedRows, Recovery, Rows, RunRow, ScanCount,
    Settled, StoredLeaf, Ticket,
};
use crate::audit::{Frontier, LeafPlace, LogHead, leaf_hash};
use crate::commit::Event;
use crate::correlate::Recorded;
use crate::model::{ChangeId, Denial, Digest, KeyHash, PlanId, RuleStep, RunId};

/// What the next batch meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The store has no room: refused, with nothing written.
    Refused,
    /// The flush fails, and the batch is not there afterwards.
    UnknownLost,
    /// The flush fails, and the batch is there afterwards.
    UnknownKept,
}

/// A ledger that lives as long as its value.
#[derive(Default)]
pub struct MemoryLedger {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tenants: BTreeMap<String, Tenant>,
    batches: u64,
    fault: Option<Fault>,
}

#[derive(Default)]
struct Tenant {
    epoch: u64,
    stopped: bool,
    batches: BTreeSet<BatchId>,
    runs: BTreeMap<RunId, RunRow>,
    events: Vec<(PlanId, ChangeId, Event)>,
    recorded: BTreeMap<KeyHash, Recorded>,
    openings: BTreeMap<OpeningKey, Opening>,
    adoptions: BTreeMap<AdoptionKey, Adoption>,
    denials: BTreeMap<(String, String, String), Denial>,
    rule_steps: Vec<RuleStep>,
    scan_counts: BTreeMap<ScanKey, ScanCount>,
    leaves: Vec<StoredLeaf>,
    frontier: Frontier,
}

impl MemoryLedger {
    /// An empty ledger.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the next batch of any tenant meet a fault.
    pub fn fail_next(&self, fault: Fault) {
        self.lock().fault = Some(fault);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn owned(&mut self, owned: &Owned) -> Result<&mut Tenant, LedgerError> {
        self.tenants.get_mut(&owned.tenant).filter(|t| t.epoch == owned.epoch).ok_or(LedgerError::Fenced)
    }

    fn settle(&mut self, owned: &Owned, id: BatchId, batch: Batch) -> Result<Settled, LedgerError> {
        let fault = self.fault;
        let Ok(tenant) = self.owned(owned) else { return Ok(Settled::Fenced) };
        if tenant.stopped {
            return Err(LedgerError::Stopped);
        }
        tenant.stopped = true;
        let problem = "no room is left".to_owned();
        let settled = match fault {
            Some(Fault::Refused) => Err(LedgerError::Unwritable { path: "memory".into(), problem }),
            Some(Fault::UnknownLost) => Ok(Settled::Unknown(id)),
            Some(Fault::UnknownKept) => tenant.apply(owned, id, batch).map(|_| Settled::Unknown(id)),
            None => tenant.apply(owned, id, batch).map(|head| {
                tenant.stopped = false;
                Settled::Committed(head)
            }),
        };
        self.fault = None;
        settled
    }
}

impl Tenant {
    fn apply(&mut self, owned: &Owned, id: BatchId, batch: Batch) -> Result<LogHead, LedgerError> {
        // Leaves first: nothing else can be refused.
        let mut frontier = self.frontier.clone();
        let mut leaves = Vec::with_capacity(batch.leaves.len());
        for leaf in batch.leaves {
            let place = LeafPlace { tenant: &owned.tenant, epoch: owned.epoch, index: frontier.size() };
            let bytes = leaf.encode(place)?;
            let hash = leaf_hash(&bytes);
            frontier.append(hash);
            leaves.push(StoredLeaf { index: place.index, hash, bytes, bodies: leaf.bodies });
        }
        self.leaves.extend(leaves);
        self.frontier = frontier;
        self.batches.insert(id);
        batch.entries.into_iter().for_each(|entry| self.enter(entry));
        Ok(self.frontier.head())
    }

    fn enter(&mut self, entry: Entry) {
        match entry {
            Entry::Run(row) => _ = self.runs.insert(row.run, row),
            Entry::Change { plan, change, event } => self.events.push((plan, change, event)),
            Entry::Head(row) => _ = self.recorded.insert(row.key, row),
            Entry::Opened(opening) => _ = self.openings.insert(opening.key(), opening),
            Entry::Adopted(adoption) => _ = self.adoptions.insert(adoption.key(), adoption),
            Entry::Denied(denial) => _ = self.denials.insert(denial.key(), denial),
            Entry::Redacted(index) => {
                let leaf = self.leaves.iter_mut().filter(|leaf| leaf.index == index);
                leaf.flat_map(|leaf| &mut leaf.bodies).for_each(|body| {
                    (body.state, body.salt) = (None, Digest([0; 32]).to_string());
                });
            }
            Entry::Pruned { from, to } => {
                for leaf in self.leaves.iter_mut().filter(|leaf| (from..to).contains(&leaf.index)) {
                    (leaf.bytes, leaf.bodies) = (Vec::new(), Vec::new());
                }
            }
            Entry::Rule(step) => self.rule_steps.push(step),
            Entry::Counted(count) => _ = self.scan_counts.insert(count.key(), count),
        }
    }

    fn rows(&self, query: &Query) -> Rows {
        match query {
            Query::Events(plan) => {
                let of_plan = self.events.iter().filter(|(p, ..)| p == plan);
                Rows::Events(of_plan.map(|(_, change, event)| (*change, event.clone())).collect())
            }
            Query::Openings => Rows::Openings(self.openings.values().cloned().collect()),
            Query::Adoptions => Rows::Adoptions(self.adoptions.values().cloned().collect()),
            Query::Denials => Rows::Denials(self.denials.values().cloned().collect()),
            Query::RuleSteps => Rows::RuleSteps(self.rule_steps.clone()),
            Query::ScanCounts => Rows::ScanCounts(self.scan_counts.values().cloned().collect()),
            Query::Runs(most) => Rows::Runs(self.runs.values().rev().take(*most as usize).cloned().collect()),
            Query::Leaves(from, most) => {
                let from = self.leaves.iter().skip_while(|leaf| leaf.index < *from);
                Rows::Leaves(from.take(*most as usize).cloned().collect())
            }
            Query::LeafHashes(from, most) => {
                let from = self.leaves.iter().skip_while(|leaf| leaf.index < *from);
                Rows::LeafHashes(from.take(*most as usize).map(|leaf| leaf.hash).collect())
            }
            Query::LogHead => Rows::LogHead(self.frontier.head()),
        }
    }
}

impl Ledger for MemoryLedger {
    fn acquire(&self, tenant: &str) -> Result<Owned, LedgerError> {
        let mut state = self.lock();
        let found = state.tenants.entry(tenant.to_owned()).or_default();
        found.epoch += 1;
        found.stopped = false;
        found.batches.clear();
        Ok(Owned { tenant: tenant.to_owned(), epoch: found.epoch })
    }

    fn recover(&self, owned: &Owned) -> Result<Recovery, LedgerError> {
        let mut state = self.lock();
        let tenant = state.owned(owned)?;
        tenant.stopped = false;
        let run = tenant.runs.values().rev().find(|row| !row.stage.is_over()).cloned();
        let last_run = tenant.runs.keys().next_back().map_or(0, |run| run.0);
        Ok(Recovery { run, head: tenant.frontier.head(), last_run })
    }

    fn submit(&self, owned: &Owned, batch: Batch) -> Result<Ticket, LedgerError> {
        let mut state = self.lock();
        state.batches += 1;
        let id = BatchId::new(owned.epoch, state.batches);
        Ok(Ticket::settled(id, state.settle(owned, id, batch)))
    }

    fn wait(&self, ticket: Ticket) -> Result<Settled, LedgerError> {
        ticket.wait()
    }

    fn resolve(&self, owned: &Owned, id: BatchId) -> Result<bool, LedgerError> {
        let mut state = self.lock();
        let tenant = state.owned(owned)?;
        tenant.stopped = false;
        Ok(tenant.batches.contains(&id))
    }

    fn read(&self, tenant: &str, query: &Query) -> Result<Rows, LedgerError> {
        let state = self.lock();
        Ok(state.tenants.get(tenant).unwrap_or(&Tenant::default()).rows(query))
    }

    fn recorded(&self, tenant: &str) -> Result<RecordedRows<'_>, LedgerError> {
        let state = self.lock();
        let rows: Vec<_> = state.tenants.get(tenant).map_or_else(Vec::new, |t| t.recorded.values().copied().collect());
        Ok(Box::new(rows.into_iter().map(Ok)))
    }

    fn compact(&self, owned: &Owned) -> Result<Digest, LedgerError> {
        self.lock().owned(owned)?;
        self.recorded_root(&owned.tenant)
    }
}
