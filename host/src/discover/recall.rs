//! What a finished run read, from its pages alone: neither sources nor targets are asked, and nothing is written. Takes the
//! run's own word for how far each scan was trusted; whether the pages are still all there is for the caller to check.

use std::io;
use std::path::Path;

use super::assemble::{Part, Sorted, assemble};
use super::gather::Gathering;
use super::reading::Reading;
use super::run::{Read, put_together};
use super::spool::Spool;
use super::{DiscoverError, Page, Scan, ScanSide, Snapshot, Survey};

/// The snapshot that a run made from the pages in `spool`, where `scans` are those that it reported. If pages are missing,
/// the snapshot has another [`Snapshot::facts_digest`].
///
/// # Errors
/// When pages cannot be read, or contradict the scans.
pub fn recall(spool: &Path, scans: &[Scan]) -> Result<Snapshot, DiscoverError> {
    let names: Vec<String> = scans.iter().map(|scan| scan.source.clone()).collect();
    recall_as(spool, scans, &names)
}

/// The pages of a run, one by one, each with the side and the source that it is of. Facts of a target that names itself nowhere
/// are told which one they are of.
///
/// # Errors
/// When pages cannot be read, or are not all that the scans tell of.
pub fn recall_pages(spool: &Path, scans: &[Scan], mut see: impl FnMut(ScanSide, &str, &Page)) -> Result<(), DiscoverError> {
    for scans in scans.chunk_by(|a, b| (a.side, &a.source) == (b.side, &b.source)) {
        let Some(first) = scans.first() else { continue };
        let facts: u64 = scans.iter().filter(|scan| !scan.target.is_empty()).map(|scan| scan.rows).sum();
        let mut found = 0;
        Spool::replay(spool, first.side, &first.source, |mut page| {
            if first.side == ScanSide::Observed {
                let own = page.symbols.intern(&first.source);
                page.facts.iter_mut().filter(|fact| fact.target.is_empty()).for_each(|fact| fact.target = own);
            }
            found += page.facts.len() as u64;
            see(first.side, &first.source, &page);
            Ok(())
        })?;
        if found != facts {
            let problem = format!("`{}` had {facts} rows and has {found}", first.source);
            let source = io::Error::new(io::ErrorKind::InvalidData, problem);
            return Err(DiscoverError::Spool { path: spool.to_owned(), source });
        }
    }
    Ok(())
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
