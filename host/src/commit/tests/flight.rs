//! How much goes side by side, and how much is held in hand.

use std::collections::BTreeMap;
use std::io;

use super::machine::{BEGIN, of_class};
use super::world::{grant, terms};
use crate::audit::Salts;
use crate::commit::flight::Flight;
use crate::commit::offer::Offer;
use crate::commit::{Core, Flow, Moment};
use crate::limits::HAND_CHANGES;
use crate::model::{Change, Lane, Subject, Time};
use crate::target::{Class, Profile};

/// Of ten such changes, how many find a place beside the ones before.
fn places(flow: &Flow, parallel: u32, lane: Lane, object: &str) -> usize {
    let profile = Profile { parallel, ..of_class(Class::K1) };
    let mut flight = Flight::new(flow.clone(), &BTreeMap::from([("app".to_owned(), profile)]));
    let changes: Vec<_> = (0..10).map(|n| Change { lane, ..grant(&format!("h{n}"), object) }).collect();
    let mut first = 0;
    while changes.get(first).is_some_and(|change| flight.has_room(change)) {
        flight.take_off(&changes[first]);
        first += 1;
    }
    changes[..first].iter().for_each(|change| flight.land(change));
    assert_eq!(changes.iter().filter(|change| flight.has_room(change)).count(), 10, "all have landed");
    first
}

#[test]
fn each_bound_holds_back_what_it_is_for() {
    let six = || Flow { tenant: 6, ..Flow::default() };
    let greedy = Flow { bulk_yields: false, ..six() };
    let domain = Flow { domains: BTreeMap::from([("group".to_owned(), 2)]), ..six() };
    let subject = Flow { subjects: BTreeMap::from([(Subject::Grant, 4), (Subject::Account, 1)]), ..six() };
    for (flow, parallel, lane, object, expected) in [
        (&six(), 100, Lane::Routine, "group:a", 6),
        (&six(), 5, Lane::Routine, "group:a", 5),
        (&six(), 100, Lane::Bulk, "group:a", 3),
        (&Flow::sequential(), 100, Lane::Bulk, "group:a", 1),
        (&greedy, 100, Lane::Bulk, "group:a", 6),
        (&domain, 100, Lane::Routine, "group:a", 2),
        (&domain, 100, Lane::Routine, "repo:a", 6),
        (&domain, 100, Lane::Routine, "group", 6),
        (&subject, 100, Lane::Routine, "group:a", 4),
        (&subject, 1, Lane::Emergency, "group:a", 10),
    ] {
        assert_eq!(places(flow, parallel, lane, object), expected, "{flow:?}, {parallel}, {lane:?}, `{object}`");
    }
}

#[test]
fn no_more_of_a_plan_is_held_in_hand_than_there_is_room_for() {
    let mut salts = Salts::from_seed([1; 32]);
    let at = Moment { now: Time::from_seconds(BEGIN), tick: BEGIN };
    let mut core = Core::new(terms(0, 10, &[("app", of_class(Class::K1))]), &mut salts, at).expect("no events");
    let change = |n| Ok::<_, io::Error>(grant(&format!("h{n}"), "group:a"));
    let mut offer = Offer::new((0..HAND_CHANGES + 1).map(change));
    offer.fill(&mut core).expect("a plan in order");
    assert_eq!((core.room(), offer.ended), (0, false));
}
