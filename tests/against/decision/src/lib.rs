//! The decision of `least-access` as somebody writes it who has no engine: plain structs and one function. The yardstick of
//! the comparison, and what the plug-in for extism is made of. Knows nothing of trueup.

mod bytes;
mod decide;
mod drawn;
mod row;

pub use bytes::{Malformed, read_answers, read_batch, write_answers, write_batch};
pub use decide::{Effect, REASONS, Verdict, Why, judge};
pub use drawn::drawn;
pub use row::{Batch, ENABLED, EXPIRES_AT, Kind, LEVEL, NONE, Now, Row, Side, Subject};
