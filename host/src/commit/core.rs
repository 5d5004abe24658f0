//! The commit core, without I/O: changes come in plan order, calls to targets and batches for the ledger come out, and
//! answers go back in. Deterministic: the same inputs in the same order give the same calls and the same events. Owns what
//! is in hand; what one change does next is decided in `advance` and `answer`, who may go first in `admit`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::barrier::{Barrier, Openings, Place};
use super::breaker::Breakers;
use super::denials::Denials;
use super::flight::{Flight, Flow, Queue};
use super::item::{Item, Moment, Slot};
use super::journal::Journal;
use super::lines::Lines;
use super::slices::Slices;
use super::window::Windows;
use super::{Call, CommitError, End, Event, Outcome, Outcomes, Status, next};
use crate::audit::Salts;
use crate::ledger::{Batch, Opening, RunRow};
use crate::limits::{CLOCK_BACK_SECONDS, CLOCK_JUMP_SECONDS, HAND_CHANGES, SLICES_AHEAD};
use crate::model::{Change, ChangeId, Denial, KeyHash, Lane, PlanId, State, Time};
use crate::planted::{Bug, has};
use crate::progress::Progress;
use crate::target::Profile;

/// What a commit goes by.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The plan.
    pub plan: PlanId,
    /// How many changes it has, for progress.
    pub changes: u64,
    /// The run: checkpoints carry it, with the next slice.
    pub run: RunRow,
    /// Changes per slice.
    pub slice: u32,
    /// The writer's epoch.
    pub epoch: u64,
    /// How much goes side by side.
    pub flow: Flow,
    /// What each target can do. Changes of others stay open.
    pub profiles: BTreeMap<String, Profile>,
    /// Gates that somebody opened.
    pub openings: Vec<Opening>,
    /// Denials, lifted ones too.
    pub denials: Vec<Denial>,
    /// Durable events of the plan's changes, in the order of being recorded.
    pub events: Vec<(ChangeId, Event)>,
}

/// The machine.
pub struct Core<'a> {
    pub(super) journal: Journal<'a>,
    pub(super) profiles: BTreeMap<String, Profile>,
    pub(super) epoch: u64,
    pub(super) slice: usize,
    pub(super) changes: u64,
    plan: PlanId,
    pub(super) openings: Openings,
    pub(super) denials: Denials,
    pub(super) barrier: Barrier,
    pub(super) statuses: BTreeMap<ChangeId, Status>,
    pub(super) items: BTreeMap<Slot, Item>,
    pub(super) lines: Lines,
    pub(super) cases: BTreeMap<KeyHash, BTreeSet<Slot>>,
    pub(super) places: BTreeMap<u64, BTreeMap<Place, BTreeSet<Slot>>>,
    pub(super) ids: BTreeMap<ChangeId, Slot>,
    pub(super) dependents: BTreeMap<ChangeId, Vec<Slot>>,
    /// Changes to look at again, now or at a tick.
    poked: BTreeSet<Slot>,
    timers: BTreeSet<(i64, Slot)>,
    /// Changes that wait for a place in flight; for one among the intents; and those of them that could be sent at once.
    pub(super) capped: Queue,
    pub(super) unrecorded: BTreeSet<Slot>,
    pub(super) urgent: Queue,
    pub(super) flight: Flight,
    pub(super) windows: Windows,
    pub(super) breakers: Breakers,
    pub(super) outcomes: Outcomes,
    slices: Slices,
    /// Until when no whole list is written to a target: see [`Core::waits_for_the_dead`].
    pub(super) quiet: BTreeMap<String, i64>,
    /// Intents that were recorded and not sent.
    pub(super) ahead: usize,
    outstanding: Option<u64>,
    pub(super) durable: u64,
    intended: BTreeSet<Slot>,
    calls: Vec<Call>,
    pub(super) told: Vec<Progress>,
    pub(super) done: u64,
    /// When it began, and the present; `skewed`: the clocks disagree about how long ago that was.
    began: Moment,
    pub(super) at: Moment,
    pub(super) skewed: bool,
}

impl<'a> Core<'a> {
    /// A core that goes on from what is durable.
    ///
    /// # Errors
    /// When durable events contradict each other.
    pub fn new(terms: Terms, salts: &'a mut Salts, at: Moment) -> Result<Self, CommitError> {
        let latest = terms.events.iter().map(|(_, event)| event.at()).max().unwrap_or_default();
        let run = RunRow { stage: crate::ledger::Stage::Committing, plan: Some(terms.plan), ..terms.run };
        let slice = usize::try_from(terms.slice).unwrap_or(usize::MAX).max(1);
        let mut core = Core {
            journal: Journal::new(terms.plan, run, salts),
            flight: Flight::new(terms.flow, &terms.profiles),
            profiles: terms.profiles,
            epoch: terms.epoch,
            slice,
            changes: terms.changes,
            plan: terms.plan,
            openings: Openings::new(&terms.openings),
            denials: Denials::new(terms.denials),
            barrier: Barrier::default(),
            statuses: replay(terms.events)?,
            items: BTreeMap::new(),
            lines: Lines::default(),
            cases: BTreeMap::new(),
            places: BTreeMap::new(),
            ids: BTreeMap::new(),
            dependents: BTreeMap::new(),
            poked: BTreeSet::new(),
            timers: BTreeSet::new(),
            capped: Queue::default(),
            unrecorded: BTreeSet::new(),
            urgent: Queue::default(),
            windows: Windows::default(),
            breakers: Breakers::default(),
            outcomes: Outcomes::default(),
            slices: Slices::new(slice as u64),
            quiet: BTreeMap::new(),
            ahead: 0,
            outstanding: None,
            durable: 0,
            intended: BTreeSet::new(),
            calls: Vec::new(),
            told: Vec::new(),
            done: 0,
            began: Moment { now: latest.max(at.now), tick: at.tick },
            at,
            skewed: false,
        };
        core.set(at);
        core.be_quiet();
        Ok(core)
    }

    /// How many more changes may be offered.
    #[must_use]
    pub fn room(&self) -> usize {
        HAND_CHANGES.saturating_sub(self.items.len())
    }

    /// Whether a change is under way, by what is durable: such changes are offered before all others, so that nothing is sent
    /// where they may still land, or are not seen yet.
    #[must_use]
    pub fn in_doubt(&self, change: ChangeId) -> bool {
        !has(Bug::DoubtsLast) && self.statuses.get(&change).is_some_and(Status::is_under_way)
    }

    /// Takes a change in hand; `index` is its place in the plan, from zero. Changes in doubt come first, the others in plan
    /// order; one that was taken already is passed over.
    ///
    /// # Errors
    /// When the change names no case of recorded state, or claims the emergency lane.
    pub fn offer(&mut self, index: u64, change: Change) -> Result<(), CommitError> {
        let slot = Slot(i64::try_from(index).unwrap_or(i64::MAX));
        if self.ids.contains_key(&change.id) || self.slices.has(index) {
            return Ok(());
        }
        if change.lane == Lane::Emergency {
            return Err(CommitError::Lane { change: change.id });
        }
        self.slices.take(index);
        self.take(slot, self.plan, change)
    }

    /// There are no more changes: so many there were.
    pub fn end_of_plan(&mut self, changes: u64) {
        self.slices.end(changes);
        self.checkpoint();
    }

    /// Lets time pass: every change that can go on does.
    ///
    /// # Errors
    /// When an event would contradict what is durable: a mistake of the core's.
    pub fn step(&mut self, at: Moment) -> Result<Vec<Call>, CommitError> {
        self.set(at);
        while let Some((tick, slot)) = self.timers.first().copied() {
            if tick > self.at.tick {
                break;
            }
            self.timers.remove(&(tick, slot));
            self.poke(slot);
        }
        self.run_poked()?;
        Ok(std::mem::take(&mut self.calls))
    }

    fn run_poked(&mut self) -> Result<(), CommitError> {
        loop {
            while let Some(slot) = self.poked.pop_first() {
                self.advance(slot)?;
            }
            // The longest-waiting of the most urgent lane goes first into what became free.
            if !self.admit_waiting() {
                return Ok(());
            }
        }
    }

    /// Pokes those who wait for what may be free by now; says whether there is anybody.
    fn admit_waiting(&mut self) -> bool {
        self.poked.extend(self.flight.admit(&mut self.capped, usize::MAX));
        // No more than there are places: whoever finds none would only queue again.
        let of_batch = self.slice.saturating_sub(self.journal.intents());
        let of_all = self.slice.saturating_mul(SLICES_AHEAD).saturating_sub(self.ahead);
        self.poked.extend(self.flight.admit(&mut self.urgent, of_batch));
        for _ in 0..of_batch.min(of_all).min(self.unrecorded.len()) {
            self.poked.extend(self.unrecorded.pop_first());
        }
        !self.poked.is_empty()
    }

    /// Whether one more intent fits into the pending batch.
    pub(super) fn may_record(&self) -> bool {
        !self.has_slice() && self.ahead < self.slice.saturating_mul(SLICES_AHEAD)
    }

    /// Whether the intents of a whole slice wait to become durable.
    #[must_use]
    pub fn has_slice(&self) -> bool {
        self.journal.intents() >= self.slice
    }

    /// What is to become durable next, if nothing is on its way: submit it, then say what became of it.
    pub fn batch(&mut self) -> Option<Batch> {
        if self.outstanding.is_some() {
            return None;
        }
        let number = self.journal.number();
        let batch = self.journal.take()?;
        self.outstanding = Some(number);
        if has(Bug::DurableWhenSubmitted) {
            self.durable = number;
            self.poked.extend(self.intended.iter().copied());
        }
        Some(batch)
    }

    /// The batch on its way is durable.
    pub fn durable(&mut self) {
        let Some(number) = self.outstanding.take() else { return };
        self.durable = number;
        let ready: Vec<Slot> =
            self.intended.iter().filter(|slot| self.items.get(slot).is_none_or(|item| item.batch <= number)).copied().collect();
        if !ready.is_empty() {
            self.told.push(Progress::Intent { done: self.done + ready.len() as u64, of: self.changes });
        }
        for slot in ready {
            self.intended.remove(&slot);
            self.poke(slot);
        }
    }

    /// The tick at which something is to be done, if nothing comes in before.
    #[must_use]
    pub fn wakes_at(&self) -> Option<i64> {
        self.timers.first().map(|(tick, _)| *tick)
    }

    /// Whether all changes were taken leave of, and all of that is durable.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.items.is_empty() && self.journal.is_empty() && self.outstanding.is_none() && self.slices.is_ended()
    }

    /// The first change that is still in hand.
    #[must_use]
    pub fn first_in_hand(&self) -> Option<&Change> {
        self.items.values().next().map(|item| &*item.change)
    }

    /// What there is to tell since the last time.
    pub fn tell(&mut self) -> Vec<Progress> {
        std::mem::take(&mut self.told)
    }

    /// What became of the plan.
    #[must_use]
    pub fn finish(mut self) -> Outcomes {
        self.outcomes.backed_off.extend(self.breakers.quarantined().cloned());
        self.outcomes.backed_off.sort();
        self.outcomes.backed_off.dedup();
        self.outcomes.sort();
        self.outcomes.recorded = self.journal.told();
        self.outcomes
    }

    pub(super) fn poke(&mut self, slot: Slot) {
        self.poked.insert(slot);
    }

    /// Looks at a change again at this tick.
    pub(super) fn wait(&mut self, slot: Slot, until: i64) {
        if let Some(item) = self.items.get_mut(&slot) {
            item.due = until.max(self.at.tick + 1);
            self.timers.insert((item.due, slot));
        }
    }

    pub(super) fn call(&mut self, slot: Slot, ask: super::Ask) {
        if let Some(item) = self.items.get_mut(&slot) {
            (item.busy, item.asked) = (true, self.at.tick);
            self.calls.push(Call { slot, change: Arc::clone(&item.change), fence: self.epoch, ask });
        }
    }

    pub(super) fn profile(&self, slot: Slot) -> Option<&Profile> {
        self.items.get(&slot).and_then(|item| self.profiles.get(&item.change.key.target))
    }

    /// Looks at a change again when its newest event is durable.
    pub(super) fn await_durable(&mut self, slot: Slot) {
        self.intended.insert(slot);
    }

    pub(super) fn move_to(&mut self, at: Moment) {
        self.set(at);
    }

    fn set(&mut self, at: Moment) {
        let steady = self.began.now.plus(at.tick - self.began.tick);
        let ahead = at.now.seconds().saturating_sub(steady.seconds());
        self.skewed = !(-CLOCK_BACK_SECONDS..=CLOCK_JUMP_SECONDS).contains(&ahead);
        self.at = Moment { now: if self.skewed { steady } else { at.now.max(self.at.now) }, tick: at.tick };
        if !self.skewed && ahead > 0 {
            self.began = Moment { now: at.now, tick: at.tick };
        }
    }

    /// The present instant; never earlier than one seen before, so that the log's instants do not go back.
    pub(super) const fn now(&self) -> Time {
        self.at.now
    }

    /// A change of the plan was left.
    pub(super) fn leave_slice(&mut self, slot: Slot) {
        self.slices.leave(u64::try_from(slot.0).unwrap_or_default());
        self.checkpoint();
    }

    fn checkpoint(&mut self) {
        if let Some(slice) = self.slices.settled() {
            self.journal.checkpoint(slice, self.at.now);
        }
    }

    pub(super) fn end(&mut self, slot: Slot, end: End) -> Result<(), CommitError> {
        let at = self.now();
        self.record(slot, Event::Ended { end, at }, None)
    }

    pub(super) fn outcome(&mut self, slot: Slot, outcome: Outcome, found: Option<&State>) -> Result<(), CommitError> {
        let at = self.now();
        self.record(slot, Event::Outcome { outcome, at }, found)
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

/// Seconds from one instant to a later one; zero when it is past.
pub(super) fn seconds_until(until: Time, now: Time) -> u32 {
    let seconds = until.seconds().saturating_sub(now.seconds()).max(0);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}
