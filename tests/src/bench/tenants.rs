//! Many tenants in one process: whether one whose rule burns all that it gets slows the others down, and what modules and tenants
//! take of memory, and of the time to a first verdict.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use trueup::correlate::Cases;
use trueup::model::Digest;
use trueup::progress::Silent;
use trueup::rule::{
    AdmitError, BatchVerdict, CodeCache, Judging, Library, Module, RuleEngine, RuleLimits, SettingValue, Settings, judge_all,
};

use super::machine::{cores, median, now, resident_mib, timed};
use super::summary::{Figure, Summary};
use super::{SEED, estate, judging};
use crate::graft::graft;
use crate::guests;

/// Desired grants of a tenant that does little, and as many observed.
const LITTLE: u64 = 2_000;
/// The same of the one that burns: batches enough for every thread at any time.
const MUCH: u64 = 40_000;
/// Tenants that do little.
const MODEST: usize = 4;
/// How long they rest between two looks.
const REST: Duration = Duration::from_millis(5);
/// A modest tenant's slowest call in a hundred may take this much longer beside a greedy one.
const FAIR: f64 = 2.0;
/// Sizes of modules, in bytes of code that is added to a rule: from 0 to this, most of them small.
const BALLAST: usize = 1 << 20;
/// Modules that are compiled to see how long that takes.
const COLD: usize = 20;
/// Aim for loading a module that was compiled before, in microseconds.
const LOAD_AIM_US: f64 = 100.0;

/// Measures modest tenants alone, and beside a greedy one, in turns. Gives the cases of a modest one.
pub(super) fn fairness(seconds: u64, work: &Path, summary: &mut Summary<'_>) -> Result<Cases> {
    summary.say(&format!("{MODEST} modest tenants, without and with one that burns all its fuel …"))?;
    let rules = RuleEngine::new(&RuleLimits::default())?;
    let modest = Module::load(&rules, &std::fs::read(work.join(estate::RULE))?)?;
    let greedy = Module::load(&rules, &guests::component("endless-loop")?)?;
    let form = SettingValue::Text("always".to_owned());
    let burning = greedy.check_settings(&BTreeMap::from([("form".to_owned(), form)]))?;
    let settings = modest.check_settings(&BTreeMap::new())?;
    for (name, rows) in [("little", LITTLE), ("much", MUCH)] {
        estate::write(&work.join(name), rows, SEED)?;
    }
    let (little, much) = (judging::cases(&work.join("little"), &modest)?, judging::cases(&work.join("much"), &modest)?);
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        alone.append(&mut looks(seconds, &modest, &settings, &little, None)?);
        beside.append(&mut looks(seconds, &modest, &settings, &little, Some((&greedy, &burning, &much)))?);
    }
    for (name, part) in [("median", 0.5), ("99th percentile", 0.99)] {
        let (with, without) = (percentile(&mut beside, part), percentile(&mut alone, part));
        let what = format!("a modest tenant's call beside a greedy one, {name}");
        let figure = Figure::new(&what, with, "ms").beside("without it", without);
        let calls = format!("{} and {}", alone.len(), beside.len());
        summary.add(figure.with("tenants", MODEST).with("cases", little.cases.len()).with("calls", calls).with("aim", FAIR))?;
    }
    Ok(little)
}

/// How long each call of the modest tenants took, in milliseconds.
fn looks(
    seconds: u64,
    modest: &Module,
    settings: &Settings,
    little: &Cases,
    greedy: Option<(&Module, &Settings, &Cases)>,
) -> Result<Vec<f64>> {
    let over = AtomicBool::new(false);
    let judge = |module: &Module, settings: &Settings, cases: &Cases| -> Vec<BatchVerdict> {
        judge_all(module, &Judging { as_of: estate::AS_OF, settings, explain: false }, cases, cores(), &Silent, None)
    };
    let until = now() + Duration::from_secs(seconds);
    let look = || -> Result<Vec<f64>> {
        let mut times = Vec::new();
        while now() < until {
            let (time, verdicts) = timed(|| Ok(judge(modest, settings, little)))?;
            ensure!(verdicts.iter().all(|verdict| verdict.result.is_ok()), "a modest batch failed");
            times.push(time.as_secs_f64() * 1e3);
            thread::sleep(REST);
        }
        Ok(times)
    };
    thread::scope(|scope| {
        let burner = greedy.map(|(module, settings, cases)| {
            let over = &over;
            scope.spawn(move || {
                let mut burnt = 0;
                while !over.load(Ordering::Relaxed) {
                    burnt += judge(module, settings, cases).iter().filter(|verdict| verdict.result.is_err()).count();
                }
                burnt
            })
        });
        let lookers: Vec<_> = (0..MODEST).map(|_| scope.spawn(look)).collect();
        let times: Vec<_> = lookers.into_iter().map(|looker| looker.join()).collect();
        over.store(true, Ordering::Relaxed);
        if let Some(burner) = burner {
            ensure!(burner.join().is_ok_and(|burnt| burnt > 0), "the greedy tenant burnt nothing");
        }
        let mut all = Vec::new();
        for time in times {
            all.append(&mut time.ok().context("a tenant's thread panicked")??);
        }
        Ok(all)
    })
}

fn percentile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() as f64 * part) as usize;
    values.get(at.min(values.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// What a tenant holds between runs.
struct Tenant {
    module: Module,
    settings: Settings,
}

/// Measures modules distinct in code, and tenants that share them.
pub(super) fn density(tenants: usize, modules: usize, cases: &Cases, work: &Path, summary: &mut Summary<'_>) -> Result<()> {
    summary.say(&format!("{modules} modules distinct in code, {tenants} tenants …"))?;
    let rule = std::fs::read(work.join(estate::RULE))?;
    let components: Vec<Vec<u8>> = (0..modules).map(|number| distinct(&rule, number, modules)).collect::<Result<_>>()?;
    let digests: Vec<Digest> = components.iter().map(|component| Digest::of(component)).collect();
    let cache = || CodeCache::open(&work.join("code"), u64::MAX);
    let library =
        || Ok::<_, anyhow::Error>(Library::new(RuleEngine::new(&RuleLimits::default())?.with_cache(cache()?), u64::MAX));
    let load = |library: &Library, at: usize| -> Result<(f64, Module)> {
        let component = || Ok::<_, AdmitError>(components[at].clone());
        let (time, module) = timed(|| Ok(library.module(digests[at], component)?))?;
        Ok((time.as_secs_f64() * 1e6, module))
    };
    let first = library()?;
    let cold: Vec<f64> = (0..modules).map(|at| Ok(load(&first, at)?.0)).collect::<Result<_>>()?;
    drop(first);

    let held = library()?;
    let before = resident_mib()?;
    let cached: Vec<f64> = (0..modules).map(|at| Ok(load(&held, at)?.0)).collect::<Result<_>>()?;
    let loaded = resident_mib()?;
    let all: Vec<Tenant> = (0..tenants)
        .map(|number| {
            let module = load(&held, number % modules)?.1.with_limits(&RuleLimits::default());
            let settings = module.check_settings(&BTreeMap::new())?;
            Ok(Tenant { module, settings })
        })
        .collect::<Result<_>>()?;
    let settled = resident_mib()?;
    let mut warm = Vec::with_capacity(tenants);
    for tenant in &all {
        let judging = Judging { as_of: estate::AS_OF, settings: &tenant.settings, explain: false };
        let batch = cases.batches.first().context("a batch")?;
        let (time, verdict) = timed(|| Ok(tenant.module.judge(&judging, cases, batch)))?;
        ensure!(verdict.result.is_ok(), "a batch failed");
        warm.push(time.as_secs_f64() * 1e6);
    }
    let judged = resident_mib()?;

    let bytes: usize = components.iter().map(Vec::len).sum();
    let figure = |name: &str, value, unit| {
        let sizes = format!("{} to {} kB", components[0].len() / 1_000, components[modules - 1].len() / 1_000);
        Figure::new(name, value, unit).with("modules", modules).with("tenants", tenants).with("component sizes", sizes)
    };
    let (module_kib, tenant_kib) = ((loaded - before) * 1024.0 / modules as f64, (settled - loaded) * 1024.0 / tenants as f64);
    let code = format!("{:.0} kB", held.holds().1 as f64 / 1e3 / modules as f64);
    let mean = format!("{:.0} kB", bytes as f64 / 1e3 / modules as f64);
    summary.add(
        figure("resident memory of a module, loaded from the cache", module_kib, "KiB")
            .with("code", code)
            .with("component", mean),
    )?;
    summary.add(figure("resident memory of a tenant: module, limits, settings", tenant_kib, "KiB"))?;
    summary.add(figure("resident memory after each tenant judged once", judged, "MiB"))?;
    let compiled = &cold[..COLD.min(cold.len())];
    summary.add(figure("module ready, compiled in this process, median", median(&cold) / 1e3, "ms"))?;
    summary.add(figure("the same, the smallest modules", median(compiled) / 1e3, "ms"))?;
    summary.add(figure("module ready, code from the cache, median", median(&cached), "µs").with("aim", LOAD_AIM_US))?;
    summary.add(figure("the same, the smallest modules", median(&cached[..COLD.min(modules)]), "µs").with("aim", LOAD_AIM_US))?;
    let batch = cases.batches.first().map_or(0, |batch| batch.cases.end - batch.cases.start);
    summary.add(figure("first batch of each tenant, module at hand, median", median(&warm), "µs").with("cases", batch))
}

/// A module whose code no other has: most are small, the last is largest.
fn distinct(rule: &[u8], number: usize, of: usize) -> Result<Vec<u8>> {
    let part = (number + 1) as f64 / of.max(1) as f64;
    let bytes = (BALLAST as f64 * part.powi(4)) as usize;
    graft(rule, |core| core.ballast(number as u32, bytes.max(1)))
}
