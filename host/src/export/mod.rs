//! Telling others what happened: leaves of the audit log as events of OCSF, plain or as CloudEvents, for collectors of security
//! events. What a leaf becomes is a pure function of the leaf and of what is known of its change. Delivery is at least once, in the
//! order of the log, behind the commit and never in its way. Knows no target and writes nothing to the ledger.

mod about;
mod cursor;
mod delivery;
mod envelope;
mod file;
mod http;
mod ocsf;
mod pushing;
mod told;

#[cfg(test)]
mod tests;

pub use about::{About, Changes, Directory};
pub use cursor::Cursor;
pub(crate) use delivery::Lent;
pub use delivery::{Delivery, Reader};
pub use envelope::{Envelope, Event, Form, Format};
pub use file::FileSink;
pub use http::HttpSink;
pub use ocsf::OcsfVersion;
pub(crate) use pushing::Source;
pub use pushing::{Export, Exporter, SinkLag};

use std::io;

use crate::audit::LeafError;
use crate::ledger::LedgerError;
use crate::notary::NotaryError;

/// A place that takes events. It is given each one at least once, in the order of the log.
pub trait Sink: Send + Sync {
    /// Names it, for people and for the file that says how far it has come: letters, digits, `-` and `_`.
    fn name(&self) -> &str;

    /// Hands over events. They are not given again once this returns, so that it returns when they are durable there. After an
    /// error all of them are given again, later: [`Event::id`] tells which ones were there already. May take its time: nothing
    /// else waits for it.
    ///
    /// # Errors
    /// When one of them may not have arrived.
    fn deliver(&self, events: &[Event]) -> io::Result<()>;
}

/// Why events cannot be made or delivered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A sink has a name that cannot name a file, or the name of another.
    #[error("a sink cannot be called `{name}`: names are letters, digits, `-` and `_`, and each is used once")]
    Name {
        /// The name.
        name: String,
    },
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A leaf cannot be read: nothing after it is exported, so that nothing is left out in silence.
    #[error("leaf {index} of the audit log cannot be read")]
    Leaf {
        /// Its index.
        index: u64,
        /// Why.
        #[source]
        source: LeafError,
    },
    /// A sink does not take events.
    #[error("sink `{sink}` takes no events: {source}")]
    Sink {
        /// Its name.
        sink: String,
        /// Why.
        source: io::Error,
    },
    /// A sink cannot be reached like this.
    #[error("`{url}` is no address of a sink: {problem}")]
    Address {
        /// The address.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Another process exports to the sink.
    #[error("another process exports to sink `{sink}`")]
    Taken {
        /// Its name.
        sink: String,
    },
    /// The engine is gone; what is left is for the next one.
    #[error("nobody exports any more")]
    Stopped,
    /// A file of the store cannot be used.
    #[error(transparent)]
    File(#[from] NotaryError),
}
