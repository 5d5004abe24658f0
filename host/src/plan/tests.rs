//! Tests of order, sealing, reading, and of what a plan says.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::sealed::Chunk;
use super::{
    Draft, FORMAT, Header, Inputs, PLANNER, PlanError, PlanFile, Report, Sealed, Sealing, Trailer, adopted_by, seal, wave,
};
use crate::correlate::{Case, Cases, Side};
use crate::decide::fixture::{Dice, HOUR, NOW, Reply, Row, Says, World, account, credential, denial, estate, grant, verdicts};
use crate::decide::{Cause, Decided, Ends, decide, decide_part, undo};
use crate::discover::Completeness;
use crate::model::{
    Attribute, AttributeMask, Change, ChangeId, ChangeKind, Denial, Digest, Holding, KeyHash, Lane, Mode, Reason, Scope, Subject,
    Time, canonical_json,
};
use crate::progress::Silent;
use crate::rule::RuleFacts;

fn rule(module: Digest) -> RuleFacts {
    let reason = |code: &str| Reason { code: code.into(), text: format!("it is \"{code}\"") };
    let reasons = ["extra", "missing", "drifted"].map(reason).to_vec();
    RuleFacts { name: "demo".into(), version: "1".into(), module, profile: "p".into(), limits: None, reasons }
}

fn inputs(module: Digest) -> Inputs {
    let digest = Digest::of(b"");
    Inputs {
        limits: None,
        amends: None,
        as_of: Time::from_seconds(NOW),
        clock: Time::NONE,
        denials: None,
        facts: digest,
        planner: PLANNER,
        profile: "p".into(),
        recorded: digest,
        rule: "demo@1".into(),
        rule_module: module,
        scopes: digest,
        settings: digest,
        tenant: "acme".into(),
        undoes: None,
        unsettled: None,
        verdicts: digest,
    }
}

pub(super) fn seal_bytes(world: &World, cases: &Cases, decided: &Decided, threads: usize) -> (Sealed, Vec<u8>) {
    let rule = rule(world.module);
    let draft = Draft { cases, decided, policy: world.policy(), rule: &rule, inputs: inputs(world.module) };
    let mut bytes = Vec::new();
    let sealed = seal(&draft, threads, &mut bytes, &Silent).unwrap();
    (sealed, bytes)
}

/// A plan on disk; it goes with the folder.
struct OnDisk {
    path: PathBuf,
    _folder: tempfile::TempDir,
}

fn on_disk(bytes: &[u8]) -> OnDisk {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.jsonl");
    std::fs::write(&path, bytes).unwrap();
    OnDisk { path, _folder: folder }
}

fn decided(world: &World, cases: &Cases, reply: impl Fn(u32) -> Option<Reply>) -> Decided {
    decide(cases, &verdicts(cases, |i, _| reply(i)), &world.policy(), 2)
}

pub(super) fn changes(bytes: &[u8]) -> Vec<Change> {
    let file = on_disk(bytes);
    PlanFile::open(&file.path).unwrap().changes().map(Result::unwrap).collect()
}

/// The one change that a reply makes of a row.
fn one(world: &World, row: Row, reply: Reply) -> Change {
    let cases = world.cases(&[row], 1);
    let decided = decided(world, &cases, |_| Some(reply));
    let mut all = changes(&seal_bytes(world, &cases, &decided, 1).1);
    assert_eq!(all.len(), 1, "{:?}", decided.held);
    all.remove(0)
}

fn authoritative() -> World {
    World::new(Mode::Authoritative)
}

/// A plan in which about everything occurs.
fn sample(seed: u64, people: u64) -> (World, Cases, Decided) {
    let world = World { adoptions: Vec::new(), ..authoritative() };
    let (rows, answer) = estate(seed, people);
    let cases = world.cases(&rows, 1);
    let decided = decide(&cases, &verdicts(&cases, answer), &world.policy(), 2);
    (world, cases, decided)
}

#[test]
fn v16_a_change_carries_since_when_for_what_is_left_of_it() {
    let (world, disabled, undesired) = (authoritative(), Time::from_seconds(NOW - 200), Time::from_seconds(NOW - 100));
    for (desired, effect, expected) in [
        (Side::Absent, 3, (disabled, undesired, false)),
        (Side::Absent, 2, (Time::NONE, Time::NONE, false)),
        (Side::Present, 2, (Time::NONE, Time::NONE, true)),
    ] {
        let mut cases = world.cases(&[grant(desired, Side::Present)], 1);
        (cases.cases[0].disabled_since, cases.cases[0].undesired_since) = (disabled, undesired);
        let decided = decided(&world, &cases, |_| Some(Reply { effect, ..Reply::default() }));
        let all = changes(&seal_bytes(&world, &cases, &decided, 1).1);
        let found: Vec<_> = all.iter().map(|c| (c.disabled_since, c.undesired_since, c.withholds)).collect();
        assert_eq!(found, [expected], "{desired:?} {effect}");
    }
}

const KINDS: [ChangeKind; 12] = [
    ChangeKind::Grant,
    ChangeKind::Revoke,
    ChangeKind::Update,
    ChangeKind::Extend,
    ChangeKind::Shorten,
    ChangeKind::Enable,
    ChangeKind::Disable,
    ChangeKind::Create,
    ChangeKind::Delete,
    ChangeKind::Issue,
    ChangeKind::Rotate,
    ChangeKind::Reown,
];

#[test]
fn the_wave_follows_from_kind_and_cause() {
    use Cause::{Denied, Exclusive, Expiry, Leaver, Routine};
    for (cause, expected) in [
        (Routine, [3, 5, 3, 3, 5, 2, 6, 2, 7, 3, 3, 3]),
        (Expiry, [3, 0, 3, 3, 0, 2, 0, 2, 7, 3, 3, 3]),
        (Denied, [3, 0, 3, 3, 0, 2, 0, 2, 7, 3, 3, 3]),
        (Leaver, [3, 0, 3, 3, 0, 2, 0, 2, 7, 3, 3, 3]),
        (Exclusive, [3, 1, 3, 3, 1, 2, 1, 2, 7, 3, 3, 3]),
    ] {
        assert_eq!(KINDS.map(|kind| wave(kind, cause).0), expected, "{cause:?}");
    }
}

#[test]
fn an_edge_lifts_the_later_change_into_the_wave_of_the_earlier_one() {
    let world = authoritative();
    let row = |object: &str, desired, observed| Row { object: object.into(), ..grant(desired, observed) };
    let rows = [
        row("team:a", Side::Absent, Side::Present), // revoke, wave 5
        row("team:b", Side::Present, Side::Absent), // grant, wave 3, after the revoke
        row("team:c", Side::Present, Side::Absent), // grant, after that grant
        row("team:d", Side::Absent, Side::Present), // revoke, after a grant of wave 3: stays where it is
        row("team:e", Side::Present, Side::Absent), // grant, wave 3
        row("team:f", Side::Present, Side::Absent), // grant, after team:e
    ];
    let after = [None, Some(0), Some(1), Some(4), None, Some(4)];
    let cases = world.cases(&rows, 1);
    let decided = decided(&world, &cases, |i| {
        let effect = if i == 0 || i == 3 { 2 } else { 1 };
        Some(Reply { effect, after: after[i as usize], ..Reply::default() })
    });
    let all = changes(&seal_bytes(&world, &cases, &decided, 1).1);
    let places: Vec<String> = all.iter().map(|c| format!("{} {}.{}", c.key.object, c.wave.0, c.step)).collect();
    assert_eq!(places, ["team:e 3.0", "team:f 3.1", "team:a 5.0", "team:d 5.0", "team:b 5.1", "team:c 5.2"]);
    let ids: BTreeMap<&str, ChangeId> = all.iter().map(|c| (c.key.object.as_str(), c.id)).collect();
    for change in &all {
        let expected = match change.key.object.as_str() {
            "team:b" => vec![ids["team:a"]],
            "team:c" => vec![ids["team:b"]],
            "team:d" | "team:f" => vec![ids["team:e"]],
            _ => vec![],
        };
        assert_eq!(change.depends, expected, "{}", change.key);
    }
}

#[test]
fn v14_every_prefix_of_a_plan_respects_edges_and_waves() {
    let mut edges = 0;
    for seed in 0..40 {
        let (world, cases, decided) = sample(seed, 200);
        let all = changes(&seal_bytes(&world, &cases, &decided, 2).1);
        let mut passed = BTreeSet::new();
        let mut component: BTreeMap<&str, (u8, u16)> = BTreeMap::new();
        for change in &all {
            assert!(change.depends.iter().all(|id| passed.contains(id)), "an earlier change is missing");
            edges += change.depends.len();
            assert!(passed.insert(change.id), "two changes share a name");
            let place = (change.wave.0, change.step);
            let former = component.insert(&change.component, place);
            assert!(former.is_none_or(|former| former <= place), "a component goes back a wave");
        }
        assert_eq!(all.len(), decided.decisions.len());
        let order = |c: &Change| (c.wave, c.step, c.rank, c.key.target.clone(), c.key.holder.clone(), c.key.object.clone());
        assert!(all.is_sorted_by_key(order));
    }
    assert!(edges > 200, "the generator makes too few edges: {edges}");
}

/// What sealing comes to when cases are decided and written in so many parts.
fn seal_in_parts(
    world: &World,
    rows: &[Row],
    whole: &Cases,
    answer: &dyn Fn(u32, &Case) -> Option<Reply>,
    parts: usize,
    last_first: bool,
) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (rule, policy) = (rule(world.module), world.policy());
    let (mut sealing, mut ends) = (Sealing::begin(folder.path()), Ends::default());
    let mut shares: Vec<_> = whole.identities.chunks(whole.identities.len().div_ceil(parts)).collect();
    if last_first {
        shares.reverse();
    }
    for identities in shares {
        let first = identities[0].cases.start;
        let names: BTreeSet<&str> = identities.iter().map(|i| whole.snapshot.symbols.text(i.name)).collect();
        let rows: Vec<Row> = rows.iter().filter(|row| names.contains(row.who.as_str())).cloned().collect();
        let cases = world.cases(&rows, 1);
        let here = |i: u32, case: &Case| {
            let reply = answer(first + i, case)?;
            Some(Reply { after: reply.after.map(|after| after - first), ..reply })
        };
        let decided = decide_part(&cases, &verdicts(&cases, here), &policy, 2);
        ends.count(&cases, &decided.decisions);
        let draft = Draft { cases: &cases, decided: &decided, policy, rule: &rule, inputs: inputs(world.module) };
        sealing.add(&draft, 2).unwrap();
    }
    let mut bytes = Vec::new();
    sealing.finish(&policy, inputs(world.module), &ends.too_many(policy.spent), &mut bytes, &Silent).unwrap();
    bytes
}

#[test]
fn v01_a_plan_in_parts_has_the_bytes_of_one_in_memory() {
    for (seed, people) in [(1, 40), (2, 900), (3, 12_000)] {
        let spent = BTreeMap::from([("gh".to_owned(), people)]);
        let world = World { adoptions: Vec::new(), spent, ..authoritative() };
        let (rows, answer) = estate(seed, people);
        let whole = world.cases(&rows, 1);
        let decided = decide(&whole, &verdicts(&whole, &answer), &world.policy(), 2);
        let (sealed, bytes) = seal_bytes(&world, &whole, &decided, 2);
        assert!(sealed.header.summary.gated.contains_key("budget"), "the budget is tried too");
        assert!(people < 12_000 || sealed.header.changes > 4_096, "a chunk ends within: {}", sealed.header.changes);
        for (parts, last_first) in [(1, false), (2, false), (2, true), (7, false), (7, true), (100, false)] {
            let sealed = seal_in_parts(&world, &rows, &whole, &answer, parts, last_first);
            assert!(sealed == bytes, "{people} people in {parts} parts, the last first: {last_first}");
        }
    }
}

#[test]
fn a_part_that_cannot_be_kept_names_its_file() {
    let (world, rule) = (authoritative(), rule(Digest::default()));
    let cases = world.cases(&[Row::new("ann", Subject::Grant, "team:a", Side::Present, Side::Absent)], 1);
    for (effect, file) in [(1, "changes-0"), (6, "held-0")] {
        let decided =
            decide_part(&cases, &verdicts(&cases, |_, _| Some(Reply { effect, ..Reply::default() })), &world.policy(), 1);
        let draft = Draft { cases: &cases, decided: &decided, policy: world.policy(), rule: &rule, inputs: inputs(world.module) };
        let error = Sealing::begin(Path::new("/dev/null/nowhere")).add(&draft, 1).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot keep a part of the plan in `/dev/null/nowhere/{file}`"));
    }
}

#[test]
fn v01_equal_facts_give_equal_bytes_for_any_threads_and_arrival_order() {
    let world = authoritative();
    let mut dice = Dice(7);
    let mut rows: Vec<Row> = (0..9_000)
        .map(|i| {
            let sides = if dice.below(2) == 0 { (Side::Absent, Side::Present) } else { (Side::Present, Side::Absent) };
            Row::new(&format!("user{i}"), Subject::Grant, &format!("team:{}", dice.below(50)), sides.0, sides.1)
        })
        .collect();
    let plan = |rows: &[Row], threads| {
        let cases = world.cases(rows, 100);
        let rule = verdicts(&cases, |_, case| {
            Some(Reply {
                effect: if case.desired.is_some() { 1 } else { 2 },
                rank: i16::from(case.key.0[0] % 3),
                ..Reply::default()
            })
        });
        let decided = decide(&cases, &rule, &world.policy(), threads);
        seal_bytes(&world, &cases, &decided, threads)
    };
    let (sealed, bytes) = plan(&rows, 1);
    rows.reverse();
    for threads in [1, 2, 5] {
        let (again, other) = plan(&rows, threads);
        assert_eq!(again.id, sealed.id);
        assert!(other == bytes, "the bytes differ with {threads} threads");
    }
    let file = on_disk(&bytes);
    PlanFile::open(&file.path).unwrap().verify().unwrap();
}

#[test]
fn each_line_is_canonical_json() {
    let (world, cases, decided) = sample(3, 60);
    let (_, bytes) = seal_bytes(&world, &cases, &decided, 2);
    let text = std::str::from_utf8(&bytes).unwrap();
    assert!(text.lines().count() > 50);
    for line in text.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(canonical_json(&value).unwrap(), line);
    }
}

#[test]
fn v36_the_header_reconciles_with_what_was_decided() {
    let (world, cases, decided) = sample(5, 80);
    let (sealed, bytes) = seal_bytes(&world, &cases, &decided, 2);
    let file = on_disk(&bytes);
    let plan = PlanFile::open(&file.path).unwrap();
    assert_eq!((plan.id(), plan.header()), (sealed.id, &sealed.header));
    let Header { changes, held, summary, .. } = plan.header();
    let sum = |map: &BTreeMap<String, u64>| map.values().sum::<u64>();
    assert_eq!((sum(&summary.by_kind), sum(&summary.by_tier)), (*changes, *changes));
    assert_eq!(sum(&summary.held), *held);
    assert_eq!(changes + held + sum(&summary.kept) + sum(&summary.unmanaged), cases.cases.len() as u64);
    assert_eq!((plan.changes().count() as u64, plan.held().count() as u64), (*changes, *held));
    assert!(*changes > 10 && *held > 10 && sum(&summary.kept) > 10);
    let held: Vec<_> = plan.held().map(Result::unwrap).collect();
    assert!(held.iter().all(|line| !line.reason.code.is_empty() && ["host", "rule"].contains(&line.by.as_str())));
    // The report counts the same, and lists no more than asked.
    let report = Report::of(&plan, 10).unwrap();
    let counted: u64 = report.targets.values().flat_map(|t| t.by_kind.values()).sum();
    let listed: usize = report.targets.values().flat_map(|t| t.changes.values()).map(Vec::len).sum();
    assert_eq!((counted, listed as u64 + report.more_changes, listed), (*changes, *changes, 10));
}

#[test]
fn states_before_and_after_hold_what_the_target_stores() {
    let mut world = authoritative();
    world.targets.get_mut("gh").unwrap().rotates = true;
    let want = Says { level: "admin", owner: "bob", purpose: "work", expires_at: NOW + 9 * HOUR, ..Says::default() };
    let have = Says { level: "read", owner: "eve", purpose: "play", expires_at: NOW + HOUR, ..Says::default() };
    let row = |desired, observed| Row { want: want.clone(), have: have.clone(), differs: 31, ..grant(desired, observed) };
    let holding = |enabled, level: &str, owner: &str, purpose: &str, ends: i64| {
        let [level, owner, purpose] = [level, owner, purpose].map(str::to_owned);
        Some(Holding { enabled, level, owner, purpose, expires_at: Time::from_seconds(ends) })
    };
    let (old, new) = (NOW + HOUR, NOW + 9 * HOUR);
    let reply = |effect, mask, until| Reply { effect, mask, until, ..Reply::default() };
    let had = |enabled| holding(enabled, "read", "eve", "play", old);
    for (desired, observed, reply, kind, before, after) in [
        (Side::Present, Side::Absent, reply(1, 0, 0), "grant", None, holding(true, "admin", "bob", "work", new)),
        (Side::Present, Side::Absent, reply(1, 0, new - 9), "grant", None, holding(true, "admin", "bob", "work", new - 9)),
        (Side::Absent, Side::Present, reply(2, 0, 0), "revoke", had(true), None),
        (Side::Present, Side::Present, reply(4, 2, 0), "update", had(true), holding(true, "admin", "eve", "play", old)),
        (Side::Present, Side::Present, reply(4, 8, 0), "reown", had(true), holding(true, "read", "bob", "play", old)),
        (Side::Present, Side::Present, reply(4, 31, 0), "update", had(true), holding(true, "admin", "bob", "work", new)),
        (Side::Present, Side::Present, reply(4, 4, 0), "extend", had(true), holding(true, "read", "eve", "play", new)),
        (Side::Present, Side::Present, reply(1, 0, old - 9), "shorten", had(true), holding(true, "read", "eve", "play", old - 9)),
        (Side::Present, Side::Present, reply(3, 0, 0), "disable", had(true), had(false)),
        (Side::Present, Side::Disabled, reply(1, 0, 0), "enable", had(false), had(true)),
    ] {
        let change = one(&world, row(desired, observed), reply);
        assert_eq!((change.kind.name(), change.before, change.after), (kind, before, after));
    }
    // What desired does not state stays.
    let key =
        Row { have: Says { level: "read", expires_at: old, ..Says::default() }, ..credential(Side::Present, Side::Disabled) };
    let rotated = one(&world, key, reply(5, 0, 0));
    assert_eq!(rotated.after, holding(true, "read", "bob", "", NOW + 100 * HOUR));
    // What the target does not store is neither told nor written.
    world.targets.get_mut("gh").unwrap().attributes = AttributeMask(Attribute::Level as u32);
    let change = one(&world, row(Side::Present, Side::Absent), reply(1, 0, 0));
    assert_eq!(change.after, holding(true, "admin", "", "", 0));
}

#[test]
fn a_change_speaks_for_itself() {
    let want = Says { record: "HR-7", not_before: NOW - HOUR, spelled: "Ann", ..Says::default() };
    let world = World { adoptions: Vec::new(), ..authoritative() };
    let reply = |effect, reason| Reply { effect, reason, rank: -3, tier: 1, ..Reply::default() };
    let change = one(&world, Row { want: want.clone(), ..grant(Side::Present, Side::Absent) }, reply(1, 1));
    assert_eq!((change.record.as_str(), change.not_before.seconds(), change.key.holder.as_str()), ("HR-7", NOW - HOUR, "Ann"));
    assert_eq!((change.component.as_str(), change.rank, change.tier, change.reason.code.as_str()), ("ann", -3, 1, "missing"));
    assert!(change.gates.is_empty());
    let lapsed = Row { want: want.clone(), ..grant(Side::Absent, Side::Present) };
    assert_eq!(one(&world, lapsed, reply(2, 0)).record, "", "a record that has lapsed justifies nothing");
    // Observed spelling wins; what removes waits for adoption.
    let have = Says { spelled: "ANN", ..Says::default() };
    let change = one(&world, Row { want, have, differs: 1, ..grant(Side::Disabled, Side::Present) }, reply(2, 9));
    assert_eq!((change.key.holder.as_str(), change.reason.code.as_str()), ("ANN", "reason-9"));
    assert_eq!(change.gates.iter().map(|g| (g.kind.name(), g.scope.as_str())).collect::<Vec<_>>(), [("adoption", "gh/*")]);
}

#[test]
fn v08_the_source_of_inherited_access_is_named() {
    let world = authoritative();
    let have = Says { via: "group:staff", ..Says::default() };
    let cases = world.cases(&[Row { traits: 1, have, ..grant(Side::Absent, Side::Present) }], 1);
    let decided = decided(&world, &cases, |_| Some(Reply { effect: 2, ..Reply::default() }));
    let file = on_disk(&seal_bytes(&world, &cases, &decided, 1).1);
    let plan = PlanFile::open(&file.path).unwrap();
    let line = plan.held().next().unwrap().unwrap();
    assert!(line.reason.text.ends_with("`group:staff`"), "{line:?}");
    assert_eq!((line.by.as_str(), line.effect.as_str(), line.proposed.as_str()), ("host", "absent", "extra"));
}

#[test]
fn v09_a_foreign_edit_and_another_writer_stand_in_the_plan() {
    let world = authoritative();
    let revoke = |traits, managed_by| {
        let have = Says { managed_by, ..Says::default() };
        one(&world, Row { traits, have, ..grant(Side::Absent, Side::Present) }, Reply { effect: 2, ..Reply::default() })
    };
    for (traits, said) in [(0, false), (4, false), (8, false), (12, true)] {
        let change = revoke(traits, "");
        assert_eq!(change.reason.text.contains("foreign edit"), said, "{traits}");
        assert_eq!((change.reason.code.as_str(), change.gates.len()), ("extra", 0));
    }
    let change = revoke(0, "terraform");
    assert_eq!(change.gates.iter().map(|g| (g.kind.name(), g.scope.as_str())).collect::<Vec<_>>(), [("claim", "terraform")]);
}

#[test]
fn v29_a_plan_says_who_denied_what_it_takes_and_does_not_give() {
    let mut world = authoritative();
    world.denials = vec![denial("gh", "ann", "")];
    let there = one(&world, grant(Side::Present, Side::Present), Reply { effect: 1, ..Reply::default() });
    assert_eq!((there.wave.0, there.lane, there.reason.code.as_str()), (0, Lane::Routine, "trueup:denied"));
    assert!(there.reason.text.starts_with("`eve` denied it at 1970-01-12") && there.reason.text.ends_with(": a leak"));
    let cases = world.cases(&[grant(Side::Present, Side::Absent)], 1);
    let decided = decided(&world, &cases, |_| Some(Reply { effect: 1, ..Reply::default() }));
    let (sealed, bytes) = seal_bytes(&world, &cases, &decided, 1);
    assert_eq!((sealed.header.changes, sealed.header.summary.held.get("denied")), (0, Some(&1)));
    let file = on_disk(&bytes);
    let line = PlanFile::open(&file.path).unwrap().held().next().unwrap().unwrap();
    assert!(line.reason.text.contains("lifts that: `eve` denied it"), "{line:?}");
}

#[test]
fn v01_the_denials_that_stand_are_an_input_in_whatever_order() {
    let mut world = authoritative();
    assert_eq!(world.policy().denials_digest(), None);
    world.denials = vec![denial("gh", "ann", ""), denial("", "bob", "team:a")];
    let both = world.policy().denials_digest();
    world.denials.reverse();
    assert_eq!(world.policy().denials_digest(), both);
    world.denials.push(Denial { lifted_at: Time::from_seconds(NOW), ..denial("gh", "cy", "") });
    assert_eq!(world.policy().denials_digest(), both, "one that was lifted has no effect");
    world.denials.truncate(1);
    assert!(both.is_some() && world.policy().denials_digest() != both);
}

#[test]
fn v39_what_neither_side_knows_any_more_is_given_back_only_when_that_is_certain() {
    let world = authoritative();
    let revoke = one(&world, grant(Side::Absent, Side::Present), Reply { effect: 2, ..Reply::default() });
    let cases = || world.cases(&[Row { who: "bob".into(), ..grant(Side::Present, Side::Present) }], 1);
    let code = |world: &World, cases: &Cases| {
        let undone = undo(cases, &world.policy(), std::slice::from_ref(&revoke)).remove(0);
        undone.map_or_else(|refusal| refusal.code(), |undone| undone.kind.name())
    };
    assert_eq!(code(&world, &cases()), "grant");
    for (scan, expected) in [(0, "desired-unknown"), (1, "observed-unknown")] {
        let mut cases = cases();
        cases.snapshot.scans[scan].completeness = Completeness::Stale;
        assert_eq!(code(&world, &cases), expected);
    }
    assert_eq!(code(&World { denials: vec![denial("", "ann", "")], ..authoritative() }, &cases()), "denied");
    assert_eq!(code(&World::new(Mode::Observe), &cases()), "observe-only");
    let unsettled = KeyHash::parse(&revoke.recorded_as).into_iter().collect();
    assert_eq!(code(&World { unsettled, ..authoritative() }, &cases()), "effect-unknown");
}

#[test]
fn v21_names_change_with_the_life_of_a_grant_and_with_nothing_else() {
    let world = authoritative();
    let present = Reply { effect: 1, ..Reply::default() };
    let absent = Reply { effect: 2, ..Reply::default() };
    let given = |recorded| one(&world, Row { recorded, ..grant(Side::Present, Side::Absent) }, present);
    let taken = |recorded| one(&world, Row { recorded, ..grant(Side::Absent, Side::Present) }, absent);
    let long_ago = NOW - HOUR;
    for (recorded, give, take) in [
        (None, 1, 1),
        (Some((4, false, long_ago)), 5, 4),
        (Some((4, true, long_ago)), 5, 5),
        (Some((u32::MAX, true, 1)), u32::MAX, u32::MAX),
    ] {
        assert_eq!((given(recorded).incarnation, taken(recorded).incarnation), (give, take), "{recorded:?}");
    }
    assert_eq!(given(None).id, given(None).id);
    assert_ne!(given(None).id, given(Some((1, true, long_ago))).id);
    assert_ne!(given(None).id, taken(None).id);
    let reply = Reply { rank: 9, reason: 2, tier: 3, ..present };
    assert_eq!(one(&world, grant(Side::Present, Side::Absent), reply).id, given(None).id);
}

#[test]
fn v06_a_scope_is_adopted_when_it_was_seen_whole_or_its_gates_were_opened() {
    let scope = |objects: &str, mode| Scope { target: "gh".into(), objects: objects.into(), mode };
    let mut world = World { adoptions: Vec::new(), ..authoritative() };
    world.scopes.0 = vec![
        scope("calm:*", Mode::Authoritative),
        scope("blind:*", Mode::Authoritative),
        scope("empty:*", Mode::Additive),
        scope("looked:*", Mode::Observe),
        scope("*", Mode::Authoritative),
    ];
    let row = |who: &str, scope, desired, observed| Row { scope: Some(scope), who: who.into(), ..grant(desired, observed) };
    let rows = [
        row("a", 0, Side::Present, Side::Absent),
        row("b", 1, Side::Present, Side::Absent),
        row("c", 1, Side::Unknown, Side::Present),
        row("d", 3, Side::Absent, Side::Present),
        row("e", 4, Side::Absent, Side::Present),
        row("f", 4, Side::Absent, Side::Present),
    ];
    let cases = world.cases(&rows, 2);
    let rule =
        verdicts(&cases, |_, case| Some(Reply { effect: if case.observed.is_some() { 2 } else { 1 }, ..Reply::default() }));
    let decided = decide(&cases, &rule, &world.policy(), 1);
    let file = on_disk(&seal_bytes(&world, &cases, &decided, 1).1);
    let plan = PlanFile::open(&file.path).unwrap();
    let gated: Vec<ChangeId> = plan.changes().map(Result::unwrap).filter(|c| !c.gates.is_empty()).map(|c| c.id).collect();
    assert_eq!(gated.len(), 2);
    let rest = "gh/* except calm:* except blind:* except empty:* except looked:*";
    for (opened, expected) in [(0, vec!["gh/calm:*"]), (1, vec!["gh/calm:*"]), (2, vec!["gh/calm:*", rest])] {
        let opened: BTreeSet<_> = gated.iter().take(opened).collect();
        let adopted = adopted_by(plan.header(), plan.changes(), |id| opened.contains(id), Time::from_seconds(NOW)).unwrap();
        assert_eq!(adopted.iter().map(|a| a.scope.as_str()).collect::<Vec<_>>(), expected);
        // What was adopted is not asked for again.
        world.adoptions = adopted;
        let again = seal_bytes(&world, &cases, &decided, 1).0.header.adopts;
        assert_eq!(again.len() + expected.len(), 4);
        world.adoptions.clear();
    }
}

fn content(path: &Path) -> Result<(Header, Vec<Change>, Vec<super::HeldLine>), PlanError> {
    let plan = PlanFile::open(path)?;
    plan.verify()?;
    Ok((plan.header().clone(), plan.changes().collect::<Result<_, _>>()?, plan.held().collect::<Result<_, _>>()?))
}

#[test]
fn a_flipped_byte_is_an_error_or_changes_nothing() {
    let (world, cases, decided) = sample(4, 3);
    let (_, bytes) = seal_bytes(&world, &cases, &decided, 1);
    let file = on_disk(&bytes);
    let sealed = content(&file.path).unwrap();
    assert!(!sealed.1.is_empty() && !sealed.2.is_empty());
    let mut disk = std::fs::OpenOptions::new().write(true).open(&file.path).unwrap();
    let mut put = |at: usize, byte: u8| {
        disk.seek(SeekFrom::Start(at as u64)).unwrap();
        disk.write_all(&[byte]).unwrap();
    };
    for (at, &byte) in bytes.iter().enumerate() {
        for bit in [0, 3, 5, 7] {
            put(at, byte ^ (1 << bit));
            match content(&file.path) {
                Ok(read) => assert!(read == sealed, "byte {at}, bit {bit}: other content"),
                Err(error) => assert!(matches!(error, PlanError::Damaged { .. } | PlanError::Newer { .. }), "{error}"),
            }
        }
        put(at, byte);
    }
}

#[test]
fn a_file_that_is_cut_off_or_longer_is_damaged() {
    let (world, cases, decided) = sample(11, 6);
    let (_, bytes) = seal_bytes(&world, &cases, &decided, 1);
    let file = on_disk(&bytes);
    let mut hostile: Vec<Vec<u8>> = (0..bytes.len()).step_by(37).map(|at| bytes[..at].to_vec()).collect();
    hostile.push(bytes[..bytes.len() - 1].to_vec());
    hostile.push([bytes.clone(), b"\n".to_vec()].concat());
    hostile.push([&bytes[..bytes.len() - 1], b" \n"].concat());
    hostile.push([bytes.clone(), bytes.clone()].concat());
    hostile.extend([b"\n\n\n".to_vec(), vec![0; 300_000], vec![b'\n'; 300_000], b"{\"format\":1}\n{}\n".to_vec()]);
    for bytes in hostile {
        std::fs::write(&file.path, &bytes).unwrap();
        let error = content(&file.path).unwrap_err();
        assert!(matches!(error, PlanError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("plan.jsonl:"), "{error}");
    }
}

/// A plan with other lines but fitting digests, as somebody would forge it.
fn forged(bytes: &[u8], edit: impl Fn(&mut Vec<String>)) -> Vec<u8> {
    let lines: Vec<&str> = std::str::from_utf8(bytes).unwrap().lines().collect();
    let header: Header = serde_json::from_str(lines[0]).unwrap();
    let (changes, held) = lines[1..lines.len() - 1].split_at(header.changes as usize);
    let mut changes: Vec<String> = changes.iter().map(|&line| line.to_owned()).collect();
    edit(&mut changes);
    let joined = |lines: &[String]| lines.iter().map(|line| line.clone() + "\n").collect::<String>();
    let (changes, held) = (joined(&changes), joined(&held.iter().map(|&line| line.to_owned()).collect::<Vec<_>>()));
    let chunk = |text: &str| vec![Chunk::of(text.as_bytes(), text.lines().count() as u64)];
    let trailer = Trailer::of(lines[0].as_bytes(), chunk(&changes), chunk(&held));
    format!("{}\n{changes}{held}{}\n", lines[0], serde_json::to_string(&trailer).unwrap()).into_bytes()
}

#[test]
fn v31_a_change_that_does_not_fit_its_name_is_damaged() {
    let (world, cases, decided) = sample(2, 9);
    let (sealed, bytes) = seal_bytes(&world, &cases, &decided, 1);
    assert!(sealed.header.changes > 2);
    assert!(forged(&bytes, |_| {}) == bytes, "the forger knows how plans are made");
    for edit in [
        |lines: &mut Vec<String>| lines[1] = lines[1].replace("\"incarnation\":", "\"incarnation\":1"),
        |lines: &mut Vec<String>| lines[1] = lines[1].replace("\"target\":\"gh\"", "\"target\":\"gx\""),
        |lines: &mut Vec<String>| lines[1] = lines[1].replace("\"lane\"", "\"lame\""),
        |lines: &mut Vec<String>| lines.swap(0, 1),
        |lines: &mut Vec<String>| lines[1] = lines[0].clone(),
    ] {
        let file = on_disk(&forged(&bytes, edit));
        let error = content(&file.path).unwrap_err();
        assert!(matches!(error, PlanError::Damaged { line: 3, .. }), "{error}");
    }
}

#[test]
fn a_missing_or_newer_plan_has_its_own_error() {
    let file = on_disk(format!("{{\"format\":{},\"news\":true}}\n", FORMAT + 1).as_bytes());
    let error = PlanFile::open(&file.path).unwrap_err();
    assert!(matches!(error, PlanError::Newer { found, supported, .. } if (found, supported) == (FORMAT + 1, FORMAT)), "{error}");
    assert!(matches!(PlanFile::open(Path::new("/nowhere/plan")).unwrap_err(), PlanError::Unreadable { .. }));
}

#[test]
fn an_empty_plan_is_a_plan() {
    let world = authoritative();
    let cases = world.cases(&[], 1);
    let file = on_disk(&seal_bytes(&world, &cases, &Decided::default(), 3).1);
    let (header, changes, held) = content(&file.path).unwrap();
    assert_eq!((header.changes, changes.len(), held.len()), (0, 0, 0));
}

#[test]
fn chunks_close_by_count_and_by_size_and_can_be_skipped() {
    let world = authoritative();
    let long: &'static str = Box::leak("x".repeat(4_000).into_boxed_str());
    let rows: Vec<Row> = (0..6_000)
        .map(|i| {
            let want = Says { purpose: if i % 2 == 0 { long } else { "" }, ..Says::default() };
            Row { who: format!("user{i}"), want, ..grant(Side::Present, Side::Absent) }
        })
        .collect();
    let cases = world.cases(&rows, 100);
    let decided = decided(&world, &cases, |_| Some(Reply { effect: 1, ..Reply::default() }));
    let (_, bytes) = seal_bytes(&world, &cases, &decided, 2);
    let file = on_disk(&bytes);
    let plan = PlanFile::open(&file.path).unwrap();
    plan.verify().unwrap();
    let all: Vec<ChangeId> = plan.changes().map(|c| c.unwrap().id).collect();
    assert_eq!(all.len(), 6_000);
    for first in [0, 1, 3_000, 4_095, 4_096, 4_097, 5_999, 6_000, 9_999] {
        let rest: Vec<ChangeId> = plan.changes_from(first).map(|c| c.unwrap().id).collect();
        assert!(rest == all[all.len().min(first as usize)..], "from {first}");
    }
    let trailer: serde_json::Value = serde_json::from_slice(bytes.split(|&b| b == b'\n').rev().nth(1).unwrap()).unwrap();
    let lines: Vec<u64> = trailer["changes"].as_array().unwrap().iter().map(|c| c["lines"].as_u64().unwrap()).collect();
    assert!(lines.len() == 3 && lines[0] < 4_096 && lines[0] + lines[1] == 4_096, "{lines:?}");
}

#[test]
fn a_line_that_no_reader_would_take_is_not_sealed() {
    let world = authoritative();
    let want = Says { purpose: Box::leak("x".repeat(2 << 20).into_boxed_str()), ..Says::default() };
    let cases = world.cases(&[Row { want, ..account(Side::Present, Side::Absent) }], 1);
    let decided = decided(&world, &cases, |_| Some(Reply { effect: 1, ..Reply::default() }));
    let rule = rule(world.module);
    let draft = Draft { cases: &cases, decided: &decided, policy: world.policy(), rule: &rule, inputs: inputs(world.module) };
    let error = seal(&draft, 1, &mut Vec::new(), &Silent).unwrap_err();
    assert!(matches!(&error, PlanError::Long { what, .. } if what == "`gh/ann`"), "{error}");
}

/// Prints how fast plans are sealed and read: `cargo test --release … -- --ignored --nocapture speed`. On a machine that
/// others use, processor time tells more than the clock.
#[test]
#[ignore = "a measurement, not a check"]
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn speed() {
    let world = authoritative();
    let count: u32 = 1_000_000;
    let rows: Vec<Row> = (0..count)
        .map(|i| Row { who: format!("user{:06}", i / 4), object: format!("team:{i}"), ..grant(Side::Present, Side::Absent) })
        .collect();
    let cases = world.cases(&rows, 256);
    drop(rows);
    let timed = |what: &str, work: &dyn Fn()| {
        let (clock, spent) = (std::time::Instant::now(), processor_seconds());
        work();
        let per_second = |seconds: f64| f64::from(count) / seconds.max(0.001);
        let (clock, spent) = (clock.elapsed().as_secs_f64(), processor_seconds() - spent);
        println!("{what}: {:.0}/s, {:.0}/s of one processor", per_second(clock), per_second(spent));
    };
    let rule_says = verdicts(&cases, |_, _| Some(Reply { effect: 1, ..Reply::default() }));
    timed("decided", &|| drop(decide(&cases, &rule_says, &world.policy(), 2)));
    let decided = decide(&cases, &rule_says, &world.policy(), 2);
    let file = on_disk(b"");
    let rule = rule(world.module);
    let draft = Draft { cases: &cases, decided: &decided, policy: world.policy(), rule: &rule, inputs: inputs(world.module) };
    for threads in [1, 2] {
        timed(&format!("sealed with {threads} threads"), &|| {
            let mut out = std::fs::File::create(&file.path).unwrap();
            seal(&draft, threads, &mut out, &Silent).unwrap();
        });
    }
    timed("verified", &|| PlanFile::open(&file.path).unwrap().verify().unwrap());
}

/// Processor time of this process so far; zero where the system does not tell.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = stat.rsplit(')').next().unwrap_or("").split(' ').skip(12).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}
