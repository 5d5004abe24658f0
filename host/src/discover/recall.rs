//! What a finished run read, from its pages alone: neither sources nor targets are asked, and nothing is written. Takes the
//! run's own word for how far each scan was trusted; whether the pages are still all there is for the caller to check.

use std::path::Path;

use super::assemble::{Part, Sorted, assemble};
use super::gather::Gathering;
use super::reading::Reading;
use super::run::{Read, put_together};
use super::spool::Spool;
use super::{DiscoverError, Scan, Snapshot, Survey};

/// The snapshot that a run made from the pages in `spool`, where `scans` are those that it reported. If pages are missing,
/// the snapshot has another [`Snapshot::facts_digest`].
///
/// # Errors
/// When pages cannot be read, or contradict the scans.
pub fn recall(spool: &Path, scans: &[Scan]) -> Result<Snapshot, DiscoverError> {
    let names: Vec<String> = scans.iter().map(|scan| scan.source.clone()).collect();
    recall_as(spool, scans, &names)
}

/// The survey that a run made from the pages in `spool`: what [`recall`] gives, without the facts. What is kept on disk meanwhile
/// goes to the folder `scratch`.
///
/// # Errors
/// When pages cannot be read, or contradict the scans.
pub fn recall_survey(spool: &Path, scans: &[Scan], scratch: &Path) -> Result<Survey, DiscoverError> {
    let gathering = Gathering::new(scratch);
    let (mut reads, mut base) = (Vec::new(), 0);
    for scans in scans.chunk_by(|a, b| (a.side, &a.source) == (b.side, &b.source)) {
        let Some(first) = scans.first() else { continue };
        let trusted: Vec<Scan> = scans.iter().map(|scan| Scan { rows: 0, ..scan.clone() }).collect();
        let mut reading = Reading::new(Part::new(&first.source, &first.source, first.side, trusted));
        Spool::replay(spool, first.side, &first.source, |mut page| {
            reading.take(&mut page)?;
            gathering.take(&page, first.side, base)
        })?;
        reads.push(Read { base, facts: reading.facts, gate: false, part: Sorted::new(reading.part) });
        base += scans.len() as u16;
    }
    put_together(reads, gathering.finish(), spool)
}

/// The same, where messages call the source of each scan by one of `places`.
pub(super) fn recall_as(spool: &Path, scans: &[Scan], places: &[String]) -> Result<Snapshot, DiscoverError> {
    let mut parts = Vec::new();
    let mut places = places.iter();
    for scans in scans.chunk_by(|a, b| (a.side, &a.source) == (b.side, &b.source)) {
        let (Some(first), Some(place)) = (scans.first(), places.next()) else { continue };
        places.by_ref().take(scans.len() - 1).for_each(drop);
        let trusted: Vec<Scan> = scans.iter().map(|scan| Scan { rows: 0, ..scan.clone() }).collect();
        let mut reading = Reading::new(Part::new(&first.source, place, first.side, trusted));
        Spool::replay(spool, first.side, &first.source, |mut page| {
            reading.take(&mut page)?;
            reading.part.keep(&page);
            Ok(())
        })?;
        parts.push(Sorted::new(reading.part));
    }
    assemble(parts)
}
