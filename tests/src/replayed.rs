//! Every run that a store recorded, replayed elsewhere: on a copy of what a replay may look at, with other numbers of threads.
//! Owns the copy; what is recorded, and what differs, is the library's word.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use trueup::engine::{Recordings, ReplayVerdict, Replaying};
use trueup::rule::Module;

/// Replays all runs of a store; with the rule that judged, it judges again. Gives how many runs there were.
///
/// # Errors
/// When one of them does not come to the plan that it came to, byte for byte, or a replay wrote something.
pub fn all(store: &Path, module: Option<&Module>) -> Result<u64> {
    let elsewhere = tempfile::tempdir()?;
    for folder in ["recordings", "plans"] {
        copy(&store.join(folder), &elsewhere.path().join(folder))?;
    }
    let before = files(elsewhere.path())?;
    let recordings = Recordings::of(elsewhere.path());
    let mut runs = 0;
    for run in recordings.runs()? {
        let level = if module.is_some() { 2 } else { 1 };
        let how = Replaying { threads: 1 + (run.0 as usize * 2) % 5, module: module.cloned() };
        let found = recordings.replay(run, &how)?;
        ensure!(found.verdict == ReplayVerdict::Same && found.level == level && found.differences == 0, "{found:?}");
        ensure!(elsewhere.path().join("plans").join(format!("{}.plan", found.plan)).exists(), "{run} has another plan");
        runs += 1;
    }
    ensure!(files(elsewhere.path())? == before, "a replay wrote something");
    Ok(runs)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).into_iter().flatten() {
        let path = entry?.path();
        if let Some(name) = path.file_name().filter(|_| path.is_file()) {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

/// All files below a folder, with what is in them.
///
/// # Errors
/// When one cannot be read.
pub fn files(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            all.extend(files(&path)?);
        } else {
            all.insert(path.clone(), fs::read(&path)?);
        }
    }
    Ok(all)
}
