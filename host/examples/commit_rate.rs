//! How fast committing is, each figure beside what it is compared with and the conditions it was measured under. A table
//! on the terminal, and `target/bench/commit.json`. `make bench-commit`; arguments name the measures to run. With
//! `once SLICE CHANGES` it commits one plan and measures nothing: for counting instructions.

#[path = "commit_rate/durable.rs"]
mod durable;
#[path = "commit_rate/figure.rs"]
mod figure;
#[path = "commit_rate/job.rs"]
mod job;
#[path = "commit_rate/lag.rs"]
mod lag;
#[path = "commit_rate/recovery.rs"]
mod recovery;
#[path = "commit_rate/revoke.rs"]
mod revoke;
#[path = "commit_rate/scheduler.rs"]
mod scheduler;
#[path = "commit_rate/store.rs"]
mod store;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use figure::Table;

/// What any part of it may fail with.
type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;
/// One thing to measure, in a folder of its own.
type Measure = fn(&Path, &mut Table) -> Result<()>;

const MEASURES: [(&str, Measure); 5] = [
    ("durable", durable::measure),
    ("scheduler", scheduler::measure),
    ("lag", lag::measure),
    ("recovery", recovery::measure),
    ("revoke", revoke::measure),
];

fn main() -> Result<()> {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    let work = folder.join("commit-work");
    if let [once, slice, changes] = asked.as_slice()
        && once == "once"
    {
        durable::commit(&empty(&work)?, slice.parse()?, changes.parse()?)?;
        return Ok(fs::remove_dir_all(&work)?);
    }
    if let Some(other) = asked.iter().find(|name| MEASURES.iter().all(|(known, _)| known != *name)) {
        return Err(format!("no measure is called `{other}`").into());
    }
    let mut table = Table::new(&work);
    for (name, measure) in MEASURES {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            measure(&empty(&work)?, &mut table)?;
        }
    }
    fs::remove_dir_all(&work)?;
    table.write(&folder.join("commit.json"))
}

/// A folder with nothing in it.
fn empty(folder: &Path) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    Ok(folder.to_owned())
}
