//! What is told of changes at the end of a run.

use super::world::grant;
use crate::commit::item::Slot;
use crate::commit::{End, Open, Outcomes, Rest, Status};
use crate::limits::LISTED_CHANGES;
use crate::model::{Gate, GateKind, Time};
use crate::target::Grade;

#[test]
fn each_reason_to_be_open_has_a_name_and_says_what_it_is_about() {
    let at = Time::from_seconds(0);
    let gate = |scope: &str| Open::Gate { gate: Gate { kind: GateKind::Budget, scope: scope.to_owned() } };
    let manual = |by: &str, overdue| Open::Manual { item: "T-1".to_owned(), due: at, by: by.to_owned(), overdue };
    let first = grant("ann", "group:a").id;
    for (open, name, words) in [
        (gate(""), "gate budget", "waits at the budget gate".to_owned()),
        (gate("app/*"), "gate budget", "waits at the budget gate of `app/*`".to_owned()),
        (Open::Behind { change: first }, "behind", format!("waits for change {}", first.0.short())),
        (Open::NotBefore { at }, "not_before", format!("may not begin before {at}")),
        (Open::BackedOff { target: "app".to_owned() }, "backed_off", "target `app` does not take it for now".to_owned()),
        (Open::Unknown, "unknown", "may have been applied; reading cannot tell yet".to_owned()),
        (Open::Unverified, "unverified", "was applied; cannot be read back yet".to_owned()),
        (Open::Accepted { until: at }, "accepted", format!("was accepted; the target has until {at} to do it")),
        (manual("", false), "manual", format!("work item `T-1` is due by {at} (nobody works on it yet)")),
        (manual("bob", true), "manual_overdue", format!("work item `T-1` is overdue since {at} (bob)")),
    ] {
        assert_eq!((open.name().as_str(), open.to_string()), (name, words));
    }
}

#[test]
fn v36_totals_reconcile_and_what_is_listed_is_bounded_and_in_plan_order() {
    let at = Time::from_seconds(0);
    let change = grant("ann", "group:a");
    let mut outcomes = Outcomes::default();
    let mut count = |slot, status: &Status, open| outcomes.count(Slot(slot), &change, status, open, slot.to_string());
    count(0, &Status::Confirmed { grade: Grade::E3, at }, None);
    // They end in another order than they stand in the plan.
    for slot in (1..=LISTED_CHANGES as i64).rev() {
        count(slot, &Status::default(), Some(Open::Unverified));
    }
    let last = LISTED_CHANGES as i64 + 1;
    count(last, &Status::Ended { end: End::Failed, at }, None);
    count(last + 3, &Status::Ended { end: End::Expired, at }, None);
    let gate = Gate { kind: GateKind::Clock, scope: String::new() };
    count(last + 1, &Status::default(), Some(Open::Gate { gate }));
    count(last + 2, &Status::Ambiguous { attempts: 1 }, None);
    outcomes.sort();
    let listed = LISTED_CHANGES as u64;
    assert_eq!((outcomes.changes, outcomes.confirmed(), outcomes.ended(), outcomes.open()), (listed + 5, 1, 2, listed + 2));
    assert_eq!((outcomes.listed.len(), outcomes.unlisted), (LISTED_CHANGES, 4));
    assert_eq!(outcomes.gates.iter().collect::<Vec<_>>(), [(&"clock".to_owned(), &1)]);
    assert_eq!(outcomes.open.get("unknown"), Some(&1));
    assert!(outcomes.listed.iter().all(|line| line.rest == Rest::Open(Open::Unverified)));
    assert!(outcomes.listed.iter().map(|line| line.words.parse::<i64>().unwrap()).eq(1..=LISTED_CHANGES as i64));
    assert!(outcomes.reconciles());
    outcomes.changes += 1;
    assert!(!outcomes.reconciles(), "one is missing");
}
