//! A rule that says that its answers hold for ever, and gives others at noon and midnight.
#![cfg(target_arch = "wasm32")]

use trueup_test_guests::{Batch, Context, RuleError, Verdicts, all, module};

const HALF_DAY: i64 = 43_200;

fn judge(context: &Context, batch: &Batch) -> Result<Verdicts, RuleError> {
    // Keeps and holds by turns.
    let effect = if context.as_of.div_euclid(HALF_DAY) % 2 == 0 { 0 } else { 6 };
    Ok(Verdicts { valid_until: i64::MAX, ..all(batch, effect) })
}

module!("promise", judge);
