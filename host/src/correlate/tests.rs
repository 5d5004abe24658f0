//! Tests of correlation: three-valued sides, what is compared, recorded state, and cuts that depend on content alone.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use super::{
    Batch, Case, Cases, CorrelateContext, CorrelateError, Recorded, Side, TargetFacts, WhyUnknown, correlate, holding,
    identity_digest, sightings, traits,
};
use crate::discover::{Completeness, ScanSide, Snapshot, SnapshotBuilder, Spill, Subjects};
use crate::limits::{BATCH_CLOSES_AFTER_CASES, BATCH_HOLDS_CASES, IDENTITY_HOLDS_CASES};
use crate::link::{Canon, Links, Numbers, link};
use crate::model::{
    AttributeMask, CaseKey, Fact, FactFlags, IdentityKind, IdentityStatus, KeyHash, Mode, Scope, Scopes, StateHash, Subject,
    Symbols, Time,
};

const NOW: Time = Time::from_seconds(1_772_323_200);
type Build<'a> = &'a dyn Fn(&mut SnapshotBuilder);

fn snapshot(build: Build<'_>) -> Snapshot {
    let mut builder = SnapshotBuilder::new();
    build(&mut builder);
    builder.build().unwrap_or_else(|error| panic!("{error}"))
}

fn targets() -> BTreeMap<String, TargetFacts> {
    let all = TargetFacts { attributes: AttributeMask::ALL, accounts: true };
    let none = TargetFacts { attributes: AttributeMask(0), accounts: false };
    BTreeMap::from([("crm".to_owned(), all), ("erp".to_owned(), none)])
}

fn linked(snapshot: &mut Snapshot) -> Links {
    let mut lower = |_: u8, keys: &[&str]| Ok::<_, Infallible>(keys.iter().map(|key| key.to_lowercase()).collect::<Vec<_>>());
    link(snapshot, Some(&mut lower as &mut Canon<'_, Infallible>)).unwrap_or_else(|error| panic!("{error}"))
}

fn pair_with(mut snapshot: Snapshot, recorded: Vec<Recorded>, threads: usize) -> Result<Cases, CorrelateError<Infallible>> {
    let links = linked(&mut snapshot);
    pair_linked(snapshot, links, recorded, threads)
}

fn pair_linked(
    snapshot: Snapshot,
    links: Links,
    recorded: Vec<Recorded>,
    threads: usize,
) -> Result<Cases, CorrelateError<Infallible>> {
    let scopes = Scopes(vec![
        Scope { target: "crm".to_owned(), objects: "team:*".to_owned(), mode: Mode::Additive },
        Scope { target: "crm".to_owned(), objects: "*".to_owned(), mode: Mode::Authoritative },
    ]);
    let context = CorrelateContext { tenant: "acme", as_of: NOW, scopes: &scopes, targets: &targets(), threads };
    correlate(snapshot, links, recorded.into_iter().map(Ok), &context)
}

fn pair(build: Build<'_>) -> Cases {
    pair_with(snapshot(build), Vec::new(), 1).unwrap_or_else(|error| panic!("{error}"))
}

fn the_case(cases: &Cases) -> &Case {
    assert_eq!(cases.cases.len(), 1);
    cases.cases.first().expect("one case")
}

/// `desired why / observed why`.
fn sides(case: &Case) -> String {
    format!("{:?} {:?} / {:?} {:?}", case.desired_side, case.desired_why, case.observed_side, case.observed_why)
}

fn until(seconds: i64) -> impl FnOnce(&mut Fact, &mut Symbols) {
    move |fact, _| fact.expires_at = NOW.plus(seconds)
}

fn disabled(fact: &mut Fact, _: &mut Symbols) {
    fact.flags = FactFlags(FactFlags::DISABLED);
}

fn level(text: &'static str) -> impl FnOnce(&mut Fact, &mut Symbols) {
    move |fact, symbols| fact.level = symbols.intern(text)
}

#[test]
fn v07_absence_is_unknown_unless_the_scan_that_should_hold_it_is_complete() {
    use Completeness::{Complete, Shrunk, Stale};
    use ScanSide::{Desired, Observed};
    fn incomplete() -> Completeness {
        Completeness::Incomplete { why: "cut".to_owned() }
    }
    let all: Vec<(&str, Build<'_>, &str)> = vec![
        ("both", &|b| _ = b.desired("crm", "ann", "x").observed("crm", "ann", "x"), "Present Known / Present Known"),
        ("nobody speaks for it", &|b| _ = b.observed("crm", "ann", "x"), "Unknown Uncovered / Present Known"),
        (
            "not desired",
            &|b| _ = b.observed("crm", "ann", "x").scan(Desired, "iam", "crm", Complete),
            "Absent Known / Present Known",
        ),
        (
            "incomplete",
            &|b| _ = b.observed("crm", "ann", "x").scan(Desired, "iam", "crm", incomplete()),
            "Unknown Incomplete / Present Known",
        ),
        ("stale", &|b| _ = b.observed("crm", "ann", "x").scan(Desired, "iam", "crm", Stale), "Unknown Stale / Present Known"),
        (
            "shrunk",
            &|b| _ = b.observed("crm", "ann", "x").scan(Desired, "iam", "crm", Shrunk { lost: 9, of: 9 }),
            "Unknown Shrunk / Present Known",
        ),
        (
            "one of two sources is incomplete",
            &|b| {
                b.observed("crm", "ann", "x").scan(Desired, "hr", "crm", Complete).scan(Desired, "iam", "crm", incomplete());
            },
            "Unknown Incomplete / Present Known",
        ),
        (
            "a gap of another target",
            &|b| {
                b.observed("crm", "ann", "x").scan(Desired, "hr", "crm", Complete).scan(Desired, "iam", "erp", incomplete());
            },
            "Absent Known / Present Known",
        ),
        (
            "a source that speaks for accounts only",
            &|b| {
                let accounts = Subjects::only(Subject::Account);
                b.observed("crm", "ann", "x").scan_of(Desired, "hr", "crm", accounts, Complete);
            },
            "Unknown Uncovered / Present Known",
        ),
        (
            "present in an incomplete scan",
            &|b| {
                _ = b
                    .scan(Desired, "source", "crm", incomplete())
                    .desired("crm", "ann", "x")
                    .scan(Observed, "crm", "crm", Complete)
            },
            "Present Known / Absent Known",
        ),
        ("the target was not read", &|b| _ = b.desired("crm", "ann", "x"), "Present Known / Unknown Incomplete"),
        (
            "the target was read in part",
            &|b| _ = b.desired("crm", "ann", "x").scan(Observed, "crm", "crm", incomplete()),
            "Present Known / Unknown Incomplete",
        ),
        (
            "two native ids look like one",
            &|b| _ = b.desired("crm", "ann", "x").observed("crm", "Ann", "x").observed("crm", "ANN", "x"),
            "Unknown Disputed / Unknown Disputed",
        ),
        (
            "the target contradicts itself",
            &|b| _ = b.desired("crm", "ann", "x").observed("crm", "ann", "x").observed("crm", "ann", "x").with(level("a")),
            "Present Known / Unknown Incomplete",
        ),
        (
            "disabled",
            &|b| _ = b.desired("crm", "ann", "x").with(disabled).observed("crm", "ann", "x").with(disabled),
            "Disabled Known / Disabled Known",
        ),
        (
            "ended",
            &|b| _ = b.desired("crm", "ann", "x").with(until(0)).observed("crm", "ann", "x"),
            "Absent Known / Present Known",
        ),
        (
            "ends later",
            &|b| _ = b.desired("crm", "ann", "x").with(until(1)).observed("crm", "ann", "x"),
            "Present Known / Present Known",
        ),
        (
            "ended, by the source that is incomplete",
            &|b| {
                _ = b
                    .scan(Desired, "source", "crm", incomplete())
                    .desired("crm", "ann", "x")
                    .with(until(-1))
                    .observed("crm", "ann", "x")
            },
            "Absent Known / Present Known",
        ),
        (
            "ended, while another source is incomplete",
            &|b| {
                _ = b
                    .scan(Desired, "hr", "crm", incomplete())
                    .desired("crm", "ann", "x")
                    .with(until(-1))
                    .observed("crm", "ann", "x")
            },
            "Unknown Incomplete / Present Known",
        ),
        (
            "may not begin yet",
            &|b| _ = b.desired("crm", "ann", "x").with(|fact, _| fact.not_before = NOW.plus(9)).observed("crm", "ann", "x"),
            "Present Known / Present Known",
        ),
    ];
    for (name, build, expected) in all {
        assert_eq!(sides(the_case(&pair(build))), expected, "{name}");
    }
}

#[test]
fn of_several_justifications_a_live_one_that_ends_last_speaks() {
    // (record, ends in seconds, begins in seconds, disabled) per source; the record that speaks, and the side
    type Row = (&'static str, i64, i64, bool);
    let all: [(&[Row], &str, Side); 6] = [
        (&[("a", 5, 0, false), ("b", 9, 0, false)], "b", Side::Present),
        (&[("a", 5, 0, false), ("b", 0, 0, false)], "a", Side::Present),
        (&[("a", 5, 0, false), ("b", i64::MAX, 0, false)], "b", Side::Present),
        (&[("a", 5, 0, false), ("b", 9, 3, false)], "a", Side::Present),
        (&[("a", 5, 0, false), ("b", 9, 0, true)], "a", Side::Present),
        (&[("b", 5, 0, false), ("a", 5, 0, false)], "a", Side::Present),
    ];
    for (rows, record, side) in all {
        for reversed in [false, true] {
            let cases = pair(&|b| {
                let mut names = ["one", "two"];
                if reversed {
                    names.reverse();
                }
                for ((record, ends, begins, off), source) in rows.iter().zip(names) {
                    b.source(source).desired("crm", "ann", "x").with(|fact, symbols| {
                        fact.record = symbols.intern(record);
                        fact.expires_at = if *ends == i64::MAX { Time::NONE } else { NOW.plus(*ends) };
                        fact.not_before = if *begins == 0 { Time::NONE } else { NOW.plus(*begins) };
                        fact.flags = FactFlags(if *off { FactFlags::DISABLED } else { 0 });
                    });
                }
            });
            let case = the_case(&cases);
            let fact = cases.snapshot.desired.get(case.desired.map_or(0, |i| i as usize)).expect("a row");
            assert_eq!((cases.snapshot.symbols.text(fact.record), case.desired_side), (record, side), "{rows:?}");
        }
    }
}

#[test]
fn only_what_is_stated_and_stored_is_compared() {
    let all: Vec<(&str, u32)> = vec![("crm", 1 | 2 | 4 | 8 | 16), ("erp", 0)];
    for (target, expected) in all {
        let cases = pair(&|b| {
            b.desired(target, "ann", "x").with(|fact, symbols| {
                (fact.level, fact.owner, fact.purpose) = (symbols.intern("a"), symbols.intern("b"), symbols.intern("c"));
                fact.expires_at = NOW.plus(9);
            });
            b.observed(target, "ann", "x").with(disabled);
        });
        assert_eq!(the_case(&cases).differs, expected, "{target}");
    }
    let cases = pair(&|b| {
        b.desired("crm", "ann", "x").observed("crm", "ann", "x").with(|fact, symbols| {
            (fact.level, fact.owner, fact.expires_at) = (symbols.intern("a"), symbols.intern("b"), NOW);
        });
    });
    assert_eq!(the_case(&cases).differs, 0, "what is not stated does not differ");
}

#[test]
fn respelled_keys_meet_and_are_written_as_the_target_spells_them() {
    let cases = pair(&|b| _ = b.desired("crm", "ANN", "Team:A").observed("crm", "Ann", "team:a"));
    let case = the_case(&cases);
    let key = cases.key(case).expect("it has a row");
    assert_eq!((sides(case).as_str(), key.to_string().as_str()), ("Present Known / Present Known", "crm/Ann/team:a"));
    assert_eq!(case.key, CaseKey::hash(Subject::Grant, "crm", "ann", "team:a"));
}

#[test]
fn a_level_is_part_of_the_key_or_an_attribute() {
    let attribute = pair(&|b| {
        _ = b.desired("crm", "ann", "team:a").with(level("admin")).observed("crm", "ann", "team:a").with(level("read"))
    });
    assert_eq!((the_case(&attribute).differs, sides(the_case(&attribute)).as_str()), (2, "Present Known / Present Known"));
    let key = pair(&|b| _ = b.desired("crm", "ann", "team:a#admin").observed("crm", "ann", "team:a#read"));
    let all: Vec<String> = key.cases.iter().map(sides).collect();
    assert_eq!(all, ["Present Known / Absent Known", "Absent Known / Present Known"]);
}

#[test]
fn traits_scopes_and_catalogue_are_found() {
    let cases = pair(&|b| {
        b.desired("crm", "ann", "team:a").desired("crm", "ann", "role:root").desired("erp", "ann", "team:a");
        b.observed("crm", "ann", "team:a").with(|fact, _| fact.flags = FactFlags(FactFlags::INHERITED | FactFlags::IMMUTABLE));
        b.observed("crm", "ann", "role:root").observed("erp", "ann", "team:a");
        b.entitlement("", "ROLE:root", |row, _| row.privileged = true);
        b.entitlement("erp", "team:a", |row, _| row.break_glass = true);
    });
    let found: Vec<(String, u32, Option<u16>)> = cases
        .cases
        .iter()
        .map(|case| (cases.key(case).map_or(String::new(), |key| key.to_string()), case.traits, case.scope))
        .collect();
    assert_eq!(
        found,
        [
            ("crm/ann/role:root".to_owned(), traits::PRIVILEGED, Some(1)),
            ("crm/ann/team:a".to_owned(), traits::INHERITED | traits::IMMUTABLE | traits::ADDITIVE, Some(0)),
            ("erp/ann/team:a".to_owned(), traits::BREAK_GLASS, None),
        ]
    );
}

#[test]
fn a_direct_row_speaks_before_inherited_ones() {
    let cases = pair(&|b| {
        b.desired("crm", "ann", "x");
        for via in ["g1", "", "g2"] {
            b.observed("crm", "ann", "x").with(|fact, symbols| {
                fact.via = symbols.intern(via);
                fact.flags = FactFlags(if via.is_empty() { 0 } else { FactFlags::INHERITED });
            });
        }
    });
    assert_eq!((the_case(&cases).traits, the_case(&cases).observed_side), (0, Side::Present));
}

#[test]
fn accounts_are_cases_only_where_they_are_objects() {
    let cases = pair(&|b| {
        b.desired("crm", "ann", "").desired("erp", "ann-erp", "").with(|fact, symbols| fact.identity = symbols.intern("ann"));
        b.observed("erp", "ann-erp", "team:a").observed("erp", "bob", "");
    });
    let keys: Vec<String> = cases.cases.iter().filter_map(|case| cases.key(case)).map(|key| key.to_string()).collect();
    assert_eq!(keys, ["crm/ann", "erp/ann-erp/team:a"]);
    assert_eq!(cases.identities.len(), 1, "a row about an account links identities even where it is no case");
}

#[test]
fn people_are_found_under_any_spelling() {
    let cases = pair(&|b| {
        b.observed("crm", "ANN", "x").person("Ann", IdentityKind::Person, IdentityStatus::Active);
        b.observed("crm", "bob", "x");
    });
    let mut people: Vec<(&str, bool)> =
        cases.identities.iter().map(|identity| (cases.snapshot.symbols.text(identity.name), identity.person.is_some())).collect();
    people.sort_unstable();
    assert_eq!(people, [("ann", true), ("bob", false)]);
}

fn recorded(holder: &str, change: impl FnOnce(&mut Recorded)) -> Recorded {
    let held = StateHash::of(Some(&Default::default()));
    let mut row = Recorded::new(CaseKey::hash(Subject::Grant, "crm", holder, "x"), held, 1);
    change(&mut row);
    row
}

#[test]
fn recorded_state_meets_its_case() {
    let day = |n: i64| NOW.plus(-86_400 * n);
    let undesired: Build<'_> =
        &|b| _ = b.observed("crm", "ann", "x").scan(ScanSide::Desired, "iam", "crm", Completeness::Complete);
    let unknown: Build<'_> = &|b| _ = b.observed("crm", "ann", "x");
    let desired: Build<'_> = &|b| _ = b.observed("crm", "ann", "x").desired("crm", "ann", "x");
    let gone: Build<'_> = &|b| _ = b.desired("crm", "ann", "x").scan(ScanSide::Observed, "crm", "crm", Completeness::Complete);
    let off: Build<'_> = &|b| _ = b.desired("crm", "ann", "x").observed("crm", "ann", "x").with(disabled);
    type Change = fn(&mut Recorded);
    struct Expected(Side, u32, Time, Time);
    let all: Vec<(&str, Build<'_>, Option<Change>, Expected)> = vec![
        ("first seen undesired", undesired, None, Expected(Side::Absent, 0, NOW, Time::NONE)),
        ("recorded, undesired from now on", undesired, Some(|_| {}), Expected(Side::Present, 0, NOW, Time::NONE)),
        (
            "undesired for long",
            undesired,
            Some(|r| r.since = NOW.plus(-86_400 * 9)),
            Expected(Side::Present, 0, day(9), Time::NONE),
        ),
        ("claimed", undesired, Some(|r| r.flags = Recorded::CLAIMED), Expected(Side::Present, traits::CLAIMED, NOW, Time::NONE)),
        (
            "closed, and came back",
            undesired,
            Some(|r| (r.state, r.since) = (StateHash::ABSENT, NOW.plus(-86_400 * 3))),
            Expected(Side::Absent, traits::CHANGED, day(3), Time::NONE),
        ),
        ("unknown keeps still", unknown, Some(|r| r.since = NOW.plus(-1)), Expected(Side::Present, 0, Time::NONE, Time::NONE)),
        ("desired again", desired, Some(|r| r.since = NOW.plus(-1)), Expected(Side::Present, 0, Time::NONE, Time::NONE)),
        ("taken away by somebody", gone, Some(|_| {}), Expected(Side::Present, traits::CHANGED, Time::NONE, Time::NONE)),
        ("closed and gone", gone, Some(|r| r.state = StateHash::ABSENT), Expected(Side::Absent, 0, Time::NONE, Time::NONE)),
        ("disabled by somebody", off, Some(|_| {}), Expected(Side::Present, traits::CHANGED, Time::NONE, NOW)),
        (
            "disabled for long",
            off,
            Some(|r| (r.flags, r.disabled_since) = (Recorded::DISABLED, NOW.plus(-86_400 * 2))),
            Expected(Side::Disabled, traits::CHANGED, Time::NONE, day(2)),
        ),
    ];
    for (name, build, change, Expected(side, traits, undesired, disabled)) in all {
        let mut rows: Vec<Recorded> = change.map(|change| recorded("ann", change)).into_iter().collect();
        rows.extend(["p", "q", "r", "s"].map(|other| recorded(other, |_| {})));
        rows.sort_by_key(|row| row.key);
        let cases = pair_with(snapshot(build), rows, 1).unwrap_or_else(|error| panic!("{name}: {error}"));
        let case = the_case(&cases);
        let scope_traits = case.traits & !traits::ADDITIVE;
        assert_eq!((case.recorded_side, scope_traits), (side, traits), "{name}");
        assert_eq!((case.undesired_since, case.disabled_since), (undesired, disabled), "{name}");
        assert_eq!(cases.recorded.len(), usize::from(change.is_some()), "{name}");
    }
}

#[test]
fn recorded_state_out_of_order_is_refused() {
    let mut rows = vec![recorded("a", |_| {}), recorded("b", |_| {})];
    rows.sort_by_key(|row| std::cmp::Reverse(row.key));
    for rows in [rows, vec![recorded("a", |_| {}); 2]] {
        let result = pair_with(snapshot(&|b| _ = b.observed("crm", "ann", "x")), rows, 1);
        assert!(matches!(result, Err(CorrelateError::Unsorted { .. })));
    }
}

#[test]
fn first_sightings_are_recorded_and_survive_the_next_run() {
    let build: Build<'_> = &|b| {
        b.scan(ScanSide::Desired, "iam", "crm", Completeness::Complete);
        b.observed("crm", "ann", "x").observed("crm", "bob", "x").with(disabled).source("iam").desired("crm", "cid", "x");
        b.observed("crm", "cid", "x");
    };
    let cases = pair(build);
    let mut rows: Vec<Recorded> = sightings(&cases, &targets()).collect();
    rows.sort_by_key(|row| row.key);
    assert_eq!(rows.iter().map(|row| (row.since, row.flags & Recorded::CLAIMED)).collect::<Vec<_>>(), [(NOW, 0); 2]);
    let again = pair_with(snapshot(build), rows, 1).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(sightings(&again, &targets()).count(), 0, "nothing new is seen");
    assert!(again.cases.iter().all(|case| case.traits & traits::CHANGED == 0));
}

#[test]
fn holdings_hold_what_the_target_stores() {
    let snapshot = snapshot(&|b| _ = b.observed("crm", "ann", "x").with(level("a")).with(until(5)).with(disabled));
    let fact = snapshot.observed.first().expect("a row");
    let all = holding(fact, &snapshot.symbols, AttributeMask::ALL);
    assert_eq!((all.enabled, all.level.as_str(), all.expires_at), (false, "a", NOW.plus(5)));
    let none = holding(fact, &snapshot.symbols, AttributeMask(0));
    assert_eq!(none, Default::default());
}

/// Everything that later stages see, as text.
fn shown(cases: &Cases) -> (Vec<String>, Vec<Batch>) {
    let mut lines = Vec::new();
    for identity in &cases.identities {
        let person = identity.person.and_then(|i| cases.snapshot.people.get(i as usize)).map(|person| person.status);
        lines.push(format!("{} {} {person:?}", cases.snapshot.symbols.text(identity.name), identity.digest));
        for case in cases.cases.get(identity.cases.start as usize..identity.cases.end as usize).unwrap_or(&[]) {
            let key = cases.key(case).map_or(String::new(), |key| key.to_string());
            let row = case.entitlement.and_then(|i| cases.snapshot.entitlements.get(i as usize));
            let row = row.map(|row| (row.tier, cases.snapshot.symbols.text(row.owner)));
            let since = (case.recorded_side, case.undesired_since, case.disabled_since);
            lines.push(format!("  {key} {:?} {} {} {} {row:?} {since:?}", case.key, sides(case), case.differs, case.traits));
        }
    }
    (lines, cases.batches.clone())
}

#[test]
fn v01_order_split_and_threads_move_neither_cases_nor_cuts() {
    const ROWS: usize = 20_000;
    let row = |i: usize| (format!("user{}", i * 7 % 3001), format!("team:{}", i * 13 % 97));
    let build = |order: &dyn Fn(usize) -> usize, split: usize| {
        let mut builder = SnapshotBuilder::new();
        let mut seen = std::collections::HashSet::new();
        for i in (0..ROWS).map(order) {
            let (holder, object) = row(i);
            if seen.insert((holder.clone(), object.clone())) {
                let target = ["crm", "erp"][i % 2];
                builder.source(["iam", "hr", "git"][i % 3 % split]).desired(target, &holder, &object);
                builder.observed(target, &holder.to_uppercase(), &format!("{object}{}", ["", "+"][i % 5 / 4]));
            }
        }
        for source in ["iam", "hr", "git"].iter().take(split) {
            for target in ["crm", "erp"] {
                builder.scan(ScanSide::Desired, source, target, Completeness::Complete);
            }
        }
        builder.build().unwrap_or_else(|error| panic!("{error}"))
    };
    let plain = build(&|i| i, 1);
    let digest = plain.facts_digest();
    let expected = shown(&pair_with(plain, vec![], 1).unwrap_or_else(|error| panic!("{error}")));
    assert!(expected.1.len() > 5);
    type Order<'a> = &'a dyn Fn(usize) -> usize;
    let orders: [(&str, Order<'_>, usize, usize); 4] = [
        ("threads", &|i| i, 1, 3),
        ("reversed", &|i| ROWS - 1 - i, 1, 2),
        ("shuffled", &|i| i * 7919 % ROWS, 1, 1),
        ("shuffled and split", &|i| (i * 104_729 + 17) % ROWS, 3, 2),
    ];
    for (name, order, split, threads) in orders {
        let other = build(order, split);
        assert_eq!(other.facts_digest(), digest, "{name}");
        let other = shown(&pair_with(other, vec![], threads).unwrap_or_else(|error| panic!("{error}")));
        assert!(other == expected, "{name}");
    }
}

/// What the cases of a snapshot are when it is dealt out into so many parts: as text, the size of each batch, and the rows that
/// no case refers to.
fn shown_in_parts(build: Build<'_>, recorded: &[Recorded], parts: u64) -> (Vec<String>, Vec<usize>, Vec<KeyHash>) {
    // What is dealt out has the spellings that were read.
    let (read, mut whole) = (snapshot(build), snapshot(build));
    let links = linked(&mut whole);
    let mut numbers = Numbers::new(&whole.symbols);
    let folder = tempfile::tempdir().expect("folder");
    let mut spill = Spill::new(folder.path(), parts as usize);
    for fact in read.desired.iter().chain(&read.observed) {
        let identity = links.identity(&numbers.named(&read.symbols, fact));
        let digest = identity_digest("acme", whole.symbols.text(identity));
        let part = (u128::from(digest.prefix()) * u128::from(parts)) >> 64;
        spill.push(part as usize, fact, &read.symbols).expect("room");
    }
    spill.flush(&read.symbols).expect("room");
    let (mut lines, mut sizes, mut unlisted) = (Vec::new(), Vec::new(), None::<BTreeSet<KeyHash>>);
    for part in 0..parts as usize {
        let mut facts = Snapshot { scans: whole.scans.clone(), ..Snapshot::default() };
        spill.take(part, &mut facts).expect("it is there");
        let local = links.local(&whole, &mut facts, ["P11"].into_iter());
        let mut cases = pair_linked(facts, local, recorded.to_vec(), 2).unwrap_or_else(|error| panic!("{error}"));
        assert!(cases.links.disputed.len() <= links.disputed.len());
        if part + 1 < parts as usize {
            let (open, _) = cases.give_back_open_batch();
            open.iter().for_each(|fact| spill.push(part + 1, fact, &cases.snapshot.symbols).expect("room"));
            spill.flush(&cases.snapshot.symbols).expect("room");
        }
        lines.extend(shown(&cases).0);
        sizes.extend(cases.batches.iter().map(|batch| batch.cases.len()));
        let here: BTreeSet<KeyHash> = cases.unlisted.iter().map(|row| row.key).collect();
        unlisted = Some(unlisted.map_or(here.clone(), |all| &all & &here));
    }
    (lines, sizes, unlisted.unwrap_or_default().into_iter().collect())
}

#[test]
fn v01_parts_move_neither_cases_nor_cuts() {
    let build: Build<'_> = &|b| {
        for source in ["iam", "hr"] {
            b.source(source).scan(ScanSide::Desired, source, "crm", Completeness::Complete);
        }
        for i in 0..6_000 {
            let (who, what) = (format!("P{}", i / 3), format!("team:{}", i % 7));
            b.source("iam").desired("crm", &who, &what).observed("erp", &who.to_lowercase(), &what.to_uppercase());
            if i % 5 > 0 {
                b.observed("crm", &if i % 11 == 0 { who.to_lowercase() } else { who.clone() }, &what);
            }
            if i % 100 == 0 {
                // Links, some in conflict with another source.
                b.desired("crm", &who, "").with(|fact, symbols| fact.identity = symbols.intern(&format!("boss{}", i / 600)));
                if i == 3_000 {
                    b.source("hr").desired("crm", &who, "").with(|fact, symbols| fact.identity = symbols.intern("somebody"));
                }
                b.source("hr").person(&format!("p{}", i / 3), IdentityKind::Person, IdentityStatus::Left);
            }
        }
        b.entitlement("crm", "TEAM:3", |row, symbols| (row.tier, row.owner) = (2, symbols.intern("an owner")));
        b.entitlement("", "team:4", |row, _| row.tier = 1);
    };
    let closed = |row: &mut Recorded| (row.state, row.flags) = (StateHash::ABSENT, Recorded::WITHHELD);
    let row = |who: &str| Recorded { key: CaseKey::hash(Subject::Grant, "crm", who, "team:3"), ..recorded(who, closed) };
    let mut rows = ["p1", "p101", "p1001", "gone"].map(row).to_vec();
    rows.sort_by_key(|row| row.key);
    let whole = pair_with(snapshot(build), rows.clone(), 1).unwrap_or_else(|error| panic!("{error}"));
    assert!(!whole.links.disputed.is_empty() && !whole.unlisted.is_empty() && whole.unlisted.len() < rows.len());
    let sizes: Vec<usize> = whole.batches.iter().map(|batch| batch.cases.len()).collect();
    let unlisted: Vec<KeyHash> = whole.unlisted.iter().map(|row| row.key).collect();
    let (lines, _) = shown(&whole);
    assert!(
        sizes.len() > 5 && lines.iter().any(|line| line.contains("an owner")) && lines.iter().any(|line| line.contains("Left"))
    );
    for parts in [1, 2, 3, 40] {
        let (other, cuts, left) = shown_in_parts(build, &rows, parts);
        assert_eq!((&cuts, &left), (&sizes, &unlisted), "{parts} parts");
        let differs = lines.iter().zip(&other).find(|(a, b)| a != b);
        assert!(lines.len() == other.len() && differs.is_none(), "{parts} parts: {differs:?}");
    }
}

#[test]
fn batches_hold_whole_identities_and_are_cut_by_content() {
    // Identities of very different sizes, among them one that fills a batch alone and one that no batch may hold.
    let size = |i: u32| match i {
        3 => BATCH_HOLDS_CASES + 1,
        5 => IDENTITY_HOLDS_CASES + 1,
        7 => BATCH_HOLDS_CASES,
        _ => 1 + i * i % 211,
    };
    let build = |skip: Option<u32>| {
        let mut builder = SnapshotBuilder::new();
        for i in (0..400).filter(|i| Some(*i) != skip) {
            for object in 0..size(i) {
                builder.observed("crm", &format!("user{i}"), &format!("x:{object}"));
            }
        }
        pair_with(builder.build().unwrap_or_else(|error| panic!("{error}")), vec![], 2).unwrap_or_else(|error| panic!("{error}"))
    };
    let cases = build(None);
    let (mut identities, mut at) = (0, 0);
    for batch in &cases.batches {
        assert_eq!((batch.identities.start, batch.cases.start), (identities, at), "no gap, no overlap");
        let held = cases.identities.get(batch.identities.start as usize..batch.identities.end as usize).unwrap_or(&[]);
        let count = batch.cases.end - batch.cases.start;
        assert_eq!(held.iter().map(|identity| identity.cases.end - identity.cases.start).sum::<u32>(), count);
        assert!(count <= BATCH_HOLDS_CASES || held.len() == 1);
        assert_eq!(batch.too_large, count > IDENTITY_HOLDS_CASES);
        let mut before = 0;
        for identity in held.iter().take(held.len() - 1) {
            before += identity.cases.end - identity.cases.start;
            let ends = identity.digest.0.last().is_some_and(|byte| byte & 7 == 0);
            assert!(before < BATCH_CLOSES_AFTER_CASES || !ends, "a cut was missed");
        }
        (identities, at) = (batch.identities.end, batch.cases.end);
    }
    assert_eq!((identities as usize, at as usize), (cases.identities.len(), cases.cases.len()));
    assert!(cases.identities.is_sorted_by_key(|identity| identity.digest));

    // One identity more or less moves only the cuts near it.
    let names = |cases: &Cases| -> std::collections::BTreeSet<Vec<String>> {
        let name = |at: u32| cases.identities.get(at as usize).map_or("", |i| cases.snapshot.symbols.text(i.name)).to_owned();
        cases.batches.iter().map(|batch| batch.identities.clone().map(name).collect()).collect()
    };
    let (all, fewer) = (names(&cases), names(&build(Some(11))));
    assert!(all.difference(&fewer).count() <= 4, "{} of {}", all.difference(&fewer).count(), all.len());
}

#[test]
fn no_facts_make_no_cases() {
    let cases = pair(&|b| _ = b.scan(ScanSide::Desired, "iam", "crm", Completeness::Complete));
    assert!(cases.cases.is_empty() && cases.identities.is_empty() && cases.batches.is_empty());
    assert_eq!(WhyUnknown::Shrunk as u8, 5);
    assert_eq!(KeyHash([0; 16]).to_string().len(), 32);
}
