//! Starts a run and kills it: from outside, when it has reported a stage so often and some time has passed, or from inside,
//! at the very report. Owns how reports are read.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use trueup::progress::Progress;

use super::AS_OF;
use crate::cli;

/// Variable by which `trueup-under-test` is told where to die.
pub const DIE_AT: &str = "TRUEUP_TEST_DIE_AT";
/// The signal that cannot be caught.
const SIGKILL: i32 = 9;

/// How and when a run is killed.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// By itself, before anything follows the `nth` report of a stage.
    Inside {
        /// The stage.
        stage: &'static str,
        /// Which of its reports.
        nth: u64,
    },
    /// By its parent, some time after the parent has read that report.
    Outside {
        /// The stage.
        stage: &'static str,
        /// Which of its reports.
        nth: u64,
        /// How long after.
        delay: Duration,
    },
}

/// What a killed run had told.
#[derive(Debug)]
pub struct Killed {
    /// The last stage that it reported; `begin` when none.
    pub stage: String,
    /// Rows of stored pages, by source.
    pub pages: BTreeMap<String, u64>,
}

/// Name of a step's stage, as progress reports it.
#[must_use]
pub fn stage_of(step: &Progress) -> String {
    serde_json::to_value(step).ok().and_then(|value| Some(value["stage"].as_str()?.to_owned())).unwrap_or_default()
}

/// The same, of a line of `--progress json`.
pub(super) fn stage_of_line(line: &str) -> Option<String> {
    let value: Value = serde_json::from_str(line).ok()?;
    Some(value["stage"].as_str()?.to_owned())
}

/// Source and rows so far, of a line that reports a page.
pub(super) fn page_of(line: &str) -> Option<(String, u64)> {
    let value: Value = serde_json::from_str(line).ok()?;
    (value["stage"] == "page").then_some(())?;
    Some((value["source"].as_str()?.to_owned(), value["rows"].as_u64()?))
}

/// Starts a run and kills it. None: it was over before.
pub(super) fn kill(folder: &Path, way: &Way) -> Result<Option<Killed>> {
    let mut command = Command::new(cli::binary()?);
    command.args(["run", "--as-of", AS_OF, "--json", "--progress", "json"]).current_dir(folder);
    if let Way::Inside { stage, nth } = way {
        command.env(DIE_AT, format!("{stage}:{nth}"));
    }
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let lines = BufReader::new(child.stderr.take().context("stderr")?).lines();
    let mut killed = Killed { stage: "begin".to_owned(), pages: BTreeMap::new() };
    let mut seen = 0;
    for line in lines {
        let line = line?;
        let Some(told) = stage_of_line(&line) else { continue };
        if let Some((source, rows)) = page_of(&line) {
            killed.pages.insert(source, rows);
        }
        if let Way::Outside { stage, nth, delay } = way {
            seen += u64::from(told == *stage);
            if seen == *nth && told == *stage {
                std::thread::sleep(*delay);
                child.kill()?;
            }
        }
        killed.stage = told;
    }
    let status = child.wait()?;
    if status.success() {
        return Ok(None);
    }
    ensure!(status.signal() == Some(SIGKILL), "the run failed by itself: {status}, after {}", killed.stage);
    Ok(Some(killed))
}
