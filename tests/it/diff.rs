//! What another version of the rule would decide is what it does decide where it is in use.

use std::collections::BTreeMap;
use std::path::Path;

use trueup::engine::Comparison;
use trueup::model::{CaseKey, ChangeKind, Mode, Subject};
use trueup::plan::PlanFile;
use trueup::rule::{Module, RuleEngine, RuleLimits};
use trueup::target::{EmbeddedRow, EmbeddedTarget};
use trueup_tests::estate::{self, AS_OF, Setup};
use trueup_tests::{cli, guests};

/// Fills a folder: some grants are desired and missing, some are there and not desired, some are both.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("folder");
    let row = |i: u64| (format!("user{:04}", i / 3), format!("team:{:02}", i % 17), "member".to_owned());
    let rows: Vec<_> = (0..3_000).map(row).collect();
    estate::write_tsv(&folder.path().join("grants.tsv"), rows.iter()).expect("rows");
    let held = (1_000..4_000).map(row).map(|(holder, object, level)| EmbeddedRow {
        subject: Subject::Grant,
        holder,
        object,
        holding: trueup::model::Holding { level, ..Default::default() },
        last_used: AS_OF,
        via: String::new(),
    });
    let target = EmbeddedTarget::open(&folder.path().join("crm.db"), "crm").expect("target");
    target.seed(held.collect::<Vec<_>>()).expect("seed");
    folder
}

/// Changes that a rule plans on such a folder, and what it says of the other rule there.
fn check(component: &[u8], other: &[u8]) -> (BTreeMap<CaseKey, ChangeKind>, Comparison) {
    let folder = folder();
    let setup = Setup { component, files: &["grants.tsv"], threads: 2, slice: 100, mode: Mode::Authoritative };
    let engine = estate::engine(folder.path(), &setup).expect("engine");
    let planned = estate::block_on(engine.plan(Some(AS_OF))).expect("runtime").expect("plan");
    let file = PlanFile::open(&engine.store().plan(planned.plan)).expect("plan");
    let changes = file.changes().map(|change| change.map(|change| (change.key, change.kind)).expect("change")).collect();
    let other = Module::load(&RuleEngine::new(&RuleLimits::default()).expect("engine"), other).expect("module");
    let settings = other.check_settings(&Default::default()).expect("settings");
    (changes, engine.compare(&other, &settings).expect("comparison"))
}

#[test]
fn another_version_is_told_to_decide_what_it_does_decide() {
    let standard = std::fs::read(cli::standard_module().expect("module")).expect("component");
    let other = guests::component("by-position").expect("guest");
    let quiet = guests::component("promise").expect("guest");

    let (ours, same) = check(&standard, &standard);
    assert_eq!((same.cases, same.same, same.groups.len()), (4_000, 4_000, 0));
    for module in [&other, &quiet] {
        let (_, found) = check(&standard, module);
        let (theirs, back) = check(module, &standard);
        let only = |a: &BTreeMap<CaseKey, ChangeKind>, b: &BTreeMap<CaseKey, ChangeKind>| {
            a.keys().filter(|key| !b.contains_key(key)).count() as u64
        };
        let altered = ours.iter().filter(|(key, kind)| theirs.get(key).is_some_and(|other| other != *kind)).count() as u64;
        assert_eq!((found.added, found.removed, found.altered), (only(&theirs, &ours), only(&ours, &theirs), altered));
        assert_eq!((back.added, back.removed, back.altered), (found.removed, found.added, found.altered));
        assert_eq!((back.cases, back.same), (found.cases, found.same));
        assert_eq!(found.groups.iter().map(|group| group.cases).sum::<u64>(), found.cases - found.same);
        assert!(found.first.is_sorted_by_key(|difference| u8::MAX - difference.tier) && !found.first.is_empty());
        assert!(found.faults.is_empty(), "{:?}", found.faults);
    }
}

#[test]
fn the_command_line_shows_what_would_change_and_writes_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    let dir = folder.path();
    let module = cli::standard_module().expect("module").display().to_string();
    let text = |args: &[&str], code: i32| {
        let output = cli::trueup(dir, args).expect("trueup");
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    text(&["generate", ".", "--profile", "community", "--module", &module], 0);
    text(&["rule", "diff", &module], 13);
    text(&["plan", "--as-of", "2026-03-01"], 0);
    let plans = |dir: &Path| std::fs::read_dir(dir.join("trueup-store/plans")).expect("plans").count();
    let before = plans(dir);
    assert!(text(&["rule", "diff", &module, "--exit-code"], 0).contains(" decided alike; changes: 0 more, 0 fewer, 0 otherwise"));
    let other = dir.join("promise.wasm");
    std::fs::write(&other, guests::component("promise").expect("guest")).expect("module");
    let shown = text(&["rule", "diff", "promise.wasm", "--exit-code", "--show", "3"], 10);
    assert!(shown.starts_with("promise@1.0.0 beside standard@") && shown.contains("grant (missing) → keep"), "{shown}");
    let json: serde_json::Value = serde_json::from_str(&text(&["rule", "diff", "promise.wasm", "--json"], 0)).expect("JSON");
    assert!(json["removed"].as_u64() > Some(100), "{json}");
    assert_eq!(plans(dir), before);
}
