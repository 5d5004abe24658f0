//! `trueup rule inspect` and `trueup rule check`.

use std::path::Path;

use super::super::config::Config;
use super::super::exit::{Exit, Failure, Outcome};
use super::super::style::{BOLD, DIM, GREEN, RED, YELLOW, count, paint, plural, safe};
use super::super::{Terminal, open};
use super::args::{CheckArgs, InspectArgs};
use crate::author::{inspect as describe, usage};
use crate::rule::RuleLimits;

/// From this share of a limit on, in percent, its use is shown as a warning.
const NEAR_PERCENT: u64 = 80;

/// `trueup rule inspect`.
pub(super) fn inspect(terminal: &mut Terminal<'_>, args: &InspectArgs) -> Outcome {
    let component = open::read(&args.file)?;
    let module = open::load(&component, None, &RuleLimits::default())?;
    let found = describe(&module, &component);
    if terminal.common.json {
        terminal.json(&found)?;
        return Ok(Exit::Done);
    }
    let or = |text: &str| if text.is_empty() { "not told".to_owned() } else { safe(text) };
    writeln!(terminal.out, "{}", paint(BOLD, safe(&found.rule)))?;
    let rows = [
        ("sha-256", found.module.to_string()),
        ("contract", or(&found.contract)),
        ("guest kit", or(&found.sdk)),
        ("profile", found.profile.clone()),
        ("size", format!("{} bytes, {} of machine code here", count(found.bytes), count(found.code_bytes))),
        ("imports", found.imports.iter().map(|name| safe(name)).collect::<Vec<_>>().join(", ")),
        ("columns", if found.columns.is_empty() { "the core ones".to_owned() } else { found.columns.join(", ") }),
        ("keys", if found.canonical { "compared as the rule says" } else { "compared as they are" }.to_owned()),
    ];
    for (name, value) in rows {
        writeln!(terminal.out, "  {name:<10} {value}")?;
    }
    writeln!(terminal.out, "{}", paint(BOLD, plural(found.settings.len() as u64, "setting")))?;
    for (setting, help) in &found.settings {
        writeln!(terminal.out, "  {}  {}", safe(setting), paint(DIM, safe(help)))?;
    }
    writeln!(terminal.out, "{}", paint(BOLD, plural(found.reasons.len() as u64, "reason")))?;
    for reason in &found.reasons {
        writeln!(terminal.out, "  {:<28} {}", safe(&reason.code), paint(DIM, safe(&reason.text)))?;
    }
    Ok(Exit::Done)
}

/// `trueup rule check`.
pub(super) fn check(terminal: &mut Terminal<'_>, args: &CheckArgs) -> Outcome {
    let component = open::read(&args.file)?;
    let limits = limits(args.limits.as_deref())?;
    let module = open::load(&component, None, &limits)?;
    let folders: Vec<&Path> = args.cases.iter().map(std::path::PathBuf::as_path).collect();
    let rows = usage(&module, &component, &folders)?;
    let over = rows.iter().any(crate::author::Usage::is_over);
    let exit = if over { Exit::Module } else { Exit::Done };
    if terminal.common.json {
        terminal.json(&rows)?;
        return Ok(exit);
    }
    let verdict = if over { paint(RED, "passes its limits") } else { paint(GREEN, "admitted") };
    writeln!(terminal.out, "{} {verdict}", paint(BOLD, safe(&module.facts().label())))?;
    for row in &rows {
        let percent = row.used.saturating_mul(100) / row.allowed.max(1);
        let style = match percent {
            _ if row.is_over() => RED,
            NEAR_PERCENT.. => YELLOW,
            _ => GREEN,
        };
        let used = paint(style, format_args!("{:>14} of {:>14}  {percent:>3} %", count(row.used), count(row.allowed)));
        writeln!(terminal.out, "  {:<16} {used}  {}", row.limit, paint(DIM, safe(&row.by)))?;
        if row.is_over() {
            writeln!(terminal.out, "    {}", row.advice)?;
        }
    }
    if folders.is_empty() {
        writeln!(terminal.out, "{}", paint(DIM, "with --cases DIR, what judging takes is measured over the case files in it"))?;
    }
    Ok(exit)
}

/// The limits that a vendor sets: those of a configuration, or the usual ones.
fn limits(path: Option<&Path>) -> Outcome<RuleLimits> {
    let Some(path) = path else { return Ok(RuleLimits::default()) };
    let text = std::fs::read_to_string(path).map_err(|error| {
        let error = anyhow::Error::new(error).context(format!("cannot read `{}`", path.display()));
        Failure::new(Exit::Config, error, "limits are TOML: the table `[rule.limits]` of a configuration, or its keys alone")
    })?;
    if let Ok(limits) = toml::from_str::<RuleLimits>(&text) {
        return Ok(limits);
    }
    Ok(Config::read(path)?.rule.map(|rule| rule.limits).unwrap_or_default())
}
