//! How fast access that should go goes: from the decision to the evidence that it is gone. Owns when a clock starts, when it
//! stops, and what goes on counting while nothing is confirmed. Nothing that is open, waits or was held flatters a figure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::super::{Engine, EngineError};
use super::{Beginning, Span};
use crate::audit::{LogEntry, LogHead, Statement};
use crate::commit::{Outcome, Status};
use crate::ledger::RunRow;
use crate::limits::{EMERGENCY_WINDOW_SECONDS, REMOVAL_WINDOW_SECONDS};
use crate::model::{CaseKey, ChangeId, ChangeKind, DenialStep, KeyHash, Lane, PlanId, RunId, Time};

/// How long a removal may take until it counts as late, in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Windows {
    /// Per risk tier, 0 to 3, from the beginning of the run that decided it.
    pub tier_seconds: [i64; 4],
    /// From an emergency call.
    pub emergency_seconds: i64,
}

impl Default for Windows {
    fn default() -> Self {
        Windows { tier_seconds: REMOVAL_WINDOW_SECONDS, emergency_seconds: EMERGENCY_WINDOW_SECONDS }
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Removal {
    /// An emergency call, until all that it covers was seen to be gone.
    Call,
    /// One change of an emergency, from its call.
    Emergency,
    /// A removal that a plan decided, from the beginning of that plan's run.
    Planned,
}

/// Figures of one kind of removal, one tier and one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Pace {
    /// What.
    pub removal: Removal,
    /// Risk tier; none for calls.
    pub tier: Option<u8>,
    /// The target; empty: every target.
    pub target: String,
    /// How many were confirmed.
    pub confirmed: u64,
    /// How many of those within the window.
    pub within: u64,
    /// How many are not confirmed yet.
    pub open: u64,
    /// How many of those are past the window already.
    pub overdue: u64,
    /// Age of the oldest open one, in seconds.
    pub oldest_seconds: i64,
    /// Half of those that were confirmed took no longer, in seconds.
    pub p50_seconds: i64,
    /// 95 of 100 took no longer.
    pub p95_seconds: i64,
    /// The longest.
    pub max_seconds: i64,
    /// The accepted window, in seconds.
    pub window_seconds: i64,
    /// How many took how long, in seconds: exact below 10,000, above rounded up to three digits.
    pub took: BTreeMap<i64, u64>,
}

impl Pace {
    /// The share within the window, of those of which that is known: confirmed, or open and past it. In thousandths.
    #[must_use]
    pub fn share(&self) -> Option<u64> {
        (self.within * 1_000).checked_div(self.confirmed + self.overdue)
    }
}

/// How fast access went.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Performance {
    /// When it was asked: what open ones are aged to.
    pub now: Time,
    /// Figures, emergencies first.
    pub paces: Vec<Pace>,
    /// Removals that a later plan no longer asked for before they were confirmed: wanted again, or gone otherwise.
    pub withdrawn: u64,
    /// Plans that are no longer kept: of those, only what was sent is measured, from the beginning of its run.
    pub plans_gone: u64,
    /// Where the log begins, when it was pruned: what was decided before is not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beginning: Option<Beginning>,
    /// The log that all of this was read from.
    pub log: LogHead,
}

impl Engine {
    /// How fast access went that was decided within a span.
    ///
    /// # Errors
    /// When the log or a plan is not what was written.
    pub fn performance(&self, windows: &Windows, span: &Span) -> Result<Performance, EngineError> {
        let mut runs: BTreeMap<RunId, (RunRow, PlanId)> = BTreeMap::new();
        for (run, plan) in self.sealed_runs()? {
            runs.insert(run.run, (run, plan));
        }
        let called = self.denials()?.into_iter().map(|denial| (denial.key(), denial.at)).collect();
        let mut watch = Watch { called, span: *span, ..Watch::default() };
        let beginning = self.log_beginning()?;
        let gone: Vec<RunId> = match &beginning {
            Some(log) => runs.values().filter(|(run, _)| run.began <= log.begins).map(|(run, _)| run.run).collect(),
            None => Vec::new(),
        };
        // What came of these, the log does not tell; what waits since then goes on waiting.
        for (run, plan) in gone.iter().filter_map(|run| runs.remove(run)) {
            self.decided(&mut watch, &run, plan)?;
            let ends = self.statuses(plan)?.into_iter().filter(|(_, status)| matches!(status, Status::Confirmed { .. }));
            ends.for_each(|(change, _)| watch.forget(change));
        }
        let log = self.read_log(|entry, _| {
            if let Statement::RunStart { .. } = entry.says {
                watch.began.insert(entry.run, entry.time);
            }
            if let Some((run, plan)) = runs.remove(&entry.run) {
                self.decided(&mut watch, &run, plan)?;
            }
            watch.see(entry);
            Ok(())
        })?;
        // A plan of which nothing was done yet and whose run left no leaf.
        for (run, plan) in runs.into_values() {
            self.decided(&mut watch, &run, plan)?;
        }
        Ok(Performance { beginning, ..watch.result(windows, self.clock.now(), log) })
    }

    /// Starts the clocks of what a plan removes, and ends those of what a whole plan no longer removes.
    fn decided(&self, watch: &mut Watch, run: &RunRow, plan: PlanId) -> Result<(), EngineError> {
        let Some(file) = self.sealed(plan)? else {
            watch.plans_gone += 1;
            return Ok(());
        };
        let part = run.amends.is_some() || file.header().inputs.undoes.is_some();
        let mut asked: BTreeSet<KeyHash> = BTreeSet::new();
        for change in file.changes() {
            let change = change?;
            if takes(change.kind) {
                let key = hash(&change.key);
                asked.insert(key);
                watch.start(key, change.id, run.began, change.tier, &change.key.target);
            }
        }
        if !part {
            for held in file.held() {
                // What waits since it was decided goes on waiting.
                asked.insert(hash(&held?.key));
            }
            watch.withdraw(&asked);
        }
        Ok(())
    }
}

/// Whether a change takes access away as a whole.
const fn takes(kind: ChangeKind) -> bool {
    matches!(kind, ChangeKind::Revoke | ChangeKind::Disable | ChangeKind::Delete)
}

fn hash(key: &CaseKey) -> KeyHash {
    CaseKey::hash(key.subject, &key.target, &key.holder, &key.object)
}

/// A removal that was decided and is not confirmed.
struct Open {
    decided: Time,
    tier: u8,
    target: String,
    change: ChangeId,
    /// It may have been sent, and its effect is not known or not seen: later plans leave it alone.
    under_way: bool,
}

type CallKey = (String, String, String);

/// Clocks that run, and those that stopped.
#[derive(Default)]
struct Watch {
    began: BTreeMap<RunId, Time>,
    open: HashMap<KeyHash, Open>,
    cases: HashMap<ChangeId, KeyHash>,
    emergencies: HashMap<(PlanId, ChangeId), Open>,
    /// When calls were made, as far as the ledger still tells: the newest of each.
    called: BTreeMap<CallKey, Time>,
    calls: BTreeMap<CallKey, Time>,
    span: Span,
    groups: BTreeMap<(Removal, Option<u8>, String), Group>,
    withdrawn: u64,
    plans_gone: u64,
}

#[derive(Default)]
struct Group {
    took: BTreeMap<i64, u64>,
    open: Vec<i64>,
}

impl Watch {
    fn start(&mut self, key: KeyHash, change: ChangeId, at: Time, tier: u8, target: &str) {
        let open = self.open.entry(key).or_insert_with(|| Open {
            decided: at,
            tier,
            target: target.to_owned(),
            change,
            under_way: false,
        });
        self.cases.remove(&open.change);
        (open.change, open.tier) = (change, open.tier.max(tier));
        self.cases.insert(change, key);
    }

    fn withdraw(&mut self, asked: &BTreeSet<KeyHash>) {
        for (_, open) in self.open.extract_if(|key, open| !open.under_way && !asked.contains(key)) {
            self.cases.remove(&open.change);
            self.withdrawn += u64::from(self.span.has(open.decided));
        }
    }

    fn see(&mut self, entry: &LogEntry) {
        match &entry.says {
            Statement::Intent { case, change, lane, op, plan, tier, .. } if takes(*op) => {
                if *lane == Lane::Emergency {
                    let decided = self.called_for(case).unwrap_or(entry.time);
                    let (tier, target, change) = (*tier, case.target.clone(), *change);
                    let open = Open { decided, tier, target, change, under_way: true };
                    self.emergencies.entry((*plan, change)).or_insert(open);
                } else {
                    let (key, began) = (hash(case), self.began.get(&entry.run).copied().unwrap_or(entry.time));
                    self.start(key, *change, began, *tier, &case.target);
                    self.under_way(*change, true);
                }
            }
            Statement::Outcome { change, outcome, .. } | Statement::Recovered { change, outcome, .. } => {
                let over = matches!(
                    outcome,
                    Outcome::NotApplied | Outcome::Throttled { .. } | Outcome::Rejected { .. } | Outcome::Stale { .. }
                );
                self.under_way(*change, !over);
            }
            Statement::Confirmed { change, plan, .. } => self.confirmed(*plan, *change, entry.time),
            Statement::Superseded { change, .. } | Statement::Ended { change, .. } => self.under_way(*change, false),
            Statement::Emergency { holder, object, step, target, .. } => {
                let key = (target.clone(), holder.clone(), object.clone());
                match step {
                    DenialStep::Made => {
                        let known = self.called.get(&key).copied().filter(|at| *at <= entry.time);
                        self.calls.entry(key).or_insert(known.unwrap_or(entry.time));
                    }
                    DenialStep::Settled => {
                        if let Some(decided) = self.calls.remove(&key) {
                            self.stop(decided, entry.time, (Removal::Call, None, target.clone()));
                        }
                    }
                }
            }
            Statement::Lifted { holder, object, target, .. } => {
                let key = (target.clone(), holder.clone(), object.clone());
                self.withdrawn += u64::from(self.calls.remove(&key).is_some_and(|decided| self.span.has(decided)));
            }
            _ => {}
        }
    }

    /// When the newest call that covers a case was made.
    fn called_for(&self, case: &CaseKey) -> Option<Time> {
        let covers = |(target, holder, object): &CallKey| {
            *holder == case.holder
                && (target.is_empty() || *target == case.target)
                && (object.is_empty() || *object == case.object)
        };
        self.calls.iter().filter(|(key, _)| covers(key)).map(|(_, at)| *at).max()
    }

    fn under_way(&mut self, change: ChangeId, whether: bool) {
        if let Some(open) = self.cases.get(&change).and_then(|key| self.open.get_mut(key)) {
            open.under_way = whether;
        }
    }

    fn confirmed(&mut self, plan: PlanId, change: ChangeId, at: Time) {
        if let Some(open) = self.emergencies.remove(&(plan, change)) {
            return self.stop(open.decided, at, (Removal::Emergency, Some(open.tier), open.target));
        }
        if let Some(open) = self.cases.remove(&change).and_then(|key| self.open.remove(&key)) {
            self.stop(open.decided, at, (Removal::Planned, Some(open.tier), open.target));
        }
    }

    /// Ends a clock of which nobody knows when it should have stopped.
    fn forget(&mut self, change: ChangeId) {
        if let Some(key) = self.cases.remove(&change) {
            self.open.remove(&key);
        }
    }

    fn stop(&mut self, decided: Time, at: Time, of: (Removal, Option<u8>, String)) {
        if self.span.has(decided) {
            let took = rounded(at.seconds().saturating_sub(decided.seconds()));
            *self.groups.entry(of).or_default().took.entry(took).or_default() += 1;
        }
    }

    fn result(mut self, windows: &Windows, now: Time, log: LogHead) -> Performance {
        let planned = self.open.into_values().map(|open| (open.decided, (Removal::Planned, Some(open.tier), open.target)));
        let sent = self.emergencies.into_values().map(|open| (open.decided, (Removal::Emergency, Some(open.tier), open.target)));
        let calls = self.calls.into_iter().map(|((target, ..), at)| (at, (Removal::Call, None, target)));
        for (decided, of) in planned.chain(sent).chain(calls).filter(|(decided, _)| self.span.has(*decided)) {
            let age = now.seconds().saturating_sub(decided.seconds()).max(0);
            self.groups.entry(of).or_default().open.push(age);
        }
        let paces = self.groups.into_iter().map(|((removal, tier, target), group)| {
            let window = match tier.filter(|_| removal == Removal::Planned) {
                Some(tier) => windows.tier_seconds.get(usize::from(tier)).or(windows.tier_seconds.last()).copied(),
                None => Some(windows.emergency_seconds),
            };
            pace(removal, tier, target, group, window.unwrap_or_default())
        });
        Performance { now, paces: paces.collect(), withdrawn: self.withdrawn, plans_gone: self.plans_gone, beginning: None, log }
    }
}

fn pace(removal: Removal, tier: Option<u8>, target: String, group: Group, window: i64) -> Pace {
    let Group { took, open } = group;
    let confirmed = took.values().sum();
    Pace {
        removal,
        tier,
        target,
        confirmed,
        within: took.range(..=window).map(|(_, count)| count).sum(),
        open: open.len() as u64,
        overdue: open.iter().filter(|age| **age > window).count() as u64,
        oldest_seconds: open.into_iter().max().unwrap_or_default(),
        p50_seconds: rank(&took, confirmed, 50),
        p95_seconds: rank(&took, confirmed, 95),
        max_seconds: took.last_key_value().map_or(0, |(took, _)| *took),
        window_seconds: window,
        took,
    }
}

/// The least time that this share took no longer than (nearest rank).
fn rank(took: &BTreeMap<i64, u64>, all: u64, percent: u64) -> i64 {
    let wanted = (all * percent).div_ceil(100);
    let mut passed = 0;
    let mut within = took.iter().map_while(|(took, count)| {
        let before = passed;
        passed += count;
        (before < wanted).then_some(*took)
    });
    within.by_ref().last().unwrap_or_default()
}

/// Exact below 10,000 s; above, three digits, rounded up: a bounded number of values that makes nothing look faster.
fn rounded(seconds: i64) -> i64 {
    let seconds = seconds.max(0);
    let mut unit = 1;
    while seconds / unit >= 10_000 {
        unit *= 10;
    }
    // Four digits are left; with a unit, three of them are kept.
    let unit = if unit == 1 { 1 } else { unit * 10 };
    seconds.div_euclid(unit).saturating_add(i64::from(seconds % unit != 0)).saturating_mul(unit)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{rank, rounded};

    #[test]
    fn long_times_are_rounded_up_and_short_ones_kept() {
        for (seconds, expected) in
            [(-5, 0), (0, 0), (9_999, 9_999), (10_000, 10_000), (10_001, 10_100), (99_999, 100_000), (123_456, 124_000)]
        {
            assert_eq!(rounded(seconds), expected, "{seconds}");
        }
        let values: std::collections::BTreeSet<i64> = (0..10_000_000).step_by(7).map(rounded).collect();
        assert!(values.len() < 13_000, "{}", values.len());
    }

    #[test]
    fn percentiles_are_of_nearest_rank() {
        let check = |took: &[i64], percent: u64, expected: i64| {
            let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
            took.iter().for_each(|took| *counts.entry(*took).or_default() += 1);
            assert_eq!(rank(&counts, took.len() as u64, percent), expected, "{took:?} {percent}");
        };
        check(&[], 50, 0);
        check(&[7], 50, 7);
        check(&[7], 95, 7);
        check(&[1, 2, 3, 4], 50, 2);
        check(&[1, 2, 3, 4], 95, 4);
        let hundred: Vec<i64> = (1..=100).collect();
        check(&hundred, 50, 50);
        check(&hundred, 95, 95);
        check(&[5, 5, 5, 9], 50, 5);
    }
}
