//! Whether a change may begin, and whether it may be sent: the order of its component, gates, time, denials. Asked before
//! every attempt. Owns no call.

use super::barrier::{Before, place};
use super::breaker::Passage;
use super::core::{Core, seconds_until};
use super::item::{Item, Slot};
use super::window::longest_lag;
use super::{CommitError, End, Event, Open, Outcome, Status};
use crate::limits::{CHANGE_ATTEMPTS, THROTTLE_SECONDS};
use crate::model::{Change, Gate, GateKind, Time};
use crate::planted::{Bug, has};
use crate::target::{Class, Profile};

/// Why a change may not be sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hold {
    /// It waits.
    Open(Open),
    /// It never will be.
    End(End),
}

impl Core<'_> {
    /// A change of known effect: records its intent if it may begin.
    pub(super) fn admit(&mut self, slot: Slot) -> Result<(), CommitError> {
        let Some(item) = self.items.get(&slot) else { return Ok(()) };
        let waits = if item.is_emergency() { self.has_twin(slot) } else { self.waits_in_hand(slot) };
        if waits {
            return Ok(());
        }
        let Some(item) = self.items.get(&slot) else { return Ok(()) };
        if let Err(hold) = self.permit(item) {
            return self.withhold(slot, hold);
        }
        if let Some(until) = self.waits_for_the_dead(item) {
            self.wait(slot, until);
            return Ok(());
        }
        let target = item.change.key.target.clone();
        if let Status::Waiting { until, .. } = item.status {
            let left = seconds_until(until, self.now());
            if left > THROTTLE_SECONDS {
                self.leave(slot, Some(Open::BackedOff { target }));
                return Ok(());
            }
            if left > 0 {
                self.wait(slot, self.at.tick + i64::from(left));
                return Ok(());
            }
        }
        if item.tries >= CHANGE_ATTEMPTS {
            self.leave(slot, Some(Open::BackedOff { target }));
            return Ok(());
        }
        let may_begin = item.is_emergency() || (self.is_let_through(slot)? && self.is_recordable(slot));
        if !may_begin {
            return Ok(());
        }
        let attempt = self.items.get(&slot).map_or(1, |item| item.status.next_attempt());
        let at = self.now();
        self.record(slot, Event::Intent { epoch: self.epoch, attempt, at }, None)
    }

    /// Where a writer before may have left the emergencies of a denial unsettled, nobody knows of what: whole lists are not
    /// written there until the last of them must have landed and been seen (V10).
    pub(super) fn be_quiet(&mut self) {
        let is_list = |profile: &Profile| profile.class == Class::K2;
        let lists = self.profiles.iter().filter(|(name, profile)| is_list(profile) && self.denials.is_open_at(name));
        let until = |profile: &Profile| self.at.tick + i64::from(profile.effect_bound()) + i64::from(longest_lag(profile)) + 1;
        self.quiet = lists.map(|(name, profile)| (name.clone(), until(profile))).collect();
    }

    /// The tick until which a change waits for what nobody knows of.
    fn waits_for_the_dead(&self, item: &Item) -> Option<i64> {
        self.quiet.get(&item.change.key.target).copied().filter(|until| *until > self.at.tick)
    }

    /// Whether the emergency of another denial takes the same away already: it pokes this one when it leaves.
    fn has_twin(&self, slot: Slot) -> bool {
        let Some(item) = self.items.get(&slot) else { return true };
        self.cases.get(&item.key).is_some_and(|case| case.first().is_some_and(|first| *first < slot))
    }

    /// Whether an intent may be recorded now; else the change waits where it is found again. Whoever could be sent at once
    /// does not wait for those who stand behind it in line, only for a place in flight and for the next batch.
    fn is_recordable(&mut self, slot: Slot) -> bool {
        if self.may_record() {
            return true;
        }
        // Tried before, it may have kept its place in flight: others may need that to go first.
        self.unfly(slot);
        let Some(item) = self.items.get(&slot) else { return false };
        if self.lines.is_free(slot, &item.spaces) {
            if self.flight.has_room(&item.change) && !self.has_slice() {
                return true;
            }
            self.urgent.enter(&item.change, slot);
        }
        self.unrecorded.insert(slot);
        false
    }

    /// Whether something in hand must be over first: an earlier place of its component, what it depends on, an earlier
    /// change of its case. That change pokes this one when it leaves.
    fn waits_in_hand(&mut self, slot: Slot) -> bool {
        let Some(item) = self.items.get(&slot) else { return true };
        let earlier = self.places.get(&item.component).and_then(|places| places.first_key_value());
        let acked = |slot: &Slot| self.items.get(slot).is_some_and(|other| matches!(other.status, Status::Acked { .. }));
        let early = |slots: &std::collections::BTreeSet<Slot>| has(Bug::WaveOnAck) && slots.iter().all(acked);
        if earlier.is_some_and(|(first, slots)| *first < place(&item.change) && !early(slots)) {
            return true;
        }
        if self.cases.get(&item.key).is_some_and(|case| case.iter().any(|other| *other < slot)) {
            return true;
        }
        let first = item.change.depends.iter().find(|id| self.ids.contains_key(id)).copied();
        let first = first.filter(|_| !has(Bug::DependsIgnored));
        if let Some(first) = first {
            self.dependents.entry(first).or_default().push(slot);
        }
        first.is_some()
    }

    /// Whether a change may be sent at this instant, as far as gates, time and order go.
    pub(super) fn permit(&self, item: &Item) -> Result<(), Hold> {
        let change = &item.change;
        let profile = self.profiles.get(&change.key.target);
        let unconfigured = || Hold::Open(Open::BackedOff { target: change.key.target.clone() });
        if item.is_emergency() {
            // It only reduces access: neither gates, nor order, nor the clock keep it back.
            return profile.map(|_| ()).ok_or_else(unconfigured);
        }
        if item.gives() && !has(Bug::DenialSkipped) && self.denials.cover(&change.key) {
            return Err(Hold::End(End::Denied));
        }
        if self.skewed {
            return Err(Hold::Open(Open::Gate { gate: Gate { kind: GateKind::Clock, scope: String::new() } }));
        }
        if self.would_expire(change) && !(has(Bug::ExpiryOnceOnly) && item.status.attempts() > 0) {
            return Err(Hold::End(End::Expired));
        }
        match self.barrier.before(change, item.component, &item.spaces) {
            Some(Before::Ended(change)) => return Err(Hold::End(End::BlockedBy { change })),
            Some(Before::Open(change)) => return Err(Hold::Open(Open::Behind { change })),
            None => {}
        }
        if let Some(gate) = self.openings.closed(change).filter(|_| !has(Bug::GateSkipped)) {
            return Err(Hold::Open(Open::Gate { gate: gate.clone() }));
        }
        if change.not_before > self.now() {
            return Err(Hold::Open(Open::NotBefore { at: change.not_before }));
        }
        profile.map(|_| ()).ok_or_else(unconfigured)
    }

    /// Whether access that a change adds would have ended before its request lands at the latest (V15).
    fn would_expire(&self, change: &Change) -> bool {
        let landing = self.profiles.get(&change.key.target).map_or(0, |profile| i64::from(profile.effect_bound()));
        let stored = change.after.as_ref().map_or(Time::NONE, |after| after.expires_at);
        let over = |end: Time| end.is_some() && self.now().plus(landing) >= end;
        change.kind.adds() && (over(stored) || over(change.ends_at))
    }

    /// Whether the target's breaker lets a change through; else it waits, or is left to the next run.
    pub(super) fn is_let_through(&mut self, slot: Slot) -> Result<bool, CommitError> {
        let Some(item) = self.items.get(&slot) else { return Ok(false) };
        match self.breakers.passage(&item.change.key.target, self.at.tick) {
            Passage::Open => return Ok(true),
            Passage::Quarantined(until) if until - self.at.tick > i64::from(THROTTLE_SECONDS) => {
                if item.status.effect_unknown() {
                    self.take_back(slot, "not sent: the target is quarantined")?;
                } else {
                    let target = item.change.key.target.clone();
                    self.leave(slot, Some(Open::BackedOff { target }));
                }
            }
            Passage::Quarantined(until) => self.wait(slot, until),
            Passage::Probing => self.wait(slot, self.at.tick + 1),
        }
        Ok(false)
    }

    /// A change of known effect is not sent now: it ends, or stays open.
    fn withhold(&mut self, slot: Slot, hold: Hold) -> Result<(), CommitError> {
        match hold {
            Hold::End(end) => self.end(slot, end),
            Hold::Open(open) => {
                self.leave(slot, Some(open));
                Ok(())
            }
        }
    }

    /// An intent that was not sent is taken back; while an earlier attempt is in doubt, reading has to say how that ended.
    pub(super) fn take_back(&mut self, slot: Slot, words: &str) -> Result<(), CommitError> {
        let Some(item) = self.items.get(&slot) else { return Ok(()) };
        match item.status {
            Status::Intent { doubt: true, .. } => self.outcome(slot, Outcome::Ambiguous { message: words.to_owned() }, None),
            _ => self.outcome(slot, Outcome::NotApplied, None),
        }
    }
}
