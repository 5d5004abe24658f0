//! Replays a real history of access through the command line, month by month, as a user would: the source is a TSV file
//! with a column mapping, the target is the embedded one. After each month the target must equal the history but for what
//! is listed as held; after a release it must equal it wholly.
//!
//! `cargo run -p trueup-tests --bin history -- FOLDER [--level-in-key] [--alias NEW=OLD]`, where FOLDER holds `first.tsv`
//! (group, principal, role) and `events.jsonl` (`{"t": seconds, "add": [[g,p,r]…], "del": […]}`).

use std::path::PathBuf;

use trueup_tests::history::{History, Options, replay};

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let mut folder = None;
    let mut options = Options::default();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--level-in-key" => options.level_in_key = true,
            "--alias" => {
                let pair = args.next().unwrap_or_default();
                let (new, old) = pair.split_once('=').ok_or_else(|| anyhow::anyhow!("--alias takes NEW=OLD"))?;
                options.aliases.push((new.to_owned(), old.to_owned()));
            }
            _ => folder = Some(PathBuf::from(arg)),
        }
    }
    let folder = folder.ok_or_else(|| anyhow::anyhow!("which folder holds first.tsv and events.jsonl?"))?;
    let history = History::read(&folder)?;
    let report = replay(&history, &options, &mut std::io::stdout())?;
    println!("{}", serde_json::to_string_pretty(&report)?);
    anyhow::ensure!(report.differences == 0, "{} differences", report.differences);
    Ok(())
}
