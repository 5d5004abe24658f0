//! The noun of discovery: everything that was read, and how far it can be trusted.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{DiscoverError, rows};
use crate::model::{Digest, Encoder, Entitlement, Fact, Person, Subject, Symbols, Time};

/// Which side a scan speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScanSide {
    /// What should be.
    Desired,
    /// What is.
    Observed,
}

/// A set of subjects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Subjects(pub u8);

impl Subjects {
    /// None: the source states identities or the catalogue.
    pub const NONE: Subjects = Subjects(0);
    /// Accounts, grants and credentials.
    pub const ALL: Subjects = Subjects(7);
    /// Those of which the source turns out to hold rows: for a source that may hold anything, so that a list of grants
    /// and identities does not say that there are no accounts.
    pub const AS_FOUND: Subjects = Subjects(128);

    /// Only this one.
    #[must_use]
    pub const fn only(subject: Subject) -> Self {
        Subjects(1 << subject as u8)
    }

    /// With one more.
    #[must_use]
    pub const fn and(self, subject: Subject) -> Self {
        Subjects(self.0 | 1 << subject as u8)
    }

    /// Whether it is in the set.
    #[must_use]
    pub const fn has(self, subject: Subject) -> bool {
        self.0 >> (subject as u8) & 1 == 1
    }
}

/// Whether absence from a scan means absence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completeness {
    /// It does.
    Complete,
    /// It does not: the scan failed or its count is short.
    Incomplete {
        /// What happened.
        why: String,
    },
    /// The source was read too long ago.
    Stale,
    /// It lost more rows than it plausibly does; a release of this digest makes it complete.
    Shrunk {
        /// Rows of the last complete scan that are missing.
        lost: u64,
        /// Rows of the last complete scan.
        of: u64,
    },
}

impl Completeness {
    /// Its stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Incomplete { .. } => "incomplete",
            Self::Stale => "stale",
            Self::Shrunk { .. } => "shrunk",
        }
    }

    /// Zero when complete; else a number for the kind of gap.
    const fn code(&self) -> i64 {
        match self {
            Self::Complete => 0,
            Self::Incomplete { .. } => 1,
            Self::Stale => 2,
            Self::Shrunk { .. } => 3,
        }
    }
}

/// One scan: one source or target, for one target's rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// The source's or target's name.
    pub source: String,
    /// Which side.
    pub side: ScanSide,
    /// The target whose rows these are; empty for a source of identities or of the catalogue.
    pub target: String,
    /// The subjects that it speaks for: it says nothing of the absence of others.
    pub subjects: Subjects,
    /// When it was read.
    pub read_at: Time,
    /// How many rows.
    pub rows: u64,
    /// How far to trust it.
    pub completeness: Completeness,
    /// Digest of the sorted canonical rows: what a release of a shrunk scan binds to.
    pub digest: Digest,
}

/// All that discovery read, over one dictionary. Desired and observed rows are in no particular order. The dictionary
/// is filled in the byte order of its texts, so that it does not depend on who was read first.
#[derive(Default)]
pub struct Snapshot {
    /// The dictionary.
    pub symbols: Symbols,
    /// What sources say should be.
    pub desired: Vec<Fact>,
    /// What targets hold.
    pub observed: Vec<Fact>,
    /// Identities, each stated once; sorted.
    pub people: Vec<Person>,
    /// Catalogue rows, each stated once; sorted.
    pub entitlements: Vec<Entitlement>,
    /// Identities as sources state them, where some are stated more than once; else empty. The digest of all rows is over
    /// these.
    pub stated_people: Vec<Person>,
    /// The same of catalogue rows.
    pub stated_entitlements: Vec<Entitlement>,
    /// One entry for each (source, target) and each target, sorted by side, source and target.
    pub scans: Vec<Scan>,
    /// Digest of all rows as they were read, see [`Snapshot::facts_digest`].
    pub rows: Digest,
}

impl Snapshot {
    /// Holds each source to its word: it may repeat itself, but not say two different things of one key. `places` is what
    /// messages call the source of each scan.
    ///
    /// # Errors
    /// When a source contradicts itself.
    pub fn check(&self, places: &[String]) -> Result<(), DiscoverError> {
        rows::check(&self.desired, &self.symbols, places)
    }

    /// Digest of every distinct row and of which absences mean something. Equal for equal facts, however they are
    /// ordered or split over sources and files; names of sources and instants of reading do not enter.
    #[must_use]
    pub fn facts_digest(&self) -> Digest {
        let mut gaps: BTreeMap<(ScanSide, &str, u8), BTreeSet<i64>> = BTreeMap::new();
        for scan in &self.scans {
            let mut note = |subject| {
                gaps.entry((scan.side, scan.target.as_str(), subject)).or_default().insert(scan.completeness.code());
            };
            if scan.subjects == Subjects::NONE {
                note(u8::MAX);
            }
            for subject in [Subject::Account, Subject::Grant, Subject::Credential] {
                if scan.subjects.has(subject) {
                    note(subject as u8);
                }
            }
        }
        let mut encoder = Encoder::new("trueup.facts");
        encoder.bytes(&self.rows.0);
        for ((side, target, subject), codes) in gaps {
            encoder.number(i64::from(side == ScanSide::Observed)).text(target).number(i64::from(subject));
            encoder.number(codes.len() as i64);
            codes.into_iter().for_each(|code| {
                encoder.number(code);
            });
        }
        encoder.finish()
    }
}
