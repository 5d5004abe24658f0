//! Rules made at random as a whole, with no sound rule underneath: as many as can be judged with are judged, each ends in a typed
//! error or an answer, the process that hosts them stays within a bound, and a sound rule beside them answers as ever.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use trueup::rule::{AdmitError, Fault, Module, RuleEngine, RuleLimits};
use trueup_cases::{Columns, Context};
use trueup_tests::estate::Numbers;
use trueup_tests::graft::{Core, core_of, graft};
use trueup_tests::{guests, smith};

use crate::alone;

/// Modules that are tried, unless this variable says how many, and those that must come as far as judging.
const COUNT: &str = "TRUEUP_GENERATED_MODULES";
const MODULES: u64 = 420;
const JUDGED: u64 = 200;
/// What a module may take.
const LIMITS: RuleLimits = RuleLimits {
    component_bytes: 16 << 20,
    memory_bytes: 64 << 20,
    table_elements: 20_000,
    fuel_start: 1_000_000,
    fuel_base: 4_000_000,
    fuel_per_case: 1_000,
    wall_seconds: 20,
    input_bytes: 64 << 20,
    host_call_bytes: 16 << 20,
    log_lines: 200,
    log_line_bytes: 1_024,
    log_bytes: 1 << 20,
    error_bytes: 4_096,
};
/// What the process may grow by over all modules together, in KiB: the memory of one, and what its compiler needs.
const GROWTH_KIB: u64 = 96 << 10;
/// What one module may take from its bytes to its answer, on a machine that does much else.
const LONGEST: Duration = Duration::from_secs(30);

/// What is made of a module's bytes.
const KINDS: [&str; 3] = ["as it is", "told and allocating", "told, allocating, answering"];

/// How far a module came; where it stopped before judging, at which stage.
const STAGES: [&str; 6] = ["admission", "compiling", "linking", "starting or describing", "checking its description", "judging"];

/// The component of a module: a sound one with this in the place of its core.
fn made(sound: &[u8], core: &[u8], kind: usize) -> anyhow::Result<Vec<u8>> {
    graft(sound, |module| {
        *module = Core::read(core)?;
        if kind > 0 {
            module.describable()?;
        }
        if kind > 1 { module.answering() } else { Ok(()) }
    })
}

/// The stage that was reached last, and what ended it there.
fn reached(engine: &RuleEngine, bytes: &[u8], columns: &Columns) -> (usize, &'static str) {
    let module = match Module::load(engine, bytes) {
        Ok(module) => module,
        Err(AdmitError::Invalid { .. }) => return (1, "invalid"),
        Err(AdmitError::Shape { .. }) => return (2, "another shape"),
        Err(AdmitError::Describe(Fault::Limit { .. })) => return (3, "over a limit"),
        Err(AdmitError::Describe(Fault::Trap { .. })) => return (3, "trapped"),
        Err(AdmitError::Info { .. }) => return (4, "nonsense"),
        Err(error) => panic!("{error}"),
    };
    let end = match module.judge_columns(&Context::default(), columns).result {
        Ok(_) => "answered",
        Err(Fault::Trap { .. }) => "trapped",
        Err(Fault::Limit { .. }) => "over a limit",
        Err(Fault::Malformed { .. }) => "malformed",
        Err(Fault::Rule { .. }) => "refused",
        Err(fault) => panic!("{fault}"),
    };
    (5, end)
}

/// Not a test of its own: the process that hosts them.
#[test]
#[ignore = "run by the test that measures it"]
fn modules_in_a_process_of_their_own() {
    let engine = RuleEngine::new(&LIMITS).expect("an engine");
    let sound = guests::component("by-position").expect("guest");
    let columns = crate::rules::batch(&mut Numbers(3));
    let module = Module::load(&engine, &sound).expect("sound");
    let expected = module.judge_columns(&Context::default(), &columns);
    assert!(expected.result.is_ok());
    let count = std::env::var(COUNT).map_or(MODULES, |count| count.parse().expect("a number"));
    let cores = smith::modules(core_of(&sound).expect("core module"), 0, count).expect("modules");
    let mut ends: BTreeMap<(usize, usize, &str), u64> = BTreeMap::new();
    let mut longest = Duration::ZERO;
    let (beside, (stay, left)) = (AtomicU64::new(0), mpsc::channel::<()>());
    let growth = thread::scope(|scope| {
        // A sound rule, judged by another thread until this one is done, or has failed.
        let (module, columns, expected, beside) = (&module, &columns, &expected, &beside);
        scope.spawn(move || {
            while left.recv_timeout(Duration::from_millis(20)) == Err(RecvTimeoutError::Timeout) {
                assert!(module.judge_columns(&Context::default(), columns) == *expected);
                beside.fetch_add(1, Ordering::Relaxed);
            }
        });
        let stay = stay;
        let growth = alone::growth(|| {
            for (seed, bytes) in cores.iter().enumerate() {
                let kind = seed % KINDS.len();
                let component = made(&sound, bytes, kind).expect("graft");
                let begin = alone::now();
                let (stage, end) = reached(&engine, &component, columns);
                longest = longest.max(begin.elapsed());
                *ends.entry((kind, stage, end)).or_default() += 1;
            }
        });
        drop(stay);
        growth
    });
    println!();
    for ((kind, stage, end), count) in &ends {
        println!("{}, {}: {end}: {count}", KINDS[*kind], STAGES[*stage]);
    }
    let as_far_as = |least: usize| ends.iter().filter(|((_, stage, _), _)| *stage >= least).map(|(_, count)| count).sum::<u64>();
    for (number, stage) in STAGES.iter().enumerate() {
        println!("{} of {count} reached {stage}", as_far_as(number));
    }
    let (judged, beside) = (as_far_as(STAGES.len() - 1), beside.into_inner());
    println!("measured {growth} {judged} {} {beside}", longest.as_millis());
}

#[test]
fn modules_made_at_random_end_in_an_error_or_an_answer_and_within_bounds() {
    let begin = alone::now();
    let text = alone::run("generated::modules_in_a_process_of_their_own", &[]);
    println!("{text}{:?} in all", begin.elapsed());
    let [growth, judged, longest, beside] = alone::measured(&text)[..] else { panic!("{text}") };
    println!("{judged} judged, {growth} KiB grown, {longest} ms the longest, {beside} times judged beside them");
    assert!(judged >= JUDGED, "{judged} were judged");
    assert!(growth <= GROWTH_KIB, "{growth} KiB");
    assert!(Duration::from_millis(longest) <= LONGEST, "{longest} ms");
    assert!(beside > 10, "the sound rule was judged {beside} times beside them");
}
