//! Questions that people ask of the record, years later: who held what, what happened, why, and how fast. Owns how the log, the
//! sealed plans and the newest pages are put together for an answer. Asks no source and no target, and writes nothing but what
//! people attach.
//!
//! Every answer is given only after the whole log was verified on the way, against its head and every signed checkpoint, so
//! that a damaged log is an error and never a wrong answer. Memory grows with the answer, not with the log.

mod attaching;
mod history;
mod holders;
mod log;
mod moment;
mod near;
mod performance;
mod why;

pub use attaching::{Attachment, Kept};
pub use history::{Account, History, Span};
pub use holders::{Given, Holder, Holders, Looked, Next, Observed};
pub use log::Beginning;
pub use moment::{Happened, Moment, Shown};
pub use performance::{Pace, Performance, Removal, Windows};
pub use why::{Covering, Planning, SourceRow, Why};
