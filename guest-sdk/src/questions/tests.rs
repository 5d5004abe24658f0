//! Each question that depends on time, held to what it says of its own end: the
//! answer stays until then, and is another one at that very instant.

use crate::batch::Batch;
use crate::context::Context;
use crate::prelude::*;
use crate::testing::arbitrary::{Draws, Estate};
use crate::testing::batch_of;

/// Identities that are drawn, some three cases each.
const IDENTITIES: u64 = 1_500;
const FOREVER: i64 = 253_402_300_799;

type Ask = fn(Case<'_>, Seconds, &Context<'_>) -> bool;

/// Every question with a context.
const QUESTIONS: [(&str, Ask); 19] = [
    ("is_wanted_now", |case, _, cx| case.is_wanted_now(cx)),
    ("has_expired", |case, _, cx| case.has_expired(cx)),
    ("expires_within", |case, length, cx| case.expires_within(length, cx)),
    ("unused_for", |case, length, cx| case.unused_for(length, cx)),
    ("used_within", |case, length, cx| case.used_within(length, cx)),
    ("undesired_for", |case, length, cx| case.undesired_for(length, cx)),
    ("disabled_for", |case, length, cx| case.disabled_for(length, cx)),
    ("granted_longer_than", |case, length, cx| case.granted_longer_than(length, cx)),
    ("key_older_than", |case, length, cx| case.key_older_than(length, cx)),
    ("was_left_by_a_move", |case, _, cx| case.was_left_by_a_move(cx)),
    ("has_left", |case, _, cx| case.identity().has_left(cx)),
    ("has_left_for", |case, length, cx| case.identity().has_left_for(length, cx)),
    ("has_left_within", |case, length, cx| case.identity().has_left_within(length, cx)),
    ("leaves_within", |case, length, cx| case.identity().leaves_within(length, cx)),
    ("moved_within", |case, length, cx| case.identity().moved_within(length, cx)),
    ("older_than", |case, length, cx| cx.older_than(case.last_used(), length)),
    ("newer_than", |case, length, cx| cx.newer_than(case.last_used(), length)),
    ("within", |case, length, cx| cx.within(case.observed_expires_at(), length)),
    ("is_between", |case, length, cx| cx.is_between(case.not_before(), case.observed_expires_at().map(|end| end - length))),
];

/// The answer at an instant, and until when it holds.
fn at(instant: i64, case: Case<'_>, length: Seconds, ask: Ask) -> (bool, i64) {
    let clock = Context::<()>::clock();
    let answer = ask(case, length, &Context::new(&(), instant, 0, &clock));
    (answer, clock.get())
}

#[test]
fn an_answer_holds_until_the_very_instant_at_which_it_changes() {
    let estate = Estate::of(&crate::tests::ANY_RULE);
    // How often each question was answered with yes, and how often an answer had an end.
    let mut seen = [(0, 0); QUESTIONS.len()];
    for seed in 0..IDENTITIES {
        let drawn = estate.draw(seed);
        let wire = batch_of(drawn.file().unwrap().columns);
        let batch = Batch::open(&wire).unwrap();
        let mut draws = Draws::new(seed);
        for case in batch.identities().flat_map(Identity::cases) {
            let length =
                Seconds(draws.one_of(&[-86_400, 0, 1, 3_600, 86_400, 7 * 86_400, 90 * 86_400, i64::MAX]).copied().unwrap());
            for ((name, ask), (yes, ends)) in QUESTIONS.iter().zip(&mut seen) {
                let (answer, until) = at(drawn.as_of, case, length, *ask);
                let text = || format!("{name}, {length:?}, seed {seed}, case {}\n{}", case.index(), drawn.text());
                assert!(until > drawn.as_of, "{}", text());
                *yes += u32::from(answer);
                for instant in [until - 1, draws.between(drawn.as_of, until)] {
                    assert_eq!(at(instant, case, length, *ask).0, answer, "{instant} is before {until}: {}", text());
                }
                if until < FOREVER {
                    *ends += 1;
                    assert_ne!(at(until, case, length, *ask).0, answer, "at {until}: {}", text());
                }
            }
        }
    }
    for ((name, _), (yes, ends)) in QUESTIONS.iter().zip(seen) {
        assert!(yes > 50 && ends > 50, "{name}: yes {yes} times, an end {ends} times");
    }
}

#[test]
fn every_question_about_time_is_tried() {
    for source in [include_str!("spans.rs"), include_str!("identity.rs")] {
        let heads =
            source.lines().filter_map(|line| line.trim_start().strip_prefix("pub fn ")).filter(|head| head.contains("Context<"));
        for head in heads {
            let name = head.split(['<', '(']).next().unwrap_or_default();
            assert!(QUESTIONS.iter().any(|(tried, _)| *tried == name), "{name} is not in QUESTIONS");
        }
    }
}

/// What a comparison hides from the context does not go unseen: the test above would fail on it.
#[test]
fn an_answer_behind_the_contexts_back_is_found() {
    let behind: Ask =
        |case, length, cx| case.last_used().is_some_and(|used| used + length <= Time::from_seconds(cx.hidden_as_of()));
    let estate = Estate::of(&crate::tests::ANY_RULE);
    let caught = (0..200).any(|seed| {
        let drawn = estate.draw(seed);
        let wire = batch_of(drawn.file().unwrap().columns);
        let batch = Batch::open(&wire).unwrap();
        batch.identities().flat_map(Identity::cases).any(|case| {
            let (answer, until) = at(drawn.as_of, case, Seconds(86_400), behind);
            at(until - 1, case, Seconds(86_400), behind).0 != answer
        })
    });
    assert!(caught);
}
