//! Decisions become a sealed plan: totally ordered, content-addressed, with the reasons for what was not chosen. Pure but
//! for the writer it is given and the plan files that it reads.

mod adopt;
mod change;
mod draft;
mod error;
mod order;
#[cfg(test)]
mod prefix_tests;
mod read;
mod redacted;
mod report;
mod runs;
mod seal;
mod sealed;
#[cfg(test)]
mod tests;
mod undo;

pub use adopt::adopted_by;
pub use draft::Draft;
pub use error::PlanError;
pub use order::wave;
pub use read::PlanFile;
pub use redacted::{REDACTED, RedactedPlan};
pub use report::{Report, TargetReport};
pub use runs::Sealing;
pub use seal::{Sealed, seal};
pub use sealed::{Adoptable, Chunk, FORMAT, Header, HeldLine, Inputs, PLANNER, PLANNERS, Summary, Trailer};
pub use undo::{Undoing, seal_undoing};
