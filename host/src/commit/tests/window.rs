//! Learned windows: a target whose reads lag behind its writes, ever longer or shorter, judged by what it really showed.

use std::collections::BTreeMap;

use super::world::{grant, plan_id, profile, revoke, run_row};
use crate::audit::Salts;
use crate::commit::window::Windows;
use crate::commit::{Answer, Ask, Call, Core, Flow, Moment, Terms};
use crate::ledger::Entry;
use crate::limits::{LAG_SAMPLES, LAG_SAMPLES_LEAST};
use crate::model::{Change, Holding, State, Time};
use crate::target::{Class, Profile, Reading, Written};

const BEGIN: i64 = 1_000_000;

/// A target that shows a write only when its lag is over. With several replicas each has a lag of its own, and a read asks
/// any of them: it may go back.
struct Lagging {
    random: u64,
    scale: f64,
    replicas: usize,
    /// Per case: what was written, when, and how long each replica takes to show it.
    written: BTreeMap<String, (State, i64, Vec<i64>)>,
    lags: Vec<i64>,
}

impl Lagging {
    fn draw(&mut self) -> f64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Mostly near the scale, seldom several times as much.
    fn lag(&mut self) -> i64 {
        let spread: f64 = (0..6).map(|_| self.draw()).sum::<f64>() / 3.0;
        let lag = (self.scale * (0.4 + spread * spread)).ceil() as i64;
        self.lags.push(lag);
        lag
    }

    fn call(&mut self, call: &Call, tick: i64) -> Answer {
        let key = call.change.key.to_string();
        match &call.ask {
            Ask::Write { after, .. } => {
                let lags = (0..self.replicas).map(|_| self.lag()).collect();
                self.written.insert(key, (after.clone(), tick, lags));
                Answer::Write(Ok(Written::default()), None)
            }
            _ => {
                let replica = (self.draw() * self.replicas as f64) as usize;
                let state = match self.written.get(&key) {
                    Some((after, at, lags)) if tick - at >= lags[replica] => after.clone(),
                    _ => call.change.before.clone(),
                };
                Answer::Read(Ok(Reading::new(state, "")))
            }
        }
    }

    /// Whether a case is shown as it was written by every replica.
    fn is_settled(&self, change: &Change, tick: i64) -> bool {
        self.written.get(&change.key.to_string()).is_some_and(|(_, at, lags)| lags.iter().all(|lag| tick - at >= *lag))
    }
}

fn lagging() -> Profile {
    let mut lagging = profile().lagging(20);
    (lagging.class, lagging.lag_cap, lagging.parallel) = (Class::K1, 2_000, 1_000);
    lagging
}

/// What a commit came to: per change in the order of being written its wait in seconds; how many were confirmed before every
/// replica showed them, and how many ended unconfirmed.
struct Waits {
    waits: Vec<i64>,
    early: usize,
    unconfirmed: u64,
}

/// Commits changes one second apart; from the middle on lags are `shift` times as long.
fn commit(changes: &[Change], replicas: usize, scale: f64, shift: f64, seed: u64) -> (Waits, i64) {
    let mut target = Lagging { random: seed, scale, replicas, written: BTreeMap::new(), lags: Vec::new() };
    let terms = Terms {
        plan: plan_id(),
        changes: changes.len() as u64,
        run: run_row(),
        slice: 1_000,
        epoch: 1,
        flow: Flow { tenant: 10_000, ..Flow::default() },
        profiles: BTreeMap::from([("app".to_owned(), lagging())]),
        openings: Vec::new(),
        denials: Vec::new(),
        events: Vec::new(),
    };
    let mut salts = Salts::from_seed([1; 32]);
    let mut tick = BEGIN;
    let at = |tick: i64| Moment { now: Time::from_seconds(tick), tick };
    let mut core = Core::new(terms, &mut salts, at(tick)).expect("no events");
    let (mut next, mut early) = (0, 0);
    let mut waits: BTreeMap<usize, i64> = BTreeMap::new();
    let index: BTreeMap<_, _> = changes.iter().enumerate().map(|(i, change)| (change.id, i)).collect();
    while !core.is_over() {
        if next < changes.len() && core.room() > 0 {
            if next == changes.len() / 2 {
                target.scale *= shift;
                target.lags.clear();
            }
            core.offer(next as u64, changes[next].clone()).expect("a change");
            next += 1;
            if next == changes.len() {
                core.end_of_plan(next as u64);
            }
        }
        loop {
            let calls = core.step(at(tick)).expect("a step");
            let idle = calls.is_empty();
            for call in calls {
                let answer = target.call(&call, tick);
                core.answer(call.slot, answer, at(tick)).expect("an answer");
            }
            let Some(batch) = core.batch() else {
                if idle {
                    break;
                }
                continue;
            };
            for entry in &batch.entries {
                if let Entry::Change { change, event: crate::commit::Event::Confirmed { .. }, .. } = entry {
                    let change = &changes[index[change]];
                    early += usize::from(!target.is_settled(change, tick));
                    let written = target.written[&change.key.to_string()].1;
                    waits.insert(index[&change.id], tick - written);
                }
            }
            core.durable();
        }
        tick += 1;
    }
    let mut lags = target.lags.clone();
    lags.sort_unstable();
    let longest = lags[(lags.len() - 1) * 999 / 1_000];
    let outcomes = core.finish();
    (Waits { waits: waits.into_values().collect(), early, unconfirmed: outcomes.changes - outcomes.confirmed() }, longest)
}

fn grants(number: usize) -> Vec<Change> {
    (0..number).map(|i| grant(&format!("h{i}"), &format!("group:{i}"))).collect()
}

/// The first sample after the shift from which on no wait is longer than twice the lag that one in a thousand exceeds.
fn learned_after(waits: &[i64], shifted: usize, longest: i64) -> usize {
    let late = waits[shifted..].iter().rposition(|wait| *wait > 2 * longest);
    late.map_or(0, |last| last + 1)
}

#[test]
fn v34_a_lag_that_shifts_tenfold_is_learned_and_never_believed_too_early() {
    let number = 4_000;
    for (replicas, shift) in [(1, 10.0), (1, 0.1), (3, 10.0), (3, 0.1)] {
        let (mut early, mut most) = (0, 0);
        for seed in 0..5 {
            let scale = if shift > 1.0 { 8.0 } else { 80.0 };
            let (found, longest) = commit(&grants(number), replicas, scale, shift, seed * 7_919 + 1);
            assert_eq!(found.unconfirmed, 0, "{replicas} replicas, shift {shift}, seed {seed}");
            assert_eq!(found.waits.len(), number);
            early += found.early;
            most = most.max(learned_after(&found.waits, number / 2, longest));
        }
        println!(
            "{replicas} replicas, lags x {shift}: {early} confirmed too early of {}, learned within {most} samples",
            5 * number
        );
        assert_eq!(early, 0, "{replicas} replicas, shift {shift}: confirmed before every replica showed it");
        assert!(most <= 1_200, "{replicas} replicas, shift {shift}: learned only after {most} samples");
    }
}

#[test]
fn v34_grants_and_revokes_have_windows_of_their_own() {
    let mut changes = grants(600);
    changes.extend((0..600).map(|i| revoke(&format!("r{i}"), &format!("team:{i}"))));
    let (found, _) = commit(&changes, 1, 8.0, 10.0, 3);
    let longest = |range: std::ops::Range<usize>| found.waits[range].iter().copied().max().unwrap_or(0);
    // Revokes take ten times as long to show; grants before them were believed within their own window.
    assert_eq!((found.early, found.unconfirmed), (0, 0));
    assert!(longest(100..600) <= 60 && longest(700..1_200) > 60, "{} {}", longest(100..600), longest(700..1_200));
    assert_eq!(changes[600].before, Some(Holding::default()));
}

#[test]
fn v34_what_is_believed_of_a_lag_follows_its_newest_samples() {
    let lagging = profile().lagging(20);
    let mut windows = Windows::default();
    let measured = |windows: &mut Windows, times: usize, lag| (0..times).for_each(|_| windows.measured("app", false, lag));
    // What is believed, and whether too little is known to rely on it.
    let known = |windows: &Windows| (windows.bound("app", &lagging, false), windows.is_young("app", false));
    assert_eq!(known(&windows), (20, true));
    measured(&mut windows, LAG_SAMPLES_LEAST - 1, 8);
    assert_eq!(known(&windows), (20, true));
    measured(&mut windows, 1, 8);
    // A quarter more than the longest.
    assert_eq!(known(&windows), (10, false));
    // A read that came too early for that: twice its age, until enough newer lags say otherwise.
    windows.late("app", false, 30);
    windows.late("app", false, 9);
    assert_eq!(known(&windows), (60, false));
    measured(&mut windows, LAG_SAMPLES_LEAST - 1, 8);
    windows.late("app", false, 25);
    measured(&mut windows, LAG_SAMPLES_LEAST - 1, 8);
    assert_eq!(known(&windows), (60, false));
    measured(&mut windows, 1, 8);
    assert_eq!(known(&windows), (10, false));
    // The longest stands until it is no longer among the newest.
    measured(&mut windows, 1, 100);
    measured(&mut windows, LAG_SAMPLES - 1, 8);
    assert_eq!(known(&windows), (125, false));
    measured(&mut windows, 1, 8);
    assert_eq!(known(&windows), (10, false));
    // Never more than the profile allows, and nothing of another direction, target or of one without lag.
    windows.late("app", false, 1_000);
    assert_eq!(known(&windows), (200, false));
    assert_eq!((windows.bound("app", &lagging, true), windows.is_young("app", true)), (20, true));
    assert_eq!((windows.bound("hr", &lagging, false), windows.is_young("hr", false)), (20, true));
    assert_eq!(windows.bound("app", &profile(), false), 0);
}
