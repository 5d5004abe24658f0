//! Judging what changed: equal plans, whatever is reused; a rule that breaks its word is found out; damage costs time alone.

use std::fs;
use std::path::{Path, PathBuf};

use trueup::engine::{Planned, Spared};
use trueup::generate::{Profile, Shape};
use trueup::model::{Mode, Time};
use trueup::rule::{Module, RuleEngine, RuleLimits};
use trueup_tests::estate::{self, AS_OF, Setup};
use trueup_tests::reruns::{Month, live};
use trueup_tests::{cli, guests};

const HALF_DAY: i64 = 43_200;

/// A month of a small organisation; gives batches, batches that were reused, batches that were judged again, and changes.
fn check(days: u16, used: bool, stories: bool) -> (u64, u64, u64, u64) {
    let folder = tempfile::tempdir().expect("folder");
    let bytes = fs::read(cli::standard_module().expect("module")).expect("component");
    let module = Module::load(&RuleEngine::new(&RuleLimits::default()).expect("engine"), &bytes).expect("module");
    let shape = Shape { people: 240, machines: 60, teams: 24, entitlements: 540, ..Profile::Demo.shape() };
    let (mut batches, mut reused, mut checked, mut changes) = (0, 0, 0, 0);
    live(&Month { shape, seed: 11, days, part: 3_000, used, stories }, &module, folder.path(), |day| {
        assert_eq!(day.full.report.spared, Spared::default(), "day {}", day.day);
        let report = &day.incremental.report;
        assert!(!report.spared.broken && report.faults.is_empty(), "day {}: {:?}", day.day, report.faults);
        assert!(day.full.report.parts == 1 && report.parts > 3, "{} parts", report.parts);
        if day.day > 0 {
            (batches, reused) = (batches + report.batches, reused + report.spared.reused);
            (checked, changes) = (checked + report.spared.checked, changes + day.incremental.header.changes);
        }
        Ok(())
    })
    .expect("a month");
    (batches, reused, checked, changes)
}

#[test]
fn v01_a_month_is_the_same_whether_all_is_judged_or_what_changed() {
    let (batches, reused, checked, changes) = check(30, false, true);
    println!("30 days with stories: {reused} of {batches} batches reused, {checked} judged again, {changes} changes");
    assert!(reused > 0 && reused < batches && checked > 0 && changes > 0);
    let (batches, reused, _, changes) = check(10, true, false);
    println!("10 days with use: {reused} of {batches} batches reused, {changes} changes");
    assert!(changes > 0);
}

fn plan(folder: &Path, as_of: Time) -> Planned {
    let component = guests::component("promise").expect("guest");
    let setup = Setup { component: &component, files: &["grants.tsv"], threads: 2, slice: 100, mode: Mode::Authoritative };
    let engine = estate::engine(folder, &setup).expect("engine");
    estate::block_on(engine.plan(Some(as_of))).expect("runtime").expect("plan")
}

/// A folder with a file of enough rows for some batches.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("folder");
    let row = |i: u64| (format!("user{:06}", i / 6), format!("team:{:04}", (i * 7_919) % 301), "member".to_owned());
    let rows: Vec<_> = (0..30_000).map(row).collect();
    estate::write_tsv(&folder.path().join("grants.tsv"), rows.iter()).expect("rows");
    folder
}

#[test]
fn a_rule_that_breaks_its_word_is_found_out_and_not_believed_again() {
    let (ours, other) = (folder(), folder());
    let first = plan(ours.path(), AS_OF);
    assert_eq!(first.report.spared, Spared::default());
    let again = plan(ours.path(), AS_OF.plus(60)).report;
    assert!(again.batches > 10 && again.spared.checked == 1, "{again:?}");
    assert_eq!(again.spared.reused, again.batches - 1);

    let noon = AS_OF.plus(HALF_DAY);
    let expected = plan(other.path(), noon);
    for _ in 0..2 {
        let found = plan(ours.path(), noon);
        assert_eq!(found.plan, expected.plan);
        assert!(found.report.spared.broken && found.report.spared.reused == 0, "{:?}", found.report.spared);
    }
    assert_ne!(first.header.summary, expected.header.summary, "the rule answers otherwise at noon");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all
}

#[test]
fn answers_that_are_damaged_or_gone_cost_time_alone() {
    let folder = folder();
    plan(folder.path(), AS_OF);
    let expected = plan(folder.path(), AS_OF.plus(60));
    assert!(expected.report.spared.reused > 0);
    let answers = estate::store(folder.path()).join("answers");
    let (lists, kept): (Vec<_>, Vec<_>) = files(&answers).into_iter().partition(|path| path.starts_with(answers.join("lists")));
    assert!(lists.len() == 2 && !kept.is_empty(), "{lists:?}");
    let damage = |path: &Path| {
        let mut bytes = fs::read(path).expect("file");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        fs::write(path, bytes).expect("file");
    };
    for step in 0..3 {
        match step {
            0 => kept.iter().for_each(|path| damage(path)),
            1 => kept.iter().for_each(|path| fs::remove_file(path).expect("file")),
            _ => files(&answers.join("lists")).iter().for_each(|path| damage(path)),
        }
        let found = plan(folder.path(), AS_OF.plus(60));
        assert_eq!(found.plan, expected.plan, "step {step}");
        // Equal batches share an answer, which is there again once the first of them was judged.
        assert!(found.report.spared.reused < expected.report.spared.reused, "step {step}: {:?}", found.report.spared);
        let found = plan(folder.path(), AS_OF.plus(60));
        assert_eq!((found.plan, found.report.spared), (expected.plan, expected.report.spared), "step {step}");
    }
}
