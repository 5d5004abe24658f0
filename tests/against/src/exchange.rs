//! What this program and the bench of trueup's own tests tell one another: cases and answers in files, turns line by line.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use trueup_against_decision::{Now, Row, Verdict};

/// Cases with the answers to them, from a file or for one.
#[derive(Serialize, Deserialize)]
pub struct Cases<'a> {
    /// What holds for all of them.
    pub now: Now,
    /// The cases. Texts lie in the file's bytes.
    #[serde(borrow)]
    pub rows: Vec<Row<'a>>,
    /// The answer to each.
    pub answers: Vec<Verdict>,
    /// Until when they all hold.
    pub valid_until: i64,
}

impl Cases<'_> {
    /// Writes them.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        fs::write(path, serde_json::to_vec(self)?).with_context(|| path.display().to_string())
    }
}

/// Said once, before the first turn.
#[derive(Serialize)]
pub struct Ready {
    /// The engines, in the order in which turns number them.
    pub engines: Vec<About>,
    /// Drawn cases, all answered alike.
    pub drawn: usize,
    /// The bench's cases, all answered alike.
    pub cases: usize,
    /// Other versions that matter.
    pub wasmtime: &'static str,
}

/// One engine.
#[derive(Serialize)]
pub struct About {
    /// Its name.
    pub name: &'static str,
    /// Its package and version.
    pub version: String,
    /// How it judges, and what it leaves out.
    pub about: &'static str,
}

/// Asks for one: an engine judges the first so many cases over and over. The answer is a list of times in nanoseconds a case.
#[derive(Deserialize)]
pub struct Turn {
    /// Which engine.
    pub engine: usize,
    /// Cases to judge.
    pub cases: usize,
    /// Cases of a batch.
    pub batch: usize,
    /// How long to go on, in milliseconds.
    pub lasts_ms: u64,
}

/// The version of a package in the lock file.
pub fn version(package: &str) -> &'static str {
    let rest = include_str!("../Cargo.lock").split(&format!("name = \"{package}\"\nversion = \"")).nth(1);
    rest.and_then(|rest| rest.split('"').next()).unwrap_or("unknown")
}
