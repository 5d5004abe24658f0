//! The rule stage as a whole: real components, built from source, judged in the sandbox.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod admission;
mod columns;
mod determinism;
mod estate;
mod fuzzed;
mod guests;
mod hostile;
mod validation;
