//! Reading what sources desire and what targets hold, in parallel, page by page, with a checkpoint after each page.
//! Owns completeness: whether absence from a scan means absence. Never decides what to do about it.

mod page;
mod snapshot;
mod source;

pub use page::{Cursor, Page};
pub use snapshot::{Completeness, Scan, ScanSide, Snapshot};
pub use source::{DiscoverError, Source};
