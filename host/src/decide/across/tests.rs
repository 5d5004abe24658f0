//! Tests of what is refused and ordered for the catalogue's sake, case by case. Every order of execution is tried in `plan`.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::super::fixture::{HOUR, NOW, Reply, Row, Says, World, account, credential, denial, grant, verdicts};
use super::super::{Decided, Edge, Refusal, decide};
use crate::correlate::{Cases, Side};
use crate::model::{ChangeKind, Mode, Subject};

const KEEP: u8 = 0;
const PRESENT: u8 = 1;
const ABSENT: u8 = 2;
const DISABLED: u8 = 3;
const TRUE_UP: u8 = 4;

use Side::{Absent as Gone, Disabled as Off, Present as There, Unknown};

/// Somebody's role of which two must be held.
fn owner(who: &str, desired: Side, observed: Side) -> Row {
    let row = Row::new(who, Subject::Grant, "role:owner", desired, observed);
    Row { catalogue: Some((2, true, false)), min_holders: 2, ..row }
}

fn glass(who: &str, observed: Side) -> Row {
    let row = Row::new(who, Subject::Grant, "role:glass", Gone, observed);
    Row { catalogue: Some((3, true, true)), ..row }
}

fn paying(object: &str, desired: Side, observed: Side) -> Row {
    let row = Row::new("ann", Subject::Grant, object, desired, observed);
    Row { catalogue: Some((1, false, false)), exclusion: "payments", ..row }
}

fn key(who: &str, object: &str, replaces: &'static str, desired: Side, observed: Side) -> Row {
    let want = Says { owner: "bob", expires_at: NOW + 100 * HOUR, replaces, ..Says::default() };
    Row { want, ..Row::new(who, Subject::Credential, object, desired, observed) }
}

fn try_all(world: &World, rows: &[(Row, Reply)]) -> (Cases, Decided) {
    let all: Vec<Row> = rows.iter().map(|(row, _)| row.clone()).collect();
    let cases = world.cases(&all, 1);
    let replies = rows.iter().map(|(row, reply)| {
        let key = crate::model::CaseKey::hash(row.subject, row.target, &row.who, &row.object);
        (key, *reply)
    });
    let replies: std::collections::BTreeMap<_, _> = replies.collect();
    let decided = decide(&cases, &verdicts(&cases, |_, case| replies.get(&case.key).copied()), &world.policy(), 2);
    (cases, decided)
}

fn says(effect: u8) -> Reply {
    Reply { effect, ..Reply::default() }
}

fn name(cases: &Cases, case: u32) -> String {
    let key = cases.key(&cases.cases[case as usize]).unwrap();
    format!("{} {}", key.holder, key.object)
}

/// What is done, what is refused, and what waits for what, in words, sorted.
fn words(cases: &Cases, decided: &Decided) -> Vec<String> {
    let done = decided.decisions.iter().map(|d| format!("{} {}", d.kind.name(), name(cases, d.case)));
    let held = decided.held.iter().map(|h| format!("{}: {}", h.refusal.map_or("held", Refusal::code), name(cases, h.case)));
    let edge = |e: &Edge| format!("{} after {}", name(cases, e.later), name(cases, e.earlier));
    let mut words: Vec<String> = done.chain(held).chain(decided.edges.iter().map(edge)).collect();
    words.sort();
    words
}

#[track_caller]
fn check(rows: &[(Row, u8)], expected: &[&str]) {
    check_in(&World::new(Mode::Authoritative), rows, expected);
}

#[track_caller]
fn check_in(world: &World, rows: &[(Row, u8)], expected: &[&str]) {
    let rows: Vec<_> = rows.iter().map(|(row, effect)| (row.clone(), says(*effect))).collect();
    let (cases, decided) = try_all(world, &rows);
    assert_eq!(words(&cases, &decided), expected);
}

#[test]
fn v27_no_plan_takes_the_last_holders() {
    let last = |n: usize| -> Vec<(Row, u8)> {
        ["ann", "ben", "cem", "dan"].iter().take(n).map(|who| (owner(who, Gone, There), ABSENT)).collect()
    };
    check(&last(1), &["last-holder: ann role:owner"]);
    check(&last(2), &["last-holder: ann role:owner", "last-holder: ben role:owner"]);
    let (cases, decided) = try_all(&World::new(Mode::Authoritative), &last(4).map_replies());
    assert_eq!(decided.decisions.len(), 2, "{:?}", words(&cases, &decided));
    assert_eq!(decided.held.iter().filter(|h| h.refusal == Some(Refusal::LastHolder)).count(), 2);
    assert!(decided.edges.is_empty());
}

trait MapReplies {
    fn map_replies(&self) -> Vec<(Row, Reply)>;
}

impl MapReplies for Vec<(Row, u8)> {
    fn map_replies(&self) -> Vec<(Row, Reply)> {
        self.iter().map(|(row, effect)| (row.clone(), says(*effect))).collect()
    }
}

/// Whatever takes it counts: shortening it, disabling it, or the account through which it works.
#[test]
fn v27_whatever_ends_it_counts() {
    let stays = (owner("ben", There, There), KEEP);
    check(&[(owner("ann", There, There), DISABLED), stays.clone()], &["last-holder: ann role:owner"]);
    let bounded = Reply { until: NOW + HOUR, ..says(PRESENT) };
    let rows = [(owner("ann", There, There), bounded), (owner("ben", There, There), says(KEEP))];
    let (cases, decided) = try_all(&World::new(Mode::Authoritative), &rows);
    assert_eq!(words(&cases, &decided), ["last-holder: ann role:owner"]);
    for effect in [ABSENT, DISABLED] {
        check(&[(account(There, There), effect), (owner("ann", There, There), KEEP), stays.clone()], &["last-holder: ann "]);
    }
    // What does not work anyway is nobody's last.
    check(&[(account(There, Off), KEEP), (owner("ann", Gone, There), ABSENT), stays.clone()], &["revoke ann role:owner"]);
    check(&[(owner("ann", Gone, Off), ABSENT), stays], &["revoke ann role:owner"]);
}

#[test]
fn v27_what_nobody_knows_to_work_does_not_count() {
    let third = |row: Row| vec![(owner("ann", Gone, There), ABSENT), (owner("ben", There, There), KEEP), (row, KEEP)];
    check(&third(owner("cem", There, There)), &["revoke ann role:owner"]);
    check(&third(owner("cem", There, Unknown)), &["last-holder: ann role:owner"]);
    let ended = Row { have: Says { expires_at: NOW - 1, ..Says::default() }, ..owner("cem", There, There) };
    check(&third(ended), &["last-holder: ann role:owner"]);
    let inherited = Row { traits: crate::correlate::traits::INHERITED, ..owner("cem", There, There) };
    check(&third(inherited), &["last-holder: ann role:owner"]);
    let unsettled = crate::model::CaseKey::hash(Subject::Grant, "gh", "cem", "role:owner");
    let world = World { unsettled: [unsettled].into(), ..World::new(Mode::Authoritative) };
    let expected = ["effect-unknown: cem role:owner", "last-holder: ann role:owner"];
    check_in(&world, &third(owner("cem", There, There)), &expected);
}

/// In an amendment only the identities that are looked at again count: what became of the others is not known.
#[test]
fn v27_an_amendment_counts_those_it_looks_at() {
    let world = World::new(Mode::Authoritative);
    let rows: Vec<Row> = ["ann", "ben", "cem"].iter().map(|who| owner(who, Gone, There)).collect();
    let mut cases = world.cases(&rows, 1);
    cases.batches.truncate(1);
    let decided = decide(&cases, &verdicts(&cases, |_, _| Some(says(ABSENT))), &world.policy(), 1);
    assert!(decided.decisions.is_empty());
    assert_eq!(decided.held.len(), 1);
}

/// Who leaves may go once somebody else is there; who is too many waits for more.
#[test]
fn v27_who_relies_on_somebody_new_waits_for_them() {
    let (ann, ben) = ((owner("ann", Gone, There), ABSENT), (owner("ben", There, There), KEEP));
    check(
        &[ann.clone(), ben.clone(), (owner("cem", There, Gone), PRESENT)],
        &["ann role:owner after cem role:owner", "grant cem role:owner", "revoke ann role:owner"],
    );
    // One is missing already: the first that comes fills that place.
    check(&[ann.clone(), (owner("cem", There, Gone), PRESENT)], &["grant cem role:owner", "last-holder: ann role:owner"]);
    check(
        &[ann.clone(), (owner("cem", There, Gone), PRESENT), (owner("dan", There, Gone), PRESENT)],
        &[
            "ann role:owner after cem role:owner",
            "ann role:owner after dan role:owner",
            "grant cem role:owner",
            "grant dan role:owner",
            "revoke ann role:owner",
        ],
    );
    // Nobody relies on what is refused, nor on what works only through an account that does not.
    let cem = Row { want: Says { not_before: NOW + 1, ..Says::default() }, ..owner("cem", There, Gone) };
    check(&[ann.clone(), ben.clone(), (cem, PRESENT)], &["last-holder: ann role:owner", "not-yet: cem role:owner"]);
    let of_cem = |observed| Row { who: "cem".into(), ..account(There, observed) };
    let cem = (owner("cem", There, Gone), PRESENT);
    check(&[ann, ben, cem, (of_cem(Off), KEEP)], &["grant cem role:owner", "last-holder: ann role:owner"]);
}

#[test]
fn v27_an_account_that_opens_counts_with_its_grant() {
    let world = World::new(Mode::Authoritative);
    let opens = Reply { mask: 1, ..says(TRUE_UP) };
    let rows = [
        (owner("ann", Gone, There), says(ABSENT)),
        (owner("ben", There, There), says(KEEP)),
        (Row { who: "cem".into(), differs: 1, ..account(There, Off) }, opens),
        (owner("cem", There, There), says(KEEP)),
    ];
    let (cases, decided) = try_all(&world, &rows);
    assert_eq!(words(&cases, &decided), ["ann role:owner after cem ", "enable cem ", "revoke ann role:owner"]);
}

#[test]
fn v27_two_accounts_of_one_identity_are_one_holder() {
    let world = World::new(Mode::Authoritative);
    let second =
        Row { have: Says { spelled: "adm-ann", ..Says::default() }, object: "role:owner".into(), ..owner("ann", Gone, There) };
    let rows = [owner("ann", There, There), second, owner("ben", Gone, There)];
    let cases = world.cases(&rows, 1);
    let ben = cases.cases.iter().position(|case| cases.key(case).unwrap().holder == "ben").unwrap() as u32;
    let reply = |index: u32, _: &_| Some(says(if index == ben { ABSENT } else { KEEP }));
    let decided = decide(&cases, &verdicts(&cases, reply), &world.policy(), 1);
    assert_eq!(words(&cases, &decided), ["last-holder: ben role:owner"]);
}

#[test]
fn v27_the_last_who_can_break_the_glass_stays() {
    check(&[(glass("ann", There), ABSENT)], &["last-break-glass: ann role:glass"]);
    check(&[(glass("ann", There), ABSENT), (glass("ben", There), KEEP)], &["revoke ann role:glass"]);
    check(&[(glass("ann", There), ABSENT), (glass("ben", Off), KEEP)], &["last-break-glass: ann role:glass"]);
}

/// What an operator denied goes, whoever is left: and nobody else goes with it.
#[test]
fn v27_a_denial_outweighs_the_catalogue() {
    let world = World { denials: vec![denial("", "ann", "role:owner")], ..World::new(Mode::Authoritative) };
    check_in(
        &world,
        &[(owner("ann", There, There), KEEP), (owner("ben", Gone, There), ABSENT)],
        &["last-holder: ben role:owner", "revoke ann role:owner"],
    );
    let three = [(owner("ann", There, There), KEEP), (owner("ben", Gone, There), ABSENT), (owner("cem", There, There), KEEP)];
    check_in(&world, &three, &["last-holder: ben role:owner", "revoke ann role:owner"]);
}

/// Its own end has passed, and nobody else is there: it is held, and a person has to look.
#[test]
fn v27_an_expiring_last_holder_is_held() {
    let ended = || Row { have: Says { expires_at: NOW - 1, ..Says::default() }, ..owner("ann", Gone, There) };
    let ben = || (owner("ben", There, There), KEEP);
    check(&[(ended(), ABSENT), ben()], &["last-holder: ann role:owner"]);
    check(&[(ended(), ABSENT), ben(), (owner("cem", There, There), KEEP)], &["revoke ann role:owner"]);
    check(
        &[(ended(), ABSENT), ben(), (owner("cem", There, Gone), PRESENT)],
        &["ann role:owner after cem role:owner", "grant cem role:owner", "revoke ann role:owner"],
    );
}

#[test]
fn v13_nobody_is_given_one_of_a_group_who_holds_another() {
    let (a, b) = ("role:a", "role:b");
    check(&[(paying(a, There, There), KEEP), (paying(b, There, Gone), PRESENT)], &["excluded: ann role:b"]);
    check(&[(paying(a, There, Unknown), KEEP), (paying(b, There, Gone), PRESENT)], &["excluded: ann role:b"]);
    check(&[(paying(a, There, Off), KEEP), (paying(b, There, Gone), PRESENT)], &["excluded: ann role:b"]);
    check(
        &[(paying(a, There, Gone), PRESENT), (paying(b, There, Gone), PRESENT)],
        &["excluded: ann role:a", "excluded: ann role:b"],
    );
    check(&[(paying(a, There, Gone), KEEP), (paying(b, There, Gone), PRESENT)], &["grant ann role:b"]);
    check(
        &[(paying(a, Gone, There), ABSENT), (paying(b, There, Gone), PRESENT)],
        &["ann role:b after ann role:a", "grant ann role:b", "revoke ann role:a"],
    );
    // Disabling it is not enough: it would be one step from both.
    check(
        &[(paying(a, There, There), DISABLED), (paying(b, There, Gone), PRESENT)],
        &["disable ann role:a", "excluded: ann role:b"],
    );
    let other = Row { exclusion: "orders", ..paying(a, There, There) };
    check(&[(other, KEEP), (paying(b, There, Gone), PRESENT)], &["grant ann role:b"]);
    let somebody = Row { who: "ben".into(), ..paying(a, There, There) };
    check(&[(somebody, KEEP), (paying(b, There, Gone), PRESENT)], &["grant ann role:b"]);
}

/// The facts order it one way, the rule the other way.
#[test]
fn v13_what_is_ordered_both_ways_is_refused() {
    let world = World::new(Mode::Authoritative);
    let rows = [paying("role:a", Gone, There), paying("role:b", There, Gone), grant(Gone, There)];
    let cases = world.cases(&rows, 1);
    let reply = |index: u32, _: &_| {
        Some(match index {
            0 => Reply { after: Some(1), ..says(ABSENT) },
            1 => says(PRESENT),
            _ => Reply { after: Some(1), ..says(ABSENT) },
        })
    };
    let decided = decide(&cases, &verdicts(&cases, reply), &world.policy(), 1);
    assert_eq!(words(&cases, &decided), ["blocked: ann team:a", "cycle: ann role:a", "cycle: ann role:b"]);
    assert_eq!(decided.edges, []);
}

#[test]
fn v13_an_old_key_goes_after_all_that_take_its_place() {
    let old = || (key("ann", "key:old", "", Gone, There), ABSENT);
    let new = |who: &str, desired, observed| key(who, &format!("key:{who}"), "key:old", desired, observed);
    check(&[old()], &["revoke ann key:old"]);
    check(&[old(), (new("ann", There, There), KEEP)], &["revoke ann key:old"]);
    check(
        &[old(), (new("ben", There, Gone), PRESENT), (new("cem", There, Gone), PRESENT)],
        &[
            "ann key:old after ben key:ben",
            "ann key:old after cem key:cem",
            "issue ben key:ben",
            "issue cem key:cem",
            "revoke ann key:old",
        ],
    );
    check(&[old(), (new("ben", There, Gone), KEEP)], &["unreplaced: ann key:old"]);
    check(&[old(), (new("ben", There, Off), KEEP)], &["unreplaced: ann key:old"]);
    check(&[old(), (new("ben", There, Unknown), KEEP)], &["unreplaced: ann key:old"]);
    check(&[old(), (new("ben", There, There), ABSENT)], &["revoke ben key:ben", "unreplaced: ann key:old"]);
    // Nobody lists it any more: it takes no place.
    check(&[old(), (new("ben", Gone, Gone), KEEP)], &["revoke ann key:old"]);
    // One without an owner is refused, and so is what relies on it.
    let orphan = Row { want: Says { owner: "", ..new("ben", There, Gone).want }, ..new("ben", There, Gone) };
    check(&[old(), (orphan, PRESENT)], &["credential-without-owner: ben key:ben", "unreplaced: ann key:old"]);
    // In another target it is another key.
    let elsewhere = Row { target: "crm", ..new("ben", There, Gone) };
    check(&[old(), (elsewhere, KEEP)], &["revoke ann key:old"]);
    // A denied or ended key goes at once.
    let ended = Row { have: Says { expires_at: NOW - 1, ..Says::default() }, ..old().0 };
    check(&[(ended, ABSENT), (new("ben", There, Gone), KEEP)], &["revoke ann key:old"]);
    let world = World { denials: vec![denial("", "ann", "")], ..World::new(Mode::Authoritative) };
    check_in(&world, &[old(), (new("ben", There, Gone), KEEP)], &["revoke ann key:old"]);
    check(&[(credential(Gone, There), ABSENT), (new("ben", There, Gone), KEEP)], &["revoke ann key:k"]);
}

#[test]
fn a_parent_is_given_first_and_taken_last() {
    let child = |desired, observed| {
        let row = Row::new("ann", Subject::Grant, "repo:a", desired, observed);
        Row { catalogue: Some((0, false, false)), parent: "team:a", ..row }
    };
    check(
        &[(child(There, Gone), PRESENT), (grant(There, Gone), PRESENT)],
        &["ann repo:a after ann team:a", "grant ann repo:a", "grant ann team:a"],
    );
    check(
        &[(child(Gone, There), ABSENT), (grant(Gone, There), ABSENT)],
        &["ann team:a after ann repo:a", "revoke ann repo:a", "revoke ann team:a"],
    );
    check(&[(child(There, Gone), PRESENT), (grant(Gone, There), ABSENT)], &["grant ann repo:a", "revoke ann team:a"]);
    check(&[(child(There, Gone), PRESENT), (grant(There, There), KEEP)], &["grant ann repo:a"]);
}

/// A rollback has an order of its own, so nothing in it may rely on something else in it.
#[test]
fn v39_a_rollback_keeps_what_the_catalogue_demands() {
    let world = World::new(Mode::Authoritative);
    let change = |row: &Row, kind, before: bool| {
        let holding = || crate::model::Holding {
            enabled: true,
            expires_at: crate::model::Time::NONE,
            level: String::new(),
            owner: String::new(),
            purpose: String::new(),
        };
        let (target, holder, object) = (row.target.to_owned(), row.who.clone(), row.object.clone());
        let key = crate::model::CaseKey { target, holder, subject: row.subject, object };
        let (before, after) = if before { (Some(holding()), None) } else { (None, Some(holding())) };
        crate::model::Change::routine("acme", key, kind, 1, before, after)
    };
    let gave = |row: Row| (change(&row, ChangeKind::Grant, false), row);
    let took = |row: Row| (change(&row, ChangeKind::Revoke, true), row);
    for (rows, expected) in [
        (vec![gave(owner("ann", There, There))], vec![Err(Refusal::LastHolder)]),
        (
            vec![gave(owner("ann", There, There)), took(owner("ben", There, Gone))],
            vec![Err(Refusal::LastHolder), Ok(ChangeKind::Grant)],
        ),
        (
            vec![gave(paying("role:b", There, There)), took(paying("role:a", There, Gone))],
            vec![Ok(ChangeKind::Revoke), Err(Refusal::Excluded)],
        ),
        (vec![gave(glass("ann", There))], vec![Err(Refusal::LastBreakGlass)]),
        (vec![gave(grant(There, There))], vec![Ok(ChangeKind::Revoke)]),
    ] {
        let (changes, rows): (Vec<_>, Vec<Row>) = rows.into_iter().unzip();
        let undone = super::super::undo(&world.cases(&rows, 1), &world.policy(), &changes);
        let undone: Vec<_> = undone.into_iter().map(|undone| undone.map(|undone| undone.kind)).collect();
        assert_eq!(undone, expected, "{rows:?}", rows = rows.iter().map(|row| &row.object).collect::<Vec<_>>());
    }
}

/// A plan that needs none of this is as it was.
#[test]
fn without_such_facts_there_are_no_edges() {
    let rows = [(grant(There, Gone), PRESENT), (account(There, There), KEEP), (credential(There, Gone), PRESENT)];
    let rows: Vec<_> = rows.iter().map(|(row, effect)| (row.clone(), says(*effect))).collect();
    let (_, decided) = try_all(&World::new(Mode::Authoritative), &rows);
    assert!(decided.edges.is_empty());
    assert_eq!(decided.decisions.iter().filter(|d| matches!(d.kind, ChangeKind::Grant | ChangeKind::Issue)).count(), 2);
}
