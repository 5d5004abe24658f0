//! Every pair of status and event: the legal ones and where they lead; all others are refused.

use crate::commit::{End, Event, Outcome, Status, next};
use crate::model::{ChangeId, Digest, StateHash, Time};
use crate::target::Grade;

const AT: Time = Time::from_seconds(1_000);

fn outcome(outcome: Outcome) -> Event {
    Event::Outcome { outcome, at: AT }
}

fn ended(end: End) -> Event {
    Event::Ended { end, at: AT }
}

fn manual(overdue: bool) -> Status {
    Status::Manual { attempts: 1, item: String::new(), due: AT, by: String::new(), overdue }
}

fn statuses() -> Vec<(&'static str, Status)> {
    vec![
        ("ready", Status::Ready { attempts: 1 }),
        ("intent", Status::Intent { attempt: 1, doubt: false }),
        ("intent in doubt", Status::Intent { attempt: 1, doubt: true }),
        ("waiting", Status::Waiting { attempts: 1, until: AT }),
        ("ambiguous", Status::Ambiguous { attempts: 1 }),
        ("accepted", Status::Accepted { attempts: 1, receipt: String::new(), until: AT }),
        ("manual", manual(false)),
        ("manual overdue", manual(true)),
        ("orphaned", Status::Orphaned { attempts: 1, id: String::new() }),
        ("acked", Status::Acked { attempts: 1, at: AT }),
        ("observed", Status::Observed { attempts: 1, at: AT }),
        ("moved", Status::Moved),
        ("refused", Status::Refused),
        ("confirmed", Status::Confirmed { grade: Grade::E3, at: AT }),
        ("ended", Status::Ended { end: End::Expired, at: AT }),
    ]
}

fn events() -> Vec<(&'static str, Event)> {
    let message = String::new;
    vec![
        ("intent 1", Event::Intent { epoch: 1, attempt: 1, at: AT }),
        ("intent 2", Event::Intent { epoch: 1, attempt: 2, at: AT }),
        ("intent 3", Event::Intent { epoch: 1, attempt: 3, at: AT }),
        ("acked", outcome(Outcome::Acked)),
        ("observed", outcome(Outcome::Observed)),
        ("stale", outcome(Outcome::Stale { found: StateHash(7) })),
        ("throttled", outcome(Outcome::Throttled { until: AT })),
        ("rejected", outcome(Outcome::Rejected { message: message() })),
        ("not applied", outcome(Outcome::NotApplied)),
        ("ambiguous", outcome(Outcome::Ambiguous { message: message() })),
        ("issued", outcome(Outcome::Issued { id: message(), handle: message() })),
        ("accepted", outcome(Outcome::Accepted { receipt: message(), until: AT })),
        ("opened", outcome(Outcome::Opened { item: message(), due: AT })),
        ("claimed", outcome(Outcome::Claimed { by: message() })),
        ("overdue", outcome(Outcome::Overdue)),
        ("orphaned", outcome(Outcome::Orphaned { id: message() })),
        ("confirmed", Event::Confirmed { grade: Grade::E3, at: AT }),
        ("superseded", ended(End::Superseded)),
        ("blocked", ended(End::BlockedBy { change: ChangeId(Digest::of(b"x")) })),
        ("expired", ended(End::Expired)),
        ("failed", ended(End::Failed)),
        ("not observed", ended(End::NotObserved)),
        ("replanned", ended(End::Replanned)),
        ("denied", ended(End::Denied)),
        ("unverifiable", ended(End::Unverifiable)),
    ]
}

/// For each status, the events that are legal and the status that they lead to. Whatever is not listed is refused.
#[rustfmt::skip]
const LEGAL: &[(&str, &[(&str, &str)])] = &[
    ("ready", &[
        ("intent 2", "intent 2"), ("blocked", "ended"), ("expired", "ended"), ("replanned", "ended"), ("denied", "ended"),
    ]),
    ("intent", &[
        ("acked", "acked"), ("observed", "observed"), ("stale", "moved"), ("throttled", "waiting"),
        ("rejected", "refused"), ("not applied", "ready"), ("ambiguous", "ambiguous"),
        ("issued", "acked"), ("accepted", "accepted"), ("opened", "manual"), ("orphaned", "orphaned"),
    ]),
    ("intent in doubt", &[
        ("acked", "acked"), ("observed", "observed"), ("stale", "moved"), ("throttled", "waiting"),
        ("rejected", "refused"), ("not applied", "ready"), ("ambiguous", "ambiguous"),
        ("issued", "acked"), ("accepted", "accepted"), ("opened", "manual"), ("orphaned", "orphaned"),
    ]),
    ("waiting", &[
        ("intent 2", "intent 2"), ("expired", "ended"), ("replanned", "ended"), ("denied", "ended"),
    ]),
    ("ambiguous", &[
        ("intent 2", "intent 2 in doubt"), ("observed", "observed"), ("stale", "moved"), ("not applied", "ready"),
        ("opened", "manual"), ("orphaned", "orphaned"),
    ]),
    ("accepted", &[
        ("acked", "acked"), ("rejected", "refused"), ("ambiguous", "ambiguous"),
    ]),
    ("manual", &[
        ("acked", "acked"), ("rejected", "refused"), ("claimed", "manual"), ("overdue", "manual"),
    ]),
    ("manual overdue", &[
        ("acked", "acked"), ("rejected", "refused"), ("claimed", "manual"),
    ]),
    ("orphaned", &[("not applied", "ready")]),
    ("acked", &[
        ("confirmed", "confirmed"), ("not applied", "ready"), ("not observed", "ended"), ("denied", "ended"),
        ("unverifiable", "ended"),
    ]),
    ("observed", &[
        ("confirmed", "confirmed"), ("not applied", "ready"), ("not observed", "ended"), ("denied", "ended"),
        ("unverifiable", "ended"),
    ]),
    ("moved", &[("superseded", "ended")]),
    ("refused", &[("failed", "ended")]),
    ("confirmed", &[]),
    ("ended", &[]),
];

fn describe(status: &Status) -> String {
    match status {
        Status::Intent { attempt, doubt: true } => format!("intent {attempt} in doubt"),
        Status::Intent { attempt, doubt: false } => format!("intent {attempt}"),
        other => other.name().to_owned(),
    }
}

#[test]
fn every_pair_of_status_and_event() {
    for (status_name, status) in statuses() {
        assert_eq!(status.to_string(), status.name());
        let legal = LEGAL.iter().find(|(name, _)| *name == status_name).expect("each status has a row").1;
        for (event_name, event) in events() {
            let expected = legal.iter().find(|(name, _)| *name == event_name).map(|(_, to)| (*to).to_owned());
            let found = next(&status, &event);
            if let Err(error) = &found {
                assert_eq!((error.status, error.event), (status.name(), event.name()));
            }
            assert_eq!(found.ok().as_ref().map(describe), expected, "{status_name} + {event_name}");
        }
    }
}

#[test]
fn what_an_event_says_is_kept() {
    let until = Time::from_seconds(2_000);
    let intent = Status::Intent { attempt: 4, doubt: false };
    for (event, expected) in [
        (outcome(Outcome::Throttled { until }), Status::Waiting { attempts: 4, until }),
        (outcome(Outcome::NotApplied), Status::Ready { attempts: 4 }),
        (outcome(Outcome::Acked), Status::Acked { attempts: 4, at: AT }),
    ] {
        assert_eq!(next(&intent, &event), Ok(expected));
    }
    let end = End::BlockedBy { change: ChangeId(Digest::of(b"first")) };
    assert_eq!(next(&Status::default(), &ended(end.clone())), Ok(Status::Ended { end, at: AT }));
    assert_eq!(
        next(&Status::Acked { attempts: 1, at: AT }, &Event::Confirmed { grade: Grade::E4, at: until }),
        Ok(Status::Confirmed { grade: Grade::E4, at: until })
    );
}

#[test]
fn attempts_never_overflow() {
    let event = Event::Intent { epoch: 1, attempt: 1, at: AT };
    assert!(next(&Status::Ready { attempts: u32::MAX }, &event).is_err());
}
