//! Never comes back. Form `fill`: by instructions that do much each; `stack`: by calling itself; `always`: from no batch.
#![cfg(target_arch = "wasm32")]

use std::hint::black_box;

use trueup_test_guests::{Batch, Context, RuleError, Verdicts, all, form, module, poisoned};

fn judge(context: &Context, batch: &Batch) -> Result<Verdicts, RuleError> {
    if poisoned(batch) || form(context) == "always" {
        match form(context) {
            "fill" => fill(),
            "stack" => drop(black_box(deeper(1))),
            _ => turn(),
        }
    }
    Ok(all(batch, 0))
}

fn turn() {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

fn fill() {
    let mut memory = vec![0_u8; 32 << 20];
    loop {
        memory.fill(black_box(1));
    }
}

fn deeper(depth: u64) -> u64 {
    if black_box(depth) == 0 { 0 } else { deeper(depth + 1).wrapping_mul(black_box(depth)) + 1 }
}

module!("endless-loop", judge);
