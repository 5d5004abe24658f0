//! Verdicts become decisions: the host's guarantees on what a rule may propose. Pure.

mod decision;

pub use decision::{Cause, Counts, Decided, Decision, Held, Refusal};
