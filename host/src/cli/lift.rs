//! `trueup lift`: ends a denial, by name and with a reason, on the record.

use serde_json::json;

use super::args::LiftArgs;
use super::exit::{Exit, Outcome};
use super::style::{BOLD, CYAN, paint, safe};
use super::{Terminal, open};
use crate::engine::Lift;
use crate::model::Denial;

/// `trueup lift`.
pub(super) fn lift(terminal: &mut Terminal<'_>, args: &LiftArgs) -> Outcome {
    let mut lift = Lift::default();
    lift.target.clone_from(&args.target);
    lift.holder.clone_from(&args.holder);
    lift.object.clone_from(&args.object);
    lift.by.clone_from(&args.by);
    lift.why.clone_from(&args.why);
    let lifted = open::engine(terminal)?.lift(&lift)?;
    if terminal.common.json {
        terminal.json(&json!({ "lifted": lifted }))?;
        return Ok(Exit::Done);
    }
    writeln!(terminal.out, "{} the denial of {}", paint(BOLD, "lifted"), safe(&covered(&lifted)))?;
    writeln!(terminal.out, "what is still desired is given again by {}", paint(CYAN, "trueup run"))?;
    Ok(Exit::Done)
}

/// What a denial covers, in words.
pub(super) fn covered(denial: &Denial) -> String {
    let or = |text: &str, all: &str| if text.is_empty() { all.to_owned() } else { format!("`{text}`") };
    format!("`{}`: {} in {}", denial.holder, or(&denial.object, "everything"), or(&denial.target, "every system"))
}
