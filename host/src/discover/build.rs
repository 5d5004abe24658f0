//! Builds small snapshots by hand: for tests, examples, and embedders that read their systems themselves.

use super::assemble::{Part, Sorted, assemble};
use super::{Completeness, DiscoverError, Scan, ScanSide, Snapshot, Subjects};
use crate::model::{Digest, Entitlement, Fact, IdentityKind, IdentityStatus, Person, Subject, Symbols, Time};

/// A snapshot in the making. Each side of a target that a row names gets a complete scan (of the source `source`, or of
/// the target), unless one is declared.
///
/// ```
/// use trueup::discover::SnapshotBuilder;
/// let mut builder = SnapshotBuilder::new();
/// builder.desired("crm", "alice", "team:eng").observed("crm", "bob", "team:eng");
/// let snapshot = builder.build()?;
/// assert_eq!((snapshot.desired.len(), snapshot.scans.len()), (1, 2));
/// # Ok::<(), trueup::discover::DiscoverError>(())
/// ```
#[derive(Default)]
pub struct SnapshotBuilder {
    parts: Vec<Part>,
    source: Option<String>,
    last: Option<(usize, ScanSide)>,
}

impl SnapshotBuilder {
    /// An empty snapshot.
    #[must_use]
    pub fn new() -> Self {
        SnapshotBuilder::default()
    }

    /// Declares a scan: for the desired side of the source `source`, for the observed side of the target itself.
    pub fn scan(&mut self, side: ScanSide, source: &str, target: &str, completeness: Completeness) -> &mut Self {
        self.scan_of(side, source, target, Subjects::ALL, completeness)
    }

    /// Declares a scan that speaks for some subjects only.
    pub fn scan_of(
        &mut self,
        side: ScanSide,
        source: &str,
        target: &str,
        subjects: Subjects,
        completeness: Completeness,
    ) -> &mut Self {
        let (part, scan) = self.place(side, source, target);
        if let Some(scan) = self.parts.get_mut(part).and_then(|part| part.scans.get_mut(scan)) {
            scan.subjects = subjects;
            scan.completeness = completeness;
        }
        self
    }

    /// The rows that follow are of this source.
    pub fn source(&mut self, name: &str) -> &mut Self {
        self.source = Some(name.to_owned());
        self
    }

    /// Adds a desired grant, or an account when `object` is empty.
    pub fn desired(&mut self, target: &str, holder: &str, object: &str) -> &mut Self {
        let source = self.source.clone().unwrap_or_else(|| "source".to_owned());
        self.fact(ScanSide::Desired, &source, target, holder, object)
    }

    /// Adds an observed grant, or an account when `object` is empty.
    pub fn observed(&mut self, target: &str, holder: &str, object: &str) -> &mut Self {
        self.fact(ScanSide::Observed, target, target, holder, object)
    }

    /// Changes the fact that was added last.
    pub fn with(&mut self, change: impl FnOnce(&mut Fact, &mut Symbols)) -> &mut Self {
        if let Some((part, _)) = self.last
            && let Some(part) = self.parts.get_mut(part)
            && let Some(fact) = part.facts.last_mut()
        {
            change(fact, &mut part.symbols);
        }
        self
    }

    /// Adds an identity.
    pub fn person(&mut self, identity: &str, kind: IdentityKind, status: IdentityStatus) -> &mut Self {
        let source = self.source.clone().unwrap_or_else(|| "source".to_owned());
        let part = self.part(ScanSide::Desired, &source);
        if let Some(part) = self.parts.get_mut(part) {
            let (identity, empty) = (part.symbols.intern(identity), crate::model::Sym::EMPTY);
            let (moved_at, ends_at) = (Time::NONE, Time::NONE);
            part.people.push(Person { identity, kind, status, owner: empty, unit: empty, moved_at, ends_at });
        }
        self
    }

    /// Adds a catalogue row.
    pub fn entitlement(&mut self, target: &str, object: &str, change: impl FnOnce(&mut Entitlement, &mut Symbols)) -> &mut Self {
        let source = self.source.clone().unwrap_or_else(|| "source".to_owned());
        let part = self.part(ScanSide::Desired, &source);
        if let Some(part) = self.parts.get_mut(part) {
            let (target, object) = (part.symbols.intern(target), part.symbols.intern(object));
            let (exclusion, owner) = Default::default();
            let (parent, min_holders) = Default::default();
            let (privileged, break_glass) = (false, false);
            let mut row = Entitlement { target, object, tier: 0, privileged, break_glass, exclusion, owner, min_holders, parent };
            change(&mut row, &mut part.symbols);
            part.entitlements.push(row);
        }
        self
    }

    /// The snapshot.
    ///
    /// # Errors
    /// When a source contradicts itself.
    pub fn build(self) -> Result<Snapshot, DiscoverError> {
        let mut parts = self.parts;
        for part in &mut parts {
            sort_scans(part);
        }
        assemble(parts.into_iter().map(Sorted::new).collect())
    }

    fn fact(&mut self, side: ScanSide, source: &str, target: &str, holder: &str, object: &str) -> &mut Self {
        let (at, scan) = self.place(side, source, target);
        if let Some(part) = self.parts.get_mut(at) {
            let subject = if object.is_empty() { Subject::Account } else { Subject::Grant };
            let [target, holder, object] = [target, holder, object].map(|text| part.symbols.intern(text));
            part.facts.push(Fact { scan: scan as u16, ..Fact::new(subject, target, holder, object) });
            if let Some(scan) = part.scans.get_mut(scan) {
                scan.rows += 1;
            }
            self.last = Some((at, side));
        }
        self
    }

    fn part(&mut self, side: ScanSide, source: &str) -> usize {
        self.parts.iter().position(|part| part.side == side && part.name == source).unwrap_or_else(|| {
            self.parts.push(Part::new(source, source, side, Vec::new()));
            self.parts.len() - 1
        })
    }

    fn place(&mut self, side: ScanSide, source: &str, target: &str) -> (usize, usize) {
        let at = self.part(side, source);
        let Some(part) = self.parts.get_mut(at) else { return (at, 0) };
        let scan = part.scans.iter().position(|scan| scan.target == target).unwrap_or_else(|| {
            part.scans.push(new_scan(source, side, target));
            part.scans.len() - 1
        });
        (at, scan)
    }
}

fn new_scan(source: &str, side: ScanSide, target: &str) -> Scan {
    Scan {
        source: source.to_owned(),
        side,
        target: target.to_owned(),
        subjects: Subjects::ALL,
        read_at: Time::NONE,
        rows: 0,
        completeness: Completeness::Complete,
        digest: Digest::default(),
    }
}

/// Scans were declared in any order; facts follow them to their sorted places.
fn sort_scans(part: &mut Part) {
    let mut order: Vec<usize> = (0..part.scans.len()).collect();
    order.sort_by(|&a, &b| part.scans.get(a).map(|s| &s.target).cmp(&part.scans.get(b).map(|s| &s.target)));
    for fact in &mut part.facts {
        fact.scan = order.iter().position(|&old| old == usize::from(fact.scan)).unwrap_or(0) as u16;
    }
    part.scans.sort_by(|a, b| a.target.cmp(&b.target));
}
