//! Plans derived again from what was recorded of them: the same bytes elsewhere; damage, what is gone and what differs told apart.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use trueup::discover::{FileConfig, FileSource, Source};
use trueup::engine::{Engine, EngineError, Options, Parts, Recording, Recordings, ReplayVerdict, Replayed, Replaying};
use trueup::generate::{Profile, Shape};
use trueup::model::{Digest, Mode, RunId, Scope, Scopes, Subject, Time};
use trueup::plan::{PLANNER, PLANNERS};
use trueup::rule::{Module, RuleEngine, RuleLimits};
use trueup::target::{EmbeddedRow, EmbeddedTarget, Target};
use trueup_tests::estate::{self, AS_OF, Setup, StandingClock};
use trueup_tests::reruns::{Month, live, stores};
use trueup_tests::{cli, guests, replayed};

fn standard() -> (Vec<u8>, Module) {
    let bytes = fs::read(cli::standard_module().expect("module")).expect("component");
    let module = Module::load(&RuleEngine::new(&RuleLimits::default()).expect("engine"), &bytes).expect("module");
    (bytes, module)
}

fn with(module: Option<&Module>) -> Replaying {
    Replaying { threads: 3, module: module.cloned() }
}

#[test]
fn v01_a_month_replays_on_a_copy_of_its_stores_with_other_threads() {
    let folder = tempfile::tempdir().expect("folder");
    let (_, module) = standard();
    let shape = Shape { people: 120, machines: 30, teams: 12, entitlements: 270, ..Profile::Demo.shape() };
    live(&Month { shape, seed: 5, days: 9, part: 1_500, used: true, stories: true }, &module, folder.path(), |_| Ok(()))
        .expect("days");
    for store in stores(folder.path()) {
        assert_eq!(replayed::all(&store, Some(&module)).expect("the same"), 10);
        // What did not change from day to day is not written again.
        let recordings = store.join("recordings");
        let size = |run: u64| fs::metadata(recordings.join(format!("{run}.pack"))).expect("pack").len();
        let later: u64 = (2..=10).map(size).sum();
        assert!(later / 9 < size(1) / 2, "{later} bytes in 9 days after {}", size(1));
    }
}

/// One plan over a small file, some of whose rows are held already, some not; all of it is committed.
fn small(folder: &Path, day: i64, component: &[u8]) -> RunId {
    let row = |i: u64| (format!("user{:02}", i / 3), format!("team:{:02}", i % 7), "member".to_owned());
    let rows: Vec<_> = (day as u64..30).map(row).collect();
    estate::write_tsv(&folder.join("grants.tsv"), rows.iter()).expect("rows");
    if day == 0 {
        let target = EmbeddedTarget::open(&folder.join("crm.db"), "crm").expect("target");
        let held = (10..40).map(row).map(|(holder, object, level)| EmbeddedRow {
            subject: Subject::Grant,
            holder,
            object,
            holding: trueup::model::Holding { level, ..Default::default() },
            last_used: AS_OF,
            via: String::new(),
        });
        target.seed(held.collect::<Vec<_>>()).expect("seed");
    }
    let setup = Setup { component, files: &["grants.tsv"], threads: 1, slice: 100, mode: Mode::Authoritative };
    let now: Time = AS_OF.plus(day * 86_400);
    let engine = estate::engine(folder, &setup).expect("engine").on_clock(Arc::new(StandingClock(now)));
    let (planned, _) = estate::block_on(engine.run(Some(now))).expect("runtime").expect("run");
    planned.report.run
}

#[test]
fn identities_and_entitlements_that_several_sources_state_are_recorded_as_they_state_them() {
    let folder = tempfile::tempdir().expect("folder");
    let dir = folder.path();
    let write = |name: &str, text: &str| fs::write(dir.join(name), text).expect("file");
    write("grants.tsv", "holder\tobject\nada\tteam:a\nben\tteam:b\n");
    write("hr.tsv", "identity\tstatus\tunit\nada\tactive\tx\nben\tactive\ty\ncem\tactive\ty\n");
    write("directory.tsv", "identity\tstatus\tunit\nada\tactive\tx\nben\tleft\ty\nzoe\tactive\ty\n");
    write("catalogue.tsv", "target\tobject\ttier\ncrm\tteam:a\t1\ncrm\tteam:b\t1\n");
    write("risks.tsv", "target\tobject\ttier\ncrm\tteam:a\t3\n");
    let source = |name: &str, kind: &str| {
        let path = format!("{name}.tsv");
        let mut config = serde_json::json!({ "name": name, "path": path, "kind": kind, "complete": "always" });
        if kind == "grants" {
            config["target"] = "crm".into();
        }
        let config: FileConfig = serde_json::from_value(config).expect("a source");
        let source: Arc<dyn Source> = Arc::new(FileSource::open(config, dir).expect("a source"));
        source
    };
    let (_, module) = standard();
    let sources = [
        ("grants", "grants"),
        ("hr", "people"),
        ("directory", "people"),
        ("catalogue", "entitlements"),
        ("risks", "entitlements"),
    ];
    let target: Arc<dyn Target> = Arc::new(EmbeddedTarget::open(&dir.join("crm.db"), "crm").expect("target"));
    let parts = Parts {
        tenant: "acme".to_owned(),
        sources: sources.iter().map(|(name, kind)| source(name, kind)).collect(),
        targets: vec![target],
        settings: module.check_settings(&Default::default()).expect("settings"),
        module: Some(Arc::new(module.clone())),
        scopes: Scopes(vec![Scope { target: "crm".to_owned(), objects: "*".to_owned(), mode: Mode::Authoritative }]),
        sink: None,
        options: Options::default(),
    };
    let engine = Engine::open(parts, &estate::store(dir)).expect("engine");
    let planned = estate::block_on(engine.plan(Some(AS_OF))).expect("runtime").expect("plan");
    assert!(planned.report.cases > 0, "{:?}", planned.report);
    let found = engine.replay(planned.report.run).expect("replay");
    assert_eq!((found.verdict, found.level), (ReplayVerdict::Same, 2), "{found:?}");
}

/// Two days of it, and what was recorded.
fn two_days() -> (tempfile::TempDir, Recordings, RunId) {
    let folder = tempfile::tempdir().expect("folder");
    let (component, _) = standard();
    small(folder.path(), 0, &component);
    let run = small(folder.path(), 1, &component);
    let recordings = Recordings::of(&estate::store(folder.path()));
    (folder, recordings, run)
}

fn text(recordings: &Recordings, run: RunId) -> Vec<u8> {
    let mut text = Vec::new();
    recordings.write_text(run, &mut text).expect("text");
    text
}

#[test]
fn a_flipped_byte_is_damage_that_names_its_object_and_never_divergence() {
    let (folder, recordings, run) = two_days();
    let same = recordings.replay(run, &with(None)).expect("replay");
    assert_eq!((same.verdict, same.level, same.why), (ReplayVerdict::Same, 1, "module"));
    let (mut named, mut unread) = (0, 0);
    for entry in fs::read_dir(estate::store(folder.path()).join("recordings")).expect("folder") {
        let path = entry.expect("entry").path();
        let whole = fs::read(&path).expect("file");
        for at in (0..whole.len()).step_by(whole.len() / 60 + 1) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x20;
            fs::write(&path, bytes).expect("file");
            match recordings.replay(run, &with(None)) {
                Err(EngineError::DamagedObject { path: told, problem, .. }) => {
                    assert!(told == path && !problem.is_empty(), "byte {at} of {}: {}", path.display(), told.display());
                    named += 1;
                }
                // Nothing that this run needs lies there.
                Ok(found) if found == same => unread += 1,
                other => panic!("byte {at} of {}: {other:?}", path.display()),
            }
        }
        fs::write(&path, whole).expect("file");
    }
    assert!(named > 60 && unread > 0, "{named} named, {unread} not read");
}

#[test]
fn what_is_redacted_or_gone_is_told_as_that() {
    let (folder, recordings, run) = two_days();
    let text = text(&recordings, run);
    assert_eq!(recordings.redact("nobody").expect("redact"), 0);
    assert!(recordings.redact("user03").expect("redact") > 0);
    let found = recordings.replay(run, &with(None)).expect("replay");
    assert_eq!((found.verdict, found.level, found.why), (ReplayVerdict::NotRederivable, 0, "redacted"));
    assert!(Digest::parse(&found.object).is_some(), "{}", found.object);
    let left = replayed::files(&estate::store(folder.path()).join("recordings")).expect("files");
    assert!(left.values().all(|bytes| !bytes.windows(6).any(|window| window == b"user03")));

    let packs = left.keys().filter(|path| path.extension().is_some_and(|extension| extension == "pack"));
    packs.for_each(|path| fs::remove_file(path).expect("pack"));
    let found = recordings.replay(run, &with(None)).expect("replay");
    assert_eq!((found.verdict, found.why), (ReplayVerdict::NotRederivable, "gone"));

    let other = String::from_utf8(text).expect("text").replacen(&format!("\"planner\":{PLANNER}"), "\"planner\":3", 1);
    let found = Recordings::replay_text(other.as_bytes(), &with(None)).expect("replay");
    assert_eq!((found.verdict, found.why), (ReplayVerdict::NotRederivable, "planner"));
}

/// The text of a recording in which one object says something else, under the name that fits that.
fn altered(text: &[u8], alter: impl Fn(&str) -> Option<String>) -> Vec<u8> {
    let text = String::from_utf8(text.to_vec()).expect("text");
    let line = text.lines().skip(1).take_while(|line| !line.is_empty()).find(|line| alter(line).is_some()).expect("a line");
    let other = alter(line).expect("another");
    let mut told = text.replacen(line, &other, 1);
    // Lists name objects by what they say, and are named so themselves.
    let mut renamed = vec![(line.to_owned(), other)];
    while let Some((line, other)) = renamed.pop() {
        let [name, new] = [line, other].map(|line| Digest::of(line.as_bytes()).to_string());
        let lists = told.lines().skip(1).take_while(|line| !line.is_empty()).filter(|line| line.contains(&name));
        renamed.extend(lists.map(|line| (line.to_owned(), line.replace(&name, &new))));
        told = told.replace(&name, &new);
    }
    told.into_bytes()
}

#[test]
fn what_differs_is_told_by_case_and_column() {
    let (_folder, recordings, run) = two_days();
    let (_, module) = standard();
    let whole = text(&recordings, run);
    let same = Recordings::replay_text(&whole, &with(Some(&module))).expect("replay");
    assert_eq!((same.verdict, same.level), (ReplayVerdict::Same, 2));

    // The rule is made to have said something else of the first case: another reason.
    let other = altered(&whole, |line| {
        let (head, rest) = line.split_once("\"reason\":[")?;
        let (first, rest) = rest.split_once(',')?;
        Some(format!("{head}\"reason\":[{},{rest}", if first == "0" { 1 } else { 0 }))
    });
    let found = Recordings::replay_text(&other, &with(Some(&module))).expect("replay");
    assert_eq!((found.verdict, found.level), (ReplayVerdict::Diverged, 2));
    let told = found.divergences.iter().find(|one| one.column == "reason").unwrap_or_else(|| panic!("{found:?}"));
    assert!(told.case.starts_with("crm/user") && told.recorded != told.came, "{told:?}");
    assert!(found.divergences.iter().any(|one| one.case == "header" && one.column == "inputs.verdicts"), "{found:?}");

    // A source is made to have said something else: the plan is another, and says of which case.
    let other = altered(&whole, |line| {
        (line.starts_with("{\"scan\":") && line.contains("\"user09\"")).then(|| line.replace("user09", "ursa09"))
    });
    let found = Recordings::replay_text(&other, &with(None)).expect("replay");
    assert_eq!((found.verdict, found.level), (ReplayVerdict::Diverged, 1));
    assert!(found.divergences.iter().any(|one| one.case == "header" && one.column == "inputs.facts"), "{found:?}");

    // Under another profile the same answers are the same; the name of the profile alone decides nothing.
    let profile = trueup::rule::profile_digest().to_string();
    let other = String::from_utf8(whole).expect("text").replacen(&profile, &Digest::of(b"another engine").to_string(), 1);
    let found = Recordings::replay_text(other.as_bytes(), &with(Some(&module))).expect("replay");
    assert_eq!((found.verdict, found.level), (ReplayVerdict::Same, 3));
    let limit = r#"{"fault":{"limit":{"limit":"fuel","used":5,"allowed":5}}}"#;
    let other = altered(other.as_bytes(), |line| line.starts_with("{\"columns\"").then(|| limit.to_owned()));
    // The plan of such answers is another one: named so, nothing is left to differ but what the rule says.
    let other = String::from_utf8(other).expect("text");
    let (other, _) = other.split_once("\n\n").expect("an end");
    let other = format!("{other}\n\n");
    let derived = Recordings::replay_text(other.as_bytes(), &with(None)).expect("replay");
    assert_eq!((derived.verdict, derived.differences), (ReplayVerdict::Diverged, 1), "{derived:?}");
    let named = other.replacen(&derived.divergences[0].recorded, &derived.divergences[0].came, 1);
    let found = Recordings::replay_text(named.as_bytes(), &with(Some(&module))).expect("replay");
    assert_eq!((found.verdict, found.level, found.limits), (ReplayVerdict::ProfileDiffers, 3, 1), "{found:?}");
    assert!(found.divergences[0].column == "fault" && found.divergences[0].recorded.contains("ran out of fuel"), "{found:?}");
    // Under the profile of then, a limit that does not fire again is a divergence like any other.
    let here = named.replacen(&Digest::of(b"another engine").to_string(), &profile, 1);
    let found = Recordings::replay_text(here.as_bytes(), &with(Some(&module))).expect("replay");
    assert_eq!((found.verdict, found.level), (ReplayVerdict::Diverged, 2), "{found:?}");
}

#[test]
fn the_rule_is_asked_again_how_keys_compare() {
    let folder = tempfile::tempdir().expect("folder");
    let (component, module) = standard();
    let rows = [("Ada", "team:a", "member"), ("ben", "team:b", "member")];
    let rows = rows.map(|(holder, object, level)| (holder.to_owned(), object.to_owned(), level.to_owned()));
    estate::write_tsv(&folder.path().join("grants.tsv"), rows.iter()).expect("rows");
    let setup = Setup { component: &component, files: &["grants.tsv"], threads: 1, slice: 100, mode: Mode::Authoritative };
    let engine = estate::engine(folder.path(), &setup).expect("engine");
    let run = estate::block_on(engine.plan(Some(AS_OF))).expect("runtime").expect("plan").report.run;
    let whole = text(&engine.recordings(), run);
    let found = Recordings::replay_text(&whole, &with(Some(&module))).expect("replay");
    assert_eq!((found.verdict, found.level), (ReplayVerdict::Same, 2), "{found:?}");

    let other = altered(&whole, |line| line.contains(r#"[0,"Ada","ada"]"#).then(|| line.replace(r#""ada""#, r#""anna""#)));
    let found = Recordings::replay_text(&other, &with(Some(&module))).expect("replay");
    assert_eq!((found.verdict, found.level), (ReplayVerdict::Diverged, 2), "{found:?}");
    let told = found.divergences.iter().find(|one| one.column == "canon").unwrap_or_else(|| panic!("{found:?}"));
    let told = [&told.case, &told.recorded, &told.came].map(String::as_str);
    assert_eq!(told, ["holder Ada", "anna", "ada"]);
}

#[test]
fn another_version_is_told_to_have_decided_what_it_would_have() {
    let (folder, recordings, run) = two_days();
    let (component, module) = standard();
    let load = |bytes: &[u8]| Module::load(&RuleEngine::new(&RuleLimits::default()).expect("engine"), bytes).expect("module");
    let other = load(&guests::component("promise").expect("guest"));
    let settings = |module: &Module| module.check_settings(&Default::default()).expect("settings");
    let same = recordings.compare(run, &module, &settings(&module), 2).expect("comparison");
    assert!(same.cases == same.same && same.cases > 30, "{same:?}");
    let found = recordings.compare(run, &other, &settings(&other), 2).expect("comparison");
    let setup = Setup { component: &component, files: &["grants.tsv"], threads: 1, slice: 100, mode: Mode::Authoritative };
    let beside = estate::engine(folder.path(), &setup).expect("engine").compare(&other, &settings(&other)).expect("comparison");
    // What rests on decisions of people is as it was then: the first plan was not adopted before, and still is not.
    assert_eq!((found.cases, found.same, &found.groups), (beside.cases, beside.same, &beside.groups));
    assert!(found.removed + found.added > 0, "{found:?}");
}

/// Recordings that were made once, one for each version of the planner that is listed.
const RECORDED: &str = "tests/fixtures/recordings";

#[test]
fn v01_what_was_recorded_once_still_derives_its_plan() {
    let folder = cli::root().join(RECORDED);
    let newest = folder.join(format!("planner-{PLANNER}.jsonl"));
    if std::env::var_os("TRUEUP_BLESS").is_some() && !newest.exists() {
        let (_folder, recordings, run) = two_days();
        fs::create_dir_all(&folder).expect("folder");
        fs::write(&newest, text(&recordings, run)).expect("text");
    }
    for planner in PLANNERS {
        let path = folder.join(format!("planner-{planner}.jsonl"));
        let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; TRUEUP_BLESS=1 makes it", path.display()));
        let found = Recordings::replay_text(&text, &with(None)).expect("replay");
        assert_eq!((found.verdict, found.planner, found.level), (ReplayVerdict::Same, *planner, 1), "{found:#?}");
        assert!(found.cases > 30, "{found:?}");
    }
}

fn shown(folder: &Path, args: &[&str], code: i32) -> String {
    let output = cli::trueup(folder, args).expect("trueup");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    said
}

#[test]
fn the_command_line_replays_a_copy_without_a_configuration() {
    let folder = tempfile::tempdir().expect("folder");
    let dir = folder.path();
    let module = cli::standard_module().expect("module").display().to_string();
    shown(dir, &["generate", ".", "--profile", "community", "--module", &module], 0);
    shown(dir, &["replay"], 13);
    shown(dir, &["plan", "--as-of", "2026-03-01"], 0);
    let elsewhere = tempfile::tempdir().expect("folder");
    let copy: PathBuf = elsewhere.path().join("store");
    let copied = std::process::Command::new("cp").arg("-r").arg(dir.join("trueup-store")).arg(&copy).status();
    assert!(copied.expect("cp").success());
    fs::remove_dir_all(copy.join("ledger")).expect("ledger");
    let before = replayed::files(&copy).expect("files");
    let store = copy.display().to_string();
    let said = shown(elsewhere.path(), &["replay", "run-1", "--store", &store, "--threads", "3"], 0);
    assert!(said.contains("by standard@") && said.contains(": same\n  level 2: ") && said.contains("byte for byte"), "{said}");
    let said = shown(elsewhere.path(), &["replay", "--store", &store, "--rule", &module, "--exit-code"], 0);
    assert!(said.contains(" decided alike; changes: 0 more, 0 fewer, 0 otherwise"), "{said}");
    let other = elsewhere.path().join("promise.wasm");
    fs::write(&other, guests::component("promise").expect("guest")).expect("module");
    let other = other.display().to_string();
    let said = shown(elsewhere.path(), &["replay", "1", "--store", &store, "--rule", &other, "--exit-code", "--show", "2"], 10);
    assert!(said.starts_with("promise@1.0.0 beside standard@"), "{said}");
    shown(elsewhere.path(), &["replay", "--store", &store, "--save", "one.jsonl"], 0);
    let said = shown(elsewhere.path(), &["replay", "--text", "one.jsonl", "--json"], 0);
    let found: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((found["verdict"].as_str(), found["level"].as_u64()), (Some("same"), Some(1)));
    assert_eq!(replayed::files(&copy).expect("files"), before, "a replay wrote something");

    let pack = copy.join("recordings/1.pack");
    let mut bytes = fs::read(&pack).expect("pack");
    bytes[4_000] ^= 1;
    fs::write(&pack, bytes).expect("pack");
    let said = shown(elsewhere.path(), &["replay", "--store", &store], 17);
    assert!(said.contains("error: object ") && said.contains(" is damaged: "), "{said}");
    fs::remove_file(&pack).expect("pack");
    let said = shown(elsewhere.path(), &["replay", "--store", &store], 16);
    assert!(said.contains("not re-derivable (gone)"), "{said}");
}

/// Kept so that a change of what is told fails here first.
#[test]
fn a_recording_says_what_a_plan_was_made_from() {
    let (_folder, recordings, run) = two_days();
    let Recording { rule, inputs, targets, limits, profile, batches, .. } = recordings.read(run).expect("recording");
    assert_eq!((rule.module, inputs.tenant.as_str(), batches), (inputs.rule_module, "acme", 1));
    assert!(targets.contains_key("crm") && limits.contains_key("fuel_per_case") && profile.is_some());
    let found: Replayed = recordings.replay(run, &with(None)).expect("replay");
    assert_eq!(found.plan, recordings.read(run).expect("recording").plan);
}
