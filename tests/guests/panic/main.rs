//! An author's rule that panics, built with the guest kit as authors do.
#![cfg(target_arch = "wasm32")]

use trueup_guest::prelude::*;

/// Why.
#[derive(Reasons, Clone, Copy, Debug, PartialEq)]
pub enum Why {
    /// This module says so of everything.
    Marked,
}

/// Keeps everything, and stumbles over the third thing that the identity `poison` holds.
#[rule(name = "panic", version = "1.0.0")]
pub fn stumble(case: Case<'_>, _: &Context) -> Verdict<Why> {
    let poisoned = case.identity().name() == "poison" && case.index() == 2;
    assert!(!poisoned, "no rule for `{}`\nhelp: write one", case.object());
    Verdict::keep(Why::Marked)
}
