//! What a new plan means for the one before it.

use super::estate::{Estate, Trouble, as_desired, held};
use crate::correlate::Side;
use crate::decide::fixture::{NOW, Row};
use crate::engine::Release;
use crate::ledger::Stage;
use crate::model::{GateKind, PlanId, Subject};

/// A plan that gives something to ann, in trouble, and to bob; committed as far as it goes.
fn troubled(trouble: Trouble) -> (Estate, PlanId) {
    let estate = Estate::new([]);
    let give = |who, object| Row::new(who, Subject::Grant, object, Side::Present, Side::Absent);
    let plan = estate.by_hand(&[give("ann", "team:a"), give("bob", "team:b")], as_desired);
    estate.shop.trouble.lock().unwrap().insert("ann".to_owned(), trouble);
    assert_eq!(estate.apply(plan).outcomes.confirmed(), 1);
    (estate, plan)
}

fn stages(estate: &Estate) -> Vec<Stage> {
    estate.engine().runs(9).unwrap().iter().map(|run| run.stage).collect()
}

#[test]
fn v10_a_case_of_unknown_effect_is_held_until_the_earlier_change_is_settled() {
    for (trouble, end, holds) in [(Trouble::Dark, "confirmed", true), (Trouble::Lost, "ended", false)] {
        let (estate, former) = troubled(trouble);
        assert_eq!(estate.standing(former)["ann"], "ambiguous");
        // Two plans pass while nobody knows, and neither sends anything to it.
        for _ in 0..2 {
            estate.desire(&[("ann", "team:a", 0), ("bob", "team:b", 0)]);
            let planned = estate.plan();
            let line = estate.held_lines(planned.plan).into_iter().find(|line| line.key.holder == "ann").unwrap();
            assert_eq!(line.reason.code, "effect-unknown");
            assert!(planned.header.inputs.unsettled.is_some());
            assert_eq!(stages(&estate)[..2].iter().filter(|stage| **stage == Stage::Sealed).count(), 1);
            assert_eq!(estate.standing(former)["ann"], "ambiguous");
        }
        assert!(stages(&estate).contains(&Stage::Unsettled));
        estate.shop.trouble.lock().unwrap().clear();
        let planned = estate.plan();
        assert_eq!(estate.standing(former)["ann"], end);
        assert!(planned.header.inputs.unsettled.is_none());
        assert!(!stages(&estate).contains(&Stage::Unsettled));
        let line = estate.held_lines(planned.plan).into_iter().find(|line| line.key.holder == "ann").unwrap();
        assert_eq!(line.reason.code, "rule-absent");
        assert_eq!((estate.writes_of("ann"), estate.holds().contains(&"ann/team:a".to_owned())), (usize::from(holds), holds));
    }
}

#[test]
fn v34_what_was_acknowledged_and_not_read_back_outlives_its_plan() {
    let (estate, former) = troubled(Trouble::Mute);
    for _ in 0..3 {
        estate.plan();
        assert_eq!(estate.standing(former)["ann"], "acked");
    }
    estate.shop.trouble.lock().unwrap().clear();
    estate.plan();
    assert_eq!((estate.standing(former)["ann"], estate.writes_of("ann")), ("confirmed", 1));
}

#[test]
fn a_new_plan_takes_over_open_changes_with_the_gates_that_were_opened() {
    let estate = Estate::new([held("theirs", "team:a", NOW - 1), held("other", "team:a", NOW - 1)]);
    estate.shop.claimed.lock().unwrap().extend(["theirs".to_owned(), "other".to_owned()]);
    let first = estate.plan();
    let waiting = estate.engine().holds().unwrap().gates;
    let id = waiting.iter().find(|w| w.change.key.holder == "theirs").unwrap().change.id.to_string();
    estate.release(Release { changes: vec![id], force: true, ..Release::default() });
    estate.pass(60);
    let second = estate.plan();
    assert_ne!(first.plan, second.plan);
    assert_eq!(estate.standing(first.plan).into_values().collect::<Vec<_>>(), ["ended", "ended"]);
    assert_eq!(estate.engine().holds().unwrap().gates.len(), 1, "one gate is open already");
    estate.apply(second.plan);
    assert_eq!(estate.holds(), ["other/team:a"]);
    assert_eq!(estate.engine().holds().unwrap().gates[0].closed, [GateKind::Claim]);
}
