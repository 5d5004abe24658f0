//! Core modules made at random by `tests/smith`, a program that is built in a folder of its own: what it is made of would have the
//! sandbox's compiler built again. Knows nothing of what becomes of them.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context as _, Result, ensure};

use crate::cli;

/// So many modules with the imports and exports of this one, each from a seed of its own.
///
/// # Errors
/// When the program does not build, or fails.
pub fn modules(shape: Vec<u8>, first: u64, count: u64) -> Result<Vec<Vec<u8>>> {
    let mut smith = Command::new(build()?);
    smith.args([first.to_string(), count.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut smith = smith.spawn()?;
    let mut input = smith.stdin.take().context("no pipe")?;
    let told = thread::spawn(move || input.write_all(&shape));
    let output = smith.wait_with_output()?;
    ensure!(output.status.success(), "it ended with {}", output.status);
    told.join().map_err(|_| anyhow::anyhow!("the writer failed"))??;
    let (mut modules, mut rest) = (Vec::new(), output.stdout.as_slice());
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let (module, behind) = behind.split_at_checked(u32::from_le_bytes(*length) as usize).context("a module is cut")?;
        modules.push(module.to_vec());
        rest = behind;
    }
    ensure!(modules.len() as u64 == count, "{} modules instead of {count}", modules.len());
    Ok(modules)
}

fn build() -> Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "-p", "trueup-test-smith", "--features", "generate"]);
    cargo.args(["--profile", "smith", "--target-dir", "target/smith"]);
    cargo.current_dir(cli::root());
    // The outer cargo's choices are for its own build.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CARGO") || name.starts_with("RUSTC")) {
        if name != "CARGO_HOME" {
            cargo.env_remove(name);
        }
    }
    ensure!(cargo.status()?.success(), "the program that makes modules does not build");
    Ok(cli::root().join("target/smith/smith/smith"))
}
