//! Runs the `trueup` command as a user would: a process, its output, its exit code.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// The repository's root.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// The command line as a program: `trueup-under-test`, which cargo builds beside every program of this crate.
///
/// # Errors
/// When it does not stand where cargo puts it.
pub fn binary() -> Result<&'static Path> {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let own = std::env::current_exe().unwrap_or_default();
        let folder = own.parent().unwrap_or(Path::new(""));
        // Test programs stand one folder deeper than others.
        let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
        folder.join("trueup-under-test")
    });
    ensure!(found.is_file(), "`{}` is missing; run through cargo", found.display());
    Ok(found)
}

/// The default rule module, built from source once per process.
///
/// # Errors
/// When it does not build.
pub fn standard_module() -> Result<&'static Path> {
    static BUILT: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let out = root().join("target/rules/standard.wasm");
        let run = trueup(root(), &["rule", "build", "rules/standard", "--out", &out.display().to_string()]);
        match run {
            Ok(output) if output.status.success() => Ok(out),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(error) => Err(error.to_string()),
        }
    });
    built.as_deref().map_err(|error| anyhow::anyhow!(error.clone()))
}

/// Runs `trueup` in a folder and waits for it.
///
/// # Errors
/// When it cannot be started.
pub fn trueup(folder: &Path, args: &[&str]) -> Result<Output> {
    Command::new(binary()?)
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("trueup {}", args.join(" ")))
}

/// Runs `trueup … --json`, which must succeed, and reads what it prints.
///
/// # Errors
/// When it fails, or prints no JSON.
pub fn json(folder: &Path, args: &[&str]) -> Result<Value> {
    let mut all = args.to_vec();
    all.push("--json");
    let output = trueup(folder, &all)?;
    ensure!(output.status.success(), "trueup {}: {}\n{}", args.join(" "), output.status, String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).with_context(|| format!("trueup {} printed no JSON", args.join(" ")))
}
