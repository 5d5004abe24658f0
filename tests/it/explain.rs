//! An explanation is of the plan: of what it saw, whatever happened since.

use std::path::Path;

use trueup::engine::{Engine, EngineError, Explanation};
use trueup::model::Mode;
use trueup_tests::cli;
use trueup_tests::estate::{self, AS_OF, Setup};

const CASE: &str = "crm/ada/team:ops";

fn engine(folder: &Path, mode: Mode) -> Engine {
    let component = std::fs::read(cli::standard_module().expect("module")).expect("component");
    estate::engine(folder, &Setup { component: &component, files: &["grants.tsv"], threads: 1, slice: 10, mode }).expect("engine")
}

fn list(folder: &Path, holders: &[&str]) {
    let rows: Vec<_> = holders.iter().map(|who| ((*who).to_owned(), "team:ops".to_owned(), "member".to_owned())).collect();
    estate::write_tsv(&folder.join("grants.tsv"), rows.iter()).expect("rows");
}

/// The explanation as its reader gets it.
fn told(explanation: Result<Explanation, EngineError>) -> serde_json::Value {
    serde_json::to_value(explanation.expect("explanation")).expect("json")
}

#[test]
fn an_explanation_says_what_the_plan_saw() {
    let folder = tempfile::tempdir().expect("folder");
    let folder = folder.path();
    list(folder, &["ada", "ben"]);
    let engine_of = |mode| engine(folder, mode);
    let engine = engine_of(Mode::Authoritative);
    let planned = estate::block_on(engine.plan(Some(AS_OF))).expect("runtime").expect("plan");
    let before = told(engine.explain(CASE));
    assert_eq!(
        [&before["desired"], &before["observed"], &before["recorded"], &before["effect"], &before["reason"]["code"]],
        ["present", "absent", "absent", "present", "missing"]
    );
    assert_eq!(before["change"]["kind"], "grant");

    // The source says something else, and the target and the ledger too.
    list(folder, &["ben"]);
    assert_eq!(told(engine.explain(CASE)), before);
    estate::block_on(engine.apply(planned.plan)).expect("runtime").expect("apply");
    assert_eq!(told(engine.explain(CASE)), before);
    std::fs::remove_file(folder.join("grants.tsv")).expect("remove");
    assert_eq!(told(engine.explain(CASE)), before);

    // Other scopes: said so.
    drop(engine);
    let other = engine_of(Mode::Observe);
    assert_eq!(told(other.explain(CASE))["changed"], serde_json::json!(["scopes"]));
    drop(other);

    // Half the pages, or none, or no recorded state: said so.
    let engine = engine_of(Mode::Authoritative);
    for file in ["desired-grants.tsv.pages", "recorded"] {
        let path = engine.store().pages(planned.report.run).join(file);
        let bytes = std::fs::read(&path).expect(file);
        std::fs::write(&path, &bytes[..bytes.len() - 1]).expect(file);
        assert!(matches!(engine.explain(CASE), Err(EngineError::PagesGone)), "{file}");
        std::fs::write(&path, &bytes).expect(file);
        assert_eq!(told(engine.explain(CASE)), before);
    }
    std::fs::remove_dir_all(engine.store().pages(planned.report.run)).expect("remove");
    assert!(matches!(engine.explain(CASE), Err(EngineError::PagesGone)));
}
