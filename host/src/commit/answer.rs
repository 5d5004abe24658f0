//! What an answer of a target means for the change that it is about.

use super::core::Core;
use super::item::{Base, Slot};
use super::{Answer, Ask, CommitError, Open, Outcome, Status};
use crate::limits::{CHANGE_ATTEMPTS, MESSAGE_BYTES, POLL_PAUSE_SECONDS, VERIFY_READS};
use crate::model::Change;
use crate::planted::{Bug, has};
use crate::progress::Progress;
use crate::target::{Class, Found, Receipt, WriteError, Written};

impl Core<'_> {
    /// Takes the answer to a call.
    ///
    /// # Errors
    /// As for [`Core::step`]; [`CommitError::Fenced`] when the target says that another writer took over.
    pub fn answer(&mut self, slot: Slot, answer: Answer, at: super::Moment) -> Result<(), CommitError> {
        self.move_to(at);
        let Some(item) = self.items.get_mut(&slot).filter(|item| item.busy) else { return Ok(()) };
        item.busy = false;
        self.poke(slot);
        match answer {
            Answer::Read(Ok(reading)) => self.read(slot, reading),
            Answer::Read(Err(error)) => self.unread(slot, error.message),
            Answer::Write(Ok(written), handle) => self.taken(slot, written, handle),
            Answer::Write(Err(error), _) => self.refused(slot, error),
            Answer::Poll(Ok(receipt)) => self.polled(slot, receipt),
            Answer::Poll(Err(error)) | Answer::Find(Err(error)) => self.unread(slot, error.message),
            Answer::Find(Ok(found)) => self.found(slot, &found),
            Answer::Undo(result) => self.undone(slot, result),
        }
    }

    /// Counts a failed try: the next one waits longer each time. Says whether there is a next one.
    pub(super) fn count_try(&mut self, slot: Slot) -> bool {
        let tick = self.at.tick;
        let Some(item) = self.items.get_mut(&slot) else { return false };
        item.tries += 1;
        let pause = pause(item.tries, &item.change);
        if pause > 0 {
            self.wait(slot, tick + pause);
        }
        self.items.get(&slot).is_some_and(|item| item.tries < CHANGE_ATTEMPTS)
    }

    fn unread(&mut self, slot: Slot, words: String) -> Result<(), CommitError> {
        self.failed(slot);
        let Some(item) = self.items.get_mut(&slot) else { return Ok(()) };
        item.words = bounded(words);
        item.check.failed += 1;
        if matches!(item.status, Status::Acked { .. } | Status::Observed { .. }) {
            (item.check.agreed, item.check.denied) = (0, false);
            if item.check.failed >= VERIFY_READS {
                self.leave(slot, Some(Open::Unverified));
            } else {
                self.wait(slot, self.at.tick + 1);
            }
            return Ok(());
        }
        if matches!(item.status, Status::Manual { .. }) {
            item.check.reads += 1;
        }
        self.count_try(slot);
        Ok(())
    }

    /// The target took a write.
    fn taken(&mut self, slot: Slot, written: Written, handle: Option<String>) -> Result<(), CommitError> {
        self.answered(slot);
        let Some(class) = self.profile(slot).map(|profile| profile.class) else { return Ok(()) };
        let due = self.profile(slot).map_or(0, |profile| i64::from(profile.completion_bound));
        self.told.push(Progress::Sent { done: self.done + 1, of: self.changes });
        let tick = self.at.tick;
        if let Some(item) = self.items.get_mut(&slot) {
            item.acked = tick;
        }
        let Written { id, receipt, .. } = written;
        match class {
            Class::K6 if !receipt.is_empty() => {
                self.unfly(slot);
                self.outcome(slot, Outcome::Opened { item: receipt, due: self.now().plus(due) }, None)
            }
            _ if !receipt.is_empty() => {
                self.unfly(slot);
                self.outcome(slot, Outcome::Accepted { receipt, until: self.now().plus(due) }, None)
            }
            // Made, and its material is lost: nobody could use it, and nobody may.
            _ if handle.is_none() && self.issues(slot) && !has(Bug::SecretForgotten) => {
                self.outcome(slot, Outcome::Orphaned { id }, None)
            }
            _ if !id.is_empty() => self.outcome(slot, Outcome::Issued { id, handle: handle.unwrap_or_default() }, None),
            _ => self.outcome(slot, Outcome::Acked, None),
        }
    }

    /// Whether a change issues secret material.
    pub(super) fn issues(&self, slot: Slot) -> bool {
        use crate::model::ChangeKind;
        let of = |item: &super::item::Item| matches!(item.change.kind, ChangeKind::Issue | ChangeKind::Rotate);
        self.profile(slot).is_some_and(|profile| profile.class == Class::K4) && self.items.get(&slot).is_some_and(of)
    }

    /// The target did not take a write, or nobody knows.
    fn refused(&mut self, slot: Slot, error: WriteError) -> Result<(), CommitError> {
        if matches!(error, WriteError::Throttled { .. } | WriteError::Precondition) {
            self.answered(slot);
        }
        let Some(item) = self.items.get_mut(&slot) else { return Ok(()) };
        let doubt = matches!(item.status, Status::Intent { doubt: true, .. });
        match error {
            WriteError::Fenced if !has(Bug::FenceIgnored) => Err(CommitError::Fenced),
            // Where an earlier attempt is in doubt, it may be what moved the resource: then only reading can tell.
            WriteError::Precondition if !doubt => {
                self.count_try(slot);
                // What was read lags behind: a read at once would show the same again.
                self.wait_out_lag(slot);
                self.outcome(slot, Outcome::NotApplied, None)
            }
            WriteError::Throttled { seconds } if !doubt => {
                self.count_try(slot);
                let seconds = if has(Bug::ThrottleIgnored) { 0 } else { seconds };
                let until = self.now().plus(i64::from(seconds));
                self.outcome(slot, Outcome::Throttled { until }, None)
            }
            WriteError::Rejected { message } if !doubt => {
                item.words = bounded(message);
                let message = item.words.clone();
                self.answered(slot);
                self.outcome(slot, Outcome::Rejected { message }, None)
            }
            WriteError::Ambiguous { message } => {
                self.failed(slot);
                self.count_try(slot);
                self.doubt(slot, bounded(message))
            }
            // This attempt was not applied, but an earlier one may still be: only reading can tell.
            other => {
                self.count_try(slot);
                let outcome = match &other {
                    WriteError::Throttled { seconds } => Outcome::Throttled { until: self.now().plus(i64::from(*seconds)) },
                    WriteError::Rejected { message } => Outcome::Rejected { message: bounded(message.clone()) },
                    _ => Outcome::NotApplied,
                };
                if let Some(item) = self.items.get_mut(&slot) {
                    (item.words, item.unapplied) = (bounded(other.to_string()), Some(outcome));
                }
                Ok(())
            }
        }
    }

    fn wait_out_lag(&mut self, slot: Slot) {
        let Some(item) = self.items.get(&slot) else { return };
        let target = &item.change.key.target;
        let bound = |profile| self.windows.bound(target, profile, item.change.kind.removes());
        let lag = self.profiles.get(target).map_or(0, bound);
        let due = item.due.max(self.at.tick + i64::from(lag));
        if due > self.at.tick {
            self.wait(slot, due);
        }
    }

    /// How far accepted work has come, or a person's.
    fn polled(&mut self, slot: Slot, receipt: Receipt) -> Result<(), CommitError> {
        self.answered(slot);
        let tick = self.at.tick;
        let Some(item) = self.items.get_mut(&slot) else { return Ok(()) };
        item.check.reads += 1;
        let claimed = matches!(&item.status, Status::Manual { by, .. } if !by.is_empty());
        if let Some(id) = item.carries.take() {
            return self.adopt(slot, id, &receipt);
        }
        match receipt {
            Receipt::Done => {
                (item.acked, item.check) = (tick, super::item::Check::default());
                self.outcome(slot, Outcome::Acked, None)
            }
            Receipt::Failed { message } => {
                item.words = bounded(message);
                let message = item.words.clone();
                self.outcome(slot, Outcome::Rejected { message }, None)
            }
            Receipt::Claimed { by } if matches!(item.status, Status::Manual { .. }) && !claimed => {
                self.outcome(slot, Outcome::Claimed { by: bounded(by) }, None)
            }
            Receipt::Pending | Receipt::Claimed { .. } => {
                if matches!(item.status, Status::Accepted { .. }) {
                    let pause = (1 << item.check.reads.min(10)).min(POLL_PAUSE_SECONDS);
                    self.wait(slot, tick + pause);
                }
                Ok(())
            }
        }
    }

    /// What carries the key of a write.
    fn found(&mut self, slot: Slot, found: &[Found]) -> Result<(), CommitError> {
        self.answered(slot);
        let Some(class) = self.profile(slot).map(|profile| profile.class) else { return Ok(()) };
        let due = self.profile(slot).map_or(0, |profile| i64::from(profile.completion_bound));
        let Some(item) = self.items.get_mut(&slot) else { return Ok(()) };
        let sends = matches!(item.status, Status::Intent { .. });
        match (class, found.first()) {
            (Class::K6, Some(first)) if sends && item.is_emergency() => {
                item.carries = Some(first.id.clone());
                self.call(slot, Ask::Poll { receipt: first.id.clone() });
                Ok(())
            }
            // Opened by an attempt that nobody heard of again: adopted, not opened twice.
            (Class::K6, Some(first)) => {
                self.unfly(slot);
                self.outcome(slot, Outcome::Opened { item: first.id.clone(), due: self.now().plus(due) }, None)
            }
            (Class::K6, None) if sends => {
                item.base = Some(Base { version: Default::default(), after: item.change.after.clone(), list: Vec::new() });
                Ok(())
            }
            // Made, but nobody has its secret.
            (_, Some(first)) => self.outcome(slot, Outcome::Orphaned { id: first.id.clone() }, None),
            (_, None) => {
                self.outcomes.recovered += 1;
                self.outcome(slot, Outcome::NotApplied, None)
            }
        }
    }

    /// A work item of an emergency that an earlier writer opened: whatever a finished one did, it is there again, and a person
    /// is asked anew.
    fn adopt(&mut self, slot: Slot, item: String, receipt: &Receipt) -> Result<(), CommitError> {
        let due = self.profile(slot).map_or(0, |profile| i64::from(profile.completion_bound));
        let outcome = match receipt {
            Receipt::Pending | Receipt::Claimed { .. } => Outcome::Opened { item, due: self.now().plus(due) },
            Receipt::Done | Receipt::Failed { .. } => Outcome::NotApplied,
        };
        self.outcome(slot, outcome, None)
    }

    fn undone(&mut self, slot: Slot, result: Result<(), WriteError>) -> Result<(), CommitError> {
        match result {
            Ok(()) => {
                self.answered(slot);
                // Made, and of no use to anybody: a target that never hands out secrets is not asked for ever.
                self.count_try(slot);
                // A read that lags behind would still show what was taken back.
                let lag = self.longest_lag(slot);
                let due = self.items.get(&slot).map_or(0, |item| item.due).max(self.at.tick + lag);
                self.wait(slot, due);
                self.outcome(slot, Outcome::NotApplied, None)
            }
            Err(WriteError::Fenced) => Err(CommitError::Fenced),
            Err(error) => {
                self.failed(slot);
                if let Some(item) = self.items.get_mut(&slot) {
                    item.words = bounded(error.to_string());
                }
                if !self.count_try(slot) {
                    self.leave(slot, Some(Open::Unknown));
                }
                Ok(())
            }
        }
    }

    pub(super) fn answered(&mut self, slot: Slot) {
        if let Some(item) = self.items.get(&slot) {
            self.breakers.answered(&item.change.key.target);
        }
    }

    /// The target did not answer. One change counts once, however often it is tried: one case that cannot be read is no
    /// target that is down.
    fn failed(&mut self, slot: Slot) {
        let Some(item) = self.items.get_mut(&slot) else { return };
        let again = std::mem::replace(&mut item.failed, true);
        self.breakers.failed(&item.change.key.target, self.at.tick, again);
    }
}

/// Seconds before the next try: none, one, three, seven …, and for later ones up to half as much again, by the change's
/// name, so that many do not come back at once and a replay waits as long.
pub(super) fn pause(tries: u32, change: &Change) -> i64 {
    let base = (1_i64 << tries.saturating_sub(1).min(6)) - 1;
    let spread = u64::try_from(base / 2).unwrap_or(0);
    base + i64::try_from((change.id.0.prefix() >> tries.min(32)) % (spread + 1)).unwrap_or(0)
}

/// A target's words, cut to what the ledger keeps.
pub(super) fn bounded(mut words: String) -> String {
    let mut end = MESSAGE_BYTES.min(words.len());
    while !words.is_char_boundary(end) {
        end -= 1;
    }
    words.truncate(end);
    words
}
