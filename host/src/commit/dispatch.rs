//! The dispatch gate: the only place that writes to a target. Reads the case, compares it with what the plan expects, and
//! writes on the condition of what was just read. An unknown effect is settled here by reading, never by sending blindly.

use super::driver::{Driver, Hold, Item, seconds_until};
use super::{CommitError, End, Event, Open, Outcome, Status};
use crate::limits::{CHANGE_ATTEMPTS, MESSAGE_BYTES, THROTTLE_SECONDS};
use crate::model::{Attribute, Holding, StateHash};
use crate::target::{Class, Profile, Reading, Version, Write, WriteError};

/// What a read says of a change.
pub(super) enum Look {
    /// The case is as the plan expects it: what a write is conditioned on.
    Before(Version),
    /// It is as it shall be, or somebody else changed it. Recorded.
    Settled,
    /// The target cannot say.
    Unreadable(String),
}

/// Whether an attempt is the last one of this run.
enum Then {
    Done,
    Again,
    GiveUp,
}

impl Driver<'_> {
    /// Finds out about a change that may have been sent by a writer that stopped.
    pub(super) async fn recover(&mut self, item: &mut Item) -> Result<(), CommitError> {
        if !item.status.effect_unknown() {
            return Ok(());
        }
        item.in_doubt_since = self.now();
        if matches!(item.status, Status::Intent { .. }) {
            let message = "the writer stopped before an outcome was recorded".to_owned();
            self.settle(item, Outcome::Ambiguous { message })?;
        }
        // Seen as before, it may still land: only then does the change go on, as a conditional write.
        if let Look::Unreadable(words) = self.look(item).await? {
            item.words = words;
        }
        Ok(())
    }

    /// Brings a change with a durable intent to a known outcome, if the target lets it.
    pub(super) async fn dispatch(&mut self, item: &mut Item) -> Result<(), CommitError> {
        for round in 0..CHANGE_ATTEMPTS {
            // Deterministic, so that a replay takes the same path: 0, 1, 3, 7 … seconds.
            let pause = if round == 0 { 0 } else { (1 << (round - 1)) - 1 };
            let mut until = self.now().plus(pause);
            if let Status::Waiting { until: asked, .. } = item.status {
                until = until.max(asked);
            }
            if !self.wait_until(until).await {
                break;
            }
            match self.attempt(item).await? {
                Then::Done => return Ok(()),
                Then::Again => {}
                Then::GiveUp => break,
            }
        }
        self.failed(&item.change);
        let target = item.change.key.target.clone();
        self.withhold(item, Hold::Open(Open::BackedOff { target })).await
    }

    async fn attempt(&mut self, item: &mut Item) -> Result<Then, CommitError> {
        let Some(target) = self.target(&item.change) else { return Ok(Then::GiveUp) };
        if let Err(hold) = self.permit(&item.change) {
            self.withhold(item, hold).await?;
            return Ok(Then::Done);
        }
        let version = match self.look(item).await? {
            Look::Before(version) => version,
            Look::Settled => return Ok(Then::Done),
            Look::Unreadable(words) => {
                self.unread(item, &words)?;
                item.words = words;
                return Ok(Then::Again);
            }
        };
        if !matches!(item.status, Status::Intent { .. }) {
            self.intend(item)?;
            self.journal.flush()?;
        }
        let at = match self.permit(&item.change) {
            Ok(at) => at,
            Err(hold) => {
                self.withhold(item, hold).await?;
                return Ok(Then::Done);
            }
        };
        // A second attempt may overtake a first one in doubt: that is safe where the condition lets only one of them land.
        let Class::K0 = target.profile().class;
        self.outcomes.writes += 1;
        let (change, fence) = (&item.change, self.fence());
        let answer = target.write(Write { change, after: change.after.as_ref(), version: &version, fence, at }).await;
        self.answer(item, answer).await
    }

    async fn answer(&mut self, item: &mut Item, answer: Result<(), WriteError>) -> Result<Then, CommitError> {
        match answer {
            Ok(()) => {
                self.answered(&item.change);
                self.settle(item, Outcome::Acked)?;
                Ok(Then::Done)
            }
            // The resource moved, so an earlier attempt cannot land any more either: its condition fails too.
            Err(WriteError::Precondition) => {
                self.settle(item, Outcome::NotApplied)?;
                Ok(Then::Again)
            }
            Err(WriteError::Throttled { seconds }) => {
                let until = self.now().plus(i64::from(seconds));
                self.settle_unapplied(item, Outcome::Throttled { until }).await?;
                Ok(match item.status {
                    Status::Waiting { .. } if seconds > THROTTLE_SECONDS => Then::GiveUp,
                    Status::Waiting { .. } | Status::Ambiguous { .. } => Then::Again,
                    _ => Then::Done,
                })
            }
            Err(WriteError::Rejected { message }) => {
                self.answered(&item.change);
                item.words = bounded(message);
                self.settle_unapplied(item, Outcome::Rejected { message: item.words.clone() }).await?;
                if matches!(item.status, Status::Refused) {
                    self.end(item, End::Failed)?;
                }
                Ok(if item.status.effect_unknown() { Then::Again } else { Then::Done })
            }
            Err(WriteError::Fenced) => Err(CommitError::Fenced),
            Err(WriteError::Ambiguous { message }) => {
                item.words = bounded(message);
                item.in_doubt_since = self.now();
                self.settle(item, Outcome::Ambiguous { message: item.words.clone() })?;
                Ok(Then::Again)
            }
        }
    }

    /// Reads a case and records what settles it.
    async fn look(&mut self, item: &mut Item) -> Result<Look, CommitError> {
        let Some(target) = self.target(&item.change) else {
            return Ok(Look::Unreadable(format!("no target `{}` is configured", item.change.key.target)));
        };
        let Reading { state, version } = match target.read(&item.change.key).await {
            Ok(reading) => reading,
            Err(error) => return Ok(Look::Unreadable(bounded(error.message))),
        };
        let recovers = matches!(item.status, Status::Ambiguous { .. } | Status::Intent { doubt: true, .. });
        let outcome = if same(target.profile(), state.as_ref(), item.change.after.as_ref()) {
            Outcome::Observed
        } else if same(target.profile(), state.as_ref(), item.change.before.as_ref()) {
            return Ok(Look::Before(version));
        } else {
            Outcome::Stale { found: StateHash::of(state.as_ref()) }
        };
        self.answered(&item.change);
        self.outcomes.recovered += u64::from(recovers);
        let at = self.now();
        self.journal.record(item, Event::Outcome { outcome, at }, Some(&state))?;
        if matches!(item.status, Status::Moved) {
            self.end(item, End::Superseded)?;
        }
        Ok(Look::Settled)
    }

    /// Records that a change is not sent now. What may have been sent is settled first.
    pub(super) async fn withhold(&mut self, item: &mut Item, hold: Hold) -> Result<(), CommitError> {
        if item.status.effect_unknown() {
            self.settle_unapplied(item, Outcome::NotApplied).await?;
        }
        match (&item.status, hold) {
            (Status::Ready { .. } | Status::Waiting { .. }, Hold::End(end)) => self.end(item, end)?,
            (Status::Ready { .. } | Status::Waiting { .. }, Hold::Open(open)) => item.open = Some(open),
            (status, _) if status.effect_unknown() => {
                item.open = Some(Open::Unknown);
                self.unsettled(&item.change);
            }
            _ => {}
        }
        Ok(())
    }

    /// Records an outcome that says "not applied". While an earlier attempt is in doubt, that is known only by a read after
    /// the last instant at which it could have landed.
    async fn settle_unapplied(&mut self, item: &mut Item, outcome: Outcome) -> Result<(), CommitError> {
        if matches!(item.status, Status::Intent { doubt: false, .. }) {
            return self.settle(item, outcome);
        }
        let landing = self.target(&item.change).map_or(0, |target| target.profile().landing_bound);
        let lands_by = item.in_doubt_since.plus(i64::from(landing));
        let wait = seconds_until(lands_by, self.now()).min(landing);
        self.pause(wait).await;
        match self.look(item).await? {
            Look::Settled => Ok(()),
            Look::Before(_) => {
                self.outcomes.recovered += 1;
                let sent = matches!(item.status, Status::Intent { .. });
                self.settle(item, if sent { outcome } else { Outcome::NotApplied })
            }
            Look::Unreadable(words) => {
                self.unread(item, &words)?;
                item.words = words;
                Ok(())
            }
        }
    }

    /// Nothing is known of a change whose case cannot be read but what was known before.
    fn unread(&mut self, item: &mut Item, words: &str) -> Result<(), CommitError> {
        match item.status {
            Status::Intent { doubt: false, .. } => self.settle(item, Outcome::NotApplied),
            Status::Intent { doubt: true, .. } => self.settle(item, Outcome::Ambiguous { message: words.to_owned() }),
            _ => Ok(()),
        }
    }

    fn settle(&mut self, item: &mut Item, outcome: Outcome) -> Result<(), CommitError> {
        let at = self.now();
        self.journal.record(item, Event::Outcome { outcome, at }, None)
    }

    pub(super) fn end(&mut self, item: &mut Item, end: End) -> Result<(), CommitError> {
        let at = self.now();
        self.journal.record(item, Event::Ended { end, at }, None)
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

/// A target's words, cut to what the ledger keeps.
pub(super) fn bounded(mut words: String) -> String {
    let mut end = MESSAGE_BYTES.min(words.len());
    while !words.is_char_boundary(end) {
        end -= 1;
    }
    words.truncate(end);
    words
}
