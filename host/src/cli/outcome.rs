//! How a commit is shown: every change accounted for, and what waits.

use serde_json::{Value, json};

use super::Terminal;
use super::exit::Outcome;
use super::style::{BOLD, CYAN, DIM, GREEN, RED, YELLOW, count, paint, plural, safe};
use crate::commit::{Outcomes, Rest};
use crate::engine::Applied;
use crate::model::PlanId;

/// Ended changes that are listed one by one.
const ENDED_LISTED: usize = 10;

/// For machines.
pub(super) fn as_json(applied: &Applied) -> Value {
    json!({
        "plan": applied.plan,
        "outcomes": applied.outcomes,
        "log": applied.head,
        "amendments": applied.amendments,
        "contended": applied.contended,
    })
}

/// For people.
pub(super) fn print(terminal: &mut Terminal<'_>, applied: &Applied) -> Outcome<()> {
    writeln!(terminal.out)?;
    plan(terminal, "committed plan", applied.plan, &applied.outcomes)?;
    for amended in &applied.amendments {
        if !amended.identities.is_empty() {
            let (who, them) =
                (plural(amended.identities.len() as u64, "identity"), if amended.identities.len() == 1 { "it" } else { "them" });
            writeln!(terminal.out, "\n{who} moved meanwhile; read {them} again and planned anew")?;
        }
        plan(terminal, "amendment", amended.plan, &amended.outcomes)?;
    }
    if !applied.contended.is_empty() {
        let who: Vec<_> = applied.contended.iter().take(ENDED_LISTED).map(|who| safe(who).to_string()).collect();
        let who = format!("{} ({})", plural(applied.contended.len() as u64, "identity"), who.join(", "));
        writeln!(terminal.out, "{} contended: {who} moved each time; left to the next run", paint(YELLOW, "!"))?;
    }
    let head = applied.amendments.last().map_or(applied.head, |amended| amended.head);
    let leaves = format!("{} leaves", count(head.size));
    writeln!(terminal.out, "{}", paint(DIM, format_args!("audit log: {leaves}, root {}", head.root)))?;
    if applied.waits() {
        writeln!(terminal.out, "look at what waits with {}", paint(CYAN, "trueup holds"))?;
    }
    Ok(())
}

/// What became of the changes of one plan.
fn plan(terminal: &mut Terminal<'_>, what: &str, plan: PlanId, outcomes: &Outcomes) -> Outcome<()> {
    let confirmed: u64 = outcomes.confirmed.values().sum();
    let grades: Vec<_> = outcomes.confirmed.iter().map(|(grade, number)| format!("{} by {grade:?}", count(*number))).collect();
    let grades = if grades.is_empty() { String::new() } else { format!(" ({})", grades.join(", ")) };
    writeln!(
        terminal.out,
        "{}  {} confirmed{grades} of {}",
        paint(BOLD, format_args!("{what} {}", plan.0.short())),
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
    Ok(())
}
