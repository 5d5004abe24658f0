//! Verdicts become decisions: the host's guarantees on what a rule may propose. Pure.

mod across;
mod batches;
mod budget;
mod decision;
mod derive;
mod edges;
#[cfg(test)]
pub(crate) mod fixture;
mod ground;
mod guard;
mod own;
mod policy;
#[cfg(test)]
mod tests;
mod undo;
mod weigh;

pub use batches::{decide, decide_part};
pub use budget::{Ends, gate};
pub use decision::{Cause, Counts, Decided, Decision, Edge, Gates, Held, Refusal};
pub use derive::Effect;
pub use policy::{Policy, TargetPolicy};
pub use undo::{Undone, undo};
