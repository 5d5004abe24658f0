//! Rows in canonical form: sorted, hashed, and checked for contradictions. Owns the byte form of a row.

use std::collections::BTreeSet;

use super::assemble::{entitlement_key, person_key};
use super::{DiscoverError, Scan, ScanSide, Snapshot};
use crate::model::{CaseKey, Digest, Encoder, Fact, Sym, Symbols};

/// Facts of one side that one sort key can number.
const MOST_FACTS: u64 = 1 << 30;
/// Bytes hashed at once: enough that the hash and not the call costs.
const CHUNK_BYTES: usize = 1 << 15;

/// Fills in the digest of every scan and of all rows. Identities and catalogue rows are already sorted.
pub(super) fn stamp(snapshot: &mut Snapshot, places: &[String]) -> Result<(), DiscoverError> {
    let (desired, observed) = std::thread::scope(|scope| {
        let view: &Snapshot = snapshot;
        let other = scope.spawn(|| hash_side(view, ScanSide::Observed, places));
        let desired = hash_side(view, ScanSide::Desired, places);
        let observed = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (desired, observed)
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

/// A digest over rows, each of which says where it ends.
struct Rows {
    encoder: Encoder,
    buffer: Vec<u8>,
}

impl Rows {
    fn new() -> Self {
        Rows { encoder: Encoder::new("trueup.facts"), buffer: Vec::new() }
    }

    fn row(&mut self, row: &[u8]) {
        self.buffer.extend_from_slice(row);
        if self.buffer.len() >= CHUNK_BYTES {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.encoder.bytes(&self.buffer);
        self.buffer.clear();
    }

    fn finish(mut self) -> Digest {
        self.flush();
        self.encoder.finish()
    }
}

/// Digests in the making: of each scan, and of each target that several scans speak for.
struct Hashing<'a> {
    snapshot: &'a Snapshot,
    side: ScanSide,
    places: &'a [String],
    scans: Vec<Rows>,
    /// For each scan its target's number, and for each target its rows: none while one scan says the same.
    target_of: Vec<usize>,
    targets: Vec<Option<Rows>>,
}

/// Digest of all distinct rows of one side, and of each scan's.
fn hash_side(snapshot: &Snapshot, side: ScanSide, places: &[String]) -> Result<(Digest, Vec<Digest>), DiscoverError> {
    let facts = if side == ScanSide::Desired { &snapshot.desired } else { &snapshot.observed };
    let of_side = |scan: &&Scan| scan.side == side;
    let names: Vec<&str> = snapshot.scans.iter().map(|scan| scan.target.as_str()).collect::<BTreeSet<_>>().into_iter().collect();
    let target_of: Vec<usize> =
        snapshot.scans.iter().map(|scan| names.binary_search(&scan.target.as_str()).unwrap_or(0)).collect();
    let shared = |name: &&str| snapshot.scans.iter().filter(of_side).filter(|scan| scan.target == **name).count() != 1;
    let targets = names.iter().map(|name| shared(name).then(Rows::new)).collect();
    let keys = sorted(facts, &target_of)?;
    let scans = snapshot.scans.iter().map(|_| Rows::new()).collect();
    let mut hashing = Hashing { snapshot, side, places, scans, target_of, targets };
    let mut row = Vec::with_capacity(512);
    for group in keys.chunk_by(|a, b| a >> SCAN_AND_INDEX == b >> SCAN_AND_INDEX) {
        let of = |key: &u128| facts.get((key & u128::from(MOST_FACTS - 1)) as usize);
        if let ([_], Some(fact)) = (group, group.first().and_then(of)) {
            write_fact(&mut row, fact, &snapshot.symbols);
            hashing.scan(fact.scan, &row);
            hashing.target(fact.scan, &row);
        } else {
            hashing.group(&group.iter().filter_map(of).collect::<Vec<_>>())?;
        }
    }
    Ok(hashing.finish(&names))
}

impl Hashing<'_> {
    fn scan(&mut self, scan: u16, row: &[u8]) {
        if let Some(rows) = self.scans.get_mut(usize::from(scan)) {
            rows.row(row);
        }
    }

    fn target(&mut self, scan: u16, row: &[u8]) {
        let target = self.target_of.get(usize::from(scan)).and_then(|&target| self.targets.get_mut(target));
        if let Some(Some(rows)) = target {
            rows.row(row);
        }
    }

    /// Rows of one key: repetitions count once, and no source may contradict itself.
    fn group(&mut self, group: &[&Fact]) -> Result<(), DiscoverError> {
        let mut by_scan: Vec<(u16, Vec<u8>, &Fact)> = Vec::with_capacity(group.len());
        for fact in group {
            let mut row = Vec::with_capacity(128);
            write_fact(&mut row, fact, &self.snapshot.symbols);
            by_scan.push((fact.scan, row, fact));
        }
        by_scan.sort_by(|a, b| (a.0, &a.1, a.2.line).cmp(&(b.0, &b.1, b.2.line)));
        by_scan.dedup_by(|a, b| (a.0, &a.1) == (b.0, &b.1));
        if self.side == ScanSide::Desired
            && let Some((a, b)) = by_scan.iter().zip(by_scan.iter().skip(1)).find(|(a, b)| a.0 == b.0)
        {
            return Err(contradiction(a.2, b.2, self.snapshot, self.places));
        }
        for (scan, row, _) in &by_scan {
            self.scan(*scan, row);
        }
        by_scan.sort_by(|a, b| a.1.cmp(&b.1));
        by_scan.dedup_by(|a, b| a.1 == b.1);
        for (scan, row, _) in &by_scan {
            self.target(*scan, row);
        }
        Ok(())
    }

    /// Digest of the side, and of the rows of each scan. Targets without rows do not count.
    fn finish(self, names: &[&str]) -> (Digest, Vec<Digest>) {
        let Hashing { snapshot, side, scans, target_of, targets, .. } = self;
        let scans: Vec<Digest> = scans.into_iter().map(Rows::finish).collect();
        let empty = Rows::new().finish();
        let only = |target| {
            let of = |at: &usize| snapshot.scans.get(*at).is_some_and(|scan| scan.side == side);
            (0..scans.len()).filter(of).find(|at| target_of.get(*at) == Some(&target)).and_then(|at| scans.get(at).copied())
        };
        let mut encoder = Encoder::new("trueup.side");
        for (at, (name, rows)) in names.iter().zip(targets).enumerate() {
            let digest = rows.map(Rows::finish).or_else(|| only(at)).unwrap_or(empty);
            if digest != empty {
                encoder.text(name).bytes(&digest.0);
            }
        }
        (encoder.finish(), scans)
    }
}

fn contradiction(a: &Fact, b: &Fact, snapshot: &Snapshot, places: &[String]) -> DiscoverError {
    let text = |sym| snapshot.symbols.text(sym).to_owned();
    let key = CaseKey { target: text(a.target), holder: text(a.holder), subject: a.subject, object: text(a.object) };
    let (file, key) = (places.get(usize::from(a.scan)).cloned().unwrap_or_default(), key.to_string());
    let (first, line) = (a.line.min(b.line), a.line.max(b.line));
    if line == 0 {
        return DiscoverError::Contradiction { file, key };
    }
    DiscoverError::Duplicate { file, line: u64::from(line), first: u64::from(first), key }
}

/// Bits of a sort key below the case: the scan and the index.
const SCAN_AND_INDEX: u32 = 46;

/// Sort keys: target, subject, holder, object, scan, index. Numbers of texts are in the order of the texts.
fn sorted(facts: &[Fact], target_of: &[usize]) -> Result<Vec<u128>, DiscoverError> {
    if facts.len() as u64 >= MOST_FACTS {
        return Err(DiscoverError::TooLarge { rows: facts.len() as u64 });
    }
    let key = |(index, fact): (usize, &Fact)| {
        let target = target_of.get(usize::from(fact.scan)).map_or(0, |&target| target as u128);
        let key = ((target << 2 | fact.subject as u128) << 32 | u128::from(fact.holder.0)) << 32 | u128::from(fact.object.0);
        (key << 16 | u128::from(fact.scan)) << 30 | index as u128
    };
    let mut keys: Vec<u128> = facts.iter().enumerate().map(key).collect();
    keys.sort_unstable();
    Ok(keys)
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

/// Eight bytes for each distinct key of a scan, sorted: enough to see how many keys of an earlier scan are missing. Made
/// of digests of holder and object, so that each text is hashed once however many keys it is part of.
pub(super) fn key_prefixes(snapshot: &Snapshot) -> Vec<Vec<u64>> {
    let mut heads: Vec<u64> = vec![0; snapshot.symbols.len()];
    let mut head = |sym: Sym| match heads.get_mut(sym.0 as usize) {
        Some(head) if *head == 0 => {
            *head = Digest::of(snapshot.symbols.text(sym).as_bytes()).prefix().max(1);
            *head
        }
        Some(head) => *head,
        None => 0,
    };
    let mut scans = vec![Vec::new(); snapshot.scans.len()];
    for fact in snapshot.desired.iter().chain(&snapshot.observed) {
        if let Some(keys) = scans.get_mut(usize::from(fact.scan)) {
            keys.push(mix(mix(fact.subject as u64 + 1, head(fact.holder)), head(fact.object)));
        }
    }
    for keys in &mut scans {
        keys.sort_unstable();
        keys.dedup();
    }
    scans
}

/// Folds two words into one; the order matters. Stored files depend on it.
const fn mix(a: u64, b: u64) -> u64 {
    let product = (a ^ 0x9e37_79b9_7f4a_7c15) as u128 * (b ^ 0xd1b5_4a32_d192_ed03) as u128;
    (product >> 64) as u64 ^ product as u64 ^ b.rotate_left(23)
}
