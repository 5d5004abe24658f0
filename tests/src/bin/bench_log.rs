//! What the audit log costs: `make bench-log`, or `bench log` where the sandbox is built as well. `bench-log --quick [FOLDER]` measures
//! little. Figures are in `target/bench-log/summary.json`, or in the folder that is named.

use std::io::stdout;
use std::path::{Path, PathBuf};

use trueup_tests::bench::{Sizes, log};

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (sizes, folder) = match args.as_slice() {
        ["--quick", folder @ ..] => (Sizes::QUICK, folder),
        folder => (Sizes::FULL, folder),
    };
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench-log");
    match folder {
        [] => log(&sizes, &usual, &mut stdout()),
        [folder] if !folder.starts_with('-') => log(&sizes, &PathBuf::from(folder), &mut stdout()),
        _ => anyhow::bail!("bench-log [--quick] [FOLDER]"),
    }
}
