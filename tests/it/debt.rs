//! The backlog of clean-up is counted by every plan, and falls when the plan is applied.

use std::path::Path;
use std::sync::Arc;

use trueup::debt::Kind;
use trueup::engine::{Engine, Owed};
use trueup::model::Mode;
use trueup_tests::cli;
use trueup_tests::estate::{self, AS_OF, Setup, StandingClock};

fn engine(folder: &Path, hour: i64, mode: Mode, listed: &[(&str, &str)]) -> Engine {
    let rows: Vec<_> = listed.iter().map(|(who, what)| ((*who).to_owned(), (*what).to_owned(), "member".to_owned())).collect();
    estate::write_tsv(&folder.join("grants.tsv"), rows.iter()).expect("rows");
    let component = std::fs::read(cli::standard_module().expect("module")).expect("component");
    let setup = Setup { component: &component, files: &["grants.tsv"], threads: 1, slice: 10, mode };
    estate::engine(folder, &setup).expect("engine").on_clock(Arc::new(StandingClock(AS_OF.plus(hour * 3_600))))
}

#[test]
fn what_nobody_wants_is_owed_until_it_is_taken_away() {
    let folder = tempfile::tempdir().expect("folder");
    let (ada, ben) = (("ada", "team:ops"), ("ben", "team:dev"));
    let steps = [
        (Mode::Authoritative, &[ada, ben][..]),
        (Mode::Observe, &[ada]),
        (Mode::Observe, &[ada]),
        (Mode::Authoritative, &[ada]),
        (Mode::Authoritative, &[ada]),
    ];
    for (hour, (mode, listed)) in (0..).zip(steps) {
        let engine = engine(folder.path(), hour, mode, listed);
        estate::block_on(engine.run(Some(AS_OF.plus(hour * 3_600)))).expect("runtime").expect("run");
    }
    let owed = engine(folder.path(), 9, Mode::Observe, &[ada]).debt(10).expect("debt");
    let trend = |count: fn(&Owed) -> u64| owed.iter().map(count).collect::<Vec<_>>();
    // Each run tells what it found: the fourth takes it away, and the fifth finds nothing.
    assert_eq!(trend(|owed| owed.debt.held), [0, 2, 2, 2, 1]);
    assert_eq!(trend(|owed| owed.debt.of(Kind::Unwanted)), [0, 1, 1, 1, 0]);
    let listed = |owed: &Owed| owed.debt.by_kind.get(&Kind::Unwanted).and_then(|tally| tally.worst.first().cloned());
    let (second, third) = (listed(&owed[1]).expect("listed"), listed(&owed[2]).expect("listed"));
    assert_eq!((second.key.holder.as_str(), second.since), ("ben", AS_OF.plus(3_600)));
    assert_eq!(third.since, second.since, "its age is told from the first run that saw it");
    let last = engine(folder.path(), 9, Mode::Observe, &[ada]).debt(1).expect("debt");
    assert_eq!(last, owed[4..], "the newest runs are told");
}

#[test]
fn the_command_shows_counts_a_trend_and_the_worst() {
    let folder = tempfile::tempdir().expect("folder");
    let module = cli::standard_module().expect("module").display().to_string();
    let at = |args: &[&str]| cli::trueup(folder.path(), args).expect("trueup");
    let made = at(&["generate", "estate", "--profile", "community", "--module", &module]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let home = folder.path().join("estate");
    let text = |args: &[&str]| {
        let output = cli::trueup(&home, args).expect("trueup");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let none = cli::trueup(&home, &["debt"]).expect("trueup");
    assert!(String::from_utf8_lossy(&none.stderr).contains("begin with `trueup plan`"), "{none:?}");
    for hour in ["06", "07"] {
        text(&["plan", "--as-of", &format!("2026-03-02T{hour}:00:00Z")]);
    }
    let told = cli::json(&home, &["debt"]).expect("json");
    let runs = told["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 2, "{told}");
    let unused = runs[1]["debt"]["by_kind"]["unused"]["cases"].as_u64().expect("unused");
    assert!(unused > 20, "{told}");
    let shown = text(&["debt"]);
    for kind in Kind::ALL {
        assert!(shown.contains(&format!("  {} ", kind.name())), "{kind}: {shown}");
    }
    assert!(shown.contains("2026-03-02 to 2026-03-02, a bar for each run"), "{shown}");
    let worst = text(&["debt", "unused"]);
    assert!(worst.contains(&format!("… and {} more", unused - 20)), "{worst}");
    assert_eq!(worst.lines().filter(|line| line.starts_with("  tier ")).count(), 20, "{worst}");
    let wrong = cli::trueup(&home, &["debt", "used"]).expect("trueup");
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("kinds are orphaned, unwanted"), "{wrong:?}");
}
