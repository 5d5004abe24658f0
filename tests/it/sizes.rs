//! What a hostile module's huge answers and floods cost the process that hosts it: the peak of a process of its own, read from the
//! system, and how often a module gets to call its host.

use std::time::Duration;

use trueup::rule::{Fault, KeyKind, Module, RuleEngine, RuleLimits, Worker};
use trueup_cases::{Context, SettingValue};
use trueup_tests::{cli, guests};

use crate::{alone, hostile};

/// What a module may use itself, and hand over in one call unless it is said otherwise.
const MEMORY_BYTES: u64 = 96 << 20;
const HAND_OVER_BYTES: u64 = 16 << 20;
/// What a host may take for each byte that is handed over: a text of one byte takes an allocation, and is copied once.
const PER_BYTE: u64 = 4;
/// What a flood may take in a build with assertions, on a machine that does much else.
const FLOOD: Duration = Duration::from_secs(20);

fn limits(host_call_bytes: u64) -> RuleLimits {
    RuleLimits { memory_bytes: MEMORY_BYTES, host_call_bytes, fuel_base: 2_000_000_000, ..RuleLimits::default() }
}

/// What is asked of the guest `hostile`, by the name of what it then does.
#[derive(Clone, Copy)]
enum Asked {
    /// To describe itself.
    Describe(&'static str),
    /// To judge.
    Judge(&'static str),
    /// For a canonical key.
    Canon(&'static str),
}
use Asked::{Canon, Describe, Judge};

const ASKED: [Asked; 11] = [
    Judge("items"),
    Judge("all-columns"),
    Judge("long-error"),
    Judge("longer-error"),
    Judge("long-line"),
    Judge("longer-line"),
    Canon("items"),
    Describe("describe-items"),
    Describe("describe-columns"),
    Describe("describe-most"),
    Describe("describe-name"),
];

/// Not a test of its own: the process whose peak is measured.
#[test]
#[ignore = "run by the test that measures it"]
fn answers_in_a_process_of_its_own() {
    // What compiling takes is taken elsewhere.
    let worker = Worker::new(cli::binary().expect("binary").to_owned(), vec!["compile-module".into()]);
    let engine = |bytes: u64| RuleEngine::new(&limits(bytes)).expect("an engine").compiled_by(worker.clone());
    let bounded = engine(HAND_OVER_BYTES);
    let module = Module::load(&bounded, &guests::hostile("").expect("guest")).expect("sound");
    let judge = |form: &str, name: &str| {
        let settings = vec![("form".to_owned(), SettingValue::Text(form.to_owned()))];
        module.judge_columns(&Context { settings, ..Context::default() }, &hostile::batch(name)).result
    };
    assert!(judge("items", "ada").is_ok());
    let before = alone::held();
    let measure = |what: &str, work: &dyn Fn() -> String| {
        let mut end = String::new();
        // Counted from the same beginning, so that what stays of one counts for the next.
        let growth = alone::peak(|| end = work()).saturating_sub(before);
        println!("\n{what}: {growth} KiB: {}", end.chars().take(100).collect::<String>());
        growth
    };
    let describe = |form: &str, engine: &RuleEngine| {
        let found = Module::load(engine, &guests::hostile(form).expect("guest"));
        found.map_or_else(|error| error.to_string(), |_| "admitted".to_owned())
    };
    let most = ASKED.iter().map(|asked| match *asked {
        Judge(form) => measure(form, &|| told(judge(form, "poison"))),
        Canon(key) => measure("canon", &|| told(module.canon(KeyKind::Object, &[key]))),
        Describe(form) => measure(form, &|| describe(form, &bounded)),
    });
    let most = most.max().unwrap_or_default();
    let with = measure("describe-texts", &|| describe("describe-texts", &bounded));
    let unbounded = engine(u64::from(u32::MAX));
    let without = measure("describe-texts, unbounded", &|| describe("describe-texts", &unbounded));
    println!("measured {most} {with} {without}");
}

fn told<T>(result: Result<T, Fault>) -> String {
    result.map_or_else(|fault| fault.to_string(), |_| "answered".to_owned())
}

#[test]
fn huge_answers_cost_a_host_no_more_than_it_allows() {
    let text = alone::run("sizes::answers_in_a_process_of_its_own", &[]);
    println!("{text}");
    let [most, with, without] = alone::measured(&text)[..] else { panic!("{text}") };
    let allowed = (MEMORY_BYTES + PER_BYTE * HAND_OVER_BYTES) >> 10;
    println!("{most} KiB of {allowed}; one answer takes {with} KiB with a bound, and {without} KiB without");
    assert!(most.max(with) <= allowed, "{most} and {with} KiB, more than {allowed}");
    // The bound is what keeps it down.
    assert!(without > with + (32 << 10), "{with} KiB with a bound, {without} KiB without");
}

#[test]
fn a_module_calls_its_host_no_more_often_than_its_log_allows() {
    let engine = RuleEngine::new(&limits(HAND_OVER_BYTES)).expect("an engine");
    let module = Module::load(&engine, &guests::hostile("").expect("guest")).expect("module");
    let settings = vec![("form".to_owned(), SettingValue::Text("empty-lines".to_owned()))];
    let begin = alone::now();
    let verdict = module.judge_columns(&Context { settings, ..Context::default() }, &hostile::batch("poison"));
    let took = begin.elapsed();
    // Eight million calls were tried; each counts as 16 bytes, though it has none.
    let allowed = module.limits().log_bytes;
    assert_eq!(verdict.result, Err(Fault::Limit { limit: "log", used: allowed + 16, allowed }));
    let calls = allowed / 16 + 1;
    println!("{calls} of 8000000 calls in {took:?}, {} fuel", verdict.fuel);
    assert!(took <= FLOOD, "{took:?}");
    assert_eq!(verdict.log.len(), 201, "the last lines, and how many were left out");
}
