//! `trueup rule diff`: what another version of the rule would decide, grouped, the riskiest first. On what the newest plan saw, or
//! on case files.

use std::path::Path;
use std::sync::Arc;

use super::super::exit::{Exit, Failure, Outcome};
use super::super::style::{BOLD, CYAN, DIM, GREEN, RED, YELLOW, count, paint, plural, safe};
use super::super::{Terminal, open};
use super::args::DiffArgs;
use super::write_page;
use crate::author::{compare_on, comparison_page};
use crate::engine::{Comparison, Fate};
use crate::rule::{Module, RuleLimits};

/// `trueup rule diff`.
pub(super) fn diff(terminal: &mut Terminal<'_>, args: &DiffArgs) -> Outcome {
    let found = compare(terminal, args)?;
    if let Some(path) = &args.html {
        write_page(path, &comparison_page(&found))?;
    }
    tell(terminal, &found, args.show, args.exit_code)
}

/// Tells what two versions of a rule make of the same cases.
pub(in crate::cli) fn tell(terminal: &mut Terminal<'_>, found: &Comparison, show: usize, exit_code: bool) -> Outcome {
    let differs = found.same < found.cases;
    let exit = if exit_code && differs { Exit::Waiting } else { Exit::Done };
    match terminal.common.json {
        true => terminal.json(found)?,
        false => print(terminal, found, show)?,
    }
    Ok(exit)
}

fn compare(terminal: &Terminal<'_>, args: &DiffArgs) -> Outcome<Comparison> {
    match (args.modules.as_slice(), &args.on) {
        ([old, new], Some(folder)) => Ok(compare_on(&*plain(old)?, &*plain(new)?, folder)?),
        ([_], Some(_)) => {
            let error = anyhow::anyhow!("on case files two components are compared, and one is named");
            Err(Failure::new(Exit::Usage, error, "name both: `trueup rule diff OLD NEW --on DIR`"))
        }
        ([old, new], None) => {
            let (module, settings) = open::version(terminal, old)?;
            let engine = open::reader(terminal)?.judged_by(module, settings);
            let (module, settings) = open::version(terminal, new)?;
            Ok(engine.compare(&module, &settings)?)
        }
        (modules, None) => {
            let engine = open::reader(terminal)?;
            let (module, settings) = open::version(terminal, modules.first().map_or(Path::new(""), |path| path))?;
            Ok(engine.compare(&module, &settings)?)
        }
        // The command line asks for one or two.
        _ => Err(Failure::new(Exit::Usage, anyhow::anyhow!("one or two components are compared"), "see --help")),
    }
}

fn plain(path: &Path) -> Outcome<Arc<Module>> {
    open::load(&open::read(path)?, None, &RuleLimits::default())
}

fn print(terminal: &mut Terminal<'_>, found: &Comparison, show: usize) -> Outcome<()> {
    let title = format!("{} beside {}", safe(&found.then), safe(&found.now));
    let on = found.run.map_or_else(|| "case files".to_owned(), |run| format!("what {run} saw as of {}", found.as_of));
    writeln!(terminal.out, "{} on {on}", paint(BOLD, title))?;
    writeln!(
        terminal.out,
        "  {} of {} decided alike; changes: {} more, {} fewer, {} otherwise",
        count(found.same),
        plural(found.cases, "case"),
        paint(GREEN, count(found.added)),
        paint(RED, count(found.removed)),
        paint(YELLOW, count(found.altered)),
    )?;
    for fault in found.faults.iter().take(show) {
        writeln!(terminal.out, "  {} {}", paint(RED, "the other version failed:"), safe(fault))?;
    }
    for group in &found.groups {
        let (now, then) = (words(&group.now), words(&group.then));
        let tier = format!("tier {}", group.tier);
        writeln!(terminal.out, "  {:>8}  {}  {now} {} {then}", count(group.cases), paint(CYAN, tier), paint(BOLD, "→"))?;
    }
    for difference in found.first.iter().take(show) {
        let (now, then) = (words(&difference.now), words(&difference.then));
        let key = safe(&difference.key.to_string());
        writeln!(terminal.out, "    {key}  {}", paint(DIM, format_args!("{now} → {then}")))?;
    }
    let rest = (found.cases - found.same).saturating_sub(found.first.len().min(show) as u64);
    if rest > 0 {
        writeln!(terminal.out, "    {}", paint(DIM, format_args!("and {} more", plural(rest, "case"))))?;
    }
    Ok(())
}

fn words(fate: &Fate) -> String {
    if fate.reason.is_empty() { fate.what.to_owned() } else { format!("{} ({})", fate.what, safe(&fate.reason)) }
}
