//! `trueup audit performance`: how fast access goes, as a table and a plot.

use clap::Args;

use super::config::Config;
use super::exit::{Exit, Outcome};
use super::style::{BOLD, DIM, GREEN, RED, YELLOW, count, lasting, paint, plural, safe};
use super::{Terminal, args, moment, open};
use crate::engine::{Pace, Performance, Removal, Span};
use crate::model::Time;

/// Columns of the plot: how long at most, in seconds, and what that is called.
const COLUMNS: [(i64, &str); 8] = [
    (60, "1 min"),
    (900, "15 min"),
    (3_600, "1 h"),
    (4 * 3_600, "4 h"),
    (86_400, "1 d"),
    (3 * 86_400, "3 d"),
    (7 * 86_400, "7 d"),
    (i64::MAX, "longer"),
];
/// Width of the longest bar, in characters.
const BAR: u64 = 40;

/// Options of `audit performance`.
#[derive(Debug, Args)]
#[command(after_help = "Example: trueup audit performance --since 2026-01-01 --until 2026-04-01\n\n\
A clock starts when the run begins whose plan first decides a removal, or at the emergency call, and stops when it is confirmed \
that the access is gone. What waits, is held or failed goes on counting.")]
pub struct PerformanceArgs {
    /// Decided at this instant or later (RFC 3339 or a date).
    #[arg(long, value_name = "TIME", value_parser = args::instant)]
    pub since: Option<Time>,
    /// Decided before this instant.
    #[arg(long, value_name = "TIME", value_parser = args::instant)]
    pub until: Option<Time>,
}

/// `trueup audit performance`.
pub(super) fn performance(terminal: &mut Terminal<'_>, args: &PerformanceArgs) -> Outcome {
    let windows = Config::read(&terminal.common.config)?.performance;
    let span = Span { since: args.since.unwrap_or(Time::NONE), until: args.until.unwrap_or(Time::NONE), ..Span::default() };
    let told = open::signer(terminal)?.performance(&windows, &span)?;
    if terminal.common.json {
        let shares: Vec<_> = told.paces.iter().map(Pace::share).collect();
        terminal.json(&serde_json::json!({ "performance": told, "shares_per_thousand": shares, "windows": windows }))?;
        return Ok(Exit::Done);
    }
    writeln!(terminal.out, "{}  from the decision to confirmed removal, asked at {}", paint(BOLD, "performance"), told.now)?;
    if told.paces.is_empty() {
        writeln!(terminal.out, "no removal was decided in that time")?;
    } else {
        table(terminal, &told.paces)?;
        plot(terminal, &told.paces)?;
    }
    remarks(terminal, &told)
}

fn table(terminal: &mut Terminal<'_>, paces: &[Pace]) -> Outcome<()> {
    let head = format!(
        "  {:9} {:4} {:16}{:>8} {:>12} {:>12} {:>12} {:>10} {:>8}  open",
        "removal", "tier", "target", "n", "p50", "p95", "max", "window", "in time"
    );
    writeln!(terminal.out, "{}", paint(DIM, head))?;
    for pace in paces {
        let what = match pace.removal {
            Removal::Call => "call",
            Removal::Emergency => "emergency",
            Removal::Planned => "planned",
        };
        let target = if pace.target.is_empty() { "(every)".to_owned() } else { safe(&pace.target) };
        let time = |seconds: i64| if pace.confirmed == 0 { "-".to_owned() } else { lasting(seconds) };
        let share = pace.share().map_or_else(|| "-".to_owned(), |share| format!("{}.{} %", share / 10, share % 10));
        let style = if pace.share().is_none_or(|share| share == 1_000) { GREEN } else { RED };
        let open = match (pace.open, pace.overdue) {
            (0, _) => String::new(),
            (open, 0) => format!("{}, oldest {}", count(open), lasting(pace.oldest_seconds)),
            (open, late) => {
                paint(YELLOW, format_args!("{}, oldest {}, {} overdue", count(open), lasting(pace.oldest_seconds), count(late)))
            }
        };
        writeln!(
            terminal.out,
            "  {what:9} {:4} {target:16}{:>8} {:>12} {:>12} {:>12} {:>10} {}  {open}",
            pace.tier.map_or_else(|| "-".to_owned(), |tier| tier.to_string()),
            count(pace.confirmed),
            time(pace.p50_seconds),
            time(pace.p95_seconds),
            time(pace.max_seconds),
            lasting(pace.window_seconds),
            paint(style, format_args!("{share:>8}")),
        )?;
    }
    Ok(())
}

/// How many removals took how long.
fn plot(terminal: &mut Terminal<'_>, paces: &[Pace]) -> Outcome<()> {
    let counts = columns(paces);
    let most = counts.iter().copied().max().unwrap_or_default();
    if most == 0 {
        return Ok(());
    }
    writeln!(terminal.out)?;
    for ((_, name), removals) in COLUMNS.iter().zip(counts) {
        // What is not zero shows.
        let bar = "█".repeat((removals * BAR).div_ceil(most) as usize);
        let label = if *name == "longer" { (*name).to_owned() } else { format!("≤ {name}") };
        writeln!(terminal.out, "  {} {bar} {}", paint(DIM, format_args!("{label:>8} │")), count(removals))?;
    }
    Ok(())
}

/// Confirmed removals, without calls, which are made of them, in the columns of the plot.
fn columns(paces: &[Pace]) -> [u64; COLUMNS.len()] {
    let mut counts = [0; COLUMNS.len()];
    for (took, removals) in paces.iter().filter(|pace| pace.removal != Removal::Call).flat_map(|pace| &pace.took) {
        let column = COLUMNS.iter().position(|(most, _)| took <= most);
        if let Some(count) = column.and_then(|column| counts.get_mut(column)) {
            *count += removals;
        }
    }
    counts
}

fn remarks(terminal: &mut Terminal<'_>, told: &Performance) -> Outcome {
    writeln!(terminal.out)?;
    let words = "in time: confirmed within the window, of all that were confirmed or are open and past it; open ones within it count nowhere yet";
    writeln!(terminal.out, "{}", paint(DIM, words))?;
    if told.withdrawn > 0 {
        let words = format!("{} withdrawn: a later plan no longer asked for them", plural(told.withdrawn, "removal"));
        writeln!(terminal.out, "{}", paint(DIM, words))?;
    }
    if told.plans_gone > 0 {
        let words =
            format!("{} no longer kept: what they decided and did not send is not counted", plural(told.plans_gone, "plan"));
        writeln!(terminal.out, "{} {words}", paint(YELLOW, "!"))?;
    }
    if let Some(log) = &told.beginning {
        writeln!(terminal.out, "{}", moment::beginning(log))?;
    }
    writeln!(terminal.out, "{}", paint(DIM, moment::verified(told.log)))?;
    Ok(Exit::Done)
}
