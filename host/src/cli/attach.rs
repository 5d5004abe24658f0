//! `trueup audit attach CHANGE FILE`: evidence that people bring.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Outcome};
use super::moment::command;
use super::style::{BOLD, count, paint, safe};
use super::{Terminal, open};

/// Options of `audit attach`.
#[derive(Debug, Args)]
#[command(after_help = "Example: trueup audit attach 8f31c2 approval.eml --by ada --note 'approval of the data owner'\n\n\
The log names the file's digest for ever; the file itself can be redacted with `trueup audit redact LEAF`.")]
pub struct AttachArgs {
    /// The beginning of the change's id, as `audit history` prints it.
    pub change: String,
    /// The file; it is copied into the store.
    pub file: PathBuf,
    /// What it shows. The log keeps this text for ever: name no secrets.
    #[arg(long, value_name = "TEXT")]
    pub note: String,
    /// Who attaches it.
    #[arg(long, value_name = "NAME")]
    pub by: String,
    /// Its media type, where the file's name does not tell it.
    #[arg(long, value_name = "TYPE")]
    pub media: Option<String>,
}

/// `trueup audit attach`.
pub(super) fn attach(terminal: &mut Terminal<'_>, args: &AttachArgs) -> Outcome {
    let attached = open::engine(terminal)?.attach(&args.change, &args.file, args.media.as_deref(), &args.by, &args.note)?;
    if terminal.common.json {
        terminal.json(&attached)?;
        return Ok(Exit::Done);
    }
    let file = &attached.file;
    writeln!(
        terminal.out,
        "{} {} bytes of {} to change {}, leaf {}",
        paint(BOLD, "attached"),
        count(file.size),
        safe(&file.media),
        attached.change.0.short(),
        attached.leaf
    )?;
    writeln!(terminal.out, "sha256 {}", file.digest)?;
    writeln!(terminal.out, "see {}", command(&format!("trueup audit why {}", attached.change.0.short())))?;
    Ok(Exit::Done)
}
