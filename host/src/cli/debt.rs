//! `trueup debt`: what should be cleaned up, as counts, as a trend and as a plot. Owns how that looks.

use serde_json::json;

use super::args::DebtArgs;
use super::exit::{Exit, Outcome};
use super::style::{BOLD, DIM, GREEN, RED, count, paint, plural, safe};
use super::{Terminal, open};
use crate::debt::{Debt, Kind, Tally};
use crate::engine::Owed;
use crate::model::Time;

/// Heights of a bar, in eighths of a line.
const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Lines of the plot.
const LINES: u64 = 6;

/// `trueup debt`.
pub(super) fn debt(terminal: &mut Terminal<'_>, args: &DebtArgs) -> Outcome {
    let owed = open::reader(terminal)?.debt(args.runs)?;
    if terminal.common.json {
        terminal.json(&json!({ "runs": owed }))?;
        return Ok(Exit::Done);
    }
    match (owed.last(), args.kind) {
        (None, _) => writeln!(terminal.out, "no run has counted any debt yet; `trueup plan` does")?,
        (Some(last), Some(kind)) => worst(terminal, last, kind)?,
        (Some(_), None) => backlog(terminal, &owed)?,
    }
    Ok(Exit::Done)
}

/// The whole backlog: a line for each kind, and the plot of all.
pub(super) fn backlog(terminal: &mut Terminal<'_>, owed: &[Owed]) -> Outcome<()> {
    let [first, .., last] = owed else {
        return owed.first().map_or(Ok(()), |only| table(terminal, owed, only));
    };
    table(terminal, owed, last)?;
    let cases: Vec<u64> = owed.iter().map(|owed| owed.debt.cases).collect();
    writeln!(terminal.out)?;
    let most = cases.iter().copied().max().unwrap_or_default().max(1);
    let width = count(most).len();
    for line in (0..LINES).rev() {
        let label = match line {
            _ if line == LINES - 1 => count(most),
            0 => "0".to_owned(),
            _ => String::new(),
        };
        let bars: String = cases.iter().map(|cases| bar(*cases, most, LINES, line)).collect();
        writeln!(terminal.out, "  {} {bars}", paint(DIM, format_args!("{label:>width$} │")))?;
    }
    let (from, to) = (day(first.as_of), day(last.as_of));
    writeln!(terminal.out, "  {}", paint(DIM, format_args!("{:>width$}   {from} to {to}, a bar for each run", "")))?;
    Ok(())
}

fn table(terminal: &mut Terminal<'_>, owed: &[Owed], last: &Owed) -> Outcome<()> {
    let Owed { debt, as_of, .. } = last;
    let percent = debt.cases as f64 * 100.0 / debt.held.max(1) as f64;
    writeln!(
        terminal.out,
        "{}  {} of {} held are debt ({percent:.1} %), as of {as_of}",
        paint(BOLD, "clean-up"),
        plural(debt.cases, "case"),
        count(debt.held),
    )?;
    let head = format!("  {:11}{:>9} {:>9} {:>8}  {:10}  trend", "kind", "cases", "change", "tier 3", "oldest");
    writeln!(terminal.out, "{}", paint(DIM, head))?;
    for kind in Kind::ALL {
        let tally = debt.by_kind.get(&kind);
        let strong = tally.and_then(|tally| tally.by_tier.last()).copied().unwrap_or_default();
        let trend: Vec<u64> = owed.iter().map(|owed| owed.debt.of(kind)).collect();
        let most = trend.iter().copied().max().unwrap_or_default().max(1);
        let bars: String = trend.iter().map(|cases| bar(*cases, most, 1, 0)).collect();
        writeln!(
            terminal.out,
            "  {:11}{:>9} {} {:>8}  {:10}  {bars}  {}",
            kind.name(),
            count(debt.of(kind)),
            change(trend.first().copied(), debt.of(kind)),
            count(strong),
            tally.map_or_else(String::new, |tally| day(tally.oldest)),
            paint(DIM, kind.words()),
        )?;
    }
    Ok(())
}

/// What became of a count: less debt is good.
fn change(before: Option<u64>, now: u64) -> String {
    let before = before.unwrap_or(now);
    match now.cmp(&before) {
        std::cmp::Ordering::Less => paint(GREEN, format_args!("{:>9}", format!("-{}", count(before - now)))),
        std::cmp::Ordering::Equal => format!("{:>9}", "="),
        std::cmp::Ordering::Greater => paint(RED, format_args!("{:>9}", format!("+{}", count(now - before)))),
    }
}

/// The part of a bar that is on this line of so many; a count that is not zero shows.
fn bar(cases: u64, most: u64, lines: u64, line: u64) -> char {
    let eighths = (u128::from(cases) * u128::from(lines) * 8).div_ceil(u128::from(most.max(1)));
    let here = eighths.saturating_sub(u128::from(line) * 8).min(8) as usize;
    BARS.get(here).copied().unwrap_or(' ')
}

/// The day of an instant; empty when it is not known.
fn day(time: Time) -> String {
    if time.is_none() { String::new() } else { time.to_string().chars().take(10).collect() }
}

/// The worst cases of one kind.
fn worst(terminal: &mut Terminal<'_>, last: &Owed, kind: Kind) -> Outcome<()> {
    let Debt { by_kind, .. } = &last.debt;
    let Some(Tally { cases, by_target, worst, .. }) = by_kind.get(&kind) else {
        writeln!(terminal.out, "nothing is {kind}: {}", kind.words())?;
        return Ok(());
    };
    writeln!(terminal.out, "{}  {}: {}", paint(BOLD, kind), plural(*cases, "case"), kind.words())?;
    let mut targets: Vec<_> = by_target.iter().collect();
    targets.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
    for (target, cases) in targets {
        writeln!(terminal.out, "  {:>9}  {}", count(*cases), safe(target))?;
    }
    writeln!(terminal.out, "the worst, by tier and then by age:")?;
    for item in worst {
        let since =
            if item.since.is_none() { "nobody knows since when".to_owned() } else { format!("since {}", day(item.since)) };
        writeln!(terminal.out, "  tier {}  {}  {}", item.tier, safe(&item.key.to_string()), paint(DIM, since))?;
    }
    if *cases > worst.len() as u64 {
        writeln!(terminal.out, "  {}", paint(DIM, format_args!("… and {} more", count(cases - worst.len() as u64))))?;
    }
    writeln!(terminal.out, "{}", paint(DIM, "`trueup explain TARGET/HOLDER/OBJECT` says what the rule makes of one"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn bars_fill_from_below_and_one_case_shows() {
        let column = |cases| (0..3).map(|line| bar(cases, 240, 3, line)).collect::<String>();
        assert_eq!((column(0), column(1), column(80)), ("   ".into(), "▁  ".into(), "█  ".into()));
        assert_eq!((column(90), column(240)), ("█▁ ".into(), "███".into()));
        assert_eq!(bar(0, 0, 1, 0), ' ');
    }
}
