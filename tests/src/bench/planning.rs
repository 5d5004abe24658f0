//! What planning costs from the first page to the seal: wall and processor time, memory, each stage. Every plan is made in
//! a process of its own, so that peak memory is that of one run with its sandbox and its database.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use trueup::engine::{Engine, Options, Parts};

use super::machine::{cores, cpu_seconds, median, peak_mib, timed};
use super::summary::{Figure, Summary, number};
use super::{SEED, Sizes, estate};

const AIM_ROWS_PER_SECOND: f64 = 500_000.0;
/// Plans of each scenario where sizes are compared, and the desired grants above which one must do.
const PLANS: usize = 3;
const ONCE_ABOVE_ROWS: u64 = 1_000_000;

/// Whether a plan is recorded, as its process is told.
const RECORDED: &str = "recorded";
const UNRECORDED: &str = "unrecorded";

/// What one plan came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Made {
    rows: u64,
    cases: u64,
    changes: u64,
    batches: u64,
    plan: String,
    wall: f64,
    cpu: f64,
    peak_mib: f64,
    stages: Vec<(String, f64)>,
}

/// The plan in the middle of those of one scenario.
struct Middle {
    what: &'static str,
    rows: u64,
    wall: f64,
    peak_mib: f64,
}

/// Measures both scenarios.
pub(super) fn measure(sizes: &Sizes, work: &Path, summary: &mut Summary<'_>) -> Result<()> {
    scenarios(sizes.planned, sizes.plans, work, summary).map(drop)
}

/// Measures both scenarios at each size, and what each size costs beside the first.
pub(super) fn compare(sizes: &[u64], work: &Path, summary: &mut Summary<'_>) -> Result<()> {
    let mut first: Vec<Middle> = Vec::new();
    for rows in sizes {
        let plans = if *rows > ONCE_ABOVE_ROWS { 1 } else { PLANS };
        let made = scenarios(*rows, plans, work, summary)?;
        for (base, made) in first.iter().zip(&made) {
            let times = made.rows as f64 / base.rows as f64;
            let name = |of: &str| format!("{of} of {times:.1} times as many grants, {}", made.what);
            summary.add(Figure::new(&name("time"), made.wall / base.wall, "times").beside("grants", times))?;
            summary.add(Figure::new(&name("peak memory"), made.peak_mib / base.peak_mib, "times").beside("grants", times))?;
        }
        if first.is_empty() {
            first = made;
        }
    }
    Ok(())
}

fn scenarios(rows: u64, plans: usize, work: &Path, summary: &mut Summary<'_>) -> Result<Vec<Middle>> {
    summary.say(&format!("planning {rows} desired and as many observed grants …"))?;
    let folder = work.join("planned");
    estate::write(&folder, rows, SEED)?;
    let mut all = Vec::new();
    for (held, what) in [(estate::HELD, "0.1 % changed"), (estate::EMPTY, "empty target")] {
        let (mut made, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..plans {
            made.push(one(work, held, RECORDED)?);
            bare.push(one(work, held, UNRECORDED)?);
        }
        all.push(tell(what, &made, summary)?);
        summary.add(recording(what, &made, &bare)?)?;
    }
    fs::remove_dir_all(&folder)?;
    Ok(all)
}

/// What it costs that plans can be derived again.
fn recording(what: &str, made: &[Made], bare: &[Made]) -> Result<Figure> {
    ensure!(made.iter().zip(bare).all(|(made, bare)| made.plan == bare.plan), "recording a plan changed it");
    let of = |plans: &[Made], pick: fn(&Made) -> f64| median(&plans.iter().map(pick).collect::<Vec<f64>>());
    let cpu = of(made, |made| made.cpu) / of(bare, |made| made.cpu);
    let figure = Figure::new(&format!("processor time with recording beside without, {what}"), cpu, "times");
    let wall = of(made, |made| made.wall) / of(bare, |made| made.wall);
    let peaks = [of(made, |made| made.peak_mib), of(bare, |made| made.peak_mib)].map(number);
    Ok(figure.with("plans of each", made.len()).with("wall times", number(wall)).with("peak MiB with, without", peaks.join(" ")))
}

fn tell(what: &'static str, made: &[Made], summary: &mut Summary<'_>) -> Result<Middle> {
    let of = |pick: fn(&Made) -> f64| made.iter().map(pick).collect::<Vec<f64>>();
    let walls = of(|made| made.wall);
    // The run in the middle stands for all: its stages add up to its time.
    let middle = made.iter().find(|made| made.wall == median(&walls)).context("no plan was made")?;
    ensure!(made.iter().all(|other| other.plan == middle.plan), "equal inputs gave different plans");
    let rows = middle.rows as f64;
    let list = |values: &[f64]| values.iter().map(|value| number(*value)).collect::<Vec<_>>().join(" ");
    let stages: Vec<String> = middle.stages.iter().map(|(stage, time)| format!("{stage} {time:.2}")).collect();
    let figure = |name: &str, value, unit| {
        Figure::new(&format!("{name}, {what}"), value, unit)
            .with("rows", middle.rows)
            .with("cases", middle.cases)
            .with("batches", middle.batches)
            .with("changes", middle.changes)
            .with("plans", made.len())
            .with("threads", cores())
            .with("rule", "least-access")
            .with("files", "just written, in the page cache")
    };
    let speed = figure("grants read, judged and sealed", rows / middle.wall, "per second").beside("aim", AIM_ROWS_PER_SECOND);
    let speed =
        speed.with("wall s", list(&walls)).with("processor s", list(&of(|made| made.cpu))).with("stages s", stages.join(" "));
    summary.add(speed)?;
    let peak_mib = median(&of(|made| made.peak_mib));
    summary.add(figure("peak memory", peak_mib, "MiB").with("each", list(&of(|made| made.peak_mib))))?;
    Ok(Middle { what, rows: middle.rows, wall: middle.wall, peak_mib })
}

/// One plan in a process of its own.
fn one(work: &Path, held: &str, recorded: &str) -> Result<Made> {
    let output = Command::new(std::env::current_exe()?).arg("plan").arg(work).arg(held).arg(recorded).output()?;
    ensure!(output.status.success(), "a plan failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Plans once over the files of a bench that is under way, and writes what it came to as JSON.
///
/// # Errors
/// When the plan fails.
pub fn child(work: &Path, held: &str, recorded: &str, out: &mut dyn Write) -> Result<()> {
    let systems = estate::open(&work.join("planned"), held)?;
    let module = estate::module(work)?;
    let settings = module.check_settings(&Default::default())?;
    let mut options = Options::default();
    if recorded == UNRECORDED {
        options.recordings = 0;
    }
    let parts = Parts {
        tenant: "acme".to_owned(),
        sources: systems.sources,
        targets: systems.targets,
        module: Some(Arc::new(module)),
        settings,
        scopes: systems.scopes,
        sink: None,
        options,
    };
    let store = work.join("store");
    let engine = Engine::open(parts, &store)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build()?;
    let cpu = cpu_seconds()?;
    let (wall, planned) = timed(|| Ok(runtime.block_on(engine.plan(Some(estate::AS_OF)))?))?;
    let report = &planned.report;
    ensure!(report.faults.is_empty(), "a batch failed: {:?}", report.faults);
    let made = Made {
        rows: report.facts,
        cases: report.cases,
        changes: planned.header.changes,
        batches: report.batches,
        plan: planned.plan.to_string(),
        wall: wall.as_secs_f64(),
        cpu: cpu_seconds()? - cpu,
        peak_mib: peak_mib()?,
        stages: planned.timings.iter().map(|(stage, time)| ((*stage).to_owned(), time.as_secs_f64())).collect(),
    };
    drop(engine);
    fs::remove_dir_all(&store)?;
    Ok(serde_json::to_writer(out, &made)?)
}
