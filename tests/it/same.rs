//! Answers, fuel and log of a rule are the same to the byte whoever compiled it, this process or a worker, and whether its code is
//! new or from the cache: for a rule that is shipped, one whose answers depend on all that they may, and one that computes with
//! floating point and with what is no number.

use std::path::Path;

use trueup::author::{BuildOptions, build_component};
use trueup::rule::{CodeCache, Module, RuleEngine, RuleLimits, Worker};
use trueup_cases::{Columns, Context, SettingValue};
use trueup_tests::estate::Numbers;
use trueup_tests::{cli, guests};

/// Batches of one rule, and how often each is judged.
const BATCHES: usize = 4;
const REPEATS: usize = 3;

fn engine() -> RuleEngine {
    RuleEngine::new(&RuleLimits::default()).expect("an engine")
}

fn batches(module: &Module) -> Vec<Columns> {
    let mut numbers = Numbers(41);
    let names: Vec<String> = module.column_names();
    let batch = |_| {
        let mut columns = crate::rules::batch(&mut numbers);
        columns.keep_only(&names);
        columns
    };
    (0..BATCHES).map(batch).collect()
}

fn context(module: &Module) -> Context {
    let settings = module.check_settings(&Default::default()).expect("defaults");
    let plain = |value: &trueup::rule::SettingValue| match value {
        trueup::rule::SettingValue::Text(text) => SettingValue::Text(text.clone()),
        trueup::rule::SettingValue::Integer(number) => SettingValue::Integer(*number),
        trueup::rule::SettingValue::Boolean(flag) => SettingValue::Boolean(*flag),
        trueup::rule::SettingValue::Texts(texts) => SettingValue::Texts(texts.clone()),
    };
    let settings = settings.iter().map(|(name, value)| (name.to_owned(), plain(value))).collect();
    Context { as_of: 1_772_323_200, settings, flags: 1 }
}

#[test]
fn v01_fuel_and_verdicts_do_not_depend_on_who_compiled() {
    let standard = build_component(&cli::root().join("rules/standard"), &BuildOptions::default()).expect("rule").component;
    for (name, bytes) in [
        ("standard", standard),
        ("by-position", guests::component("by-position").expect("guest")),
        ("floats", guests::component("floats").expect("guest")),
    ] {
        let folder = tempfile::tempdir().expect("folder");
        let cache = || CodeCache::open(&folder.path().join("code"), 64 << 20).expect("cache");
        let worker = |program: &Path| Worker::new(program.to_owned(), vec!["compile-module".into()]);
        let load = |engine: RuleEngine| Module::load(&engine, &bytes).expect(name);
        let here = load(engine());
        let program = cli::binary().expect("binary");
        let others = [
            ("here again", load(engine())),
            ("by a worker", load(engine().compiled_by(worker(program)).with_cache(cache()))),
            ("from the cache", load(engine().compiled_by(worker(Path::new("/nowhere/trueup"))).with_cache(cache()))),
        ];
        let (context, batches) = (context(&here), batches(&here));
        let mut fuel = 0;
        for (number, columns) in batches.iter().enumerate() {
            let expected = here.judge_columns(&context, columns);
            assert!(expected.result.is_ok(), "{name}, batch {number}: {:?}", expected.result);
            fuel += expected.fuel;
            for (who, module) in others.iter().chain(&[("the first", here.clone())]) {
                for repeat in 0..REPEATS {
                    assert!(module.judge_columns(&context, columns) == expected, "{name}, {who}, batch {number}, {repeat}");
                }
            }
        }
        println!("{name}: {BATCHES} batches, {fuel} fuel, the same {} times", (others.len() + 1) * REPEATS);
    }
}
