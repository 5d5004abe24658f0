//! Rollbacks.

use super::estate::{Estate, as_desired, block_on, held};
use crate::correlate::Side;
use crate::decide::fixture::{HOUR, NOW, Reply, Row, Says, denial};
use crate::engine::{EngineError, Planned, Release};
use crate::ledger::Entry;
use crate::model::{Change, GateKind, Holding, PlanId, Subject, Time};

fn give(who: &str, object: &str) -> Row {
    let subject = if object.is_empty() { Subject::Account } else { Subject::Grant };
    Row::new(who, subject, object, Side::Present, Side::Absent)
}

fn take(who: &str, object: &str) -> Row {
    Row { desired: Side::Absent, observed: Side::Present, ..give(who, object) }
}

/// A plan that was committed: an account and a grant in it for ann, a grant for bob, and old loses one.
fn done() -> (Estate, PlanId) {
    let estate = Estate::new([held("old", "team:c", 0)]);
    let rows = [give("ann", ""), give("ann", "team:a"), give("bob", "team:b"), take("old", "team:c")];
    let plan = estate.by_hand(&rows, as_desired);
    assert_eq!(estate.apply(plan).outcomes.confirmed(), 4);
    assert_eq!(estate.holds(), ["ann/", "ann/team:a", "bob/team:b"]);
    estate.pass(60);
    (estate, plan)
}

fn rollback(estate: &Estate, plan: PlanId, select: &[String]) -> Result<Planned, EngineError> {
    block_on(estate.engine().rollback(plan, select))
}

fn changes(estate: &Estate, plan: PlanId) -> Vec<Change> {
    estate.file(plan).changes().map(Result::unwrap).collect()
}

/// What is not undone, as holder and code.
fn refused(estate: &Estate, plan: PlanId) -> Vec<(String, String)> {
    estate.held_lines(plan).into_iter().map(|line| (line.key.holder, line.reason.code)).collect()
}

#[test]
fn v39_a_rollback_is_an_ordinary_plan_of_inverses() {
    let (estate, former) = done();
    let before = changes(&estate, former);
    let undo = rollback(&estate, former, &[]).unwrap();
    estate.file(undo.plan).verify().unwrap();
    assert_eq!((undo.header.inputs.undoes, undo.header.held), (Some(former), 0));
    let words: Vec<_> = changes(&estate, undo.plan)
        .iter()
        .map(|c| format!("{} {}/{} w{} t{} {}", c.kind, c.key.holder, c.key.object, c.wave.0, c.tier, c.gates.len()))
        .collect();
    assert_eq!(
        words,
        ["grant old/team:c w3 t1 1", "revoke ann/team:a w5 t1 0", "revoke bob/team:b w5 t1 0", "delete ann/ w7 t3 0"]
    );
    for inverse in changes(&estate, undo.plan) {
        let change = before.iter().find(|change| change.key == inverse.key).unwrap();
        assert_eq!((&inverse.before, &inverse.after), (&change.after, &change.before));
        assert_eq!(inverse.reason.code, "trueup:rollback");
        assert!(inverse.kind.removes() || inverse.incarnation == change.incarnation + 1, "a new life");
    }
    assert_eq!(estate.apply(undo.plan).outcomes.confirmed(), 3);
    assert_eq!(estate.holds(), Vec::<String>::new(), "what gives access waits for an approval");
    let waiting = estate.engine().holds().unwrap().gates;
    assert_eq!(
        (waiting[0].closed.as_slice(), waiting[0].change.gates[0].scope.as_str()),
        (&[GateKind::Approval][..], "rollback")
    );
    estate.release(Release { gate: Some(GateKind::Approval), ..Release::default() });
    assert_eq!((estate.apply(undo.plan).outcomes.confirmed(), estate.holds()), (4, vec!["old/team:c".to_owned()]));
    // Nothing is left to undo.
    let again = rollback(&estate, former, &[]).unwrap();
    assert_eq!((again.header.changes, again.header.summary.held.get("moved")), (0, Some(&4)));
}

#[test]
fn v39_rollback_after_expiry_does_not_regrant() {
    // Once by the end that the target stored, once by the end that the source states.
    for (had, desired) in [(NOW + HOUR, 0), (0, NOW + HOUR)] {
        let estate = Estate::new([held("ann", "team:a", had)]);
        let have = Says { expires_at: had, ..Says::default() };
        let plan = estate.by_hand(&[Row { have, ..take("ann", "team:a") }], as_desired);
        assert_eq!(estate.apply(plan).outcomes.confirmed(), 1);
        if desired > 0 {
            estate.desire(&[("ann", "team:a", desired)]);
        }
        estate.pass(60);
        assert_eq!(rollback(&estate, plan, &[]).unwrap().header.changes, 1, "it has not ended yet");
        estate.pass(2 * HOUR);
        let undo = rollback(&estate, plan, &[]).unwrap();
        assert_eq!(undo.header.changes, 0);
        assert_eq!(refused(&estate, undo.plan), [("ann".to_owned(), "expires-too-soon".to_owned())]);
    }
}

#[test]
fn v39_what_moved_since_and_what_is_denied_is_refused_alone() {
    let (estate, former) = done();
    let edited = Holding { level: "admin".to_owned(), ..Holding::default() };
    estate.shop.inner.foreign_edit(Time::from_seconds(NOW + 60), Subject::Grant, "bob", "team:b", Some(&edited)).unwrap();
    estate.record(Entry::Denied(denial("gh", "old", "")));
    let undo = rollback(&estate, former, &[]).unwrap();
    assert_eq!(undo.header.changes, 2);
    let mut refused = refused(&estate, undo.plan);
    refused.sort();
    assert_eq!(refused, [("bob".to_owned(), "moved".to_owned()), ("old".to_owned(), "denied".to_owned())]);
}

#[test]
fn v39_what_cannot_be_undone_is_named() {
    let account = |who: &str| crate::target::EmbeddedRow { subject: Subject::Account, ..held(who, "", 0) };
    let key = crate::target::EmbeddedRow { subject: Subject::Credential, ..held("ann", "key:k", 0) };
    let estate = Estate::new([account("ann"), key]);
    let credential = Row { subject: Subject::Credential, ..take("ann", "key:k") };
    let plan = estate.by_hand(&[take("ann", ""), credential], as_desired);
    assert_eq!(estate.apply(plan).outcomes.confirmed(), 2);
    let undo = rollback(&estate, plan, &[]).unwrap();
    assert_eq!((undo.header.changes, undo.header.summary.held.get("irreversible")), (0, Some(&2)));
}

#[test]
fn v39_a_rollback_undoes_no_change_that_another_one_still_needs() {
    let estate = Estate::new([]);
    let plan = estate.by_hand(&[give("ann", ""), give("ann", "team:a")], |index, _| {
        Some(Reply { effect: 1, after: (index == 1).then_some(0), ..Reply::default() })
    });
    assert_eq!(estate.apply(plan).outcomes.confirmed(), 2);
    let id = |object: &str| changes(&estate, plan).iter().find(|c| c.key.object == object).unwrap().id.to_string();
    let undo = rollback(&estate, plan, &[id("")]).unwrap();
    assert_eq!(refused(&estate, undo.plan), [("ann".to_owned(), "blocked".to_owned())]);
    let undo = rollback(&estate, plan, &[id(""), id("team:a")]).unwrap();
    let both = changes(&estate, undo.plan);
    assert_eq!((both.len(), &both[1].depends), (2, &vec![both[0].id]), "what depends goes first");
    assert!(matches!(rollback(&estate, plan, &["ffff".to_owned()]), Err(EngineError::NotFound { .. })));
}
