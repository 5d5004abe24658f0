//! Built, as it says, for a contract that is not out yet.
#![cfg(target_arch = "wasm32")]

use trueup_test_guests::{Batch, Context, RuleError, Verdicts, all, module};

#[used]
#[unsafe(link_section = "trueup:rule")]
static SECTION: [u8; 73] = *b"contract=trueup:rules@0.9.0;sdk=0.9.4;name=wrong-contract;version=1.0.0  ";

fn judge(_: &Context, batch: &Batch) -> Result<Verdicts, RuleError> {
    Ok(all(batch, 0))
}

module!("wrong-contract", judge);
