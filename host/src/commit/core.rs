//! The commit core, without I/O: changes come in plan order, calls to targets and batches for the ledger come out, and
//! answers go back in. Deterministic: the same inputs in the same order give the same calls and the same events. Owns what
//! is in hand; what one change does next is decided in `advance` and `answer`, who may go first in `admit`.

use std::collections::{BTreeMap, BTreeSet};

use super::barrier::{Barrier, Openings, Place, component, place};
use super::breaker::Breakers;
use super::flight::{Flight, Flow};
use super::item::{Check, Item, Moment, Slot};
use super::journal::Journal;
use super::lines::Lines;
use super::slices::Slices;
use super::window::Windows;
use super::{Call, CommitError, End, Event, Open, Outcome, Outcomes, Status, next};
use crate::audit::Salts;
use crate::ledger::{Batch, Opening, RunRow};
use crate::limits::{CLOCK_BACK_SECONDS, CLOCK_JUMP_SECONDS, HAND_CHANGES, SLICES_AHEAD, THROTTLE_SECONDS};
use crate::model::{CaseKey, Change, ChangeId, Denial, KeyHash, Lane, Namespace, PlanId, State, Time};
use crate::planted::{Bug, has};
use crate::progress::Progress;
use crate::target::{Class, Profile};

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
    pub(super) denials: Vec<Denial>,
    pub(super) barrier: Barrier,
    statuses: BTreeMap<ChangeId, Status>,
    pub(super) items: BTreeMap<Slot, Item>,
    pub(super) lines: Lines,
    pub(super) cases: BTreeMap<KeyHash, BTreeSet<Slot>>,
    pub(super) places: BTreeMap<u64, BTreeMap<Place, BTreeSet<Slot>>>,
    pub(super) ids: BTreeMap<ChangeId, Slot>,
    pub(super) dependents: BTreeMap<ChangeId, Vec<Slot>>,
    /// Changes to look at again, now or at a tick.
    poked: BTreeSet<Slot>,
    timers: BTreeSet<(i64, Slot)>,
    /// Changes that wait for a place in flight, and for a place among the intents.
    pub(super) capped: BTreeSet<(Lane, Slot)>,
    pub(super) unrecorded: BTreeSet<Slot>,
    pub(super) flight: Flight,
    pub(super) windows: Windows,
    pub(super) breakers: Breakers,
    pub(super) outcomes: Outcomes,
    slices: Slices,
    /// Per denial: how many of its changes are in hand still, and whether all of it can be and so far was taken away.
    pub(super) denied: BTreeMap<PlanId, (Denial, usize, bool)>,
    emergencies: i64,
    /// Cases that a change left behind may still give access to.
    doubtful: Vec<CaseKey>,
    /// Until when nothing is sent to a target: see [`Core::waits_for_the_dead`].
    pub(super) quiet: BTreeMap<String, i64>,
    landing: BTreeMap<(String, String, String), Vec<Change>>,
    /// Intents that were recorded and not sent.
    pub(super) ahead: usize,
    outstanding: Option<u64>,
    pub(super) durable: u64,
    intended: BTreeSet<Slot>,
    calls: Vec<Call>,
    pub(super) told: Vec<Progress>,
    pub(super) done: u64,
    pub(super) fenced: bool,
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
            denials: terms.denials,
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
            capped: BTreeSet::new(),
            unrecorded: BTreeSet::new(),
            windows: Windows::default(),
            breakers: Breakers::default(),
            outcomes: Outcomes::default(),
            slices: Slices::new(slice as u64),
            denied: BTreeMap::new(),
            emergencies: i64::MIN,
            doubtful: Vec::new(),
            quiet: BTreeMap::new(),
            landing: BTreeMap::new(),
            ahead: 0,
            outstanding: None,
            durable: 0,
            intended: BTreeSet::new(),
            calls: Vec::new(),
            told: Vec::new(),
            done: 0,
            fenced: false,
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

    /// Whether any is.
    #[must_use]
    pub fn has_doubts(&self) -> bool {
        self.statuses.values().any(Status::is_under_way)
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

    fn take(&mut self, slot: Slot, plan: PlanId, change: Change) -> Result<(), CommitError> {
        let Some(key) = KeyHash::parse(&change.recorded_as) else {
            return Err(CommitError::RecordedKey { change: change.id, found: change.recorded_as });
        };
        // Names are the plan's: an emergency may do the same to the same case, and has a life of its own.
        let of_plan = change.lane != Lane::Emergency;
        let status = if of_plan { self.statuses.remove(&change.id).unwrap_or_default() } else { Status::default() };
        let spaces = self.profiles.get(&change.key.target).map(|profile| profile.namespaces(&change.key)).unwrap_or_default();
        let due = match &status {
            // A longer wait is for a later run.
            Status::Waiting { until, .. } => match seconds_until(*until, self.now()) {
                seconds if seconds <= THROTTLE_SECONDS => self.at.tick + i64::from(seconds),
                _ => self.at.tick,
            },
            _ => self.at.tick,
        };
        let in_doubt = status.effect_unknown();
        let mut item = Item {
            plan,
            key,
            spaces,
            status,
            batch: 0,
            busy: false,
            asked: self.at.tick,
            due,
            tries: 0,
            failed: false,
            base: None,
            sent: in_doubt,
            unapplied: None,
            carries: None,
            holds: in_doubt,
            flies: false,
            in_doubt_since: self.at.tick,
            // Not by the recorded instant: the clock may have jumped between two writers.
            acked: self.at.tick,
            check: Check::default(),
            open: None,
            words: String::new(),
            change,
        };
        self.lines.enter(slot, &item.spaces);
        // A whole list is held until it was read back: reads may still show the one before.
        let class = self.profiles.get(&item.change.key.target).map(|profile| profile.class);
        let unread = class == Some(Class::K2) && matches!(item.status, Status::Acked { .. } | Status::Observed { .. });
        if in_doubt || unread {
            self.lines.hold(slot, &item.spaces);
        }
        if matches!(item.status, Status::Intent { .. }) && !has(Bug::OpenIntentResent) {
            let message = "the writer stopped before an outcome was recorded".to_owned();
            let event = Event::Outcome { outcome: Outcome::Ambiguous { message }, at: self.now() };
            self.journal.record(&mut item, event, None)?;
        }
        self.cases.entry(key).or_default().insert(slot);
        if !item.is_emergency() {
            self.places.entry(component(&item.change)).or_default().entry(place(&item.change)).or_default().insert(slot);
        }
        if of_plan {
            self.ids.insert(item.change.id, slot);
        }
        self.items.insert(slot, item);
        self.poke(slot);
        Ok(())
    }

    /// Denies access from now on: what is queued ends, and what is under way is remembered, to be taken away with what is
    /// held.
    pub fn announce(&mut self, denial: &Denial) {
        let covered = self.items.iter().filter(|(_, item)| denial.covers(&item.change.key));
        let covered: Vec<Slot> = covered.map(|(slot, _)| *slot).collect();
        let may_land = |item: &&Item| item.gives() && item.status.is_under_way();
        let landing = covered.iter().filter_map(|slot| self.items.get(slot)).filter(may_land).map(|item| item.change.clone());
        self.landing.insert(denial.key(), landing.collect());
        if !self.denials.contains(denial) {
            if !has(Bug::DenialNotFirst) {
                self.journal.denial(denial, self.now());
            }
            self.denials.push(denial.clone());
        }
        covered.into_iter().for_each(|slot| self.poke(slot));
    }

    /// Takes away what a denial that was announced covers: `changes` do so, `complete` says that they take all of it.
    ///
    /// # Errors
    /// As for [`Core::offer`].
    pub fn deny(&mut self, denial: Denial, plan: PlanId, changes: Vec<Change>, complete: bool) -> Result<(), CommitError> {
        self.denied.entry(plan).or_insert((denial, 0, true)).2 &= complete;
        for change in changes {
            debug_assert!(!change.kind.adds(), "an emergency only reduces access");
            // A routine change of the same name may wait for long; another denial's may end otherwise. Neither counts.
            if self.items.range(..Slot(0)).any(|(_, item)| item.plan == plan && item.change.id == change.id) {
                continue;
            }
            let slot = Slot(self.emergencies);
            self.emergencies += 1;
            self.outcomes.emergencies += 1;
            if let Some((_, left, _)) = self.denied.get_mut(&plan) {
                *left += 1;
            }
            self.take(slot, plan, change)?;
        }
        self.settle_denials();
        Ok(())
    }

    /// The changes that were under way when a denial was announced, and that may have given what it covers.
    pub fn landing(&mut self, denial: &Denial) -> Vec<Change> {
        self.landing.remove(&denial.key()).unwrap_or_default()
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
        let free: Vec<_> = self.flight.admits(&self.capped, &self.items);
        for entry in free {
            self.capped.remove(&entry);
            self.poke(entry.1);
        }
        while self.may_record() && !self.unrecorded.is_empty() && self.poked.len() < self.slice {
            let Some(slot) = self.unrecorded.pop_first() else { break };
            self.poke(slot);
        }
        !self.poked.is_empty()
    }

    /// Whether one more intent fits into the pending batch.
    pub(super) fn may_record(&self) -> bool {
        self.journal.intents() < self.slice && self.ahead < self.slice.saturating_mul(SLICES_AHEAD)
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
        self.items.values().next().map(|item| &item.change)
    }

    /// What there is to tell since the last time.
    pub fn tell(&mut self) -> Vec<Progress> {
        std::mem::take(&mut self.told)
    }

    /// Whether another writer took over: this one must stop at once.
    #[must_use]
    pub const fn is_fenced(&self) -> bool {
        self.fenced
    }

    /// What became of the plan.
    #[must_use]
    pub fn finish(mut self) -> Outcomes {
        self.outcomes.backed_off.extend(self.breakers.quarantined().cloned());
        self.outcomes.backed_off.sort();
        self.outcomes.backed_off.dedup();
        self.outcomes.sort();
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
            self.calls.push(Call { slot, change: item.change.clone(), fence: self.epoch, ask });
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
        self.skewed = ahead > CLOCK_JUMP_SECONDS || ahead < -CLOCK_BACK_SECONDS;
        self.at = Moment { now: if self.skewed { steady } else { at.now.max(self.at.now) }, tick: at.tick };
        if !self.skewed && ahead > 0 {
            self.began = Moment { now: at.now, tick: at.tick };
        }
    }

    /// The present instant; never earlier than one seen before, so that the log's instants do not go back.
    pub(super) const fn now(&self) -> Time {
        self.at.now
    }

    /// Records an event of a change, and what follows from it for others.
    pub(super) fn record(&mut self, slot: Slot, event: Event, found: Option<&State>) -> Result<(), CommitError> {
        let Some(item) = self.items.get_mut(&slot) else { return Ok(()) };
        let was_ahead = matches!(item.status, Status::Intent { .. }) && !item.sent;
        self.journal.record(item, event, found)?;
        let (known, waits) =
            (!item.status.effect_unknown(), matches!(item.status, Status::Ready { .. } | Status::Waiting { .. }));
        if matches!(item.status, Status::Intent { .. }) {
            (item.sent, item.base, item.unapplied) = (false, None, None);
            self.ahead += 1;
            self.intended.insert(slot);
        } else if was_ahead {
            self.ahead = self.ahead.saturating_sub(1);
        }
        let given_up = has(Bug::LineFreeInDoubt) && matches!(item.status, Status::Ambiguous { .. });
        if known || given_up {
            self.settled(slot, waits);
        }
        self.poke(slot);
        Ok(())
    }

    /// The effect of a change is known: others may go on in its namespaces.
    fn settled(&mut self, slot: Slot, waits: bool) {
        let Some(item) = self.items.get_mut(&slot) else { return };
        let whole_list = self.profiles.get(&item.change.key.target).is_some_and(|profile| profile.class == Class::K2);
        let read_back = matches!(item.status, Status::Acked { .. } | Status::Observed { .. });
        let key = item.key;
        if waits {
            item.holds = false;
            self.lines.unhold(slot, &item.spaces);
            let spaces = item.spaces.clone();
            self.lines.firsts(&spaces).into_iter().for_each(|first| self.come_first(first));
        } else if !(whole_list && read_back) {
            item.holds = false;
            if std::mem::take(&mut item.flies) {
                let change = item.change.clone();
                self.flight.land(&change);
            }
            let (spaces, emergency) = (item.spaces.clone(), item.is_emergency());
            if emergency {
                self.forget_lists(slot, &spaces);
            }
            self.lines.leave(slot, &spaces).into_iter().for_each(|first| self.come_first(first));
        }
        let urgent: Vec<Slot> = self.cases.get(&key).into_iter().flatten().take_while(|slot| slot.0 < 0).copied().collect();
        urgent.into_iter().for_each(|slot| self.poke(slot));
    }

    /// A change may have become first in a line: one in doubt that only waited for that need not wait any longer.
    fn come_first(&mut self, slot: Slot) {
        let tick = self.at.tick;
        if let Some(item) = self.items.get_mut(&slot).filter(|item| matches!(item.status, Status::Ambiguous { .. })) {
            item.due = item.due.min(tick);
        }
        self.poke(slot);
    }

    /// Whoever read a list before an emergency wrote it must not write back what it read: it reads again.
    fn forget_lists(&mut self, slot: Slot, spaces: &[Namespace]) {
        let reads = |item: &Item| matches!(item.status, Status::Intent { .. }) && !item.sent;
        let shares = |item: &Item| item.spaces.iter().any(|space| spaces.contains(space));
        let others = self.items.iter_mut().filter(|(other, item)| **other != slot && reads(item) && shares(item));
        others.for_each(|(_, item)| (item.base, item.asked) = (None, i64::MIN));
    }

    /// Gives up a place in flight without an outcome.
    pub(super) fn unfly(&mut self, slot: Slot) {
        if let Some(item) = self.items.get_mut(&slot)
            && std::mem::take(&mut item.flies)
        {
            let change = item.change.clone();
            self.flight.land(&change);
        }
    }

    /// Takes leave of a change: counts it, and keeps what later changes must know of it.
    pub(super) fn leave(&mut self, slot: Slot, open: Option<Open>) {
        self.unfly(slot);
        let Some(item) = self.items.remove(&slot) else { return };
        if matches!(item.status, Status::Intent { .. }) && !item.sent {
            self.ahead = self.ahead.saturating_sub(1);
        }
        self.lines.leave(slot, &item.spaces).into_iter().for_each(|first| self.come_first(first));
        if !matches!(item.status, Status::Confirmed { .. }) && !item.is_emergency() {
            self.barrier.leave(&item.change, item.status.is_final());
        }
        if item.status.effect_unknown() {
            self.barrier.unsettled(&item.change, &item.spaces);
        }
        if item.may_land() && !item.is_emergency() && item.gives() {
            self.doubtful.push(item.change.key.clone());
        }
        if !item.is_emergency() {
            self.ids.remove(&item.change.id);
        }
        if let Some(others) = self.cases.get_mut(&item.key) {
            others.remove(&slot);
            let next = others.first().copied();
            next.into_iter().for_each(|slot| _ = self.poked.insert(slot));
            if self.cases.get(&item.key).is_some_and(BTreeSet::is_empty) {
                self.cases.remove(&item.key);
            }
        }
        self.leave_place(slot, &item.change);
        if item.is_emergency() {
            self.left_emergency(&item);
            return;
        }
        for dependent in self.dependents.remove(&item.change.id).unwrap_or_default() {
            self.poke(dependent);
        }
        self.done += 1;
        self.outcomes.count(slot, item.change, &item.status, open.or(item.open), item.words);
        self.slices.leave(u64::try_from(slot.0).unwrap_or_default());
        self.checkpoint();
    }

    fn leave_place(&mut self, slot: Slot, change: &Change) {
        let name = component(change);
        let Some(places) = self.places.get_mut(&name) else { return };
        if let Some(here) = places.get_mut(&place(change)) {
            here.remove(&slot);
            if here.is_empty() {
                places.remove(&place(change));
            }
        }
        match places.first_key_value() {
            Some((_, next)) => self.poked.extend(next.iter().copied()),
            None => _ = self.places.remove(&name),
        }
    }

    fn left_emergency(&mut self, item: &Item) {
        let confirmed = matches!(item.status, Status::Confirmed { .. });
        self.outcomes.revoked += u64::from(confirmed);
        if let Some((_, left, clean)) = self.denied.get_mut(&item.plan) {
            *left = left.saturating_sub(1);
            *clean &= confirmed;
        }
        self.settle_denials();
    }

    /// Denials whose changes are all confirmed are settled.
    fn settle_denials(&mut self) {
        let over: Vec<PlanId> = self.denied.iter().filter(|(_, (_, left, _))| *left == 0).map(|(plan, _)| *plan).collect();
        for plan in over {
            let Some((denial, _, clean)) = self.denied.remove(&plan) else { continue };
            if clean && !self.doubtful.iter().any(|key| denial.covers(key)) {
                let settled = Denial { settled_at: self.now(), ..denial };
                self.journal.denial(&settled, self.now());
                if let Some(known) = self.denials.iter_mut().find(|known| known.key() == settled.key()) {
                    *known = settled;
                }
            } else {
                self.outcomes.unsettled_denials += 1;
            }
        }
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
