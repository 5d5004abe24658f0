//! `trueup rule capture`: cases that the newest plan saw become a case file.

use std::collections::BTreeMap;

use serde_json::json;
use trueup_cases::render_file;

use super::super::exit::{Exit, Failure, Outcome};
use super::super::style::{CYAN, GREEN, paint, plural};
use super::super::{Terminal, open};
use super::args::CaptureArgs;
use super::write_page;
use crate::author::plain_settings;
use crate::engine::Wanted;

/// `trueup rule capture`.
pub(super) fn capture(terminal: &mut Terminal<'_>, args: &CaptureArgs) -> Outcome {
    if args.file.exists() {
        let error = anyhow::anyhow!("`{}` exists", args.file.display());
        return Err(Failure::new(Exit::Unwritable, error, "nothing was written; name a new file"));
    }
    let engine = open::reader(terminal)?;
    let wanted = Wanted { reason: args.reason.clone(), identity: args.identity.clone(), take: args.take };
    let captured = engine.capture(&wanted)?;
    if captured.identities.is_empty() {
        let error = anyhow::anyhow!("the newest plan saw no such identity");
        return Err(Failure::new(Exit::NotFound, error, "`trueup explain CASE` names identity and reason of a case"));
    }
    let about = match (&args.reason, &args.identity) {
        (Some(reason), _) => format!("Captured: answered with {reason}."),
        (None, _) => "Captured from a plan.".to_owned(),
    };
    let mut names = BTreeMap::new();
    let mut rename = |name: &str| {
        if !args.pseudonyms {
            return name.to_owned();
        }
        let next = names.len() + 1;
        names.entry(name.to_owned()).or_insert_with(|| format!("somebody-{next}")).clone()
    };
    let settings = plain_settings(&engine.parts().settings);
    let text = render_file(&about, captured.as_of.seconds(), &settings, &captured.identities, &mut rename);
    write_page(&args.file, &text)?;
    let cases: usize = captured.identities.iter().map(|columns| columns.subject.len()).sum();
    if terminal.common.json {
        terminal.json(&json!({ "file": args.file, "identities": captured.identities.len(), "cases": cases }))?;
        return Ok(Exit::Done);
    }
    let (identities, cases) = (plural(captured.identities.len() as u64, "identity"), plural(cases as u64, "case"));
    writeln!(terminal.out, "{} {identities} with {cases} in {}", paint(GREEN, "captured"), args.file.display())?;
    if !args.pseudonyms {
        writeln!(terminal.out, "it holds real names; --pseudonyms replaces those of people")?;
    }
    writeln!(terminal.out, "next: {} writes what the rule answers", paint(CYAN, "trueup rule test --bless"))?;
    Ok(Exit::Done)
}
