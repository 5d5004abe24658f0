//! What a rule is shown is what the facts say, whatever numbers the run gave to texts.

use std::collections::BTreeSet;

use super::estate::{estate, renumbered};
use crate::correlate::Cases;
use crate::model::Time;
use crate::rule::bindings::trueup::rules::types::Batch;
use crate::rule::columns::{Dictionary, write};
use crate::rule::{Column, Fault, Judging, RuleLimits, Settings};

const ESTATE: &[(&str, u32)] = &[("ada", 6), ("brahe", 1), ("curie", 0), ("darwin", 13)];

fn every() -> BTreeSet<Column> {
    Column::ALL.iter().copied().collect()
}

/// One batch over all identities.
fn whole(cases: &Cases) -> crate::correlate::Batch {
    let (identities, rows) = (cases.identities.len() as u32, cases.cases.len() as u32);
    crate::correlate::Batch { identities: 0..identities, cases: 0..rows, too_large: false }
}

fn written(cases: &Cases, wanted: &BTreeSet<Column>, dictionary: &mut Dictionary) -> Batch {
    write(cases, &whole(cases), wanted, &RuleLimits::default(), dictionary).expect("columns")
}

fn text(batch: &Batch, id: u32) -> &str {
    let end = |id: u32| batch.text_ends[id as usize] as usize;
    &batch.heap[if id == 0 { 0 } else { end(id - 1) }..end(id)]
}

#[test]
fn columns_decode_to_the_facts() {
    let cases = estate(ESTATE);
    let batch = written(&cases, &every(), &mut Dictionary::default());
    assert_eq!(batch.identity_ends, [6, 7, 7, 20]);
    for (i, identity) in cases.identities.iter().enumerate() {
        let person = cases.snapshot.people[i];
        assert_eq!(text(&batch, batch.identity[i]), cases.snapshot.symbols.text(identity.name));
        assert_eq!(text(&batch, batch.identity_owner[i]), cases.snapshot.symbols.text(person.owner));
        assert_eq!(text(&batch, batch.identity_unit[i]), "sales");
        assert_eq!((batch.identity_kind[i], batch.identity_status[i]), (person.kind as u8, person.status as u8));
        assert_eq!(batch.identity_moved_at[i], person.moved_at.seconds());
        assert_eq!(batch.identity_ends_at[i], person.ends_at.seconds());
    }
    for (i, case) in cases.cases.iter().enumerate() {
        let symbols = &cases.snapshot.symbols;
        let desired = case.desired.map(|n| cases.snapshot.desired[n as usize]);
        let observed = case.observed.map(|n| cases.snapshot.observed[n as usize]);
        let named = observed.or(desired).expect("one side");
        let entitlement = case.entitlement.map(|n| cases.snapshot.entitlements[n as usize]);
        let d = |pick: fn(&crate::model::Fact) -> crate::model::Sym| desired.map_or("", |fact| symbols.text(pick(&fact)));
        let o = |pick: fn(&crate::model::Fact) -> crate::model::Sym| observed.map_or("", |fact| symbols.text(pick(&fact)));
        let owner = if d(|f| f.owner).is_empty() { o(|f| f.owner) } else { d(|f| f.owner) };
        for (name, column, expected) in [
            ("target", &batch.target, symbols.text(named.target)),
            ("holder", &batch.holder, symbols.text(named.holder)),
            ("object", &batch.object, symbols.text(named.object)),
            ("desired-level", &batch.desired_level, d(|f| f.level)),
            ("observed-level", &batch.observed_level, o(|f| f.level)),
            ("owner", &batch.owner, owner),
            ("purpose", &batch.purpose, d(|f| f.purpose)),
            ("observed-purpose", &batch.observed_purpose, o(|f| f.purpose)),
            ("record", &batch.record, d(|f| f.record)),
            ("approver", &batch.approver, d(|f| f.approver)),
            ("via", &batch.via, o(|f| f.via)),
            ("replaces", &batch.replaces, d(|f| f.replaces)),
            ("exclusion", &batch.exclusion, entitlement.map_or("", |e| symbols.text(e.exclusion))),
        ] {
            assert_eq!(text(&batch, column[i]), expected, "{name} of case {i}");
        }
        let seconds = |time: Option<Time>| time.unwrap_or_default().seconds();
        for (name, column, expected) in [
            ("desired-expires-at", &batch.desired_expires_at, seconds(desired.map(|f| f.expires_at))),
            ("observed-expires-at", &batch.observed_expires_at, seconds(observed.map(|f| f.expires_at))),
            ("not-before", &batch.not_before, seconds(desired.map(|f| f.not_before))),
            ("last-used", &batch.last_used, seconds(observed.map(|f| f.last_used))),
            ("undesired-since", &batch.undesired_since, case.undesired_since.seconds()),
            ("disabled-since", &batch.disabled_since, case.disabled_since.seconds()),
        ] {
            assert_eq!(column[i], expected, "{name} of case {i}");
        }
        let why = case.desired_why as u8 + 16 * case.observed_why as u8;
        let codes = [
            ("subject", batch.subject[i], named.subject as u8),
            ("desired", batch.desired[i], case.desired_side as u8),
            ("observed", batch.observed[i], case.observed_side as u8),
            ("recorded", batch.recorded[i], case.recorded_side as u8),
            ("unknown-why", batch.unknown_why[i], why),
            ("tier", batch.tier[i], entitlement.map_or(0, |e| e.tier)),
        ];
        codes.iter().for_each(|(name, found, expected)| assert_eq!(found, expected, "{name} of case {i}"));
        assert_eq!((batch.differs[i], batch.traits[i]), (case.differs, case.traits), "case {i}");
    }
}

/// Arrival order moves the run's numbers; the rule must not see it.
#[test]
fn v01_columns_do_not_depend_on_the_numbers_of_texts() {
    let (one, other) = (estate(ESTATE), renumbered(ESTATE));
    assert_ne!(one.identities[0].name, other.identities[0].name, "the numbers do differ");
    let mut used = Dictionary::default();
    written(&other, &every(), &mut used);
    for wanted in [every(), BTreeSet::new(), BTreeSet::from([Column::Owner, Column::Via])] {
        let expected = format!("{:?}", written(&one, &wanted, &mut Dictionary::default()));
        assert_eq!(format!("{:?}", written(&other, &wanted, &mut Dictionary::default())), expected);
        assert_eq!(format!("{:?}", written(&other, &wanted, &mut used)), expected, "after another batch");
    }
}

#[test]
fn only_what_is_asked_for_is_sent() {
    let batch = written(&estate(ESTATE), &BTreeSet::from([Column::Level, Column::Tier]), &mut Dictionary::default());
    let lengths = [batch.desired_level.len(), batch.observed_level.len(), batch.tier.len(), batch.target.len()];
    assert_eq!(lengths, [20; 4]);
    let texts = [&batch.owner, &batch.purpose, &batch.record, &batch.via, &batch.identity_owner, &batch.exclusion];
    assert!(texts.iter().all(|column| column.is_empty()) && batch.not_before.is_empty() && batch.last_used.is_empty());
    assert!(!batch.heap.contains("owner"), "no text of a column that was not asked for");
}

#[test]
fn texts_are_bounded() {
    let cases = estate(ESTATE);
    let limits = RuleLimits { input_bytes: 100, ..RuleLimits::default() };
    let found = write(&cases, &whole(&cases), &every(), &limits, &mut Dictionary::default()).err();
    assert!(matches!(found, Some(Fault::Limit { limit: "input bytes", used: 101.., allowed: 100 })), "{found:?}");
}

/// Through the boundary: what the rule itself says that it was shown.
#[test]
fn v02_a_rule_sees_what_is_passed_in() {
    let cases = estate(&[("ada", 3)]);
    let module = super::guests::load("mirror");
    let judging = Judging { as_of: Time::from_seconds(77), settings: &Settings::default(), explain: true };
    let verdict = module.judge(&judging, &cases, &cases.batches[0]);
    let lines: Vec<&str> = verdict.log.iter().map(|(_, line)| line.as_str()).collect();
    assert_eq!(lines[0], "as-of 77 flags 1 settings []");
    assert_eq!(lines[1], "identity ada kind 1 status 1 moved 1000 ends 2000 owner boss of ada unit sales");
    assert_eq!(
        lines[4],
        "case target=git holder=ada object=repo:2 desired-level=desired level 2 observed-level=observed level 2 \
         owner=desired owner 2 purpose=desired purpose 2 observed-purpose=observed purpose 2 record=desired record 2 \
         approver=desired approver 2 via=observed via 2 replaces=desired replaces 2 exclusion=group 2 \
         desired-expires-at=11002 observed-expires-at=21002 not-before=10002 last-used=22002 undesired-since=30002 \
         disabled-since=40002 subject=2 desired=1 observed=2 recorded=0 unknown-why=0 differs=2 traits=2 tier=3"
    );
    let again = module.judge(&judging, &cases, &cases.batches[0]);
    assert_eq!(again, verdict);
}
