//! What planning holds in memory does not follow the size of the estate: the peak of a process that plans, read from the system,
//! for one estate and for one that is four times as large, in parts and in one piece. The catalogue counts the holders of
//! something that a few have.

use std::fs;
use std::process::Command;

use super::estate::{Estate, block_on, held};
use crate::decide::fixture::NOW;
use crate::model::{Holding, Subject, Time};

/// How the process that is measured learns how many people there are, and how many facts make a part.
const TERMS: &str = "TRUEUP_MEASURED_PLAN";
const PEOPLE: usize = 5_000;
const GRANTS_EACH: usize = 8;
/// How many hold what is counted.
const FEW: usize = 40;
const PART: u64 = 4_000;

/// Not a test of its own: the process whose peak is measured.
#[test]
#[ignore = "run by the test that measures it"]
fn plans_in_a_process_of_its_own() {
    let Ok(terms) = std::env::var(TERMS) else { return };
    let (people, part) = terms.split_once(' ').unwrap();
    let rows = (0..people.parse().unwrap()).flat_map(|i: usize| {
        let object = move |nth: usize| if i < FEW && nth == 0 { "vault".to_owned() } else { format!("team:{nth}-of-{}", i % 50) };
        let end = move |nth: usize| if i == FEW && nth == 0 { NOW - 1 } else { 0 };
        (0..GRANTS_EACH).map(move |nth| held(&format!("person-{i:06}"), &object(nth), end(nth)))
    });
    let mut estate = Estate::new(rows);
    fs::write(estate.path("entitlements.tsv"), "object\tmin_holders\nvault\t2\n").unwrap();
    estate.part = part.parse().unwrap();
    // Planning alone: replaying it, as this estate does otherwise, holds all of it in memory.
    let (planned, planning) = peak_of(|| block_on(estate.engine().plan(None)).unwrap());
    // Somebody edits what has ended, so that its holder is looked at again.
    let (holder, object) = (format!("person-{FEW:06}"), format!("team:0-of-{}", FEW % 50));
    let after = Holding { level: "admin".to_owned(), expires_at: Time::from_seconds(NOW - 1), ..Holding::default() };
    let edited = estate.shop.inner.foreign_edit(Time::from_seconds(NOW), Subject::Grant, &holder, &object, Some(&after));
    assert!(edited.unwrap());
    let (applied, committing) = peak_of(|| estate.apply(planned.plan));
    assert_eq!(applied.amendments.iter().map(|amended| amended.outcomes.confirmed()).collect::<Vec<_>>(), [1]);
    // The harness has begun a line.
    println!("\nmeasured {planning} {committing} {} {}", planned.report.cases, planned.report.parts);
}

/// What something gives, and the peak of this process while it was done, in KiB.
fn peak_of<T>(done: impl FnOnce() -> T) -> (T, u64) {
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let done = done();
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim_end_matches(" kB").trim();
    (done, peak.parse().unwrap())
}

/// The peaks of a process while it plans, and while it commits and amends, in KiB.
fn peaks(people: usize, part: u64) -> [u64; 2] {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["engine::tests::memory::plans_in_a_process_of_its_own", "--exact", "--ignored", "--nocapture"]);
    // One heap for all threads: how many there are is not what is measured.
    let output = child.env(TERMS, format!("{people} {part}")).env("MALLOC_ARENA_MAX", "1").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let figures = text.lines().find_map(|line| line.strip_prefix("measured ")).unwrap();
    let figures: Vec<u64> = figures.split(' ').map(|figure| figure.parse().unwrap()).collect();
    let facts = (people * GRANTS_EACH) as u64;
    assert_eq!((figures[2], figures[3]), (facts, facts.div_ceil(part).max(1)), "{people} people, {part} facts a part");
    [figures[0], figures[1]]
}

#[test]
fn v40_planning_in_parts_takes_little_more_memory_for_an_estate_four_times_as_large() {
    let [[few, few_amended], [many, many_amended]] = [PEOPLE, 4 * PEOPLE].map(|people| peaks(people, PART));
    let [[few_whole, _], [many_whole, _]] = [PEOPLE, 4 * PEOPLE].map(|people| peaks(people, u64::MAX));
    println!("peak in KiB: {few} and {many} in parts of {PART} facts, {few_whole} and {many_whole} in one piece");
    println!("peak in KiB of committing and amending: {few_amended} and {many_amended}");
    let facts = (3 * PEOPLE * GRANTS_EACH) as u64;
    let (grown, grown_whole) = (many.saturating_sub(few) * 1_024 / facts, many_whole.saturating_sub(few_whole) * 1_024 / facts);
    println!("bytes for each further fact: {grown} in parts, {grown_whole} in one piece");
    assert!(grown <= 100, "{grown} bytes for each further fact: something is kept of every fact");
    assert!(3 * grown <= grown_whole, "parts save too little: {grown} bytes for each further fact, {grown_whole} in one piece");
    let amended = many_amended.saturating_sub(few_amended) * 1_024 / facts;
    assert!(amended <= 100, "{amended} bytes for each further fact: amending keeps something of every fact");
}
