//! Changes every byte of every file of a small store, twice, and tells what verification and an independent reader say:
//! `flip [STRIDE]`; only every STRIDE-th byte where one is given.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Result, ensure};
use trueup_tests::flip::{Tally, flip, images};

#[expect(clippy::disallowed_methods, reason = "how long it took is told to people; nothing depends on it")]
fn main() -> Result<()> {
    let stride = std::env::args().nth(1).map_or(Ok(1), |stride| stride.parse())?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let images = images()?;
    // A panic is one of ours, and is told in the tally.
    std::panic::set_hook(Box::new(|_| {}));
    let mut slips = 0;
    for image in images {
        let began = Instant::now();
        let found = flip(&image, stride, threads)?;
        println!("store `{}`: {:.0} s on {threads} threads", image.name, began.elapsed().as_secs_f64());
        println!("{:>10} {:>10} {:>10} {:>10} {:>8}  file", "changes", "detected", "harmless", "told only", "slipped");
        let mut refusals: BTreeMap<&String, u64> = BTreeMap::new();
        for (file, tally) in &found {
            let Tally { changes, detected, harmless, told_only, slips: slipped, .. } = tally;
            println!("{changes:>10} {detected:>10} {harmless:>10} {told_only:>10} {slipped:>8}  {file}");
            tally.slipped.iter().for_each(|slip| println!("  SLIPPED {slip}"));
            tally.refusals.iter().for_each(|(said, times)| *refusals.entry(said).or_default() += times);
            slips += slipped;
        }
        refusals.iter().for_each(|(said, times)| println!("{times:>10} {said}"));
    }
    ensure!(slips == 0, "{slips} changes slipped through");
    Ok(())
}
