//! Whole lists (K2): what is written is what was read but for one holder, in order.

use super::machine::{BEGIN, denial, of_class};
use super::world::{grant, key, terms};
use crate::audit::Salts;
use crate::commit::advance::{merged, others_differ};
use crate::commit::{Answer, Ask, Core, Moment, emergency_plan, plain_key, reduce};
use crate::correlate::Recorded;
use crate::model::{Holding, StateHash, Time};
use crate::target::{Class, Member, Reading, Written};

fn list(holders: &str) -> Vec<Member> {
    holders.chars().map(|holder| member(holder, "")).collect()
}

fn member(holder: char, level: &str) -> Member {
    Member { holder: holder.to_string(), holding: Holding { level: level.to_owned(), ..Holding::default() } }
}

#[test]
fn one_entry_changes_and_the_others_stay_in_their_order() {
    let holding = Some(Holding::default());
    for (before, holder, after) in
        [("bd", "a", "abd"), ("bd", "c", "bcd"), ("bd", "e", "bde"), ("", "a", "a"), ("bcd", "c", "bcd")]
    {
        assert_eq!(merged(&list(before), holder, &holding), list(after), "{before} and {holder}");
    }
    for (before, holder, after) in [("bcd", "c", "bd"), ("b", "b", ""), ("bd", "c", "bd")] {
        assert_eq!(merged(&list(before), holder, &None), list(after), "{before} without {holder}");
    }
    let high = member('c', "high");
    assert_eq!(merged(&list("bcd"), "c", &Some(high.holding.clone()))[1], high);
}

#[test]
fn a_list_is_compared_but_for_the_one_who_is_written() {
    assert!(!others_differ("c", &list("bcd"), &list("bd")));
    assert!(!others_differ("c", &list("bd"), &list("bd")));
    assert!(others_differ("c", &list("bcd"), &list("cd")));
    assert!(others_differ("c", &list("bc"), &[member('b', "high"), member('c', "")]));
}

/// Whoever read a list before an emergency wrote it would give back what that took away.
#[test]
fn v29_a_list_that_was_read_before_an_emergency_wrote_it_is_read_again() {
    let at = Moment { now: Time::from_seconds(BEGIN), tick: BEGIN };
    let mut salts = Salts::from_seed([1; 32]);
    let mut core = Core::new(terms(1, 10, &[("app", of_class(Class::K2))]), &mut salts, at).expect("no events");
    core.offer(0, grant("a", "group:x")).expect("a change of a plan");
    core.end_of_plan(1);
    let mut truth = list("b");
    let (mut early, mut denied) = (None, false);
    for _ in 0..100 {
        let calls = core.step(at).expect("no event contradicts another");
        let quiet = calls.is_empty();
        for call in calls {
            let holder = call.change.key.holder.clone();
            let state = truth.iter().find(|entry| entry.holder == holder).map(|entry| entry.holding.clone());
            let answer = match call.ask {
                Ask::Write { list, .. } => {
                    assert!(!denied || list.iter().all(|entry| entry.holder != "b"), "it gives back what was taken away");
                    truth = list;
                    Answer::Write(Ok(Written::default()), None)
                }
                _ => Answer::Read(Ok(Reading { state, list: truth.clone(), ..Reading::default() })),
            };
            // The answer to the first read takes long: an emergency overtakes it.
            if early.is_none() && !denied {
                early = Some((call.slot, answer));
                let denial = denial("b");
                let held = Holding::default();
                let recorded = Recorded::new(plain_key(&key("b", "group:x")), StateHash::of(Some(&held)), 1);
                core.announce(&denial);
                let taken = reduce("t", &denial, &key("b", "group:x"), &held, &recorded);
                core.deny(denial.clone(), emergency_plan("t", &denial, 1), vec![taken], true).expect("an emergency");
                denied = true;
            } else {
                core.answer(call.slot, answer, at).expect("no event contradicts another");
            }
        }
        if core.batch().is_some() {
            core.durable();
        } else if quiet && let Some((slot, answer)) = early.take() {
            assert_eq!(truth, [], "the emergency is done");
            core.answer(slot, answer, at).expect("no event contradicts another");
        } else if core.is_over() {
            break;
        }
    }
    assert_eq!((truth, core.finish().confirmed()), (list("a"), 1));
}
