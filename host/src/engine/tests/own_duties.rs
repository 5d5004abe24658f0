//! What is ended without a rule, and what a jump of the clock may not end.

use super::estate::{Estate, held};
use crate::decide::fixture::{HOUR, NOW};
use crate::engine::Release;
use crate::model::GateKind;

const YEAR: i64 = 365 * 24 * HOUR;

/// A hundred grants that end in a year, and some that have ended.
fn estate(ended: usize) -> Estate {
    let row = |i: usize| held(&format!("p{i:03}"), "team:a", if i < ended { NOW - 1 } else { NOW + YEAR });
    Estate::new((0..100).map(row))
}

#[test]
fn v17_with_the_module_deleted_what_has_expired_still_ends() {
    let estate = estate(3);
    let (planned, applied) = estate.run();
    assert_eq!((planned.header.changes, planned.header.summary.held.get("rule-absent")), (3, Some(&97)));
    assert_eq!((applied.outcomes.confirmed(), estate.holds().len()), (3, 97));
    assert_eq!(planned.report.faults, [], "no rule is no fault");
    let line = estate.held_lines(planned.plan).remove(0);
    assert_eq!((line.by.as_str(), line.effect.as_str()), ("host", "none"));
    assert_eq!(estate.run().0.header.changes, 0);
}

#[test]
fn v17_a_clock_that_jumps_ten_years_ends_nothing_until_somebody_says_so() {
    let estate = estate(0);
    estate.pass(10 * YEAR);
    let (planned, applied) = estate.run();
    assert_eq!((planned.header.changes, planned.header.summary.gated.get("budget")), (100, Some(&100)));
    assert_eq!((applied.outcomes.confirmed(), estate.holds().len()), (0, 100));
    let waiting = estate.engine().holds().unwrap().gates;
    assert!(waiting.iter().all(|w| w.closed == [GateKind::Budget] && w.change.gates[0].scope == "expiry of gh"));
    estate.release(Release { gate: Some(GateKind::Budget), ..Release::default() });
    assert_eq!((estate.apply(planned.plan).outcomes.confirmed(), estate.holds().len()), (100, 0));
}

#[test]
fn v17_the_budget_of_expiry_is_a_number_and_a_share() {
    // Of 100 rows: 20 never wait; 21 are more than five in a hundred.
    for (ended, gated) in [(19, 0), (20, 0), (21, 21)] {
        let planned = estate(ended).plan();
        assert_eq!(planned.header.summary.gated.get("budget").copied().unwrap_or_default(), gated, "{ended}");
    }
    // Of 1,000 rows: 50 are five in a hundred, 51 are more.
    for (ended, gated) in [(50, 0), (51, 51)] {
        let row = |i: i64| held(&format!("p{i}"), "team:a", if i < ended { NOW - 1 } else { 0 });
        let planned = Estate::new((0..1_000).map(row)).plan();
        assert_eq!(planned.header.summary.gated.get("budget").copied().unwrap_or_default(), gated, "{ended}");
    }
}
