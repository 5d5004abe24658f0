//! A plan is the same in however many parts it was made, and so is what a run records and explains.

use super::estate::{Estate, held};
use crate::decide::fixture::{HOUR, NOW, denial};
use crate::ledger::Entry;
use crate::model::{CaseKey, Digest, Subject};

const PEOPLE: usize = 700;

/// An estate of about 6,000 facts in which grants have ended, more than pass unasked; some accounts are linked, two to an
/// identity; some things are denied; some are another writer's.
fn estate(part: u64) -> Estate {
    let row = |i: usize| {
        held(&format!("p{:03}", i % PEOPLE), &format!("team:{}", i / PEOPLE), if i.is_multiple_of(3) { NOW - 1 } else { 0 })
    };
    let mut estate = Estate::new((0..4 * PEOPLE).map(row));
    estate.part = part;
    let names: Vec<(String, String)> =
        (0..4 * PEOPLE).map(|i| (format!("p{:03}", i % PEOPLE), format!("team:{}", i / PEOPLE + 1))).collect();
    let desired: Vec<_> = names.iter().zip(0..).map(|((who, what), i)| (&**who, &**what, [0, 0, NOW + HOUR][i % 3])).collect();
    estate.desire(&desired);
    let mut accounts = "holder\tidentity\n".to_owned();
    for i in 0..PEOPLE {
        let identity = if i % 10 == 0 { format!("person-{}", i / 20) } else { String::new() };
        accounts += &format!("p{i:03}\t{identity}\n");
    }
    std::fs::write(estate.path("accounts.tsv"), accounts).unwrap();
    for i in [5, 50, 500] {
        estate.record(Entry::Denied(denial("gh", &format!("p{i:03}"), "team:1")));
    }
    estate.shop.claimed.lock().unwrap().extend(["p012".to_owned(), "p021".to_owned()]);
    estate
}

/// Plans, commits what passes, lets some time pass, and plans again over what is recorded by then; gives all that may not
/// depend on parts.
fn run(part: u64, catalogue: &str) -> Vec<(String, Digest, Digest, String)> {
    let estate = estate(part);
    if !catalogue.is_empty() {
        std::fs::write(estate.path("entitlements.tsv"), catalogue).unwrap();
    }
    let mut ends = Vec::new();
    for round in 0..3 {
        let planned = estate.plan();
        let bytes = std::fs::read(estate.engine().store().plan(planned.plan)).unwrap();
        let report = &planned.report;
        let debt = report.debt.as_ref().unwrap();
        assert!(debt.cases > 20 && debt.held > 700, "{debt:?}");
        let counts = (report.facts, report.cases, report.batches, report.faults.len(), debt);
        assert!(round > 0 || (report.parts > 1) == (part < 10_000), "{part}");
        let explained = ["gh/p007/team:0", "gh/p005/team:1", "gh/p699/team:3"].map(|name| {
            let explanation = estate.engine().explain(name).map_err(|error| error.to_string());
            explanation.map(|explanation| serde_json::to_string(&explanation).unwrap())
        });
        let root = estate.engine().ledger().recorded_root("acme").unwrap();
        ends.push((planned.plan.to_string(), Digest::of(&bytes), root, format!("{counts:?} {explained:?}")));
        assert!(!estate.path("store/spill").exists(), "what was spilled is gone");
        if round == 0 {
            let summary = planned.header.summary;
            assert!(summary.gated["budget"] > 20 && summary.gated["claim"] > 0 && summary.by_kind["revoke"] > 234, "{summary:?}");
            assert!(estate.apply(planned.plan).outcomes.confirmed() > 0);
        }
        estate.pass(HOUR);
        // What was taken away is listed no more, by any part.
        let left: Vec<_> = (0..PEOPLE).filter(|i| i % 50 != 5).map(|i| format!("p{i:03}")).collect();
        estate.desire(&left.iter().map(|who| (who.as_str(), "team:1", 0)).collect::<Vec<_>>());
    }
    ends
}

#[test]
fn v01_a_plan_does_not_depend_on_how_many_parts_it_was_made_in() {
    let whole = run(u64::MAX, "");
    for part in [5_000, 700, 50] {
        let parts = run(part, "");
        for (round, (a, b)) in whole.iter().zip(&parts).enumerate() {
            assert_eq!(a, b, "round {round}, {part} facts a part");
        }
    }
}

#[test]
fn v01_a_catalogue_that_asks_nothing_of_several_identities_is_planned_in_parts() {
    let catalogue = "object\ttier\texclusion\tparent\n\
                     team:0\t2\t\t\n\
                     team:1\t1\t\tteam:0\n\
                     team:2\t3\tone-of\tteam:1\n\
                     team:3\t0\tone-of\t\n";
    let whole = run(u64::MAX, catalogue);
    assert_ne!(whole, run(u64::MAX, ""), "the catalogue decides something");
    for part in [5_000, 50] {
        assert!(whole == run(part, catalogue), "{part} facts a part");
    }
}

#[test]
fn an_entitlement_that_somebody_must_hold_is_counted_over_the_whole_estate() {
    for demand in ["min_holders\n team:0\t1\n", "break_glass\n team:0\ttrue\n"] {
        let mut estate = Estate::new((0..200).map(|i| held(&format!("p{i:03}"), "team:0", NOW - 1)));
        estate.part = 20;
        std::fs::write(estate.path("entitlements.tsv"), format!("object\t{}", demand.replace(' ', ""))).unwrap();
        let planned = estate.plan();
        assert_eq!(planned.report.parts, 1, "{demand}");
    }
}

#[test]
fn a_source_that_contradicts_itself_ends_the_run_in_whichever_part_it_is_found() {
    for part in [u64::MAX, 50] {
        let mut estate = Estate::new([held("ann", "team:a", 0)]);
        estate.part = part;
        let names: Vec<String> = (0..PEOPLE).map(|i| format!("p{i:03}")).collect();
        let mut rows: Vec<(&str, &str, i64)> = names.iter().map(|who| (who.as_str(), "team:a", 0)).collect();
        rows.push(("p300", "team:a", NOW + HOUR));
        estate.desire(&rows);
        let error = super::estate::block_on(estate.engine().plan(None)).unwrap_err();
        assert_eq!(error.to_string(), "grants.tsv:702: duplicate of line 302: `gh/p300/team:a`");
        assert_eq!(std::fs::read_dir(estate.path("store/plans")).unwrap().count(), 0);
        assert!(!estate.path("store/spill").exists());
    }
}

#[test]
fn what_a_dead_run_spilled_is_removed_by_the_next_plan() {
    let estate = Estate::new([held("ann", "team:a", NOW - 1)]);
    let spill = estate.path("store/spill");
    std::fs::create_dir_all(&spill).unwrap();
    // A part of the same name, and a folder where the run would write.
    std::fs::write(spill.join("facts-0"), "half").unwrap();
    std::fs::create_dir(spill.join("held")).unwrap();
    let planned = estate.plan();
    assert_eq!(planned.header.changes, 1);
    assert!(!spill.exists());
    let key = estate.file(planned.plan).changes().next().unwrap().unwrap().key;
    assert_eq!(key, CaseKey { target: "gh".into(), holder: "ann".into(), subject: Subject::Grant, object: "team:a".into() });
}

#[test]
fn a_folder_that_cannot_be_written_ends_the_run_before_a_plan_stands() {
    let estate = Estate::new([held("ann", "team:a", NOW - 1)]);
    // A file where the folder of what is spilled must be.
    std::fs::write(estate.path("store/spill"), "in the way").unwrap();
    let error = super::estate::block_on(estate.engine().plan(None)).unwrap_err();
    assert!(error.to_string().contains("spill"), "{error}");
    assert_eq!(std::fs::read_dir(estate.path("store/plans")).unwrap().count(), 0);
    std::fs::remove_file(estate.path("store/spill")).unwrap();
    assert_eq!(estate.plan().header.changes, 1);
}
