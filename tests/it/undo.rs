//! Operators against the default rule: what they undo or deny stays so, until they say otherwise.

use std::path::Path;
use std::sync::Arc;

use trueup::engine::{Engine, Release};
use trueup::ledger::{Batch, Entry};
use trueup::model::{Denial, GateKind, Mode, Time};
use trueup::target::EmbeddedTarget;
use trueup::{Lift, Planned};
use trueup_tests::cli;
use trueup_tests::estate::{self, AS_OF, Setup, StandingClock};

/// An engine an hour after the one before.
fn engine(folder: &Path, hour: i64) -> Engine {
    let component = std::fs::read(cli::standard_module().expect("module")).expect("component");
    let setup = Setup { component: &component, files: &["grants.tsv"], threads: 1, slice: 10, mode: Mode::Authoritative };
    estate::engine(folder, &setup).expect("engine").on_clock(Arc::new(StandingClock(AS_OF.plus(hour * 3_600))))
}

fn run(folder: &Path, hour: i64) -> Planned {
    estate::block_on(engine(folder, hour).run(None)).expect("runtime").expect("run").0
}

fn list(folder: &Path, holders: &[&str]) {
    let rows: Vec<_> = holders.iter().map(|who| ((*who).to_owned(), "team:ops".to_owned(), "member".to_owned())).collect();
    estate::write_tsv(&folder.join("grants.tsv"), rows.iter()).expect("rows");
}

fn holders(folder: &Path) -> Vec<String> {
    let target = EmbeddedTarget::open(&folder.join("crm.db"), "crm").expect("target");
    target.dump().expect("rows").into_iter().map(|row| row.holder).collect()
}

#[test]
fn v39_what_an_operator_undoes_is_not_given_again_while_sources_still_list_it() {
    let folder = tempfile::tempdir().expect("folder");
    let folder = folder.path();
    list(folder, &["ada", "ben"]);
    let given = run(folder, 0);
    assert_eq!(holders(folder), ["ada", "ben"]);
    let undo = estate::block_on(engine(folder, 1).rollback(given.plan, &[])).expect("runtime").expect("rollback");
    assert_eq!(undo.header.summary.by_kind, [("revoke".to_owned(), 2)].into());
    estate::block_on(engine(folder, 1).apply(undo.plan)).expect("runtime").expect("apply");
    assert_eq!(holders(folder), Vec::<String>::new());
    let next = run(folder, 2);
    assert_eq!((next.header.changes, next.header.summary.kept.get("withheld")), (0, Some(&2)), "{:?}", next.header.summary);

    // To undo the undoing gives access: that waits for an approval.
    let redo = estate::block_on(engine(folder, 3).rollback(undo.plan, &[])).expect("runtime").expect("rollback");
    estate::block_on(engine(folder, 3).apply(redo.plan)).expect("runtime").expect("apply");
    assert_eq!(holders(folder), Vec::<String>::new());
    let mut release = Release::default();
    (release.gate, release.by, release.why) = (Some(GateKind::Approval), "ada".to_owned(), "a test".to_owned());
    assert_eq!(engine(folder, 4).release(&release).expect("release").len(), 2);
    estate::block_on(engine(folder, 4).apply(redo.plan)).expect("runtime").expect("apply");
    assert_eq!(holders(folder), ["ada", "ben"]);
    assert_eq!(run(folder, 5).header.changes, 0);
}

#[test]
fn v29_the_default_rule_gives_nothing_that_is_denied_until_it_is_lifted() {
    let folder = tempfile::tempdir().expect("folder");
    let folder = folder.path();
    list(folder, &["ada", "ben"]);
    run(folder, 0);
    let deny = engine(folder, 1);
    let (target, holder, object) = ("crm".to_owned(), "ada".to_owned(), String::new());
    let (by, why) = ("eve".to_owned(), "a leak".to_owned());
    let denial = Denial { target, holder, object, by, why, at: AS_OF, settled_at: Time::NONE, lifted_at: Time::NONE };
    let owned = deny.ledger().acquire("acme").expect("the only writer");
    let batch = Batch { entries: vec![Entry::Denied(denial)], leaves: Vec::new() };
    let ticket = deny.ledger().submit(&owned, batch).expect("submit");
    deny.ledger().wait(ticket).expect("durable");
    drop((owned, deny));

    run(folder, 2);
    assert_eq!(holders(folder), ["ben"]);
    for hour in 3..6 {
        let kept_away = run(folder, hour);
        assert_eq!(kept_away.header.changes, 0, "{:?}", kept_away.header.summary);
    }
    let mut lift = Lift::default();
    (lift.target, lift.holder, lift.by, lift.why) = ("crm".into(), "ada".into(), "ben".into(), "cleared".into());
    engine(folder, 6).lift(&lift).expect("lift");
    assert!(engine(folder, 6).denials().expect("denials").iter().all(|denial| !denial.stands()));
    run(folder, 7);
    assert_eq!(holders(folder), ["ada", "ben"], "it is still listed");
    assert!(engine(folder, 8).verify_log().expect("log").is_ok());
}
