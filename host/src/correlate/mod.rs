//! Pairs desired, observed and recorded into cases, identity by identity, in batches cut by content. Pure.

mod cases;

pub use cases::{Batch, Case, Cases, Identity, Recorded, Side, WhyUnknown};
