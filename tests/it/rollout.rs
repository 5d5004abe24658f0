//! The way of a module to judging and back: it judges beside, is promoted, taken back, and rests when it fails; and whatever a
//! module beside does, the plan is the same.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use trueup::engine::{Engine, Planned, Signed};
use trueup::model::{Mode, RuleChange, Time};
use trueup::rule::{Module, RuleEngine, RuleLimits};
use trueup::target::{EmbeddedRow, EmbeddedTarget};
use trueup_tests::estate::{self, AS_OF, Setup, StandingClock};
use trueup_tests::{cli, guests};

const SIGNED: [&str; 4] = ["--by", "ada", "--why", "change 7"];

/// Runs a command that must end with this code; gives what it printed, on either stream.
fn text(dir: &Path, args: &[&str], code: i32) -> String {
    let output = cli::trueup(dir, args).expect("trueup");
    let words = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {words}");
    words
}

fn step(dir: &Path, args: &[&str], code: i32) -> String {
    text(dir, &[&["rule"], args, &SIGNED].concat(), code)
}

/// Uploads a module and gives the beginning of its digest.
fn upload(dir: &Path, component: &[u8]) -> String {
    fs::write(dir.join("new.wasm"), component).expect("module");
    let json = cli::json(dir, &[&["rule", "upload", "new.wasm"][..], &SIGNED].concat()).expect("upload");
    json["module"].as_str().expect("digest")[..12].to_owned()
}

/// What the newest plan counts at the adoption gate.
fn at_adoption(plan: &serde_json::Value) -> u64 {
    plan["summary"]["gated"]["adoption"].as_u64().unwrap_or(0)
}

#[test]
fn v06_a_module_is_uploaded_seen_beside_promoted_and_taken_back_on_the_record() {
    let folder = tempfile::tempdir().expect("folder");
    let dir = folder.path();
    let standard = fs::read(cli::standard_module().expect("module")).expect("component");
    text(dir, &["generate", ".", "--profile", "community", "--module", "named.wasm"], 0);
    let config = fs::read_to_string(dir.join("trueup.toml")).expect("configuration");
    fs::write(dir.join("named.toml"), &config).expect("configuration");
    let managed: String = config.lines().filter(|line| !line.starts_with("module")).map(|line| format!("{line}\n")).collect();
    assert_ne!(managed, config);
    fs::write(dir.join("trueup.toml"), managed).expect("configuration");

    // Without a rule that decides, the host does its own duties alone.
    let bare = cli::json(dir, &["plan", "--as-of", "2026-03-01"]).expect("plan");
    assert_eq!(bare["changes"], 0);
    fs::write(dir.join("bad.wasm"), b"no module").expect("module");
    assert!(step(dir, &["upload", "bad.wasm"], 5).contains("the module is no WebAssembly"));
    let first = upload(dir, &standard);
    assert!(step(dir, &["promote", "0000"], 13).contains("no admitted module has a digest that begins with `0000`"));
    step(dir, &["promote", &first], 0);
    assert!(step(dir, &["rollback"], 13).contains("there is no rule before that"));

    // Every scope is adopted under the first module: a removal waits for that once.
    cli::json(dir, &["run", "--as-of", "2026-03-01"]).expect("run");
    text(dir, &["release", "--all", SIGNED[0], SIGNED[1], SIGNED[2], SIGNED[3]], 0);
    text(dir, &["resume"], 0);
    // Twice, because a plan records when it saw what.
    cli::json(dir, &["plan", "--as-of", "2026-03-08"]).expect("plan");
    let before = cli::json(dir, &["plan", "--as-of", "2026-03-08"]).expect("plan");
    assert_eq!(at_adoption(&before), 0);

    let second = upload(dir, &guests::component("promise").expect("guest"));
    assert!(step(dir, &["promote", &second], 5).contains("has not judged beside the one that decides"));
    step(dir, &["shadow", &second], 0);
    assert!(step(dir, &["promote", &second], 5).contains("has not judged beside the one that decides"));
    let beside = cli::json(dir, &["plan", "--as-of", "2026-03-08"]).expect("plan");
    assert_eq!((&beside["plan"], &beside["rule"]), (&before["plan"], &before["rule"]), "nothing follows from what it says");
    let found = &beside["beside"];
    assert!(found["then"] == "promise@1.0.0" && found["same"].as_u64() < found["cases"].as_u64(), "{found}");
    assert!(text(dir, &["plan", "--as-of", "2026-03-08"], 0).contains("beside it decides"));
    step(dir, &["promote", &second], 0);

    let under = cli::json(dir, &["plan", "--as-of", "2026-03-08"]).expect("plan");
    assert_eq!((&under["rule"], &under["beside"]), (&"promise@1.0.0".into(), &serde_json::Value::Null));
    step(dir, &["rollback"], 0);
    let again = cli::json(dir, &["plan", "--as-of", "2026-03-08"]).expect("plan");
    assert_eq!((&again["rule"], &again["summary"]), (&before["rule"], &before["summary"]), "what was adopted stays so");
    assert!(step(dir, &["rollback"], 13).contains("there is no rule before that"));
    assert!(step(dir, &["withdraw"], 13).contains("there is no module that judges beside"));

    // A configuration that names the module keeps the last word, and nobody is sent to promote another.
    fs::write(dir.join("named.wasm"), &standard).expect("module");
    assert!(step(dir, &["upload", "new.wasm", "--config", "named.toml"], 0).contains("next: trueup rule shadow "));
    let named = text(dir, &["rule", "promote", &second, "--config", "named.toml", "--by", "ada", "--why", "x"], 3);
    assert!(named.contains("the configuration itself names the module that decides"), "{named}");

    text(dir, &["audit", "verify"], 0);
    let log = text(dir, &["audit", "log", "--from", "0", "--count", "1000000", "--json"], 0);
    let said: serde_json::Value = serde_json::from_str(&log).expect("JSON");
    let leaves: Vec<String> = steps_of(&said);
    let expected =
        ["refused", "admitted", "promoted", "admitted", "shadowed", "compared", "compared", "promoted", "restored", "admitted"];
    assert_eq!(leaves, expected);
    let listed = text(dir, &["rule", "list"], 0);
    assert!(listed.contains("10 steps") && listed.contains("by ada: change 7") && listed.contains("decides"), "{listed}");
}

#[test]
fn what_a_rule_may_use_is_configured_per_tenant_and_recorded() {
    let folder = tempfile::tempdir().expect("folder");
    let dir = folder.path();
    let module = cli::standard_module().expect("module").display().to_string();
    text(dir, &["generate", ".", "--profile", "community", "--module", &module], 0);
    let config = fs::read_to_string(dir.join("trueup.toml")).expect("configuration");
    let header = |limits: &str| {
        fs::write(dir.join("trueup.toml"), format!("{config}\n[rule.limits]\n{limits}\n")).expect("configuration");
        let plan = cli::json(dir, &["plan", "--as-of", "2026-03-01"]).expect("plan");
        let path = dir.join("trueup-store/plans").join(format!("{}.plan", plan["plan"].as_str().expect("plan")));
        let text = fs::read_to_string(path).expect("plan");
        let header: serde_json::Value = serde_json::from_str(text.lines().next().expect("header")).expect("JSON");
        (plan["faults"][0]["message"].as_str().unwrap_or_default().to_owned(), header["inputs"]["limits"].clone())
    };
    let (fault, usual) = header("");
    assert!(fault.is_empty() && usual.is_null(), "{fault} {usual}");
    let (fault, narrow) = header("input_bytes = 5000");
    assert!(fault.starts_with("the rule ran out of ") && narrow.is_string(), "{fault} {narrow}");
    fs::write(dir.join("trueup.toml"), format!("{config}\n[rule.limits]\nfuel = 1\n")).expect("configuration");
    assert!(text(dir, &["plan"], 3).contains("unknown field `fuel`"));
}

/// The steps that leaves of the log tell.
fn steps_of(log: &serde_json::Value) -> Vec<String> {
    let leaves = log.as_array().or_else(|| log["leaves"].as_array()).expect("leaves");
    let says = leaves.iter().map(|leaf| leaf.get("leaf").unwrap_or(leaf));
    let rules = says.filter(|leaf| leaf["kind"] == "rule");
    rules.map(|leaf| leaf["step"].as_str().expect("step").to_owned()).collect()
}

/// A folder with so many rows to grant, among them those of the identity over which guests stumble, and access that has expired.
fn folder(rows: u64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("folder");
    let holder = |i: u64| if i == 0 { "poison".to_owned() } else { format!("user{i:05}") };
    let row = |i: u64| (holder(i / 3), format!("team:{:02}", i % 17), "member".to_owned());
    let rows: Vec<_> = (0..rows).map(row).collect();
    estate::write_tsv(&folder.path().join("grants.tsv"), rows.iter()).expect("rows");
    let (holder, _, level) = row(5);
    let object = "team:gone".to_owned();
    let holding = trueup::model::Holding { level, expires_at: AS_OF.plus(-60), ..Default::default() };
    let (subject, last_used, via) = (trueup::model::Subject::Grant, Time::NONE, String::new());
    let target = EmbeddedTarget::open(&folder.path().join("crm.db"), "crm").expect("target");
    target.seed([EmbeddedRow { subject, holder, object, holding, last_used, via }]).expect("seed");
    folder
}

fn engine(folder: &Path, guest: &str, second: i64) -> Engine {
    let component = guests::component(guest).expect("guest");
    let setup = Setup { component: &component, files: &["grants.tsv"], threads: 2, slice: 100, mode: Mode::Authoritative };
    estate::engine(folder, &setup).expect("engine").on_clock(Arc::new(StandingClock(AS_OF.plus(second))))
}

fn plan(engine: &Engine) -> Planned {
    estate::block_on(engine.plan(Some(AS_OF))).expect("runtime").expect("plan")
}

#[test]
fn v15_while_a_rule_rests_what_has_expired_ends() {
    let folder = folder(600);
    // Second; until when it rests then; steps so far.
    for (second, rests, steps) in [(0, None, 1), (59, Some(60), 1), (60, None, 2), (179, Some(180), 2), (180, None, 3)] {
        let engine = engine(folder.path(), "trap", second);
        let found = plan(&engine);
        assert_eq!(found.report.rests, rests.map(|rest| AS_OF.plus(rest)), "second {second}");
        assert_eq!(found.report.faults.is_empty(), rests.is_some());
        assert_eq!(found.header.changes, 1, "the host ends what has expired");
        let failed = |change: &RuleChange| matches!(change, RuleChange::Failed { failed, batches, .. } if failed == batches);
        let taken = engine.rule_steps().expect("steps");
        assert!(taken.len() == steps && taken.iter().all(|step| failed(&step.what)), "{taken:?}");
    }
    // Another module does not rest for it; nor does this one once it was uploaded again.
    assert_eq!(plan(&engine(folder.path(), "by-position", 181)).report.rests, None);
    let engine = engine(folder.path(), "trap", 182);
    assert!(plan(&engine).report.rests.is_some());
    let rules = RuleEngine::new(&RuleLimits::default()).expect("engine");
    engine.upload(&rules, &guests::component("trap").expect("guest"), Signed { by: "ada", why: "mended" }).expect("upload");
    assert_eq!(plan(&engine).report.rests, None);
}

#[test]
fn whatever_a_module_beside_does_the_plan_is_the_same() {
    let folder = folder(6_000);
    let alone = plan(&engine(folder.path(), "by-position", 0));
    let limits = RuleLimits { fuel_base: 1_000_000, fuel_per_case: 1_000, ..RuleLimits::default() };
    let rules = RuleEngine::new(&limits).expect("engine");
    let stumbling = ["trap", "endless-loop", "memory-bomb", "log-flood", "refuse"].map(|guest| (guest, true));
    for (guest, fails) in [("by-position", false), ("promise", false)].into_iter().chain(stumbling) {
        let component = guests::component(guest).expect("guest");
        let module = Arc::new(Module::load(&rules, &component).expect("module"));
        let settings = module.check_settings(&Default::default()).expect("settings");
        let engine = engine(folder.path(), "by-position", 0).shadowed_by(module, settings);
        let found = plan(&engine);
        assert_eq!((found.plan, &found.report.faults), (alone.plan, &alone.report.faults), "{guest}");
        let beside = found.report.beside.expect("a comparison");
        assert!(found.report.batches > 3);
        assert_eq!((beside.failed, beside.cases), (u64::from(fails), found.report.cases), "{guest}: {:?}", beside.faults);
        assert_eq!(beside.same == beside.cases, guest == "by-position", "{guest}");
        assert!(engine.rule_steps().expect("steps").is_empty(), "it was not asked to judge beside in this store");
    }
}

#[test]
fn a_component_that_was_changed_in_the_store_is_not_run() {
    let folder = folder(6_000);
    let engine = engine(folder.path(), "by-position", 0);
    let rules = RuleEngine::new(&RuleLimits::default()).expect("engine");
    let signed = Signed { by: "ada", why: "new" };
    let module = engine.upload(&rules, &guests::component("promise").expect("guest"), signed).expect("upload");
    let settings = module.check_settings(&Default::default()).expect("settings");
    let digest = module.facts().module;
    let path = engine.store().module(digest);
    let mut bytes = fs::read(&path).expect("component");
    *bytes.last_mut().expect("bytes") ^= 1;
    fs::write(&path, bytes).expect("component");
    let damaged = engine.promote(&module, &settings, true, signed).expect_err("it is another").to_string();
    assert!(damaged.ends_with("is damaged: it is not the module that was uploaded"), "{damaged}");
    fs::remove_file(&path).expect("component");
    let gone = engine.shadow(&module, &settings, signed).expect_err("it is gone").to_string();
    assert_eq!(gone, format!("there is no uploaded module `{}`", digest.short()));
    assert_eq!(engine.rollout().expect("steps").live(), None);
}
