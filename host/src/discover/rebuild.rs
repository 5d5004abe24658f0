//! A snapshot from rows that were kept elsewhere than in pages. Owns that it is the one that the rows were taken from, digest
//! of facts included; knows neither files nor their form.

use super::assemble::{Part, Sorted, entitlement_key, finish, merge_dictionaries, person_key, renumber};
use super::rows::{RowDigests, digests};
use super::{DiscoverError, Page, Scan, ScanSide, Snapshot};

/// The snapshot of these rows, whose facts know their scans. People and catalogue rows are those that were stated, see
/// [`Snapshot::stated_people`].
///
/// # Errors
/// When there are more rows than one run can number.
pub fn rebuild(rows: Page, scans: Vec<Scan>) -> Result<Snapshot, DiscoverError> {
    let Page { symbols, facts, people, entitlements, .. } = rows;
    let part = Part { symbols, facts, people, entitlements, ..Part::new("", "", ScanSide::Desired, Vec::new()) };
    let mut parts = [Sorted::new(part)];
    let (symbols, maps) = merge_dictionaries(&mut parts);
    let mut snapshot = Snapshot { symbols, scans, ..Snapshot::default() };
    for (Sorted { mut part, .. }, map) in parts.into_iter().zip(maps) {
        renumber(&mut part, &map, 0);
        let side = |scan: u16| snapshot.scans.get(usize::from(scan)).map(|scan| scan.side);
        let (desired, observed) = part.facts.into_iter().partition(|fact| side(fact.scan) == Some(ScanSide::Desired));
        (snapshot.desired, snapshot.observed) = (desired, observed);
        (snapshot.people, snapshot.entitlements) = (part.people, part.entitlements);
    }
    snapshot.people.sort_unstable_by_key(person_key);
    snapshot.entitlements.sort_unstable_by_key(entitlement_key);
    let mut all = RowDigests::new(None);
    for (side, facts) in [(ScanSide::Desired, &snapshot.desired), (ScanSide::Observed, &snapshot.observed)] {
        for (fact, row) in facts.iter().zip(digests(facts, &snapshot.symbols)) {
            all.add(side, fact.scan, &row)?;
        }
    }
    finish(&mut snapshot, all)?;
    Ok(snapshot)
}
