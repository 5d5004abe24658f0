//! Sources that are files: JSON Lines, CSV and TSV, with a column mapping. Owns how bytes become rows; what rows mean is
//! for later stages.

mod alias;
mod cells;
mod config;
mod json;
mod lines;
mod reader;
mod rows;
mod separated;
mod source;
#[cfg(test)]
mod tests;

pub use config::{Alias, CompleteBy, Field, FileConfig, FileFormat, RowKind};
pub use source::FileSource;
