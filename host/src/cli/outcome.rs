//! How a commit is shown: every change accounted for, and what waits.

use serde_json::{Value, json};

use super::Terminal;
use super::exit::Outcome;
use super::style::{BOLD, CYAN, DIM, GREEN, RED, YELLOW, count, paint, plural, safe};
use crate::engine::Applied;

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
        plural(outcomes.total, "change"),
    )?;
    for (end, number) in &outcomes.ended {
        writeln!(terminal.out, "{} {} {}", paint(RED, "-"), plural(*number, "change"), safe(end))?;
    }
    for (gate, number) in &outcomes.waiting {
        writeln!(terminal.out, "{} {} at gate {}", paint(YELLOW, "!"), plural(*number, "change"), safe(gate))?;
    }
    writeln!(
        terminal.out,
        "{}",
        paint(DIM, format_args!("audit log: {}, root {}", plural(applied.head.size, "leaf").replace("leafs", "leaves"), applied.head.root))
    )?;
    if applied.waits() {
        writeln!(terminal.out, "look at what waits with {}", paint(CYAN, "trueup holds"))?;
    }
    Ok(())
}
