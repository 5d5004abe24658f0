//! A page: rows of one source with their own dictionary. Owns the convenient way to build rows.

use crate::model::{Entitlement, Fact, Person, Symbols};

/// Where the next page begins: opaque to everyone but the source that made it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cursor(pub String);

/// Rows of one source, in the source's order, over a dictionary of their own.
#[derive(Default)]
pub struct Page {
    /// The texts that the rows refer to.
    pub symbols: Symbols,
    /// Accounts, grants and credentials.
    pub facts: Vec<Fact>,
    /// Identities.
    pub people: Vec<Person>,
    /// Catalogue rows.
    pub entitlements: Vec<Entitlement>,
    /// Where the next page begins; none after the last.
    pub next: Option<Cursor>,
    /// On the last page: what the source says of the whole scan. `None`: the source cannot say, the shrink gate decides.
    pub total: Option<u64>,
    /// On the last page: why the source itself knows that the scan is not whole. Its rows still count as present.
    pub incomplete: Option<String>,
}

impl Page {
    /// How many rows of all kinds.
    #[must_use]
    pub fn rows(&self) -> u64 {
        (self.facts.len() + self.people.len() + self.entitlements.len()) as u64
    }
}
