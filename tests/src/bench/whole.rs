//! The figures that need the sandbox: judging, and all that begins with a rule. Owns that the rule is built before.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context as _, Result};
use trueup::author::{BuildOptions, build_component};
use trueup::generate::Profile;

use super::summary::Summary;
use super::{Sizes, estate, fresh, judging as judge, ledger, log, planning, replaying, reruns, tenants as several};
use crate::cli;

/// Measures everything, tells each figure as it comes, and writes `summary.json` into `folder`. What is needed on the
/// way lies in `folder/work` and is removed at the end.
///
/// # Errors
/// When a part of trueup fails, or files cannot be written.
pub fn run(sizes: &Sizes, folder: &Path, out: &mut dyn Write) -> Result<()> {
    with_rule(folder, out, |work, summary| {
        judge::measure(sizes, work, summary)?;
        fresh::measure(sizes, work, summary)?;
        planning::measure(sizes, work, summary)?;
        ledger::measure(sizes, work, summary)?;
        log::measure(sizes, work, summary)
    })
}

/// Measures judging alone: in batches as a run cuts them, and in small ones.
///
/// # Errors
/// As for [`run`].
pub fn judging(sizes: &Sizes, folder: &Path, out: &mut dyn Write) -> Result<()> {
    with_rule(folder, out, |work, summary| {
        judge::measure(sizes, work, summary)?;
        fresh::measure(sizes, work, summary)
    })
}

/// Measures planning alone, with so many desired and as many observed grants each time, and what each size costs beside the
/// first.
///
/// # Errors
/// As for [`run`].
pub fn plans(sizes: &[u64], folder: &Path, out: &mut dyn Write) -> Result<()> {
    with_rule(folder, out, |work, summary| planning::compare(sizes, work, summary))
}

/// Lives a generated month twice, and measures what judging only what changed costs beside judging everything.
///
/// # Errors
/// As for [`run`], and when two plans of a day differ.
pub fn month(profile: Profile, folder: &Path, out: &mut dyn Write) -> Result<()> {
    with_rule(folder, out, |work, summary| reruns::measure(profile, work, summary))
}

/// Lives a generated month, and measures what replaying its runs costs beside planning them, and what their recordings take.
///
/// # Errors
/// As for [`run`], and when a run does not replay.
pub fn replays(profile: Profile, folder: &Path, out: &mut dyn Write) -> Result<()> {
    with_rule(folder, out, |work, summary| replaying::measure(profile, work, summary))
}

/// Measures how tenants of one process fare beside one whose rule burns all it gets, and what so many tenants with so many
/// modules, distinct in code, take of memory and time.
///
/// # Errors
/// As for [`run`].
pub fn tenants(tenants: usize, modules: usize, seconds: u64, folder: &Path, out: &mut dyn Write) -> Result<()> {
    with_rule(folder, out, |work, summary| {
        let little = several::fairness(seconds, work, summary)?;
        several::density(tenants, modules, &little, work, summary)
    })
}

fn with_rule(folder: &Path, out: &mut dyn Write, measure: impl FnOnce(&Path, &mut Summary<'_>) -> Result<()>) -> Result<()> {
    super::figures(folder, out, |work, summary| {
        let built = build_component(&cli::root().join("rules/least-access"), &BuildOptions::default())?;
        fs::write(work.join(estate::RULE), &built.component).context("the rule's component")?;
        measure(work, summary)
    })
}
