//! How a plan is shown: what was read and how far it is trusted, then changes grouped by target and principal with their
//! reasons, and last, where a terminal comes to rest, the counts: of what is done, waits, is held, stays or is not managed.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::Terminal;
use super::exit::Outcome;
use super::style::{BOLD, CYAN, DIM, GREEN, RED, YELLOW, count, paint, plural, safe};
use crate::discover::Completeness;
use crate::engine::{EngineError, Planned};
use crate::model::{Change, ChangeKind, Holding};
use crate::plan::PlanFile;

/// Whether something waits for a person.
pub(super) fn waits(planned: &Planned) -> bool {
    let shrunk = planned.report.scans.iter().any(|scan| matches!(scan.completeness, Completeness::Shrunk { .. }));
    shrunk || !planned.header.summary.gated.is_empty() || !planned.header.summary.held.is_empty()
}

/// For machines.
pub(super) fn as_json(planned: &Planned) -> Value {
    let timings: BTreeMap<_, _> = planned.timings.iter().map(|(stage, time)| (*stage, time.as_millis() as u64)).collect();
    json!({
        "plan": planned.plan,
        "run": planned.report.run,
        "as_of": planned.report.as_of,
        "changes": planned.header.changes,
        "summary": planned.header.summary,
        "rule": planned.report.rule,
        "facts": planned.report.facts,
        "cases": planned.report.cases,
        "scans": planned.report.scans,
        "faults": planned.report.faults,
        "rests_until": planned.report.rests,
        "beside": planned.report.beside,
        "milliseconds": timings,
    })
}

/// For people.
pub(super) fn print(terminal: &mut Terminal<'_>, planned: &Planned, path: &Path, show: usize) -> Outcome<()> {
    let report = &planned.report;
    let time: std::time::Duration = planned.timings.iter().map(|(_, time)| *time).sum();
    writeln!(
        terminal.out,
        "{}  {} as of {}, rule {}",
        paint(BOLD, format_args!("plan {}", planned.plan.0.short())),
        plural(planned.header.changes, "change"),
        report.as_of,
        safe(&report.rule),
    )?;
    writeln!(
        terminal.out,
        "{}",
        paint(
            DIM,
            format_args!(
                "{} read, {} judged in {} ({:.1} s)",
                plural(report.facts, "fact"),
                plural(report.cases, "case"),
                plural(report.batches, "batch"),
                time.as_secs_f64()
            )
        )
    )?;
    scans(terminal, planned)?;
    beside(terminal, planned)?;
    changes(terminal, path, show)?;
    not_chosen(terminal, planned)?;
    Ok(())
}

/// What a person does after `plan`.
pub(super) fn next_steps(terminal: &mut Terminal<'_>, planned: &Planned) -> Outcome<()> {
    if planned.header.changes > 0 {
        writeln!(terminal.out, "\napply it with {}", paint(CYAN, format_args!("trueup apply {}", planned.plan.0.short())))?;
    }
    Ok(())
}

/// Targets of one scan that are named; the rest are counted.
const TARGETS_NAMED: usize = 3;

fn scans(terminal: &mut Terminal<'_>, planned: &Planned) -> Outcome<()> {
    // A source that fails does so for all its targets: one line tells it.
    let mut told: Vec<(&str, String, Vec<&str>)> = Vec::new();
    for scan in &planned.report.scans {
        let problem = match &scan.completeness {
            Completeness::Complete => continue,
            Completeness::Incomplete { why } => format!("is incomplete: {}", safe(why)),
            Completeness::Stale => format!("is too old: read at {}", scan.read_at),
            Completeness::Shrunk { lost, of } => {
                format!("lost {} of {} rows; nothing is removed for it until it is released", count(*lost), count(*of))
            }
        };
        match told.last_mut() {
            Some((source, same, targets)) if *source == scan.source && *same == problem => targets.push(&scan.target),
            _ => told.push((&scan.source, problem, vec![&scan.target])),
        }
    }
    for (source, problem, targets) in told {
        let named: Vec<_> = targets.iter().take(TARGETS_NAMED).filter(|target| !target.is_empty()).map(|t| safe(t)).collect();
        let of = if named.is_empty() { String::new() } else { format!(" of {}", named.join(", ")) };
        let more = targets.len().saturating_sub(TARGETS_NAMED);
        let more = if more == 0 { String::new() } else { format!(" and {}", plural(more as u64, "more target")) };
        writeln!(terminal.out, "{} scan {}{of}{more} {problem}", paint(YELLOW, "!"), safe(source))?;
    }
    for fault in &planned.report.faults {
        writeln!(terminal.out, "{} {} held: {}", paint(YELLOW, "!"), plural(fault.cases, "case"), safe(&fault.message))?;
    }
    Ok(())
}

/// What another module would have decided, and that the rule rests.
fn beside(terminal: &mut Terminal<'_>, planned: &Planned) -> Outcome<()> {
    if let Some(until) = planned.report.rests {
        let words = format_args!("the rule failed before and rests until {until}; the host did its own duties alone");
        writeln!(terminal.out, "{} {words}, see {}", paint(YELLOW, "!"), paint(CYAN, "trueup rule list"))?;
    }
    let Some(found) = &planned.report.beside else { return Ok(()) };
    let name = format!("{} {}", safe(&found.then), found.module.short());
    if found.cases > 0 {
        let (differ, cases) = (count(found.cases - found.same), plural(found.cases, "case"));
        let changes = format_args!(
            "changes: {} more, {} fewer, {} otherwise",
            count(found.added),
            count(found.removed),
            count(found.altered)
        );
        writeln!(terminal.out, "{} {name} beside it decides {differ} of {cases} otherwise; {changes}", paint(CYAN, "="))?;
    }
    if let Some(fault) = found.faults.first() {
        writeln!(terminal.out, "{} {name} beside it failed: {}", paint(YELLOW, "!"), safe(fault))?;
    }
    Ok(())
}

fn changes(terminal: &mut Terminal<'_>, path: &Path, show: usize) -> Outcome<()> {
    let file = PlanFile::open(path).map_err(EngineError::from)?;
    let mut group = (String::new(), String::new());
    let mut shown = 0;
    let total = file.header().changes as usize;
    for change in file.changes().take(show) {
        let change = change.map_err(EngineError::from)?;
        let next = (change.key.target.clone(), change.key.holder.clone());
        if next != group {
            writeln!(terminal.out, "\n{}  {}", paint(BOLD, safe(&next.0)), paint(BOLD, safe(&next.1)))?;
            group = next;
        }
        line(terminal, &change)?;
        shown += 1;
    }
    if total > shown {
        writeln!(
            terminal.out,
            "\n{}",
            paint(DIM, format_args!("… and {} (--show N for more)", plural((total - shown) as u64, "change")))
        )?;
    }
    Ok(())
}

/// One change, in the order of what a reader asks: what, on what, why, whether it may pass.
pub(super) fn line(terminal: &mut Terminal<'_>, change: &Change) -> Outcome<()> {
    let (sign, style) = match change.kind {
        kind if kind.removes() => ("-", RED),
        ChangeKind::Update | ChangeKind::Extend | ChangeKind::Reown => ("~", CYAN),
        _ => ("+", GREEN),
    };
    let gates: Vec<_> = change.gates.iter().map(|gate| gate.kind.name()).collect();
    let gates = if gates.is_empty() { String::new() } else { paint(YELLOW, format_args!("  waits: {}", gates.join(", "))) };
    writeln!(
        terminal.out,
        "  {} {:8} {}{}  {}{gates}",
        paint(style, sign),
        change.kind,
        safe(if change.key.object.is_empty() { "(account)" } else { &change.key.object }),
        paint(style, difference(change)),
        paint(DIM, format_args!("{} t{} w{}", safe(&change.reason.text), change.tier, change.wave.0)),
    )?;
    Ok(())
}

fn difference(change: &Change) -> String {
    let nothing = Holding::default();
    let (before, after) = (change.before.as_ref().unwrap_or(&nothing), change.after.as_ref().unwrap_or(&nothing));
    let mut parts = Vec::new();
    match (&change.before, &change.after) {
        (Some(_), Some(_)) => {
            for (name, was, is) in [
                ("level", before.level.clone(), after.level.clone()),
                ("until", before.expires_at.to_string(), after.expires_at.to_string()),
                ("owner", before.owner.clone(), after.owner.clone()),
                ("purpose", before.purpose.clone(), after.purpose.clone()),
            ] {
                if was != is {
                    parts.push(format!("{name} {} → {}", or_none(&was), or_none(&is)));
                }
            }
        }
        (None, Some(holding)) => {
            if !holding.level.is_empty() {
                parts.push(format!("as {}", safe(&holding.level)));
            }
            if holding.expires_at.is_some() {
                parts.push(format!("until {}", holding.expires_at));
            }
        }
        _ => {}
    }
    if parts.is_empty() { String::new() } else { format!("  {}", parts.join(", ")) }
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "none".to_owned() } else { safe(text) }
}

fn not_chosen(terminal: &mut Terminal<'_>, planned: &Planned) -> Outcome<()> {
    let summary = &planned.header.summary;
    for (title, counts, style) in [
        ("changes", &summary.by_kind, BOLD),
        ("waiting at gates", &summary.gated, YELLOW),
        ("held", &summary.held, YELLOW),
        ("kept", &summary.kept, DIM),
        ("not managed", &summary.unmanaged, DIM),
    ] {
        if counts.is_empty() {
            continue;
        }
        let parts: Vec<_> = counts.iter().map(|(code, number)| format!("{} {}", count(*number), safe(code))).collect();
        writeln!(terminal.out, "{} {}", paint(style, format_args!("{title:>16}")), parts.join(" · "))?;
    }
    Ok(())
}
