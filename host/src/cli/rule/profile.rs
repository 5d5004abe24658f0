//! `trueup rule profile`: which functions a rule spends its fuel in.

use std::path::PathBuf;

use clap::Args;

use super::super::Terminal;
use super::super::exit::{Exit, Outcome};
use super::super::style::{BOLD, CYAN, DIM, count, paint, plural, safe};
use super::write_page;
use crate::author::{BuildOptions, Profile, profile as measure};

/// Characters of a function's name that a line holds: names of generic functions are long, and tell most at their beginning.
const NAME_CHARACTERS: usize = 100;

/// Options of `rule profile`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  trueup rule profile rules/my-rule\n  trueup rule profile --folded stacks.txt   then: inferno-flamegraph stacks.txt > flames.svg"
)]
pub struct ProfileArgs {
    /// The crate's folder.
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// List at most this many functions.
    #[arg(long, default_value_t = 15, value_name = "N")]
    pub show: usize,
    /// Also write all stacks with their fuel, a line each, as programs that draw flame graphs read them.
    #[arg(long, value_name = "FILE")]
    pub folded: Option<PathBuf>,
}

/// `trueup rule profile`.
pub(super) fn profile(terminal: &mut Terminal<'_>, args: &ProfileArgs) -> Outcome {
    let found = measure(&args.dir, &BuildOptions::default())?;
    if let Some(path) = &args.folded {
        let lines: String = found.stacks.iter().map(|(stack, fuel)| format!("{stack} {fuel}\n")).collect();
        write_page(path, &lines)?;
    }
    if terminal.common.json {
        terminal.json(&found)?;
        return Ok(Exit::Done);
    }
    let title = format!(
        "{}: {} fuel over {} in {}, stopped at {} places",
        found.rule,
        count(found.fuel),
        plural(found.cases, "case"),
        plural(found.files.len() as u64, "file"),
        count(found.samples),
    );
    writeln!(terminal.out, "{}", paint(BOLD, safe(&title)))?;
    functions(terminal, &found, args.show)?;
    files(terminal, &found)?;
    writeln!(
        terminal.out,
        "{}",
        paint(DIM, "own: by itself; whole: with all that it calls. Code of the standard library counts where it was put in")
    )?;
    let text = "taking a batch in and handing its answer out cost some thousand of fuel: much over few cases, little over those of a host";
    writeln!(terminal.out, "{}", paint(DIM, text))?;
    Ok(Exit::Done)
}

fn functions(terminal: &mut Terminal<'_>, found: &Profile, show: usize) -> Outcome<()> {
    writeln!(terminal.out, "  {:>7} {:>7} {:>12}  function, and its costliest line", "own", "whole", "fuel/case")?;
    for share in found.functions.iter().take(show) {
        writeln!(
            terminal.out,
            "  {:>5.1} % {:>5.1} % {:>12}  {}  {}",
            share.permille as f64 / 10.0,
            share.whole_permille as f64 / 10.0,
            count(share.fuel / found.cases.max(1)),
            short(&share.function),
            paint(CYAN, safe(&share.line)),
        )?;
    }
    let left = found.functions.len().saturating_sub(show);
    if left > 0 {
        writeln!(terminal.out, "  {}", paint(DIM, format_args!("{left} more; --show {} lists all", found.functions.len())))?;
    }
    Ok(())
}

fn files(terminal: &mut Terminal<'_>, found: &Profile) -> Outcome<()> {
    writeln!(terminal.out, "  {:>7} {:>12}  case file, and what takes most of it", "cases", "fuel/case")?;
    for share in &found.files {
        writeln!(
            terminal.out,
            "  {:>7} {:>12}  {}  {:.0} % {}",
            count(share.cases),
            count(share.fuel_per_case),
            safe(&share.file),
            share.permille as f64 / 10.0,
            paint(DIM, short(&share.function)),
        )?;
    }
    Ok(())
}

fn short(function: &str) -> String {
    let mut short: String = function.chars().take(NAME_CHARACTERS).collect();
    if short.len() < function.len() {
        short.push('…');
    }
    safe(&short)
}
