//! `make bench-against`: trueup beside what else could judge, on the decision of `least-access`. Measures the native rule and
//! the component here, and lets a program of its own, built with its own versions of everything, answer for the rest: the
//! product is measured as it is shipped. Owns the order of turns; knows no other engine.

mod cases;
mod drawn;
mod other;
mod own;
mod report;
mod row;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use trueup::author::{BuildOptions, build_component};
use trueup::generate::Profile;
use trueup::rule::{Module, Pool, RuleEngine, RuleLimits};

use super::{SEED, machine};
use crate::cli;
use other::Other;
use own::{Answers, Own, Set};
use report::{Engine, Figure, Report};
use row::{Exchange, Now};

/// Cases of a batch.
pub(super) const SIZES: [u32; 4] = [64, 256, 1_024, 4_096];
/// Cases that are measured: whole batches of each size, more than a processor's second cache holds.
const CASES: u32 = 65_536;
/// How often each engine's turn comes, at each size.
const ROUNDS: usize = 7;
/// How long a turn lasts, at least, in milliseconds.
const TURN_MS: u64 = 100;
/// Cases of a batch while answers are compared.
const COMPARED: u32 = 4_096;

/// Measures everything with the program `other` and its plug-in, tells it, and writes `against.json` into `folder`.
///
/// # Errors
/// When a part fails, or two engines do not give the same answer to a case.
pub fn run(other: &Path, plugin: &Path, folder: &Path, out: &mut dyn Write) -> Result<()> {
    let work = folder.join("against");
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    fs::create_dir_all(&work)?;
    let component = build_component(&cli::root().join("rules/least-access"), &BuildOptions::default())?.component;
    let module = Module::load(&RuleEngine::new(&RuleLimits::default())?, &component)?;
    let pool = Pool::new(machine::cores() as u32 * 2);
    let ready = Module::load(&RuleEngine::pooled(&RuleLimits::default(), pool)?, &component)?;
    let own = Own::new(&module, &ready)?;
    let now = Now::of(own.settings())?;

    writeln!(out, "generating profile {}, seed {SEED} …", Profile::S.name())?;
    let (mut cases, whole) = cases::of(Profile::S, &work, &module)?;
    let all = cases.cases.len() as u32;
    ensure!(all >= CASES, "the estate has {all} cases, fewer than {CASES}");
    let set = Set::cut(&mut cases, &whole, all, COMPARED, &module)?;
    let answers = own.agree(&set)?;
    let rows = set.columns.iter().flat_map(row::rows).collect();
    Exchange { now, rows, answers: answers.verdicts.clone(), valid_until: answers.valid_until }
        .write(&work.join("cases.json"))?;

    writeln!(out, "comparing answers …")?;
    let (mut other, ready) = Other::start(other, plugin, &work)?;
    let drawn = drawn::check(&own, &work.join("drawn.json"))?;
    ensure!((drawn, all as usize) == (ready.drawn, ready.cases), "the other program compared fewer cases");
    writeln!(out, "all engines agree on {all} cases of the estate, and on {drawn} drawn ones that meet every reason")?;

    let mut engines: Vec<Engine> = own.about().into_iter().chain(ready.engines).map(Engine::new).collect();
    let mut loads = vec![machine::load()];
    for size in SIZES {
        writeln!(out, "measuring batches of {size} …")?;
        out.flush()?;
        let set = Set::cut(&mut cases, &whole, CASES, size, &module)?;
        measure(&own, &mut other, &set, size, &mut engines)?;
        loads.push(machine::load());
    }
    let report = Report { conditions: conditions(&loads, ready.wasmtime), answers: tally(&answers, own.reasons()), engines };
    report.tell(out)?;
    fs::write(folder.join("against.json"), serde_json::to_string_pretty(&report)? + "\n")?;
    Ok(fs::remove_dir_all(&work)?)
}

/// Lets all engines judge in turn, so that whatever else the machine does meets all of them.
fn measure(own: &Own<'_>, other: &mut Other, set: &Set<'_>, size: u32, engines: &mut [Engine]) -> Result<()> {
    let mut samples: Vec<Vec<f64>> = vec![Vec::new(); engines.len()];
    for _ in 0..ROUNDS {
        for (engine, samples) in samples.iter_mut().enumerate() {
            match engine.checked_sub(own::ENGINES) {
                None => samples.extend(own.turn(engine, set, Duration::from_millis(TURN_MS))?),
                Some(engine) => samples.extend(other.turn(engine, CASES, size, TURN_MS)?),
            }
        }
    }
    let native = samples.first().map_or(f64::NAN, |samples| machine::median(samples));
    for (engine, samples) in engines.iter_mut().zip(&samples) {
        engine.figures.push(Figure::new(size, samples, native));
    }
    Ok(())
}

/// How often each answer is given.
fn tally(answers: &Answers, reasons: &[String]) -> BTreeMap<String, usize> {
    let mut tally = BTreeMap::new();
    for verdict in answers.verdicts.iter().take(CASES as usize) {
        let reason = reasons.get(usize::from(verdict.reason)).map_or("unknown", String::as_str);
        *tally.entry(reason.to_owned()).or_default() += 1;
    }
    tally
}

fn conditions(loads: &[String], theirs: String) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("build", format!("{}, thin link-time optimisation on both sides", machine::profile())),
        ("cases", format!("{CASES} of profile {}, seed {SEED}, in batches of exactly each size", Profile::S.name())),
        ("load average before and after each size", loads.join(" ")),
        ("processor", format!("{}, {} cores", machine::processor(), machine::cores())),
        ("threads", "1".to_owned()),
        ("turns", format!("{ROUNDS} of at least {TURN_MS} ms for each engine and size, engine after engine")),
        ("wasmtime under extism", theirs),
    ])
}
