//! Executes the instruction that cannot be.
#![cfg(target_arch = "wasm32")]

use trueup_test_guests::{Batch, Context, RuleError, Verdicts, all, module, poisoned};

fn judge(_: &Context, batch: &Batch) -> Result<Verdicts, RuleError> {
    if poisoned(batch) {
        core::arch::wasm32::unreachable();
    }
    Ok(all(batch, 0))
}

module!("trap", judge);
