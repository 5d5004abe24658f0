//! The harness of trueup's tests: what they share, and the programs that try more than a test suite has time for.

pub mod bench;
pub mod cli;
pub mod errors;
pub mod estate;
pub mod guests;
pub mod history;
pub mod kill;

/// The README's examples, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
