//! `trueup audit history PRINCIPAL`: a time line.

use clap::Args;

use super::exit::{Exit, Outcome};
use super::style::{BOLD, DIM, YELLOW, count, paint, plural, safe};
use super::{Terminal, args, moment, open};
use crate::engine::Span;
use crate::limits::HISTORY_MOMENTS;
use crate::model::Time;

/// Accounts that are named; the rest are counted.
const ACCOUNTS_NAMED: usize = 8;

/// Options of `audit history`.
#[derive(Debug, Args)]
#[command(after_help = "Example: trueup audit history ada --since 2026-01-01")]
pub struct HistoryArgs {
    /// The identity, a native id, or `target/native id`.
    pub principal: String,
    /// Not before this instant (RFC 3339 or a date).
    #[arg(long, value_name = "TIME", value_parser = args::instant)]
    pub since: Option<Time>,
    /// Before this instant.
    #[arg(long, value_name = "TIME", value_parser = args::instant)]
    pub until: Option<Time>,
    /// The newest so many moments.
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub limit: usize,
}

/// `trueup audit history`.
pub(super) fn history(terminal: &mut Terminal<'_>, args: &HistoryArgs) -> Outcome {
    let none = Time::NONE;
    let span =
        Span { since: args.since.unwrap_or(none), until: args.until.unwrap_or(none), most: args.limit.min(HISTORY_MOMENTS) };
    let told = open::signer(terminal)?.history(&args.principal, &span)?;
    if terminal.common.json {
        terminal.json(&told)?;
        return Ok(Exit::Done);
    }
    let mut accounts: Vec<String> =
        told.accounts.iter().take(ACCOUNTS_NAMED).map(|one| format!("{}/{}", safe(&one.target), safe(&one.holder))).collect();
    if told.accounts.len() > ACCOUNTS_NAMED {
        accounts.push(format!("and {} more", count((told.accounts.len() - ACCOUNTS_NAMED) as u64)));
    }
    let accounts = if accounts.is_empty() { String::new() } else { format!(" ({})", accounts.join(", ")) };
    let moments = plural(told.moments.len() as u64, "moment");
    writeln!(terminal.out, "{}  {}{accounts}: {moments}", paint(BOLD, "history"), safe(&told.principal))?;
    if told.omitted > 0 {
        let words = format_args!("… {} before these; see --limit, --since and --until", count(told.omitted));
        writeln!(terminal.out, "{}", paint(DIM, words))?;
    }
    for one in &told.moments {
        writeln!(terminal.out, "{}", moment::line(one, true))?;
    }
    if told.moments.is_empty() {
        writeln!(terminal.out, "nothing was changed, held or denied in that time")?;
    }
    if told.plans_gone > 0 {
        let words = format!(
            "{} no longer kept: what they held, or decided without sending it, is not told",
            plural(told.plans_gone, "plan")
        );
        writeln!(terminal.out, "{} {words}", paint(YELLOW, "!"))?;
    }
    if let Some(log) = &told.beginning {
        writeln!(terminal.out, "{}", moment::beginning(log))?;
    }
    writeln!(terminal.out, "{}", paint(DIM, moment::verified(told.log)))?;
    Ok(Exit::Done)
}
