//! Verification of a whole log: every leaf, every commitment, the order of what was done, and the root. Owns the
//! judgement; reads no store.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::examined::{Examined, States, examine};
use super::{Cut, Frontier, LogEntry, LogHead, Rotation, Statement, TILE_WIDTH, Verified, VerifyError};
use crate::commit::Outcome;
use crate::ledger::StoredLeaf;
use crate::model::{ChangeId, Digest, KeyHash};

/// Verifies all leaves of a log, in order, against the head that is known of it.
///
/// # Errors
/// The first thing that is not as it was written.
pub fn verify_log<'a>(leaves: impl IntoIterator<Item = &'a StoredLeaf>, expected: LogHead) -> Result<Verified, VerifyError> {
    let mut verifier = Verifier::default();
    leaves.into_iter().try_for_each(|leaf| verifier.push(leaf))?;
    verifier.finish(expected)
}

/// Verifies a log leaf by leaf, so that it can be read page by page.
#[derive(Default)]
pub struct Verifier {
    /// Roots by size. Several of one size contradict each other, and at least one of them the log.
    heads: BTreeMap<u64, BTreeSet<Digest>>,
    frontier: Frontier,
    last: Option<(String, u64)>,
    found: Verified,
    /// Leaves whose states are gone, and no leaf has said so yet.
    unexplained: BTreeSet<u64>,
    changes: HashMap<ChangeId, Progress>,
    /// What the last confirmed change of a case left behind, as far as that is known.
    cases: HashMap<KeyHash, Digest>,
    /// The last leaf that was emptied, and the first one whose intent may have been. A later leaf must say so.
    emptied: Option<u64>,
    unbegun: Option<VerifyError>,
}

/// How far a change has come.
#[derive(Default)]
struct Progress {
    settled: bool,
    /// Known from its intent.
    case: Option<KeyHash>,
    /// Digest of the state that it leads to; none when it was redacted.
    after: Option<Digest>,
}

impl Verifier {
    /// Also holds the log against a head that was seen earlier and kept elsewhere: an altered leaf is then found within
    /// the leaves since the last such head.
    #[must_use]
    pub fn seen(mut self, head: LogHead) -> Self {
        self.expect(head);
        self
    }

    /// Takes the next leaf.
    ///
    /// # Errors
    /// When it is not as it was written.
    pub fn push(&mut self, leaf: &StoredLeaf) -> Result<(), VerifyError> {
        self.read(leaf).map(drop)
    }

    /// Takes the next leaf, and gives what it says; none of one that was pruned. That stands only once [`Verifier::finish`] has
    /// found the whole log sound.
    ///
    /// # Errors
    /// When it is not as it was written.
    pub fn read(&mut self, leaf: &StoredLeaf) -> Result<Option<LogEntry>, VerifyError> {
        self.take(leaf, examine(leaf))
    }

    /// Takes the next leaf, which was looked at before.
    pub(super) fn take(
        &mut self,
        leaf: &StoredLeaf,
        examined: Result<Examined, VerifyError>,
    ) -> Result<Option<LogEntry>, VerifyError> {
        let index = leaf.index;
        if index != self.frontier.size() {
            return Err(VerifyError::Gap { expected: self.frontier.size(), found: index });
        }
        // What was found of an empty leaf says nothing.
        if leaf.is_pruned() {
            self.pass(leaf)?;
            return Ok(None);
        }
        let Examined { entry, case, states } = examined?;
        self.place(index, &entry)?;
        let states = states?;
        if states.redacted > 0 {
            self.found.redacted += states.redacted;
            self.unexplained.insert(index);
        }
        self.order(index, &entry.says, case, &states)?;
        if let Statement::Pruning { before, by, why } = &entry.says {
            self.cut(&entry, before.0, by, why)?;
        }
        self.frontier.append(leaf.hash);
        self.root(self.frontier.size())?;
        Ok(Some(entry))
    }

    /// Takes a leaf that is empty: only its hash can be held against anything.
    fn pass(&mut self, leaf: &StoredLeaf) -> Result<(), VerifyError> {
        if let Some(body) = leaf.bodies.first() {
            let (field, problem) = (body.field.clone(), "stands beside a leaf that is gone");
            return Err(VerifyError::Body { index: leaf.index, field, problem });
        }
        self.found.pruned += 1;
        self.emptied = Some(leaf.index);
        self.frontier.append(leaf.hash);
        self.root(self.frontier.size())
    }

    /// Takes in what a leaf says of those before it. One that no checkpoint covers explains nothing yet: first it is signed, then
    /// leaves are emptied.
    fn cut(&mut self, entry: &LogEntry, before: u64, by: &str, why: &str) -> Result<(), VerifyError> {
        let index = entry.index;
        if before > index || !before.is_multiple_of(TILE_WIDTH) {
            let problem = format!("it says that leaves before {before} were pruned");
            return Err(VerifyError::Misplaced { index, problem });
        }
        if self.heads.last_key_value().is_some_and(|(size, _)| *size <= index) {
            return Ok(());
        }
        // Whatever was under way when it was written had its leaves before it.
        self.unbegun = None;
        if self.found.cut.as_ref().is_none_or(|cut| cut.before <= before) {
            let (by, why) = (by.to_owned(), why.to_owned());
            self.found.cut = Some(Cut { before, leaf: index, at: entry.time, by, why });
        }
        Ok(())
    }

    /// Whether something that should stand before a leaf may have been pruned: of what it says, a later leaf then decides.
    fn may_be_pruned(&mut self, missing: VerifyError) -> Result<(), VerifyError> {
        match self.found.pruned {
            0 => Err(missing),
            _ => {
                self.unbegun.get_or_insert(missing);
                Ok(())
            }
        }
    }

    /// What the log holds, once its root is the expected one.
    ///
    /// # Errors
    /// When it is longer, shorter or other than expected.
    pub fn finish(mut self, expected: LogHead) -> Result<Verified, VerifyError> {
        let found = self.frontier.size();
        let longest = self.heads.keys().next_back().copied().unwrap_or(0).max(expected.size);
        if found != expected.size || found < longest {
            return Err(VerifyError::Size { expected: longest, found });
        }
        self.expect(expected);
        self.root(found)?;
        let explained = self.found.cut.as_ref().map_or(0, |cut| cut.before);
        if let Some(index) = self.emptied.filter(|index| *index >= explained) {
            return Err(VerifyError::Emptied { index });
        }
        if let Some(missing) = self.unbegun.take() {
            return Err(missing);
        }
        if let Some(index) = self.unexplained.pop_first() {
            return Err(VerifyError::Removed { index });
        }
        self.found.head = self.frontier.head();
        Ok(self.found)
    }

    fn expect(&mut self, head: LogHead) {
        self.heads.entry(head.size).or_default().insert(head.root);
    }

    fn root(&self, size: u64) -> Result<(), VerifyError> {
        let Some(expected) = self.heads.get(&size) else { return Ok(()) };
        let found = self.frontier.root();
        match expected.iter().find(|expected| **expected != found) {
            Some(expected) => Err(VerifyError::Root { size, expected: *expected, found }),
            None => Ok(()),
        }
    }

    fn place(&mut self, index: u64, entry: &LogEntry) -> Result<(), VerifyError> {
        let misplaced = |problem| Err(VerifyError::Misplaced { index, problem });
        if entry.index != index {
            return misplaced(format!("it says that it is leaf {}", entry.index));
        }
        let (tenant, epoch) = self.last.get_or_insert_with(|| (entry.tenant.clone(), entry.epoch));
        if *tenant != entry.tenant {
            return misplaced(format!("it is of tenant `{}`, the log is of `{tenant}`", entry.tenant));
        }
        if *epoch > entry.epoch {
            return misplaced(format!("it has epoch {} after {epoch}", entry.epoch));
        }
        *epoch = entry.epoch;
        *self.found.by_kind.entry(entry.says.kind()).or_default() += 1;
        Ok(())
    }

    /// An intent before each effect, an effect before each confirmation, and what one change left is what the next found.
    fn order(&mut self, index: u64, says: &Statement, case: Option<KeyHash>, states: &States) -> Result<(), VerifyError> {
        match says {
            Statement::Intent { change, .. } => {
                let left = case.and_then(|case| self.cases.get(&case));
                if let (Some(left), Some(found)) = (left, states.before)
                    && *left != found
                {
                    self.found.foreign += 1;
                }
                let progress = Progress { settled: false, case, after: states.after };
                self.changes.insert(*change, progress);
            }
            Statement::Outcome { change, outcome, .. } | Statement::Recovered { change, outcome, .. } => {
                // A read before the first attempt may show that there is nothing to do.
                if matches!(outcome, Outcome::Observed | Outcome::Stale { .. }) {
                    self.changes.entry(*change).or_default();
                }
                if !self.changes.contains_key(change) {
                    self.may_be_pruned(VerifyError::Order { index, change: *change, missing: "an intent" })?;
                }
                let progress = self.changes.entry(*change).or_default();
                progress.settled = matches!(outcome, Outcome::Acked | Outcome::Observed);
                if let (false, Some(case)) = (progress.settled, progress.case) {
                    self.cases.remove(&case);
                }
            }
            Statement::Confirmed { change, .. } => {
                let missing = VerifyError::Order { index, change: *change, missing: "an effect" };
                let progress = match self.changes.remove(change) {
                    Some(progress) if progress.settled => progress,
                    Some(_) => return Err(missing),
                    None => self.may_be_pruned(missing).map(|()| Progress::default())?,
                };
                match (progress.case, states.found.or(progress.after)) {
                    (Some(case), Some(left)) => _ = self.cases.insert(case, left),
                    (Some(case), None) => _ = self.cases.remove(&case),
                    (None, _) => {}
                }
            }
            Statement::Superseded { change, .. } | Statement::Ended { change, .. } => {
                if let Some(case) = self.changes.remove(change).and_then(|progress| progress.case) {
                    self.cases.remove(&case);
                }
            }
            Statement::Redaction { leaf, .. } => _ = self.unexplained.remove(&leaf.0),
            Statement::KeyRotation { note } => {
                let rotation = Rotation::open(note).map_err(|source| VerifyError::Rotation { index, source })?;
                self.found.rotations.push(rotation);
            }
            _ => {}
        }
        Ok(())
    }
}
