//! `trueup rule build` and `trueup rule test`.

use std::path::Path;

use serde_json::json;

use super::super::exit::{Exit, Failure, Outcome};
use super::super::style::{BOLD, DIM, GREEN, RED, YELLOW, count, paint, plural, safe};
use super::super::{Terminal, open};
use super::args::TestArgs;
use super::coverage;
use crate::author::{AuthorError, BuildError, BuildOptions, Built, Coded as _, Trial, TrialOptions, build_component, try_rule};
use crate::engine::EngineError;
use crate::rule::{Module, RuleLimits};

/// `trueup rule build`.
pub(super) fn build(terminal: &mut Terminal<'_>, dir: &Path, out: Option<&Path>) -> Outcome {
    let built = component(dir)?;
    let path = out.map_or_else(|| dir.join("target").join(format!("{}.wasm", built.name)), Path::to_owned);
    let unwritable = |error: std::io::Error| {
        let message = anyhow::Error::new(error).context(format!("cannot write `{}`", path.display()));
        Failure::new(Exit::Unwritable, message, "choose another place with --out")
    };
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).map_err(unwritable)?;
    std::fs::write(&path, &built.component).map_err(unwritable)?;
    if terminal.common.json {
        terminal.json(&json!({ "component": path, "bytes": built.component.len() }))?;
    } else {
        let size = count(built.component.len() as u64);
        let shown = path.strip_prefix(".").unwrap_or(&path).display();
        writeln!(terminal.out, "{} {shown} ({size} bytes)", paint(GREEN, "built"))?;
    }
    Ok(Exit::Done)
}

/// `trueup rule test`: the component, natively, and both compared, on every case.
pub(super) fn test(terminal: &mut Terminal<'_>, args: &TestArgs) -> Outcome {
    let options = TrialOptions {
        bless: args.bless,
        component_only: args.component_only,
        component: args.component.clone(),
        ..TrialOptions::default()
    };
    let trial = trial(&args.dir, &options)?;
    if terminal.common.json {
        terminal.json(&as_json(&trial))?;
    } else {
        print(terminal, &trial, args.verbose)?;
    }
    Ok(if trial.is_ok() { Exit::Done } else { Exit::Cases })
}

/// Tries the rule in a folder with this program's compiler and the usual limits.
pub(super) fn trial(dir: &Path, options: &TrialOptions) -> Outcome<Trial> {
    let engine = open::rules(None, &RuleLimits::default())?;
    Ok(try_rule(dir, options, |component| Module::load(&engine, component))?)
}

fn as_json(trial: &Trial) -> serde_json::Value {
    let report = &trial.report;
    let failures: Vec<_> = report.failures.iter().map(|problem| json!({ "code": problem.code, "text": problem.text })).collect();
    let cost = |cost: &trueup_cases::FileCost| {
        let (fuel, memory) = cost.cost.as_ref().map_or((0, 0), |cost| (cost.fuel, cost.memory));
        json!({ "file": cost.path, "cases": cost.cases, "fuel": fuel, "memory_bytes": memory })
    };
    json!({
        "rule": report.rule,
        "files": report.files,
        "passed": report.passed,
        "failures": failures,
        "reasons_without_a_case": report.unhit,
        "reasons": report.hits,
        "blessed": report.blessed,
        "native": trial.native,
        "notes": trial.notes,
        "costs": report.costs.iter().map(cost).collect::<Vec<_>>(),
    })
}

/// What came of a trial, for people: what is wrong, then what it cost, then the count.
pub(super) fn print(terminal: &mut Terminal<'_>, trial: &Trial, verbose: bool) -> Outcome<()> {
    let report = &trial.report;
    if verbose {
        costs(terminal, trial)?;
        coverage::print(terminal, report)?;
    }
    for path in &report.blessed {
        writeln!(terminal.out, "{} {}", paint(YELLOW, "rewritten:"), path.strip_prefix(".").unwrap_or(path).display())?;
    }
    for problem in &report.failures {
        writeln!(terminal.out, "{} {}", paint(RED, format_args!("error[{}]:", problem.code)), lines(&problem.text))?;
    }
    // What was not answered has no reason: that is not the author's next mistake to look for.
    let silent = report.failures.iter().any(|problem| problem.code.starts_with("TR02"));
    for reason in report.unhit.iter().filter(|_| !silent) {
        let code = trueup_cases::code::UNHIT;
        writeln!(terminal.out, "{} no case is answered with `{}`", paint(RED, format_args!("error[{code}]:")), safe(reason))?;
    }
    if !trial.tests.is_empty() {
        writeln!(terminal.out, "{}", paint(DIM, lines(trial.tests.trim_end())))?;
    }
    for note in &trial.notes {
        writeln!(terminal.out, "{} {}", paint(YELLOW, "note:"), safe(note))?;
    }
    let native = match trial.native {
        Some(true) => "native agrees",
        Some(false) => "native does not",
        None => "native was left out",
    };
    let (all, files) = (plural(report.answers.len() as u64, "case"), plural(report.files as u64, "file"));
    let cases = match trial.is_ok() {
        true => format!("{all} in {files}"),
        false => format!("{} of {all} in {files} as expected", count(report.passed as u64)),
    };
    writeln!(
        terminal.out,
        "{} {} {cases}, {} {native}",
        paint(BOLD, if trial.is_ok() { "passed" } else { "failed" }),
        safe(&report.rule),
        paint(DIM, format_args!("{} bytes of component,", count(trial.built.component.len() as u64))),
    )?;
    let mut codes: Vec<&str> = report.failures.iter().map(|problem| problem.code).collect();
    codes.dedup();
    if let Some(code) = codes.first() {
        writeln!(terminal.out, "{}", paint(DIM, format_args!("`trueup rule explain {code}` tells what to do about it")))?;
    }
    Ok(())
}

/// Several lines, each safe to print.
pub(super) fn lines(text: &str) -> String {
    text.lines().map(safe).collect::<Vec<_>>().join("\n")
}

/// What each file cost, and what the rule logged over it.
fn costs(terminal: &mut Terminal<'_>, trial: &Trial) -> Outcome<()> {
    let limits = RuleLimits::default();
    for file in &trial.report.costs {
        let Some(cost) = &file.cost else { continue };
        writeln!(
            terminal.out,
            "  {}  {}, {} fuel of {}, {} KiB of {}",
            file.path.display(),
            plural(file.cases as u64, "case"),
            count(cost.fuel),
            count(limits.fuel(file.cases)),
            count(cost.memory.div_ceil(1024)),
            count(limits.memory_bytes / 1024),
        )?;
        for line in &cost.log {
            writeln!(terminal.out, "    {}", paint(DIM, format_args!("log: {}", safe(line))))?;
        }
    }
    Ok(())
}

fn component(dir: &Path) -> Outcome<Built> {
    Ok(build_component(dir, &BuildOptions::default()).map_err(AuthorError::from)?)
}

impl From<AuthorError> for Failure {
    fn from(error: AuthorError) -> Self {
        let code = error.code();
        let (exit, help) = match &error {
            AuthorError::Build(BuildError::Compile(_)) => {
                (Exit::Module, "the compiler's own words stand above; nothing stale was used")
            }
            AuthorError::Build(_) => (Exit::Module, "nothing stale was used"),
            AuthorError::Engine(_) => (Exit::Internal, "try again where there is more memory"),
            AuthorError::Settings(_) => (Exit::Config, "`trueup rule inspect` lists the settings"),
            AuthorError::Cases(_) => (Exit::Cases, "the message names the file and the line; compare it with a case that works"),
            AuthorError::NoCases(_) => (Exit::Cases, "a case is a JSON file: what the rule is shown and what it should answer"),
            AuthorError::Stale(_) => (Exit::Module, "nothing was tested"),
            AuthorError::Read { .. } => (Exit::NotFound, "correct the path"),
            AuthorError::Write { .. } => (Exit::Unwritable, "make room there, or allow writing there"),
            AuthorError::FuelRecord { .. } => (Exit::Cases, "it is written by machines alone"),
            AuthorError::Admit(_) => {
                let AuthorError::Admit(error) = error else { return Failure::new(Exit::Internal, error, "") };
                return EngineError::from(error).into();
            }
        };
        Failure::new(exit, error, help).coded(code)
    }
}

impl From<crate::rule::AdmitError> for Failure {
    fn from(error: crate::rule::AdmitError) -> Self {
        EngineError::from(error).into()
    }
}
