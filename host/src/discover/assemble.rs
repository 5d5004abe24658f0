//! Joins what was read from each source and target into one snapshot over one sorted dictionary. Owns the merging of
//! rows that several sources state; knows neither files nor pages.

use std::cmp::Reverse;

use super::rows::{RowDigests, check, digests};
use super::{DiscoverError, Page, Scan, ScanSide, Snapshot};
use crate::model::{Entitlement, Fact, Head, Person, Sym, Symbols};

/// All that one source or target said. `Fact::scan` is an index into `scans`.
pub(super) struct Part {
    /// Its name.
    pub(super) name: String,
    /// What messages call it.
    pub(super) place: String,
    /// Which side.
    pub(super) side: ScanSide,
    /// Its dictionary.
    pub(super) symbols: Symbols,
    /// Its facts.
    pub(super) facts: Vec<Fact>,
    /// Its identities.
    pub(super) people: Vec<Person>,
    /// Its catalogue rows.
    pub(super) entitlements: Vec<Entitlement>,
    /// Its scans, sorted by target.
    pub(super) scans: Vec<Scan>,
}

impl Part {
    /// An empty part with these scans.
    pub(super) fn new(name: &str, place: &str, side: ScanSide, mut scans: Vec<Scan>) -> Self {
        scans.sort_by(|a, b| a.target.cmp(&b.target));
        Part {
            name: name.to_owned(),
            place: place.to_owned(),
            side,
            symbols: Symbols::default(),
            facts: Vec::new(),
            people: Vec::new(),
            entitlements: Vec::new(),
            scans,
        }
    }

    /// Keeps the facts of a page, which know their scans.
    pub(super) fn keep(&mut self, page: &Page) {
        let map = self.symbols.absorb(&page.symbols);
        self.facts.extend(page.facts.iter().map(|fact| {
            let mut fact = *fact;
            renumber_fact(&mut fact, |sym| map.get(sym.0 as usize).copied().unwrap_or_default());
            fact
        }));
    }
}

/// A part and its texts in order, which is worked out where the part was read.
pub(super) struct Sorted {
    pub(super) part: Part,
    order: Vec<(Head, Sym)>,
}

impl Sorted {
    /// Sorts the dictionary of a part.
    pub(super) fn new(part: Part) -> Self {
        let symbols = &part.symbols;
        let mut order: Vec<(Head, Sym)> = symbols.iter().map(|(sym, text)| (Head::new(text), sym)).collect();
        order.sort_unstable_by(|a, b| a.0.compare(&b.0, || (symbols.text(a.1), symbols.text(b.1))));
        Sorted { part, order }
    }

    /// The part.
    pub(super) const fn part(&self) -> &Part {
        &self.part
    }
}

/// Joins the parts. The result depends on what they say, not on their order.
pub(super) fn assemble(parts: Vec<Sorted>) -> Result<Snapshot, DiscoverError> {
    let (mut snapshot, places) = join(parts)?;
    check(&snapshot.desired, &snapshot.symbols, &places)?;
    let mut rows = RowDigests::new(None);
    for (side, facts) in [(ScanSide::Desired, &snapshot.desired), (ScanSide::Observed, &snapshot.observed)] {
        for (fact, row) in facts.iter().zip(digests(facts, &snapshot.symbols)) {
            rows.add(side, fact.scan, &row)?;
        }
    }
    finish(&mut snapshot, rows)?;
    Ok(snapshot)
}

/// Puts the parts beside each other, with what messages call the source of each scan.
pub(super) fn join(mut parts: Vec<Sorted>) -> Result<(Snapshot, Vec<String>), DiscoverError> {
    parts.sort_by(|a, b| (a.part.side, &a.part.name).cmp(&(b.part.side, &b.part.name)));
    let (symbols, maps) = merge_dictionaries(&mut parts);
    let mut snapshot = Snapshot { symbols, ..Snapshot::default() };
    let mut places = Vec::new();
    for (Sorted { mut part, .. }, map) in parts.into_iter().zip(maps) {
        let base = snapshot.scans.len();
        if base + part.scans.len() > usize::from(u16::MAX) {
            return Err(DiscoverError::Config { name: part.name, problem: "there are more than 65535 scans in all".to_owned() });
        }
        renumber(&mut part, &map, base as u16);
        places.resize(base + part.scans.len(), part.place.clone());
        snapshot.scans.append(&mut part.scans);
        let side = if part.side == ScanSide::Desired { &mut snapshot.desired } else { &mut snapshot.observed };
        if side.is_empty() {
            *side = part.facts;
        } else {
            side.extend_from_slice(&part.facts);
        }
        once(&mut part.people, person_key, |a, _, symbols| symbols.text(a.identity).to_owned(), &part.place, &snapshot.symbols)?;
        once(&mut part.entitlements, entitlement_key, entitlement_name, &part.place, &snapshot.symbols)?;
        snapshot.people.append(&mut part.people);
        snapshot.entitlements.append(&mut part.entitlements);
    }
    snapshot.people.sort_unstable_by_key(person_key);
    snapshot.entitlements.sort_unstable_by_key(entitlement_key);
    Ok((snapshot, places))
}

/// Fills in the digests, and lets one row stand for each identity and entitlement.
pub(super) fn finish(snapshot: &mut Snapshot, rows: RowDigests) -> Result<(), DiscoverError> {
    rows.stamp(snapshot)?;
    let (people, entitlements) = (snapshot.people.clone(), snapshot.entitlements.clone());
    merge_people(&mut snapshot.people);
    merge_entitlements(&mut snapshot.entitlements);
    // Most are stated once: then there is nothing to remember.
    if people.len() > snapshot.people.len() {
        snapshot.stated_people = people;
    }
    if entitlements.len() > snapshot.entitlements.len() {
        snapshot.stated_entitlements = entitlements;
    }
    Ok(())
}

/// One dictionary in the order of its texts, and for each part its numbers in it.
pub(super) fn merge_dictionaries(parts: &mut [Sorted]) -> (Symbols, Vec<Vec<Sym>>) {
    let mut maps: Vec<Vec<Sym>> = parts.iter().map(|part| vec![Sym::EMPTY; part.order.len()]).collect();
    let mut all: Vec<(Head, u32, Sym)> = Vec::with_capacity(parts.iter().map(|part| part.order.len()).sum());
    for (i, part) in (0u32..).zip(parts.iter_mut()) {
        all.extend(std::mem::take(&mut part.order).into_iter().map(|(head, sym)| (head, i, sym)));
    }
    let text = |part: u32, sym: Sym| parts.get(part as usize).map_or("", |p: &Sorted| p.part.symbols.text(sym));
    // Each part is a sorted run, which the stable sort finds and merges.
    if parts.len() > 1 {
        all.sort_by(|a, b| a.0.compare(&b.0, || (text(a.1, a.2), text(b.1, b.2))));
    }
    let mut symbols = Symbols::default();
    symbols.reserve(all.len());
    let mut last = (Head::new(""), Sym::EMPTY);
    for &(head, part, sym) in &all {
        if last.0.compare(&head, || (symbols.text(last.1), text(part, sym))).is_ne() {
            last = (head, symbols.intern(text(part, sym)));
        }
        if let Some(slot) = maps.get_mut(part as usize).and_then(|map| map.get_mut(sym.0 as usize)) {
            *slot = last.1;
        }
    }
    (symbols, maps)
}

/// Rewrites every number of a fact.
pub(super) fn renumber_fact(fact: &mut Fact, mut of: impl FnMut(Sym) -> Sym) {
    for sym in [
        &mut fact.target,
        &mut fact.holder,
        &mut fact.object,
        &mut fact.level,
        &mut fact.identity,
        &mut fact.owner,
        &mut fact.purpose,
        &mut fact.record,
        &mut fact.approver,
        &mut fact.via,
        &mut fact.replaces,
        &mut fact.managed_by,
    ] {
        if !sym.is_empty() {
            *sym = of(*sym);
        }
    }
}

/// Rewrites every number of an identity.
pub(super) fn renumber_person(person: &mut Person, mut of: impl FnMut(Sym) -> Sym) {
    for sym in [&mut person.identity, &mut person.owner, &mut person.unit] {
        *sym = of(*sym);
    }
}

/// Rewrites every number of a catalogue row.
pub(super) fn renumber_entitlement(row: &mut Entitlement, mut of: impl FnMut(Sym) -> Sym) {
    for sym in [&mut row.target, &mut row.object, &mut row.exclusion, &mut row.owner, &mut row.parent] {
        *sym = of(*sym);
    }
}

/// Rewrites every number of a part, whose first scan gets this number.
pub(super) fn renumber(part: &mut Part, map: &[Sym], base: u16) {
    let of = |sym: Sym| map.get(sym.0 as usize).copied().unwrap_or_default();
    for fact in &mut part.facts {
        fact.scan += base;
        renumber_fact(fact, of);
    }
    part.people.iter_mut().for_each(|person| renumber_person(person, of));
    part.entitlements.iter_mut().for_each(|row| renumber_entitlement(row, of));
}

type PersonKey = (u32, Reverse<u8>, Reverse<u8>, u32, u32, i64, i64);

/// Orders identities; of one identity, the furthest in its life comes first.
pub(super) fn person_key(p: &Person) -> PersonKey {
    let (status, kind) = (Reverse(p.status as u8), Reverse(p.kind as u8));
    (p.identity.0, status, kind, p.owner.0, p.unit.0, p.moved_at.seconds(), p.ends_at.seconds())
}

type EntitlementKey = (u32, u32, (Reverse<u8>, bool, bool), u32, u32, u32, u16);

/// Orders catalogue rows; of one object, the riskiest comes first.
pub(super) fn entitlement_key(e: &Entitlement) -> EntitlementKey {
    let risk = (Reverse(e.tier), !e.privileged, !e.break_glass);
    (e.target.0, e.object.0, risk, e.exclusion.0, e.owner.0, e.parent.0, e.min_holders)
}

fn entitlement_name(row: &Entitlement, _: &Entitlement, symbols: &Symbols) -> String {
    format!("{}/{}", symbols.text(row.target), symbols.text(row.object))
}

trait Keyed {
    fn same(&self, other: &Self) -> bool;
}

impl Keyed for Person {
    fn same(&self, other: &Self) -> bool {
        self.identity == other.identity
    }
}

impl Keyed for Entitlement {
    fn same(&self, other: &Self) -> bool {
        (self.target, self.object) == (other.target, other.object)
    }
}

/// Drops repetitions within one source; two different rows of one key are an error.
fn once<T: Keyed + Copy, K: Ord>(
    rows: &mut Vec<T>,
    key: impl Fn(&T) -> K,
    name: impl Fn(&T, &T, &Symbols) -> String,
    place: &str,
    symbols: &Symbols,
) -> Result<(), DiscoverError> {
    rows.sort_unstable_by_key(&key);
    rows.dedup_by(|a, b| key(a) == key(b));
    match rows.iter().zip(rows.iter().skip(1)).find(|(a, b)| a.same(b)) {
        Some((a, b)) => Err(DiscoverError::Contradiction { file: place.to_owned(), key: name(a, b, symbols) }),
        None => Ok(()),
    }
}

/// Several sources may know an identity: the one that sees it furthest in its life is believed, so that a leaver whom
/// the personnel system knows is not kept by a directory that lags.
fn merge_people(people: &mut Vec<Person>) {
    people.dedup_by(|later, first| later.same(first));
}

/// Several sources may know an entitlement: the highest risk that any of them sees holds.
fn merge_entitlements(rows: &mut Vec<Entitlement>) {
    rows.dedup_by(|later, first| {
        let same = later.same(first);
        if same {
            first.privileged |= later.privileged;
            first.break_glass |= later.break_glass;
            first.exclusion = if first.exclusion.is_empty() { later.exclusion } else { first.exclusion };
            first.owner = if first.owner.is_empty() { later.owner } else { first.owner };
            first.parent = if first.parent.is_empty() { later.parent } else { first.parent };
            first.min_holders = first.min_holders.max(later.min_holders);
        }
        same
    });
}
