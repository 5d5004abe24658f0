//! Tests of the commit stage.
#![allow(clippy::expect_used, reason = "a test that cannot go on has failed")]

mod driver;
#[cfg(feature = "sqlite")]
mod embedded;
mod status;
mod world;
