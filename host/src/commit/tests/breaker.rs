//! Quarantine by itself: how many failures, for how long, and what a probe decides.

use crate::commit::breaker::{Breakers, Passage};
use crate::limits::{BREAKER_LEAST, BREAKER_WINDOW, QUARANTINE_MOST_SECONDS};

/// So many changes did not get an answer at this tick.
fn fail(breakers: &mut Breakers, times: usize, tick: i64) {
    (0..times).for_each(|_| breakers.failed("app", tick, false));
}

#[test]
fn v30_a_quarantine_lasts_twice_as_long_each_time_until_a_probe_succeeds() {
    let mut breakers = Breakers::default();
    fail(&mut breakers, BREAKER_LEAST, 0);
    let mut from = 0;
    for seconds in [30, 60, 120, 240, 480, QUARANTINE_MOST_SECONDS, QUARANTINE_MOST_SECONDS] {
        let until = from + seconds;
        assert_eq!(breakers.passage("app", from), Passage::Quarantined(until));
        assert_eq!(breakers.passage("app", until - 1), Passage::Quarantined(until));
        assert_eq!(breakers.passage("app", until), Passage::Open);
        assert_eq!(breakers.passage("other", from), Passage::Open);
        // One goes first, and the others wait for what becomes of it, be it one that failed before.
        breakers.begin("app");
        assert_eq!(breakers.passage("app", until), Passage::Probing);
        assert_eq!(breakers.quarantined().collect::<Vec<_>>(), ["app"]);
        breakers.failed("app", until, true);
        from = until;
    }
    breakers.begin("app");
    breakers.answered("app");
    assert_eq!((breakers.passage("app", from), breakers.quarantined().count()), (Passage::Open, 0));
    // It begins anew with the shortest.
    fail(&mut breakers, BREAKER_LEAST - 1, from);
    assert_eq!(breakers.passage("app", from), Passage::Open, "too few to tell");
    fail(&mut breakers, 1, from);
    assert_eq!(breakers.passage("app", from), Passage::Quarantined(from + 30));
    // So does an answer to what was under way already.
    breakers.answered("app");
    assert_eq!(breakers.passage("app", from), Passage::Open);
}

#[test]
fn v30_half_of_the_newest_attempts_quarantine_and_older_ones_are_forgotten() {
    // How many were answered before how many were not, and whether that is enough.
    for (answered, failed, quarantined) in [(5, 4, false), (5, 5, true), (6, 5, false), (1_000, BREAKER_WINDOW / 2 - 1, false)] {
        let mut breakers = Breakers::default();
        // A target that nobody failed at is not counted.
        fail(&mut breakers, 1, 0);
        (0..answered).for_each(|_| breakers.answered("app"));
        fail(&mut breakers, failed - usize::from(answered < BREAKER_WINDOW), 0);
        let expected = if quarantined { Passage::Quarantined(30) } else { Passage::Open };
        assert_eq!(breakers.passage("app", 0), expected, "{answered} and {failed}");
        fail(&mut breakers, 1, 0);
        assert_eq!(breakers.passage("app", 0), Passage::Quarantined(30), "{answered} and {failed}, and one more");
    }
}
