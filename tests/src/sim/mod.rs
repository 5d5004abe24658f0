//! A simulator of commits: one thread, one seed, one story. It drives the commit core step by step against fake targets of
//! every class, a disk and a network that fail in every way at once, and lets an oracle judge what comes of it.
//!
//! `cargo run --release -p trueup-tests --bin sim -- --seeds 100000`; one seed again, as a story: `--seed 17 --trace`.

mod calls;
mod disk;
pub mod expiry;
mod faults;
mod life;
mod oracle;
mod plan;
mod process;
mod replace;
mod rng;
mod swarm;
mod tally;
mod target;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

pub use oracle::Broken;
pub use tally::{Arrow, Tally, events, legal_arrows, statuses};

/// Seeds that once failed, one per line.
pub const ONCE_FAILED: &str = include_str!("../../fixtures/sim-seeds.txt");

/// A seed that broke a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What it broke.
    pub broken: Broken,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Broken { rule, words, tick } = &self.broken;
        write!(f, "seed {}: {rule} at tick {tick}: {words}", self.seed)
    }
}

/// Lives through one seed.
#[must_use]
pub fn one(seed: u64, trace: bool) -> (Tally, Option<Failure>) {
    // A mistake of the core's may also show as a broken assertion.
    match std::panic::catch_unwind(|| world::live(seed, trace)) {
        Ok(ended) => (ended.tally, ended.broken.map(|broken| Failure { seed, broken })),
        Err(_) => {
            let broken = Broken { rule: "panic", words: "the core gave up".to_owned(), tick: 0 };
            (Tally { seeds: 1, ..Tally::default() }, Some(Failure { seed, broken }))
        }
    }
}

/// Lives through seeds on so many threads, until this many have failed. Failures are sorted by seed.
#[must_use]
pub fn many(seeds: std::ops::Range<u64>, threads: usize, failures: usize) -> (Tally, Vec<Failure>) {
    let next = AtomicU64::new(seeds.start);
    let total = Mutex::new((Tally::default(), Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut tally = Tally::default();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    let (one, failure) = one(seed, false);
                    tally.add(one);
                    if let Some(failure) = failure {
                        let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                        total.1.push(failure);
                        if total.1.len() >= failures {
                            next.store(seeds.end, Ordering::Relaxed);
                        }
                    }
                }
                total.lock().unwrap_or_else(PoisonError::into_inner).0.add(tally);
            });
        }
    });
    let (tally, mut failures) = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    failures.sort_by_key(|failure: &Failure| failure.seed);
    (tally, failures)
}

/// The seeds that once failed.
pub fn once_failed() -> impl Iterator<Item = u64> {
    let lines = ONCE_FAILED.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_whitespace().next()?.parse().ok())
}

/// How many seeds of a range it takes until one fails, and which rule it breaks. `None`: none of them did.
#[must_use]
pub fn first_failure(seeds: std::ops::Range<u64>) -> Option<(u64, Failure)> {
    let start = seeds.start;
    seeds.into_iter().find_map(|seed| one(seed, false).1.map(|failure| (seed - start + 1, failure)))
}
