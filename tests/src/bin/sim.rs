//! The simulator: `cargo run --release -p trueup-tests --bin sim -- [--seeds N] [--from N] [--threads N] [--keep N]`, or one
//! seed as a story: `--seed S --trace`. Seeds that once failed are run first. `--expiry`: every schedule of access that ends while it is
//! being given, instead of seeds.

use std::process::ExitCode;

use trueup_tests::sim;

/// What the command line says.
struct Args {
    seeds: u64,
    from: u64,
    seed: Option<u64>,
    trace: bool,
    threads: usize,
    keep: usize,
}

fn args() -> Result<Args, String> {
    let mut args = Args { seeds: 10_000, from: 0, seed: None, trace: false, threads: 2, keep: 10 };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--trace" {
            args.trace = true;
            continue;
        }
        let number: u64 = words.next().and_then(|text| text.parse().ok()).ok_or_else(|| format!("`{word}` takes a number"))?;
        match word.as_str() {
            "--seeds" => args.seeds = number,
            "--from" => args.from = number,
            "--seed" => args.seed = Some(number),
            "--threads" => args.threads = number as usize,
            "--keep" => args.keep = number as usize,
            _ => return Err(format!("`{word}` is not known")),
        }
    }
    Ok(args)
}

#[expect(clippy::disallowed_methods, reason = "measures how many seeds a second takes")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

/// Lives through every schedule of `sim::expiry`.
fn expiry() -> ExitCode {
    let began = now();
    let swept = sim::expiry::sweep();
    println!("{} schedules in {:.1} s", swept.schedules, began.elapsed().as_secs_f64());
    println!(
        "{} with a crash, {} gave access before it ended, {} repeated a request",
        swept.crashes, swept.given, swept.repeated
    );
    println!(
        "without one the latest request left at second {}; access ended at seconds 1 to {}",
        swept.latest,
        sim::expiry::LAST_END
    );
    swept.failures.iter().for_each(|failure| println!("{failure}"));
    if swept.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn main() -> ExitCode {
    if std::env::args().any(|arg| arg == "--expiry") {
        return expiry();
    }
    let args = match args() {
        Ok(args) => args,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::FAILURE;
        }
    };
    if let Some(seed) = args.seed {
        let (_, failure) = sim::one(seed, args.trace);
        return report(&failure.into_iter().collect::<Vec<_>>());
    }
    let mut failures: Vec<sim::Failure> = sim::once_failed().filter_map(|seed| sim::one(seed, false).1).collect();
    let began = now();
    let (tally, more) = sim::many(args.from..args.from + args.seeds, args.threads, args.keep);
    let seconds = began.elapsed().as_secs_f64();
    failures.extend(more);
    print(&tally, seconds);
    report(&failures)
}

fn print(tally: &sim::Tally, seconds: f64) {
    let (changes, shared) = tally.medians();
    println!("{} seeds in {seconds:.1} s: {:.0} seeds/s", tally.seeds, tally.seeds as f64 / seconds);
    println!("medians per seed: {changes} changes, {shared} shared namespaces");
    println!("{} processes, {} requests", tally.processes, tally.writes);
    println!("{} mutations of targets, each joined with one leaf", tally.joined);
    println!("faults fired:");
    tally.faults.iter().for_each(|(name, count)| println!("  {count:>10}  {name}"));
    println!("changes by their end:");
    tally.ends.iter().for_each(|(name, count)| println!("  {count:>10}  {name}"));
    println!("arrows (status → event):");
    for arrow in sim::legal_arrows() {
        println!("  {:>10}  {} → {}", tally.arrows.get(&arrow).copied().unwrap_or(0), arrow.0, arrow.1);
    }
    let least = (tally.seeds / 100).max(1);
    let rare = tally.rare(least);
    println!("legal arrows taken less than {least} times: {}", rare.len());
    rare.iter().for_each(|((status, event), count)| println!("  {count:>10}  {status} → {event}"));
}

fn report(failures: &[sim::Failure]) -> ExitCode {
    for failure in failures {
        println!("{failure}");
        println!("  again, as a story: --seed {} --trace", failure.seed);
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
