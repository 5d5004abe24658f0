//! Modules that were changed at random, as deep as a tool can reach: wherever one gets, it ends in a typed error or an answer, and
//! the batch of a sound module that is judged after it is answered as before.

use std::collections::BTreeMap;

use trueup::rule::{AdmitError, Fault, Module, RuleEngine, RuleLimits};
use trueup_cases::{Columns, Context};
use trueup_tests::estate::Numbers;
use trueup_tests::graft::{Core, core_of, graft};
use trueup_tests::guests;
use wasm_mutate::WasmMutate;

/// Modules that are tried, and those that must come as far as judging.
const MODULES: u64 = 600;
const JUDGED: u64 = 200;
/// Changes of one module, one after the other, at most.
const CHANGES: u64 = 8;
/// Times that a change is tried.
const TRIES: u64 = 40;

/// A core module after some changes; none if nothing could be changed.
fn mutated(core: &[u8], seed: u64) -> Option<Vec<u8>> {
    let mut numbers = Numbers(seed);
    let changes = 1 + numbers.below(CHANGES);
    let (mut bytes, mut changed) = (core.to_vec(), 0);
    // Not every kind of change can be made everywhere.
    for _ in 0..TRIES {
        let mut mutate = WasmMutate::default();
        mutate.seed(numbers.below(u64::MAX)).fuel(1_000).preserve_semantics(seed.is_multiple_of(4));
        let next = mutate.run(&bytes).ok().and_then(|mut all| all.next()?.ok());
        if let Some(next) = next {
            (bytes, changed) = (next, changed + 1);
        }
        if changed == changes {
            break;
        }
    }
    (changed > 0).then_some(bytes)
}

/// How far a module came, and what stopped it.
fn reached(engine: &RuleEngine, bytes: &[u8], columns: &Columns) -> &'static str {
    let module = match Module::load(engine, bytes) {
        Ok(module) => module,
        Err(AdmitError::Invalid { .. }) => return "0 refused: invalid",
        Err(AdmitError::Shape { .. }) => return "1 refused: another shape",
        Err(AdmitError::Describe(Fault::Limit { .. })) => return "2 started: over a limit",
        Err(AdmitError::Describe(_)) => return "2 started: trapped",
        Err(AdmitError::Info { .. }) => return "3 described: nonsense",
        Err(_) => return "0 refused: otherwise",
    };
    match module.judge_columns(&Context::default(), columns).result {
        Ok(_) => "4 judged: answered",
        Err(Fault::Trap { .. }) => "4 judged: trapped",
        Err(Fault::Limit { .. }) => "4 judged: over a limit",
        Err(Fault::Malformed { .. }) => "4 judged: malformed",
        Err(_) => "4 judged: otherwise",
    }
}

#[test]
fn modules_changed_at_random_end_in_an_error_or_an_answer() {
    let engine = RuleEngine::new(&RuleLimits { wall_seconds: 20, ..RuleLimits::default() }).expect("an engine");
    let sound = guests::component("by-position").expect("guest");
    let columns = crate::rules::batch(&mut Numbers(3));
    let module = Module::load(&engine, &sound).expect("sound");
    let expected = module.judge_columns(&Context::default(), &columns);
    assert!(expected.result.is_ok());
    let core = core_of(&sound).expect("core module");
    let mut ends: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 0..MODULES {
        let Some(bytes) = mutated(&core, seed) else {
            *ends.entry("not changed").or_default() += 1;
            continue;
        };
        let component = graft(&sound, |core| {
            *core = Core::read(&bytes)?;
            Ok(())
        })
        .expect("graft");
        *ends.entry(reached(&engine, &component, &columns)).or_default() += 1;
        if seed % 50 == 0 {
            assert!(module.judge_columns(&Context::default(), &columns) == expected, "after module {seed}");
        }
    }
    println!("{MODULES} modules: {ends:#?}");
    let judged: u64 = ends.iter().filter(|(end, _)| end.starts_with('4')).map(|(_, count)| count).sum();
    assert!(judged >= JUDGED, "{judged} were judged: {ends:#?}");
    assert!(module.judge_columns(&Context::default(), &columns) == expected);
}
