//! What verifying a whole log costs, as `trueup audit verify` does it: its leaves on all cores and on one, and the rows of its ledger.

use std::time::Duration;

use anyhow::{Result, bail};
use trueup::audit::{Verifier, verify_pages};
use trueup::ledger::{Ledger, Query, Rows, StoredLeaf};

use super::super::Sizes;
use super::super::machine::{cores, cpu_seconds, median, peak_mib, timed};
use super::super::summary::{Figure, Summary, number};
use super::{LOG, Log, TENANT};

/// What a million leaves may take on two cores, in seconds.
const AIM_SECONDS: f64 = 5.0;
const MILLION: f64 = 1e6;
/// Leaves per page while they are read.
const PAGE: u32 = 4_096;

/// Verifies the log as often as is measured, and looks at the rows of its ledger.
pub(super) fn measure(sizes: &Sizes, log: &Log, summary: &mut Summary<'_>) -> Result<()> {
    summary.say(&format!("verifying {} leaves …", number(log.head.size as f64)))?;
    let million = |time: Duration| time.as_secs_f64() * MILLION / log.head.size as f64;
    let mut reads = Vec::new();
    for _ in 0..sizes.verified {
        reads.push(million(timed(|| read(log, |_| Ok(())))?.0));
    }
    for (name, threads) in [("audit verify, all cores", cores()), ("audit verify, one thread", 1)] {
        let (mut walls, mut cpus) = (Vec::new(), Vec::new());
        for _ in 0..sizes.verified {
            let begun = cpu_seconds()?;
            walls.push(million(timed(|| verify(log, threads))?.0));
            cpus.push((cpu_seconds()? - begun) * MILLION / log.head.size as f64);
        }
        let figure = Figure::new(name, median(&walls), "s per million leaves")
            .beside("aim on two cores", AIM_SECONDS)
            .with("threads", threads)
            .with("leaves", log.head.size)
            .with("log", LOG)
            .with("rounds", sizes.verified)
            .with("each round, s", walls.iter().map(|time| number(*time)).collect::<Vec<_>>().join(" "))
            .with("processor time, s", number(median(&cpus)))
            .with("reading alone, s", number(median(&reads)))
            .with("peak memory so far, MiB", number(peak_mib()?));
        summary.add(figure)?;
    }
    let (time, ()) = timed(|| Ok(log.ledger.check(TENANT)?))?;
    let figure = Figure::new("looking at every page and row of the ledger", million(time), "s per million leaves");
    summary.add(figure.with("leaves", log.head.size).with("changes", log.changes).with("threads", 1))
}

/// The pages of the log, one after another.
fn pages(log: &Log) -> impl FnMut() -> Result<Vec<StoredLeaf>> + Send {
    let mut from = 0;
    move || {
        let Rows::Leaves(leaves) = log.ledger.read(TENANT, &Query::Leaves(from, PAGE))? else { bail!("other rows") };
        from = leaves.last().map_or(from, |last| last.index + 1);
        Ok(leaves)
    }
}

/// Reads the log page by page.
pub(super) fn read(log: &Log, mut see: impl FnMut(&StoredLeaf) -> Result<()>) -> Result<()> {
    let mut next = pages(log);
    loop {
        let leaves = next()?;
        if leaves.is_empty() {
            return Ok(());
        }
        leaves.iter().try_for_each(&mut see)?;
    }
}

fn verify(log: &Log, threads: usize) -> Result<()> {
    let verifier = verify_pages(Verifier::default(), threads, pages(log), |_, _| Ok(()))??;
    verifier.finish(log.head)?;
    Ok(())
}
