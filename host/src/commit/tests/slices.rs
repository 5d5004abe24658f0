//! How much becomes durable at once, and how far ahead of being sent.

use super::world::{grant, profile, terms};
use crate::audit::Salts;
use crate::commit::{Core, Event, Moment};
use crate::ledger::{Batch, Entry};
use crate::limits::SLICES_AHEAD;
use crate::model::Time;

const SLICE: usize = 4;
const CHANGES: usize = 100;

fn intents(batch: &Batch) -> usize {
    batch.entries.iter().filter(|entry| matches!(entry, Entry::Change { event: Event::Intent { .. }, .. })).count()
}

/// Changes that have nothing in common: each could be sent at once.
#[test]
fn a_batch_has_the_intents_of_one_slice_and_few_slices_are_ahead_of_being_sent() {
    let mut slow = profile();
    slow.parallel = 2;
    let terms = terms(CHANGES as u64, SLICE as u32, &[("app", slow)]);
    let at = Moment { now: Time::from_seconds(1_000_000), tick: 0 };
    let mut salts = Salts::from_seed([1; 32]);
    let mut core = Core::new(terms, &mut salts, at).expect("no events");
    for n in 0..CHANGES {
        core.offer(n as u64, grant(&format!("h{n}"), &format!("group:{n}"))).expect("a change");
    }
    let (mut calls, mut all) = (0, 0);
    // Nobody answers, and flushes take no time.
    for _ in 0..CHANGES {
        calls += core.step(at).expect("a step").len();
        let Some(batch) = core.batch() else { continue };
        assert!(intents(&batch) <= SLICE, "{} intents in one batch", intents(&batch));
        all += intents(&batch);
        core.durable();
    }
    assert_eq!((calls, all), (2, SLICE * SLICES_AHEAD));
}
