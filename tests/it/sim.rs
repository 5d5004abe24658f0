//! Ten thousand seeds of the simulator, the seeds that once failed, and the planted bugs that show that it can find one.
//! `cargo run --release -p trueup-tests --bin sim` lives through as many as there is time for.

use std::process::Command;

use trueup::commit::next;
use trueup_tests::sim;

/// Seeds in the suite.
const SEEDS: u64 = 10_000;

#[test]
fn i1_to_i6_hold_in_ten_thousand_stories_of_every_fault_at_once() {
    let again: Vec<_> = sim::once_failed().filter_map(|seed| sim::one(seed, false).1).collect();
    assert!(again.is_empty(), "seeds that once failed do so again: {again:#?}");
    let (tally, failures) = sim::many(0..SEEDS, 2, 5);
    assert!(failures.is_empty(), "{}", failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    // V35: each mutation of a target is joined with the one leaf that tells of it.
    assert!(tally.joined > 10 * SEEDS, "{} mutations were joined", tally.joined);
    let (changes, shared) = tally.medians();
    assert!(changes >= 20 && shared >= 3, "seeds are too small: {changes} changes, {shared} shared namespaces");
    let rare = tally.rare(100);
    assert!(rare.is_empty(), "arrows that are hardly ever taken: {rare:?}");
}

#[test]
fn every_arrow_that_is_not_legal_is_refused() {
    let legal = sim::legal_arrows();
    let (statuses, events) = (sim::statuses(), sim::events());
    let mut refused = 0;
    for status in &statuses {
        for event in events.iter().filter(|event| !legal.contains(&(status.name(), event.name()))) {
            let error = next(status, event).expect_err("refused");
            assert_eq!((error.status, error.event), (status.name(), event.name()));
            refused += 1;
        }
    }
    assert!(refused > 5 * legal.len(), "{refused} refused, {} legal", legal.len());
}

#[test]
fn v15_v29_what_ended_is_given_again_by_no_schedule_of_crashes_and_retries() {
    let swept = sim::expiry::sweep();
    assert!(swept.failures.is_empty(), "{:#?}", swept.failures);
    println!("{} schedules, {} with a crash", swept.schedules, swept.crashes);
    assert!(swept.schedules > 100_000 && swept.latest < sim::expiry::LAST_END, "{swept:?}");
    assert!(swept.given * 3 > swept.schedules && swept.repeated * 5 > swept.schedules, "{swept:?}");
}

#[test]
fn every_planted_bug_is_found() {
    let output = Command::new(env!("CARGO_BIN_EXE_planted")).arg("--quick").output().expect("planted");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}");
    assert!(told.lines().count() > 10, "{told}");
    let joined = told.lines().find(|line| line.starts_with("LeafTellsBefore")).unwrap_or_default();
    assert!(joined.contains("V35"), "a leaf that tells another state joins nothing: {told}");
}
