//! What a rule's author needs: beginning a crate, building it into a component, running case files against it, and reading what
//! went wrong. For the command line and for vendors whose tenants bring source code; judging never comes here.

mod build;
mod cases;
mod codes;
mod error;
mod explain;
mod fuel;
mod new;
mod stage;
#[cfg(test)]
mod tests;
mod trial;

pub use build::{BuildError, BuildOptions, Built, build_component};
pub use cases::{ComponentJudge, run_cases};
pub use codes::{Coded, explain_code};
pub use error::AuthorError;
pub use explain::{CaseExplanation, explain_case};
pub use fuel::FuelRecord;
pub use new::{Kit, NewError, create_rule};
pub use stage::Stage;
pub use trial::{Trial, TrialOptions, try_rule};
