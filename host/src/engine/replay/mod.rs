//! Deriving plans again: what a run's plan was made from is recorded, and a replay makes the plan from it once more, on another
//! machine, years later, and compares. Owns recordings, what becomes of them, and what a replay tells.

mod differing;
mod facts;
mod kept;
mod lists;
mod objects;
mod recorder;
mod rederive;
mod replaying;
mod rows;
mod text;

pub use differing::Divergence;
pub use kept::{RECORDING_FORMAT, RecordedTarget, Recording, Recordings};
pub use replaying::{Replayed, Replaying, Verdict};

pub(super) use recorder::{Recorder, Whole};
