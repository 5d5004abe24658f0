//! What a rule's author gets: a crate to begin with, cases that find mistakes, faults with a place, comparisons that can be signed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use trueup::author::{
    AuthorError, BuildOptions, Kit, NewError, TrialOptions, build_component, compare_on, comparison_page, create_rule,
    explain_case, inspect, profile, run_cases, try_rule, usage,
};
use trueup::rule::{Module, RuleEngine, RuleLimits};
use trueup_tests::{cli, guests};

fn load(component: &[u8]) -> Arc<Module> {
    Arc::new(Module::load(&RuleEngine::new(&RuleLimits::default()).expect("engine"), component).expect("module"))
}

fn standard() -> Vec<u8> {
    fs::read(cli::standard_module().expect("module")).expect("component")
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        fs::write(path, text).expect("file");
    }
    folder
}

const POISON: &str = r#"{
  "about": "The third one is not understood.",
  "as_of": "2026-03-01",
  "identities": [
    { "identity": "poison", "cases": [
      { "account": { "target": "git" }, "expect": { "effect": "keep", "reason": "marked" } },
      { "grant": { "target": "git", "object": "repo:a" }, "expect": { "effect": "keep", "reason": "marked" } },
      { "grant": { "target": "git", "object": "repo:b" }, "expect": { "effect": "keep", "reason": "marked" } }
    ] }
  ]
}
"#;

#[test]
fn a_new_rule_builds_and_answers_its_cases() {
    let folder = tempfile::tempdir().expect("folder");
    let kit = Kit::around(&[cli::root().join("rules/standard")]).expect("kit");
    assert_eq!(kit, Kit::Path(fs::canonicalize(cli::root().join("guest-sdk")).expect("guest-sdk")));
    let made = create_rule("begun", folder.path(), &kit).expect("crate");
    assert!(matches!(create_rule("begun", folder.path(), &kit), Err(NewError::Occupied(_))));
    assert!(matches!(create_rule("-x", folder.path(), &kit), Err(NewError::Name { .. })));
    // What the guests of this repository were built with is not built again.
    let target_dir = Some(cli::root().join("target/guest"));
    let built =
        build_component(&made, &BuildOptions { target_dir, offline: true, ..BuildOptions::default() }).expect("component");
    let report = run_cases(load(&built.component), &[made.join("cases")], false).expect("cases");
    assert!(report.is_ok(), "{:?} {:?}", report.failures, report.unhit);
    assert_eq!((report.rule.as_str(), report.passed, report.files), ("begun@0.1.0", 5, 2));
}

/// Where the fuel goes is told by the names of the source, though the compiler puts one function into the other.
#[test]
fn a_hot_function_stands_on_top_of_the_profile() {
    let folder = tempfile::tempdir().expect("folder");
    let kit = Kit::around(&[cli::root().join("rules/standard")]).expect("kit");
    let made = create_rule("warm", folder.path(), &kit).expect("crate");
    let lib = made.join("src/lib.rs");
    let source = fs::read_to_string(&lib).expect("source");
    let begins = "    let (desired, observed) = (case.desired(), case.observed());\n";
    let hot = "fn hot(seed: u64) -> u64 {
    (0..5_000).fold(seed, |mixed, step| std::hint::black_box(mixed ^ step).rotate_left(7))
}
";
    let source = source.replace(begins, &format!("    std::hint::black_box(hot(case.holder().len() as u64));\n{begins}")) + hot;
    fs::write(&lib, &source).expect("source");
    let target_dir = Some(cli::root().join("target/guest"));
    let options = BuildOptions { target_dir, offline: true, ..BuildOptions::default() };
    let found = profile(&made, &options).expect("a profile");
    let first = found.functions.first().expect("a function");
    assert!(first.function.ends_with("hot") && first.permille > 800, "{:#?}", found.functions);
    let begin = source.lines().position(|line| line.starts_with("fn hot")).expect("hot") + 1;
    let line: usize = first.line.strip_prefix("src/lib.rs:").and_then(|line| line.parse().ok()).expect("a line of the crate");
    assert!((begin..begin + 3).contains(&line), "{line}");
    let judge = found.functions.iter().find(|function| function.function.ends_with("warm::warm")).expect("the rule itself");
    assert!(judge.permille < 200 && judge.whole_permille >= first.permille, "{judge:?}");
    let own: u64 = found.functions.iter().map(|function| function.fuel).sum();
    assert!(own <= found.fuel && own * 100 > found.fuel * 98, "{own} of {}", found.fuel);
    assert_eq!(found.stacks.values().sum::<u64>(), own);
    assert!(found.stacks.keys().any(|stack| stack.ends_with("hot") && stack.contains("warm::warm;")), "{:?}", found.stacks);
    // What is profiled takes the fuel of what is shipped, and the same each time.
    let shipped = load(&build_component(&made, &options).expect("component").component);
    let report = run_cases(shipped, &[made.join("cases")], false).expect("cases");
    let fuel: u64 = report.costs.iter().filter_map(|cost| cost.cost.as_ref()).map(|cost| cost.fuel).sum();
    assert_eq!((found.fuel, found.cases), (fuel, 5));
    assert_eq!(profile(&made, &options).expect("a profile"), found);
}

#[test]
fn a_panic_names_place_text_and_case() {
    let folder = folder(&[("cases/poison.json", POISON)]);
    let module = load(&guests::component("panic").expect("guest"));
    let report = run_cases(Arc::clone(&module), &[folder.path().join("cases")], false).expect("cases");
    let text = report.failures.first().expect("a problem").to_string();
    assert!(text.starts_with("[TR0201] ") && text.contains("poison.json:8: poison, git/poison/repo:b: "), "{text}");
    assert!(text.contains("panic/main.rs:17:5") && text.contains("no rule for `repo:b`"), "{text}");
    let why = explain_case(module, folder.path(), "git/poison/repo:a").expect("explanation");
    assert!(why.first().is_some_and(|why| why.answer.contains("panic/main.rs:17:5") && why.place.ends_with("poison.json:7")));
}

#[test]
fn rows_that_all_fail_are_not_all_tried() {
    let rows = vec![r#"{ "identity": "poison", "grant": { "target": "git", "object": "repo:b" } }"#; 200].join(",\n");
    let table = format!(r#"{{ "about": "All fail.", "as_of": "2026-03-01", "table": [{rows}] }}"#);
    let folder = folder(&[("cases/table.json", table.as_str())]);
    let module = load(&guests::component("endless-loop").expect("guest"));
    let report = run_cases(module, &[folder.path().join("cases")], false).expect("cases");
    let texts: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
    assert_eq!((texts.len(), report.answers.len()), (21, 200), "{texts:?}");
    assert!(texts[0].starts_with("[TR0202] ") && texts[0].contains("a loop that never ends"), "{}", texts[0]);
    assert!(texts[20].contains("table.json: 180 further rows were not tried; mend these first"), "{}", texts[20]);
}

#[test]
fn an_answer_by_position_is_told_in_both_orders() {
    let text = POISON.replace("marked", "one").replace("poison", "ada");
    let folder = folder(&[("cases/order.json", text.as_str())]);
    let module = load(&guests::component("by-position").expect("guest"));
    let report = run_cases(module, &[folder.path().join("cases")], true).expect("cases");
    let problem = report.failures.iter().find(|problem| problem.code == "TR0402").expect("order is noticed");
    assert!(problem.text.contains("\n    as written  ") && problem.text.contains("\n    backwards   "), "{problem}");
}

#[test]
fn golden_plans_are_those_of_a_host_and_name_no_digest() {
    let case = fs::read_to_string(cli::root().join("rules/standard/cases/leaver.json")).expect("case");
    let folder = folder(&[("cases/leaver/case.json", case.as_str())]);
    let cases = [folder.path().join("cases")];
    let module = load(&standard());
    run_cases(Arc::clone(&module), &cases, true).expect("cases");
    let golden = |name: &str| fs::read_to_string(folder.path().join("cases/leaver").join(name)).expect("golden file");
    let (verdicts, plan) = (golden("verdicts.golden"), golden("plan.golden"));
    let label = module.facts().label();
    assert!(verdicts.starts_with(&format!("{label}\n")) && plan.starts_with(&format!("{label}\n")), "{verdicts}{plan}");
    assert!(plan.contains("\nwave 0  disable"), "{plan}");
    assert!(!plan.contains(&module.facts().module.short()) && !verdicts.contains(&module.facts().module.short()));
    let again = run_cases(module, &cases, false).expect("cases");
    assert!(again.failures.is_empty(), "{:?}", again.failures);
}

#[test]
fn a_component_of_other_sources_is_never_tested() {
    let folder = tempfile::tempdir().expect("folder");
    let stale = folder.path().join("stale.wasm");
    let trial = |component: &[u8]| {
        fs::write(&stale, component).expect("component");
        let options = TrialOptions { component_only: true, component: Some(stale.clone()), ..TrialOptions::default() };
        let engine = RuleEngine::new(&RuleLimits::default()).expect("engine");
        try_rule(&cli::root().join("rules/standard"), &options, |component| Module::load(&engine, component))
    };
    assert!(matches!(trial(&guests::component("promise").expect("guest")), Err(AuthorError::Stale(path)) if path == stale));
    let fresh = trial(&standard()).expect("trial");
    assert!(fresh.is_ok() && fresh.native.is_none(), "{:?}", fresh.report.failures);
}

#[test]
fn two_versions_are_compared_on_cases_and_on_paper() {
    let cases = cli::root().join("rules/standard/cases");
    let (now, then) = (load(&standard()), load(&guests::component("promise").expect("guest")));
    let same = compare_on(&now, &now, &cases).expect("comparison");
    assert!(same.cases > 20 && same.same == same.cases && same.groups.is_empty());
    let found = compare_on(&now, &then, &cases).expect("comparison");
    assert!(found.removed > 0 && found.run.is_none() && found.groups.is_sorted_by_key(|group| u8::MAX - group.tier));
    let back = compare_on(&then, &now, &cases).expect("comparison");
    assert_eq!((back.added, back.removed, back.altered), (found.removed, found.added, found.altered));
    let page = comparison_page(&found);
    assert!(page.contains("promise@1.0.0 beside standard@") && page.contains(&found.module.to_string()), "{page}");
    // Nothing is fetched, and nothing runs.
    assert!(!page.contains("://") && !page.contains("<script"), "{page}");
    assert!(matches!(compare_on(&now, &then, Path::new("/nowhere")), Err(AuthorError::Cases(_))));
}

#[test]
fn a_component_tells_what_it_is_and_takes() {
    let component = standard();
    let module = load(&component);
    let found = inspect(&module, &component);
    assert_eq!(found.imports, ["trueup:rules/log@1.0.0", "trueup:rules/types@1.0.0"]);
    assert_eq!((found.contract.as_str(), found.bytes), ("trueup:rules@1.0.0", component.len() as u64));
    assert!(found.settings.iter().any(|(setting, help)| setting.starts_with("unused-days: ") && !help.is_empty()));
    let cases: PathBuf = cli::root().join("rules/standard/cases");
    let rows = usage(&module, &component, &[&cases]).expect("usage");
    assert!(rows.iter().all(|row| !row.is_over()), "{rows:?}");
    let fuel = rows.iter().find(|row| row.limit == "fuel").expect("fuel");
    assert!(fuel.used > 0 && fuel.by.ends_with(".json"), "{fuel:?}");
    // A vendor who allows less is told where it is passed, and what helps.
    let strict = RuleLimits { fuel_base: 1_000, fuel_per_case: 10, ..RuleLimits::default() };
    let rows = usage(&Arc::new((*module).clone().with_limits(&strict)), &component, &[&cases]).expect("usage");
    assert!(rows.iter().any(|row| row.is_over() && row.limit == "fuel" && row.advice.contains("loop")), "{rows:?}");
}

#[test]
fn the_command_line_begins_explains_and_captures() {
    let folder = tempfile::tempdir().expect("folder");
    let module = cli::standard_module().expect("module").display().to_string();
    let made =
        cli::trueup(folder.path(), &["generate", "estate", "--profile", "community", "--module", &module]).expect("trueup");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let dir = &folder.path().join("estate");
    let text = |args: &[&str], code: i32| {
        let output = cli::trueup(dir, args).expect("trueup");
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(text(&["rule", "explain", "tr0402"], 0).starts_with("TR0402 The answer depends on the order"));
    // The program lies in a checkout, so the kit is found from anywhere.
    assert!(text(&["rule", "new", "dormant"], 0).starts_with("made dormant, with the guest kit in "));
    assert!(text(&["rule", "inspect", &module], 0).contains("  contract   trueup:rules@1.0.0\n"));
    text(&["plan", "--as-of", "2026-03-01"], 0);
    text(&["rule", "capture", "captured/missing.json", "--reason", "missing"], 8);
    fs::create_dir(dir.join("captured")).expect("folder");
    text(&["rule", "capture", "captured/missing.json", "--reason", "missing", "--take", "3", "--pseudonyms"], 0);
    let captured = fs::read_to_string(dir.join("captured/missing.json")).expect("captured");
    assert_eq!(captured.matches("\"identity\": \"somebody-").count(), 3, "{captured}");
    let report = run_cases(load(&standard()), &[dir.join("captured")], true).expect("cases");
    assert!(report.failures.is_empty() && report.hits.contains_key("missing"), "{:?} {:?}", report.failures, report.hits);
    let shown = text(&["rule", "diff", &module, &module, "--on", "captured", "--html", "report.html", "--exit-code"], 0);
    assert!(shown.contains(" on case files\n") && dir.join("report.html").is_file(), "{shown}");
}
