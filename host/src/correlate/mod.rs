//! Pairs desired, observed and recorded into cases, identity by identity, in batches cut by content. Pure.

mod batches;
mod cases;
mod correlate;
mod order;
mod recorded;
mod sides;
#[cfg(test)]
mod tests;

pub use cases::{Batch, Case, Cases, Identity, Recorded, Side, WhyUnknown, traits};
pub use correlate::{CorrelateContext, CorrelateError, TargetFacts, correlate};
pub use recorded::{holding, sightings};
