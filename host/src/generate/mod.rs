//! Realistic estates and a month of their life, from a profile and a seed: for the demo, tests and benchmarks. The same
//! seed gives the same bytes on every machine. Knows no rule and no stage.
//!
//! ```
//! use trueup::generate::{Estate, Profile};
//!
//! let estate = Estate::new(Profile::Demo, 7);
//! let leaver = estate.stories().iter().find(|story| story.title == "Somebody leaves");
//! assert_eq!(leaver.map(|story| story.day), Some(12));
//! ```

mod calendar;
mod cast;
mod catalogue;
mod dice;
mod estate;
mod facts;
mod files;
mod holdings;
mod mess;
mod month;
mod names;
mod pair;
mod population;
mod rows;
mod shape;
mod sources;
mod stories;
#[cfg(test)]
mod tests;
mod words;

pub use calendar::{DAYS, instant, midnight};
pub use estate::{Estate, Options};
pub use files::{GenerateError, Written};
pub use mess::{Mess, MessKind, renaming};
pub use month::DesiredChange;
pub use pair::Pair;
pub use rows::{AccountRow, EntitlementRow, GrantRow, ObservedRow, PersonRow};
pub use shape::{Curve, Profile, ProfileError, Shape};
pub use sources::{FileKind, SourceFile};
pub use stories::{Edit, ForeignEdit, Story, StoryKind};
