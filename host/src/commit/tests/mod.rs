//! Tests of the commit stage.

mod breaker;
mod clock;
mod desk;
mod driver;
#[cfg(feature = "sqlite")]
mod embedded;
mod flight;
mod lists;
mod machine;
mod orders;
mod outcomes;
mod pace;
mod remains;
mod slices;
mod status;
mod window;
mod world;
