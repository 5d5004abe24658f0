//! Takes memory until there is none. Form `modest`: takes what it gets, and goes on without the rest.
#![cfg(target_arch = "wasm32")]

use std::hint::black_box;

use trueup_test_guests::{Batch, Context, RuleError, Verdicts, all, form, module, poisoned};

fn judge(context: &Context, batch: &Batch) -> Result<Verdicts, RuleError> {
    if poisoned(batch) {
        let mut taken: Vec<Vec<u8>> = Vec::new();
        loop {
            let mut more = Vec::new();
            if form(context) == "modest" && more.try_reserve_exact(1 << 20).is_err() {
                break;
            }
            more.reserve_exact(1 << 20);
            taken.push(black_box(more));
        }
    }
    Ok(all(batch, 0))
}

module!("memory-bomb", judge);
