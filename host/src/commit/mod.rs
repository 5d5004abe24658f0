//! The life of a change after the seal: a pure core (`next`, `Core`), and the driver that performs what the core asks for.
//! Speaks to the ledger and to targets through their traits only; builds without wasmtime.

mod admit;
mod advance;
mod answer;
mod barrier;
mod breaker;
mod call;
mod clock;
mod core;
mod denials;
mod desk;
mod driver;
mod error;
mod event;
mod flight;
mod hand;
mod inputs;
mod item;
mod journal;
mod lines;
mod offer;
mod outcomes;
mod reading;
mod slices;
mod status;
#[cfg(test)]
mod tests;
mod window;

pub use self::core::{Core, Terms};
pub use call::{Answer, Ask, Call};
pub use clock::{Clock, SystemClock};
pub use desk::{Desk, NoDesk, Reduction, emergency_plan, plain_key, reduce};
pub use driver::Commit;
pub use error::CommitError;
pub use event::{End, Event, Outcome};
pub use flight::Flow;
pub use item::{Moment, Slot};
pub use outcomes::{Open, Outcomes, Rest, Told, Unconfirmed};
pub use status::{IllegalEvent, Status, next};
