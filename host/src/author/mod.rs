//! What a rule's author needs: beginning a crate, building it into a component, running case files against it, and reading what
//! went wrong. For the command line and for vendors whose tenants bring source code; judging never comes here.

mod bench;
mod branches;
mod build;
mod cases;
mod codes;
mod differing;
mod error;
mod explain;
mod fuel;
mod html;
mod inspect;
mod native;
mod new;
mod profile;
mod stage;
#[cfg(test)]
mod tests;
mod trial;
mod wrap;

pub use bench::{CaseCost, bench};
pub use branches::{CoverageError, Uncovered, uncovered};
pub use build::{BuildError, BuildOptions, Built, build_component};
pub use cases::{ComponentJudge, plain_settings, run_cases};
pub use codes::{Coded, explain_code};
pub use differing::compare_on;
pub use error::AuthorError;
pub use explain::{CaseExplanation, explain_case};
pub use fuel::FuelRecord;
pub use html::{comparison_page, coverage_page};
pub use inspect::{Inspection, Usage, inspect, usage};
pub use native::beside_native;
pub use new::{Kit, NewError, create_rule};
pub use profile::{FileShare, FunctionShare, Profile, profile};
pub use stage::Stage;
pub use trial::{Trial, TrialOptions, try_rule};
pub use wrap::{WrapError, wrap_module};
