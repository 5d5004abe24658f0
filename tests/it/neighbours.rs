//! Tenants of one process: what the rule of one does costs the others nothing but time.

use std::path::Path;
use std::thread;

use trueup::engine::{Applied, Planned};
use trueup::model::Mode;
use trueup::rule::{RuleEngine, RuleLimits};
use trueup_tests::estate::{self, AS_OF, Setup};
use trueup_tests::guests;

/// Plans and commits for a tenant, whose rule runs in this engine beside those of all others.
fn run(rules: &RuleEngine, folder: &Path, component: &[u8]) -> (Planned, Applied) {
    let holder = |i: u64| if i == 40 { "poison".to_owned() } else { format!("user{:03}", i / 2) };
    let rows: Vec<_> = (0..600).map(|i| (holder(i), format!("team:{:02}", i % 7), "member".to_owned())).collect();
    estate::write_tsv(&folder.join("grants.tsv"), rows.iter()).expect("rows");
    let setup = Setup { component, files: &["grants.tsv"], threads: 2, slice: 100, mode: Mode::Authoritative };
    let engine = estate::engine_within(rules, folder, &setup).expect("engine");
    estate::block_on(engine.run(Some(AS_OF))).expect("runtime").expect("run")
}

#[test]
fn v03_a_rule_that_fails_changes_nothing_for_other_tenants() {
    let rules = RuleEngine::new(&RuleLimits::default()).expect("engine");
    let sound = guests::component("by-position").expect("guest");
    let folder = || tempfile::tempdir().expect("folder");
    let alone = folder();
    let (alone, _) = run(&rules, alone.path(), &sound);
    let bad = ["trap", "endless-loop", "memory-bomb", "log-flood"].map(|name| guests::component(name).expect(name));
    let (beside, failed) = thread::scope(|scope| {
        let rules = &rules;
        let failing: Vec<_> = bad.iter().map(|bad| scope.spawn(move || run(rules, folder().path(), bad))).collect();
        let sound = scope.spawn(|| run(rules, folder().path(), &sound));
        let failed: Vec<_> = failing.into_iter().map(|one| one.join().expect("a run")).collect();
        (sound.join().expect("a run"), failed)
    });
    let (planned, applied) = beside;
    assert_eq!((planned.plan, planned.report.faults.len()), (alone.plan, 0), "{:?}", planned.report.faults);
    assert_eq!(applied.outcomes.confirmed.values().sum::<u64>(), planned.header.changes);
    assert!(planned.header.changes > 100, "{:?}", planned.header);
    for (planned, applied) in failed {
        assert!(!planned.report.faults.is_empty(), "{:?}", planned.report);
        assert_eq!(applied.outcomes.confirmed.values().sum::<u64>(), planned.header.changes, "its own run ends as any other");
    }
}
