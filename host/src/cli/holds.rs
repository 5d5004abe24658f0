//! `trueup holds`: what waits for a person, and why.

use serde_json::json;

use super::args::HoldsArgs;
use super::exit::{Exit, Outcome};
use super::style::{BOLD, CYAN, DIM, YELLOW, count, paint, plural, safe};
use super::{Terminal, open, plan};
use crate::engine::WorkItem;

/// `trueup holds`.
pub(super) fn holds(terminal: &mut Terminal<'_>, args: &HoldsArgs) -> Outcome {
    let holds = open::reader(terminal)?.holds()?;
    if terminal.common.json {
        let gates: Vec<_> = holds
            .gates
            .iter()
            .take(args.show)
            .map(|waiting| json!({ "change": waiting.change.id, "key": waiting.change.key, "kind": waiting.change.kind, "closed": waiting.closed, "reason": waiting.change.reason }))
            .collect();
        let held: Vec<_> = holds.held.iter().take(args.show).collect();
        terminal.json(&json!({
            "plan": holds.plan,
            "gates": gates,
            "gates_total": holds.gates.len(),
            "scans": holds.scans,
            "clock": holds.clock,
            "held": held,
            "held_total": holds.held.len(),
            "work": holds.work.iter().take(args.show).map(|work| json!({ "is": work.name(), "work": work })).collect::<Vec<_>>(),
            "work_total": holds.work.len(),
        }))?;
        return Ok(Exit::Done);
    }
    let nothing = holds.gates.is_empty() && holds.scans.is_empty() && holds.held.is_empty() && holds.work.is_empty();
    if nothing && holds.clock.is_none() {
        writeln!(terminal.out, "nothing waits")?;
        return Ok(Exit::Done);
    }
    for scan in &holds.scans {
        writeln!(
            terminal.out,
            "{} source {} lost {} of {} rows for {}",
            paint(YELLOW, "!"),
            paint(BOLD, safe(&scan.source)),
            count(scan.lost),
            count(scan.of),
            safe(&scan.target)
        )?;
        let command = format!("trueup release --scan {} --by YOU --why REASON", safe(&scan.source));
        writeln!(terminal.out, "  if that is right: {}, then {}", paint(CYAN, command), paint(CYAN, "trueup run"))?;
    }
    if holds.clock.is_some() {
        let doubt = format!("the clock is far from {}, when the last run that was believed began", holds.clock);
        writeln!(terminal.out, "{} {doubt}", paint(YELLOW, "!"))?;
        let command = "trueup release --gate clock --by YOU --why REASON";
        writeln!(terminal.out, "  if the clock is right: {}", paint(CYAN, command))?;
    }
    people(terminal, &holds.work, args.show)?;
    if !holds.gates.is_empty() {
        writeln!(
            terminal.out,
            "\n{}",
            paint(BOLD, format_args!("{} at closed gates", plural(holds.gates.len() as u64, "change")))
        )?;
        for waiting in holds.gates.iter().take(args.show) {
            write!(terminal.out, "{} {}", paint(CYAN, waiting.change.id.0.short()), safe(&waiting.change.key.to_string()))?;
            writeln!(terminal.out)?;
            plan::line(terminal, &waiting.change)?;
        }
        more(terminal, holds.gates.len(), args.show)?;
        let command = "trueup release CHANGE… --by YOU --why REASON";
        writeln!(terminal.out, "open with {}, then {}", paint(CYAN, command), paint(CYAN, "trueup resume"))?;
    }
    if !holds.held.is_empty() {
        writeln!(terminal.out, "\n{}", paint(BOLD, format_args!("{} held", plural(holds.held.len() as u64, "case"))))?;
        for line in holds.held.iter().take(args.show) {
            let why = format!("{} ({})", safe(&line.reason.text), safe(&line.reason.code));
            writeln!(terminal.out, "  {:5} {:8} {}  {}", line.by, line.effect, safe(&line.key.to_string()), paint(DIM, why))?;
        }
        more(terminal, holds.held.len(), args.show)?;
    }
    Ok(Exit::Done)
}

/// Work that people have open; what is overdue stands first.
fn people(terminal: &mut Terminal<'_>, work: &[WorkItem], show: usize) -> Outcome<()> {
    if work.is_empty() {
        return Ok(());
    }
    let late = work.iter().filter(|item| item.overdue).count();
    let title = format!("{} open, {} overdue", plural(work.len() as u64, "work item"), count(late as u64));
    writeln!(terminal.out, "\n{}", paint(BOLD, title))?;
    for item in work.iter().take(show) {
        let mark = if item.overdue { paint(YELLOW, "!") } else { paint(DIM, "·") };
        let who = if item.by.is_empty() { "nobody works on it yet".to_owned() } else { safe(&item.by) };
        let (name, key) = (safe(&item.item), safe(&item.key.to_string()));
        writeln!(terminal.out, "{mark} {} {key}  due {} ({who})", paint(CYAN, name), item.due)?;
    }
    more(terminal, work.len(), show)
}

fn more(terminal: &mut Terminal<'_>, total: usize, show: usize) -> Outcome<()> {
    if total > show {
        writeln!(terminal.out, "  {}", paint(DIM, format_args!("… and {} more (--show N)", count((total - show) as u64))))?;
    }
    Ok(())
}
