//! What a small batch costs: the store, the instance and the first call in it, where there are no other cases to share the price.
//! Tells the parts apart by going each part of the way alone.

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::Path;

use anyhow::{Result, ensure};
use trueup::correlate::Cases;
use trueup::progress::Silent;
use trueup::rule::{BatchVerdict, Judging, KeyKind, Module, Pool, RuleEngine, RuleLimits, Settings, judge_all};
use trueup_cases::Context;
use trueup_guest::testing::{batch_of, context_of};
use trueup_guest::wire;

use super::cut::cut;
use super::judging::{self, native_all, plain};
use super::machine::{cores, median, timed};
use super::summary::{Figure, Summary};
use super::{SEED, Sizes, estate};

/// What a batch of the largest of these sizes may take, in microseconds.
const AIM_US: f64 = 20.0;
/// Cases of a batch.
const SIZES: [u32; 2] = [1, 64];
/// Desired grants, and as many observed: few, because whoever judges little has a small dictionary too.
const ROWS: u64 = 4_096;
/// Batches that are judged one after another, at most, for one sample.
const BATCHES: u32 = 512;

/// The two ways to an instance.
struct Ways {
    /// A mapping for each.
    fresh: Module,
    /// Memory that is reserved before.
    ready: Module,
}

/// Microseconds a batch took, or a part of its way.
#[derive(Default)]
struct Times {
    fresh: Vec<f64>,
    ready: Vec<f64>,
    /// Writing columns from the facts.
    written: Vec<f64>,
    /// The rule as an ordinary function, over columns made before.
    native: Vec<f64>,
    /// The smallest call into either instance: the form of one key.
    call_fresh: Vec<f64>,
    call_ready: Vec<f64>,
}

/// Measures all sizes, on one thread.
pub(super) fn measure(sizes: &Sizes, work: &Path, summary: &mut Summary<'_>) -> Result<()> {
    summary.say("judging small batches …")?;
    let folder = work.join("few");
    estate::write(&folder, ROWS, SEED)?;
    let pool = Pool::new(cores() as u32 * 2);
    let ready = Module::load(&RuleEngine::pooled(&RuleLimits::default(), pool)?, &fs::read(work.join(estate::RULE))?)?;
    let ways = Ways { fresh: estate::module(work)?, ready };
    ensure!(ways.fresh.is_canonical(), "the rule has no smallest call");
    let settings = ways.fresh.check_settings(&BTreeMap::new())?;
    let mut cases = judging::cases(&folder, &ways.fresh)?;
    let whole = cases.identities.clone();
    for size in SIZES {
        let batches = BATCHES.min(cases.cases.len() as u32 / size);
        cut(&mut cases, &whole, batches * size, size);
        let mut times = Times::default();
        for _ in 0..sizes.rounds {
            round(&ways, &settings, &cases, &mut times)?;
        }
        tell(size, batches, sizes.rounds, &times, summary)?;
    }
    Ok(())
}

/// Goes each way once, all of them in turn, so that whatever else the machine does meets all of them.
fn round(ways: &Ways, settings: &Settings, cases: &Cases, times: &mut Times) -> Result<()> {
    let judge = |module: &Module| -> Vec<BatchVerdict> {
        judge_all(module, &Judging { as_of: estate::AS_OF, settings, explain: false }, cases, 1, &Silent, None)
    };
    let calls = cases.batches.len();
    // A form that is told is asked for a second time: two calls for each.
    let call = |module: &Module| {
        (0..calls / 2).try_for_each(|_| module.canon(KeyKind::Holder, &["a"]).map(|told| drop(black_box(told))))
    };
    let plain = Context { as_of: estate::AS_OF.seconds(), settings: settings.iter().map(plain).collect(), flags: 0 };
    let context = context_of(&plain);
    let batches: Vec<wire::Batch> =
        cases.batches.iter().map(|batch| ways.fresh.columns_of(cases, batch).map(batch_of)).collect::<Result<_, _>>()?;

    let (fresh, verdicts) = timed(|| Ok(judge(&ways.fresh)))?;
    let (ready, same) = timed(|| Ok(judge(&ways.ready)))?;
    let (written, columns) =
        timed(|| Ok(cases.batches.iter().map(|batch| ways.fresh.columns_of(cases, batch)).collect::<Result<Vec<_>, _>>()?))?;
    let (native, answered) = timed(|| native_all(&context, &batches))?;
    let (call_fresh, ()) = timed(|| Ok(call(&ways.fresh)?))?;
    let (call_ready, ()) = timed(|| Ok(call(&ways.ready)?))?;

    let shipped: usize = verdicts.iter().filter_map(|verdict| verdict.result.as_ref().ok()).map(|told| told.case.len()).sum();
    ensure!(same == verdicts, "an instance that was kept ready answers otherwise");
    ensure!((answered, columns.len()) == (shipped, calls), "native answered {answered} cases, the component {shipped}");
    for (samples, time, count) in [
        (&mut times.fresh, fresh, calls),
        (&mut times.ready, ready, calls),
        (&mut times.written, written, calls),
        (&mut times.native, native, calls),
        (&mut times.call_fresh, call_fresh, calls / 2 * 2),
        (&mut times.call_ready, call_ready, calls / 2 * 2),
    ] {
        samples.push(time.as_secs_f64() * 1e6 / count as f64);
    }
    Ok(())
}

fn tell(size: u32, batches: u32, rounds: usize, times: &Times, summary: &mut Summary<'_>) -> Result<()> {
    let cases = if size == 1 { "case" } else { "cases" };
    let us = |times: &[f64]| format!("{:.2} µs", median(times));
    for (way, whole, call) in
        [("a fresh instance", &times.fresh, &times.call_fresh), ("an instance kept ready", &times.ready, &times.call_ready)]
    {
        let figure = Figure::new(&format!("a batch of {size} {cases} in {way}, median"), median(whole), "µs per batch")
            .beside("the smallest call into such an instance", median(call))
            .with("best", format!("{:.2} µs", whole.iter().copied().fold(f64::INFINITY, f64::min)))
            .with("writing the columns", us(&times.written))
            .with("the same rule native, columns made before", us(&times.native))
            .with("batches", batches)
            .with("rounds", rounds)
            .with("threads", 1)
            .with("rule", "least-access")
            .with("aim", AIM_US);
        summary.add(figure)?;
    }
    Ok(())
}
