//! Decisions become a sealed plan: totally ordered, content-addressed, with the reasons for what was not chosen. Pure but
//! for the writer it is given.

mod sealed;

pub use sealed::{Header, HeldLine, Inputs, Summary};
