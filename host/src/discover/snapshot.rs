//! The noun of discovery: everything that was read, and how far it can be trusted.

use serde::{Deserialize, Serialize};

use crate::model::{Entitlement, Fact, Person, Symbols, Time};

/// Which side a scan speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScanSide {
    /// What should be.
    Desired,
    /// What is.
    Observed,
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

/// One scan: one source or target, for one target's rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// The source's or target's name.
    pub source: String,
    /// Which side.
    pub side: ScanSide,
    /// The target whose rows these are.
    pub target: String,
    /// When it was read.
    pub read_at: Time,
    /// How many rows.
    pub rows: u64,
    /// How far to trust it.
    pub completeness: Completeness,
    /// Digest of the sorted canonical rows: what a release of a shrunk scan binds to.
    pub digest: crate::model::Digest,
}

/// All that discovery read, over one dictionary. Desired and observed rows are in no particular order.
#[derive(Default)]
pub struct Snapshot {
    /// The dictionary.
    pub symbols: Symbols,
    /// What sources say should be.
    pub desired: Vec<Fact>,
    /// What targets hold.
    pub observed: Vec<Fact>,
    /// Identities.
    pub people: Vec<Person>,
    /// Catalogue rows.
    pub entitlements: Vec<Entitlement>,
    /// One entry for each (source, target) and each target, sorted by side, source and target.
    pub scans: Vec<Scan>,
}
