//! How a commit is shown: every change accounted for, and what waits.

use serde_json::{Value, json};

use super::Terminal;
use super::exit::Outcome;
use super::style::{BOLD, CYAN, DIM, GREEN, RED, YELLOW, count, paint, plural, safe};
use crate::commit::Rest;
use crate::engine::Applied;

/// Ended changes that are listed one by one.
const ENDED_LISTED: usize = 10;

/// For machines.
pub(super) fn as_json(applied: &Applied) -> Value {
    json!({ "plan": applied.plan, "outcomes": applied.outcomes, "log": applied.head })
}

/// For people.
pub(super) fn print(terminal: &mut Terminal<'_>, applied: &Applied) -> Outcome<()> {
    let outcomes = &applied.outcomes;
    writeln!(terminal.out)?;
    let confirmed: u64 = outcomes.confirmed.values().sum();
    let grades: Vec<_> = outcomes.confirmed.iter().map(|(grade, number)| format!("{} by {grade:?}", count(*number))).collect();
    let grades = if grades.is_empty() { String::new() } else { format!(" ({})", grades.join(", ")) };
    writeln!(
        terminal.out,
        "{}  {} confirmed{grades} of {}",
        paint(BOLD, format_args!("committed plan {}", applied.plan.0.short())),
        paint(GREEN, count(confirmed)),
        plural(outcomes.changes, "change"),
    )?;
    for (end, number) in &outcomes.ended {
        writeln!(terminal.out, "{} {} {}", paint(RED, "-"), plural(*number, "change"), safe(end))?;
    }
    for (why, number) in &outcomes.open {
        writeln!(terminal.out, "{} {} open: {}", paint(YELLOW, "!"), plural(*number, "change"), safe(why))?;
    }
    for change in outcomes.listed.iter().filter(|change| matches!(change.rest, Rest::Ended(_))).take(ENDED_LISTED) {
        let words = if change.words.is_empty() { String::new() } else { format!(": {}", safe(&change.words)) };
        let Rest::Ended(end) = &change.rest else { continue };
        writeln!(terminal.out, "    {} {}{words}", safe(&change.key.to_string()), paint(DIM, end.name()))?;
    }
    writeln!(
        terminal.out,
        "{}",
        paint(DIM, format_args!("audit log: {}, root {}", format!("{} leaves", count(applied.head.size)), applied.head.root))
    )?;
    if applied.waits() {
        writeln!(terminal.out, "look at what waits with {}", paint(CYAN, "trueup holds"))?;
    }
    Ok(())
}
