//! What the log adds to committing: the same slices with its leaves and tree, and without.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use trueup::audit::Salts;
use trueup::ledger::{Ledger, SqliteLedger};
use trueup::limits::SLICE_CHANGES;
use trueup::model::Change;

use super::super::Sizes;
use super::super::machine::{cpu_seconds, median, timed};
use super::super::summary::{Figure, Summary, number};
use super::{LOG, TENANT, change, commit, in_folder, slice};

/// One round of one kind, in microseconds per change.
struct Round {
    wall: f64,
    cpu: f64,
    /// Of the wall time: making leaves, with their commitments.
    making: f64,
}

/// Commits in turn with and without the log, so that whatever else the machine does meets both.
pub(super) fn measure(sizes: &Sizes, work: &Path, summary: &mut Summary<'_>) -> Result<()> {
    summary.say("committing with and without the log …")?;
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..sizes.write_rounds {
        without.push(in_folder(work, |folder| round(folder, sizes.appended, false))?);
        with.push(in_folder(work, |folder| round(folder, sizes.appended, true))?);
    }
    let of = |rounds: &[Round], pick: fn(&Round) -> f64| rounds.iter().map(pick).collect::<Vec<f64>>();
    let ratios: Vec<String> = with.iter().zip(&without).map(|(with, without)| number(with.wall / without.wall)).collect();
    let figure = |name: &str, pick: fn(&Round) -> f64| {
        Figure::new(name, median(&of(&with, pick)), "µs per change")
            .beside("the same slices without leaves and tree", median(&of(&without, pick)))
            .with("changes of a round", sizes.appended)
            .with("changes per commit", SLICE_CHANGES)
            .with("rows of a change besides", "3 events, 1 head of recorded state")
            .with("log", LOG)
            .with("rounds", sizes.write_rounds)
    };
    let making = number(median(&of(&with, |round| round.making)));
    let wall = figure("committing with the log, wall time", |round| round.wall);
    summary.add(wall.with("of it making leaves, µs", making).with("ratio of each round", ratios.join(" ")))?;
    summary.add(figure("committing with the log, processor time", |round| round.cpu))
}

fn round(folder: &Path, changes: u64, logged: bool) -> Result<Round> {
    let ledger = SqliteLedger::open(&folder.join("ledger"))?;
    let (owned, mut salts) = (ledger.acquire(TENANT)?, Salts::from_seed([1; 32]));
    let (mut wall, mut making) = (Duration::ZERO, Duration::ZERO);
    // Making the changes is the plan's work, and is not counted.
    let all: Vec<Change> = (0..changes).map(change).collect();
    let begun = cpu_seconds()?;
    for changes in all.chunks(SLICE_CHANGES as usize) {
        let (time, batch) = timed(|| slice(changes, logged.then_some(&mut salts)))?;
        making += time;
        wall += time + timed(|| commit(&ledger, &owned, batch))?.0;
    }
    let cpu = cpu_seconds()? - begun;
    let each = |seconds: f64| seconds * 1e6 / changes as f64;
    Ok(Round { wall: each(wall.as_secs_f64()), cpu: each(cpu), making: each(making.as_secs_f64()) })
}
