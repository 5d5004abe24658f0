//! The kill loop: `cargo run --workspace --features trueup/cli,trueup-tests/whole --bin kill -- [ROUNDS] [DEEP] [SEED]`: so many
//! rounds with one kill each (default 200), and so many cells with kills during recoveries, three deep (default none).

use anyhow::Context as _;
use trueup_tests::estate::Numbers;
use trueup_tests::kill::{self, matrix};

fn main() -> anyhow::Result<()> {
    let number = |nth, default| match std::env::args().nth(nth) {
        None => Ok(default),
        Some(text) => text.parse().with_context(|| format!("`{text}` is no number; usage: kill [ROUNDS] [DEEP] [SEED]")),
    };
    let (rounds, deep, seed) = (number(1, 200)?, number(2, 0)?, number(3, 1)?);
    let report = kill::rounds(rounds, |line| eprintln!("{line}"))?;
    println!("{}", serde_json::to_string_pretty(&report)?);
    anyhow::ensure!(report.different == 0, "{} rounds ended differently", report.different);
    anyhow::ensure!(report.read_again == 0, "{} stored pages were read again", report.read_again);
    recoveries(deep, seed)
}

/// Kills during recoveries, at random; prints what the seed drew and how each ended.
fn recoveries(cells: u64, seed: u64) -> anyhow::Result<()> {
    if cells == 0 {
        return Ok(());
    }
    let stages = matrix::stages()?;
    let mut numbers = Numbers(seed);
    let cells: Vec<_> = (0..cells).filter_map(|_| matrix::random_cell(&stages, &mut numbers, 3)).collect();
    let (mut by_depth, mut wrong) = (std::collections::BTreeMap::<u64, u64>::new(), 0);
    for (cell, played) in cells.iter().zip(matrix::play(&stages, &cells)) {
        match played {
            Ok(played) => *by_depth.entry(played.deaths).or_default() += 1,
            Err(error) => {
                wrong += 1;
                println!("{}: {:?}: {error:#}", cell.scene, cell.deaths);
            }
        }
    }
    println!("seed {seed}: cells by how many processes died one after the other: {by_depth:?}; {wrong} ended differently");
    anyhow::ensure!(wrong == 0, "{wrong} recoveries ended differently");
    Ok(())
}
