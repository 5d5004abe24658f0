//! Pairs desired, observed and recorded into cases, identity by identity, in batches cut by content. Pure.

mod batches;
mod cases;
mod order;
mod pair;
mod recorded;
mod sides;
#[cfg(test)]
mod tests;

pub use cases::{Batch, Case, Cases, Identity, Recorded, Side, WhyUnknown, traits};
pub use order::identity_digest;
pub use pair::{CorrelateContext, CorrelateError, TargetFacts, correlate};
pub use recorded::{holding, sightings, withdrawn};
