//! The log as a whole: leaves are canonical, whatever is altered is found, and what was done has an order.

mod note;
mod pages;
mod proof;
mod tiles;

use std::collections::BTreeMap;

use super::{Attached, Frontier, LeafPlace, LogEntry, LogHead, Rotation, Salts, Verified, VerifyError, leaf_hash, verify_log};
use crate::commit::{End, Event, Outcome};
use crate::ledger::{Leaf, LeafKind, Opening, RunRow, Stage, StoredLeaf};
use crate::model::{
    CaseKey, Change, ChangeId, ChangeKind, Digest, GateKind, Holding, PlanId, Reason, RunId, State, StateHash, Subject, Time,
};
use crate::target::Grade;

const RUN: RunId = RunId(u64::MAX);
const AT: Time = Time::from_seconds(1_767_225_600);
const PLAN: PlanId = PlanId(Digest([7; 32]));

fn holding(level: &str) -> State {
    Some(Holding { level: level.to_owned(), ..Holding::default() })
}

fn change(holder: &str, before: State, after: State) -> Change {
    let key = CaseKey {
        target: "github".to_owned(),
        holder: holder.to_owned(),
        subject: Subject::Grant,
        object: "repo:\"a\"\n".to_owned(),
    };
    Change {
        component: holder.to_owned(),
        reason: Reason { code: "level".to_owned(), text: "größer 😀".to_owned() },
        record: "hr-17".to_owned(),
        tier: 2,
        ..Change::routine("acme", key, ChangeKind::Update, 1, before, after)
    }
}

fn event(change: &Change, event: &Event, recovered: bool, found: Option<&State>) -> Leaf {
    let mut salts = Salts::from_seed([3; 32]);
    Leaf::event(RUN, PLAN, change, event, recovered, found, &mut || salts.salt()).expect("states have a canonical form")
}

fn intent(change: &Change) -> Leaf {
    event(change, &Event::Intent { epoch: u64::MAX, attempt: 1, at: AT }, false, None)
}

fn outcome(change: &Change, outcome: Outcome) -> Leaf {
    event(change, &Event::Outcome { outcome, at: AT }, false, None)
}

fn recovered(change: &Change, outcome: Outcome) -> Leaf {
    event(change, &Event::Outcome { outcome, at: AT }, true, Some(&None))
}

fn acked(change: &Change) -> Leaf {
    outcome(change, Outcome::Acked)
}

fn confirmed(change: &Change) -> Leaf {
    event(change, &Event::Confirmed { grade: Grade::E3, at: AT }, false, Some(&change.after))
}

fn ended(change: &Change, end: End) -> Leaf {
    event(change, &Event::Ended { end, at: AT }, false, None)
}

fn rotation() -> String {
    Rotation::sign("example.com/log", &note::key("example.com/log", 1), &note::key("example.com/log", 2)).expect("it is signed")
}

fn file() -> Attached {
    Attached { digest: Digest::of(b"a ticket"), media: "text/plain".to_owned(), size: u64::MAX }
}

/// One leaf of each kind, in a legal order.
fn every_kind() -> Vec<Leaf> {
    let row = RunRow {
        run: RUN,
        stage: Stage::Done,
        as_of: AT,
        began: AT,
        basis: PLAN.0,
        plan: None,
        slice: 0,
        commits: true,
        amends: None,
    };
    let opening =
        Opening { change: ChangeId(PLAN.0), gate: GateKind::Budget, by: "ada".to_owned(), why: "seen".to_owned(), at: AT };
    let (first, second) = (change("ada", None, holding("read")), change("bob", holding("read"), None));
    vec![
        Leaf::run_start(&row, "leaver@1.0.0", PLAN.0),
        Leaf::approval(RUN, &opening),
        intent(&first),
        intent(&second),
        acked(&first),
        outcome(&second, Outcome::Ambiguous { message: "reset".to_owned() }),
        Leaf::takeover(RUN, AT, LogHead::default()),
        recovered(&second, Outcome::Stale { found: StateHash(u64::MAX) }),
        confirmed(&first),
        ended(&second, End::Superseded),
        ended(&change("eve", None, None), End::BlockedBy { change: first.id }),
        Leaf::slice_checkpoint(RUN, AT, PLAN, u64::MAX),
        Leaf::key_rotation(RUN, AT, rotation()),
        Leaf::redaction(RUN, AT, 2, "ada", "asked for"),
        Leaf::pruning(RUN, AT, 0, "ada", "retention"),
        Leaf::attachment(RUN, AT, first.id, &file(), "ada", "the \"ticket\"\n"),
        Leaf::run_end(RUN, AT, Some(PLAN), &BTreeMap::from([("confirmed".to_owned(), u64::MAX)])),
    ]
}

fn log_of(leaves: &[Leaf]) -> (Vec<StoredLeaf>, LogHead) {
    let mut frontier = Frontier::default();
    let log = leaves.iter().enumerate().map(|(i, leaf)| {
        let place = LeafPlace { tenant: "acme", epoch: u64::MAX, index: i as u64 };
        let bytes = leaf.encode(place).expect("it has a canonical form");
        let hash = leaf_hash(&bytes);
        frontier.append(hash);
        StoredLeaf { index: i as u64, hash, bytes, bodies: leaf.bodies.clone() }
    });
    (log.collect(), frontier.head())
}

fn verify(leaves: &[Leaf]) -> Result<Verified, VerifyError> {
    let (log, head) = log_of(leaves);
    verify_log(&log, head)
}

#[test]
fn a_leaf_reads_back_and_64_bit_numbers_are_decimal_text() {
    let (log, head) = log_of(&every_kind());
    for (leaf, stored) in every_kind().iter().zip(&log) {
        let entry = LogEntry::parse(&stored.bytes).expect("it was just written");
        assert_eq!((&entry.says, entry.index, entry.epoch, entry.run), (&leaf.says, stored.index, u64::MAX, RUN));
    }
    let first = String::from_utf8_lossy(&log[0].bytes);
    let digest = PLAN.0;
    assert_eq!(
        first,
        format!(
            r#"{{"as_of":"2026-01-01T00:00:00Z","basis":"{digest}","epoch":"18446744073709551615","index":"0","kind":"run_start","module":"{digest}","rule":"leaver@1.0.0","run":"18446744073709551615","tenant":"acme","time":"2026-01-01T00:00:00Z","version":1}}"#
        )
    );
    let verified = verify_log(&log, head).expect("nothing was altered");
    assert_eq!((verified.head, verified.by_kind.len(), verified.foreign), (head, 15, 0));
}

#[test]
fn only_the_canonical_form_of_a_known_leaf_is_read() {
    let (log, _) = log_of(&every_kind());
    let leaf = String::from_utf8(log[0].bytes.clone()).expect("a leaf is text");
    let check = |altered: String, expected: &str| {
        assert_ne!(altered, leaf);
        let error = LogEntry::parse(altered.as_bytes()).expect_err(&altered);
        let error = format!("{error}");
        assert!(error.contains(expected), "{error}");
    };
    check(leaf.replacen('{', r#"{"actor":"x","#, 1), "unknown field `actor`");
    check(leaf.replacen('{', r#"{"index":"0","#, 1), "`index` stands there twice");
    check(leaf.replacen(r#","rule":"leaver@1.0.0""#, "", 1), "missing field `rule`");
    check(leaf.replacen(r#","tenant":"acme""#, "", 1), "`tenant` is missing");
    check(leaf.replacen(r#""index":"0""#, r#""index":"00""#, 1), "not the canonical form");
    check(leaf.replacen(r#""index":"0""#, r#""index":0"#, 1), "`index`");
    check(leaf.replacen(r#""version":1"#, r#""version":2"#, 1), "version 2");
    check(leaf.replacen(r#""version":1"#, r#""version":1 "#, 1), "not the canonical form");
    check(leaf.replacen("run_start", "run_stop", 1), "unknown variant `run_stop`");
    check(leaf.replacen("acme", "\\u0061cme", 1), "not the canonical form");
    check(leaf.replacen("00:00:00Z\",\"version", "00:00:00.5Z\",\"version", 1), "not the canonical form");
    check(format!("[{leaf}]"), "invalid type");
    let intent = String::from_utf8(log[2].bytes.clone()).expect("a leaf is text");
    let nested = intent.replacen(r#""case":{"#, r#""case":{"extra":"","#, 1);
    assert_ne!(nested, intent);
    assert!(LogEntry::parse(nested.as_bytes()).is_err(), "unknown names are refused at every depth");
}

#[test]
fn a_leaf_too_long_or_without_time_is_refused() {
    let place = LeafPlace { tenant: "acme", epoch: 1, index: 0 };
    let long = Outcome::Rejected { message: "x".repeat(70_000) };
    let error = outcome(&change("ada", None, None), long).encode(place).expect_err("it is too long");
    assert!(error.to_string().contains("longer than 65535"), "{error}");
    let error = Leaf::takeover(RUN, Time::NONE, LogHead::default()).encode(place).expect_err("it has no time");
    assert_eq!(error.to_string(), "a leaf has no time");
}

#[test]
fn every_altered_byte_is_found_and_named() {
    let (log, head) = log_of(&every_kind());
    for i in 0..log.len() {
        for at in 0..log[i].bytes.len() {
            let mut altered = log.clone();
            altered[i].bytes[at] ^= 1;
            assert_eq!(verify_log(&altered, head), Err(VerifyError::Altered { index: i as u64 }));
            // Whoever also mends the stored hash cannot mend the root, which is known elsewhere.
            altered[i].hash = leaf_hash(&altered[i].bytes);
            match verify_log(&altered, head).expect_err("an altered leaf is found") {
                VerifyError::Leaf { index, .. }
                | VerifyError::Misplaced { index, .. }
                | VerifyError::Body { index, .. }
                | VerifyError::Rotation { index, .. }
                | VerifyError::Order { index, .. } => assert!(index >= i as u64),
                VerifyError::Root { size, .. } => assert_eq!(size, head.size),
                other => panic!("{other}"),
            }
        }
        for at in 0..32 {
            let mut altered = log.clone();
            altered[i].hash.0[at] ^= 1;
            assert_eq!(verify_log(&altered, head), Err(VerifyError::Altered { index: i as u64 }));
        }
    }
}

#[test]
fn an_altered_body_is_found_and_a_redacted_one_is_counted() {
    let (log, head) = log_of(&every_kind());
    let check = |alter: &dyn Fn(&mut StoredLeaf), expected: Result<u64, &str>| {
        let mut altered = log.clone();
        alter(&mut altered[2]);
        let found = verify_log(&altered, head).map(|v| v.redacted).map_err(|e| e.to_string());
        assert_eq!(found, expected.map_err(|problem| format!("the state `{problem}")));
    };
    check(&|_| {}, Ok(0));
    let redact = |leaf: &mut StoredLeaf| (leaf.bodies[0].state, leaf.bodies[0].salt) = (None, "00".repeat(32));
    check(&redact, Ok(1));
    check(&|leaf| leaf.bodies[0].state = None, Err("after` beside leaf 2 is not what the leaf commits to"));
    let mut silent = log.clone();
    redact(&mut silent[3]);
    assert_eq!(verify_log(&silent, head), Err(VerifyError::Removed { index: 3 }), "no leaf says that");
    check(&|leaf| leaf.bodies[0].state = Some("null".to_owned()), Err("after` beside leaf 2 is not what the leaf commits to"));
    check(&|leaf| leaf.bodies[1].salt.replace_range(0..1, "+"), Err("before` beside leaf 2 is not what the leaf commits to"));
    check(&|leaf| drop(leaf.bodies.pop()), Err("before` beside leaf 2 is missing"));
    check(&|leaf| leaf.bodies.push(leaf.bodies[0].clone()), Err("after` beside leaf 2 stands there twice"));
    check(&|leaf| leaf.bodies[0].field = "case".to_owned(), Err("case` beside leaf 2 belongs to no commitment"));
}

#[test]
fn equal_states_have_different_commitments() {
    let same = change("ada", holding("read"), holding("read"));
    let bodies = intent(&same).bodies;
    assert_eq!(bodies[0].state, bodies[1].state);
    let commitments = intent(&same).says.commitments();
    assert_ne!(commitments[0].1, commitments[1].1);
}

#[test]
fn a_cut_doubled_or_reordered_log_is_found() {
    let (log, head) = log_of(&every_kind());
    let shorter = &log[..log.len() - 1];
    assert_eq!(verify_log(shorter, head), Err(VerifyError::Size { expected: head.size, found: head.size - 1 }));
    assert_eq!(verify_log(&log[1..], head), Err(VerifyError::Gap { expected: 0, found: 1 }));
    let mut swapped = log.clone();
    swapped.swap(1, 2);
    assert_eq!(verify_log(&swapped, head), Err(VerifyError::Gap { expected: 1, found: 2 }));
    let (index, other) = (swapped[1].index, swapped[2].index);
    (swapped[1].index, swapped[2].index) = (other, index);
    let error = verify_log(&swapped, head).expect_err("the leaves say where they belong");
    assert_eq!(error.to_string(), "leaf 1 does not belong there: it says that it is leaf 2");
    let (whole, _) = log_of(&every_kind()[..2]);
    let seen = super::Verifier::default().seen(head);
    let seen = whole.iter().try_fold(seen, |mut v, leaf| v.push(leaf).map(|()| v)).expect("each leaf is right");
    let (_, cut) = log_of(&every_kind()[..2]);
    assert_eq!(seen.finish(cut), Err(VerifyError::Size { expected: head.size, found: 2 }), "a rolled back log is found");
}

#[test]
fn an_effect_needs_an_intent_and_a_confirmation_an_effect() {
    let one = change("ada", None, holding("read"));
    let check = |leaves: &[Leaf], missing: Option<&str>| {
        let error = verify(leaves).err().map(|e| e.to_string());
        let leaf = leaves.len() - 1;
        let expected = missing.map(|m| format!("leaf {leaf} speaks of change {} without {m} before it", one.id));
        assert_eq!(error, expected);
    };
    let rejected = outcome(&one, Outcome::Rejected { message: String::new() });
    check(&[acked(&one)], Some("an intent"));
    check(&[recovered(&one, Outcome::Ambiguous { message: String::new() })], Some("an intent"));
    check(&[outcome(&one, Outcome::Observed), confirmed(&one)], None);
    check(&[outcome(&one, Outcome::Stale { found: StateHash(1) }), confirmed(&one)], Some("an effect"));
    check(&[intent(&change("bob", None, holding("read"))), acked(&one)], Some("an intent"));
    check(&[intent(&one), confirmed(&one)], Some("an effect"));
    check(&[intent(&one), rejected, confirmed(&one)], Some("an effect"));
    check(&[intent(&one), acked(&one), confirmed(&one), confirmed(&one)], Some("an effect"));
    check(&[intent(&one), acked(&one), confirmed(&one)], None);
}

#[test]
fn what_others_changed_in_between_is_counted() {
    let first = change("ada", None, holding("read"));
    let check = |second: &Change, foreign: u64| {
        let leaves = [intent(&first), acked(&first), confirmed(&first), intent(second)];
        assert_eq!(verify(&leaves).map(|v| (v.foreign, v.by_kind[&LeafKind::Intent])), Ok((foreign, 2)));
    };
    check(&change("ada", holding("read"), holding("write")), 0);
    check(&change("ada", holding("admin"), holding("write")), 1);
    check(&change("bob", holding("admin"), holding("write")), 0);
}
