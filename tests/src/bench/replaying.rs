//! What it costs to replay a run beside what it cost to plan it, and what recordings of a month of daily runs take on disk.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use trueup::engine::{Options, Recordings, ReplayVerdict, Replaying};
use trueup::generate::Profile;
use trueup::rule::{Module, RuleEngine, RuleLimits};

use super::machine::{median, timed};
use super::summary::{Figure, Summary, number};
use super::{SEED, cli};
use crate::reruns::{Month, live, stores};

/// Days after the first.
const DAYS: u16 = 30;

/// One day.
struct Lived {
    /// Planning, in seconds of wall time, and the part of it that recorded.
    planned: f64,
    recorded: f64,
    /// Replaying without and with judging.
    derived: f64,
    judged: f64,
    /// What was written, in bytes.
    written: f64,
    facts: u64,
}

/// Measures a month in which targets tell when access was used, and one in which they do not.
pub(super) fn measure(profile: Profile, work: &Path, summary: &mut Summary<'_>) -> Result<()> {
    let module = Module::load(&RuleEngine::new(&RuleLimits::default())?, &fs::read(cli::standard_module()?)?)?;
    for (used, what) in [(false, "use not told"), (true, "use told daily")] {
        summary.say(&format!("thirty days of profile {}, {what} …", profile.name()))?;
        let folder = work.join("month");
        let month = Month { shape: profile.shape(), seed: SEED, days: DAYS, part: Options::default().part, used, stories: false };
        let [store, _] = stores(&folder);
        let recordings = Recordings::of(&store);
        let (mut days, mut bytes) = (Vec::new(), 0);
        live(&month, &module, &folder, |day| {
            let stages = |wanted: &str| {
                let laps = day.full.stages.iter().filter(|(stage, _)| wanted.is_empty() || *stage == wanted);
                laps.map(|(_, time)| time.as_secs_f64()).sum()
            };
            let replay = |module: Option<&Module>| {
                let how = Replaying { threads: 0, module: module.cloned() };
                let (time, found) = timed(|| Ok(recordings.replay(day.full.report.run, &how)?))?;
                ensure!(found.verdict == ReplayVerdict::Same, "{found:?}");
                anyhow::Ok(time.as_secs_f64())
            };
            let now = recordings.bytes()?;
            days.push(Lived {
                planned: stages(""),
                recorded: stages("recording"),
                derived: replay(None)?,
                judged: replay(Some(&module))?,
                written: (now - bytes) as f64,
                facts: day.full.report.facts,
            });
            bytes = now;
            Ok(())
        })?;
        fs::remove_dir_all(&folder)?;
        tell(profile, what, &days, bytes as f64, summary)?;
    }
    Ok(())
}

fn tell(profile: Profile, what: &str, days: &[Lived], bytes: f64, summary: &mut Summary<'_>) -> Result<()> {
    let middle = |pick: fn(&Lived) -> f64| median(&days.iter().map(pick).collect::<Vec<f64>>());
    let figure = |name: &str, value, unit| {
        Figure::new(&format!("{name}, {what}"), value, unit)
            .with("estate", profile.name())
            .with("runs", days.len())
            .with("facts of the last", days.last().map_or(0, |day| day.facts))
            .with("rule", "standard")
    };
    let planned = middle(|day| day.planned);
    let derived = figure("replaying without judging, median wall time", middle(|day| day.derived), "s");
    summary.add(derived.beside("planning it", planned).with("of it recording, s", number(middle(|day| day.recorded))))?;
    let judged = figure("replaying with judging, median wall time", middle(|day| day.judged), "s");
    summary.add(judged.beside("planning it", planned))?;
    let first = days.first().map_or(0.0, |day| day.written);
    let mib = |bytes: f64| bytes / f64::from(1 << 20);
    let each = days.iter().skip(1).map(|day| number(mib(day.written))).collect::<Vec<_>>().join(" ");
    let all = figure("recordings of all runs", mib(bytes), "MiB").with("each day after the first, MiB", each);
    summary
        .add(all.beside("as many as large as the first", mib(first * days.len() as f64)).with("first, MiB", number(mib(first))))
}
