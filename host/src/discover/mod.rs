//! Reading what sources desire and what targets hold, in parallel, page by page, with a checkpoint after each page.
//! Owns completeness: whether absence from a scan means absence. Never decides what to do about it.

mod assemble;
mod build;
#[cfg(feature = "files")]
pub mod files;
mod frame;
mod gate;
mod gather;
mod names;
mod page;
mod piles;
mod reading;
mod rebuild;
mod recall;
mod rows;
mod run;
mod snapshot;
mod source;
mod spill;
mod spool;
mod survey;
#[cfg(test)]
mod tests;

pub use build::SnapshotBuilder;
#[cfg(feature = "files")]
pub use files::{FileConfig, FileSource};
pub use gate::{keys_are_whole, prune_keys, record_counts};
pub use names::Names;
pub use page::{Cursor, Page};
pub use piles::Piles;
pub use rebuild::rebuild;
pub use recall::{recall, recall_pages, recall_survey};
pub use run::{Discovery, discover};
pub use snapshot::{Completeness, Scan, ScanSide, Snapshot, Subjects};
pub use source::{DiscoverError, Source};
pub use spill::Spill;
pub use survey::Survey;
