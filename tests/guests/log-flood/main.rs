//! Writes to the log without end. Form `some`: a few hundred lines with escapes in them.
#![cfg(target_arch = "wasm32")]

use trueup_test_guests::trueup::rules::log::write;
use trueup_test_guests::{Batch, Context, RuleError, Verdicts, all, form, module, poisoned};

fn judge(context: &Context, batch: &Batch) -> Result<Verdicts, RuleError> {
    if poisoned(batch) {
        let lines = if form(context) == "some" { 300 } else { u32::MAX };
        for line in 0..lines {
            write(2, &format!("line {line}\n\u{1b}[2Jgone"));
        }
    }
    Ok(all(batch, 0))
}

module!("log-flood", judge);
