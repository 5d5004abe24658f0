//! Every named point in every scene: a process dies there, others go on, and the end is that of a scene in which nobody died.
//! One `check` judges every cell. Owns who dies when, and what is counted.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use trueup::commit::Event;
use trueup::ledger::{Ledger as _, Query, Rows, SqliteLedger};
use trueup::model::{ChangeId, PlanId};
use trueup::target::EmbeddedTarget;

use super::end::End;
use super::mortal::Fate;
use super::points::{POINTS, RECOVERY};
use super::scenes::{self, SCENES, SLICE, Scene};
use super::session::{self, Errand};
use super::tenant::{self, TENANT};
use crate::estate::Numbers;
use crate::{cli, guests};

/// Variable by which `trueup-under-test` is told what to play, and where to die.
pub const ERRAND: &str = "TRUEUP_TEST_ERRAND";
/// The signal that cannot be caught.
const SIGKILL: i32 = 9;
/// The hour of the run that follows, when everything is over.
const LATER_HOUR: i64 = 9;

/// One cell.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The scene.
    pub scene: &'static str,
    /// Where the processes die, one after the other, and at which time that they come there.
    pub deaths: Vec<(&'static str, u64)>,
    /// A planted bug that the last of them has: then the end must not be the same.
    pub bug: Option<&'static str>,
    /// Whether a process may live because it never comes there: where points are drawn at random.
    pub random: bool,
}

/// What a scene comes to when nobody dies, and its folder before that.
pub struct Stage {
    scene: &'static Scene,
    folder: TempDir,
    end: End,
    /// How often the first process came to each point.
    pub reached: BTreeMap<String, u64>,
    handed_out: BTreeMap<String, u64>,
}

/// What became of a cell.
#[derive(Debug, Default)]
pub struct Played {
    /// Processes that died where they should.
    pub deaths: u64,
    /// Rows that sources handed out more often than in the scene in which nobody died, by source.
    pub read_again: BTreeMap<String, u64>,
}

fn errand(scene: &Scene, folder: &Path) -> Errand {
    let (scene, point) = (scene.name.to_owned(), String::new());
    Errand { folder: folder.to_owned(), scene, goes_on: false, hour: 0, slice: SLICE, point, nth: 0, bug: None }
}

impl Stage {
    /// Prepares a scene, and plays it without a death.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn of(scene: &'static Scene, people: u32) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        // A small rule: every process has to compile it.
        std::fs::write(folder.path().join(session::RULE), guests::component("by-position")?)?;
        scene.prepare(&errand(scene, folder.path()))?;
        if people > 0 {
            session::write_people(folder.path(), people)?;
        }
        std::fs::remove_file(folder.path().join("handed-out"))?;
        let copy = tenant::copy(folder.path())?;
        let fate = Arc::new(Fate::default());
        Scene::play(&errand(scene, copy.path()), &fate)?;
        let handed_out = handed_out(copy.path())?;
        let (end, _) = settle(scene, copy.path(), 1)?;
        Ok(Stage { scene, folder, end, reached: fate.reached(), handed_out })
    }

    /// The cell of a point, with the deaths before it: a third through what the scene has of the first. How much goes into one
    /// batch depends on how long the one before was under way, so that of batches only a second one is sure to come.
    ///
    /// # Errors
    /// When the scene never comes to the first.
    pub fn cell(&self, after: &[&'static str], point: &'static str) -> Result<Cell> {
        let mut all = after.iter().copied().chain([point]);
        let first = all.next().unwrap_or(point);
        let count = self.reached.get(first).with_context(|| format!("`{}` never comes to `{first}`", self.scene.name))?;
        let of_batches = [".unflushed", ".durable"].iter().any(|end| first.ends_with(end));
        let third = 1 + (count - 1) / 3;
        let deaths =
            [(first, if of_batches { third.min(2) } else { third })].into_iter().chain(all.map(|point| (point, 1))).collect();
        Ok(Cell { scene: self.scene.name, deaths, bug: None, random: false })
    }

    /// Plays a cell and judges its end.
    ///
    /// # Errors
    /// When a process lives that should have died, or dies by itself; when what was recorded before a death is gone after it;
    /// when the end is another; when the log does not verify.
    pub fn check(&self, cell: &Cell) -> Result<Played> {
        let copy = tenant::copy(self.folder.path())?;
        let mut played = Played::default();
        let mut recorded = BTreeMap::new();
        let mut hour = 0;
        for (index, (point, nth)) in cell.deaths.iter().enumerate() {
            let goes_on = hour > 0;
            let slice = if goes_on { self.scene.slice } else { SLICE };
            let point = (*point).to_owned();
            let bug = cell.bug.filter(|_| index + 1 == cell.deaths.len()).map(ToOwned::to_owned);
            let errand = Errand { goes_on, hour, slice, point, nth: *nth, bug, ..errand(self.scene, copy.path()) };
            hour += 1;
            if !dies(&errand)? {
                ensure!(cell.random, "nobody came to `{}` (time {nth})", errand.point);
                break;
            }
            played.deaths += 1;
            let now = events(copy.path())?;
            nothing_is_lost(&recorded, &now)?;
            intent_came_first(self.scene, copy.path(), &now)?;
            recorded = now;
        }
        let (end, handed_out) = settle(self.scene, copy.path(), hour.max(1))?;
        nothing_is_lost(&recorded, &events(copy.path())?)?;
        played.read_again = more_than(&self.handed_out, &handed_out);
        match self.end.differs(&end) {
            Some(what) => anyhow::bail!("it ended differently: {what}"),
            None => Ok(played),
        }
    }
}

/// Starts a process on an errand. Whether it died by the kill.
fn dies(errand: &Errand) -> Result<bool> {
    let mut command = Command::new(cli::binary()?);
    command.env(ERRAND, serde_json::to_string(errand)?).current_dir(&errand.folder);
    let output = command.stdin(Stdio::null()).output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success() || output.status.signal() == Some(SIGKILL),
        "it failed by itself on the way to `{}`: {}\n{told}",
        errand.point,
        output.status
    );
    Ok(!output.status.success())
}

/// What a process does that is on an errand: dies, or ends.
///
/// # Errors
/// When the errand is none, or the engine fails.
pub fn go(errand: &str) -> Result<()> {
    let errand: Errand = serde_json::from_str(errand)?;
    #[cfg(feature = "planted")]
    trueup::planted::select(trueup::planted::Bug::ALL.into_iter().find(|bug| Some(format!("{bug:?}")) == errand.bug));
    let fate = Arc::new(Fate::at(&errand.point, errand.nth));
    Scene::play(&errand, &fate)
}

/// Goes on to the end, with a run later that finds what is left to do, and looks: at the end, and at the rows that sources
/// handed out until the later run.
fn settle(scene: &Scene, folder: &Path, hour: i64) -> Result<(End, BTreeMap<String, u64>)> {
    let last = Errand { goes_on: true, hour, slice: scene.slice, ..errand(scene, folder) };
    let fate = Arc::default();
    Scene::play(&last, &fate)?;
    let handed_out = handed_out(folder)?;
    scenes::run(&Errand { hour: LATER_HOUR, ..last }, &fate)?;
    let verified = session::looker(folder, LATER_HOUR)?.verify_log()?;
    ensure!(verified.is_ok(), "the log does not verify: {verified:?}");
    scene.judge(folder)?;
    let (holder, objects) = scene.decided;
    Ok((End::of(folder)?.without(holder, objects), handed_out))
}

type Events = BTreeMap<PlanId, Vec<(ChangeId, Event)>>;

/// What is durable of every change of every plan.
fn events(folder: &Path) -> Result<Events> {
    let ledger = SqliteLedger::open_read_only(&session::store(folder)?.ledger())?;
    let Rows::Runs(runs) = ledger.read(TENANT, &Query::Runs(u32::MAX))? else { anyhow::bail!("no runs") };
    let mut all = Events::new();
    for plan in runs.into_iter().filter_map(|run| run.plan) {
        let Rows::Events(events) = ledger.read(TENANT, &Query::Events(plan))? else { anyhow::bail!("no events") };
        all.insert(plan, events);
    }
    Ok(all)
}

/// What was recorded once stands where it stood.
fn nothing_is_lost(before: &Events, now: &Events) -> Result<()> {
    for (plan, events) in before {
        let found = now.get(plan).map_or(&[][..], Vec::as_slice);
        ensure!(found.starts_with(events), "events of plan {plan} are gone");
    }
    Ok(())
}

/// What the target did for a plan has an intent. (What an emergency does belongs to no plan.)
fn intent_came_first(scene: &Scene, folder: &Path, events: &Events) -> Result<()> {
    let intents = events.values().flatten().filter(|(_, event)| matches!(event, Event::Intent { .. }));
    let intended: BTreeSet<String> = intents.map(|(change, _)| change.to_string()).collect();
    let rows = EmbeddedTarget::open(&folder.join("crm.db"), "crm")?.journal()?;
    for row in rows.into_iter().filter(|row| row.holder != scene.decided.0) {
        let Some(change) = row.change else { continue };
        ensure!(intended.contains(&change), "change {change} of `{}` was applied without an intent", row.holder);
    }
    Ok(())
}

/// Rows that sources handed out so far, by source.
fn handed_out(folder: &Path) -> Result<BTreeMap<String, u64>> {
    let mut rows = BTreeMap::new();
    for line in std::fs::read_to_string(folder.join("handed-out"))?.lines() {
        let (source, count) = line.split_once(' ').context("a source and its rows")?;
        *rows.entry(source.to_owned()).or_default() += count.parse::<u64>()?;
    }
    Ok(rows)
}

fn more_than(once: &BTreeMap<String, u64>, all: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let more = |(source, rows): (&String, &u64)| (source.clone(), rows.saturating_sub(*once.get(source).unwrap_or(&0)));
    all.iter().map(more).collect()
}

/// Every point in every scene. Cells that cannot be are named with the reason, and must not be reached.
///
/// # Errors
/// When a scene cannot be prepared, or comes where it says that it never does.
pub fn cells(stages: &[Stage]) -> Result<(Vec<Cell>, Vec<String>)> {
    let (mut cells, mut impossible) = (Vec::new(), Vec::new());
    for stage in stages {
        for point in POINTS {
            let name = stage.scene.name;
            match point.after.iter().chain([&point.name]).find_map(|point| stage.scene.never(point)) {
                None => cells.push(stage.cell(point.after, point.name)?),
                Some(why) => {
                    ensure!(!stage.reached.contains_key(point.name), "`{name}` comes to `{}`", point.name);
                    impossible.push(format!("{name}: never at {}: {why}", point.name));
                }
            }
        }
    }
    Ok((cells, impossible))
}

/// Deaths at random: one on the way, and `deep` in recoveries from those before.
#[must_use]
pub fn random_cell(stages: &[Stage], numbers: &mut Numbers, deep: usize) -> Option<Cell> {
    let stage = stages.get(usize::try_from(numbers.below(stages.len() as u64)).ok()?)?;
    let first: Vec<_> = POINTS.iter().filter(|point| stage.reached.contains_key(point.name)).map(|p| p.name).collect();
    let first = *first.get(usize::try_from(numbers.below(first.len() as u64)).ok()?)?;
    let nth = 1 + numbers.below(stage.reached.get(first).copied().unwrap_or(1));
    let later = (0..deep).map(|_| session::drawn(numbers, RECOVERY)).collect::<Vec<_>>();
    let deaths = [(first, nth)].into_iter().chain(later).collect();
    Some(Cell { scene: stage.scene.name, deaths, bug: None, random: true })
}

/// All scenes, played once without a death.
///
/// # Errors
/// When the engine fails.
pub fn stages() -> Result<Vec<Stage>> {
    SCENES.iter().map(|scene| Stage::of(scene, 0).with_context(|| format!("scene `{}`", scene.name))).collect()
}

/// Plays cells, two at a time; what became of each, in order.
#[must_use]
pub fn play(stages: &[Stage], cells: &[Cell]) -> Vec<Result<Played>> {
    let results: Mutex<BTreeMap<usize, Result<Played>>> = Mutex::default();
    let next = Mutex::new(cells.iter().enumerate());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some((index, cell)) = next.lock().unwrap_or_else(PoisonError::into_inner).next() else { return };
                    let stage = stages.iter().find(|stage| stage.scene.name == cell.scene).context("its scene");
                    let played = stage.and_then(|stage| stage.check(cell));
                    results.lock().unwrap_or_else(PoisonError::into_inner).insert(index, played);
                }
            });
        }
    });
    results.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}
