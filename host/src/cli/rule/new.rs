//! `trueup rule new NAME`.

use std::path::Path;

use serde_json::json;

use super::super::Terminal;
use super::super::exit::{Exit, Failure, Outcome};
use super::super::style::{CYAN, GREEN, paint};
use super::args::NewArgs;
use crate::author::{Coded as _, Kit, NewError, create_rule};

/// Begins a new rule.
pub(super) fn new(terminal: &mut Terminal<'_>, args: &NewArgs) -> Outcome {
    let kit = match &args.sdk {
        Some(named) => Kit::named(named)?,
        None => found()?,
    };
    let folder = create_rule(&args.name, Path::new("."), &kit)?;
    let folder = folder.strip_prefix(".").unwrap_or(&folder).display();
    if terminal.common.json {
        terminal.json(&json!({ "folder": folder.to_string() }))?;
        return Ok(Exit::Done);
    }
    let kit = match &kit {
        Kit::Path(path) => path.display().to_string(),
        Kit::Git(address) => address.clone(),
    };
    writeln!(terminal.out, "{} {folder}, with the guest kit in {kit}", paint(GREEN, "made"))?;
    writeln!(terminal.out, "next: {}", paint(CYAN, format_args!("cd {folder} && trueup rule test")))?;
    Ok(Exit::Done)
}

/// The guest kit of the checkout that this folder lies in, or that this program was built in.
fn found() -> Outcome<Kit> {
    let places: Vec<_> = std::env::current_dir().into_iter().chain(std::env::current_exe()).collect();
    Kit::around(&places).ok_or_else(|| {
        let error = anyhow::anyhow!("there is no checkout of trueup around this folder, and the guest kit is not published yet");
        Failure::new(Exit::Config, error, "name it: `--sdk PATH` with the folder `guest-sdk` of a checkout, or a git address")
    })
}

impl From<NewError> for Failure {
    fn from(error: NewError) -> Self {
        let (exit, help) = match &error {
            NewError::Name { .. } => {
                (Exit::Usage, "a rule's name is also its crate's, its folder's and its function's, and stands in every report")
            }
            NewError::Occupied(_) => (Exit::Unwritable, "nothing was written"),
            NewError::NoKit(_) => (Exit::Config, "nothing was written"),
            NewError::Write { .. } => (Exit::Unwritable, "make room there, or choose a folder that may be written"),
        };
        let code = error.code();
        Failure::new(exit, error, help).coded(code)
    }
}
