//! Taking a change in hand and taking leave of it, and what each of its events means for those beside it: lines, places of
//! its component, places in flight. Decides nothing about how a change ends.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::barrier::{Place, component, place};
use super::core::Core;
use super::item::{Check, Item, Slot};
use super::{CommitError, Event, Open, Outcome, Status};
use crate::model::{Change, KeyHash, Lane, Namespace, PlanId, State};
use crate::planted::{Bug, has};
use crate::target::Class;

impl Core<'_> {
    pub(super) fn take(&mut self, slot: Slot, plan: PlanId, change: Change) -> Result<(), CommitError> {
        let Some(key) = KeyHash::parse(&change.recorded_as) else {
            return Err(CommitError::RecordedKey { change: change.id, found: change.recorded_as });
        };
        // Names are the plan's: an emergency may do the same to the same case, and has a life of its own.
        let of_plan = change.lane != Lane::Emergency;
        let status = if of_plan { self.statuses.remove(&change.id).unwrap_or_default() } else { Status::default() };
        let profile = self.profiles.get(&change.key.target);
        let whole_list = profile.is_some_and(|profile| profile.class == Class::K2);
        let spaces = profile.map(|profile| profile.namespaces(&change.key)).unwrap_or_default();
        let in_doubt = status.effect_unknown();
        // A whole list is held until it was read back: reads may still show the one before.
        let unread = whole_list && matches!(status, Status::Acked { .. } | Status::Observed { .. });
        let mut item = Item {
            plan,
            key,
            component: component(&change),
            spaces,
            status,
            batch: 0,
            busy: false,
            asked: self.at.tick,
            due: self.at.tick,
            tries: 0,
            failed: false,
            base: None,
            sent: in_doubt,
            unapplied: None,
            carries: None,
            holds: in_doubt,
            flies: false,
            in_doubt_since: self.at.tick,
            doubted: false,
            // Not by the recorded instant: the clock may have jumped between two writers.
            acked: self.at.tick,
            check: Check::default(),
            open: None,
            words: String::new(),
            change: Arc::new(change),
        };
        self.lines.enter(slot, &item.spaces);
        if in_doubt || unread {
            self.lines.hold(slot, &item.spaces);
        }
        if matches!(item.status, Status::Intent { .. }) && !has(Bug::OpenIntentResent) {
            let message = "the writer stopped before an outcome was recorded".to_owned();
            let event = Event::Outcome { outcome: Outcome::Ambiguous { message }, at: self.at.now };
            self.journal.record(&mut item, event, None)?;
        }
        self.cases.entry(key).or_default().insert(slot);
        if of_plan {
            self.places.entry(item.component).or_default().entry(place(&item.change)).or_default().insert(slot);
            self.ids.insert(item.change.id, slot);
        }
        self.items.insert(slot, item);
        self.poke(slot);
        Ok(())
    }

    /// Records an event of a change, and what follows from it for others.
    pub(super) fn record(&mut self, slot: Slot, event: Event, found: Option<&State>) -> Result<(), CommitError> {
        let Some(item) = self.items.get_mut(&slot) else { return Ok(()) };
        let was_ahead = matches!(item.status, Status::Intent { .. }) && !item.sent;
        self.journal.record(item, event, found)?;
        let known = !item.status.effect_unknown();
        if matches!(item.status, Status::Intent { .. }) {
            (item.sent, item.base, item.unapplied) = (false, None, None);
            self.ahead += 1;
            self.await_durable(slot);
        } else if was_ahead {
            self.ahead = self.ahead.saturating_sub(1);
        }
        let given_up = || self.items.get(&slot).is_some_and(|item| matches!(item.status, Status::Ambiguous { .. }));
        if known || (has(Bug::LineFreeInDoubt) && given_up()) {
            self.settled(slot);
        }
        self.poke(slot);
        Ok(())
    }

    /// The effect of a change is known: others may go on in its namespaces.
    fn settled(&mut self, slot: Slot) {
        let Some(item) = self.items.get_mut(&slot) else { return };
        let whole_list = self.profiles.get(&item.change.key.target).is_some_and(|profile| profile.class == Class::K2);
        let read_back = matches!(item.status, Status::Acked { .. } | Status::Observed { .. });
        let key = item.key;
        let firsts = if matches!(item.status, Status::Ready { .. } | Status::Waiting { .. }) {
            item.holds = false;
            self.lines.unhold(slot, &item.spaces);
            self.lines.firsts(&item.spaces)
        } else if whole_list && read_back {
            Vec::new()
        } else {
            item.holds = false;
            if std::mem::take(&mut item.flies) {
                self.flight.land(&item.change);
            }
            let firsts = self.lines.leave(slot, &item.spaces);
            if item.is_emergency() {
                let spaces = item.spaces.clone();
                self.forget_lists(slot, &spaces);
            }
            firsts
        };
        firsts.into_iter().for_each(|first| self.come_first(first));
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
            self.flight.land(&item.change);
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
        self.leave_case(slot, item.key);
        if item.status.effect_unknown() {
            self.barrier.unsettled(&item.change, &item.spaces);
        }
        if item.is_emergency() {
            self.left_emergency(&item);
            return;
        }
        if item.may_land() && item.gives() {
            self.denials.doubt(&item.change.key);
        }
        if !matches!(item.status, Status::Confirmed { .. }) {
            self.barrier.leave(&item.change, item.component, item.status.is_final());
        }
        self.leave_place(slot, item.component, place(&item.change));
        self.ids.remove(&item.change.id);
        for dependent in self.dependents.remove(&item.change.id).unwrap_or_default() {
            self.poke(dependent);
        }
        self.done += 1;
        self.outcomes.count(slot, &item.change, &item.status, open.or(item.open), item.words);
        self.leave_slice(slot);
    }

    fn leave_case(&mut self, slot: Slot, key: KeyHash) {
        let Some(others) = self.cases.get_mut(&key) else { return };
        others.remove(&slot);
        match others.first().copied() {
            Some(next) => self.poke(next),
            None => _ = self.cases.remove(&key),
        }
    }

    fn leave_place(&mut self, slot: Slot, component: u64, place: Place) {
        let Some(places) = self.places.get_mut(&component) else { return };
        if let Some(here) = places.get_mut(&place) {
            here.remove(&slot);
            if here.is_empty() {
                places.remove(&place);
            }
        }
        let next: BTreeSet<Slot> = match places.first_key_value() {
            Some((_, next)) => next.clone(),
            None => {
                self.places.remove(&component);
                return;
            }
        };
        next.into_iter().for_each(|slot| self.poke(slot));
    }
}
