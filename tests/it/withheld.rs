//! What was taken away while sources still listed it is not given back, until they stop listing it and list it anew.

use std::path::Path;
use std::sync::Arc;

use trueup::engine::{Applied, Planned};
use trueup::model::{Mode, Subject, Time};
use trueup::target::{EmbeddedRow, EmbeddedTarget};
use trueup_tests::cli;
use trueup_tests::estate::{self, AS_OF, Setup, StandingClock};

const ADA: (&str, &str) = ("ada", "team:ops");
const BEN: (&str, &str) = ("ben", "team:dev");

fn day(number: i64) -> Time {
    AS_OF.plus(number * 86_400)
}

/// One run of one day over what the source lists. The clock passes an hour for a day: one that jumped would hold all changes.
fn run(folder: &Path, number: i64, listed: &[(&str, &str)]) -> (Planned, Applied) {
    run_at(folder, AS_OF.plus(number * 3_600), day(number), listed)
}

/// The same, where the clock says something else than the plan.
fn run_at(folder: &Path, clock: Time, as_of: Time, listed: &[(&str, &str)]) -> (Planned, Applied) {
    let rows: Vec<_> = listed.iter().map(|(who, what)| ((*who).to_owned(), (*what).to_owned(), "member".to_owned())).collect();
    estate::write_tsv(&folder.join("grants.tsv"), rows.iter()).expect("rows");
    let component = std::fs::read(cli::standard_module().expect("module")).expect("component");
    let setup = Setup { component: &component, files: &["grants.tsv"], threads: 1, slice: 10, mode: Mode::Authoritative };
    let engine = estate::engine(folder, &setup).expect("engine").on_clock(Arc::new(StandingClock(clock)));
    estate::block_on(engine.run(Some(as_of))).expect("runtime").expect("run")
}

/// What the target's own journal says was done to a grant.
fn operations(folder: &Path, (holder, object): (&str, &str)) -> Vec<String> {
    let target = EmbeddedTarget::open(&folder.join("crm.db"), "crm").expect("target");
    let rows = target.journal().expect("journal").into_iter();
    rows.filter(|row| row.holder == holder && row.object == object).map(|row| row.operation).collect()
}

fn used(folder: &Path, (holder, object): (&str, &str), at: Time) {
    let target = EmbeddedTarget::open(&folder.join("crm.db"), "crm").expect("target");
    let (holder, object) = (holder.to_owned(), object.to_owned());
    let (holding, via) = (Default::default(), String::new());
    target.use_all(&[EmbeddedRow { subject: Subject::Grant, holder, object, holding, last_used: at, via }]).expect("use");
}

#[test]
fn what_was_revoked_unused_stays_away_until_it_is_listed_anew() {
    let folder = tempfile::tempdir().expect("folder");
    let folder = folder.path();
    let (planned, _) = run(folder, 0, &[ADA, BEN]);
    assert_eq!(planned.header.changes, 2, "{:?}", planned.header.summary);
    used(folder, ADA, day(1));
    used(folder, BEN, day(400));

    let (planned, applied) = run(folder, 401, &[ADA, BEN]);
    assert_eq!(planned.header.summary.by_kind, [("revoke".to_owned(), 1)].into(), "{:?}", planned.header.summary);
    assert_eq!(applied.outcomes.confirmed(), 1, "{:?}", applied.outcomes);
    for later in 402..405 {
        let (planned, _) = run(folder, later, &[ADA, BEN]);
        assert_eq!(planned.header.changes, 0, "day {later}: {:?}", planned.header.summary);
        assert_eq!(planned.header.summary.kept.get("withheld"), Some(&1), "day {later}: {:?}", planned.header.summary);
    }
    assert_eq!(operations(folder, ADA), ["grant", "revoke"]);

    let (planned, _) = run(folder, 405, &[BEN]);
    assert_eq!(planned.header.changes, 0, "{:?}", planned.header.summary);
    let (planned, applied) = run(folder, 406, &[ADA, BEN]);
    assert_eq!(planned.header.summary.by_kind, [("grant".to_owned(), 1)].into(), "{:?}", planned.header.summary);
    assert_eq!(applied.outcomes.confirmed(), 1, "{:?}", applied.outcomes);
    let (planned, _) = run(folder, 407, &[ADA, BEN]);
    assert_eq!(planned.header.changes, 0, "{:?}", planned.header.summary);
    assert_eq!(operations(folder, ADA), ["grant", "revoke", "grant"]);
    assert_eq!(operations(folder, BEN), ["grant"]);
}

#[test]
fn v15_a_wish_read_in_the_second_of_the_removal_waits_for_the_next() {
    let folder = tempfile::tempdir().expect("folder");
    let folder = folder.path();
    let at = |second: i64, number: i64, listed: &[(&str, &str)]| run_at(folder, day(1_000).plus(second), day(number), listed);
    at(0, 0, &[ADA, BEN]);
    at(1, 1, &[BEN]);
    let (planned, _) = at(1, 2, &[ADA, BEN]);
    assert_eq!((planned.header.changes, planned.header.summary.held.get("stale-desire")), (0, Some(&1)));
    let (planned, _) = at(2, 3, &[ADA, BEN]);
    assert_eq!(planned.header.changes, 1, "{:?}", planned.header.summary);
    assert_eq!(operations(folder, ADA), ["grant", "revoke", "grant"]);
}
