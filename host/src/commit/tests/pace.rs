//! How often the core asks, how far apart, and when it gives a change up for this run: a target that answers at once and by a
//! script, on a clock that only the core's own waits move.

use super::machine::{BEGIN, of_class};
use super::world::{change, grant, terms};
use crate::audit::Salts;
use crate::commit::{Answer, Ask, Call, Core, Event, Moment, Open, Outcome, Outcomes, Rest, Terms};
use crate::ledger::Entry;
use crate::limits::{ACCEPTED_WAIT_SECONDS, CHANGE_ATTEMPTS, POLL_PAUSE_SECONDS, THROTTLE_SECONDS, VERIFY_READS};
use crate::model::{Change, ChangeKind, Holding, Time};
use crate::target::{Class, Found, Grade, Member, Profile, ReadError, Reading, Receipt, WriteError, Written};

/// What a run came to.
pub(super) struct Played {
    /// When what was asked.
    asked: Vec<(i64, &'static str)>,
    pub(super) outcomes: Outcomes,
    results: Vec<Outcome>,
    end: i64,
}

impl Played {
    /// When this was asked.
    pub(super) fn times(&self, what: &str) -> Vec<i64> {
        self.asked.iter().filter(|(_, asked)| *asked == what).map(|(tick, _)| tick - BEGIN).collect()
    }

    /// Seconds between one time that this was asked and the next.
    fn gaps(&self, what: &str) -> Vec<i64> {
        self.times(what).windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    fn open(&self) -> Option<&Open> {
        self.outcomes.listed.iter().find_map(|rest| match &rest.rest {
            Rest::Open(open) => Some(open),
            Rest::Ended(_) => None,
        })
    }

    fn ended(&self) -> Vec<&'static str> {
        self.outcomes.ended.keys().copied().collect()
    }
}

const fn name(ask: &Ask) -> &'static str {
    match ask {
        Ask::Read => "read",
        Ask::Write { .. } => "write",
        Ask::Poll { .. } => "poll",
        Ask::Find { .. } => "find",
        Ask::Undo { .. } => "undo",
    }
}

/// Commits one change; the script is told the call and how often that was asked before.
fn play(profile: Profile, change: Change, script: impl FnMut(&Call, usize) -> Answer) -> Played {
    play_on(terms(1, 10, &[("app", profile)]), vec![change], |tick| tick, script)
}

/// Commits changes by a clock of the world that may show another time than the steady one.
pub(super) fn play_on(
    terms: Terms,
    changes: Vec<Change>,
    clock: impl Fn(i64) -> i64,
    mut script: impl FnMut(&Call, usize) -> Answer,
) -> Played {
    let of = changes.len() as u64;
    let moment = |tick| Moment { now: Time::from_seconds(clock(tick)), tick };
    let mut salts = Salts::from_seed([1; 32]);
    let mut core = Core::new(terms, &mut salts, moment(BEGIN)).expect("no events");
    for (index, change) in (0..).zip(changes) {
        core.offer(index, change).expect("a change of a plan");
    }
    core.end_of_plan(of);
    let (mut tick, mut asked, mut results) = (BEGIN, Vec::new(), Vec::new());
    for _ in 0..2_000 {
        let calls = core.step(moment(tick)).expect("no event contradicts another");
        let quiet = calls.is_empty();
        for call in calls {
            let what = name(&call.ask);
            let answer = script(&call, asked.iter().filter(|(_, before)| *before == what).count());
            asked.push((tick, what));
            core.answer(call.slot, answer, moment(tick)).expect("no event contradicts another");
        }
        if let Some(batch) = core.batch() {
            results.extend(batch.entries.into_iter().filter_map(|entry| match entry {
                Entry::Change { event: Event::Outcome { outcome, .. }, .. } => Some(outcome),
                _ => None,
            }));
            core.durable();
        } else if quiet {
            if core.is_over() {
                return Played { asked, outcomes: core.finish(), results, end: tick - BEGIN };
            }
            tick = core.wakes_at().expect("it waits for something").max(tick + 1);
        }
    }
    panic!("it does not come to an end: {:?} …", asked.get(..40));
}

pub(super) fn read(holds: Option<Holding>) -> Answer {
    Answer::Read(Ok(Reading::new(holds, "1")))
}

fn refused(error: WriteError) -> Answer {
    Answer::Write(Err(error), None)
}

pub(super) fn taken(written: Written) -> Answer {
    Answer::Write(Ok(written), None)
}

fn down<T>() -> Result<T, ReadError> {
    Err(ReadError { key: "a case".to_owned(), message: "down".to_owned() })
}

pub(super) fn one() -> Change {
    grant("ann", "group:a")
}

const ATTEMPTS: usize = CHANGE_ATTEMPTS as usize;

#[test]
fn pauses_grow_and_differ_by_change_and_are_the_same_in_a_replay() {
    let changes: Vec<Change> = (0..50).map(|n| grant(&format!("h{n}"), "group:a")).collect();
    for (tries, base) in [(1, 0), (2, 1), (3, 3), (4, 7), (5, 15), (6, 31), (7, 63), (8, 63), (40, 63)] {
        let pauses: Vec<i64> = changes.iter().map(|change| super::super::answer::pause(tries, change)).collect();
        assert!(pauses.iter().all(|pause| (base..=base + base / 2).contains(pause)), "{tries}: {pauses:?}");
        let distinct = pauses.iter().collect::<std::collections::BTreeSet<_>>().len() as i64;
        assert!(distinct > base / 8, "{tries}: {distinct} pauses");
        assert!(pauses.contains(&base) || base > 7, "{tries}: {pauses:?}");
    }
}

#[test]
fn a_condition_that_fails_again_and_again_is_tried_after_the_lag_and_a_few_times() {
    let played = play(of_class(Class::K0).lagging(20), one(), |call, _| match call.ask {
        Ask::Read => read(None),
        _ => refused(WriteError::Precondition),
    });
    assert_eq!(played.times("write").len(), ATTEMPTS);
    assert!(played.gaps("write").iter().all(|gap| (20..=35).contains(gap)), "{:?}", played.gaps("write"));
    assert!(matches!(played.open(), Some(Open::BackedOff { .. })), "{:?}", played.outcomes);
    assert!(played.results.iter().all(|result| *result == Outcome::NotApplied), "{:?}", played.results);
}

#[test]
fn a_target_is_asked_again_when_it_said_and_not_before() {
    for (seconds, writes) in [(30, ATTEMPTS), (THROTTLE_SECONDS, ATTEMPTS), (THROTTLE_SECONDS + 1, 1)] {
        // A clock of the world that is set forward makes no wait shorter.
        for set in [0, 200] {
            let clock = |tick| if tick > BEGIN { tick + set } else { tick };
            let played = play_on(terms(1, 10, &[("app", of_class(Class::K0))]), vec![one()], clock, |call, _| match call.ask {
                Ask::Read => read(None),
                _ => refused(WriteError::Throttled { seconds }),
            });
            assert_eq!(played.times("write").len(), writes, "{seconds}");
            let due = i64::from(seconds)..=i64::from(seconds) + 25;
            assert!(played.gaps("write").iter().all(|gap| due.contains(gap)), "{seconds}: {:?}", played.gaps("write"));
            assert!(matches!(played.open(), Some(Open::BackedOff { .. })), "{:?}", played.outcomes);
        }
    }
}

#[test]
fn a_case_that_cannot_be_read_is_tried_a_few_times_before_it_is_written_and_some_after() {
    let before = play(of_class(Class::K0), one(), |call, _| match call.ask {
        Ask::Read => Answer::Read(down()),
        _ => panic!("nothing is written unread"),
    });
    assert_eq!((before.times("read").len(), before.times("write").len()), (ATTEMPTS, 0));
    let pauses: Vec<i64> = (1..CHANGE_ATTEMPTS).map(|tries| super::super::answer::pause(tries, &one())).collect();
    assert_eq!(before.gaps("read"), pauses);
    assert!(matches!(before.open(), Some(Open::BackedOff { .. })), "{:?}", before.outcomes);
    let after = play(of_class(Class::K0), one(), |call, nth| match call.ask {
        Ask::Read if nth == 0 => read(None),
        Ask::Read => Answer::Read(down()),
        _ => taken(Written::default()),
    });
    assert_eq!(after.times("read").len(), 1 + VERIFY_READS as usize);
    assert!(after.gaps("read")[1..].iter().all(|gap| *gap == 1), "{:?}", after.gaps("read"));
    assert!(matches!(after.open(), Some(Open::Unverified)), "{:?}", after.outcomes);
}

#[test]
fn accepted_work_is_asked_for_ever_more_seldom_and_left_to_a_later_run() {
    let mut slow = of_class(Class::K5);
    slow.completion_bound = 3_600;
    let played = play(slow.clone(), one(), |call, _| match call.ask {
        Ask::Read => read(None),
        Ask::Poll { .. } => Answer::Poll(Ok(Receipt::Pending)),
        _ => taken(Written::accepted("job 1")),
    });
    assert!(played.gaps("poll").starts_with(&[4, 8, 16, POLL_PAUSE_SECONDS]), "{:?}", played.gaps("poll"));
    assert!((ACCEPTED_WAIT_SECONDS..ACCEPTED_WAIT_SECONDS + POLL_PAUSE_SECONDS).contains(&played.end), "{}", played.end);
    let until = Time::from_seconds(BEGIN + 3_600);
    assert_eq!(played.open(), Some(&Open::Accepted { until }));
    // Done on the third time of asking: it counts from then, and is read back.
    let done = play(slow, one(), |call, nth| match call.ask {
        Ask::Read => read((nth > 0).then(Holding::default)),
        Ask::Poll { .. } if nth == 0 => Answer::Poll(Ok(Receipt::Claimed { by: "a queue".to_owned() })),
        Ask::Poll { .. } => Answer::Poll(Ok(if nth < 2 { Receipt::Pending } else { Receipt::Done })),
        _ => taken(Written::accepted("job 1")),
    });
    assert_eq!((done.times("poll"), done.outcomes.confirmed()), (vec![0, 4, 12], 1));
    assert_eq!(done.times("write").len(), 1);
}

#[test]
fn v36_accepted_work_that_is_never_done_in_time_is_asked_for_a_few_times() {
    let mut short = of_class(Class::K5);
    short.completion_bound = 10;
    let played = play(short, one(), |call, _| match call.ask {
        Ask::Read => read(None),
        Ask::Poll { .. } => Answer::Poll(Ok(Receipt::Pending)),
        _ => taken(Written::accepted("job 1")),
    });
    let results = &played.results;
    assert!(matches!(results[..3], [Outcome::Accepted { .. }, Outcome::Ambiguous { .. }, Outcome::NotApplied]), "{results:?}");
    // When it can land no more it is asked for again, and that so often only.
    assert_eq!(played.times("write").len(), ATTEMPTS);
    assert!(played.gaps("write").iter().all(|gap| *gap > 80), "{:?}", played.gaps("write"));
    assert!(matches!(played.open(), Some(Open::BackedOff { .. })), "{:?}", played.outcomes);
}

/// A profile of people who can be shown nothing but their word.
fn people() -> Profile {
    let mut people = of_class(Class::K6);
    people.grade = Grade::E1;
    people
}

#[test]
fn a_persons_work_is_asked_for_once_in_a_run_and_who_works_on_it_is_recorded() {
    for (told, by) in [(Receipt::Pending, ""), (Receipt::Claimed { by: "bob".to_owned() }, "bob")] {
        let played = play(people(), one(), |call, _| match call.ask {
            Ask::Find { .. } => Answer::Find(Ok(Vec::new())),
            Ask::Poll { .. } => Answer::Poll(Ok(told.clone())),
            Ask::Read => panic!("nothing can be read"),
            _ => taken(Written::accepted("item 1")),
        });
        assert_eq!((played.times("write").len(), played.times("find").len()), (1, 1));
        assert!(matches!(&played.results[0], Outcome::Opened { item, .. } if item == "item 1"), "{:?}", played.results);
        assert_eq!(
            played.results.iter().filter(|result| matches!(result, Outcome::Claimed { .. })).count(),
            usize::from(!by.is_empty())
        );
        let Some(Open::Manual { item, by: who, overdue: false, .. }) = played.open() else { panic!("{:?}", played.outcomes) };
        assert_eq!((item.as_str(), who.as_str()), ("item 1", by));
    }
    // One that an attempt opened of which nobody heard is taken up, not opened twice.
    let again = play(people(), one(), |call, _| match call.ask {
        Ask::Find { .. } => Answer::Find(Ok(vec![Found { id: "item 7".to_owned() }])),
        Ask::Poll { .. } => Answer::Poll(down()),
        _ => panic!("it is open already"),
    });
    assert!(matches!(again.open(), Some(Open::Manual { item, .. }) if item == "item 7"), "{:?}", again.outcomes);
    assert_eq!(again.times("poll").len(), 1);
}

pub(super) fn key_of_a_machine() -> Change {
    let mut issue = change("svc", "group:a", ChangeKind::Issue, None, Some(Holding::default()));
    issue.key.subject = crate::model::Subject::Credential;
    issue
}

#[test]
fn v36_what_was_made_is_taken_back_when_its_secret_is_lost_and_not_made_for_ever() {
    let made = |handle: Option<&str>| Answer::Write(Ok(Written::made("key 9")), handle.map(ToOwned::to_owned));
    let kept = play(of_class(Class::K4), key_of_a_machine(), |call, nth| match call.ask {
        Ask::Read => read((nth > 0).then(Holding::default)),
        Ask::Find { .. } => Answer::Find(Ok(vec![Found { id: "key 9".to_owned() }])),
        _ => made(Some("vault/1")),
    });
    let issued = Outcome::Issued { id: "key 9".to_owned(), handle: "vault/1".to_owned() };
    assert_eq!(kept.results.first(), Some(&issued), "{:?}", kept.results);
    // Nobody has its secret, and taking it back fails: so often, and then it is left as unknown.
    let mut slow = of_class(Class::K4).lagging(3);
    slow.lag_cap = 40;
    let lost = |fails: usize| {
        play(slow.clone(), key_of_a_machine(), move |call, nth| match call.ask {
            Ask::Read => read(None),
            Ask::Find { .. } => Answer::Find(Ok(Vec::new())),
            Ask::Undo { .. } if nth < fails => Answer::Undo(Err(WriteError::Rejected { message: "no".to_owned() })),
            Ask::Undo { .. } => Answer::Undo(Ok(())),
            _ => made(None),
        })
    };
    let never = lost(usize::MAX);
    assert_eq!((never.times("undo").len(), never.times("write").len()), (ATTEMPTS, 1), "{:?}", never.asked);
    assert!(matches!(never.open(), Some(Open::Unknown)), "{:?}", never.outcomes);
    let twice = lost(0);
    let (undone, written) = (twice.times("undo"), twice.times("write"));
    assert_eq!((written.len(), undone.len()), (ATTEMPTS, ATTEMPTS), "{:?}", twice.asked);
    assert!(matches!(twice.open(), Some(Open::BackedOff { .. })), "{:?}", twice.outcomes);
    // A read that lags behind would still show what was taken back.
    assert!(undone.iter().zip(&written[1..]).all(|(undone, next)| next - undone >= 40), "{undone:?} {written:?}");
}

#[test]
fn an_ending_that_is_no_target_s_fault_is_told_in_its_words() {
    let played = play(of_class(Class::K0), one(), |call, _| match call.ask {
        Ask::Read => read(None),
        _ => refused(WriteError::Rejected { message: "quota".to_owned() }),
    });
    assert_eq!((played.ended(), played.times("write").len()), (vec!["failed"], 1));
    assert_eq!(played.outcomes.listed.first().map(|rest| rest.words.as_str()), Some("quota"));
}

/// A create of which nobody heard: found, it is taken up (K6) or taken back (K4); not found when it must have landed and can be
/// seen, it is made again. Never before.
#[test]
fn v20_what_is_made_anew_each_time_is_searched_for_before_it_is_made_again() {
    for class in [Class::K4, Class::K6] {
        for was_made in [true, false] {
            let mut slow = Profile { grade: if class == Class::K6 { Grade::E1 } else { Grade::E3 }, ..of_class(class) };
            (slow.landing_bound, slow.read_lag, slow.lag_cap) = (50, 3, 40);
            let change = if class == Class::K6 { one() } else { key_of_a_machine() };
            let mut undone = false;
            let played = play(slow, change, |call, nth| match call.ask {
                Ask::Read if class == Class::K6 => panic!("nothing can be read"),
                Ask::Read => read(None),
                Ask::Find { .. } if was_made && !undone && (class == Class::K4 || nth > 0) => {
                    Answer::Find(Ok(vec![Found { id: "made".to_owned() }]))
                }
                Ask::Find { .. } => Answer::Find(Ok(Vec::new())),
                Ask::Undo { .. } => {
                    undone = true;
                    Answer::Undo(Ok(()))
                }
                Ask::Write { .. } if nth == 0 => refused(WriteError::Ambiguous { message: "no answer".to_owned() }),
                Ask::Write { .. } if class == Class::K6 => taken(Written::accepted("item 2")),
                Ask::Write { .. } => refused(WriteError::Rejected { message: "enough".to_owned() }),
                Ask::Poll { .. } => Answer::Poll(Ok(Receipt::Pending)),
            });
            let name = format!("{class:?}, made: {was_made}: {:?}", played.asked);
            let writes = played.times("write");
            assert_eq!(writes.len(), if was_made && class == Class::K6 { 1 } else { 2 }, "{name}");
            let searched = played.times("find").into_iter().filter(|tick| *tick > 0).collect::<Vec<_>>();
            assert_eq!(searched.first(), Some(&91), "{name}");
            assert!(writes[1..].iter().all(|tick| *tick >= 91), "{name}");
            assert_eq!(played.times("undo").len(), usize::from(was_made && class == Class::K4), "{name}");
        }
    }
}

/// A second attempt that was refused tells nothing of the first one, of which nobody heard: reading does, when that must have
/// landed.
#[test]
fn v20_a_refusal_says_nothing_of_an_earlier_attempt() {
    let rejected = || WriteError::Rejected { message: "no".to_owned() };
    for second in [WriteError::Precondition, WriteError::Throttled { seconds: 10 }, rejected()] {
        for shown in [None, Some(""), Some("odd")] {
            let shown = shown.map(|level| Holding { level: level.to_owned(), ..Holding::default() });
            let landed = shown == Some(Holding::default());
            let mut slow = of_class(Class::K0);
            slow.landing_bound = 50;
            let mut writes = 0;
            let played = play(slow, one(), |call, nth| match call.ask {
                Ask::Read => read(shown.clone().filter(|_| writes > 1)),
                _ => {
                    writes = nth + 1;
                    refused(match nth {
                        0 => WriteError::Ambiguous { message: "no answer".to_owned() },
                        1 => second.clone(),
                        _ => rejected(),
                    })
                }
            });
            let name = format!("{second}, {shown:?}: {:?} {:?}", played.results, played.asked);
            let fits = match (&second, &played.results[1..]) {
                (_, [Outcome::Observed]) => landed,
                (_, [Outcome::Stale { .. }]) => shown.is_some() && !landed,
                (WriteError::Precondition, [Outcome::NotApplied, Outcome::Rejected { .. }])
                | (WriteError::Throttled { .. }, [Outcome::Throttled { .. }, Outcome::Rejected { .. }])
                | (WriteError::Rejected { .. }, [Outcome::Rejected { .. }]) => shown.is_none(),
                _ => false,
            };
            assert!(fits, "{name}");
            let second = played.times("write")[1];
            let settled = played.times("read").into_iter().find(|tick| *tick > second);
            assert_eq!(settled, Some(second + 51), "{name}");
            assert_eq!((played.outcomes.recovered, played.outcomes.confirmed()), (1, u64::from(landed)), "{name}");
        }
    }
}

#[test]
fn v20_a_refusal_after_a_lost_request_stays_unknown_where_nothing_can_be_read() {
    let mut writes = 0;
    let played = play(of_class(Class::K0), one(), |call, nth| match call.ask {
        Ask::Read if writes < 2 => read(None),
        Ask::Read => Answer::Read(down()),
        _ => {
            writes = nth + 1;
            refused(if nth == 0 { WriteError::Ambiguous { message: "no answer".to_owned() } } else { WriteError::Precondition })
        }
    });
    let second = played.times("write")[1];
    assert_eq!(played.times("read").into_iter().filter(|tick| *tick > second).count(), ATTEMPTS, "{:?}", played.asked);
    assert!(matches!(played.open(), Some(Open::Unknown)), "{:?}", played.outcomes);
}

#[test]
fn v20_a_lost_request_is_sent_again_at_once_only_where_no_more_than_one_of_both_can_land() {
    let level = |level: &str| Some(Holding { level: level.to_owned(), ..Holding::default() });
    let update = change("ann", "group:a", ChangeKind::Update, level("low"), level("high"));
    // When the second request leaves: reads lag 4 s at most, and accepted work takes 20 s.
    for (class, change, second) in [
        (Class::K0, one(), 0),
        (Class::K1, one(), 55),
        (Class::K2, one(), 55),
        (Class::K3, one(), 0),
        (Class::K3, update.clone(), 55),
        (Class::K5, one(), 75),
    ] {
        let mut slow = of_class(class);
        (slow.landing_bound, slow.read_lag, slow.lag_cap, slow.completion_bound) = (50, 4, 4, 20);
        let (before, after, mut writes) = (change.before.clone(), change.after.clone(), 0);
        let played = play(slow, change, |call, nth| match call.ask {
            Ask::Read => read(if writes > 1 { after.clone() } else { before.clone() }),
            _ if nth == 0 => refused(WriteError::Ambiguous { message: "no answer".to_owned() }),
            _ => {
                writes = nth + 1;
                taken(Written::default())
            }
        });
        let name = format!("{class:?}: {:?}", played.asked);
        assert_eq!((played.times("write"), played.outcomes.confirmed()), (vec![0, second], 1), "{name}");
        assert_eq!(played.outcomes.recovered, u64::from(second > 0), "{name}");
    }
}

/// What a read shows after a lost request counts at once where the condition of the request is bound to what was read before;
/// elsewhere somebody else may have made it, and the request may land on that.
#[test]
fn v20_what_is_seen_after_a_lost_request_counts_when_that_can_land_no_more() {
    for (class, reads) in
        [(Class::K0, vec![0, 0]), (Class::K1, vec![0, 51]), (Class::K2, vec![0, 51]), (Class::K3, vec![0, 0, 51])]
    {
        for level in ["", "odd"] {
            let mut slow = of_class(class);
            slow.landing_bound = 50;
            let seen = Holding { level: level.to_owned(), ..Holding::default() };
            let played = play(slow, one(), |call, nth| match call.ask {
                Ask::Read => read((nth > 0).then(|| seen.clone())),
                _ => refused(WriteError::Ambiguous { message: "no answer".to_owned() }),
            });
            let name = format!("{class:?}, `{level}`: {:?} {:?}", played.asked, played.results);
            assert_eq!((&played.times("read")[..reads.len()], played.times("write")), (&reads[..], vec![0]), "{name}");
            let expected = if level.is_empty() { "observed" } else { "stale" };
            assert_eq!(played.results.iter().map(Outcome::name).collect::<Vec<_>>(), ["ambiguous", expected], "{name}");
            // One that is as it should be is read back once more, and that is all.
            assert_eq!(played.times("read").len(), reads.len() + usize::from(level.is_empty()), "{name}");
        }
    }
}

#[test]
fn v30_a_short_quarantine_is_waited_out_and_a_long_one_left_to_a_later_run() {
    // For how long it cannot be read, when the run ends, and how many changes are confirmed by then: five are in flight when
    // it is quarantined and use up their tries, and so does each probe.
    for (down, end, confirmed) in [(20, 30..40, 15), (80, 90..100, 14), (1_000, 100..130, 0)] {
        let mut few = of_class(Class::K0);
        few.parallel = 5;
        let now = std::cell::Cell::new(BEGIN);
        let clock = |tick| {
            now.set(tick);
            tick
        };
        let mut held = std::collections::BTreeSet::new();
        let changes = (0..20).map(|n| grant(&format!("h{n}"), &format!("group:{n}"))).collect();
        let played = play_on(terms(20, 10, &[("app", few)]), changes, clock, |call, _| match call.ask {
            Ask::Read if now.get() < BEGIN + down => Answer::Read(self::down()),
            Ask::Read => read(held.contains(&call.change.key).then(Holding::default)),
            _ => {
                held.insert(call.change.key.clone());
                taken(Written::default())
            }
        });
        assert!(end.contains(&played.end), "{down}: {}", played.end);
        assert_eq!(played.outcomes.confirmed(), confirmed, "{down}: {:?}", played.outcomes);
        assert_eq!(played.outcomes.backed_off.is_empty(), confirmed > 0, "{down}: {:?}", played.outcomes);
    }
}

#[test]
fn what_somebody_else_wrote_into_a_list_meanwhile_is_told() {
    for (class, edited, told) in [(Class::K2, true, 1), (Class::K2, false, 0), (Class::K1, true, 0)] {
        let entry = |holder: &str| Member { holder: holder.to_owned(), holding: Holding::default() };
        let played = play(of_class(class), one(), |call, nth| match call.ask {
            Ask::Read => {
                let list = if edited && nth > 0 { vec![] } else { vec![entry("bob")] };
                Answer::Read(Ok(Reading { state: (nth > 0).then(Holding::default), list, ..Reading::default() }))
            }
            _ => taken(Written::default()),
        });
        let lists: Vec<_> = played.outcomes.edited_lists.into_iter().collect();
        assert_eq!(lists, vec![("app".to_owned(), "group:a".to_owned()); told], "{class:?}, edited: {edited}");
    }
}

#[test]
fn words_of_a_target_are_cut_between_characters() {
    for (words, bytes) in [("no".to_owned(), 2), ("a".repeat(300), 256), ("€".repeat(100), 255)] {
        assert_eq!(super::super::answer::bounded(words.clone()), words[..bytes], "{words}");
    }
}
