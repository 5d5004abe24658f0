//! Which reasons and effects the cases of a rule show.

use super::super::Terminal;
use super::super::exit::Outcome;
use super::super::style::{BOLD, GREEN, RED, count, paint, safe};
use trueup_cases::Report;

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
