//! Rules about requests as they leave a process: what must be durable, known and permitted before.

use trueup::commit::{Ask, Call};
use trueup::model::{Change, Lane, State, Time};
use trueup::target::Class;

use super::{Fact, Flight, Oracle, Stand, Who, short};
use crate::sim::plan::START;

/// How far the oracle lets a clock be behind the truth: time daemons step back so far.
const CLOCK_TOLERANCE: i64 = 2;

impl Oracle {
    /// A call leaves a process. Writes are judged by every rule of this file.
    pub fn sent(&mut self, tick: i64, no: u64, call: &Call) {
        let (epoch, change) = (call.fence, &call.change);
        let who = (change.lane == Lane::Emergency, change.id);
        let fenced = self.writers.get(&epoch).is_some_and(|writer| writer.fenced);
        self.check(!fenced, "V11", tick, || format!("{} is sent by a writer that was told to stop", short(who)));
        self.settled_slices_rest(tick, epoch, who);
        let Ask::Write { after, at, .. } = &call.ask else { return };
        if epoch == self.current {
            self.follows_an_intent(tick, epoch, who);
            self.one_unknown_effect(tick, epoch, who);
            self.no_blind_repeat(tick, epoch, who);
            self.waits_as_asked(tick, epoch, who);
            if who.0 {
                self.emergency_reduces(tick, who, change, after);
            } else {
                self.first_things_first(tick, epoch, who);
                self.is_permitted(tick, epoch, who, after, *at);
            }
        } else {
            self.follows_an_intent(tick, epoch, who);
        }
        let Some(fact) = self.facts.get(&who) else { return };
        let (spaces, target) = (fact.spaces.clone(), change.key.target.clone());
        let own = |landed: &crate::sim::target::Landed| landed.by == crate::sim::target::By::Change(who.1, who.0);
        // What it asks for has moved on, or its key is used up: it can take no effect.
        let once = match self.class(&target) {
            Class::K0 => true,
            Class::K3 => change.before.is_none(),
            _ => false,
        };
        let spent = once && self.journal.iter().any(own);
        if !spent && self.fences.get(&target).is_none_or(|fence| *fence <= epoch) {
            self.flights.insert(no, Flight { who, epoch, stale: epoch != self.current, fence: epoch, target, spaces });
        }
        if let Some(writer) = self.writers.get_mut(&epoch) {
            *writer.writes.entry(who).or_default() += 1;
            writer.sent += 1;
            writer.first.insert(who);
            writer.reads.remove(&who);
        }
    }

    /// I5: what a checkpoint counts as settled is left alone for the rest of the run.
    fn settled_slices_rest(&mut self, tick: i64, epoch: u64, who: Who) {
        let Some(index) = self.facts.get(&who).and_then(|fact| fact.index) else { return };
        let settled = self.writers.get(&epoch).map_or(0, |writer| writer.settled_before);
        self.check(index >= settled, "I5", tick, || format!("{} is in hand although its slice counts as settled", short(who)));
    }

    /// V19: its last durable event is an intent of this writer, and no other write went out under it.
    fn follows_an_intent(&mut self, tick: i64, epoch: u64, who: Who) {
        let own: Vec<_> = self.events_of(who).iter().filter(|(of, _)| *of == epoch).map(|(_, event)| event).collect();
        let intents = own.iter().filter(|event| matches!(event, trueup::commit::Event::Intent { .. })).count();
        let last = own.last().is_some_and(|event| matches!(event, trueup::commit::Event::Intent { .. }));
        let sent = self.writers.get(&epoch).and_then(|writer| writer.writes.get(&who)).copied().unwrap_or(0);
        let holds = last && (sent as usize) < intents;
        self.check(holds, "V19", tick, || format!("{} is sent without a durable intent of its own", short(who)));
    }

    /// V10: no other request that can still land shares a namespace. Emergencies do not wait; they may be sent again before
    /// the first landed, where that does no harm; and what one of a dead process left on its way (other than a whole list) is
    /// not known to the next: it only takes away.
    fn one_unknown_effect(&mut self, tick: i64, epoch: u64, who: Who) {
        let Some(fact) = self.facts.get(&who) else { return };
        let shares = |flight: &Flight| flight.spaces.iter().any(|space| fact.spaces.contains(space));
        let apart = |flight: &Flight| {
            let waits = match self.class(&flight.target) {
                Class::K2 => true,
                Class::K5 => flight.epoch == epoch,
                _ => false,
            };
            flight.stale || flight.who.0 && !waits
        };
        let counts = |flight: &&Flight| flight.who != who && !apart(flight) && shares(flight);
        let other = self.flights.values().find(counts).map(|flight| flight.who);
        let Some(other) = other.filter(|_| !who.0) else { return };
        self.breaks("V10", tick, format!("{} is sent while {} may still land beside it", short(who), short(other)));
    }

    /// V20: no second request of a change while the first can still land, unless only one of them can take effect.
    fn no_blind_repeat(&mut self, tick: i64, epoch: u64, who: Who) {
        let Some(fact) = self.facts.get(&who) else { return };
        let class = self.class(&fact.change.key.target);
        let safe = matches!(class, Class::K0 | Class::K3) || (who.0 && matches!(class, Class::K1 | Class::K5));
        let first = self.flights.values().any(|flight| flight.who == who && !flight.stale && !(who.0 && flight.epoch < epoch));
        self.check(safe || !first, "V20", tick, || {
            format!("{} is sent again while its first request may still land", short(who))
        });
    }

    /// V30: a target that asks to wait is left alone for so long. Emergencies of two denials ask each for itself.
    fn waits_as_asked(&mut self, tick: i64, epoch: u64, who: Who) {
        let until = self.writers.get(&epoch).and_then(|writer| writer.throttled.get(&who)).copied().unwrap_or(i64::MIN);
        self.check(who.0 || tick >= until, "V30", tick, || {
            format!("{} is sent before tick {until}, as the target asked", short(who))
        });
    }

    /// V28: an emergency only reduces access. V29: and its denial is durable before.
    fn emergency_reduces(&mut self, tick: i64, who: Who, change: &Change, after: &State) {
        let reduces = after.as_ref().is_none_or(|holding| !holding.enabled);
        self.check(reduces, "V28", tick, || format!("{} gives access", short(who)));
        let denied = self.called.iter().any(|called| called.durable && called.denial.covers(&change.key));
        self.check(denied, "V29", tick, || format!("{} is sent before its denial is durable", short(who)));
    }

    /// V14: within its component everything that comes first is durably confirmed, and so is what it depends on. I4: within
    /// one run, requests in one namespace go out in plan order.
    fn first_things_first(&mut self, tick: i64, epoch: u64, who: Who) {
        let Some(fact) = self.facts.get(&who) else { return };
        let place = |fact: &Fact| (fact.change.wave, fact.change.step);
        let comes_first = |other: &Fact| other.change.component == fact.change.component && place(other) < place(fact);
        let open = |other: &Who| self.stand(*other) != Stand::Confirmed;
        let before = self.facts.iter().find(|(other, f)| !other.0 && comes_first(f) && open(other)).map(|(other, _)| *other);
        let needs = fact.change.depends.iter().map(|id| (false, *id)).find(open);
        let Some(writer) = self.writers.get(&epoch) else { return };
        let later = |other: &&Who| {
            self.facts
                .get(other)
                .is_some_and(|f| f.index > fact.index && f.spaces.iter().any(|space| fact.spaces.contains(space)))
        };
        let is_new = !writer.first.contains(&who) && !writer.in_doubt.contains(&who);
        let overtook = writer.first.iter().filter(|other| !other.0 && !writer.in_doubt.contains(other)).find(later).copied();
        if let Some(other) = before.or(needs) {
            self.breaks("V14", tick, format!("{} is sent before {} is confirmed", short(who), short(other)));
        }
        if let Some(other) = overtook.filter(|_| is_new) {
            self.breaks("I4", tick, format!("{} is sent after {}, which comes later in the plan", short(who), short(other)));
        }
    }

    /// Gates are open, time has come (V38) and has not run out (V15), nothing denies it (V29), the clock can be trusted
    /// (V18), it says what the plan says (V16), and the case was read to be what the plan expects (R19).
    fn is_permitted(&mut self, tick: i64, epoch: u64, who: Who, after: &State, at: Time) {
        let (Some(fact), Some(writer)) = (self.facts.get(&who), self.writers.get(&epoch)) else { return };
        let change = &fact.change;
        let closed = change.gates.iter().any(|gate| !writer.opened.contains(&(change.id, gate.kind)));
        let denied = super::gives(change) && writer.announced.iter().any(|denial| denial.covers(&change.key));
        let early = change.not_before.is_some() && at < change.not_before;
        let ends = change.after.as_ref().map_or(Time::NONE, |holding| holding.expires_at);
        let late = change.kind.adds() && ends.is_some() && START + tick - CLOCK_TOLERANCE >= ends.seconds();
        let wrong_clock =
            self.clock_off.is_some_and(|(since, frozen)| since > writer.started && (!frozen || tick - since > CLOCK_TOLERANCE));
        let altered = *after != change.after;
        let moved = writer.shown.get(&who).is_some_and(|shown| *shown != change.before);
        for (broken, rule, words) in [
            (closed, "V26", "is sent although a gate is closed"),
            (denied, "V29", "is sent although a denial covers it"),
            (early, "V38", "is sent before its time"),
            (late, "V15", "is sent after its access had to end"),
            (wrong_clock, "V18", "is sent by a clock that went wrong"),
            (altered, "V16", "does not say what the plan says"),
            (moved, "R19", "writes over what somebody else did since the plan"),
        ] {
            if broken {
                self.breaks(rule, tick, format!("{} {words}", short(who)));
            }
        }
    }

    /// A request can take no effect any more, or has taken it.
    pub fn gone(&mut self, no: u64) {
        self.flights.remove(&no);
    }

    /// A target accepted a request: it takes effect later, whoever owns by then.
    pub fn reopen(&mut self, no: u64, change: &Change, emergency: bool, epoch: u64) {
        let (stale, who) = (epoch != self.current, (emergency, change.id));
        if stale {
            self.unheard.insert(who);
        }
        let spaces = self.facts.get(&who).map(|fact| fact.spaces.clone()).unwrap_or_default();
        self.flights.insert(no, Flight { who, epoch, stale, fence: u64::MAX, target: change.key.target.clone(), spaces });
    }

    /// A target has seen a fence and keeps it: requests of lower ones take no effect there any more.
    pub fn fence_seen(&mut self, target: &str, fence: u64) {
        self.fences.insert(target.to_owned(), fence);
        self.flights.retain(|_, flight| flight.target != target || flight.fence >= fence);
    }

    /// A target told a writer to wait.
    pub fn throttled(&mut self, epoch: u64, who: Who, until: i64) {
        if let Some(writer) = self.writers.get_mut(&epoch) {
            writer.throttled.insert(who, until);
        }
    }

    /// A target told a writer that another one took over.
    pub fn fenced(&mut self, epoch: u64) {
        if let Some(writer) = self.writers.get_mut(&epoch) {
            writer.fenced = true;
        }
    }
}
