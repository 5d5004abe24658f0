//! One binary of integration tests; each file is a module below.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod alone;
mod asking;
mod authoring;
mod bench;
mod compiling;
mod contract;
mod debt;
mod diff;
mod emergency;
mod errors;
mod events;
mod explain;
mod flipped;
mod generate;
mod generated;
mod guide;
mod hostile;
mod house;
mod identity;
mod kill;
mod languages;
mod library;
mod mistakes;
mod mutated;
mod neighbours;
mod pages;
mod replay;
mod reuse;
mod rollout;
mod rules;
mod same;
mod sim;
mod since;
mod sizes;
mod undo;
mod withheld;
