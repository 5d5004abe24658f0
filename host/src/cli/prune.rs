//! `trueup audit prune`: what may go of the log, and removing it.

use clap::Args;

use super::exit::{Exit, Outcome};
use super::moment::command;
use super::style::{BOLD, DIM, YELLOW, count, paint, plural, safe};
use super::{Terminal, args, open};
use crate::engine::{Needed, Prunable, Pruning};
use crate::model::Time;

/// Options of `audit prune`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("old").required(true).args(["before", "keep"]))]
#[command(after_help = "Examples:\n  trueup audit prune --keep 400\n  \
trueup audit prune --keep 400 --by ada --why 'retention of 400 days'\n\n\
Without --by and --why nothing is changed. Hashes of leaves stay, so that every proof stands, but what the leaves said cannot be \
brought back.")]
pub struct PruneArgs {
    /// Leaves that were written before this instant (RFC 3339 or a date).
    #[arg(long, value_name = "TIME", value_parser = args::instant)]
    pub before: Option<Time>,
    /// Leaves that are older than so many days.
    #[arg(long, value_name = "DAYS")]
    pub keep: Option<u32>,
    /// Who asks for it. With --why: remove them.
    #[arg(long, value_name = "NAME", requires = "why")]
    pub by: Option<String>,
    /// Why.
    #[arg(long, value_name = "TEXT", requires = "by")]
    pub why: Option<String>,
}

/// `trueup audit prune`.
pub(super) fn prune(terminal: &mut Terminal<'_>, args: &PruneArgs) -> Outcome {
    let engine = open::engine(terminal)?;
    let before = args.before.unwrap_or_else(|| engine.days_ago(args.keep.unwrap_or(u32::MAX)));
    let (Some(by), Some(why)) = (&args.by, &args.why) else {
        let found = engine.prunable(before)?;
        if terminal.common.json {
            terminal.json(&found)?;
            return Ok(Exit::Done);
        }
        told(terminal, &found, "may go")?;
        if found.leaves > 0 {
            let flags = command("--by NAME --why TEXT");
            writeln!(terminal.out, "nothing was changed; add {flags} to remove them, which cannot be undone")?;
        }
        return Ok(Exit::Done);
    };
    let mut asked = Pruning::default();
    (asked.before, asked.by, asked.why) = (before, by.clone(), why.clone());
    let done = engine.prune(&asked)?;
    if terminal.common.json {
        terminal.json(&done)?;
        return Ok(Exit::Done);
    }
    told(terminal, &done.went, "are gone")?;
    if let Some(leaf) = done.leaf {
        writeln!(terminal.out, "leaf {} says so; hashes, checkpoints and all proofs stand", count(leaf))?;
    }
    if done.went.leaves > 0 {
        let left = "plans, recordings, exported tiles and copies of the store are as they were";
        writeln!(terminal.out, "{}", paint(DIM, left))?;
    }
    Ok(Exit::Done)
}

fn told(terminal: &mut Terminal<'_>, found: &Prunable, what: &str) -> Outcome<()> {
    if found.leaves == 0 {
        writeln!(terminal.out, "no leaf is to be removed: leaves go by 256, and none that is needed")?;
    } else {
        let leaves = match found.leaves {
            1 => "1 leaf".to_owned(),
            leaves => format!("{} leaves", count(leaves)),
        };
        let head = format_args!("{leaves} before leaf {} {what}", count(found.before));
        let (states, files) = (plural(found.states, "state"), plural(found.files, "attached file"));
        writeln!(terminal.out, "{}: {states}, {} bytes, {files}", paint(BOLD, head), count(found.bytes))?;
    }
    if found.kept > 0 {
        writeln!(terminal.out, "{} of those before stay: keys that took over, denials that stand", count(found.kept))?;
    }
    let Some(needed) = &found.needed else { return Ok(()) };
    let why = match needed {
        Needed::Run { run } => format!("{run} is not over; `trueup resume` ends it"),
        Needed::Change { change } => {
            format!("change {0} is not settled; see `trueup audit why {0}`", change.0.short())
        }
        Needed::Sink { sink, cursor } => format!(
            "sink {} was not given what comes then; `trueup audit export-events` gives it, and if there is no such sink any more, \
             remove {}",
            safe(sink),
            cursor.display()
        ),
        Needed::Checkpoint => "no checkpoint covers what comes then; `trueup audit checkpoint` signs it".to_owned(),
    };
    Ok(writeln!(terminal.out, "{} no further: {why}", paint(YELLOW, "!"))?)
}
