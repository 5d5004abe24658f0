//! V1, as far as judging goes: the same batches get the same answers and cost the same, on any number of threads.

use std::sync::Mutex;

use wasmtime::{Config, OptLevel, RegallocAlgorithm};

use super::estate::estate;
use super::guests::{component, load, pooled};
use crate::model::Time;
use crate::progress::{Observer, Progress, Silent};
use crate::rule::{CodeCache, Judging, Module, RuleEngine, RuleLimits, Worker, judge_all, profile, profile_digest, profile_text};

/// 400 batches of various sizes.
fn identities() -> Vec<(String, u32)> {
    (0..400).map(|n| (format!("identity {n}"), n * 7 % 23)).collect()
}

struct Steps(Mutex<Vec<u64>>);

impl Observer for Steps {
    fn on(&self, step: &Progress) {
        if let (Progress::Judge { done, of: 400 }, Ok(mut steps)) = (step, self.0.lock()) {
            steps.push(*done);
        }
    }
}

#[test]
fn v01_verdicts_do_not_depend_on_threads_or_instances() {
    let identities = identities();
    let named: Vec<(&str, u32)> = identities.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    let cases = estate(&named);
    let module = load("by-position");
    let settings = module.check_settings(&[].into()).expect("settings");
    let judging = Judging { as_of: Time::from_seconds(1), settings: &settings, explain: false };
    let once = judge_all(&module, &judging, &cases, 1, &Silent, None);
    assert!(once.iter().all(|verdict| verdict.result.is_ok() && verdict.fuel > 0));
    let different: std::collections::BTreeSet<u64> = once.iter().map(|verdict| verdict.fuel).collect();
    assert!(different.len() > 20, "the guest's fuel depends on the batch");
    for threads in [2, 5, 0] {
        let steps = Steps(Mutex::default());
        assert!(judge_all(&module, &judging, &cases, threads, &steps, None) == once, "{threads} threads");
        let mut steps = steps.0.into_inner().expect("steps");
        steps.sort_unstable();
        assert_eq!(steps, (1..=400).collect::<Vec<u64>>());
    }
    // Another engine, another compilation, an instance that was used before, batches in reverse.
    for other in [load("by-position"), pooled("by-position")] {
        for (batch, expected) in cases.batches.iter().zip(&once).rev() {
            assert_eq!(&other.judge(&judging, &cases, batch), expected);
        }
        assert!(judge_all(&other, &judging, &cases, 5, &Silent, None) == once);
    }
}

/// A change of how code is made.
type Change = fn(&mut Config);

/// What a compiler may be told to do otherwise without another answer.
fn otherwise() -> [(&'static str, Change); 5] {
    [
        ("as it is, again", |_| {}),
        ("without optimisation", |config| {
            config.cranelift_opt_level(OptLevel::None);
        }),
        ("for size", |config| {
            config.cranelift_opt_level(OptLevel::SpeedAndSize);
        }),
        ("registers in one pass", |config| {
            config.cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass);
        }),
        ("in one thread, without optimisation, registers in one pass", |config| {
            config.parallel_compilation(false).cranelift_opt_level(OptLevel::None);
            config.cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass);
        }),
    ]
}

/// Another compiler is not built in: one compiler's code is compared with what the same makes when told to make it otherwise, new
/// and from a cache.
#[test]
fn v01_fuel_and_verdicts_do_not_depend_on_how_code_was_made() {
    let identities = identities();
    let named: Vec<(&str, u32)> = identities.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    let cases = estate(&named[..100]);
    let folder = tempfile::tempdir().expect("folder");
    for (name, bytes) in rules() {
        let mut expected = None;
        for (how, change) in otherwise() {
            let mut config = profile::config();
            change(&mut config);
            let cache = CodeCache::open(&folder.path().join("code"), 64 << 20).expect("cache");
            let engine = RuleEngine::with(&RuleLimits::default(), &config, None).expect("an engine").with_cache(cache);
            // The second time its code comes from the cache: a worker that is none could not make it.
            let cached = engine.clone().compiled_by(Worker::new("/nowhere/trueup".into(), Vec::new()));
            for engine in [engine, cached] {
                let module = Module::load(&engine, &bytes).expect(how);
                let settings = module.check_settings(&[].into()).expect("settings");
                let judging = Judging { as_of: Time::from_seconds(1_772_323_200), settings: &settings, explain: true };
                let judged = judge_all(&module, &judging, &cases, 2, &Silent, None);
                assert!(judged.iter().all(|verdict| verdict.result.is_ok() && verdict.fuel > 0), "{name}, {how}");
                let expected = expected.get_or_insert_with(|| judged.clone());
                assert!(judged == *expected, "{name}, {how}");
            }
        }
        let fuel: u64 = expected.iter().flatten().map(|verdict| verdict.fuel).sum();
        println!("{name}: 100 batches, {fuel} fuel, the same in {} ways", 2 * otherwise().len());
    }
}

/// A rule whose answers depend on all that they may, one that computes with floating point and what is no number, and one that is
/// shipped, where this build can build it.
fn rules() -> Vec<(&'static str, Vec<u8>)> {
    let guests = vec![("by-position", component("by-position")), ("floats", component("floats"))];
    #[cfg(feature = "cli")]
    let guests = {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules/standard");
        let built = crate::author::build_component(&folder, &crate::author::BuildOptions::default()).expect("rule");
        [guests, vec![("standard", built.component)]].concat()
    };
    guests
}

/// A change of the profile is a change of every plan: this text changes together with its name.
#[test]
fn the_profile_says_what_it_fixes() {
    assert_eq!(profile_digest(), profile_digest());
    for property in ["trueup-det-1\n", "wasmtime 48", "decided by fuel", "524288 bytes", "fresh instance", "4096", "65536"] {
        assert!(profile_text().contains(property), "{property}");
    }
}
