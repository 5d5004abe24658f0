//! What a daily run costs that judges only what changed, beside one that judges everything, over a generated month.

use std::fs;
use std::path::Path;

use anyhow::Result;
use trueup::engine::Options;
use trueup::generate::Profile;
use trueup::rule::{Module, RuleEngine, RuleLimits};

use super::machine::median;
use super::summary::{Figure, Summary, number};
use super::{SEED, cli};
use crate::reruns::{Day, Made, Month, live};

/// Days after the first.
const DAYS: u16 = 30;
/// Of what a full run costs, what an incremental one should cost at most.
const AIM: f64 = 0.05;

/// Measures a month in which targets tell when access was used, and one in which they do not.
pub(super) fn measure(profile: Profile, work: &Path, summary: &mut Summary<'_>) -> Result<()> {
    let module = Module::load(&RuleEngine::new(&RuleLimits::default())?, &fs::read(cli::standard_module()?)?)?;
    for (used, what) in [(false, "use not told"), (true, "use told daily")] {
        summary.say(&format!("thirty days of profile {}, {what} …", profile.name()))?;
        let folder = work.join("month");
        let mut days = Vec::new();
        let part = Options::default().part;
        let month = Month { shape: profile.shape(), seed: SEED, days: DAYS, part, used, stories: false };
        live(&month, &module, &folder, |day| {
            days.extend((day.day > 0).then(|| Lived::of(day)));
            Ok(())
        })?;
        fs::remove_dir_all(&folder)?;
        tell(profile, what, &days, summary)?;
    }
    Ok(())
}

/// What is told of one day.
struct Lived {
    cpu: f64,
    full_cpu: f64,
    judging: f64,
    full_judging: f64,
    /// Of all batches, those that were judged.
    judged: f64,
    /// Of all cases, those that the plan changes.
    changed: f64,
    batches: u64,
    cases: u64,
}

impl Lived {
    fn of(day: &Day) -> Self {
        let judging = |made: &Made| {
            let laps = made.stages.iter().filter(|(stage, _)| *stage == "judge");
            laps.map(|(_, time)| time.as_secs_f64()).sum()
        };
        let Made { report, header, .. } = &day.incremental;
        Lived {
            cpu: day.incremental.cpu,
            full_cpu: day.full.cpu,
            judging: judging(&day.incremental),
            full_judging: judging(&day.full),
            judged: 1.0 - report.spared.reused as f64 / report.batches.max(1) as f64,
            changed: header.changes as f64 / report.cases.max(1) as f64,
            batches: report.batches,
            cases: report.cases,
        }
    }
}

fn tell(profile: Profile, what: &str, days: &[Lived], summary: &mut Summary<'_>) -> Result<()> {
    let middle = |pick: fn(&Lived) -> f64| median(&days.iter().map(pick).collect::<Vec<f64>>());
    let figure = |name: &str, value, unit| {
        let last = days.last();
        Figure::new(&format!("{name}, {what}"), value, unit)
            .with("estate", profile.name())
            .with("days", days.len())
            .with("cases", last.map_or(0, |day| day.cases))
            .with("batches", last.map_or(0, |day| day.batches))
            .with("changed cases, median", format!("{:.2} %", 100.0 * middle(|day| day.changed)))
            .with("rule", "standard")
    };
    let judged = figure("batches judged of all, median", 100.0 * middle(|day| day.judged), "%");
    summary.add(judged.with("each day", list(days, |day| 100.0 * day.judged)))?;
    let (cpu, full) = (middle(|day| day.cpu), middle(|day| day.full_cpu));
    let run = figure("planning what changed, processor time", cpu, "s").beside("judging all", full);
    summary.add(run.with("aim", format!("{AIM} times")))?;
    let (judging, full) = (middle(|day| day.judging), middle(|day| day.full_judging));
    summary.add(figure("judging what changed, wall time", judging, "s").beside("judging all", full))
}

fn list(days: &[Lived], pick: impl Fn(&Lived) -> f64) -> String {
    days.iter().map(|day| number(pick(day))).collect::<Vec<_>>().join(" ")
}
