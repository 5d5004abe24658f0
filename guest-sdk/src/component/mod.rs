//! What a rule needs around it to be a component.

#[cfg(target_arch = "wasm32")]
mod allocator;
#[cfg(target_arch = "wasm32")]
mod memory;
#[cfg(target_arch = "wasm32")]
mod panic;

use std::marker::PhantomData;

use crate::bindings::exports::trueup::rules::rule::Guest;
use crate::rule::{self, Rule};
use crate::wire;

/// A rule behind the contract's exports.
pub struct Exported<R>(PhantomData<R>);

impl<R: Rule> Guest for Exported<R> {
    fn describe() -> wire::RuleInfo {
        start();
        rule::describe::<R>()
    }

    fn judge(context: wire::Context, batch: wire::Batch) -> Result<wire::Verdicts, wire::RuleError> {
        start();
        let answer = rule::judge::<R>(&context, &batch).map_err(wire::RuleError::from);
        // The instance ends with this call: giving back column by column would
        // only cost fuel.
        std::mem::forget((context, batch));
        answer
    }

    fn canon(kind: u8, keys: Vec<String>) -> Vec<String> {
        start();
        rule::canon::<R>(kind, &keys)
    }
}

fn start() {
    #[cfg(target_arch = "wasm32")]
    panic::install();
}

/// The bytes of a text, for a custom section. `N` is the text's length.
pub const fn section<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    let mut rest = text.as_bytes();
    let mut index = 0;
    while let [first, after @ ..] = rest {
        bytes[index] = *first;
        rest = after;
        index += 1;
    }
    bytes
}
