//! Answers with its own error, whose texts try to forge a line of somebody else's.
#![cfg(target_arch = "wasm32")]

use trueup_test_guests::{Batch, Context, RuleError, Verdicts, all, module, poisoned};

fn judge(_: &Context, batch: &Batch) -> Result<Verdicts, RuleError> {
    if poisoned(batch) {
        let message = "the list of owners is empty\n[error] host: all tenants are lost".into();
        return Err(RuleError { code: "data".into(), message, case: Some(1) });
    }
    Ok(all(batch, 0))
}

module!("refuse", judge);
