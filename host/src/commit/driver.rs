//! Commits one sealed plan, change after change, slice after slice: the plain form, one ordered writer. Owns the order of
//! effects. A slice's intents are durable before any of it is sent, in the same batch as what became of the slice before.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::gates::{Barrier, Before, Openings};
use super::journal::Journal;
use super::slice::Slices;
use super::{Clock, End, Event, IllegalEvent, Open, Outcomes, Status, next};
use crate::audit::Salts;
use crate::ledger::{Batch, Ledger, LedgerError, Opening, Owned, RunRow, Stage};
use crate::limits::{BACK_OFF_CHANGES, CLOCK_BACK_SECONDS, THROTTLE_SECONDS};
use crate::model::{Change, ChangeId, Gate, GateKind, KeyHash, PlanId, Time};
use crate::progress::{Observer, Progress};
use crate::target::Target;

/// Everything that committing a plan needs, besides its changes.
pub struct Commit<'a> {
    /// The plan.
    pub plan: PlanId,
    /// How many changes it has, for progress.
    pub changes: u64,
    /// The run: checkpoints carry it, with the next slice.
    pub run: RunRow,
    /// Changes per slice.
    pub slice: u32,
    /// Targets by name. Changes of others stay open.
    pub targets: &'a BTreeMap<String, Arc<dyn Target>>,
    /// Where events become durable.
    pub ledger: &'a dyn Ledger,
    /// The right to write there; its epoch fences the targets.
    pub owned: &'a Owned,
    /// Gates that somebody opened.
    pub openings: &'a [Opening],
    /// Events of this plan that are durable already, in the order of being recorded.
    pub events: Vec<(ChangeId, Event)>,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Is told of each step.
    pub observer: &'a dyn Observer,
    /// Salts for the commitments of the audit log.
    pub salts: &'a mut Salts,
}

/// Why committing stopped. Whatever is durable stays so: the same plan can be committed again and goes on from there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// The plan cannot be read any further.
    #[error("cannot read the plan")]
    Plan(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The plan's changes are not in the order of waves and steps.
    #[error("the plan is out of order at change `{change}`")]
    Order {
        /// The change.
        change: ChangeId,
    },
    /// A change names no case of recorded state.
    #[error("change `{change}` has no valid recorded key: `{found}`")]
    RecordedKey {
        /// The change.
        change: ChangeId,
        /// What it has instead.
        found: String,
    },
    /// The stored events of a change contradict each other.
    #[error("the ledger contradicts itself about change `{change}`")]
    Contradiction {
        /// The change.
        change: ChangeId,
        /// How.
        source: IllegalEvent,
    },
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The ledger lost a slice's batch before anything of that slice was sent.
    #[error("the ledger did not take the last slice, of which nothing was sent; start again to go on")]
    NotDurable,
    /// Another writer took over.
    #[error("another writer took over; this one has stopped")]
    Fenced,
}

/// One change on its way.
pub(super) struct Item {
    pub(super) change: Change,
    pub(super) key: KeyHash,
    pub(super) status: Status,
    pub(super) open: Option<Open>,
    pub(super) words: String,
    /// The last instant at which an attempt of unknown effect may have been sent.
    pub(super) in_doubt_since: Time,
}

/// Why a change may not be sent now.
pub(super) enum Hold {
    /// It waits.
    Open(Open),
    /// It never will be.
    End(End),
}

/// The writer.
pub(super) struct Driver<'a> {
    pub(super) journal: Journal<'a>,
    pub(super) clock: &'a dyn Clock,
    pub(super) outcomes: Outcomes,
    targets: &'a BTreeMap<String, Arc<dyn Target>>,
    pub(super) observer: &'a dyn Observer,
    openings: Openings,
    barrier: Barrier,
    statuses: BTreeMap<ChangeId, Status>,
    /// Changes in a row that each target did not take.
    failures: BTreeMap<String, u32>,
    /// The latest instant seen, on the clock or in the ledger.
    latest: Time,
    pub(super) done: u64,
    pub(super) changes: u64,
}

impl Commit<'_> {
    /// Commits the plan's changes, which come in plan order.
    ///
    /// Waits for the ledger's flushes in place: run it on a thread that may block.
    ///
    /// # Errors
    /// See [`CommitError`]. A target that fails is no error: its changes stay open.
    pub async fn run<E>(self, changes: impl Iterator<Item = Result<Change, E>> + Send) -> Result<Outcomes, CommitError>
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        let latest = self.events.iter().map(|(_, event)| event.at()).max().unwrap_or_default();
        let run = RunRow { stage: Stage::Committing, plan: Some(self.plan), ..self.run };
        let Commit { plan, ledger, owned, salts, .. } = self;
        let mut driver = Driver {
            journal: Journal { ledger, owned, plan, run, salts, pending: Batch::default() },
            clock: self.clock,
            outcomes: Outcomes::default(),
            targets: self.targets,
            observer: self.observer,
            openings: Openings::new(self.openings),
            barrier: Barrier::default(),
            statuses: replay(self.events)?,
            failures: BTreeMap::new(),
            latest,
            done: 0,
            changes: self.changes,
        };
        let mut slices = Slices::new(changes, self.slice);
        for number in 1.. {
            match slices.next() {
                Ok(Some(slice)) => driver.slice(slice, number).await?,
                Ok(None) => break,
                Err(error) => {
                    // What is already known must not be lost to a plan that cannot be read.
                    driver.journal.flush()?;
                    return Err(error);
                }
            }
        }
        driver.journal.flush()?;
        driver.outcomes.backed_off =
            driver.failures.iter().filter(|(_, n)| **n >= BACK_OFF_CHANGES).map(|(name, _)| name.clone()).collect();
        Ok(driver.outcomes)
    }
}

/// Where each change stands, by its events alone.
fn replay(events: Vec<(ChangeId, Event)>) -> Result<BTreeMap<ChangeId, Status>, CommitError> {
    let mut statuses: BTreeMap<ChangeId, Status> = BTreeMap::new();
    for (change, event) in events {
        let status = statuses.entry(change).or_default();
        *status = next(status, &event).map_err(|source| CommitError::Contradiction { change, source })?;
    }
    Ok(statuses)
}

impl Driver<'_> {
    async fn slice(&mut self, slice: Vec<Change>, number: u64) -> Result<(), CommitError> {
        let mut items = slice.into_iter().map(|change| self.load(change)).collect::<Result<Vec<_>, _>>()?;
        for item in &mut items {
            self.recover(item).await?;
        }
        for item in &mut items {
            self.admit(item).await?;
        }
        self.journal.flush()?;
        let (before, of) = (self.done, self.changes);
        self.observer.on(&Progress::Intent { done: before + items.len() as u64, of });
        for (done, item) in (before + 1..).zip(&mut items) {
            if matches!(item.status, Status::Intent { .. }) {
                self.dispatch(item).await?;
                self.observer.on(&Progress::Sent { done, of });
            }
        }
        self.verify(&mut items).await?;
        self.done += items.len() as u64;
        let at = self.now();
        self.journal.checkpoint(number, at);
        items.into_iter().for_each(|item| self.leave(item));
        Ok(())
    }

    fn load(&mut self, change: Change) -> Result<Item, CommitError> {
        let Some(key) = key_hash(&change.recorded_as) else {
            return Err(CommitError::RecordedKey { change: change.id, found: change.recorded_as });
        };
        let status = self.statuses.remove(&change.id).unwrap_or_default();
        Ok(Item { change, key, status, open: None, words: String::new(), in_doubt_since: Time::NONE })
    }

    /// Records the intent of a change that may be sent.
    async fn admit(&mut self, item: &mut Item) -> Result<(), CommitError> {
        let until = match item.status {
            Status::Ready { .. } | Status::Ambiguous { .. } => Time::NONE,
            Status::Waiting { until, .. } => until,
            _ => return Ok(()),
        };
        let hold = match self.permit(&item.change) {
            Ok(_) if !self.wait_until(until).await => {
                Some(Hold::Open(Open::BackedOff { target: item.change.key.target.clone() }))
            }
            permit => permit.err(),
        };
        match hold {
            None => self.intend(item),
            Some(hold) => self.withhold(item, hold).await,
        }
    }

    pub(super) fn intend(&mut self, item: &mut Item) -> Result<(), CommitError> {
        let (epoch, attempt, at) = (self.fence(), item.status.next_attempt(), self.now());
        self.journal.record(item, Event::Intent { epoch, attempt, at }, None)
    }

    /// The instant of an attempt, if the change may be sent now. Asked before every attempt.
    pub(super) fn permit(&mut self, change: &Change) -> Result<Time, Hold> {
        let held = |kind| Hold::Open(Open::Gate { gate: Gate { kind, scope: String::new() } });
        let now = self.now();
        if self.clock.now().plus(CLOCK_BACK_SECONDS) < now {
            return Err(held(GateKind::Clock));
        }
        let target = self.targets.get(&change.key.target);
        let landing = target.map_or(0, |target| i64::from(target.profile().landing_bound));
        let ends = change.after.as_ref().map_or(Time::NONE, |after| after.expires_at);
        if change.kind.adds() && ends.is_some() && now.plus(landing) >= ends {
            return Err(Hold::End(End::Expired));
        }
        match self.barrier.before(change) {
            Some(Before::Ended(change)) => return Err(Hold::End(End::BlockedBy { change })),
            Some(Before::Open(change)) => return Err(Hold::Open(Open::Behind { change })),
            None => {}
        }
        if let Some(gate) = self.openings.closed(change) {
            return Err(Hold::Open(Open::Gate { gate: gate.clone() }));
        }
        if change.not_before > now {
            return Err(Hold::Open(Open::NotBefore { at: change.not_before }));
        }
        let name = &change.key.target;
        if target.is_none() || self.failures.get(name).is_some_and(|n| *n >= BACK_OFF_CHANGES) {
            return Err(Hold::Open(Open::BackedOff { target: name.clone() }));
        }
        Ok(now)
    }

    /// Takes leave of a change: counts it, and keeps what later changes must know of it.
    fn leave(&mut self, item: Item) {
        if !matches!(item.status, Status::Confirmed { .. }) {
            self.barrier.leave(&item.change, item.status.is_final());
        }
        self.outcomes.count(&item.change, &item.status, item.open, item.words);
    }

    /// Nothing else may touch this change's namespaces.
    pub(super) fn unsettled(&mut self, change: &Change) {
        self.barrier.unsettled(change);
    }

    pub(super) fn target(&self, change: &Change) -> Option<Arc<dyn Target>> {
        self.targets.get(&change.key.target).cloned()
    }

    pub(super) fn fence(&self) -> u64 {
        self.journal.owned.epoch()
    }

    /// The target took a change, or refused it for good: it answers.
    pub(super) fn answered(&mut self, change: &Change) {
        self.failures.remove(&change.key.target);
    }

    /// The target did not take a change.
    pub(super) fn failed(&mut self, change: &Change) {
        let failures = self.failures.entry(change.key.target.clone()).or_default();
        *failures = failures.saturating_add(1);
    }

    /// The present instant; never earlier than one seen before, so that the log's instants do not go back.
    pub(super) fn now(&mut self) -> Time {
        self.latest = self.latest.max(self.clock.now());
        self.latest
    }

    /// Waits until an instant, unless that is longer than a run waits.
    pub(super) async fn wait_until(&mut self, until: Time) -> bool {
        let seconds = seconds_until(until, self.now());
        if seconds > THROTTLE_SECONDS {
            return false;
        }
        self.pause(seconds).await;
        true
    }

    pub(super) async fn pause(&self, seconds: u32) {
        if seconds > 0 {
            self.clock.sleep(seconds).await;
        }
    }
}

/// Seconds from one instant to a later one; zero when it is past.
pub(super) fn seconds_until(until: Time, now: Time) -> u32 {
    let seconds = until.seconds().saturating_sub(now.seconds()).max(0);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

fn key_hash(text: &str) -> Option<KeyHash> {
    let mut key = [0; 16];
    if text.len() != 32 || !text.is_ascii() {
        return None;
    }
    for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(KeyHash(key))
}
