//! What a read shows: whether a write may be made on it, how a doubt ends, and when enough reads agree to confirm. The calls
//! that ask for reads are made in `advance`.

use super::advance::{demanded, merged, others_differ};
use super::core::Core;
use super::item::{Base, Check, Item, Slot};
use super::window::longest_lag;
use super::{CommitError, End, Event, Outcome, Status};
use crate::correlate::Recorded;
use crate::limits::LAGGING_READS_AGREE;
use crate::model::{Attribute, Holding, State, StateHash, Time};
use crate::planted::{Bug, has};
use crate::progress::Progress;
use crate::target::{Class, Grade, Profile, Reading};

impl Core<'_> {
    /// A read of a case.
    pub(super) fn read(&mut self, slot: Slot, reading: Reading) -> Result<(), CommitError> {
        self.answered(slot);
        let Some(item) = self.items.get_mut(&slot) else { return Ok(()) };
        item.check.reads += 1;
        item.check.failed = 0;
        let Some(profile) = self.profiles.get(&item.change.key.target) else { return Ok(()) };
        let found = reading.state.as_ref();
        let met = item.is_met_by(|left, right| same(profile, left, right), found);
        if matches!(item.status, Status::Acked { .. } | Status::Observed { .. }) {
            return self.read_back(slot, &reading, met);
        }
        if met && self.has_rival(slot) {
            self.wait(slot, self.at.tick + 1);
            return Ok(());
        }
        // A credential that is there although nobody made it for this change has a secret that nobody has either.
        let (met, by) = (met && !self.issues(slot), self.lands_by(slot));
        let Some(item) = self.items.get_mut(&slot) else { return Ok(()) };
        let in_doubt = matches!(item.status, Status::Ambiguous { .. } | Status::Intent { doubt: true, .. });
        let Some(profile) = self.profiles.get(&item.change.key.target) else { return Ok(()) };
        let moved = !met && !same(profile, found, item.change.before.as_ref());
        // A conditional request cannot land on what somebody changed; any other in doubt still may, be it the same that
        // somebody else made. An emergency only takes away: twice gone is gone.
        let settles = !in_doubt || item.is_emergency() || profile.class == Class::K0 || item.asked >= by;
        if (met || moved) && !settles && !has(Bug::LastWriterWins) {
            self.wait(slot, by);
            return Ok(());
        }
        if met {
            self.outcomes.recovered += u64::from(in_doubt);
            self.seen(slot);
            return self.outcome(slot, Outcome::Observed, Some(&reading.state));
        }
        if moved && !item.is_emergency() && !has(Bug::LastWriterWins) {
            self.outcomes.recovered += u64::from(in_doubt);
            let outcome = Outcome::Stale { found: StateHash::of(found) };
            return self.outcome(slot, outcome, Some(&reading.state));
        }
        if let Some(outcome) = item.unapplied.clone() {
            self.outcomes.recovered += 1;
            return self.outcome(slot, outcome, Some(&reading.state));
        }
        if matches!(item.status, Status::Intent { .. }) {
            if item.asked == i64::MIN {
                return Ok(());
            }
            let after = item.after_of(found);
            let list =
                if profile.class == Class::K2 { merged(&reading.list, &item.change.key.holder, &after) } else { Vec::new() };
            item.base = Some(Base { version: reading.version, after, list });
            return Ok(());
        }
        self.still_before(slot, &reading.state)
    }

    /// An attempt in doubt, and the case is as before it: sent again where that is safe, known not to be applied once it can
    /// land no more.
    fn still_before(&mut self, slot: Slot, found: &State) -> Result<(), CommitError> {
        if self.may_resend(slot) {
            let attempt = self.items.get(&slot).map_or(1, |item| item.status.next_attempt());
            let at = self.now();
            return self.record(slot, Event::Intent { epoch: self.epoch, attempt, at }, None);
        }
        let by = self.lands_by(slot);
        if self.items.get(&slot).is_none_or(|item| item.asked < by) {
            self.wait(slot, by);
            return Ok(());
        }
        self.outcomes.recovered += 1;
        self.outcome(slot, Outcome::NotApplied, Some(found))
    }

    /// A read of what was acknowledged.
    fn read_back(&mut self, slot: Slot, reading: &Reading, met: bool) -> Result<(), CommitError> {
        let tick = self.at.tick;
        let (bound, over) = self.items.get(&slot).map_or((0, i64::MIN), |item| (self.proof_age(item), self.attempts_end(item)));
        let Some(item) = self.items.get_mut(&slot) else { return Ok(()) };
        let target = item.change.key.target.clone();
        let removes = item.change.kind.removes();
        let Some(profile) = self.profiles.get(&target) else { return Ok(()) };
        let (consistent, grade) = (profile.read_lag == 0, profile.grade);
        let cap = longest_lag(profile);
        let age = u32::try_from((item.asked - item.acked).max(0)).unwrap_or(u32::MAX);
        // A replica that is behind shows the state before; anything else came later. What an emergency found is no such state.
        let lags = !item.is_emergency() && same(profile, reading.state.as_ref(), item.change.before.as_ref());
        let check = &mut item.check;
        if !met {
            let flipped = std::mem::take(&mut check.agreed) > 0;
            check.denied = true;
            check.disturbed |= !lags;
            if !consistent && (age >= bound || (flipped && age.saturating_mul(2) >= bound)) {
                self.windows.late(&target, removes, age.max(1));
            }
            let late = (consistent || age >= cap) && item.asked >= over;
            return self.not_seen(slot, reading, late, age);
        }
        check.agreed += 1;
        if check.agreed == 1 {
            (check.since, check.seen) = (age, tick);
        }
        // What somebody else did after the acknowledgement was undone at an instant that is only known to lie before this one.
        let begun = if check.disturbed { check.seen } else { item.acked }.max(over);
        let proves = begun + i64::from(bound);
        let enough = consistent || has(Bug::FirstReadConfirms) || (check.agreed >= LAGGING_READS_AGREE && item.asked >= proves);
        if !enough {
            let next = if check.agreed < LAGGING_READS_AGREE { 1 } else { (proves - item.asked).max(1) };
            self.wait(slot, tick + next);
            return Ok(());
        }
        let (since, acknowledged) = (check.since, matches!(item.status, Status::Acked { .. }) && !check.disturbed);
        if !consistent && acknowledged && (check.reads > LAGGING_READS_AGREE || since < bound) {
            self.windows.measured(&target, removes, since);
        }
        self.foreign_edits(slot, reading);
        let Some(item) = self.items.get(&slot) else { return Ok(()) };
        if grade < demanded(&item.change) {
            return self.end(slot, End::Unverifiable);
        }
        if self.is_denied(item) {
            return self.end(slot, End::Denied);
        }
        self.confirm(slot, grade, &reading.state)
    }

    /// A read shows something else: looked at again, ever more seldom, until the window is over.
    fn not_seen(&mut self, slot: Slot, reading: &Reading, over: bool, age: u32) -> Result<(), CommitError> {
        if !over {
            self.wait(slot, self.at.tick + i64::from(age / 4).max(1));
            return Ok(());
        }
        // What an emergency took away is there again: taken away again. Anything else is for an amendment or the next plan.
        let emergency = self.items.get(&slot).is_some_and(Item::is_emergency);
        if emergency && self.count_try(slot) {
            return self.outcome(slot, Outcome::NotApplied, Some(&reading.state));
        }
        self.end(slot, End::NotObserved)
    }

    /// After a whole list was written, everybody else on it must stand as they were written.
    fn foreign_edits(&mut self, slot: Slot, reading: &Reading) {
        let Some(item) = self.items.get(&slot) else { return };
        let whole = self.profiles.get(&item.change.key.target).is_some_and(|profile| profile.class == Class::K2);
        let written = item.base.as_ref().map(|base| &base.list);
        if whole && written.is_some_and(|list| others_differ(&item.change.key.holder, list, &reading.list)) {
            self.outcomes.edited_lists.insert((item.change.key.target.clone(), item.change.key.object.clone()));
        }
    }

    /// Records the evidence, and with it what is now known of the case.
    pub(super) fn confirm(&mut self, slot: Slot, grade: Grade, found: &State) -> Result<(), CommitError> {
        let at = self.now();
        self.record(slot, Event::Confirmed { grade, at }, Some(found))?;
        self.told.push(Progress::Verify { done: self.done + 1, of: self.changes });
        let Some(item) = self.items.get(&slot) else { return Ok(()) };
        let (flags, since, disabled_since) = match found {
            None => (if item.change.withholds { Recorded::WITHHELD } else { 0 }, at, Time::NONE),
            Some(holding) => {
                let disabled = if holding.enabled { 0 } else { Recorded::DISABLED };
                // Instants go on from what the plan knew (V16): nothing that counts from them moves later.
                let known = item.change.disabled_since;
                let since_disabled = if known.is_some() { known } else { self.journal.as_of() };
                let disabled_since = if holding.enabled { Time::NONE } else { since_disabled };
                (Recorded::CLAIMED | disabled, item.change.undesired_since, disabled_since)
            }
        };
        let (key, state, incarnation) = (item.key, StateHash::of(found.as_ref()), item.change.incarnation);
        self.journal.head(Recorded { key, state, incarnation, flags, since, disabled_since });
        Ok(())
    }

    /// Seen without an acknowledgement: the window for reading it back begins now.
    fn seen(&mut self, slot: Slot) {
        let tick = self.at.tick;
        if let Some(item) = self.items.get_mut(&slot) {
            item.acked = tick;
            item.check = Check::default();
        }
    }
}

/// Whether two states are the same as far as a target stores them.
pub(super) fn same(profile: &Profile, left: Option<&Holding>, right: Option<&Holding>) -> bool {
    let (Some(left), Some(right)) = (left, right) else { return left.is_none() && right.is_none() };
    profile.attributes.iter().all(|attribute| match attribute {
        Attribute::Enabled => left.enabled == right.enabled,
        Attribute::Level => left.level == right.level,
        Attribute::ExpiresAt => left.expires_at == right.expires_at,
        Attribute::Owner => left.owner == right.owner,
        Attribute::Purpose => left.purpose == right.purpose,
    })
}
