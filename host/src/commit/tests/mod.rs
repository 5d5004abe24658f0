//! Tests of the commit stage.

mod driver;
#[cfg(feature = "sqlite")]
mod embedded;
mod machine;
mod orders;
mod slices;
mod status;
mod window;
mod world;
