//! Instants from which something counts are recorded once and never move later.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use trueup::correlate::Recorded;
use trueup::model::{Holding, Mode, Subject, Time};
use trueup::target::{EmbeddedRow, EmbeddedTarget};
use trueup_tests::cli;
use trueup_tests::estate::{self, AS_OF, Setup, StandingClock};

fn day(number: i64) -> Time {
    AS_OF.plus(number * 86_400)
}

/// Runs over one disabled grant that is desired at this level; returns how many changes were confirmed, and what is
/// recorded of it.
fn run(folder: &Path, number: i64, level: &str) -> (u64, Recorded) {
    fs::write(folder.join("grants.tsv"), format!("holder\tobject\tlevel\tenabled\nada\tteam:ops\t{level}\tfalse\n"))
        .expect("rows");
    let component = fs::read(cli::standard_module().expect("module")).expect("component");
    let setup = Setup { component: &component, files: &["grants.tsv"], threads: 1, slice: 10, mode: Mode::Authoritative };
    let engine = estate::engine(folder, &setup).expect("engine").on_clock(Arc::new(StandingClock(day(number))));
    let (_, applied) = estate::block_on(engine.run(Some(day(number)))).expect("runtime").expect("run");
    let rows: Vec<_> = engine.ledger().recorded("acme").expect("recorded").map(|row| row.expect("row")).collect();
    assert_eq!(rows.len(), 1, "{rows:?}");
    (applied.outcomes.confirmed(), rows[0])
}

#[test]
fn v16_an_update_does_not_move_the_day_from_which_it_is_disabled() {
    let folder = tempfile::tempdir().expect("folder");
    let folder = folder.path();
    let target = EmbeddedTarget::open(&folder.join("crm.db"), "crm").expect("target");
    let row = EmbeddedRow {
        subject: Subject::Grant,
        holder: "ada".to_owned(),
        object: "team:ops".to_owned(),
        holding: Holding { enabled: false, level: "member".to_owned(), ..Holding::default() },
        last_used: Time::NONE,
        via: String::new(),
    };
    target.seed([row]).expect("seed");
    drop(target);
    let (confirmed, first) = run(folder, 0, "member");
    assert_eq!((confirmed, first.disabled_since), (0, day(0)));
    let (confirmed, second) = run(folder, 10, "admin");
    assert_eq!((confirmed, second.disabled_since), (1, day(0)));
    assert_ne!(first.state, second.state);
    let (confirmed, third) = run(folder, 20, "admin");
    assert_eq!((confirmed, third), (0, second));
}
