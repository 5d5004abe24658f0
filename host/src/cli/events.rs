//! `trueup audit events` and `trueup audit export-events`: the log as events for others.

use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::exit::{Exit, Failure, Outcome};
use super::style::{BOLD, DIM, GREEN, YELLOW, paint, plural, safe};
use super::{Terminal, open};
use crate::export::{Envelope, Form, Format, SinkLag};

/// Options of `audit events`.
#[derive(Debug, Args)]
#[command(after_help = "Example: trueup audit events --from 1200 --envelope cloudevents | jq .data.class_name\n\n\
The id of an event is the log's name and the leaf's index: whoever gets two events of one id got one event twice.")]
pub struct EventsArgs {
    /// Index of the first leaf.
    #[arg(long, default_value_t = 0, value_name = "INDEX")]
    pub from: u64,
    /// What events are written as: ocsf-1.8, ocsf-1.9 or leaf.
    #[arg(long, default_value_t = Form::default().format, value_name = "FORMAT")]
    pub format: Format,
    /// What each event is wrapped in.
    #[arg(long, value_enum, value_name = "ENVELOPE")]
    pub envelope: Option<Wrapped>,
    /// Also tell the states before and after each change, where they were not redacted (with --format leaf).
    #[arg(long)]
    pub states: bool,
}

/// What events can be wrapped in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Wrapped {
    /// CloudEvents 1.0, as JSON.
    #[value(name = "cloudevents")]
    CloudEvents,
}

/// Options of `audit export-events`.
#[derive(Debug, Args)]
#[command(after_help = "Example: trueup audit export-events --wait 60\n\n\
Sinks stand in `[[export]]` of the configuration; every command that writes pushes to them at its end.")]
pub struct ExportArgs {
    /// Wait this many seconds at most for sinks to have everything.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub wait: u64,
}

/// `trueup audit events`.
pub(super) fn events(terminal: &mut Terminal<'_>, args: &EventsArgs) -> Outcome {
    if args.states && args.format != Format::Leaf {
        let message = anyhow::anyhow!("events of `{}` have no place for states", args.format);
        return Err(Failure::new(Exit::Usage, message, "add --format leaf"));
    }
    let mut form = Form::default();
    (form.format, form.states) = (args.format, args.states);
    form.envelope = if args.envelope.is_some() { Envelope::CloudEvents } else { Envelope::None };
    let engine = open::log(terminal)?;
    engine.tell_events(args.from, &form, |page| -> Outcome<()> {
        page.events.iter().try_for_each(|event| writeln!(terminal.out, "{}", event.text))?;
        Ok(())
    })?;
    Ok(Exit::Done)
}

/// `trueup audit export-events`.
pub(super) fn export(terminal: &mut Terminal<'_>, args: &ExportArgs) -> Outcome {
    let (engine, sinks) = open::exporter(terminal)?;
    if sinks == 0 {
        let message = anyhow::anyhow!("no sink is configured");
        return Err(Failure::new(Exit::Config, message, "name one in `[[export]]` of the configuration: `name`, `kind`, `path`"));
    }
    let lags = engine.settle_exports(Duration::from_secs(args.wait))?;
    if terminal.common.json {
        terminal.json(&json!({ "sinks": lags }))?;
    } else {
        lags.iter().try_for_each(|lag| print(terminal, lag))?;
    }
    let behind = lags.iter().any(|lag| lag.leaves > 0 || lag.problem.is_some());
    Ok(if behind { Exit::Unwritable } else { Exit::Done })
}

/// How far a sink is behind, in one line.
pub(super) fn print(terminal: &mut Terminal<'_>, lag: &SinkLag) -> Outcome<()> {
    let behind = match lag.leaves {
        0 => paint(GREEN, "has everything"),
        behind => paint(YELLOW, format_args!("is {} behind", plural(behind, "entry"))),
    };
    let missed = match lag.missed {
        0 => String::new(),
        missed => paint(DIM, format_args!(", {} pruned before they were exported", plural(missed, "entry"))),
    };
    let problem = lag.problem.as_deref().map(|problem| format!(": {}", safe(problem))).unwrap_or_default();
    writeln!(terminal.out, "sink {} {behind}{missed}{problem}", paint(BOLD, safe(&lag.sink)))?;
    Ok(())
}
