//! `trueup audit who-has ENTITLEMENT --at TIME`: a table of holders, each with the age of what shows it.

use clap::Args;

use super::exit::{Exit, Outcome};
use super::moment::{beginning, state_words};
use super::style::{BOLD, DIM, YELLOW, count, lasting, paint, plural, safe};
use super::{Terminal, args, open};
use crate::engine::{Holder, Holders, Observed};
use crate::model::Time;

/// Options of `audit who-has`.
#[derive(Debug, Args)]
#[command(after_help = "Example: trueup audit who-has team:ops --at 2026-03-01T12:00:00Z\n\n\
What is told is what was observed last up to that instant: evidence that was read back, states that plans met, and the newest \
scan. Access that came and went between two observations is in none of them.")]
pub struct WhoHasArgs {
    /// The entitlement or credential as `type:name`, or `target/type:name`.
    pub entitlement: String,
    /// The instant (RFC 3339 or a date).
    #[arg(long, value_name = "TIME", value_parser = args::instant)]
    pub at: Time,
    /// List at most this many holders.
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub show: usize,
}

/// `trueup audit who-has`.
pub(super) fn who_has(terminal: &mut Terminal<'_>, args: &WhoHasArgs) -> Outcome {
    let told = open::signer(terminal)?.who_has(&args.entitlement, args.at)?;
    if terminal.common.json {
        terminal.json(&told)?;
        return Ok(Exit::Done);
    }
    let holders = plural(told.holders.len() as u64, "holder");
    writeln!(terminal.out, "{}  {holders} at {}, as last observed", paint(BOLD, safe(&told.entitlement)), told.at)?;
    table(terminal, &told.holders, args.show)?;
    if !told.later.is_empty() {
        let words =
            "observed only afterwards; nothing on record gave it to them in between, and nobody knows whether they held it then";
        writeln!(terminal.out, "\n{} {words}", paint(YELLOW, "!"))?;
        table(terminal, &told.later, args.show)?;
    }
    derived(terminal, &told)?;
    Ok(Exit::Done)
}

fn table(terminal: &mut Terminal<'_>, holders: &[Holder], show: usize) -> Outcome<()> {
    if holders.is_empty() {
        return Ok(());
    }
    let rows: Vec<[String; 4]> = holders.iter().take(show).map(row).collect();
    let heads = ["holder", "last observed", "since", "state"].map(str::to_owned);
    let width =
        |at: usize| rows.iter().chain([&heads]).filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let line = |[holder, observed, since, state]: &[String; 4]| {
        let [a, b, c] = widths;
        format!("  {holder:a$}  {observed:b$}  {since:c$}  {state}")
    };
    writeln!(terminal.out, "{}", paint(DIM, line(&heads)))?;
    for (row, holder) in rows.iter().zip(holders) {
        writeln!(terminal.out, "{}", line(row))?;
        writeln!(terminal.out, "    {}", paint(DIM, shown_by(holder)))?;
    }
    if holders.len() > show {
        writeln!(
            terminal.out,
            "  {}",
            paint(DIM, format_args!("… and {} more (--show N)", count((holders.len() - show) as u64)))
        )?;
    }
    Ok(())
}

fn row(holder: &Holder) -> [String; 4] {
    let age = lasting(holder.age_seconds);
    let age = match holder.age_seconds {
        0 => "then".to_owned(),
        seconds if seconds > 0 => format!("{age} before"),
        _ => format!("{age} after"),
    };
    let since = format!("{}{}", holder.since, if holder.or_longer { " or longer" } else { "" });
    [safe(&format!("{}/{}", holder.case.target, holder.case.holder)), age, since, state_words(&holder.state)]
}

/// What shows it, what gave it, and what came next.
fn shown_by(holder: &Holder) -> String {
    let by = match holder.by {
        Observed::Confirmed { leaf, grade } => format!("read back by evidence {grade:?}, leaf #{leaf}"),
        Observed::Planned { run, .. } => format!("met by the plan of {run}"),
        Observed::Scanned { run } => format!("seen by the scan of {run}"),
    };
    let mut parts = vec![format!("{} {by}", holder.observed_at)];
    match &holder.given {
        Some(given) => {
            let intent = given.intent.map(|leaf| format!(" #{leaf}")).unwrap_or_default();
            parts.push(format!("given by {} {}, leaves{intent} #{}", given.op, given.change.0.short(), given.confirmed));
        }
        None => parts.push("no change of ours on record led to it".to_owned()),
    }
    if !holder.record.is_empty() {
        parts.push(format!("record {}", safe(&holder.record)));
    }
    if let Some(change) = holder.in_doubt {
        parts.push(format!("change {} was under way", change.0.short()));
    }
    if let Some(next) = holder.next.filter(|next| next.at != holder.observed_at) {
        parts.push(format!("next observed {} at {}", if next.held { "held" } else { "gone" }, next.at));
    }
    parts.join("; ")
}

/// What the answer rests on.
fn derived(terminal: &mut Terminal<'_>, told: &Holders) -> Outcome<()> {
    writeln!(terminal.out)?;
    for looked in &told.scans {
        let age = lasting(told.at.seconds() - looked.read_at.seconds());
        writeln!(
            terminal.out,
            "{} was last read as a whole {age} before, by {} at {}",
            safe(&looked.target),
            looked.run,
            looked.read_at
        )?;
    }
    if told.plans_gone > 0 {
        let words = format!("{} no longer kept: what they met is not told", plural(told.plans_gone, "plan"));
        writeln!(terminal.out, "{} {words}", paint(YELLOW, "!"))?;
    }
    if let Some(log) = &told.beginning {
        writeln!(terminal.out, "{}; who was given it before, and was not observed since, is not told", beginning(log))?;
    }
    let words = format_args!(
        "derived from sealed plans, the newest scan and the whole log, which was verified: {} leaves from {}, root {}",
        count(told.log.size),
        told.begins,
        told.log.root
    );
    writeln!(terminal.out, "{}", paint(DIM, words))?;
    Ok(())
}
