//! `make bench`: how fast trueup is, each figure beside what it is compared with and the conditions it was measured under.
//! Owns which figures there are and how large; no product code knows of it. What needs no sandbox is there without one.
#![cfg_attr(
    not(feature = "whole"),
    expect(dead_code, reason = "sizes and looks at the machine that only the other figures take")
)]

#[cfg(feature = "whole")]
mod against;
#[cfg(feature = "whole")]
mod cut;
#[cfg(feature = "whole")]
mod estate;
#[cfg(feature = "whole")]
mod fresh;
#[cfg(feature = "whole")]
mod judging;
mod ledger;
mod log;
mod machine;
#[cfg(feature = "whole")]
mod planning;
#[cfg(feature = "whole")]
mod replaying;
#[cfg(feature = "whole")]
mod reruns;
mod summary;
#[cfg(feature = "whole")]
mod tenants;
#[cfg(feature = "whole")]
mod whole;

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::Result;

#[cfg(feature = "whole")]
pub use against::run as against;
#[cfg(feature = "whole")]
pub(crate) use machine::cpu_seconds;
#[cfg(feature = "whole")]
pub use planning::child;
pub use summary::{Figure, read};
#[cfg(feature = "whole")]
pub use whole::{judging, month, plans, replays, run, tenants};

#[cfg(feature = "whole")]
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
    /// Changes that are committed with and without the log, in each round.
    appended: u64,
    /// Changes in the log that is verified and proved over, three leaves each.
    logged: u64,
    /// Times that all of it is verified, on all cores and on one.
    verified: usize,
    /// Proofs of each kind over the ledger; over tiles there are 25 times as many.
    proved: u64,
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
        appended: 20_000,
        logged: 333_500,
        verified: 5,
        proved: 40,
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
        appended: 2_000,
        logged: 500,
        verified: 1,
        proved: 2,
    };
}

/// Measures the audit log alone: what it adds to committing, verifying it, proving something of it, and its room on disk.
///
/// # Errors
/// When a part of trueup fails, or files cannot be written.
pub fn log(sizes: &Sizes, folder: &Path, out: &mut dyn Write) -> Result<()> {
    figures(folder, out, |work, summary| log::measure(sizes, work, summary))
}

fn figures(folder: &Path, out: &mut dyn Write, measure: impl FnOnce(&Path, &mut Summary<'_>) -> Result<()>) -> Result<()> {
    let work = folder.join("work");
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    fs::create_dir_all(&work)?;
    let mut summary = Summary::new(out, &work);
    measure(&work, &mut summary)?;
    let figures = summary.finish();
    fs::write(folder.join("summary.json"), serde_json::to_string_pretty(&figures)? + "\n")?;
    fs::remove_dir_all(&work)?;
    Ok(())
}
