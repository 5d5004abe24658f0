//! Figures over many seeds: faults that fired, arrows that were taken, how large the seeds were.

use std::collections::BTreeMap;

use trueup::commit::{End, Event, Outcome, Status, next};
use trueup::model::{ChangeId, Digest, StateHash, Time};
use trueup::target::Grade;

/// Name of a status, name of an event.
pub type Arrow = (&'static str, &'static str);

/// What some seeds came to.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Seeds.
    pub seeds: u64,
    /// How often each fault fired.
    pub faults: BTreeMap<&'static str, u64>,
    /// How often each arrow was taken.
    pub arrows: BTreeMap<Arrow, u64>,
    /// Changes, and namespaces that two or more of them share, per seed.
    pub changes: Vec<u32>,
    /// See `changes`.
    pub shared: Vec<u32>,
    /// Processes and requests.
    pub processes: u64,
    /// See `processes`.
    pub writes: u64,
    /// Mutations of targets that were matched with the leaf that tells of them.
    pub joined: u64,
    /// Changes by where they ended, and what was open at the end.
    pub ends: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// A fault fired.
    pub fn fault(&mut self, name: &'static str) {
        *self.faults.entry(name).or_default() += 1;
    }

    /// Adds another tally to this one.
    pub fn add(&mut self, other: Tally) {
        self.seeds += other.seeds;
        self.processes += other.processes;
        self.writes += other.writes;
        self.joined += other.joined;
        other.faults.into_iter().for_each(|(name, count)| *self.faults.entry(name).or_default() += count);
        other.arrows.into_iter().for_each(|(arrow, count)| *self.arrows.entry(arrow).or_default() += count);
        other.ends.into_iter().for_each(|(end, count)| *self.ends.entry(end).or_default() += count);
        self.changes.extend(other.changes);
        self.shared.extend(other.shared);
    }

    /// Medians of changes and of shared namespaces per seed.
    #[must_use]
    pub fn medians(&self) -> (u32, u32) {
        (median(&self.changes), median(&self.shared))
    }

    /// Legal arrows that were taken less often than this.
    #[must_use]
    pub fn rare(&self, least: u64) -> Vec<(Arrow, u64)> {
        let count = |arrow: &Arrow| self.arrows.get(arrow).copied().unwrap_or(0);
        legal_arrows().into_iter().map(|arrow| (arrow, count(&arrow))).filter(|(_, count)| *count < least).collect()
    }
}

fn median(numbers: &[u32]) -> u32 {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}

/// One status of each sort that `next` tells apart.
#[must_use]
pub fn statuses() -> Vec<Status> {
    let at = Time::from_seconds(1);
    let manual = |overdue| Status::Manual { attempts: 1, item: String::new(), due: at, by: String::new(), overdue };
    vec![
        Status::Ready { attempts: 1 },
        Status::Intent { attempt: 1, doubt: false },
        Status::Intent { attempt: 1, doubt: true },
        Status::Waiting { attempts: 1, until: at },
        Status::Ambiguous { attempts: 1 },
        Status::Accepted { attempts: 1, receipt: String::new(), until: at },
        manual(false),
        manual(true),
        Status::Orphaned { attempts: 1, id: String::new() },
        Status::Acked { attempts: 1, at },
        Status::Observed { attempts: 1, at },
        Status::Moved,
        Status::Refused,
        Status::Confirmed { grade: Grade::E3, at },
        Status::Ended { end: End::Failed, at },
    ]
}

/// One event of each sort.
#[must_use]
pub fn events() -> Vec<Event> {
    let at = Time::from_seconds(2);
    let text = String::new;
    let outcomes = [
        Outcome::Acked,
        Outcome::Observed,
        Outcome::Stale { found: StateHash::ABSENT },
        Outcome::Throttled { until: at },
        Outcome::Rejected { message: text() },
        Outcome::NotApplied,
        Outcome::Ambiguous { message: text() },
        Outcome::Issued { id: text(), handle: text() },
        Outcome::Accepted { receipt: text(), until: at },
        Outcome::Opened { item: text(), due: at },
        Outcome::Claimed { by: text() },
        Outcome::Overdue,
        Outcome::Orphaned { id: text() },
    ];
    let ends = [
        End::Superseded,
        End::BlockedBy { change: ChangeId(Digest::of(b"")) },
        End::Expired,
        End::Failed,
        End::NotObserved,
        End::Replanned,
        End::Denied,
        End::Unverifiable,
    ];
    let mut all = vec![Event::Intent { epoch: 1, attempt: 2, at }, Event::Confirmed { grade: Grade::E3, at }];
    all.extend(outcomes.into_iter().map(|outcome| Event::Outcome { outcome, at }));
    all.extend(ends.into_iter().map(|end| Event::Ended { end, at }));
    all
}

/// Every pair of a status and an event that `next` allows.
#[must_use]
pub fn legal_arrows() -> Vec<Arrow> {
    let mut arrows: Vec<Arrow> = Vec::new();
    for status in statuses() {
        for event in events() {
            if next(&status, &event).is_ok() {
                arrows.push((status.name(), event.name()));
            }
        }
    }
    arrows.sort_unstable();
    arrows.dedup();
    arrows
}
