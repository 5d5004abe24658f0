//! Reading back what was written: a change is confirmed by evidence, not by an acknowledgement. Writes nothing to a target.

use std::sync::Arc;

use super::dispatch::{bounded, same};
use super::driver::{Driver, Item, seconds_until};
use super::{CommitError, End, Event, Open, Status};
use crate::correlate::Recorded;
use crate::limits::{LAGGING_READS_AGREE, VERIFY_PAUSE_SECONDS, VERIFY_READS};
use crate::model::{State, StateHash, Time};
use crate::progress::Progress;
use crate::target::{Grade, Target};

/// One change that is being read back.
struct Check<'i> {
    item: &'i mut Item,
    target: Arc<dyn Target>,
    done: u64,
    agreed: u32,
    /// Whether the last answer was another state, not a failure to read.
    denied: bool,
}

impl Driver<'_> {
    /// Reads a slice back in rounds, until for each change enough reads in a row agree or the window is over.
    pub(super) async fn verify(&mut self, items: &mut [Item]) -> Result<(), CommitError> {
        let (mut checks, proven) = self.checks(items);
        // A read within the target's lag proves nothing (V34); the lag counts from the recorded instant.
        let wait = seconds_until(proven, self.now());
        self.pause(wait).await;
        for round in 0..VERIFY_READS {
            if checks.is_empty() {
                return Ok(());
            }
            if round > 0 {
                self.pause(VERIFY_PAUSE_SECONDS).await;
            }
            let mut left = Vec::new();
            for check in checks {
                left.extend(self.read_back(check).await?);
            }
            checks = left;
        }
        for Check { item, denied, .. } in checks {
            if denied {
                self.end(item, End::NotObserved)?;
            } else {
                self.failed(&item.change);
                item.open = Some(Open::Unverified);
            }
        }
        Ok(())
    }

    /// What is to be read back, and the instant from which on reading proves something.
    fn checks<'i>(&self, items: &'i mut [Item]) -> (Vec<Check<'i>>, Time) {
        let (mut checks, mut proven) = (Vec::new(), Time::NONE);
        for (done, item) in (self.done + 1..).zip(items) {
            let (Status::Acked { at } | Status::Observed { at }) = item.status else { continue };
            let Some(target) = self.target(&item.change) else {
                item.open = Some(Open::Unverified);
                continue;
            };
            proven = proven.max(at.plus(i64::from(target.profile().read_lag)));
            checks.push(Check { item, target, done, agreed: 0, denied: false });
        }
        (checks, proven)
    }

    /// Reads one change back once; gives it back if that did not decide.
    async fn read_back<'i>(&mut self, mut check: Check<'i>) -> Result<Option<Check<'i>>, CommitError> {
        let profile = check.target.profile();
        let consistent = profile.read_lag == 0;
        match check.target.read(&check.item.change.key).await {
            Ok(reading) if same(profile, reading.state.as_ref(), check.item.change.after.as_ref()) => {
                (check.agreed, check.denied) = (check.agreed + 1, false);
                if consistent || check.agreed == LAGGING_READS_AGREE {
                    self.answered(&check.item.change);
                    self.confirm(check.item, profile.grade, &reading.state)?;
                    self.observer.on(&Progress::Verify { done: check.done, of: self.changes });
                    return Ok(None);
                }
            }
            // A consistent read has the last word.
            Ok(_) if consistent => {
                self.answered(&check.item.change);
                self.end(check.item, End::NotObserved)?;
                return Ok(None);
            }
            Ok(_) => (check.agreed, check.denied) = (0, true),
            Err(error) => {
                (check.agreed, check.denied) = (0, false);
                check.item.words = bounded(error.message);
            }
        }
        Ok(Some(check))
    }

    /// Records the evidence, and with it what is now known of the case.
    fn confirm(&mut self, item: &mut Item, grade: Grade, found: &State) -> Result<(), CommitError> {
        let at = self.now();
        self.journal.record(item, Event::Confirmed { grade, at }, Some(found))?;
        let (flags, since, disabled_since) = match found {
            None => (if item.change.withholds { Recorded::WITHHELD } else { 0 }, at, Time::NONE),
            Some(holding) => {
                let disabled = if holding.enabled { 0 } else { Recorded::DISABLED };
                // Instants go on from what the plan knew (V16): nothing that counts from them moves later.
                let known = item.change.disabled_since;
                let since_disabled = if known.is_some() { known } else { self.journal.run.as_of };
                let disabled_since = if holding.enabled { Time::NONE } else { since_disabled };
                (Recorded::CLAIMED | disabled, item.change.undesired_since, disabled_since)
            }
        };
        let (state, incarnation) = (StateHash::of(found.as_ref()), item.change.incarnation);
        self.journal.head(Recorded { key: item.key, state, incarnation, flags, since, disabled_since });
        Ok(())
    }
}
