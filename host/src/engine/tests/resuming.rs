//! Under which terms an interrupted run is gone on with: each of them is changed alone.

use super::estate::{Estate, Trouble, as_desired, block_on, held};
use crate::correlate::Side;
use crate::decide::fixture::{NOW, Row};
use crate::engine::resuming::RUN_FORMAT;
use crate::engine::{Engine, EngineError};
use crate::ledger::{Entry, RunRow, Stage};
use crate::model::{Digest, Mode, PlanId, RunId, Subject, Time};
use crate::rule::{SettingValue, Settings};
use crate::target::Target as _;

/// One of the terms of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Term {
    Format,
    Rule,
    Profile,
    TargetProfile,
    Settings,
    Scopes,
}

const TERMS: [Term; 6] = [Term::Format, Term::Rule, Term::Profile, Term::TargetProfile, Term::Settings, Term::Scopes];

/// The basis of a run that began while one of these was another, or all were the same.
fn basis(estate: &Estate, other: Option<Term>) -> Digest {
    let mut engine: Engine = estate.engine();
    let format = if other == Some(Term::Format) { RUN_FORMAT + 1 } else { RUN_FORMAT };
    match other {
        Some(Term::Rule) => engine.rule.module = Digest::of(b"another rule"),
        Some(Term::Profile) => engine.rule.profile.push_str(", another engine"),
        Some(Term::Settings) => engine.parts.settings = Settings::of("days", SettingValue::Integer(30)),
        Some(Term::Scopes) => engine.parts.scopes.0[0].mode = Mode::Additive,
        Some(Term::TargetProfile) => {
            let mut profile = estate.shop.profile().clone();
            profile.landing_bound += 1;
            estate.shop.claims(profile);
        }
        Some(Term::Format) | None => {}
    }
    let basis = engine.basis_of(format);
    *estate.shop.profile.lock().unwrap() = None;
    basis
}

fn runs(estate: &Estate) -> Vec<(RunId, Stage)> {
    estate.engine().runs(9).unwrap().iter().map(|run| (run.run, run.stage)).collect()
}

/// A run that was interrupted while it read.
fn reading(basis: Digest, as_of: i64) -> RunRow {
    let (as_of, began) = (Time::from_seconds(as_of), Time::from_seconds(NOW));
    RunRow { run: RunId(1), stage: Stage::Discovering, as_of, began, basis, plan: None, slice: 0, commits: true, amends: None }
}

#[test]
fn v23_an_interrupted_reading_is_gone_on_with_under_the_same_terms_alone() {
    for other in TERMS.map(Some).into_iter().chain([None]) {
        let estate = Estate::new([held("ann", "team:a", NOW - 120)]);
        estate.record(Entry::Run(reading(basis(&estate, other), NOW - 60)));
        estate.pass(60);
        let (planned, _) = block_on(estate.engine().resume()).unwrap().unwrap();
        let expected = match other {
            Some(_) => vec![(RunId(2), Stage::Done), (RunId(1), Stage::Replaced)],
            None => vec![(RunId(1), Stage::Done)],
        };
        assert_eq!((runs(&estate), estate.holds()), (expected, Vec::<String>::new()), "{other:?}");
        let inputs = planned.unwrap().header.inputs;
        assert_eq!(inputs.as_of.seconds(), NOW - 60, "an instant that somebody chose is kept: {other:?}");
        assert!(block_on(estate.engine().resume()).unwrap().is_none());
    }
}

#[test]
fn a_run_that_begins_again_is_of_the_instant_at_which_it_does() {
    let estate = Estate::new([]);
    estate.record(Entry::Run(reading(basis(&estate, Some(Term::Rule)), NOW)));
    estate.pass(60);
    let (planned, _) = block_on(estate.engine().resume()).unwrap().unwrap();
    assert_eq!(planned.unwrap().header.inputs.as_of.seconds(), NOW + 60);
}

/// A plan whose run was interrupted: the effect of one change is unknown, another waits for it, the third is confirmed.
fn committing(other: Option<Term>, commits: bool) -> (Estate, PlanId, RunRow) {
    let estate = Estate::new([]);
    let give = |who, subject, object| Row::new(who, subject, object, Side::Present, Side::Absent);
    let rows = [give("ann", Subject::Account, ""), give("ann", Subject::Grant, "team:a"), give("bob", Subject::Grant, "team:b")];
    let plan = estate.by_hand(&rows, as_desired);
    estate.shop.trouble.lock().unwrap().insert("ann".to_owned(), Trouble::Dark);
    assert_eq!(estate.apply(plan).outcomes.confirmed(), 1);
    estate.shop.trouble.lock().unwrap().clear();
    let run = estate.engine().runs(1).unwrap().remove(0);
    assert_eq!(run.stage, Stage::Committing);
    let run = RunRow { basis: basis(&estate, other), commits, ..run };
    estate.record(Entry::Run(run.clone()));
    (estate, plan, run)
}

/// What became of the plan: the account by what was read, the grant, and how often the target was written to.
fn ends(estate: &Estate, plan: PlanId) -> (Vec<&'static str>, usize) {
    let file = estate.file(plan);
    let engine = estate.engine();
    let statuses = engine.statuses(plan).unwrap();
    let changes = file.changes().map(Result::unwrap).filter(|change| change.key.holder == "ann");
    let names = changes.map(|change| statuses.get(&change.id).map_or("ready", |status| status.name())).collect();
    assert!(engine.verify_log().unwrap().is_ok());
    (names, estate.writes_of("ann"))
}

#[test]
fn v23_an_interrupted_commit_sends_nothing_more_under_other_terms() {
    for other in TERMS {
        let (estate, plan, _) = committing(Some(other), true);
        let (planned, _) = block_on(estate.engine().resume()).unwrap().unwrap();
        assert!(planned.is_some_and(|planned| planned.plan != plan), "{other:?}");
        assert_eq!(ends(&estate, plan), (vec!["confirmed", "ended"], 1), "{other:?}");
        assert_eq!(runs(&estate), [(RunId(2), Stage::Done), (RunId(1), Stage::Replaced)], "{other:?}");
    }
    let (estate, plan, _) = committing(None, true);
    let (planned, _) = block_on(estate.engine().resume()).unwrap().unwrap();
    assert!(planned.is_none());
    assert_eq!(ends(&estate, plan), (vec!["confirmed", "confirmed"], 2));
}

#[test]
fn v23_a_new_plan_and_a_plan_applied_by_hand_send_nothing_more_under_other_terms() {
    let (estate, plan, _) = committing(Some(Term::Rule), true);
    estate.plan();
    assert_eq!(ends(&estate, plan), (vec!["confirmed", "ended"], 1));

    let (estate, plan, _) = committing(Some(Term::Settings), false);
    let refused = block_on(estate.engine().resume());
    assert!(matches!(refused, Err(EngineError::OtherTerms { plan: named }) if named == plan.to_string()));
    assert_eq!(ends(&estate, plan), (vec!["confirmed", "ended"], 1));
    assert!(block_on(estate.engine().resume()).unwrap().is_none(), "it says so once");
}

#[test]
fn a_run_that_gave_way_is_not_gone_on_with_though_it_is_unsettled() {
    let (estate, plan, _) = committing(None, true);
    estate.shop.trouble.lock().unwrap().insert("ann".to_owned(), Trouble::Dark);
    estate.run();
    assert_eq!(runs(&estate), [(RunId(2), Stage::Done), (RunId(1), Stage::Unsettled)]);
    assert!(block_on(estate.engine().resume()).unwrap().is_none());
    assert_eq!(ends(&estate, plan).0, ["ambiguous", "ended"]);
}

#[test]
fn v23_beginning_again_survives_being_interrupted_itself() {
    let (estate, plan, former) = committing(Some(Term::Rule), true);
    let now = basis(&estate, None);
    estate.record(Entry::Run(RunRow { stage: Stage::Unsettled, ..former }));
    estate.record(Entry::Run(RunRow { run: RunId(2), ..reading(now, NOW) }));
    assert!(block_on(estate.engine().resume()).unwrap().is_some());
    assert_eq!(ends(&estate, plan), (vec!["confirmed", "ended"], 1));
    assert_eq!(runs(&estate), [(RunId(2), Stage::Done), (RunId(1), Stage::Replaced)]);
}
