//! `trueup rule coverage`: which reasons, effects and places of the source the cases of a rule reach.

use serde_json::json;

use super::super::Terminal;
use super::super::exit::{Exit, Outcome};
use super::super::style::{BOLD, DIM, GREEN, RED, count, paint, plural, safe};
use super::args::CoverageArgs;
use super::{test, write_page};
use crate::author::{TrialOptions, Uncovered, coverage_page, uncovered};
use trueup_cases::Report;

/// Places that the terminal lists; the page lists all.
const SHOWN: usize = 40;

/// `trueup rule coverage`.
pub(super) fn coverage(terminal: &mut Terminal<'_>, args: &CoverageArgs) -> Outcome {
    let trial = test::trial(&args.dir, &TrialOptions { component_only: true, ..TrialOptions::default() })?;
    let report = &trial.report;
    let places = match args.no_source {
        true => Err("--no-source".to_owned()),
        // Natively nothing ends a loop.
        false if report.failures.iter().any(|problem| problem.code.starts_with("TR02")) => {
            Err("the component does not answer all cases".to_owned())
        }
        false => uncovered(&args.dir).map_err(|error| error.to_string()),
    };
    if let Some(path) = &args.html {
        write_page(path, &coverage_page(report, places.as_deref().map_err(String::as_str)))?;
    }
    let exit = if report.is_ok() { Exit::Done } else { Exit::Cases };
    if terminal.common.json {
        let (found, why) = match &places {
            Ok(found) => (Some(found), None),
            Err(why) => (None, Some(why)),
        };
        terminal.json(&json!({
            "rule": report.rule, "reasons": report.hits, "reasons_without_a_case": report.unhit,
            "unreached": found, "source_not_measured": why,
        }))?;
        return Ok(exit);
    }
    print(terminal, report)?;
    sources(terminal, places.as_deref().map_err(String::as_str))?;
    if !report.failures.is_empty() {
        let failed = plural(report.failures.len() as u64, "problem");
        writeln!(terminal.out, "{} {failed}: `trueup rule test` tells", paint(RED, "the cases disagree:"))?;
    }
    Ok(exit)
}

fn sources(terminal: &mut Terminal<'_>, places: Result<&[Uncovered], &str>) -> Outcome<()> {
    let places = match places {
        Ok(places) => places,
        Err(why) => return Ok(writeln!(terminal.out, "{}", paint(DIM, format_args!("source not measured: {}", safe(why))))?),
    };
    if places.is_empty() {
        writeln!(terminal.out, "{}", paint(BOLD, "every branch of the source is reached by a case"))?;
    } else {
        let many = plural(places.len() as u64, "place");
        writeln!(terminal.out, "{}", paint(BOLD, format_args!("{many} of the source that no case reaches")))?;
    }
    for place in places.iter().take(SHOWN) {
        let at = format!("{}:{}:{}", place.file, place.line, place.column);
        writeln!(terminal.out, "  {} {:<28} {}", paint(RED, "✗"), safe(&at), paint(DIM, safe(&place.text)))?;
    }
    Ok(())
}

/// Reasons with the effects that they were given with, the ones without a case last.
pub(super) fn print(terminal: &mut Terminal<'_>, report: &Report) -> Outcome<()> {
    let all = report.hits.len() + report.unhit.len();
    writeln!(terminal.out, "{}", paint(BOLD, format_args!("{} of {all} reasons are shown by cases", report.hits.len())))?;
    for (reason, effects) in &report.hits {
        let effects: Vec<String> = effects.iter().map(|(effect, cases)| format!("{effect} {}", count(*cases))).collect();
        writeln!(terminal.out, "  {} {:<28} {}", paint(GREEN, "✓"), safe(reason), effects.join(", "))?;
    }
    for reason in &report.unhit {
        writeln!(terminal.out, "  {} {:<28} no case", paint(RED, "✗"), safe(reason))?;
    }
    if report.no_opinion > 0 {
        writeln!(terminal.out, "    {:<28} {}", "(no opinion)", count(report.no_opinion))?;
    }
    Ok(())
}
