//! Asks for a column that no host has.
#![cfg(target_arch = "wasm32")]

use trueup_test_guests::{Batch, Context, RuleError, RuleInfo, Verdicts, all, module};

fn judge(_: &Context, batch: &Batch) -> Result<Verdicts, RuleError> {
    Ok(all(batch, 0))
}

fn info(name: &str) -> RuleInfo {
    RuleInfo { columns: vec!["password".into()], ..trueup_test_guests::info(name) }
}

module!("bad-info", judge, info);
