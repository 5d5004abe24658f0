//! How fast trueup is: `make bench`, or `bench [--quick] [FOLDER]` for small sizes or another folder than `target/bench`.
//! `bench plans ROWS…` measures planning alone, with so many desired and as many observed grants each time, in
//! `target/bench-plans`. `bench plan WORK held|empty recorded|unrecorded` is the part of it that has a process of its own. `bench month PROFILE` lives
//! a generated month, and measures runs that judge only what changed beside runs that judge everything.
//! `bench replay PROFILE` lives such a month, and measures replaying its runs beside planning them, and what recordings take.
//! `bench judging` measures judging alone, `bench log` the audit log alone; `bench-log` does the latter without a sandbox.
//! `bench tenants TENANTS MODULES SECONDS` measures tenants of one process beside a greedy one, and how many fit into it.
//! `bench against PROGRAM PLUGIN`, or `make bench-against`, measures judging beside other engines, which `PROGRAM` from
//! `tests/against` answers for.

use std::io::stdout;
use std::path::Path;

use trueup_tests::bench::{Sizes, against, child, judging, log, month, plans, replays, run, tenants};
use trueup_tests::cli;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["plan", work, held, recorded] => child(Path::new(work), held, recorded, &mut stdout()),
        ["plans", sizes @ ..] if !sizes.is_empty() => {
            let sizes = sizes.iter().map(|rows| rows.parse()).collect::<Result<Vec<u64>, _>>()?;
            plans(&sizes, &cli::root().join("target/bench-plans"), &mut stdout())
        }
        ["judging"] => judging(&Sizes::FULL, &cli::root().join("target/bench-judging"), &mut stdout()),
        ["log"] => log(&Sizes::FULL, &cli::root().join("target/bench-log"), &mut stdout()),
        ["month", profile] => month(profile.parse()?, &cli::root().join("target/bench-month"), &mut stdout()),
        ["replay", profile] => replays(profile.parse()?, &cli::root().join("target/bench-replay"), &mut stdout()),
        ["against", program, plugin] => {
            against(Path::new(program), Path::new(plugin), &cli::root().join("target/bench"), &mut stdout())
        }
        ["tenants", number, modules, seconds] => {
            let folder = cli::root().join("target/bench-tenants");
            tenants(number.parse()?, modules.parse()?, seconds.parse()?, &folder, &mut stdout())
        }
        ["--quick", folder] => run(&Sizes::QUICK, Path::new(folder), &mut stdout()),
        ["--quick"] => run(&Sizes::QUICK, &cli::root().join("target/bench-quick"), &mut stdout()),
        [] => run(&Sizes::FULL, &cli::root().join("target/bench"), &mut stdout()),
        [folder] if !folder.starts_with('-') => run(&Sizes::FULL, Path::new(folder), &mut stdout()),
        _ => anyhow::bail!(
            "bench [--quick] [FOLDER], bench judging, bench log, bench plans ROWS…, bench month PROFILE, bench replay PROFILE, \
             bench tenants TENANTS MODULES SECONDS, or bench against PROGRAM PLUGIN"
        ),
    }
}
