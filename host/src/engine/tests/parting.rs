//! A plan is the same in however many parts it was made, and so is what a run records and explains.

use super::super::apart::Apart;
use super::estate::{Estate, block_on, held};
use crate::decide::fixture::{HOUR, NOW, denial};
use crate::ledger::Entry;
use crate::model::{CaseKey, Digest, RunId, Subject};
use crate::target::EmbeddedRow;

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

/// Holders of two things that somebody must hold are in all parts; most identities have nothing to do with them.
#[test]
fn v27_holders_are_counted_over_the_whole_estate_in_however_many_parts() {
    let run = |part: u64, catalogue: &str| {
        let ended = |i: usize| if i.is_multiple_of(3) { NOW - 1 } else { 0 };
        let mut rows: Vec<_> = (0..PEOPLE).map(|i| held(&format!("p{i:03}"), "team:0", ended(i))).collect();
        rows.extend((0..PEOPLE).step_by(70).map(|i| held(&format!("p{i:03}"), "vault", ended(i))));
        rows.extend([1, 301, 601].map(|i| held(&format!("p{i:03}"), "glass", NOW - 1)));
        let mut estate = Estate::new(rows);
        estate.part = part;
        std::fs::write(estate.path("entitlements.tsv"), catalogue).unwrap();
        for i in [70, 140, 210, 280] {
            estate.record(Entry::Denied(denial("gh", &format!("p{i:03}"), "vault")));
        }
        let planned = estate.plan();
        let bytes = std::fs::read(estate.engine().store().plan(planned.plan)).unwrap();
        let root = estate.engine().ledger().recorded_root("acme").unwrap();
        let report = &planned.report;
        assert!(part > 100_000 || report.parts > 1, "{} parts", report.parts);
        (planned.header.summary, bytes, root, report.cases, format!("{:?}", report.debt))
    };
    // Ten hold the vault, of whom four have ended and three of the others are denied it.
    let catalogue = "object\tmin_holders\tbreak_glass\nvault\t4\t\nglass\t\ttrue\n";
    let whole = run(u64::MAX, catalogue);
    let refused = |code: &str| whole.0.held.get(code).copied().unwrap_or_default();
    assert!(refused("last-holder") > 0 && refused("last-break-glass") > 0, "{:?}", whole.0);
    assert_ne!(whole.1, run(u64::MAX, "object\tmin_holders\n").1);
    for part in [400, 50] {
        assert!(whole == run(part, catalogue), "{part} facts a part");
    }
}

/// Four hold what two must hold, far from each other; two of them have ended.
#[test]
fn v27_an_explanation_knows_who_else_holds_it() {
    let end = |i: usize| if i.is_multiple_of(7) { NOW - 1 } else { 0 };
    let holders = [0, 1_400, 2_201, 2_902];
    let mut estate = Estate::new((0..3_000).map(|i| held(&format!("p{i:04}"), "team:a", 0)));
    estate.shop.inner.seed(holders.map(|i| held(&format!("p{i:04}"), "vault", end(i)))).unwrap();
    for (least, code) in [(2, None), (3, Some("last-holder"))] {
        std::fs::write(estate.path("entitlements.tsv"), format!("object\tmin_holders\nvault\t{least}\n")).unwrap();
        estate.part = 500;
        let planned = estate.plan();
        assert!(planned.report.batches > 1);
        for i in [0, 1_400] {
            let explained = estate.engine().explain(&format!("gh/p{i:04}/vault")).unwrap();
            assert_eq!(explained.refusal.map(|reason| reason.code).as_deref(), code, "{least}, p{i:04}");
            assert_eq!(explained.change.is_some(), code.is_none());
        }
    }
}

/// Sources spell some old keys as they like; one old key is nobody's, one successor of it is there.
#[test]
fn v13_whoever_has_a_key_or_its_successor_is_decided_with_all_others_who_do() {
    let key = |i: usize| EmbeddedRow { subject: Subject::Credential, ..held(&format!("p{i:03}"), &format!("key-{i}"), 0) };
    let mut rows: Vec<_> = (0..200).map(key).collect();
    // A grant of the name of an old key is none.
    rows.push(held("p199", "key-10", 0));
    rows.push(held("p198", "vault", 0));
    let estate = Estate::new(rows);
    let desired =
        "holder\tobject\treplaces\np100\tnew-a\tkey-10\np101\tnew-b\tkey-20\np102\tnew-c\tkey-of-nobody\np103\tnew-d\t\n";
    std::fs::write(estate.path("credentials.tsv"), desired).unwrap();
    for (catalogue, counted) in [("object\tmin_holders\n", &[][..]), ("object\tmin_holders\nvault\t1\n", &["p198"])] {
        std::fs::write(estate.path("entitlements.tsv"), catalogue).unwrap();
        let engine = estate.engine();
        let run = engine.new_run(RunId(1), None, false);
        let scratch = engine.store().begin_spill().unwrap();
        let pages = tempfile::tempdir().unwrap();
        let mut survey = block_on(engine.read(&run, pages.path().to_owned(), scratch.path())).unwrap();
        let apart = Apart::begin(&survey);
        let whole = survey.whole().unwrap();
        let links = engine.link_survey(&mut survey).unwrap();
        let apart = apart.linked(&links);
        let cases = engine.correlate(whole, std::iter::empty(), run.as_of).unwrap();
        let name = |number: &u32| cases.snapshot.symbols.text(cases.identities[*number as usize].name).to_owned();
        let mut found: Vec<String> = apart.concerned(&cases, &survey, &links).iter().map(name).collect();
        found.sort();
        let keys = ["p010", "p020", "p100", "p101", "p102"];
        assert_eq!(found, keys.iter().chain(counted).map(|name| (*name).to_owned()).collect::<Vec<_>>());
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
        let error = block_on(estate.engine().plan(None)).unwrap_err();
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
    std::fs::create_dir(spill.join("held-0")).unwrap();
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
    let error = block_on(estate.engine().plan(None)).unwrap_err();
    assert!(error.to_string().contains("spill"), "{error}");
    assert_eq!(std::fs::read_dir(estate.path("store/plans")).unwrap().count(), 0);
    std::fs::remove_file(estate.path("store/spill")).unwrap();
    assert_eq!(estate.plan().header.changes, 1);
}
