//! `trueup demo`: a generated organisation is trued up over a month, in one folder, with nobody's help but the release that
//! a first plan needs. Shows what was done, and what was refused and why.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::args::DemoArgs;
use super::config::Config;
use super::exit::{Exit, Failure, Outcome};
use super::style::{BOLD, CYAN, DIM, GREEN, YELLOW, count, paint, plural, safe};
use super::{Terminal, debt, estate, open, plan};
use crate::commit::Clock;
use crate::discover::Completeness;
use crate::engine::{Applied, Engine, EngineError, Holds, Planned, Release};
use crate::generate::{DAYS, Estate, Profile, Story};
use crate::model::{Change, Time};
use crate::plan::{HeldLine, PlanFile};
use crate::rule::Module;

/// Changes and held cases that a story shows.
const SHOWN: usize = 4;

/// The clock of a simulated day: it stands still.
struct Day(Time);

#[crate::async_trait]
impl Clock for Day {
    fn now(&self) -> Time {
        self.0
    }

    async fn sleep(&self, _: u32) {}
}

/// What the month came to.
#[derive(Default)]
struct Month {
    runs: u64,
    facts: u64,
    by_kind: BTreeMap<String, u64>,
    by_tier: BTreeMap<String, u64>,
    grades: BTreeMap<String, u64>,
    confirmed: u64,
    first: u64,
}

/// `trueup demo`.
pub(super) fn demo(terminal: &mut Terminal<'_>, args: &DemoArgs) -> Outcome {
    let module = open::module(&args.module)?;
    let path = std::path::absolute(&args.module)?;
    if args.dir.exists() {
        clear(&args.dir)?;
    }
    std::fs::create_dir_all(&args.dir)?;
    let made = Estate::new(Profile::Demo, args.seed);
    let rows = estate::seed(&made, 0, &args.dir)?;
    writeln!(
        terminal.out,
        "{}\n{} hold {} accounts, grants and credentials for {} identities; seed {}\n",
        paint(BOLD, "An organisation is trued up over a month"),
        plural(made.targets().count() as u64, "target"),
        count(rows),
        count(u64::from(made.identities())),
        args.seed
    )?;
    terminal.out.flush()?;
    let days: BTreeSet<u16> = made.stories().iter().map(|story| story.day).chain([0, 17, DAYS]).collect();
    let mut month = Month::default();
    for day in days {
        one_day(terminal, &made, day, args, &path, &module, &mut month)?;
        terminal.out.flush()?;
    }
    ending(terminal, &args.dir, &module, &month)?;
    Ok(Exit::Done)
}

/// Empties a folder that an earlier demo made; any other is left alone.
fn clear(dir: &Path) -> Outcome<()> {
    let ours = dir.join("targets").is_dir() || std::fs::read_dir(dir)?.next().is_none();
    if !ours {
        let error = anyhow::anyhow!("`{}` was not made by an earlier demo", dir.display());
        return Err(Failure::new(Exit::Usage, error, "name another folder with --dir"));
    }
    Ok(std::fs::remove_dir_all(dir)?)
}

fn engine(dir: &Path, module: &Arc<Module>, now: Time) -> Outcome<Engine> {
    let config = Config::read(&dir.join("trueup.toml"))?;
    let store = config.store.clone();
    let engine = Engine::open(open::parts(config, Some(Arc::clone(module)))?, &store)?;
    Ok(engine.on_clock(Arc::new(Day(now))))
}

fn one_day(
    terminal: &mut Terminal<'_>,
    made: &Estate,
    day: u16,
    args: &DemoArgs,
    path: &Path,
    module: &Arc<Module>,
    month: &mut Month,
) -> Outcome<()> {
    let dir = &args.dir;
    estate::write_day(made, day, dir, path)?;
    if day > 0 {
        estate::use_access(made, day, dir)?;
    }
    estate::edit_by_hand(made, day, dir)?;
    let now = Estate::instant(day);
    let engine = engine(dir, module, now)?;
    let (planned, applied) = open::block_on(engine.run(Some(now)))??;
    headline(terminal, day, &planned, &applied)?;
    month.take(&engine, &planned, &applied)?;
    for story in made.stories().iter().filter(|story| story.day == day) {
        tell(terminal, &engine, &planned, story)?;
    }
    if day == 0 {
        first_release(terminal, &engine, month)?;
    }
    Ok(())
}

fn headline(terminal: &mut Terminal<'_>, day: u16, planned: &Planned, applied: &Applied) -> Outcome<()> {
    let held: u64 = planned.header.summary.held.values().sum();
    let time: std::time::Duration = planned.timings.iter().map(|(_, time)| *time).sum();
    writeln!(
        terminal.out,
        "{} {}  {} read, {} confirmed, {} waiting, {} held {}",
        paint(BOLD, format_args!("day {day:>2}")),
        &planned.report.as_of.to_string().chars().take(10).collect::<String>(),
        count(planned.report.facts),
        paint(GREEN, plural(applied.outcomes.confirmed(), "change")),
        paint(YELLOW, count(applied.outcomes.open())),
        count(held),
        paint(DIM, format_args!("(planned in {:.1} s)", time.as_secs_f64())),
    )?;
    let unmanaged: u64 = planned.header.summary.unmanaged.values().sum();
    if day == 0 && unmanaged > 0 {
        writeln!(
            terminal.out,
            "       {} {} of which no source speaks yet: seen, counted and left alone",
            paint(DIM, "not managed:"),
            plural(unmanaged, "case"),
        )?;
    }
    // What the first plan lets wait is told with its release.
    for (gate, number) in planned.header.summary.gated.iter().filter(|_| day > 0) {
        let what = plural(*number, "change");
        writeln!(terminal.out, "       {} {what} until a person has looked ({})", paint(YELLOW, "waiting:"), safe(gate))?;
    }
    for scan in &planned.report.scans {
        if let Completeness::Shrunk { lost, of } = scan.completeness {
            writeln!(
                terminal.out,
                "       {} {} lost {} of {} rows: nothing is removed on its word until somebody releases it",
                paint(YELLOW, "refused:"),
                safe(&scan.source),
                count(lost),
                count(of)
            )?;
        }
    }
    Ok(())
}

/// What a story was about, and what the plan made of it.
fn tell(terminal: &mut Terminal<'_>, engine: &Engine, planned: &Planned, story: &Story) -> Outcome<()> {
    writeln!(terminal.out, "       {} {}", paint(CYAN, format_args!("{}:", story.title)), safe(&story.what))?;
    let file = PlanFile::open(&engine.store().plan(planned.plan)).map_err(EngineError::from)?;
    let who: BTreeSet<&str> = story.who.iter().map(String::as_str).collect();
    let changes: Vec<Change> = file.changes().flatten().filter(|change| who.contains(change.component.as_str())).collect();
    for change in changes.iter().take(SHOWN) {
        write!(terminal.out, "        {:12}", safe(&change.key.target))?;
        plan::line(terminal, change)?;
    }
    let held: Vec<HeldLine> = file.held().flatten().filter(|line| who.contains(line.key.holder.as_str())).collect();
    for line in held.iter().take(SHOWN.saturating_sub(changes.len())) {
        let why = paint(DIM, safe(&line.reason.text));
        writeln!(
            terminal.out,
            "        {:12}  {} {:8} {}  {why}",
            safe(&line.key.target),
            paint(YELLOW, "="),
            "held",
            safe(&line.key.object)
        )?;
    }
    let more = (changes.len() + held.len()).saturating_sub(SHOWN);
    if more > 0 {
        writeln!(terminal.out, "        {}", paint(DIM, format_args!("… and {more} more")))?;
    }
    if changes.is_empty() && held.is_empty() && !who.is_empty() {
        writeln!(terminal.out, "        {}", paint(DIM, "nothing to do on this day: it stays, or an earlier plan settled it"))?;
    }
    Ok(())
}

/// The first plan of a scope may not remove anything before somebody looked: the demo looks, and says so.
fn first_release(terminal: &mut Terminal<'_>, engine: &Engine, month: &mut Month) -> Outcome<()> {
    let holds: Holds = engine.holds()?;
    if holds.gates.is_empty() {
        return Ok(());
    }
    let waiting = plural(holds.gates.len() as u64, "removal");
    writeln!(
        terminal.out,
        "       {} {waiting}: a first plan removes nothing until a person has looked (adoption)",
        paint(YELLOW, "refused:")
    )?;
    let (by, why) = ("demo".to_owned(), "the first plan was reviewed".to_owned());
    engine.release(&Release { all: true, by, why, ..Release::default() })?;
    if let Some((_, applied)) = open::block_on(engine.resume())?? {
        let confirmed = applied.outcomes.confirmed();
        writeln!(
            terminal.out,
            "       {} by the demo's operator, on the record; {} of {} confirmed",
            paint(GREEN, "released"),
            count(confirmed),
            plural(applied.outcomes.changes, "change")
        )?;
        month.released(confirmed);
    }
    Ok(())
}

impl Month {
    fn take(&mut self, engine: &Engine, planned: &Planned, applied: &Applied) -> Outcome<()> {
        if self.runs == 0 {
            let held: u64 = planned.header.summary.held.values().sum();
            self.first = planned.header.changes + held;
        }
        self.runs += 1;
        self.facts += planned.report.facts;
        self.confirmed += applied.outcomes.confirmed();
        for (grade, number) in &applied.outcomes.confirmed {
            *self.grades.entry(format!("{grade:?}")).or_default() += number;
        }
        let file = PlanFile::open(&engine.store().plan(planned.plan)).map_err(EngineError::from)?;
        for change in file.changes() {
            let change = change.map_err(EngineError::from)?;
            *self.by_kind.entry(change.kind.name().to_owned()).or_default() += 1;
            *self.by_tier.entry(format!("tier {}", change.tier)).or_default() += 1;
        }
        Ok(())
    }

    /// The first plan was confirmed further: its count replaces the first run's.
    fn released(&mut self, confirmed: u64) {
        self.confirmed = confirmed;
        self.grades = BTreeMap::from([("E3".to_owned(), confirmed)]);
    }
}

fn ending(terminal: &mut Terminal<'_>, dir: &Path, module: &Arc<Module>, month: &Month) -> Outcome<()> {
    let engine = engine(dir, module, Estate::instant(DAYS))?;
    let holds = engine.holds()?;
    let verified =
        engine.verify_log()?.map_err(|error| Failure::new(Exit::Audit, error, "this should not happen; please report it"))?;
    let join = |counts: &BTreeMap<String, u64>| {
        counts.iter().map(|(name, number)| format!("{} {name}", count(*number))).collect::<Vec<_>>().join(" · ")
    };
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    for line in &holds.held {
        *reasons.entry(line.reason.text.clone()).or_default() += 1;
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    writeln!(terminal.out, "\n{}", paint(BOLD, "The month"))?;
    writeln!(terminal.out, "  before    {} differed from what the sources say, or needed a person", plural(month.first, "case"))?;
    let waits = holds.gates.len() as u64;
    writeln!(
        terminal.out,
        "  after     {} at gates and what comes after them, {} held for a person",
        plural(waits, "change"),
        plural(holds.held.len() as u64, "case")
    )?;
    writeln!(terminal.out, "  planned   {}", join(&month.by_kind))?;
    writeln!(terminal.out, "            {}", join(&month.by_tier))?;
    writeln!(terminal.out, "  evidence  {} confirmed by read-back ({})", plural(month.confirmed, "change"), join(&month.grades))?;
    for (reason, number) in reasons.iter().take(SHOWN + 1) {
        writeln!(terminal.out, "  held      {:>5} {}", count(*number), safe(reason))?;
    }
    writeln!(terminal.out, "  log       {} leaves verified, root {}", count(verified.head.size), verified.head.root)?;
    writeln!(terminal.out)?;
    debt::backlog(terminal, &engine.debt(month.runs.try_into().unwrap_or(u32::MAX))?)?;
    writeln!(terminal.out, "\n{}", paint(BOLD, "Look around"))?;
    let case = holds.held.first().map_or_else(|| "crm/ada".to_owned(), |line| line.key.to_string());
    for command in [
        "trueup holds".to_owned(),
        format!("trueup explain {}", safe(&case)),
        "trueup debt".to_owned(),
        "trueup audit log".to_owned(),
    ] {
        writeln!(terminal.out, "  {}", paint(CYAN, format_args!("cd {} && {command}", dir.display())))?;
    }
    Ok(())
}
