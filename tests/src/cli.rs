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

/// The `trueup` binary, built by cargo from what stands in the tree now.
///
/// # Errors
/// When it does not build.
pub fn binary() -> Result<&'static Path> {
    static BUILT: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "-p", "trueup", "--features", "cli", "--bin", "trueup", "--profile", profile])
            .current_dir(root())
            .status();
        match status {
            Ok(status) if status.success() => {
                let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
                Ok(target.join(if profile == "dev" { "debug" } else { "release" }).join("trueup"))
            }
            Ok(status) => Err(format!("cargo build ended with {status}")),
            Err(error) => Err(format!("cargo build: {error}")),
        }
    });
    built.as_deref().map_err(|error| anyhow::anyhow!(error.clone()))
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
