//! Which case is debt of which kind, and that counting in parts comes to the same.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use super::{Census, Debt, Kind, Terms};
use crate::correlate::{Cases, Side, traits};
use crate::decide::fixture::{HOUR, NOW, Row, Says, World, account, credential, estate, grant};
use crate::model::{IdentityKind, Mode, Time};

const DAY: i64 = 24 * HOUR;
/// Long before any of these terms.
const LONG_AGO: i64 = 1;

/// Shorter than the defaults, since tests begin close to the epoch.
fn terms() -> Terms {
    Terms { unused_days: 5, secret_days: 9, review_days: 8 }
}

fn count(cases: &Cases, terms: &Terms, threads: usize) -> Debt {
    super::count(cases, &Census::of(&cases.snapshot, Time::from_seconds(NOW)), terms, threads)
}

fn debt(cases: &Cases) -> Debt {
    count(cases, &terms(), 1)
}

/// What a row of a known person at work is debt of, and since when.
fn kinds(world: &World, row: Row, machine: bool) -> BTreeMap<Kind, i64> {
    let mut cases = world.cases(&[row], 1);
    for person in cases.snapshot.people.iter_mut().filter(|_| machine) {
        person.kind = IdentityKind::Machine;
    }
    let debt = debt(&cases);
    let all = debt.by_kind.iter().map(|(kind, tally)| {
        assert_eq!((tally.cases, tally.by_tier.iter().sum::<u64>()), (1, 1), "{kind}");
        assert_eq!(tally.by_target.values().sum::<u64>(), 1, "{kind}");
        let item = tally.worst.first().unwrap();
        assert_eq!(item.since, tally.oldest, "{kind}");
        (*kind, item.since.seconds())
    });
    assert_eq!(debt.cases, u64::from(!debt.by_kind.is_empty()));
    all.collect()
}

/// One line of the table: a row, whether its identity is a machine, and what it is debt of.
fn check(name: &str, row: Row, machine: bool, expected: &[(Kind, i64)]) {
    let world = World { left: ["gone"].into(), ..World::new(Mode::Authoritative) };
    assert_eq!(kinds(&world, row, machine), expected.iter().copied().collect(), "{name}");
}

fn wanted(says: Says) -> Row {
    let want = Says { record: "R-1", approver: "bob", ..says };
    Row { want, ..grant(Side::Present, Side::Present) }
}

fn with(row: Row, change: impl FnOnce(&mut Row)) -> Row {
    let mut row = row;
    change(&mut row);
    row
}

#[test]
fn each_kind_counts_what_it_says() {
    use Kind::{LongLived, Orphaned, Standing, Unowned, Unreviewed, Unused, Unwanted};
    let clean = || wanted(Says::default());
    let key = || with(credential(Side::Present, Side::Present), |row| (row.want.record, row.want.approver) = ("R-1", "bob"));
    check("in order", clean(), false, &[]);
    check("not seen", grant(Side::Absent, Side::Absent), false, &[]);
    check("nobody can tell", grant(Side::Absent, Side::Unknown), false, &[]);
    check("through a group", with(grant(Side::Absent, Side::Absent), |row| row.have.via = "team:b"), false, &[]);

    check("who left", with(clean(), |row| row.who = "gone".into()), false, &[(Orphaned, 0)]);
    check("who is unknown", with(clean(), |row| row.who = "eve".into()), false, &[(Orphaned, 0)]);

    check("nobody wants it", grant(Side::Absent, Side::Present), false, &[(Unwanted, 0)]);
    check("nobody can tell who wants it", grant(Side::Unknown, Side::Present), false, &[]);
    check("it rests", account(Side::Absent, Side::Disabled), false, &[(Unwanted, 0)]);

    check("a machine of nobody", clean(), true, &[(Unowned, 0)]);
    check("a machine of somebody", with(clean(), |row| row.want.owner = "ann"), true, &[]);
    check("a machine of who left", with(clean(), |row| row.want.owner = "gone"), true, &[(Unowned, 0)]);
    let key_of_nobody = with(key(), |row| (row.who, row.want.owner) = ("eve".into(), ""));
    check("a key of nobody", key_of_nobody, false, &[(Orphaned, 0), (Unowned, 0), (LongLived, 0)]);

    let strong = |says| with(wanted(says), |row| row.catalogue = Some((3, true, false)));
    check("always strong", strong(Says { not_before: NOW - DAY, ..Says::default() }), false, &[(Standing, NOW - DAY)]);
    check("strong for an hour", strong(Says { expires_at: NOW + HOUR, ..Says::default() }), false, &[]);
    check("strong by its trait", with(clean(), |row| row.traits = traits::PRIVILEGED), false, &[(Standing, 0)]);
    let kept = with(strong(Says::default()), |row| row.traits = traits::PRIVILEGED | traits::BREAK_GLASS);
    check("kept for emergencies", kept, false, &[]);

    check("a key without an end", key(), false, &[(LongLived, 0)]);
    let ends = |seconds| with(key(), |row| row.have.expires_at = seconds);
    check("a key that ends in time", ends(NOW + 9 * DAY), false, &[]);
    check("a key that does not", ends(NOW + 9 * DAY + 1), false, &[(LongLived, 0)]);
    let rests = with(key(), |row| (row.observed, row.desired) = (Side::Disabled, Side::Disabled));
    check("a key that rests", rests, false, &[]);

    let used = |at| with(clean(), |row| row.have.last_used = at);
    check("used in time", used(NOW - 5 * DAY), false, &[]);
    check("not used in time", used(NOW - 5 * DAY - 1), false, &[(Unused, NOW - 5 * DAY - 1)]);
    let anew = with(used(LONG_AGO), |row| row.want.not_before = NOW - DAY);
    check("wished anew since", anew, false, &[]);

    check("no record", with(clean(), |row| row.want.record = ""), false, &[(Unreviewed, 0)]);
    check("no approver", with(clean(), |row| row.want.approver = ""), false, &[(Unreviewed, 0)]);
    let old = NOW - 8 * DAY - 1;
    check("long ago", wanted(Says { not_before: old, ..Says::default() }), false, &[(Unreviewed, old)]);
    check("an account", account(Side::Present, Side::Present), false, &[]);
}

#[test]
fn what_is_not_asked_for_is_not_counted() {
    let none = Terms { unused_days: 0, secret_days: 0, review_days: 0 };
    let row = Row { have: Says { last_used: LONG_AGO, ..Says::default() }, ..credential(Side::Present, Side::Present) };
    let cases = World::new(Mode::Authoritative).cases(&[row], 1);
    let kinds = |terms| count(&cases, &terms, 1).by_kind.into_keys().collect::<Vec<_>>();
    assert_eq!(kinds(none), []);
    assert_eq!(kinds(terms()), [Kind::LongLived, Kind::Unused, Kind::Unreviewed]);
}

#[test]
fn parts_and_threads_change_nothing_and_the_worst_come_first() {
    let (mut rows, _) = estate(3, 300);
    let mut tier = 0;
    for row in &mut rows {
        tier = (tier + 1) % 7;
        row.catalogue = Some((tier % 4, tier == 3, false));
        row.have.last_used = LONG_AGO + i64::from(tier);
    }
    let world = World::new(Mode::Authoritative);
    let whole = world.cases(&rows, 4);
    let once = debt(&whole);
    assert_eq!(count(&whole, &terms(), 7), once);
    // Whole identities, dealt out: as parts of a plan are.
    let mut parts = Debt { terms: terms(), ..Debt::default() };
    for part in (0..3).rev() {
        let mine = |row: &&Row| row.who.bytes().map(u32::from).sum::<u32>() % 3 == part;
        let rows: Vec<Row> = rows.iter().filter(mine).cloned().collect();
        parts.add(debt(&world.cases(&rows, 4)));
    }
    assert_eq!(parts, once);
    let unused = once.by_kind.get(&Kind::Unused).unwrap();
    let ages: Vec<_> = unused.worst.iter().map(|item| (3 - item.tier, item.since)).collect();
    assert!(unused.cases > 40 && ages.len() == crate::limits::DEBT_LISTED && ages.is_sorted(), "{ages:?}");
    assert_eq!(ages.first().map(|first| first.0), Some(0));
    let text = serde_json::to_string(&once).unwrap();
    assert_eq!(serde_json::from_str::<Debt>(&text).unwrap(), once);
}
