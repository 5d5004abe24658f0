//! What a rule's author needs: building a crate into a component, and running case files against it. For the command line
//! and for vendors whose tenants bring source code; judging never comes here.

mod build;
mod cases;
#[cfg(test)]
mod tests;
mod wrap;

pub use build::{BuildError, BuildOptions, Built, build_component};
pub use cases::{ComponentJudge, run_cases};
pub use wrap::{WrapError, wrap_module};
