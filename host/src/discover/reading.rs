//! How far one source or target has been read: its people and catalogue rows, the counts of its scans. Owns which scan a row is
//! of; keeps no facts.

use super::assemble::{Part, renumber_entitlement, renumber_person};
use super::{Completeness, Cursor, DiscoverError, Page, ScanSide, Subjects};
use crate::limits::PAGE_ROWS;
use crate::model::Sym;

/// How far one origin has been read.
pub(super) struct Reading {
    pub(super) part: Part,
    pub(super) rows: u64,
    pub(super) facts: u64,
    /// Rows of the last page.
    pub(super) expected: u32,
    /// The subjects that it holds rows of.
    found: Subjects,
    pub(super) next: Option<Cursor>,
    /// Set by the last page: its total, and why the scan is not whole.
    pub(super) ended: Option<(Option<u64>, Option<String>)>,
}

impl Reading {
    /// Nothing is read yet.
    pub(super) const fn new(part: Part) -> Self {
        Reading { part, rows: 0, facts: 0, expected: PAGE_ROWS, found: Subjects::NONE, next: None, ended: None }
    }

    /// Takes in a page: its people and catalogue rows. Its facts are told which target and scan they are of, and counted.
    pub(super) fn take(&mut self, page: &mut Page) -> Result<(), DiscoverError> {
        let part = &mut self.part;
        let own = (part.side == ScanSide::Observed).then(|| page.symbols.intern(&part.name));
        // Few targets: looking one up costs less than a table.
        let scans: Vec<Option<Sym>> = part.scans.iter().map(|scan| page.symbols.find(&scan.target)).collect();
        for fact in &mut page.facts {
            fact.target = own.filter(|_| fact.target.is_empty()).unwrap_or(fact.target);
            let Some(at) = scans.iter().position(|target| *target == Some(fact.target)) else {
                return Err(uncovered(part, page.symbols.text(fact.target), fact.line));
            };
            fact.scan = at as u16;
            if let Some(scan) = part.scans.get_mut(at) {
                scan.rows += 1;
            }
            self.found = self.found.and(fact.subject);
        }
        let symbols = &mut part.symbols;
        let mut of = |sym: Sym| symbols.intern(page.symbols.text(sym));
        for mut person in page.people.iter().copied() {
            renumber_person(&mut person, &mut of);
            part.people.push(person);
        }
        for mut row in page.entitlements.iter().copied() {
            renumber_entitlement(&mut row, &mut of);
            part.entitlements.push(row);
        }
        self.facts += page.facts.len() as u64;
        self.expected = u32::try_from(page.rows()).unwrap_or(u32::MAX).clamp(1, PAGE_ROWS);
        self.rows += page.rows();
        self.next.clone_from(&page.next);
        if page.next.is_none() {
            self.ended = Some((page.total, page.incomplete.clone()));
        }
        Ok(())
    }

    /// Settles what is known without the shrink gate, and whether nobody vouches for it, so that the gate decides.
    pub(super) fn finish(&mut self, broken: Option<String>) -> bool {
        let (total, incomplete) = self.ended.take().unwrap_or_default();
        let short = total.filter(|&total| total != self.rows);
        let why = broken.or(incomplete).or_else(|| {
            short.map(|total| format!("it holds {} rows where {total} were announced; read it again once it is whole", self.rows))
        });
        for scan in &mut self.part.scans {
            if scan.subjects == Subjects::AS_FOUND {
                scan.subjects = self.found;
            }
            if scan.target.is_empty() {
                scan.rows = self.rows;
            }
            if let Some(why) = &why {
                scan.completeness = Completeness::Incomplete { why: why.clone() };
            }
        }
        total.is_none() && why.is_none()
    }
}

fn uncovered(part: &Part, target: &str, line: u32) -> DiscoverError {
    let covered: Vec<String> = part.scans.iter().map(|scan| format!("`{}`", scan.target)).collect();
    DiscoverError::Row {
        file: part.place.clone(),
        line: u64::from(line),
        field: "target".to_owned(),
        problem: format!("`{target}` is not a target that this source covers; it covers {}", covered.join(", ")),
    }
}
