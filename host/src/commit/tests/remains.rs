//! What a writer that died may have left behind: denials that nobody settled, changes that nobody saw the end of.

use super::machine::{BEGIN, denial, of_class};
use super::pace::{one, play_on, read, taken};
use super::world::{grant, terms};
use crate::audit::Salts;
use crate::commit::{Ask, Core, Event, Moment, Outcome, Terms};
use crate::model::{Denial, Time};
use crate::target::{Class, Written};

#[test]
fn v10_no_list_is_written_while_the_emergency_of_a_dead_writer_may_still_land() {
    let at = Time::from_seconds(BEGIN - 5);
    let of = |target: &str| Denial { target: target.to_owned(), ..denial("somebody else") };
    let (landing, lag) = (60, 40);
    let waits = landing + lag + 1;
    for (class, denials, first) in [
        (Class::K2, vec![], 0),
        (Class::K2, vec![of("")], waits),
        (Class::K2, vec![of("app")], waits),
        (Class::K2, vec![of("other"), of("app")], waits),
        (Class::K2, vec![of("other")], 0),
        (Class::K2, vec![Denial { settled_at: at, ..of("app") }], 0),
        (Class::K2, vec![Denial { lifted_at: at, ..of("app") }], 0),
        (Class::K2, vec![Denial { settled_at: at, lifted_at: at, ..of("") }], 0),
        // Elsewhere what lands late takes away no more than it was meant to.
        (Class::K1, vec![of("app")], 0),
    ] {
        let name = format!("{class:?}: {denials:?}");
        let mut slow = of_class(class);
        (slow.landing_bound, slow.read_lag, slow.lag_cap) = (landing as u32, 4, lag as u32);
        let played = play_on(
            Terms { denials, ..terms(1, 10, &[("app", slow)]) },
            vec![one()],
            |tick| tick,
            |call, nth| match call.ask {
                Ask::Read => read((nth > 0).then(Default::default)),
                _ => taken(Written::default()),
            },
        );
        assert_eq!((played.times("write"), played.outcomes.confirmed()), (vec![first], 1), "{name}");
    }
}

#[test]
fn what_may_have_been_sent_and_was_not_seen_is_in_doubt() {
    let at = Time::from_seconds(BEGIN);
    let outcome = |outcome| Event::Outcome { outcome, at };
    let intent = || Event::Intent { epoch: 1, attempt: 1, at };
    let [intended, acked, refused, never] = ["a", "b", "c", "d"].map(|holder| grant(holder, "group:a").id);
    let events = vec![
        (intended, intent()),
        (acked, intent()),
        (acked, outcome(Outcome::Acked)),
        (refused, intent()),
        (refused, outcome(Outcome::NotApplied)),
    ];
    let mut salts = Salts::from_seed([1; 32]);
    let terms = Terms { events, ..terms(4, 10, &[("app", of_class(Class::K0))]) };
    let core = Core::new(terms, &mut salts, Moment { now: at, tick: BEGIN }).expect("events of one run");
    let doubts = [intended, acked, refused, never].map(|change| core.in_doubt(change));
    assert_eq!(doubts, [true, true, false, false]);
}
