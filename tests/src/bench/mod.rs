//! `make bench`: how fast trueup is, each figure beside what it is compared with and the conditions it was measured under.
//! Owns which figures there are and how large; no product code knows of it.

mod audit;
mod estate;
mod judging;
mod ledger;
mod machine;
mod planning;
mod replaying;
mod reruns;
mod summary;
mod tenants;

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context as _, Result};
use trueup::author::{BuildOptions, build_component};
use trueup::generate::Profile;

pub(crate) use machine::cpu_seconds;
pub use planning::child;
pub use summary::{Figure, read};

use crate::cli;
use summary::Summary;

/// The seed of all generated grants.
const SEED: u64 = 7;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Desired and observed grants for judging.
    judged: u64,
    /// Times that both forms of the rule judge them.
    rounds: usize,
    /// Desired grants for planning, and as many observed.
    planned: u64,
    /// Plans of each scenario.
    plans: usize,
    /// Changes per commit of the ledger.
    commits: &'static [u64],
    /// How long each side of the ledger's comparison writes, in milliseconds, in each round.
    writes_ms: u64,
    /// Rounds of that comparison.
    write_rounds: usize,
    /// Changes in the log that is verified, three leaves each.
    logged: u64,
}

impl Sizes {
    /// What `make bench` measures.
    pub const FULL: Sizes = Sizes {
        judged: 200_000,
        rounds: 15,
        planned: 1_000_000,
        plans: 3,
        commits: &[1, 10, 100, 1_000],
        writes_ms: 500,
        write_rounds: 5,
        logged: 100_000,
    };
    /// Enough to see that it works.
    pub const QUICK: Sizes = Sizes {
        judged: 2_000,
        rounds: 3,
        planned: 5_000,
        plans: 1,
        commits: &[100],
        writes_ms: 50,
        write_rounds: 1,
        logged: 500,
    };
}

/// Measures everything, tells each figure as it comes, and writes `summary.json` into `folder`. What is needed on the
/// way lies in `folder/work` and is removed at the end.
///
/// # Errors
/// When a part of trueup fails, or files cannot be written.
pub fn run(sizes: &Sizes, folder: &Path, out: &mut dyn Write) -> Result<()> {
    figures(folder, out, |work, summary| {
        judging::measure(sizes, work, summary)?;
        planning::measure(sizes, work, summary)?;
        ledger::measure(sizes, work, summary)?;
        audit::measure(sizes, work, summary)
    })
}

/// Measures judging alone.
///
/// # Errors
/// As for [`run`].
pub fn judging(sizes: &Sizes, folder: &Path, out: &mut dyn Write) -> Result<()> {
    figures(folder, out, |work, summary| judging::measure(sizes, work, summary))
}

/// Measures planning alone, with so many desired and as many observed grants each time, and what each size costs beside the
/// first.
///
/// # Errors
/// As for [`run`].
pub fn plans(sizes: &[u64], folder: &Path, out: &mut dyn Write) -> Result<()> {
    figures(folder, out, |work, summary| planning::compare(sizes, work, summary))
}

/// Lives a generated month twice, and measures what judging only what changed costs beside judging everything.
///
/// # Errors
/// As for [`run`], and when two plans of a day differ.
pub fn month(profile: Profile, folder: &Path, out: &mut dyn Write) -> Result<()> {
    figures(folder, out, |work, summary| reruns::measure(profile, work, summary))
}

/// Lives a generated month, and measures what replaying its runs costs beside planning them, and what their recordings take.
///
/// # Errors
/// As for [`run`], and when a run does not replay.
pub fn replays(profile: Profile, folder: &Path, out: &mut dyn Write) -> Result<()> {
    figures(folder, out, |work, summary| replaying::measure(profile, work, summary))
}

/// Measures how tenants of one process fare beside one whose rule burns all it gets, and what so many tenants with so many
/// modules, distinct in code, take of memory and time.
///
/// # Errors
/// As for [`run`].
pub fn tenants(tenants: usize, modules: usize, seconds: u64, folder: &Path, out: &mut dyn Write) -> Result<()> {
    figures(folder, out, |work, summary| {
        let little = tenants::fairness(seconds, work, summary)?;
        tenants::density(tenants, modules, &little, work, summary)
    })
}

fn figures(folder: &Path, out: &mut dyn Write, measure: impl FnOnce(&Path, &mut Summary<'_>) -> Result<()>) -> Result<()> {
    let work = folder.join("work");
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    fs::create_dir_all(&work)?;
    let mut summary = Summary::new(out, &work);
    let built = build_component(&cli::root().join("rules/least-access"), &BuildOptions::default())?;
    fs::write(work.join(estate::RULE), &built.component).context("the rule's component")?;
    measure(&work, &mut summary)?;
    let figures = summary.finish();
    fs::write(folder.join("summary.json"), serde_json::to_string_pretty(&figures)? + "\n")?;
    fs::remove_dir_all(&work)?;
    Ok(())
}
