//! `trueup rule build` and `trueup rule test`.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::exit::{Exit, Failure, Outcome};
use super::style::{BOLD, DIM, GREEN, RED, count, paint, plural, safe};
use super::{Terminal, open};
use crate::author::{BuildOptions, Built, build_component, run_cases};
use crate::engine::EngineError;
use crate::rule::RuleLimits;

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
        writeln!(terminal.out, "{} {} ({size} bytes)", paint(GREEN, "built"), path.display())?;
    }
    Ok(Exit::Done)
}

/// `trueup rule test`: natively by the crate's own tests, then as the component on the same cases.
pub(super) fn test(terminal: &mut Terminal<'_>, dir: &Path, bless: bool) -> Outcome {
    let cases = dir.join("cases");
    if !cases.is_dir() {
        let error = anyhow::anyhow!("`{}` has no folder `cases`", dir.display());
        return Err(Failure::new(Exit::Cases, error, "a case is a JSON file: what the rule is shown and what it should answer"));
    }
    let built = component(dir)?;
    let module = open::load(&built.component, None, &RuleLimits::default())?;
    let report = run_cases(module, &[cases], bless).map_err(|error| {
        Failure::new(Exit::Cases, error, "the message names the file and the line; compare it with a case that works")
    })?;
    let native = native(dir)?;
    let agreed = report.is_ok() && native.is_ok();
    if terminal.common.json {
        terminal.json(&json!({
            "files": report.files,
            "passed": report.passed,
            "failures": report.failures,
            "reasons_without_a_case": report.unhit,
            "blessed": report.blessed,
            "native": native.is_ok(),
        }))?;
    } else {
        for failure in &report.failures {
            writeln!(terminal.out, "{} {}", paint(RED, "component:"), safe(failure))?;
        }
        for reason in &report.unhit {
            writeln!(terminal.out, "{} no case is answered with `{}`", paint(RED, "missing:"), safe(reason))?;
        }
        if let Err(text) = &native {
            writeln!(terminal.out, "{}\n{}", paint(RED, "native:"), text.lines().map(safe).collect::<Vec<_>>().join("\n"))?;
        }
        let native = if native.is_ok() { "native agrees" } else { "native does not" };
        writeln!(
            terminal.out,
            "{} {} in {}, {} {native}",
            paint(BOLD, if agreed { "passed" } else { "failed" }),
            plural(report.passed as u64, "case"),
            plural(report.files as u64, "file"),
            paint(DIM, format_args!("{} bytes of component,", count(built.component.len() as u64))),
        )?;
    }
    Ok(if agreed { Exit::Done } else { Exit::Cases })
}

fn component(dir: &Path) -> Outcome<Built> {
    build_component(dir, &BuildOptions::default())
        .map_err(|error| Failure::new(Exit::Module, error, "the compiler's own words stand above; nothing stale was used"))
}

/// Runs the crate's own tests, which hold the same cases against the native function.
fn native(dir: &Path) -> Outcome<Result<(), String>> {
    let output = Command::new("cargo").args(["test", "--quiet"]).current_dir(dir).output().map_err(|error| {
        Failure::new(Exit::Module, anyhow::Error::new(error).context("cannot start cargo"), "install Rust with rustup")
    })?;
    if output.status.success() {
        return Ok(Ok(()));
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Err(text(&output.stdout) + &text(&output.stderr)))
}

impl From<crate::rule::AdmitError> for Failure {
    fn from(error: crate::rule::AdmitError) -> Self {
        EngineError::from(error).into()
    }
}
