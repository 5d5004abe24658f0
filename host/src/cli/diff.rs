//! `trueup rule diff MODULE`: what another version of the rule would decide, grouped, the riskiest first.

use std::path::Path;

use super::exit::{Exit, Outcome};
use super::style::{BOLD, CYAN, DIM, GREEN, RED, YELLOW, count, paint, plural, safe};
use super::{Terminal, open};
use crate::engine::{Comparison, Fate};

/// `trueup rule diff`.
pub(super) fn diff(terminal: &mut Terminal<'_>, path: &Path, show: usize, exit_code: bool) -> Outcome {
    let engine = open::reader(terminal)?;
    let (module, settings) = open::version(terminal, path)?;
    tell(terminal, &engine.compare(&module, &settings)?, show, exit_code)
}

/// Tells what two versions of a rule make of the same cases.
pub(super) fn tell(terminal: &mut Terminal<'_>, found: &Comparison, show: usize, exit_code: bool) -> Outcome {
    let differs = found.same < found.cases;
    let exit = if exit_code && differs { Exit::Waiting } else { Exit::Done };
    if terminal.common.json {
        terminal.json(found)?;
        return Ok(exit);
    }
    let title = format!("{} beside {}", safe(&found.then), safe(&found.now));
    writeln!(terminal.out, "{} on what {} saw as of {}", paint(BOLD, title), found.run, found.as_of)?;
    writeln!(
        terminal.out,
        "  {} of {} decided alike; changes: {} more, {} fewer, {} otherwise",
        count(found.same),
        plural(found.cases, "case"),
        paint(GREEN, count(found.added)),
        paint(RED, count(found.removed)),
        paint(YELLOW, count(found.altered)),
    )?;
    for fault in found.faults.iter().take(show) {
        writeln!(terminal.out, "  {} {}", paint(RED, "the other version failed:"), safe(fault))?;
    }
    for group in &found.groups {
        let (now, then) = (words(&group.now), words(&group.then));
        let tier = format!("tier {}", group.tier);
        writeln!(terminal.out, "  {:>8}  {}  {now} {} {then}", count(group.cases), paint(CYAN, tier), paint(BOLD, "→"))?;
    }
    for difference in found.first.iter().take(show) {
        let (now, then) = (words(&difference.now), words(&difference.then));
        let key = safe(&difference.key.to_string());
        writeln!(terminal.out, "    {key}  {}", paint(DIM, format_args!("{now} → {then}")))?;
    }
    let rest = (found.cases - found.same).saturating_sub(found.first.len().min(show) as u64);
    if rest > 0 {
        writeln!(terminal.out, "    {}", paint(DIM, format_args!("and {} more", plural(rest, "case"))))?;
    }
    Ok(exit)
}

fn words(fate: &Fate) -> String {
    if fate.reason.is_empty() { fate.what.to_owned() } else { format!("{} ({})", fate.what, safe(&fate.reason)) }
}
