//! What moved while a plan was committed is looked at again in the same run.

use std::collections::BTreeSet;

use super::estate::{Estate, Trouble, held};
use crate::decide::fixture::{HOUR, NOW};
use crate::engine::{Amended, Applied, Release};
use crate::model::{GateKind, Holding, PlanId, Subject, Time};

/// Somebody else changes the level of something that ends then.
fn edit(estate: &Estate, holder: &str, object: &str, end: i64) {
    let after = Holding { level: "admin".to_owned(), expires_at: Time::from_seconds(end), ..Holding::default() };
    assert!(estate.shop.inner.foreign_edit(Time::from_seconds(NOW), Subject::Grant, holder, object, Some(&after)).unwrap());
}

/// Plans what has expired, lets somebody else at it, and applies the plan.
fn applied(estate: &Estate, edits: impl FnOnce(&Estate)) -> (PlanId, Applied) {
    let plan = estate.plan().plan;
    edits(estate);
    (plan, estate.apply(plan))
}

fn only(applied: &Applied) -> &Amended {
    let [amended] = applied.amendments.as_slice() else { panic!("{} amendments", applied.amendments.len()) };
    amended
}

#[test]
fn what_moved_is_read_again_and_planned_anew() {
    let estate = Estate::new([held("ann", "team:a", NOW - 1), held("bob", "team:a", NOW - 1)]);
    let (plan, applied) = applied(&estate, |estate| edit(estate, "ann", "team:a", NOW - 1));
    assert_eq!((applied.outcomes.confirmed(), applied.outcomes.ended.get("superseded")), (1, Some(&1)));
    let amended = only(&applied);
    assert_eq!(amended.identities, BTreeSet::from(["ann".to_owned()]));
    assert_eq!((amended.outcomes.confirmed(), amended.outcomes.changes, amended.replanned), (1, 1, 0));
    let file = estate.file(amended.plan);
    assert_eq!(file.header().inputs.amends, Some(plan));
    let change = file.changes().next().unwrap().unwrap();
    assert_eq!(change.before.unwrap().level, "admin");
    assert!(estate.holds().is_empty() && !applied.waits() && applied.contended.is_empty());
    assert_eq!((estate.run().0.header.changes, estate.writes_of("ann")), (0, 2), "edited, revoked");
}

#[test]
fn what_somebody_else_renewed_meanwhile_stays() {
    let estate = Estate::new([held("ann", "team:a", NOW - 1)]);
    let (_, applied) = applied(&estate, |estate| edit(estate, "ann", "team:a", NOW + HOUR));
    assert_eq!((only(&applied).outcomes.changes, estate.holds()), (0, vec!["ann/team:a".to_owned()]));
}

#[test]
fn what_moves_each_time_is_contended_and_left_to_the_next_run() {
    let estate = Estate::new([held("ann", "team:a", NOW - 1), held("bob", "team:a", NOW - 1)]);
    estate.shop.restless.lock().unwrap().insert("ann".to_owned());
    let (plan, applied) = applied(&estate, |_| ());
    assert_eq!(applied.contended, BTreeSet::from(["ann".to_owned()]));
    assert_eq!(applied.amendments.len(), crate::limits::AMENDMENTS);
    let mut before = plan;
    for amended in &applied.amendments {
        assert_eq!(estate.file(amended.plan).header().inputs.amends, Some(before));
        assert_eq!(amended.outcomes.ended.get("superseded"), Some(&1));
        before = amended.plan;
    }
    assert_eq!(estate.holds(), ["ann/team:a"], "never overwritten blindly");
    assert!(estate.resume().is_none(), "a run that is over stays so");
    estate.shop.restless.lock().unwrap().clear();
    assert_eq!((estate.run().1.outcomes.confirmed(), estate.holds().len()), (1, 0));
}

#[test]
fn open_changes_of_the_identity_go_on_in_the_amendment_with_their_gates() {
    let rows = [held("ann", "team:a", NOW - 1), held("ann", "team:b", NOW - 1), held("bob", "team:b", NOW - 1)];
    let estate = Estate::new(rows);
    estate.shop.claimed.lock().unwrap().extend(["ann".to_owned(), "bob".to_owned()]);
    let plan = estate.plan().plan;
    let waiting = estate.engine().holds().unwrap().gates;
    let moving = waiting.iter().find(|w| w.change.key.to_string() == "gh/ann/team:a").unwrap().change.id.to_string();
    estate.release(Release { changes: vec![moving], force: true, ..Release::default() });
    edit(&estate, "ann", "team:a", NOW - 1);
    let applied = estate.apply(plan);
    let amended = only(&applied);
    assert_eq!((amended.replanned, amended.outcomes.changes, amended.outcomes.open()), (1, 2, 2), "another state, another gate");
    assert!(applied.waits());
    let gates = estate.engine().holds().unwrap().gates;
    let mut keys: Vec<_> = gates.iter().map(|w| w.change.key.to_string()).collect();
    keys.sort();
    assert_eq!(keys, ["gh/ann/team:a", "gh/ann/team:b", "gh/bob/team:b"]);
    assert_eq!(estate.release(Release { gate: Some(GateKind::Claim), force: true, ..Release::default() }), 3);
    let resumed = estate.resume().unwrap();
    assert_eq!((resumed.outcomes.confirmed(), resumed.amendments.len()), (1, 1));
    assert!(estate.holds().is_empty());
}

#[test]
fn an_amendment_of_unknown_effect_is_gone_on_with() {
    let estate = Estate::new([held("ann", "team:a", NOW - 1)]);
    estate.shop.trouble.lock().unwrap().insert("ann".to_owned(), Trouble::Dark);
    let (_, applied) = applied(&estate, |estate| edit(estate, "ann", "team:a", NOW - 1));
    assert_eq!(only(&applied).outcomes.open.get("unknown"), Some(&1));
    estate.shop.trouble.lock().unwrap().clear();
    let resumed = estate.resume().unwrap();
    assert_eq!((resumed.outcomes.confirmed(), estate.writes_of("ann")), (1, 2), "edited, revoked once");
}

#[test]
fn the_ends_of_an_amendment_count_in_the_budget_of_its_plan() {
    for (more, gated) in [(0, 0), (1, 2)] {
        let estate = Estate::new((0..100).map(|i| held(&format!("p{i:03}"), "team:a", if i < 20 { NOW - 1 } else { 0 })));
        estate.shop.inner.seed((0..more).map(|_| held("p000", "team:b", NOW + HOUR))).unwrap();
        let (_, applied) = applied(&estate, |estate| {
            edit(estate, "p000", "team:a", NOW - 1);
            estate.pass(2 * HOUR);
        });
        assert_eq!(applied.outcomes.confirmed(), 19);
        let amended = only(&applied);
        let gates: u64 = amended.outcomes.gates.values().sum();
        assert_eq!((amended.outcomes.changes, gates), (1 + more, gated));
    }
}
