//! What the guest kit's views cost: the native rule `least-access` beside the same decision as a loop over plain structs.
//!
//! `cargo run --release -p trueup-native` prints what a case takes in either form, for each size of batch. `native rule
//! TIMES SIZE` and `native loop TIMES SIZE` let one form alone judge everything so often in batches of that size, for whoever counts
//! instructions.

use anyhow::{Result, bail};
use trueup_native::{Twins, made};

/// Cases that are judged: more than a processor's second cache holds.
const CASES: usize = 65_536;
/// Cases of a batch.
const SIZES: [usize; 4] = [64, 256, 1_024, 4_096];
const ROUNDS: usize = 101;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let context = made::context();
    match args.as_slice() {
        [] => {
            println!("{CASES} cases, nearly all agree; the best of {ROUNDS} rounds for each batch, one thread");
            println!("batches of   loop, ns a case   rule, ns a case   times");
            for size in SIZES {
                let batches = made::batches(CASES, size);
                let best = Twins::new(&context, &batches)?.best(ROUNDS)?;
                println!("{size:>10}   {:>15.1}   {:>15.1}   {:>5.2}", best.plain, best.rule, best.times());
            }
        }
        [form, times, size] => {
            let batches = made::batches(CASES, size.parse()?);
            let twins = Twins::new(&context, &batches)?;
            for _ in 0..times.parse()? {
                match *form {
                    "rule" => twins.rule_once()?,
                    "loop" => twins.plain_once(),
                    _ => bail!("native, native rule TIMES SIZE, or native loop TIMES SIZE"),
                }
            }
        }
        _ => bail!("native, native rule TIMES SIZE, or native loop TIMES SIZE"),
    }
    Ok(())
}
