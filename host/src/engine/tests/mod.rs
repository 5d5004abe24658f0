//! Tests of the engine on an embedded target, without wasmtime: what the host does by its own hand. Where a test needs what
//! only a rule would plan, it seals the plan by hand.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod amending;
mod claims;
mod clock;
mod denials;
mod estate;
mod exporting;
#[cfg(target_os = "linux")]
mod full_disk;
#[cfg(target_os = "linux")]
mod memory;
mod own_duties;
mod parting;
mod pruning;
mod redacting;
mod replacing;
mod replaying;
mod resuming;
mod signing;
mod undoing;
#[cfg(all(feature = "tracing", feature = "metrics"))]
mod watching;
mod work;
