//! `trueup rule bench` and `trueup rule watch`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::super::exit::{Exit, Outcome};
use super::super::style::{BOLD, DIM, RED, YELLOW, count, paint, safe};
use super::super::{Terminal, open};
use super::args::{BenchArgs, WatchArgs};
use super::test;
use crate::author::{AuthorError, BuildOptions, TrialOptions, bench as measure, beside_native, build_component};
use crate::rule::RuleLimits;

/// How often sources are looked at, in milliseconds: far below what a person notices.
const LOOK_MILLISECONDS: u64 = 150;

/// `trueup rule bench`.
pub(super) fn bench(terminal: &mut Terminal<'_>, args: &BenchArgs) -> Outcome {
    let built = build_component(&args.dir, &BuildOptions::default()).map_err(AuthorError::from)?;
    let module = open::load(&built.component, None, &RuleLimits::default())?;
    let mut costs = measure(&module, &args.dir, args.rounds)?;
    let native = (!args.component_only).then(|| beside_native(&mut costs, &args.dir, args.rounds));
    if terminal.common.json {
        terminal.json(&costs)?;
        return Ok(Exit::Done);
    }
    let title = format!("{}, {} rounds, the median; an instance is made for each call", module.facts().label(), args.rounds);
    writeln!(terminal.out, "{}", paint(BOLD, safe(&title)))?;
    writeln!(
        terminal.out,
        "  {:>6} {:>12} {:>10} {:>8} {:>12} {:>7} {:>8} {:>9}",
        "cases", "ns/case", "native", "×native", "fuel/case", "×least", "of fuel", "memory"
    )?;
    for cost in &costs {
        let native = cost.native_nanoseconds_per_case.map_or_else(|| "-".to_owned(), |native| format!("{native:.1}"));
        let beside = cost.beside_native.map_or_else(|| "-".to_owned(), |beside| format!("{beside:.1}"));
        writeln!(
            terminal.out,
            "  {:>6} {:>12} {native:>10} {beside:>8} {:>12} {:>7.1} {:>6.1} % {:>5} KiB  {}",
            count(cost.cases),
            count(cost.nanoseconds_per_case),
            count(cost.fuel_per_case),
            cost.ratio,
            cost.fuel_permille as f64 / 10.0,
            count(cost.memory_bytes / 1024),
            safe(&cost.file),
        )?;
    }
    match native {
        Some(Ok(())) => {
            let text = "native: the same function called directly, compiled as the component is; over few cases most of the difference is the instance";
            writeln!(terminal.out, "{}", paint(DIM, text))?;
        }
        Some(Err(problem)) => {
            writeln!(terminal.out, "{} {}", paint(YELLOW, format_args!("note[{}]:", problem.code)), safe(&problem.text))?;
        }
        None => {}
    }
    Ok(Exit::Done)
}

/// `trueup rule watch`: after each save, first the component, then the native function.
#[expect(clippy::disallowed_methods, reason = "how long a round took is told to people; nothing depends on it")]
pub(super) fn watch(terminal: &mut Terminal<'_>, args: &WatchArgs) -> Outcome {
    let mut seen = None;
    let mut rounds = 0;
    loop {
        let now = look(&args.dir);
        if seen.as_ref() == Some(&now) {
            std::thread::sleep(Duration::from_millis(LOOK_MILLISECONDS));
            continue;
        }
        seen = Some(now);
        let began = Instant::now();
        for component_only in [true, false] {
            if component_only || args.native {
                round(terminal, &args.dir, component_only, began)?;
            }
        }
        rounds += 1;
        if args.rounds.is_some_and(|most| rounds >= most) {
            return Ok(Exit::Done);
        }
    }
}

/// Tries the rule once. What is wrong with it is shown, and ends nothing.
fn round(terminal: &mut Terminal<'_>, dir: &Path, component_only: bool, began: Instant) -> Outcome<()> {
    match test::trial(dir, &TrialOptions { component_only, ..TrialOptions::default() }) {
        Ok(trial) => test::print(terminal, &trial, false)?,
        Err(failure) => {
            let code = failure.code.map(|code| format!("[{code}]")).unwrap_or_default();
            writeln!(terminal.out, "{} {}", paint(RED, format_args!("error{code}:")), safe(&failure.message()))?;
        }
    }
    writeln!(terminal.out, "{}", paint(DIM, format_args!("{:.1} s after the save was seen", began.elapsed().as_secs_f64())))?;
    Ok(terminal.out.flush()?)
}

/// When each file of a rule was written last, and how long it is.
fn look(dir: &Path) -> BTreeMap<PathBuf, (Option<SystemTime>, u64)> {
    let mut found = BTreeMap::new();
    let mut open = vec![dir.join("src"), dir.join("cases"), dir.join("Cargo.toml")];
    while let Some(path) = open.pop() {
        // What is gone meanwhile is not there.
        let Ok(meta) = std::fs::metadata(&path) else { continue };
        if meta.is_dir() {
            open.extend(std::fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        } else {
            found.insert(path, (meta.modified().ok(), meta.len()));
        }
    }
    found
}
