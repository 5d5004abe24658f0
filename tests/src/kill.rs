//! Kills `trueup run` at a named stage, resumes it, and holds the end against a run that nobody killed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use trueup::target::EmbeddedTarget;

use crate::cli;

/// Stages at which a run is killed, as `--progress json` names them.
pub const STAGES: [&str; 6] = ["page", "judge", "seal", "intent", "sent", "verify"];

/// The instant of the plan that is killed.
const AS_OF: &str = "2026-03-02T00:00:00Z";

/// What the target ends with: its rows, and per key what was done to it.
#[derive(Debug, PartialEq, Eq)]
pub struct End {
    rows: Vec<String>,
    history: BTreeMap<String, Vec<String>>,
}

/// What a kill loop came to.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Changes of the plan.
    pub changes: u64,
    /// Rounds in which the process died by the kill.
    pub kills: u64,
    /// Rounds in which the run ended before the kill.
    pub missed: u64,
    /// Last stage that was reported before the process died.
    pub states: BTreeMap<String, u64>,
    /// Rounds that ended otherwise than the uninterrupted run.
    pub different: u64,
}

/// Prepares a tenant whose next run has some 2,400 changes of every kind that the embedded target knows.
///
/// # Errors
/// When the first run fails.
pub fn prepare(folder: &Path) -> Result<()> {
    let module = cli::standard_module()?.display();
    fs::write(
        folder.join("trueup.toml"),
        format!(
            "tenant = \"kill\"\n[run]\nslice = 100\n[rule]\nmodule = \"{module}\"\n\
             [[source]]\nname = \"grants\"\npath = \"grants.tsv\"\nkind = \"grants\"\ntarget = \"crm\"\n\
             [[target]]\nname = \"crm\"\nkind = \"embedded\"\npath = \"crm.db\"\n\
             [[scope]]\ntarget = \"crm\"\nmode = \"authoritative\"\n"
        ),
    )?;
    let row = |holder: usize, object: usize, level: &str| format!("user{holder:04}\tteam:{object:03}\t{level}\n");
    let head = "holder\tobject\tlevel\n";
    let first: String = (0..2_000).map(|i| row(i % 700, i % 90, "member")).collect();
    fs::write(folder.join("grants.tsv"), format!("{head}{first}"))?;
    cli::json(folder, &["run", "--as-of", "2026-03-01T00:00:00Z"])?;
    // 300 go, 600 change their level, 1,500 are new.
    let kept = (300..2_000).map(|i| row(i % 700, i % 90, if i < 900 { "maintainer" } else { "member" }));
    let added = (0..1_500).map(|i| row(700 + i % 500, 100 + i % 70, "member"));
    fs::write(folder.join("grants.tsv"), head.to_owned() + &kept.chain(added).collect::<String>())?;
    Ok(())
}

/// Runs to the end without a kill.
///
/// # Errors
/// When the run fails.
pub fn uninterrupted(template: &Path) -> Result<(End, u64)> {
    let folder = copy(template)?;
    let run = cli::json(folder.path(), &["run", "--as-of", AS_OF])?;
    Ok((end(folder.path())?, run["changes"].as_u64().context("changes")?))
}

/// One round: kills at the `nth` report of `stage`, resumes, and returns the last stage reported before the process died,
/// with how it ended. None: the run was over before the kill.
///
/// # Errors
/// When a command fails, or the log does not verify.
pub fn round(template: &Path, stage: &str, nth: u64, delay: Duration) -> Result<(Option<String>, End)> {
    let folder = copy(template)?;
    let state = kill_at(folder.path(), stage, nth, delay)?;
    cli::json(folder.path(), &["resume"])?;
    if state.as_deref() == Some("begin") {
        cli::json(folder.path(), &["run", "--as-of", AS_OF])?;
    }
    let verified = cli::json(folder.path(), &["audit", "verify"])?;
    ensure!(verified["verified"] == true, "the log does not verify");
    Ok((state, end(folder.path())?))
}

fn kill_at(folder: &Path, stage: &str, nth: u64, delay: Duration) -> Result<Option<String>> {
    let mut child = Command::new(cli::binary()?)
        .args(["run", "--as-of", AS_OF, "--json", "--progress", "json"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(child.stderr.take().context("stderr")?).lines();
    let mut seen = 0;
    let mut last = "begin".to_owned();
    for line in lines.by_ref() {
        last = stage_of(&line?, &last);
        seen += u64::from(last == stage);
        if seen >= nth && last == stage {
            std::thread::sleep(delay);
            child.kill()?;
            break;
        }
    }
    for line in lines {
        last = stage_of(&line?, &last);
    }
    let status = child.wait()?;
    if status.success() {
        return Ok(None);
    }
    ensure!(status.code().is_none(), "the run failed by itself: {status}, after {last}");
    Ok(Some(last))
}

fn stage_of(line: &str, last: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
    value["stage"].as_str().unwrap_or(last).to_owned()
}

fn end(folder: &Path) -> Result<End> {
    let target = EmbeddedTarget::open(&folder.join("crm.db"), "crm")?;
    let rows = target.dump()?.iter().map(|row| format!("{row:?}")).collect();
    let mut history: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in target.journal()? {
        let what = format!("{} {:?} {:?}", row.operation, row.before, row.after);
        history.entry(format!("{}/{}", row.holder, row.object)).or_default().push(what);
    }
    Ok(End { rows, history })
}

fn copy(template: &Path) -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    copy_into(template, folder.path())?;
    Ok(folder)
}

fn copy_into(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir(&place)?;
            fs::set_permissions(&place, entry.metadata()?.permissions())?;
            copy_into(&entry.path(), &place)?;
        } else {
            fs::copy(entry.path(), &place)?;
        }
    }
    Ok(())
}

/// Kills `rounds` runs, spread evenly over the stages, at pseudo-random points of each.
///
/// # Errors
/// When a command fails.
pub fn rounds(rounds: u64, mut tell: impl FnMut(&str)) -> Result<Report> {
    let template = tempfile::tempdir()?;
    prepare(template.path())?;
    let (expected, changes) = uninterrupted(template.path())?;
    let mut report = Report { changes, ..Report::default() };
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for round_number in 0..rounds {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let stage = STAGES[usize::try_from(round_number % STAGES.len() as u64)?];
        let most = match stage {
            "sent" | "verify" => changes,
            "intent" => changes / 100,
            _ => 1,
        };
        let nth = 1 + (random >> 33) % most.max(1);
        let delay = Duration::from_micros((random >> 20) % 2_000);
        let (state, found) = round(template.path(), stage, nth, delay)?;
        match state {
            Some(state) => {
                report.kills += 1;
                *report.states.entry(state).or_default() += 1;
            }
            None => report.missed += 1,
        }
        if found != expected {
            report.different += 1;
            tell(&format!("round {round_number} at {stage} {nth} ended differently"));
        }
        if round_number % 10 == 9 {
            tell(&format!("{} kills {:?}", report.kills, report.states));
        }
    }
    Ok(report)
}
