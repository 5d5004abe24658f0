//! `trueup explain CASE`: both sides, what the rule said, what the host made of it.

use super::args::ExplainArgs;
use super::exit::{Exit, Outcome};
use super::style::{BOLD, DIM, YELLOW, paint, safe};
use super::{Terminal, open, plan};

/// `trueup explain`.
pub(super) fn explain(terminal: &mut Terminal<'_>, args: &ExplainArgs) -> Outcome {
    let engine = open::reader(terminal)?;
    let why = engine.explain(&args.case)?;
    if terminal.common.json {
        terminal.json(&why)?;
        return Ok(Exit::Done);
    }
    writeln!(terminal.out, "{}  of {} as of {}", paint(BOLD, safe(&why.key.to_string())), safe(&why.identity), why.as_of)?;
    let differs = if why.differs.is_empty() { String::new() } else { format!("; differs in {}", why.differs.join(", ")) };
    writeln!(terminal.out, "  desired {}, observed {}, recorded {}{differs}", why.desired, why.observed, why.recorded)?;
    if !why.record.is_empty() {
        writeln!(terminal.out, "  justified by {}", safe(&why.record))?;
    }
    let scope = why.scope.as_deref().unwrap_or("none: only observed");
    writeln!(terminal.out, "  scope {}", safe(scope))?;
    match (&why.effect, &why.reason, &why.fault) {
        (_, _, Some(fault)) => writeln!(terminal.out, "  {} {}", paint(YELLOW, "the rule failed:"), safe(fault))?,
        (Some(effect), Some(reason), _) => {
            writeln!(terminal.out, "  the rule says {}: {} ({})", paint(BOLD, effect), safe(&reason.text), safe(&reason.code))?;
        }
        _ => writeln!(terminal.out, "  the rule does not answer: what is stays")?,
    }
    if let Some(refusal) = &why.refusal {
        writeln!(terminal.out, "  {} {} ({})", paint(YELLOW, "the host refuses:"), safe(&refusal.text), refusal.code)?;
    }
    match &why.change {
        Some(change) => {
            writeln!(terminal.out, "  planned as {}", change.id.0.short())?;
            plan::line(terminal, change)?;
        }
        None => writeln!(terminal.out, "  nothing is planned")?,
    }
    if !why.changed.is_empty() {
        let what = format!("{} changed since that plan: this is what they say now", why.changed.join(" and "));
        writeln!(terminal.out, "  {} {what}", paint(YELLOW, "!"))?;
    }
    for line in &why.log {
        writeln!(terminal.out, "  {}", paint(DIM, format_args!("log: {}", safe(line))))?;
    }
    Ok(Exit::Done)
}
