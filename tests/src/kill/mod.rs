//! Kills `trueup run` at a named stage, resumes it, and holds the end against a run that nobody killed. Owns the rounds and
//! what they come to.

mod end;
mod killing;
pub mod matrix;
mod mortal;
pub mod points;
pub mod scenes;
mod session;
mod tenant;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use serde_json::Value;

use crate::estate::Numbers;
use crate::{cli, guests};

pub use end::End;
pub use killing::{DIE_AT, Killed, Way, stage_of};
pub use mortal::die;
pub use tenant::{AS_OF, prepare};

/// Stages at which a run is killed, as `--progress json` names them.
pub const STAGES: [&str; 6] = ["page", "judge", "seal", "intent", "sent", "verify"];

/// A plan of 480 changes: small enough for a round a second, and each stage still reports often.
const SHARE: usize = 5;

/// Kills whose last reported stage was the same.
#[derive(Debug, Default, Serialize)]
pub struct Kills {
    /// By the process itself, at an exact report.
    pub inside: u64,
    /// By a signal from outside, some time after a report.
    pub outside: u64,
}

/// What a kill loop came to.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Changes of the plan.
    pub changes: u64,
    /// Pages of all scans of a run.
    pub pages: u64,
    /// Rounds in which the process died by the kill.
    pub kills: u64,
    /// Rounds in which the run ended before the kill.
    pub missed: u64,
    /// Kills per last stage that was reported before the process died; `begin`: none was.
    pub states: BTreeMap<String, Kills>,
    /// Rounds that ended otherwise than the uninterrupted run.
    pub different: u64,
    /// Pages that a resumed run read although they had been reported as stored.
    pub read_again: u64,
    /// Most pages that a resumed run read, per last stage before the kill.
    pub read_after: BTreeMap<String, u64>,
}

/// A round that was killed and resumed.
struct Round {
    /// None: the run was over before the kill.
    killed: Option<Killed>,
    /// Pages that were read after it, as (source, rows so far).
    pages: Vec<(String, u64)>,
    end: End,
}

/// One round: kills, resumes, and looks at the end.
fn round(template: &Path, way: &Way) -> Result<Round> {
    let folder = tenant::copy(template)?;
    let killed = killing::kill(folder.path(), way)?;
    let (resumed, mut pages) = watched(folder.path(), &["resume"])?;
    // Killed before anything was durable, there is no run to go on with.
    if killed.is_some() && resumed["resumed"] == false {
        pages = watched(folder.path(), &["run", "--as-of", AS_OF])?.1;
    }
    let verified = session::looker(folder.path(), 0)?.verify_log()?;
    ensure!(verified.is_ok(), "the log does not verify: {verified:?}");
    Ok(Round { killed, pages, end: End::of(folder.path())? })
}

/// Runs a command; what it printed, and the pages that it read.
fn watched(folder: &Path, args: &[&str]) -> Result<(Value, Vec<(String, u64)>)> {
    let args: Vec<&str> = args.iter().copied().chain(["--json", "--progress", "json"]).collect();
    let output = cli::trueup(folder, &args)?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "trueup {}: {}\n{told}", args.join(" "), output.status);
    Ok((serde_json::from_slice(&output.stdout)?, told.lines().filter_map(killing::page_of).collect()))
}

/// Runs to the end without a kill. Returns how often each stage reports.
fn uninterrupted(template: &Path) -> Result<(End, BTreeMap<String, u64>)> {
    let folder = tenant::copy(template)?;
    let output = cli::trueup(folder.path(), &["run", "--as-of", AS_OF, "--json", "--progress", "json"])?;
    ensure!(output.status.success(), "the uninterrupted run: {}", String::from_utf8_lossy(&output.stderr));
    let mut reports = BTreeMap::new();
    for stage in String::from_utf8_lossy(&output.stderr).lines().filter_map(killing::stage_of_line) {
        *reports.entry(stage).or_default() += 1;
    }
    Ok((End::of(folder.path())?, reports))
}

/// How the rounds are killed: spread evenly over the stages, at pseudo-random points of each, every other one from inside at
/// an exact report, the rest from outside at any instant.
fn ways(rounds: u64, reports: &BTreeMap<String, u64>) -> Result<Vec<Way>> {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let way = |number: u64| {
        let stage = STAGES[usize::try_from(number / 2 % STAGES.len() as u64)?];
        let nth = 1 + numbers.below(reports.get(stage).copied().with_context(|| format!("no report of {stage}"))?);
        Ok(match number % 2 {
            0 => Way::Inside { stage, nth },
            _ => Way::Outside { stage, nth, delay: Duration::from_micros(numbers.below(2_000)) },
        })
    };
    (0..rounds).map(way).collect()
}

/// Kills so many runs, two side by side, and goes on with each.
///
/// # Errors
/// When a command fails, or the log of a resumed run does not verify.
pub fn rounds(rounds: u64, tell: impl Fn(&str) + Sync) -> Result<Report> {
    let template = tempfile::tempdir()?;
    // A small rule: every process has to compile it.
    let module = template.path().join("rule.wasm");
    std::fs::write(&module, guests::component("by-position")?)?;
    prepare(template.path(), &module, SHARE)?;
    let (expected, reports) = uninterrupted(template.path())?;
    let pages = reports.get("page").copied().unwrap_or_default();
    let report = Mutex::new(Report { changes: expected.changes(), pages, ..Report::default() });
    let ways = ways(rounds, &reports)?;
    let next = Mutex::new(ways.iter().enumerate());
    let work = || -> Result<()> {
        loop {
            let Some((number, way)) = locked(&next).next() else { return Ok(()) };
            let round = round(template.path(), way)?;
            let mut report = locked(&report);
            report.count(way, &round);
            if let Some(what) = expected.differs(&round.end) {
                report.different += 1;
                tell(&format!("round {number}, {way:?}, ended differently: {what}"));
            }
            if (report.kills + report.missed).is_multiple_of(10) {
                tell(&format!("{} kills, {} missed", report.kills, report.missed));
            }
        }
    };
    std::thread::scope(|scope| {
        let workers = [scope.spawn(work), scope.spawn(work)];
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| anyhow::anyhow!("a round panicked"))?)
    })?;
    Ok(report.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Whoever panicked here has failed the rounds already.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Report {
    fn count(&mut self, way: &Way, round: &Round) {
        let Some(killed) = &round.killed else {
            self.missed += 1;
            return;
        };
        self.kills += 1;
        let kills = self.states.entry(killed.stage.clone()).or_default();
        match way {
            Way::Inside { .. } => kills.inside += 1,
            Way::Outside { .. } => kills.outside += 1,
        }
        let known = |source: &str| killed.pages.get(source).copied().unwrap_or_default();
        self.read_again += round.pages.iter().filter(|(source, rows)| *rows <= known(source)).count() as u64;
        let most = self.read_after.entry(killed.stage.clone()).or_default();
        *most = (*most).max(round.pages.len() as u64);
    }
}
