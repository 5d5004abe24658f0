//! A clock that goes back or jumps ahead between runs.

use super::estate::{Estate, held};
use crate::decide::fixture::{HOUR, NOW};
use crate::engine::Release;
use crate::limits::{CLOCK_AHEAD_SECONDS, CLOCK_BACK_SECONDS};
use crate::model::{GateKind, Time};

const FOREVER: i64 = 0;

/// Grants of which one ends in an hour, after a first run.
fn estate() -> Estate {
    let mut rows: Vec<_> = (0..9).map(|i| held(&format!("p{i}"), "team:a", FOREVER)).collect();
    rows.push(held("soon", "team:a", NOW + HOUR));
    rows.push(held("past", "team:a", NOW - 3 * HOUR));
    let estate = Estate::new(rows);
    assert!(estate.plan().header.inputs.clock.is_none(), "a first run has no bound");
    estate
}

fn believe() -> Release {
    Release { gate: Some(GateKind::Clock), ..Release::default() }
}

#[test]
fn v18_a_clock_that_steps_within_its_bounds_is_believed() {
    for seconds in [-CLOCK_BACK_SECONDS, 0, CLOCK_AHEAD_SECONDS] {
        let estate = estate();
        estate.pass(seconds);
        let (planned, applied) = estate.run();
        assert_eq!(planned.header.inputs.clock, Time::NONE, "{seconds}");
        assert_eq!(applied.outcomes.confirmed(), planned.header.changes, "{seconds}");
    }
}

#[test]
fn v18_a_clock_that_goes_back_or_jumps_holds_every_change() {
    let estate_at = |seconds| {
        let estate = estate();
        estate.pass(seconds);
        estate
    };
    assert!(estate_at(-CLOCK_BACK_SECONDS - 1).plan().header.inputs.clock.is_some());
    for seconds in [-3 * HOUR, CLOCK_AHEAD_SECONDS + 1] {
        let estate = estate_at(seconds);
        let (planned, applied) = estate.run();
        assert_eq!(planned.header.inputs.clock, Time::from_seconds(NOW), "{seconds}");
        assert_eq!(planned.header.summary.gated.get("clock"), Some(&planned.header.changes), "{seconds}");
        assert_eq!((applied.outcomes.writes, estate.holds().len()), (0, 11), "{seconds}");
        // Time alone heals nothing: the next run is held against the same instant.
        estate.pass(HOUR);
        assert_eq!(estate.run().0.header.inputs.clock, Time::from_seconds(NOW), "{seconds}");
        estate.release(believe());
        estate.pass(HOUR);
        let (planned, applied) = estate.run();
        assert!(planned.header.inputs.clock.is_none(), "{seconds}");
        assert!(applied.outcomes.confirmed() > 0, "{seconds}");
    }
}

#[test]
fn v18_a_clock_that_is_set_right_is_believed_again() {
    let estate = estate();
    estate.pass(10 * CLOCK_AHEAD_SECONDS);
    assert!(estate.plan().header.inputs.clock.is_some());
    estate.pass(HOUR / 2 - 10 * CLOCK_AHEAD_SECONDS);
    let (planned, applied) = estate.run();
    assert_eq!((planned.header.inputs.clock, applied.outcomes.confirmed()), (Time::NONE, 1));
}

#[test]
fn v18_a_plan_without_changes_can_be_believed_too() {
    let estate = Estate::new([held("p", "team:a", FOREVER)]);
    estate.plan();
    estate.pass(CLOCK_AHEAD_SECONDS + 1);
    let planned = estate.plan();
    assert_eq!((planned.header.changes, estate.engine().holds().unwrap().clock), (0, Time::from_seconds(NOW)));
    assert_eq!(estate.release(believe()), 1);
    assert!(estate.engine().holds().unwrap().clock.is_none());
    assert!(estate.plan().header.inputs.clock.is_none());
}
