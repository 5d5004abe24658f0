//! Tries the tests: wakes one planted bug after the other and counts the seeds until the simulator finds it.
//! `cargo run --release -p trueup-tests --bin planted [-- --quick]`. Exits with a failure when a bug survives.

use std::collections::BTreeMap;
use std::process::ExitCode;

use trueup::planted::{Bug, select};
use trueup_tests::sim;

/// Seeds that a bug may survive.
const MOST: u64 = 1_000;
/// Where the ranges of seeds begin: far from each other, and from the seeds of the test suite.
const APART: u64 = 10_000_000;

/// What finding one bug took.
struct Found {
    /// Seeds in each range until one failed; [`MOST`] + 1: none did.
    seeds: Vec<u64>,
    /// Which rules were broken, and how often.
    rules: BTreeMap<&'static str, u32>,
}

fn find(bug: Bug, ranges: u64) -> Found {
    select(Some(bug));
    let look = |range: u64| sim::first_failure(range * APART..range * APART + MOST);
    let looks: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2)
            .map(|half| scope.spawn(move || (1..=ranges).filter(|r| r % 2 == half).map(look).collect::<Vec<_>>()))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    });
    select(None);
    let mut found = Found { seeds: Vec::new(), rules: BTreeMap::new() };
    for look in looks {
        match look {
            Some((seeds, failure)) => {
                found.seeds.push(seeds);
                *found.rules.entry(failure.broken.rule).or_default() += 1;
            }
            None => found.seeds.push(MOST + 1),
        }
    }
    found.seeds.sort_unstable();
    found
}

fn main() -> ExitCode {
    // Broken assertions are findings here: their words would only bury the table.
    std::panic::set_hook(Box::new(|_| {}));
    let quick = std::env::args().any(|arg| arg == "--quick");
    let ranges = if quick { 3 } else { 9 };
    let mut survivors = 0;
    println!("{:<22} {:>7} {:>7}  caught by", "bug", "median", "worst");
    for bug in Bug::ALL {
        let found = find(bug, ranges);
        let (median, worst) = (found.seeds[found.seeds.len() / 2], found.seeds[found.seeds.len() - 1]);
        let rules: Vec<String> = found.rules.iter().map(|(rule, times)| format!("{rule} {times}x")).collect();
        let by = if rules.is_empty() { "nothing: it survives".to_owned() } else { format!("simulator: {}", rules.join(", ")) };
        println!("{:<22} {median:>7} {worst:>7}  {by}", format!("{bug:?}"));
        // A quick look is content with one range that finds it; the full one wants most of them to.
        survivors += u32::from(if quick { found.seeds[0] > MOST } else { median > MOST });
    }
    for bug in [Bug::ExpiryOnceOnly, Bug::DenialSkipped] {
        select(Some(bug));
        let swept = sim::expiry::sweep();
        select(None);
        let found = swept.failures.first().map_or("nothing: it survives", String::as_str);
        println!("{:<22} expiry sweep of {} schedules: {found}", format!("{bug:?}"), swept.schedules);
        survivors += u32::from(swept.failures.is_empty());
    }
    let in_ranges = if quick { "all" } else { "most" };
    println!("{} bugs, {survivors} survive {MOST} seeds in {in_ranges} of {ranges} ranges", Bug::ALL.len());
    if survivors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
