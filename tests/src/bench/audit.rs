//! What verifying the audit log costs, leaf by leaf, as `trueup audit verify` reads and judges it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use trueup::audit::{LogHead, Salts, Verifier};
use trueup::ledger::{Ledger, Query, Rows, SqliteLedger};

use super::Sizes;
use super::ledger::{TENANT, commit, in_folder, whole};
use super::machine::{median, timed};
use super::summary::{Figure, Summary};

const AIM_US: f64 = 5.0;
/// Changes per commit while the log is written, and leaves per page while it is read.
const CHANGES: u64 = 500;
const PAGE: u32 = 4_096;
/// Times that the whole log is verified.
const ROUNDS: usize = 5;

/// Writes a log and verifies it.
pub(super) fn measure(sizes: &Sizes, work: &Path, summary: &mut Summary<'_>) -> Result<()> {
    summary.say(&format!("verifying the log of {} changes …", sizes.logged))?;
    in_folder(work, |folder| {
        let ledger = SqliteLedger::open(&folder.join("ledger"))?;
        let (owned, mut salts) = (ledger.acquire(TENANT)?, Salts::from_seed([1; 32]));
        for n in 0..sizes.logged / CHANGES {
            commit(&ledger, &owned, whole(n * CHANGES, CHANGES, &mut salts)?)?;
        }
        let head = ledger.recover(&owned)?.head;
        ensure!(head.size == sizes.logged / CHANGES * CHANGES * 3, "the log has {} leaves", head.size);
        let (mut all, mut reads) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (whole, read) = timed(|| verify(&ledger, head))?;
            let each = |time: Duration| time.as_secs_f64() * 1e6 / head.size as f64;
            all.push(each(whole));
            reads.push(each(read));
        }
        let figure = Figure::new("audit verify", median(&all), "µs per leaf")
            .beside("aim", AIM_US)
            .with("leaves", head.size)
            .with("log", "an intent with two states, an outcome, a confirmation of each change")
            .with("rounds", ROUNDS)
            .with("threads", 1)
            .with("of it reading from SQLite", format!("{:.2} µs", median(&reads)));
        summary.add(figure)
    })
}

/// Verifies the log page by page; gives the time that reading took.
fn verify(ledger: &SqliteLedger, head: LogHead) -> Result<Duration> {
    let (mut verifier, mut from, mut reading) = (Verifier::default(), 0, Duration::ZERO);
    loop {
        let (time, rows) = timed(|| Ok(ledger.read(TENANT, &Query::Leaves(from, PAGE))?))?;
        reading += time;
        let Rows::Leaves(leaves) = rows else { bail!("other rows: {rows:?}") };
        let Some(last) = leaves.last() else { break };
        from = last.index + 1;
        leaves.iter().try_for_each(|leaf| verifier.push(leaf))?;
    }
    verifier.finish(head)?;
    Ok(reading)
}
