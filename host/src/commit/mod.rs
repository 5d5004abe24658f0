//! The life of a change after the seal: a pure core (`next`), and the driver that performs its effects in order.
//! Speaks to the ledger and to targets through their traits only; builds without wasmtime.

mod clock;
mod dispatch;
mod driver;
mod event;
mod gates;
mod journal;
mod outcomes;
mod slice;
mod status;
#[cfg(test)]
mod tests;
mod verify;

pub use clock::{Clock, SystemClock};
pub use driver::{Commit, CommitError};
pub use event::{End, Event, Outcome};
pub use outcomes::{Open, Outcomes, Rest, Unconfirmed};
pub use status::{IllegalEvent, Status, next};
