//! Verification of a whole log: every leaf, every commitment, the order of what was done, and the root. Owns the
//! judgement; reads no store.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::examined::{Examined, States, examine};
use super::{Frontier, LeafError, LogEntry, LogHead, NoteError, Rotation, Statement};
use crate::commit::Outcome;
use crate::ledger::{LeafKind, StoredLeaf};
use crate::model::{ChangeId, Digest, KeyHash};

/// What a verified log holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// Size and root.
    pub head: LogHead,
    /// Leaves per kind.
    pub by_kind: BTreeMap<LeafKind, u64>,
    /// States that were redacted: their commitments stand, but nobody can open them.
    pub redacted: u64,
    /// Intents whose state before is not what the last confirmed change of the same case left behind: somebody else
    /// changed it in between.
    pub foreign: u64,
    /// Keys that took over from others, in order. Each was signed for by the key before.
    pub rotations: Vec<Rotation>,
}

/// Why a log is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// A leaf is missing or stands twice.
    #[error("leaf {expected} is missing; leaf {found} stands in its place")]
    Gap {
        /// The index that comes next.
        expected: u64,
        /// The index that came.
        found: u64,
    },
    /// A leaf does not have the hash that was stored with it.
    #[error("leaf {index} was altered: its bytes do not have the hash that was stored with them")]
    Altered {
        /// Its index.
        index: u64,
    },
    /// A leaf's bytes are no leaf.
    #[error("leaf {index} was altered or not written by trueup")]
    Leaf {
        /// Its index.
        index: u64,
        /// What is wrong with it.
        source: LeafError,
    },
    /// A leaf contradicts its place: index, tenant, or an epoch below that of the leaf before.
    #[error("leaf {index} does not belong there: {problem}")]
    Misplaced {
        /// Its index.
        index: u64,
        /// What contradicts what.
        problem: String,
    },
    /// A body is not what the leaf commits to.
    #[error("the state `{field}` beside leaf {index} {problem}")]
    Body {
        /// The leaf's index.
        index: u64,
        /// The field.
        field: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// States are gone, and no later leaf says that they were redacted.
    #[error("states beside leaf {index} were removed, and no leaf says so")]
    Removed {
        /// The leaf's index.
        index: u64,
    },
    /// An effect without an intent before it, or a confirmation without an effect.
    #[error("leaf {index} speaks of change {change} without {missing} before it")]
    Order {
        /// The leaf's index.
        index: u64,
        /// The change.
        change: ChangeId,
        /// What should stand before.
        missing: &'static str,
    },
    /// A key took over without the former one's word.
    #[error("leaf {index} names a key that the one before did not sign for")]
    Rotation {
        /// The leaf's index.
        index: u64,
        /// What is wrong with its note.
        source: NoteError,
    },
    /// The leaves do not have the expected root.
    #[error("the first {size} leaves have the root {found}, not {expected}: some of them were altered")]
    Root {
        /// How many leaves.
        size: u64,
        /// The root that was expected.
        expected: Digest,
        /// The root that they have.
        found: Digest,
    },
    /// The log is shorter or longer than expected.
    #[error("the log has {found} leaves, not {expected}")]
    Size {
        /// How many were expected.
        expected: u64,
        /// How many there are.
        found: u64,
    },
}

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

    /// Takes the next leaf, and gives what it says. That stands only once [`Verifier::finish`] has found the whole log sound.
    ///
    /// # Errors
    /// When it is not as it was written.
    pub fn read(&mut self, leaf: &StoredLeaf) -> Result<LogEntry, VerifyError> {
        self.take(leaf, examine(leaf))
    }

    /// Takes the next leaf, which was looked at before.
    pub(super) fn take(&mut self, leaf: &StoredLeaf, examined: Result<Examined, VerifyError>) -> Result<LogEntry, VerifyError> {
        let index = leaf.index;
        if index != self.frontier.size() {
            return Err(VerifyError::Gap { expected: self.frontier.size(), found: index });
        }
        let Examined { entry, case, states } = examined?;
        self.place(index, &entry)?;
        let states = states?;
        if states.redacted > 0 {
            self.found.redacted += states.redacted;
            self.unexplained.insert(index);
        }
        self.order(index, &entry.says, case, &states)?;
        self.frontier.append(leaf.hash);
        self.root(self.frontier.size())?;
        Ok(entry)
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
                let missing = VerifyError::Order { index, change: *change, missing: "an intent" };
                let progress = self.changes.get_mut(change).ok_or(missing)?;
                progress.settled = matches!(outcome, Outcome::Acked | Outcome::Observed);
                if let (false, Some(case)) = (progress.settled, progress.case) {
                    self.cases.remove(&case);
                }
            }
            Statement::Confirmed { change, .. } => {
                let missing = VerifyError::Order { index, change: *change, missing: "an effect" };
                let progress = self.changes.remove(change).filter(|progress| progress.settled).ok_or(missing)?;
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
