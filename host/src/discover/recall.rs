//! What a finished run read, from its pages alone: neither sources nor targets are asked, and nothing is written. Takes the
//! run's own word for how far each scan was trusted; whether the pages are still all there is for the caller to check.

use std::path::Path;

use super::assemble::{Part, Sorted, assemble};
use super::run::Reading;
use super::spool::Spool;
use super::{DiscoverError, Scan, Snapshot};

/// The snapshot that a run made from the pages in `spool`, where `scans` are those that it reported. If pages are missing,
/// the snapshot has another [`Snapshot::facts_digest`].
///
/// # Errors
/// When pages cannot be read, or contradict the scans.
pub fn recall(spool: &Path, scans: &[Scan]) -> Result<Snapshot, DiscoverError> {
    let mut parts = Vec::new();
    for scans in scans.chunk_by(|a, b| (a.side, &a.source) == (b.side, &b.source)) {
        let Some(first) = scans.first() else { continue };
        let trusted: Vec<Scan> = scans.iter().map(|scan| Scan { rows: 0, ..scan.clone() }).collect();
        let mut reading = Reading::new(Part::new(&first.source, &first.source, first.side, trusted));
        Spool::replay(spool, first.side, &first.source, |page| reading.take(&page))?;
        parts.push(Sorted::new(reading.part));
    }
    assemble(parts)
}
