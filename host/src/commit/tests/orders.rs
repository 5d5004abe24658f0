//! Guarantees that must hold in whatever order answers come in: gone through one by one, not drawn.

use std::collections::{BTreeMap, BTreeSet};

use super::machine::{Machine, Reply, of_class};
use super::world::{change, grant, profile, revoke, sorted};
use crate::audit::Salts;
use crate::commit::{Ask, CommitError, Event, Reduction, reduce};
use crate::correlate::Recorded;
use crate::limits::{CLOCK_JUMP_SECONDS, EVIDENCE_BY_TIER};
use crate::model::{CaseKey, Change, ChangeKind, Holding, Lane, Namespace, StateHash, Subject, Time, Wave};
use crate::target::{Class, Grade};

/// Every way to choose: `run` is given a chooser that takes one of so many, and is called until all were taken.
fn every_way(mut run: impl FnMut(&mut dyn FnMut(usize) -> usize)) -> usize {
    let mut path: Vec<(usize, usize)> = Vec::new();
    for ways in 1.. {
        let mut at = 0;
        run(&mut |of| {
            if at == path.len() {
                path.push((0, of));
            }
            let (taken, known) = path[at];
            assert_eq!(known, of, "the same choices lead to the same place");
            at += 1;
            taken
        });
        while path.last().is_some_and(|(taken, of)| taken + 1 == *of) {
            path.pop();
        }
        match path.last_mut() {
            Some((taken, _)) => *taken += 1,
            None => return ways,
        }
    }
    unreachable!()
}

fn spaces(change: &Change) -> BTreeSet<Namespace> {
    profile().namespaces(&change.key).into_iter().collect()
}

#[test]
fn v12_a_ring_of_namespaces_in_every_order_of_answers() {
    // Each shares its holder with the one before and its object with the one after.
    let ring = [("a", "x"), ("a", "y"), ("b", "y"), ("b", "z"), ("c", "z"), ("c", "x")];
    let ring = ring.map(|(holder, object)| grant(holder, &format!("group:{object}")));
    // Every other one first: they share nothing, and each of the rest waits for two of them.
    let ranked = (0..).zip(ring).map(|(i, change)| Change { component: change.id.to_string(), rank: i % 2, ..change });
    let plan = sorted(ranked.collect());
    let ways = every_way(|choose| {
        let mut salts = Salts::from_seed([1; 32]);
        let mut machine = Machine::new(&[("app", of_class(Class::K1))], &plan, &mut salts);
        machine.step();
        let mut order = Vec::new();
        while !machine.out.is_empty() {
            let writes = machine.out.iter().filter(|call| matches!(call.ask, Ask::Write { .. }));
            let mut held: BTreeSet<Namespace> = BTreeSet::new();
            for space in writes.flat_map(|call| spaces(&call.change)) {
                assert!(held.insert(space.clone()), "two writes at once in {space:?}");
            }
            // Reads change nothing: only the order of writes is gone through.
            let index = match machine.out.iter().position(|call| !matches!(call.ask, Ask::Write { .. })) {
                Some(read) => read,
                None => choose(machine.out.len()),
            };
            if matches!(machine.out[index].ask, Ask::Write { .. }) {
                order.push(machine.out[index].change.clone());
            }
            machine.answer(index, Reply::Done);
        }
        for space in order.iter().flat_map(|change| spaces(change)).collect::<BTreeSet<_>>() {
            let place = |change: &Change| plan.iter().position(|planned| planned.id == change.id);
            let here: Vec<_> =
                order.iter().filter(|change| spaces(change).contains(&space)).map(|change| place(change)).collect();
            assert!(here.is_sorted(), "{space:?} keeps plan order");
        }
        let (outcomes, held) = machine.finish();
        assert_eq!((outcomes.confirmed(), held.len()), (6, 6), "nobody waits for ever");
    });
    println!("v12: {ways} orders of answers");
    assert!(ways > 10, "{ways}");
}

#[test]
fn v12_two_revokes_race_for_the_last_justification_of_an_account() {
    let held = Some(Holding::default());
    let gone = change("a", "", ChangeKind::Delete, held, None);
    let revokes = [revoke("a", "group:x"), revoke("a", "group:y")];
    let depends = revokes.iter().map(|revoke| revoke.id).collect();
    let plan = sorted(revokes.into_iter().chain([Change { depends, ..gone }]).collect());
    let replies = [Reply::Done, Reply::Lost, Reply::Late, Reply::Never];
    let ways = every_way(|choose| {
        let mut salts = Salts::from_seed([1; 32]);
        let mut machine = Machine::new(&[("app", of_class(Class::K1))], &plan, &mut salts);
        machine.step();
        let mut chosen = 0;
        let mut deletes = 0;
        while !machine.out.is_empty() || (chosen < 3 && machine.pass()) {
            let Some(call) = machine.out.first() else { continue };
            let write = matches!(call.ask, Ask::Write { .. });
            if write && call.change.kind == ChangeKind::Delete {
                deletes += 1;
                assert_eq!(machine.held.keys().filter(|key| key.subject == Subject::Grant).count(), 0, "both are gone before");
            }
            let reply = if write && chosen < 3 { replies[choose(replies.len())] } else { Reply::Done };
            chosen += usize::from(write);
            machine.answer(0, reply);
        }
        let (outcomes, held) = machine.finish();
        assert!(held.is_empty() && outcomes.confirmed() == 3, "{outcomes:?}");
        assert!(deletes <= 2, "sent again only where it was not applied");
    });
    println!("v12: {ways} ways for two revokes and what depends on both");
}

#[test]
fn v18_a_clock_that_jumps_ahead_in_the_middle_sends_nothing_until_it_is_right() {
    let plan = sorted((0..6).map(|i| grant(&format!("p{i}"), "group:a")).collect());
    for after in 0..12 {
        let mut salts = Salts::from_seed([1; 32]);
        let mut machine = Machine::new(&[("app", of_class(Class::K0))], &plan, &mut salts);
        machine.step();
        for _ in 0..after {
            machine.answer(0, Reply::Done);
        }
        machine.jump = CLOCK_JUMP_SECONDS + 1;
        machine.tick += 1;
        let flying = machine.out.iter().filter(|call| matches!(call.ask, Ask::Write { .. })).count();
        let sent = machine.writes;
        machine.step();
        while !machine.out.is_empty() {
            machine.answer(0, Reply::Done);
        }
        assert_eq!(machine.writes - sent, 0, "after {after} answers, {flying} under way");
        let (outcomes, held) = machine.finish();
        assert_eq!(outcomes.confirmed() as usize, held.len());
        let waits = outcomes.open.get("gate clock").copied().unwrap_or(0);
        assert_eq!(outcomes.confirmed() + waits, 6, "{outcomes:?}");
    }
}

#[test]
fn v28_every_kind_in_every_lane() {
    let holdings = [Holding::default(), Holding { enabled: false, ..Holding::default() }];
    use ChangeKind::{Create, Delete, Disable, Enable, Extend, Grant, Issue, Reown, Revoke, Rotate, Shorten, Update};
    for kind in [Create, Delete, Disable, Enable, Extend, Grant, Issue, Reown, Revoke, Rotate, Shorten, Update] {
        for lane in [Lane::Emergency, Lane::Routine, Lane::Bulk] {
            let change = Change { lane, ..change("a", "group:x", kind, None, Some(Holding::default())) };
            let mut salts = Salts::from_seed([1; 32]);
            let mut machine = Machine::new(&[("app", of_class(Class::K0))], &[], &mut salts);
            let offered = machine.core.offer(0, change);
            assert_eq!(matches!(offered, Err(CommitError::Lane { .. })), lane == Lane::Emergency, "{kind:?} in {lane:?}");
        }
    }
    // What a call can ask for has no word for more.
    let denial = super::machine::denial("a");
    for subject in [Subject::Account, Subject::Grant, Subject::Credential] {
        for held in &holdings {
            let object = if subject == Subject::Account { "" } else { "group:x" }.to_owned();
            let key = CaseKey { target: "app".to_owned(), holder: "a".to_owned(), subject, object };
            // Recorded under another spelling, and undesired for long.
            let known = CaseKey::hash(subject, "APP", "A", &key.object);
            let since = Time::from_seconds(77);
            let recorded = Recorded { since, ..Recorded::new(known, StateHash::ABSENT, 3) };
            let change = reduce("t", &denial, &key, held, &recorded);
            assert_eq!((&change.recorded_as, change.undesired_since, change.incarnation), (&known.to_string(), since, 3));
            assert_eq!(
                (change.wave, change.reason.code.as_str(), &change.reason.text),
                (Wave::URGENT, "trueup:emergency", &denial.why)
            );
            assert!(!change.kind.adds() && change.lane == Lane::Emergency, "{subject:?}");
            assert!(change.after.as_ref().is_none_or(|after| !after.enabled), "{subject:?}");
            let same =
                |after: &Holding| (&after.level, after.expires_at, &after.owner) == (&held.level, held.expires_at, &held.owner);
            assert!(change.after.as_ref().is_none_or(same), "nothing else changes");
            let pair = (Reduction::of(subject), change.kind);
            assert!(matches!(pair, (Reduction::Revoke, Revoke) | (Reduction::Disable, Disable)));
        }
    }
}

#[test]
fn v29_an_emergency_meets_a_grant_at_every_point_of_its_way() {
    let replies = [Reply::Done, Reply::Lost, Reply::Late, Reply::Never, Reply::Refused];
    let mut schedules = 0;
    for class in [Class::K0, Class::K1, Class::K3] {
        for first in replies {
            // The call comes before this many answers and waits.
            for point in 0..16 {
                let plan = vec![grant("a", "group:x"), Change { step: 1, ..grant("a", "group:y") }, grant("b", "group:x")];
                let plan = sorted(plan);
                let mut salts = Salts::from_seed([1; 32]);
                let mut machine = Machine::new(&[("app", of_class(class))], &plan, &mut salts);
                machine.step();
                let mut first = Some(first);
                for at in 0..64 {
                    if at == point {
                        machine.deny("a");
                    }
                    let write =
                        |call: &crate::commit::Call| matches!(call.ask, Ask::Write { .. }) && call.change.key.holder == "a";
                    if machine.out.is_empty() {
                        machine.pass();
                    } else {
                        let reply = if write(&machine.out[0]) { first.take().unwrap_or(Reply::Done) } else { Reply::Done };
                        machine.answer(0, reply);
                    }
                }
                let events = machine.events.clone();
                let (outcomes, held) = machine.finish();
                let of = |holder: &str| held.keys().filter(|key| key.holder == holder).count();
                assert_eq!(of("a"), 0, "{class:?}, {first:?}, called at {point}: {held:?} {outcomes:?}");
                assert_eq!(of("b"), 1, "others go on");
                assert_eq!(outcomes.unsettled_denials, 0, "{class:?}, called at {point}");
                let denied = events.iter().filter(|(_, event)| matches!(event, Event::Ended { .. })).count();
                assert!(point > 12 || denied + outcomes.revoked as usize > 0);
                schedules += 1;
            }
        }
    }
    println!("v29: {schedules} schedules of a call that meets a grant");
}

#[test]
fn v29_what_is_denied_while_it_is_read_back_ends_as_denied_if_it_gave_access() {
    for (planned, ends) in [(grant("a", "group:x"), vec!["denied"]), (revoke("a", "group:x"), vec![])] {
        let mut salts = Salts::from_seed([1; 32]);
        let mut machine = Machine::new(&[("app", of_class(Class::K1).lagging(20))], std::slice::from_ref(&planned), &mut salts);
        machine.step();
        while machine.writes == 0 || machine.out.iter().any(|call| matches!(call.ask, Ask::Write { .. })) {
            machine.answer(0, Reply::Done);
        }
        machine.deny("a");
        let (outcomes, held) = machine.finish();
        assert!(held.is_empty(), "{:?}: {held:?}", planned.kind);
        assert_eq!(outcomes.ended.into_keys().collect::<Vec<_>>(), ends, "{:?}", planned.kind);
    }
}

#[test]
fn whoever_is_woken_late_goes_on_at_once() {
    let plan = [grant("a", "group:x")];
    let mut salts = Salts::from_seed([1; 32]);
    let mut machine = Machine::new(&[("app", of_class(Class::K1))], &plan, &mut salts);
    machine.step();
    while !machine.out.is_empty() {
        machine.answer(0, Reply::Never);
    }
    machine.tick += 500;
    machine.step();
    assert_eq!(machine.out.len(), 1);
}

#[test]
fn v30_a_target_beside_a_quarantined_one_goes_on() {
    let to = |target: &str, i: u32| {
        let mut change = grant(&format!("p{i}"), "group:a");
        change.key.target = target.to_owned();
        change.id = Change::id_of("t", &change.key, change.kind, 1, StateHash::ABSENT, StateHash::of(change.after.as_ref()));
        change.component = change.id.to_string();
        change.recorded_as = CaseKey::hash(Subject::Grant, target, &change.key.holder, &change.key.object).to_string();
        change
    };
    let plan = sorted((0..40).flat_map(|i| [to("bad", i), to("good", i)]).collect());
    let mut salts = Salts::from_seed([1; 32]);
    let profiles = [("bad", of_class(Class::K1)), ("good", of_class(Class::K1))];
    let mut machine = Machine::new(&profiles, &plan, &mut salts);
    machine.step();
    let mut bad = 0;
    for _ in 0..100_000 {
        let Some(call) = machine.out.first() else {
            if machine.core.is_over() || !machine.pass() {
                break;
            }
            continue;
        };
        let down = call.change.key.target == "bad";
        bad += u32::from(down);
        machine.answer(0, if down { Reply::Never } else { Reply::Done });
    }
    let (outcomes, held) = machine.finish();
    assert_eq!(held.keys().filter(|key| key.target == "good").count(), 40, "{outcomes:?}");
    assert_eq!(outcomes.backed_off, ["bad"]);
    assert!(bad < 200, "it is left alone: {bad} requests");
}

#[test]
fn v34_evidence_below_what_a_tier_demands_confirms_nothing() {
    let grades = [Grade::E0, Grade::E1, Grade::E2, Grade::E3, Grade::E4];
    let mut table = BTreeMap::new();
    for grade in grades {
        for tier in 0..EVIDENCE_BY_TIER.len() as u8 {
            let plan = [Change { tier, ..grant("a", "group:x") }];
            let mut profile = of_class(Class::K1);
            profile.grade = grade;
            let readable = profile.is_readable();
            let mut salts = Salts::from_seed([1; 32]);
            let mut machine = Machine::new(&[("app", profile)], &plan, &mut salts);
            machine.step();
            let (outcomes, held) = machine.finish();
            assert_eq!((held.len(), outcomes.changes), (1, 1), "it is applied either way");
            assert_eq!(outcomes.confirmed() + outcomes.ended.get("unverifiable").copied().unwrap_or(0), 1);
            table.insert((grade, tier), (readable, outcomes.confirmed() == 1));
        }
    }
    for (tier, demanded) in (0..).zip(EVIDENCE_BY_TIER) {
        for grade in grades {
            let (readable, confirmed) = table[&(grade, tier)];
            assert_eq!(confirmed, readable && grade >= demanded, "{grade:?} for tier {tier}");
        }
    }
}

#[test]
fn v15_what_a_target_cannot_store_still_ends() {
    let ends_at = Time::from_seconds(super::machine::BEGIN + 600);
    for wait in [0, 500, 539, 540, 541, 599, 600, 10_000] {
        let plan = [Change { ends_at, ..grant("a", "group:x") }];
        let mut profile = of_class(Class::K1);
        profile.attributes.clear();
        let mut salts = Salts::from_seed([1; 32]);
        let mut machine = Machine::new(&[("app", profile)], &plan, &mut salts);
        machine.tick += wait;
        machine.step();
        let (outcomes, held) = machine.finish();
        let given = wait + super::world::LANDING < 600;
        assert_eq!((held.len(), outcomes.confirmed()), (usize::from(given), u64::from(given)), "after {wait} s: {outcomes:?}");
    }
}

#[test]
fn v38_whatever_is_not_over_wakes_up_again() {
    let replies = [Reply::Done, Reply::Lost, Reply::Late, Reply::Never, Reply::Refused];
    let ways = every_way(|choose| {
        let plan = [grant("a", "group:x"), grant("b", "group:x")];
        let mut salts = Salts::from_seed([1; 32]);
        let mut machine = Machine::new(&[("app", of_class(Class::K1))], &plan, &mut salts);
        machine.step();
        let mut chosen = 0;
        while !machine.core.is_over() {
            // Something is asked, or something is waited for: never neither.
            match machine.out.first() {
                Some(call) if matches!(call.ask, Ask::Write { .. }) && chosen < 4 => {
                    chosen += 1;
                    machine.answer(0, replies[choose(replies.len())]);
                }
                Some(_) => machine.answer(0, Reply::Done),
                None => assert!(machine.pass(), "{:?} waits for nothing", machine.core.first_in_hand()),
            }
        }
        let (outcomes, _) = machine.finish();
        assert!(outcomes.reconciles());
    });
    println!("v38: {ways} ways");
}
