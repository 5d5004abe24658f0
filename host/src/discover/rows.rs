//! Rows in canonical form: hashed, and checked for contradictions. Owns the byte form of a row, and the digests of scans and of
//! all rows, which are made over the sorted digests of rows: range by range, so that nobody holds all of them.

use std::path::Path;

use super::assemble::{entitlement_key, person_key};
use super::piles::Piles;
use super::{DiscoverError, ScanSide, Snapshot};
use crate::model::{CaseKey, Digest, Encoder, Fact, Sym, Symbols};

/// Facts of one snapshot that one sort key can number.
const MOST_FACTS: u64 = 1 << 30;
/// Ranges of digests: one for each first byte.
const RANGES: usize = 256;
/// Bytes of a row's digest and its scan.
const ENTRY_BYTES: usize = 34;

/// The digests of rows, by side.
pub(super) struct RowDigests {
    desired: Piles,
    observed: Piles,
}

impl RowDigests {
    /// None yet; they go to this folder, or stay in memory.
    pub(super) fn new(folder: Option<&Path>) -> Self {
        let piles = |name| folder.map_or_else(Piles::in_memory, |folder| Piles::on_disk(folder, name));
        RowDigests { desired: piles("rows-desired"), observed: piles("rows-observed") }
    }

    /// Takes in a row of a scan.
    pub(super) fn add(&mut self, side: ScanSide, scan: u16, row: &Digest) -> Result<(), DiscoverError> {
        let piles = if side == ScanSide::Desired { &mut self.desired } else { &mut self.observed };
        let mut entry = [0; ENTRY_BYTES];
        let (digest, place) = entry.split_at_mut(ENTRY_BYTES - 2);
        digest.copy_from_slice(&row.0);
        place.copy_from_slice(&scan.to_be_bytes());
        piles.push(usize::from(row.0[0]), &entry)
    }

    /// Fills in the digest of every scan and of all rows. Identities and catalogue rows are already sorted.
    pub(super) fn stamp(mut self, snapshot: &mut Snapshot) -> Result<(), DiscoverError> {
        let scans = snapshot.scans.len();
        let (desired, observed) = std::thread::scope(|scope| {
            let other = scope.spawn(|| sum(&mut self.observed, scans));
            let desired = sum(&mut self.desired, scans);
            (desired, other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        let ((desired, first), (observed, second)) = (desired?, observed?);
        for ((scan, a), b) in snapshot.scans.iter_mut().zip(first).zip(second) {
            let mut encoder = Encoder::new("trueup.scan");
            encoder.text(&scan.source).text(&scan.target).number(i64::from(scan.side == ScanSide::Observed));
            encoder.bytes(if scan.side == ScanSide::Desired { &a.0 } else { &b.0 });
            scan.digest = encoder.finish();
        }
        let mut encoder = Encoder::new("trueup.rows");
        encoder.bytes(&desired.0).bytes(&observed.0).bytes(&people(snapshot).0).bytes(&catalogue(snapshot).0);
        snapshot.rows = encoder.finish();
        Ok(())
    }
}

/// Digest of all distinct rows of one side, and of each scan's.
fn sum(piles: &mut Piles, scans: usize) -> Result<(Digest, Vec<Digest>), DiscoverError> {
    let mut side = Encoder::new("trueup.side");
    let mut by_scan = vec![Encoder::new("trueup.facts"); scans];
    for range in 0..RANGES {
        let mut bytes = piles.take(range)?;
        let (entries, _) = bytes.as_chunks_mut::<ENTRY_BYTES>();
        entries.sort_unstable();
        let mut last: Option<&[u8; ENTRY_BYTES]> = None;
        for entry in entries.iter() {
            let [row @ .., high, low] = entry;
            if last.is_none_or(|[other @ .., _, _]| other != row) {
                side.bytes(row);
            }
            if last != Some(entry)
                && let Some(scan) = by_scan.get_mut(usize::from(u16::from_be_bytes([*high, *low])))
            {
                scan.bytes(row);
            }
            last = Some(entry);
        }
    }
    Ok((side.finish(), by_scan.into_iter().map(Encoder::finish).collect()))
}

/// The digest of each row.
pub(super) fn digests<'a>(facts: &'a [Fact], symbols: &'a Symbols) -> impl Iterator<Item = Digest> + 'a {
    let mut row = Vec::with_capacity(512);
    facts.iter().map(move |fact| {
        write_fact(&mut row, fact, symbols);
        Digest::of(&row)
    })
}

/// No source may contradict itself: within one scan, desired rows of one key are repetitions of one row. `places` is what
/// messages call each scan's source.
///
/// # Errors
/// When two rows are different.
pub(super) fn check(desired: &[Fact], symbols: &Symbols, places: &[String]) -> Result<(), DiscoverError> {
    if desired.len() as u64 >= MOST_FACTS {
        return Err(DiscoverError::TooLarge { rows: desired.len() as u64 });
    }
    // Subject, holder, object, scan, index: a scan is of one target.
    let key = |(index, fact): (usize, &Fact)| {
        let key = ((fact.subject as u128) << 32 | u128::from(fact.holder.0)) << 32 | u128::from(fact.object.0);
        (key << 16 | u128::from(fact.scan)) << 30 | index as u128
    };
    let mut keys: Vec<u128> = desired.iter().enumerate().map(key).collect();
    keys.sort_unstable();
    for group in keys.chunk_by(|a, b| a >> 30 == b >> 30).filter(|group| group.len() > 1) {
        let mut rows: Vec<(Digest, &Fact)> = Vec::with_capacity(group.len());
        for fact in group.iter().filter_map(|key| desired.get((key & u128::from(MOST_FACTS - 1)) as usize)) {
            rows.extend(digests(std::slice::from_ref(fact), symbols).map(|digest| (digest, fact)));
        }
        rows.sort_by_key(|(digest, fact)| (*digest, fact.line));
        if let Some((a, b)) = rows.iter().zip(rows.iter().skip(1)).find(|(a, b)| a.0 != b.0) {
            // The first line of either.
            let first = rows.iter().find(|(digest, _)| *digest == a.0).map_or(a.1, |(_, fact)| *fact);
            return Err(contradiction(first, b.1, symbols, places));
        }
    }
    Ok(())
}

fn contradiction(a: &Fact, b: &Fact, symbols: &Symbols, places: &[String]) -> DiscoverError {
    let text = |sym| symbols.text(sym).to_owned();
    let key = CaseKey { target: text(a.target), holder: text(a.holder), subject: a.subject, object: text(a.object) };
    let (file, key) = (places.get(usize::from(a.scan)).cloned().unwrap_or_default(), key.to_string());
    let (first, line) = (a.line.min(b.line), a.line.max(b.line));
    if line == 0 {
        return DiscoverError::Contradiction { file, key };
    }
    DiscoverError::Duplicate { file, line: u64::from(line), first: u64::from(first), key }
}

/// The canonical form: which fields are given, then each as its length and bytes. Line and scan are not part of it.
fn write_fact(row: &mut Vec<u8>, fact: &Fact, symbols: &Symbols) {
    let times = [fact.not_before, fact.expires_at, fact.last_used];
    let texts: [Sym; 11] = [
        fact.target,
        fact.holder,
        fact.object,
        fact.level,
        fact.identity,
        fact.owner,
        fact.purpose,
        fact.record,
        fact.approver,
        fact.via,
        fact.replaces,
    ];
    let mut given = 0u16;
    // The mark of a writer came later than the rest, and stands last: rows without one keep their form.
    let marks = [fact.managed_by];
    let some = texts.iter().map(|sym| !sym.is_empty()).chain(times.iter().map(|time| time.is_some()));
    for (bit, some) in some.chain(marks.iter().map(|sym| !sym.is_empty())).enumerate() {
        given |= u16::from(some) << bit;
    }
    row.clear();
    row.extend_from_slice(&[fact.subject as u8, fact.flags.0]);
    row.extend_from_slice(&given.to_be_bytes());
    for sym in texts.iter().chain(&marks).filter(|sym| !sym.is_empty()) {
        let text = symbols.text(*sym);
        row.extend_from_slice(&(text.len() as u32).to_be_bytes());
        row.extend_from_slice(text.as_bytes());
    }
    for time in times.iter().filter(|time| time.is_some()) {
        row.extend_from_slice(&time.seconds().to_be_bytes());
    }
}

fn people(snapshot: &Snapshot) -> Digest {
    let mut encoder = Encoder::new("trueup.people");
    let mut last = None;
    for person in &snapshot.people {
        if last.replace(person_key(person)) == Some(person_key(person)) {
            continue;
        }
        for sym in [person.identity, person.owner, person.unit] {
            encoder.text(snapshot.symbols.text(sym));
        }
        encoder.number(person.kind as i64).number(person.status as i64);
        encoder.number(person.moved_at.seconds()).number(person.ends_at.seconds());
    }
    encoder.finish()
}

fn catalogue(snapshot: &Snapshot) -> Digest {
    let mut encoder = Encoder::new("trueup.catalogue");
    let mut last = None;
    for row in &snapshot.entitlements {
        if last.replace(entitlement_key(row)) == Some(entitlement_key(row)) {
            continue;
        }
        for sym in [row.target, row.object, row.exclusion, row.owner, row.parent] {
            encoder.text(snapshot.symbols.text(sym));
        }
        encoder.number(i64::from(row.tier)).number(i64::from(row.privileged)).number(i64::from(row.break_glass));
        encoder.number(i64::from(row.min_holders));
    }
    encoder.finish()
}

/// Eight bytes for the key of each fact: enough to see how many keys of an earlier scan are missing. Made of digests of
/// holder and object, so that each text is hashed once however many keys it is part of.
pub(super) fn key_words<'a>(facts: &'a [Fact], symbols: &'a Symbols) -> impl Iterator<Item = u64> + 'a {
    let mut heads: Vec<u64> = vec![0; symbols.len()];
    let mut head = move |sym: Sym| match heads.get_mut(sym.0 as usize) {
        Some(head) if *head == 0 => {
            *head = Digest::of(symbols.text(sym).as_bytes()).prefix().max(1);
            *head
        }
        Some(head) => *head,
        None => 0,
    };
    facts.iter().map(move |fact| mix(mix(fact.subject as u64 + 1, head(fact.holder)), head(fact.object)))
}

/// Folds two words into one; the order matters. Stored files depend on it.
const fn mix(a: u64, b: u64) -> u64 {
    let product = (a ^ 0x9e37_79b9_7f4a_7c15) as u128 * (b ^ 0xd1b5_4a32_d192_ed03) as u128;
    (product >> 64) as u64 ^ product as u64 ^ b.rotate_left(23)
}
