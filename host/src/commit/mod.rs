//! The life of a change after the seal: a pure core (`next`), and the driver that performs its effects in order.
//! Speaks to the ledger and to targets through their traits only; builds without wasmtime.

mod event;
mod status;
#[cfg(test)]
mod tests;

pub use event::{End, Event, Outcome};
pub use status::{IllegalEvent, Status, next};
