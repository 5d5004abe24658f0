//! Leaves alone what keeps failing: a target whose recent attempts failed too often is quarantined, for twice as long each
//! time (V30). Pure: instants are ticks of a steady clock, in seconds.

use std::collections::{BTreeMap, VecDeque};

use crate::limits::{BREAKER_LEAST, BREAKER_PERCENT, BREAKER_WINDOW, QUARANTINE_MOST_SECONDS, QUARANTINE_SECONDS};

/// One target's recent attempts.
#[derive(Debug, Default)]
struct Recent {
    failed: VecDeque<bool>,
    /// Until when it is left alone; zero: it is not.
    until: i64,
    /// How often in a row.
    times: u32,
    /// One attempt is let through after a quarantine; its end decides.
    probing: bool,
}

/// The breakers of a run, one per target.
#[derive(Debug, Default)]
pub(super) struct Breakers(BTreeMap<String, Recent>);

/// Whether a target may be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    /// It may.
    Open,
    /// Not before this tick.
    Quarantined(i64),
    /// One attempt is under way that decides.
    Probing,
}

impl Breakers {
    pub(super) fn passage(&self, target: &str, tick: i64) -> Passage {
        match self.0.get(target) {
            Some(recent) if recent.until > tick => Passage::Quarantined(recent.until),
            Some(recent) if recent.probing => Passage::Probing,
            _ => Passage::Open,
        }
    }

    /// An attempt begins.
    pub(super) fn begin(&mut self, target: &str) {
        if let Some(recent) = self.0.get_mut(target)
            && recent.until > 0
        {
            recent.probing = true;
        }
    }

    /// The target answered: it took a change, or refused it for good.
    pub(super) fn answered(&mut self, target: &str) {
        let Some(recent) = self.0.get_mut(target) else { return };
        if recent.probing || recent.until > 0 {
            *recent = Recent::default();
            return;
        }
        recent.push(false);
    }

    /// The target did not answer, or cannot be read; `again`: this change counts among its failures already.
    pub(super) fn failed(&mut self, target: &str, tick: i64, again: bool) {
        let recent = self.0.entry(target.to_owned()).or_default();
        if again && !recent.probing {
            return;
        }
        recent.push(true);
        let failures = recent.failed.iter().filter(|failed| **failed).count();
        let often = recent.failed.len() >= BREAKER_LEAST && failures * 100 >= recent.failed.len() * BREAKER_PERCENT;
        if recent.probing || (often && recent.until <= tick) {
            let seconds = QUARANTINE_SECONDS.saturating_mul(1 << recent.times.min(16)).min(QUARANTINE_MOST_SECONDS);
            recent.until = tick.saturating_add(seconds);
            recent.times = recent.times.saturating_add(1);
            recent.probing = false;
            recent.failed.clear();
        }
    }

    /// The targets that are quarantined at this tick, or wait for a probe.
    pub(super) fn quarantined(&self) -> impl Iterator<Item = &String> {
        self.0.iter().filter(|(_, recent)| recent.until > 0).map(|(name, _)| name)
    }
}

impl Recent {
    fn push(&mut self, failed: bool) {
        if self.failed.len() == BREAKER_WINDOW {
            self.failed.pop_front();
        }
        self.failed.push_back(failed);
    }
}
