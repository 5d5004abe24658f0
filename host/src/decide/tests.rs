//! Tests of the total function and of the guarantees on proposals.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::derive::{Ask, Derived, Effect, End, derive};
use super::fixture::{HOUR, NOW, Reply, Row, Says, World, account, credential, denial, estate, grant, verdicts};
use super::{Cause, Decided, Refusal, decide};
use crate::correlate::{Cases, Side, WhyUnknown};
use crate::ledger::Adoption;
use crate::model::{Attribute, AttributeMask, CaseKey, ChangeKind, Denial, Digest, Mode, Scope, Subject, Time};
use crate::rule::{BatchVerdict, Fault};

const SIDES: [Side; 4] = [Side::Absent, Side::Present, Side::Disabled, Side::Unknown];
const KEEP: u8 = 0;
const PRESENT: u8 = 1;
const ABSENT: u8 = 2;
const DISABLED: u8 = 3;
const TRUE_UP: u8 = 4;
const REPLACE: u8 = 5;
const HOLD: u8 = 6;

fn says(effect: u8) -> Reply {
    Reply { effect, ..Reply::default() }
}

fn true_up(mask: u32) -> Reply {
    Reply { effect: TRUE_UP, mask, ..Reply::default() }
}

/// What became of one case, in a few words.
fn words(decided: &Decided, case: u32) -> String {
    if let Some(d) = decided.decisions.iter().find(|d| d.case == case) {
        let mut words = d.kind.name().to_owned();
        if d.cause != Cause::Routine {
            words += &format!(" {:?}", d.cause).to_lowercase();
        }
        for (gate, name) in [
            (d.gates.adoption, " +adoption"),
            (d.gates.budget, " +budget"),
            (d.gates.approval, " +approval"),
            (d.gates.claim, " +claim"),
        ] {
            words += if gate { name } else { "" };
        }
        return words;
    }
    match decided.held.iter().find(|h| h.case == case) {
        Some(held) => held.refusal.map_or("held", Refusal::code).to_owned(),
        None => "kept".to_owned(),
    }
}

fn decide_all(world: &World, cases: &Cases, reply: impl Fn(u32) -> Option<Reply>) -> Decided {
    decide(cases, &verdicts(cases, |i, _| reply(i)), &world.policy(), 2)
}

#[track_caller]
fn check(world: &World, row: Row, reply: Reply, expected: &str) {
    let cases = world.cases(&[row], 1);
    assert_eq!(words(&decide_all(world, &cases, |_| Some(reply)), 0), expected);
}

fn authoritative() -> World {
    World::new(Mode::Authoritative)
}

fn show(derived: Derived) -> String {
    match derived {
        Derived::Keep => "keep".into(),
        Derived::Hold => "hold".into(),
        Derived::NoOp => "-".into(),
        Derived::Change { kind, .. } => kind.name().into(),
        Derived::Refuse(refusal) => format!("!{}", refusal.code()),
    }
}

/// Every attribute differs as far as both sides allow it; the wanted end is later.
#[test]
fn each_effect_on_each_pair_of_sides() {
    const U: &str = "!observed-unknown";
    const D: &str = "!desired-unknown";
    const N: &str = "!not-desired";
    const X: &str = "!nonsense";
    // One row per effect and desired side; columns are observed: absent, present, disabled, unknown.
    let table: [(Effect, Subject, [[&str; 4]; 4]); 7] = [
        (Effect::Keep, Subject::Grant, [["keep"; 4]; 4]),
        (Effect::Hold, Subject::Grant, [["hold"; 4]; 4]),
        (Effect::Present, Subject::Grant, [[N, N, N, U], ["grant", "-", "enable", U], [N, N, "-", U], [D, D, D, U]]),
        (
            Effect::Absent,
            Subject::Account,
            [["-", "delete", "delete", U], ["-", "delete", "delete", U], ["-", "delete", "delete", U], ["-", D, D, U]],
        ),
        (
            Effect::Disabled,
            Subject::Account,
            [["-", "disable", "-", U], ["-", "disable", "-", U], ["-", "disable", "-", U], ["-", D, "-", U]],
        ),
        (Effect::TrueUp, Subject::Grant, [[N, N, N, U], [X, "update", "enable", U], [X, "disable", "update", U], [D, D, D, U]]),
        (Effect::Replace, Subject::Credential, [[N, N, N, U], [X, "rotate", "rotate", U], [X, N, N, U], [D, D, D, U]]),
    ];
    for (effect, subject, rows) in table {
        for (desired, row) in SIDES.into_iter().zip(rows) {
            for (observed, expected) in SIDES.into_iter().zip(row) {
                let ask = Ask { effect, subject, desired, observed, bits: 31, bounded: false, end: End::Later };
                assert_eq!(show(derive(&ask)), expected, "{ask:?}");
            }
        }
    }
}

#[test]
fn true_up_names_the_kind_by_what_it_takes_over() {
    let bit = |a: Attribute| a as u32;
    let (level, end, owner) = (bit(Attribute::Level), bit(Attribute::ExpiresAt), bit(Attribute::Owner));
    let enabled = bit(Attribute::Enabled);
    for (desired, observed, bits, order, expected, mask) in [
        (Side::Present, Side::Present, level, End::Same, "update", level),
        (Side::Present, Side::Present, owner, End::Same, "reown", owner),
        (Side::Present, Side::Present, owner | level, End::Same, "update", owner | level),
        (Side::Present, Side::Present, end, End::Later, "extend", end),
        (Side::Present, Side::Present, end, End::Earlier, "shorten", end),
        (Side::Present, Side::Present, end | level, End::Later, "update", end | level),
        (Side::Present, Side::Present, end | level, End::Earlier, "shorten", end),
        (Side::Disabled, Side::Present, enabled | level, End::Same, "disable", enabled),
        (Side::Disabled, Side::Present, 31, End::Earlier, "disable", enabled | end),
        (Side::Present, Side::Disabled, 31, End::Later, "enable", 31),
        (Side::Present, Side::Disabled, 31, End::Earlier, "shorten", end),
        (Side::Present, Side::Present, enabled | end, End::Same, "-", 0),
        (Side::Present, Side::Present, 0, End::Later, "-", 0),
    ] {
        let ask = Ask { effect: Effect::TrueUp, subject: Subject::Grant, desired, observed, bits, bounded: false, end: order };
        let derived = derive(&ask);
        assert_eq!(show(derived), expected, "{ask:?}");
        if let Derived::Change { mask: written, .. } = derived {
            assert_eq!(written, mask, "{ask:?}");
        }
    }
}

/// What must hold of every combination there is.
#[test]
fn the_whole_product_is_total_and_sound() {
    let mut seen = 0_u32;
    for effect in Effect::ALL {
        for subject in [Subject::Account, Subject::Grant, Subject::Credential] {
            for (desired, observed) in SIDES.into_iter().flat_map(|d| SIDES.into_iter().map(move |o| (d, o))) {
                for bits in 0..64 {
                    for (bounded, end) in
                        [false, true].into_iter().flat_map(|b| [End::Same, End::Earlier, End::Later].map(move |e| (b, e)))
                    {
                        sound(&Ask { effect, subject, desired, observed, bits, bounded, end });
                        seen += 1;
                    }
                }
            }
        }
    }
    assert_eq!(seen, 7 * 3 * 16 * 64 * 6);
}

fn sound(ask: &Ask) {
    let there = |side| matches!(side, Side::Present | Side::Disabled);
    let derived = derive(ask);
    assert_eq!(derived == Derived::Keep, ask.effect == Effect::Keep, "{ask:?}");
    assert_eq!(derived == Derived::Hold, ask.effect == Effect::Hold, "{ask:?}");
    let Derived::Change { kind, mask } = derived else { return };
    assert_ne!(ask.observed, Side::Unknown, "{ask:?}");
    assert_ne!(ask.desired, Side::Unknown, "{ask:?}");
    assert!(!kind.removes() || there(ask.observed), "{ask:?}");
    assert!(kind.removes() || there(ask.desired), "{ask:?}");
    assert_eq!(mask & !31, 0, "{ask:?}");
    let makes = matches!(kind, ChangeKind::Create | ChangeKind::Grant | ChangeKind::Issue);
    assert_eq!(makes, ask.observed == Side::Absent, "{ask:?}");
    let fits = match kind {
        ChangeKind::Create | ChangeKind::Delete => ask.subject == Subject::Account,
        ChangeKind::Grant => ask.subject == Subject::Grant,
        ChangeKind::Issue | ChangeKind::Rotate => ask.subject == Subject::Credential,
        ChangeKind::Revoke => ask.subject != Subject::Account,
        ChangeKind::Enable => ask.desired == Side::Present && ask.observed == Side::Disabled,
        ChangeKind::Disable => ask.observed == Side::Present,
        ChangeKind::Shorten => ask.end == End::Earlier && mask == Attribute::ExpiresAt as u32,
        ChangeKind::Extend => ask.end == End::Later && mask == Attribute::ExpiresAt as u32,
        ChangeKind::Update | ChangeKind::Reown => mask != 0,
    };
    assert!(fits, "{ask:?} {kind}");
    if kind.adds() && !makes && kind != ChangeKind::Rotate {
        let lowers = AttributeMask(mask).has(Attribute::ExpiresAt) && ask.end == End::Earlier && ask.effect == Effect::TrueUp;
        assert!(!lowers, "an adding change takes something away: {ask:?}");
    }
}

#[test]
fn v04_what_cannot_be_said_of_a_case_is_refused() {
    let world = authoritative();
    check(&world, grant(Side::Absent, Side::Present), says(7), "nonsense");
    check(&world, grant(Side::Absent, Side::Present), says(255), "nonsense");
    check(&world, grant(Side::Absent, Side::Absent), says(PRESENT), "not-desired");
    check(&world, grant(Side::Present, Side::Absent), says(TRUE_UP), "nonsense");
    check(&world, grant(Side::Present, Side::Present), says(REPLACE), "nonsense");
    check(&world, grant(Side::Present, Side::Absent), Reply { until: -5, ..says(PRESENT) }, "nonsense");
    // An edge to itself, or out of the identity.
    for after in [0, 1, 77] {
        check(&world, grant(Side::Absent, Side::Present), Reply { after: Some(after), ..says(ABSENT) }, "nonsense");
    }
    check(&world, Row { scope: None, ..grant(Side::Absent, Side::Present) }, says(ABSENT), "observe-only");
    check(&world, Row { scope: Some(9), ..grant(Side::Absent, Side::Present) }, says(ABSENT), "observe-only");
    check(&world, Row { target: "unheard-of", ..grant(Side::Absent, Side::Present) }, says(ABSENT), "unsupported");
}

#[test]
fn v04_columns_of_unequal_length_read_as_defaults() {
    let world = authoritative();
    let cases = world.cases(&[grant(Side::Absent, Side::Present)], 1);
    let mut verdicts = verdicts(&cases, |_, _| Some(says(ABSENT)));
    if let Some(BatchVerdict { result: Ok(columns), .. }) = verdicts.first_mut() {
        (columns.mask, columns.tier, columns.rank) = Default::default();
        (columns.after, columns.flags, columns.until) = Default::default();
    }
    assert_eq!(words(&decide(&cases, &verdicts, &world.policy(), 1), 0), "revoke");
}

#[test]
fn v05_observe_plans_nothing_and_additive_removes_only_what_is_ours() {
    let extra = || grant(Side::Absent, Side::Present);
    for effect in [PRESENT, ABSENT, DISABLED, TRUE_UP] {
        for row in [extra(), grant(Side::Present, Side::Absent), grant(Side::Disabled, Side::Present)] {
            let world = World::new(Mode::Observe);
            let cases = world.cases(&[Row { differs: 31, ..row }], 1);
            let reply = Reply { effect, mask: 31, ..Reply::default() };
            assert!(decide_all(&world, &cases, |_| Some(reply)).decisions.is_empty());
        }
    }
    let additive = World::new(Mode::Additive);
    check(&additive, extra(), says(ABSENT), "unclaimed");
    check(&additive, extra(), says(DISABLED), "unclaimed");
    check(&additive, Row { traits: 8, ..extra() }, says(ABSENT), "revoke");
    check(&additive, Row { differs: 2, ..grant(Side::Present, Side::Present) }, true_up(2), "update");
    check(&additive, grant(Side::Present, Side::Absent), says(PRESENT), "grant");
}

#[test]
fn v06_the_authority_incident_is_gated() {
    // The configuration is made authoritative over grants that it does not list yet: its own diff shows additions only.
    let incident = || {
        let mut rows: Vec<Row> =
            (0..492).map(|i| Row::new(&format!("new{i}"), Subject::Grant, "team:a", Side::Present, Side::Absent)).collect();
        rows.extend((0..60).map(|i| Row::new(&format!("old{i}"), Subject::Grant, "team:b", Side::Absent, Side::Present)));
        rows
    };
    let count = |world: &World| {
        let cases = world.cases(&incident(), 7);
        let rule = verdicts(&cases, |_, case| Some(says(if case.desired.is_some() { PRESENT } else { ABSENT })));
        let decided = decide(&cases, &rule, &world.policy(), 2);
        let gated = decided.decisions.iter().filter(|d| d.gates.adoption).count();
        let removes = decided.decisions.iter().filter(|d| d.kind.removes()).count();
        (decided.decisions.len(), removes, gated)
    };
    let adopted = authoritative();
    assert_eq!(count(&adopted), (552, 60, 0));
    let adoption = |scope: &str, mode, module| Adoption { scope: scope.into(), mode, module, at: Time::from_seconds(1) };
    let module = adopted.module;
    for adoptions in [
        vec![],
        vec![adoption("gh/*", Mode::Additive, module)],
        vec![adoption("gh/*", Mode::Authoritative, Digest::of(b"another rule"))],
        vec![adoption("gh/team:b*", Mode::Authoritative, module)],
    ] {
        assert_eq!(count(&World { adoptions, ..authoritative() }), (552, 60, 60));
    }
}

#[test]
fn v06_a_scope_that_grows_because_an_earlier_one_is_gone_is_new() {
    let mut world = authoritative();
    let narrow = Scope { target: "gh".into(), objects: "team:*".into(), mode: Mode::Observe };
    let elsewhere = Scope { target: "aws".into(), ..narrow.clone() };
    world.scopes.0 = vec![elsewhere, narrow, world.scopes.0.remove(0)];
    let policy = world.policy();
    assert_eq!(policy.adoption_name(2), "gh/* except team:*");
    assert!(!policy.is_adopted(2, false) && policy.is_adopted(1, false));
}

#[test]
fn v07_nothing_goes_while_desired_is_unknown_and_nothing_moves_while_observed_is() {
    let world = authoritative();
    for effect in [PRESENT, ABSENT, DISABLED, TRUE_UP, REPLACE] {
        check(&world, grant(Side::Unknown, Side::Present), says(effect), "desired-unknown");
        for desired in SIDES {
            check(&world, Row { differs: 31, ..grant(desired, Side::Unknown) }, says(effect), "observed-unknown");
        }
    }
    for (effect, expected) in [(KEEP, "kept"), (HOLD, "held")] {
        check(&world, grant(Side::Unknown, Side::Unknown), says(effect), expected);
    }
}

#[test]
fn v09_what_another_writer_manages_waits_for_force_whatever_is_done_to_it() {
    let world = authoritative();
    for (managed_by, mark) in [("", ""), ("trueup", ""), ("terraform", " +claim")] {
        let have = || Says { managed_by, ..Says::default() };
        let row = |desired| Row { have: have(), differs: 2, ..grant(desired, Side::Present) };
        check(&world, row(Side::Absent), says(ABSENT), &format!("revoke{mark}"));
        check(&world, row(Side::Present), true_up(2), &format!("update{mark}"));
        check(&world, row(Side::Present), says(KEEP), "kept");
        // The host's own revokes wait as well; what an operator denied does not.
        let expired = Row { have: Says { expires_at: NOW, ..have() }, ..grant(Side::Absent, Side::Present) };
        let cases = world.cases(std::slice::from_ref(&expired), 1);
        assert_eq!(words(&decide(&cases, &[], &world.policy(), 1), 0), format!("revoke expiry{mark}"));
        let denied = World { denials: vec![denial("gh", "ann", "")], ..authoritative() };
        check(&denied, expired, says(KEEP), "revoke denied");
    }
}

#[test]
fn v08_inherited_and_immutable_access_is_not_touched() {
    let world = authoritative();
    for (traits, expected) in [(1, "inherited"), (2, "immutable"), (3, "inherited")] {
        let row = |desired| Row { traits, differs: 2, ..grant(desired, Side::Present) };
        check(&world, row(Side::Absent), says(ABSENT), expected);
        check(&world, row(Side::Present), true_up(2), expected);
        check(&world, row(Side::Present), says(PRESENT), "kept");
    }
}

#[test]
fn v16_an_end_is_never_later_than_desired() {
    let world = authoritative();
    let ends = |want, have| Row {
        want: Says { expires_at: want, ..Says::default() },
        have: Says { expires_at: have, ..Says::default() },
        differs: 4,
        ..grant(Side::Present, Side::Present)
    };
    let until = |effect, until| Reply { until, ..says(effect) };
    let day = NOW + 24 * HOUR;
    check(&world, ends(day, NOW + HOUR), until(TRUE_UP, day + 1), "later-than-desired");
    check(&world, ends(day, day + HOUR), until(PRESENT, day + 1), "later-than-desired");
    check(&world, ends(day, NOW + HOUR), until(TRUE_UP, day), "extend");
    check(&world, ends(day, NOW + HOUR), until(TRUE_UP, day - 1), "extend");
    check(&world, ends(day, 0), until(PRESENT, day - 1), "shorten");
    check(&world, ends(0, 0), until(PRESENT, day), "shorten");
    check(&world, ends(0, day), until(PRESENT, day), "kept");
    let cases = world.cases(&[ends(day, 0)], 1);
    let decided = decide_all(&world, &cases, |_| Some(until(PRESENT, day - 1)));
    assert_eq!(decided.decisions.first().map(|d| d.ends_at), Some(Time::from_seconds(day - 1)));
}

#[test]
fn v15_access_that_may_not_begin_or_would_end_before_it_lands_is_not_given() {
    let world = authoritative();
    let wants = |want| Row { want, ..grant(Side::Present, Side::Absent) };
    let ends = |expires_at| wants(Says { expires_at, ..Says::default() });
    check(&world, ends(NOW - 1), says(PRESENT), "expires-too-soon");
    check(&world, ends(NOW + 60), says(PRESENT), "expires-too-soon");
    check(&world, ends(NOW + 61), says(PRESENT), "grant");
    check(&world, ends(NOW + HOUR), Reply { until: NOW + 5, ..says(PRESENT) }, "expires-too-soon");
    check(&world, wants(Says { not_before: NOW + 1, ..Says::default() }), says(PRESENT), "not-yet");
    check(&world, wants(Says { not_before: NOW, ..Says::default() }), says(PRESENT), "grant");
}

#[test]
fn v10_nothing_is_planned_while_the_effect_of_an_earlier_change_is_unknown() {
    let mut world = authoritative();
    world.unsettled.insert(CaseKey::hash(Subject::Grant, "gh", "ann", "team:a"));
    world.denials = vec![denial("gh", "ann", "team:a")];
    for effect in [KEEP, PRESENT, ABSENT, HOLD] {
        for (desired, observed) in [(Side::Present, Side::Absent), (Side::Absent, Side::Present)] {
            check(&world, grant(desired, observed), says(effect), "effect-unknown");
            check(&world, Row { object: "team:b".into(), ..grant(desired, observed) }, says(KEEP), "kept");
        }
    }
}

#[test]
fn v15_a_closed_grant_opens_only_by_a_newer_wish() {
    let world = authoritative();
    // The fixture's desired scan is read at NOW - 10.
    for (closed, since, expected) in
        [(true, NOW - 11, "grant"), (true, NOW - 10, "stale-desire"), (true, NOW, "stale-desire"), (false, NOW, "grant")]
    {
        let row = Row { recorded: Some((3, closed, since)), ..grant(Side::Present, Side::Absent) };
        check(&world, row, says(PRESENT), expected);
    }
    let removed = Row { recorded: Some((3, true, NOW)), ..grant(Side::Absent, Side::Present) };
    check(&world, removed, says(ABSENT), "revoke");
}

#[test]
fn v29_nothing_gives_again_what_is_denied() {
    let denials = [
        (denial("gh", "ann", "team:a"), true),
        (denial("gh", "ann", ""), true),
        (denial("", "ann", ""), true),
        (denial("gh", "ann", "team:b"), false),
        (denial("aws", "ann", ""), false),
        (denial("gh", "bob", ""), false),
        (Denial { lifted_at: Time::from_seconds(NOW - 1), ..denial("gh", "ann", "") }, false),
    ];
    for (denial, covers) in denials {
        let world = World { denials: vec![denial.clone()], ..authoritative() };
        let given = if covers { "denied" } else { "grant" };
        check(&world, grant(Side::Present, Side::Absent), says(PRESENT), given);
        check(&world, grant(Side::Present, Side::Absent), says(KEEP), "kept");
        // Still there: it goes, whatever the rule and the sources say, and no gate is asked.
        let fresh = World { adoptions: vec![], ..world };
        for effect in [KEEP, PRESENT, TRUE_UP, HOLD] {
            for desired in [Side::Present, Side::Unknown] {
                let cases = fresh.cases(&[Row { differs: 2, ..grant(desired, Side::Present) }], 1);
                let decided = decide_all(&fresh, &cases, |_| Some(Reply { mask: 2, ..says(effect) }));
                assert_eq!(words(&decided, 0) == "revoke denied", covers, "{denial:?} {effect} {desired:?}");
            }
        }
    }
}

#[test]
fn v29_a_denied_account_is_disabled_and_a_grants_denial_leaves_it_alone() {
    let world = World { denials: vec![denial("gh", "ann", "")], ..authoritative() };
    check(&world, account(Side::Present, Side::Present), says(KEEP), "disable denied");
    check(&world, account(Side::Present, Side::Disabled), says(PRESENT), "denied");
    check(&world, account(Side::Absent, Side::Disabled), says(ABSENT), "delete");
    check(&world, credential(Side::Present, Side::Present), says(KEEP), "revoke denied");
    let narrow = World { denials: vec![denial("gh", "ann", "team:a")], ..authoritative() };
    check(&narrow, account(Side::Present, Side::Disabled), says(PRESENT), "enable");
}

#[test]
fn v29_a_denial_is_bound_by_scope_mode_and_what_a_target_can_do() {
    let denied = |mode| World { denials: vec![denial("gh", "ann", "")], ..World::new(mode) };
    let there = || grant(Side::Present, Side::Present);
    check(&denied(Mode::Observe), there(), says(KEEP), "observe-only");
    check(&denied(Mode::Additive), there(), says(KEEP), "unclaimed");
    check(&denied(Mode::Additive), Row { traits: 8, ..there() }, says(KEEP), "revoke denied");
    check(&denied(Mode::Authoritative), Row { traits: 1, ..there() }, says(KEEP), "inherited");
    check(&denied(Mode::Authoritative), Row { disputed: true, ..there() }, says(KEEP), "disputed");
    check(&denied(Mode::Authoritative), Row { scope: None, ..there() }, says(KEEP), "observe-only");
    // Without a rule as well.
    let world = denied(Mode::Authoritative);
    let cases = world.cases(&[there()], 1);
    assert_eq!(words(&decide(&cases, &[], &world.policy(), 1), 0), "revoke denied");
}

#[test]
fn v33_a_credential_needs_a_live_owner_and_an_end() {
    let mut world = authoritative();
    let key = |owner, expires_at| Row {
        want: Says { owner, expires_at, ..Says::default() },
        ..credential(Side::Present, Side::Absent)
    };
    check(&world, key("bob", NOW + HOUR), says(PRESENT), "issue");
    check(&world, key("", NOW + HOUR), says(PRESENT), "credential-without-owner");
    check(&world, key("bob", 0), says(PRESENT), "credential-without-owner");
    world.left.insert("bob");
    check(&world, key("bob", NOW + HOUR), says(PRESENT), "credential-without-owner");
    let longer =
        Row { differs: 4, have: Says { expires_at: NOW + HOUR, ..Says::default() }, ..credential(Side::Present, Side::Present) };
    check(&world, longer.clone(), true_up(4), "credential-without-owner");
    world.left.clear();
    check(&world, longer, true_up(4), "extend");
}

#[test]
fn what_a_target_cannot_do_is_unsupported() {
    let mut world = authoritative();
    check(&world, credential(Side::Present, Side::Present), says(REPLACE), "unsupported");
    let target = world.targets.get_mut("gh").unwrap();
    (target.attributes, target.accounts, target.rotates) = (AttributeMask(Attribute::Level as u32), false, true);
    check(&world, credential(Side::Present, Side::Present), says(REPLACE), "rotate");
    check(&world, account(Side::Present, Side::Absent), says(PRESENT), "unsupported");
    check(&world, grant(Side::Absent, Side::Present), says(DISABLED), "unsupported");
    check(&world, grant(Side::Present, Side::Absent), says(PRESENT), "grant");
    check(&world, grant(Side::Present, Side::Absent), Reply { until: NOW + HOUR, ..says(PRESENT) }, "unsupported");
    let differs = |differs| Row { differs, ..grant(Side::Present, Side::Present) };
    check(&world, differs(2), true_up(31), "update");
    check(&world, differs(8), true_up(31), "unsupported");
    world.targets.get_mut("gh").unwrap().accounts = true;
    check(&world, account(Side::Disabled, Side::Absent), says(PRESENT), "unsupported");
}

#[test]
fn an_identity_in_dispute_is_held_as_a_whole() {
    let world = authoritative();
    let rows = [
        grant(Side::Absent, Side::Present),
        Row { disputed: true, object: "team:b".into(), ..grant(Side::Present, Side::Present) },
        Row { who: "eve".into(), ..grant(Side::Absent, Side::Present) },
    ];
    let mut cases = world.cases(&rows, 9);
    let decided = decide_all(&world, &cases, |_| Some(says(ABSENT)));
    let mut all: Vec<String> = (0..3).map(|i| words(&decided, i)).collect();
    all.sort();
    assert_eq!(all, ["disputed", "revoke", "revoke"], "an object in dispute concerns its own case only");
    let snapshot = &cases.snapshot;
    let ann = (snapshot.symbols.find("gh").unwrap(), snapshot.symbols.find("ann").unwrap());
    cases.links.disputed.insert(ann);
    let decided = decide_all(&world, &cases, |_| Some(says(ABSENT)));
    let mut all: Vec<String> = (0..3).map(|i| words(&decided, i)).collect();
    all.sort();
    assert_eq!(all, ["disputed", "disputed", "revoke"]);
}

#[test]
fn causes_tiers_and_approval_are_the_hosts_share() {
    let mut world = authoritative();
    let expired = Says { expires_at: NOW, ..Says::default() };
    check(&world, Row { have: expired, ..grant(Side::Absent, Side::Present) }, says(ABSENT), "revoke expiry");
    check(&world, grant(Side::Absent, Side::Present), Reply { exclusive: true, ..says(ABSENT) }, "revoke exclusive");
    check(&world, account(Side::Absent, Side::Present), says(DISABLED), "disable");
    world.left.insert("ann");
    check(&world, account(Side::Absent, Side::Present), says(DISABLED), "disable leaver");
    check(&world, account(Side::Absent, Side::Present), says(ABSENT), "delete");
    let glass = |who: &str| Row { who: who.into(), catalogue: Some((0, false, true)), ..grant(Side::Absent, Side::Present) };
    let cases = world.cases(&[glass("ben"), glass("cem")], 1);
    let decided = decide_all(&world, &cases, |i| Some(says(if i == 0 { ABSENT } else { HOLD })));
    assert_eq!(words(&decided, 0), "revoke +approval");
    for (catalogue, asked, expected) in
        [(None, 1, 1), (Some((1, false, false)), 0, 1), (Some((0, true, false)), 1, 2), (None, 200, 3)]
    {
        let cases = world.cases(&[Row { catalogue, ..grant(Side::Absent, Side::Present) }], 1);
        let decided = decide_all(&world, &cases, |_| Some(Reply { tier: asked, ..says(ABSENT) }));
        assert_eq!(decided.decisions.first().map(|d| d.tier), Some(expected));
    }
}

#[test]
fn v17_without_a_rule_the_host_still_ends_what_has_expired() {
    let world = authoritative();
    let ended = Says { expires_at: NOW - 1, ..Says::default() };
    let row = |who: &str, desired| Row { who: who.into(), have: ended.clone(), ..grant(desired, Side::Present) };
    let rows = [
        row("expired", Side::Absent),
        row("renewed", Side::Present),
        Row { want: ended.clone(), ..row("lapsed", Side::Present) },
        row("unknown", Side::Unknown),
        Row { have: Says::default(), ..row("endless", Side::Absent) },
        Row { have: ended.clone(), who: "leaver".into(), ..account(Side::Absent, Side::Present) },
        Row { scope: None, ..row("elsewhere", Side::Absent) },
    ];
    let cases = world.cases(&rows, 2);
    let fault = || BatchVerdict { result: Err(Fault::Interrupted { seconds: 1 }), fuel: 0, log: vec![] };
    let by_name = |verdicts: &[BatchVerdict]| -> Vec<String> {
        let decided = decide(&cases, verdicts, &world.policy(), 3);
        let mut all: Vec<String> = cases
            .identities
            .iter()
            .map(|identity| format!("{}: {}", cases.snapshot.symbols.text(identity.name), words(&decided, identity.cases.start)))
            .collect();
        all.sort();
        all
    };
    let expected = [
        "elsewhere: rule-failed",
        "endless: rule-failed",
        "expired: revoke expiry",
        "lapsed: revoke expiry",
        "leaver: disable expiry",
        "renewed: rule-failed",
        "unknown: rule-failed",
    ];
    assert_eq!(by_name(&cases.batches.iter().map(|_| fault()).collect::<Vec<_>>()), expected);
    assert_eq!(by_name(&[]), expected, "a batch without a verdict has failed");
}

#[test]
fn v17_where_a_target_stores_no_end_the_justified_one_counts_for_what_we_gave() {
    let mut world = authoritative();
    world.targets.get_mut("gh").unwrap().attributes = AttributeMask(Attribute::Level as u32);
    let want = Says { expires_at: NOW, record: "HR-7", ..Says::default() };
    for (desired, traits, expected) in [
        (Side::Absent, 8, "revoke expiry"),
        (Side::Absent, 0, "rule-failed"),
        (Side::Present, 8, "rule-failed"),
        (Side::Unknown, 8, "rule-failed"),
    ] {
        let cases = world.cases(&[Row { want: want.clone(), traits, ..grant(desired, Side::Present) }], 1);
        assert_eq!(words(&decide(&cases, &[], &world.policy(), 1), 0), expected, "{desired:?} {traits}");
    }
}

#[test]
fn v17_a_new_rule_does_not_gate_the_hosts_own_revokes() {
    let ended = Says { expires_at: NOW - 1, ..Says::default() };
    let world = World { module: Digest::of(b"broken rule"), ..authoritative() };
    let cases = world.cases(&[Row { have: ended, ..grant(Side::Absent, Side::Present) }], 1);
    assert_eq!(words(&decide(&cases, &[], &world.policy(), 1), 0), "revoke expiry");
    assert_eq!(words(&decide_all(&world, &cases, |_| Some(says(ABSENT))), 0), "revoke expiry +adoption");
    let never = World { adoptions: vec![], ..world };
    assert_eq!(words(&decide(&cases, &[], &never.policy(), 1), 0), "revoke expiry +adoption");
}

#[test]
fn an_identity_that_is_too_large_is_held() {
    let world = authoritative();
    let mut cases = world.cases(&[grant(Side::Absent, Side::Present)], 1);
    let fault = BatchVerdict { result: Err(Fault::IdentityTooLarge { cases: 9, allowed: 8 }), fuel: 0, log: vec![] };
    assert_eq!(words(&decide(&cases, &[fault], &world.policy(), 1), 0), "identity-too-large");
    cases.batches.iter_mut().for_each(|batch| batch.too_large = true);
    assert_eq!(words(&decide_all(&world, &cases, |_| Some(says(ABSENT))), 0), "identity-too-large");
}

#[test]
fn what_waits_for_a_held_case_is_held_and_cycles_are_refused() {
    let world = authoritative();
    let rows: Vec<Row> = (0..6).map(|i| Row { object: format!("team:{i}"), ..grant(Side::Absent, Side::Present) }).collect();
    let cases = world.cases(&rows, 1);
    // Each case: its effect and what it comes after.
    for (replies, expected) in [
        ([(2, 1), (2, 2), (2, 9), (0, 9), (2, 3), (2, 4)], ["revoke", "revoke", "revoke", "kept", "revoke", "revoke"]),
        ([(2, 1), (2, 2), (2, 0), (2, 2), (2, 3), (2, 9)], ["cycle", "cycle", "cycle", "blocked", "blocked", "revoke"]),
        ([(6, 9), (2, 0), (2, 1), (1, 9), (2, 3), (2, 9)], ["held", "blocked", "blocked", "not-desired", "blocked", "revoke"]),
    ] {
        let reply = |i: u32| {
            let (effect, after) = replies[i as usize];
            Some(Reply { after: (after < 9).then_some(after), ..says(effect) })
        };
        let decided = decide_all(&world, &cases, reply);
        let all: Vec<String> = (0..6).map(|i| words(&decided, i)).collect();
        assert_eq!(all, expected);
        for decision in &decided.decisions {
            assert!(decision.after.is_none_or(|after| decided.decisions.iter().any(|d| d.case == after)));
        }
    }
}

#[test]
fn v36_every_case_is_planned_held_or_kept_whatever_the_threads() {
    for seed in 0..40 {
        for mode in [Mode::Observe, Mode::Additive, Mode::Authoritative] {
            let world = World::new(mode);
            let (rows, answer) = estate(seed, 30);
            let cases = world.cases(&rows, 1 + seed as usize % 5);
            let mut rule = verdicts(&cases, &answer);
            if let Some(verdict) = rule.get_mut(1) {
                verdict.result = Err(Fault::Interrupted { seconds: 1 });
            }
            let decided = decide(&cases, &rule, &world.policy(), 1);
            let kept: u64 = decided.kept.values().chain(decided.unmanaged.values()).sum();
            let mut told: Vec<u32> = decided.held.iter().map(|h| h.case).collect();
            assert!(told.is_sorted() && decided.decisions.iter().map(|d| d.case).is_sorted());
            told.extend(decided.decisions.iter().map(|d| d.case));
            told.sort_unstable();
            told.dedup();
            assert_eq!(told.len(), decided.held.len() + decided.decisions.len(), "a case is told twice");
            assert_eq!(kept + told.len() as u64, cases.cases.len() as u64);
            for threads in [2, 7, 100] {
                assert_eq!(decide(&cases, &rule, &world.policy(), threads), decided);
            }
            guarantees(&cases, &decided, mode);
        }
    }
}

#[test]
fn v36_what_nobody_manages_is_counted_and_what_a_person_can_settle_is_listed() {
    for (mode, why, listed) in [
        (Mode::Authoritative, WhyUnknown::Incomplete, true),
        (Mode::Authoritative, WhyUnknown::Uncovered, false),
        (Mode::Observe, WhyUnknown::Incomplete, false),
    ] {
        let world = World::new(mode);
        let mut cases = world.cases(&[grant(Side::Unknown, Side::Present)], 1);
        cases.cases[0].desired_why = why;
        let decided = decide_all(&world, &cases, |_| Some(says(HOLD)));
        let counted: u64 = decided.unmanaged.values().sum();
        assert_eq!((decided.held.len(), counted), if listed { (1, 0) } else { (0, 1) }, "{mode:?} {why:?}");
        // What the rule would do there is told all the same: that is what looking on is for.
        let cases = world.cases(&[grant(Side::Absent, Side::Present)], 1);
        let decided = decide_all(&world, &cases, |_| Some(says(ABSENT)));
        assert_eq!(decided.held.len(), usize::from(mode == Mode::Observe), "{mode:?}");
    }
}

/// What no seed may break.
fn guarantees(cases: &Cases, decided: &Decided, mode: Mode) {
    for decision in &decided.decisions {
        let case = &cases.cases[decision.case as usize];
        assert_ne!(mode, Mode::Observe);
        assert!(case.scope.is_some() && case.traits & 3 == 0);
        assert_ne!(case.observed_side, Side::Unknown);
        assert!(!decision.kind.removes() || case.desired_side != Side::Unknown);
        assert!(!decision.kind.removes() || mode == Mode::Authoritative || case.traits & 8 != 0);
        if decision.kind.adds() {
            let end = cases.snapshot.desired[case.desired.unwrap() as usize].expires_at;
            assert!(end.is_none() || (end.seconds() > NOW + 60 && decision.ends_at <= end));
        }
    }
}

#[test]
fn codes_are_unique_and_effects_round_trip() {
    let codes: std::collections::BTreeSet<&str> = Refusal::ALL.iter().map(|r| r.code()).collect();
    assert_eq!(codes.len(), Refusal::ALL.len());
    for effect in Effect::ALL {
        assert_eq!(Effect::from_code(effect as u8), Some(effect));
    }
}
