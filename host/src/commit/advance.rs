//! What a change does next, by its status and its target's class: total over both. The protocols for unknown effects are
//! here and in `answer`; nothing is ever sent blindly.

use super::admit::Hold;
use super::breaker::Passage;
use super::core::Core;
use super::item::{Base, Item, Slot};
use super::window::longest_lag;
use super::{Ask, CommitError, End, Open, Outcome, Status};
use crate::limits::{ACCEPTED_WAIT_SECONDS, CHANGE_ATTEMPTS, EVIDENCE_BY_TIER, LAG_PROBE_CHANGES};
use crate::model::{Change, State};
use crate::planted::{Bug, has};
use crate::target::{Class, Grade, Member, Version};

impl Core<'_> {
    /// Does what can be done for a change now.
    pub(super) fn advance(&mut self, slot: Slot) -> Result<(), CommitError> {
        let Some(item) = self.items.get(&slot) else { return Ok(()) };
        if item.busy {
            return Ok(());
        }
        if item.due > self.at.tick {
            self.wait(slot, item.due);
            return Ok(());
        }
        match &item.status {
            Status::Ready { .. } | Status::Waiting { .. } => self.admit(slot),
            Status::Intent { .. } => self.dispatch(slot),
            Status::Ambiguous { .. } => self.settle_doubt(slot),
            Status::Accepted { .. } => self.ask_after(slot),
            Status::Manual { .. } => self.ask_person(slot),
            Status::Orphaned { id, .. } => {
                let id = id.clone();
                if item.batch <= self.durable {
                    self.call(slot, Ask::Undo { id });
                } else {
                    self.after_durable(slot);
                }
                Ok(())
            }
            Status::Acked { .. } | Status::Observed { .. } => self.verify(slot),
            Status::Moved => self.end(slot, End::Superseded),
            Status::Refused => self.end(slot, End::Failed),
            Status::Confirmed { .. } | Status::Ended { .. } => {
                self.leave(slot, None);
                Ok(())
            }
        }
    }

    /// A durable intent: reads the case, then writes on the condition of what was just read.
    fn dispatch(&mut self, slot: Slot) -> Result<(), CommitError> {
        let Some(item) = self.items.get(&slot) else { return Ok(()) };
        if item.batch > self.durable && !has(Bug::SendBeforeIntent) {
            return Ok(());
        }
        if item.unapplied.is_some() {
            let by = self.lands_by(slot);
            match self.at.tick < by {
                true => self.wait(slot, by),
                false if item.check.failed < CHANGE_ATTEMPTS => self.call(slot, Ask::Read),
                false => self.leave(slot, Some(Open::Unknown)),
            }
            return Ok(());
        }
        if let Err(hold) = self.permit(item) {
            let words = match hold {
                Hold::Open(_) => "not sent: it has to wait",
                Hold::End(_) => "not sent: it is over",
            };
            return self.take_back(slot, words);
        }
        if item.tries >= CHANGE_ATTEMPTS {
            return self.take_back(slot, "not sent: its case cannot be read");
        }
        let Some(profile) = self.profile(slot) else { return Ok(()) };
        let (class, readable) = (profile.class, profile.is_readable());
        let free = match (item.is_emergency(), class) {
            (true, Class::K2) => self.lines.is_settled(slot, &item.spaces),
            (true, _) => true,
            (false, _) => self.lines.is_free(slot, &item.spaces),
        };
        if !free {
            let before = !item.is_emergency() && !self.lines.is_first(slot, &item.spaces);
            let doubt = matches!(item.status, Status::Intent { doubt: true, .. });
            self.unfly(slot);
            // Whoever goes first may change what was read: it is read again.
            if let Some(item) = self.items.get_mut(&slot) {
                item.base = None;
            }
            // It may have been sent before the crash, and an earlier one of its namespace is to be sent now: how it ended
            // then has to be seen first.
            return if before && doubt { self.take_back(slot, "not sent: another goes first") } else { Ok(()) };
        }
        if !self.take_off(slot)? {
            return Ok(());
        }
        let Some(item) = self.items.get_mut(&slot) else { return Ok(()) };
        match item.base.clone() {
            None if class == Class::K6 && !has(Bug::WorkItemBlind) => self.call_find(slot),
            None if readable && class != Class::K6 => self.call(slot, Ask::Read),
            None => {
                let (version, after, list) = (Version::default(), item.change.after.clone(), Vec::new());
                item.base = Some(Base { version, after, list });
                self.poke(slot);
            }
            Some(base) => {
                (item.sent, item.holds) = (true, true);
                self.lines.hold(slot, &item.spaces);
                let key = key_of(item);
                self.ahead = self.ahead.saturating_sub(1);
                self.outcomes.writes += 1;
                let at = self.now();
                self.call(slot, Ask::Write { after: base.after, version: base.version, list: base.list, key, at });
            }
        }
        Ok(())
    }

    /// Takes a place in flight; else waits for one.
    fn take_off(&mut self, slot: Slot) -> Result<bool, CommitError> {
        let Some(item) = self.items.get(&slot) else { return Ok(false) };
        if item.flies || item.is_emergency() {
            return Ok(true);
        }
        if !self.flight.has_room(&item.change) {
            self.capped.enter(&item.change, slot);
            return Ok(false);
        }
        if !self.is_let_through(slot)? {
            return Ok(false);
        }
        let Some(item) = self.items.get_mut(&slot) else { return Ok(false) };
        item.flies = true;
        self.breakers.begin(&item.change.key.target);
        self.flight.take_off(&item.change);
        Ok(true)
    }

    /// An attempt of unknown effect: sent again at once where that is safe, else read after the last instant at which it can
    /// have landed and been seen.
    fn settle_doubt(&mut self, slot: Slot) -> Result<(), CommitError> {
        if has(Bug::BlindResend) {
            return self.outcome(slot, Outcome::NotApplied, None);
        }
        let Some(item) = self.items.get(&slot) else { return Ok(()) };
        if item.check.failed >= CHANGE_ATTEMPTS {
            self.leave(slot, Some(Open::Unknown));
            return Ok(());
        }
        let Some(class) = self.profile(slot).map(|profile| profile.class) else {
            self.leave(slot, Some(Open::Unknown));
            return Ok(());
        };
        let by = self.lands_by(slot);
        if self.at.tick < by && !self.may_resend(slot) {
            self.wait(slot, by);
            return Ok(());
        }
        match class {
            Class::K6 if has(Bug::WorkItemBlind) => return self.outcome(slot, Outcome::NotApplied, None),
            Class::K6 => self.call_find(slot),
            Class::K4 if self.issues(slot) => self.call_find(slot),
            _ => self.call(slot, Ask::Read),
        }
        Ok(())
    }

    /// Whether a second attempt may overtake a first one in doubt: where the condition or the key lets only one of them land,
    /// and for what only takes away.
    pub(super) fn may_resend(&self, slot: Slot) -> bool {
        let Some(item) = self.items.get(&slot) else { return false };
        let class = self.profiles.get(&item.change.key.target).map(|profile| profile.class);
        let safe = match class {
            Some(Class::K0) => true,
            // Creates carry a key; nothing else does.
            Some(Class::K3) => item.change.before.is_none() || item.is_emergency(),
            // A list that lands late would undo what was written after it.
            Some(Class::K1) => item.is_emergency(),
            _ => false,
        };
        let open = self.breakers.passage(&item.change.key.target, self.at.tick) == Passage::Open || item.flies;
        // Several in doubt in one line are what a crash leaves behind: then none goes while another may still land.
        let alone = self.lines.is_first(slot, &item.spaces) && self.lines.is_settled(slot, &item.spaces);
        let first = item.is_emergency() || alone;
        safe && open && first && item.tries < CHANGE_ATTEMPTS && self.permit(item).is_ok()
    }

    /// The tick from which on reading shows how an attempt in doubt ended.
    pub(super) fn lands_by(&self, slot: Slot) -> i64 {
        let Some(item) = self.items.get(&slot) else { return self.at.tick };
        let Some(profile) = self.profiles.get(&item.change.key.target) else { return self.at.tick };
        if has(Bug::LandingForgotten) {
            return item.in_doubt_since;
        }
        // Ticks are whole seconds: what was sent late in one lands late in another.
        item.in_doubt_since + i64::from(profile.effect_bound()) + self.longest_lag(slot) + 1
    }

    /// The tick from which on no earlier attempt of an emergency may land any more. It is sent again at once while one is in doubt,
    /// so that one of them may land after the other was acknowledged, and undo what somebody did in between.
    pub(super) fn attempts_end(&self, item: &Item) -> i64 {
        let Some(profile) = self.profiles.get(&item.change.key.target) else { return i64::MIN };
        match item.is_emergency() && item.doubted {
            true => item.in_doubt_since + i64::from(profile.effect_bound()),
            false => i64::MIN,
        }
    }

    /// How long a read may lag at the longest, in seconds. What is learned is no proof, and a doubt that is settled wrongly
    /// is never looked at again.
    pub(super) fn longest_lag(&self, slot: Slot) -> i64 {
        self.profile(slot).map_or(0, |profile| i64::from(longest_lag(profile)))
    }

    /// From which age on a read proves something. What is learned does for one case; a list is the base of the next one, and
    /// an emergency that was never acknowledged may be content with what was shown before it began.
    pub(super) fn proof_age(&self, item: &Item) -> u32 {
        let target = &item.change.key.target;
        let Some(profile) = self.profiles.get(target) else { return 0 };
        let unheard = item.is_emergency() && matches!(item.status, Status::Observed { .. });
        match profile.class {
            Class::K2 => longest_lag(profile),
            _ if unheard => longest_lag(profile),
            _ => self.windows.bound(target, profile, item.change.kind.removes()),
        }
    }

    /// Accepted work.
    fn ask_after(&mut self, slot: Slot) -> Result<(), CommitError> {
        let Some(item) = self.items.get(&slot) else { return Ok(()) };
        let Status::Accepted { receipt, until, .. } = &item.status else { return Ok(()) };
        let (receipt, until) = (receipt.clone(), *until);
        if self.now() >= until {
            // A target that never gets it done is not asked for ever.
            self.count_try(slot);
            return self.doubt(slot, "accepted, and not done in time".to_owned());
        }
        if self.at.tick - item.acked >= ACCEPTED_WAIT_SECONDS || item.check.failed >= CHANGE_ATTEMPTS {
            self.leave(slot, Some(Open::Accepted { until }));
            return Ok(());
        }
        self.call(slot, Ask::Poll { receipt });
        Ok(())
    }

    /// A person's work: asked for once in a run.
    fn ask_person(&mut self, slot: Slot) -> Result<(), CommitError> {
        let Some(item) = self.items.get(&slot) else { return Ok(()) };
        let Status::Manual { item: work, due, by, overdue, .. } = &item.status else { return Ok(()) };
        if self.now() >= *due && !overdue {
            return self.outcome(slot, Outcome::Overdue, None);
        }
        let (work, due, by, overdue) = (work.clone(), *due, by.clone(), *overdue);
        if item.check.reads > 0 {
            self.leave(slot, Some(Open::Manual { item: work, due, by, overdue }));
            return Ok(());
        }
        self.call(slot, Ask::Poll { receipt: work });
        Ok(())
    }

    /// What was acknowledged or seen is read back, until enough reads agree or the window is over (V34).
    fn verify(&mut self, slot: Slot) -> Result<(), CommitError> {
        let Some(item) = self.items.get(&slot) else { return Ok(()) };
        let change = &item.change;
        let Some(profile) = self.profiles.get(&change.key.target) else {
            self.leave(slot, Some(Open::Unverified));
            return Ok(());
        };
        // A list keeps its line until it was read as it was written: the next one is made from what is read.
        let keeps = profile.class == Class::K2 && profile.is_readable();
        if self.is_denied(item) && !keeps {
            return self.end(slot, End::Denied);
        }
        if self.has_rival(slot) {
            self.wait(slot, self.at.tick + 1);
            return Ok(());
        }
        if !profile.is_readable() {
            let attested = profile.class == Class::K6 && profile.grade >= demanded(change);
            let (grade, after) = (profile.grade, change.after.clone());
            return if attested { self.confirm(slot, grade, &after) } else { self.end(slot, End::Unverifiable) };
        }
        if has(Bug::AckConfirms) {
            let (grade, after) = (profile.grade, change.after.clone());
            return self.confirm(slot, grade, &after);
        }
        let (target, removes) = (&change.key.target, change.kind.removes());
        let bound = i64::from(self.proof_age(item));
        let probes = slot.0 % LAG_PROBE_CHANGES == 0 || self.windows.is_young(target, removes);
        let first = item.acked + if probes { bound.min(1) } else { bound };
        if item.check.reads == 0 && self.at.tick < first {
            self.wait(slot, first);
            return Ok(());
        }
        self.call(slot, Ask::Read);
        Ok(())
    }

    /// Whether it gives access that somebody denied meanwhile.
    pub(super) fn is_denied(&self, item: &Item) -> bool {
        !item.is_emergency() && item.gives() && self.denials.cover(&item.change.key)
    }

    /// Whether something under way may still give the access that an emergency takes away.
    pub(super) fn has_rival(&self, slot: Slot) -> bool {
        let Some(item) = self.items.get(&slot).filter(|item| item.is_emergency()) else { return false };
        if has(Bug::RivalForgotten) {
            return false;
        }
        let others = self.cases.get(&item.key).into_iter().flatten().filter(|other| **other != slot);
        others.filter_map(|other| self.items.get(other)).any(|other| other.may_land() && other.gives())
    }

    /// Does nothing until the newest event of a change is durable.
    pub(super) fn after_durable(&mut self, slot: Slot) {
        self.await_durable(slot);
    }

    fn call_find(&mut self, slot: Slot) {
        if let Some(key) = self.items.get(&slot).map(key_of) {
            self.call(slot, Ask::Find { key });
        }
    }

    /// Nobody knows the effect of the last attempt.
    pub(super) fn doubt(&mut self, slot: Slot, message: String) -> Result<(), CommitError> {
        let tick = self.at.tick;
        if let Some(item) = self.items.get_mut(&slot) {
            (item.in_doubt_since, item.doubted, item.words) = (tick, true, message.clone());
        }
        self.outcome(slot, Outcome::Ambiguous { message }, None)
    }
}

/// The grade of evidence that a change needs.
pub(super) fn demanded(change: &Change) -> Grade {
    EVIDENCE_BY_TIER.get(usize::from(change.tier)).copied().unwrap_or(Grade::E3)
}

/// The key of a change's writes: its name, which is the same after a re-plan and a restart, and another after a real removal
/// (V21). An emergency may have to take the same away again: what it did before, and what a routine change of its name did,
/// must not be taken for it.
fn key_of(item: &Item) -> String {
    match item.is_emergency() {
        true => format!("{}/emergency/{}", item.change.id, item.status.attempts()),
        false => item.change.id.to_string(),
    }
}

/// Two lists without one holder.
pub(super) fn others_differ(holder: &str, left: &[Member], right: &[Member]) -> bool {
    let rest = |list: &[Member]| list.iter().filter(|member| member.holder != holder).cloned().collect::<Vec<_>>();
    rest(left) != rest(right)
}

/// A list with one holder's entry as it shall be, in order.
pub(super) fn merged(list: &[Member], holder: &str, after: &State) -> Vec<Member> {
    let mut merged: Vec<_> = list.iter().filter(|member| member.holder != holder).cloned().collect();
    if let Some(holding) = after {
        let at = merged.partition_point(|member| member.holder.as_str() < holder);
        merged.insert(at, Member { holder: holder.to_owned(), holding: holding.clone() });
    }
    merged
}
