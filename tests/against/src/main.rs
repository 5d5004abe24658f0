//! What else could judge: the decision of `least-access` in Rust, behind extism, and in four languages. `make bench-against`
//! lets the bench of trueup's own tests drive it, so that trueup is measured as it is shipped and nothing here is built into it:
//! `trueup-against PLUGIN.wasm FOLDER` reads `cases.json` there, writes `drawn.json`, and then takes turns as it is asked to.
//!
//! No engine gets a turn before it has given the expected answer to every case: to the bench's, and to drawn ones that meet
//! every reason of the rule.

mod engines;
mod exchange;
mod plugin;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, Write, stdin, stdout};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use trueup_against_decision::{Now, REASONS, Row, drawn, judge};

use engines::Engine;
use exchange::{About, Cases, Ready, Turn, version};

/// Drawn cases: enough to meet each reason some dozens of times.
const DRAWN: usize = 32_768;
/// Cases of a batch while answers are compared.
const COMPARED: usize = 4_096;

fn main() -> Result<()> {
    let args: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [plugin, folder] = args.as_slice() else { bail!("trueup-against PLUGIN.wasm FOLDER") };
    let plugin = fs::read(plugin).with_context(|| plugin.display().to_string())?;
    let text = fs::read_to_string(folder.join("cases.json")).context("cases.json")?;
    let cases: Cases<'_> = serde_json::from_str(&text)?;
    let mut engines = engines::all(&cases.now, &plugin)?;

    let drawn = drawn_cases(&cases.now)?;
    for engine in &mut engines {
        let name = engine.name();
        compare(engine.as_mut(), &drawn).with_context(|| format!("{name}, drawn cases"))?;
        compare(engine.as_mut(), &cases).with_context(|| name)?;
    }
    drawn.write(&folder.join("drawn.json"))?;
    let about = |engine: &dyn Engine| About {
        name: engine.name(),
        version: format!("{} {}", engine.package(), version(engine.package())),
        about: engine.about(),
    };
    let wasmtime = version("wasmtime");
    let about = engines.iter().map(|engine| about(engine.as_ref())).collect();
    say(&Ready { engines: about, drawn: DRAWN, cases: cases.rows.len(), wasmtime })?;
    for line in stdin().lock().lines() {
        let turn: Turn = serde_json::from_str(&line?)?;
        let engine = engines.get_mut(turn.engine).context("there is no such engine")?;
        let rows = cases.rows.get(..turn.cases).context("there are fewer cases")?;
        say(&take(engine.as_mut(), &cases.now, rows, &turn)?)?;
    }
    Ok(())
}

fn say(line: &impl serde::Serialize) -> Result<()> {
    let mut out = stdout().lock();
    serde_json::to_writer(&mut out, line)?;
    writeln!(out)?;
    Ok(out.flush()?)
}

/// Drawn cases with the answers of the plain function.
fn drawn_cases(now: &Now) -> Result<Cases<'static>> {
    let rows = drawn(now, DRAWN);
    let (answers, valid_until) = judge(now, &rows);
    let met: BTreeSet<u8> = answers.iter().map(|verdict| verdict.reason).collect();
    ensure!(met.len() == REASONS.len(), "drawn cases meet {} of {} reasons", met.len(), REASONS.len());
    Ok(Cases { now: *now, rows, answers, valid_until })
}

/// Whether an engine gives exactly these answers.
fn compare(engine: &mut dyn Engine, cases: &Cases<'_>) -> Result<()> {
    let mut earliest = None;
    for (rows, expected) in cases.rows.chunks(COMPARED).zip(cases.answers.chunks(COMPARED)) {
        let (verdicts, valid_until) = engine.judge(&cases.now, rows)?;
        ensure!(verdicts.len() == rows.len(), "{} answers to {} cases", verdicts.len(), rows.len());
        for ((found, expected), row) in verdicts.iter().zip(expected).zip(rows) {
            ensure!(found == expected, "{found:?}, not {expected:?}, of {row:?}");
        }
        earliest = earliest.into_iter().chain(valid_until).min();
    }
    ensure!(cases.answers.len() == cases.rows.len(), "{} answers to compare with", cases.answers.len());
    let held = earliest.is_none_or(|earliest| earliest == cases.valid_until);
    ensure!(held, "answers hold until {earliest:?}, not {}", cases.valid_until);
    Ok(())
}

/// Lets an engine judge all rows over and over, and gives how long each time took, in nanoseconds a case.
fn take(engine: &mut dyn Engine, now: &Now, rows: &[Row<'_>], turn: &Turn) -> Result<Vec<f64>> {
    let (begun, mut samples) = (clock(), Vec::new());
    while samples.is_empty() || begun.elapsed() < Duration::from_millis(turn.lasts_ms) {
        let from = clock();
        let told = rows.chunks(turn.batch).map(|rows| engine.judge(now, rows)).collect::<Result<Vec<_>>>()?;
        samples.push(from.elapsed().as_secs_f64() * 1e9 / rows.len() as f64);
        drop(std::hint::black_box(told));
    }
    Ok(samples)
}

#[expect(clippy::disallowed_methods, reason = "it measures")]
fn clock() -> Instant {
    Instant::now()
}
