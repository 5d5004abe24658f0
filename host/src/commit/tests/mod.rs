//! Tests of the commit stage.

mod driver;
#[cfg(feature = "sqlite")]
mod embedded;
mod lists;
mod machine;
mod orders;
mod pace;
mod slices;
mod status;
mod window;
mod world;
