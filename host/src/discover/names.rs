//! What linking must know of all facts: the texts that name holders and objects, and the identities that sources link accounts
//! to. Small beside the facts, which name the same people and objects over and over.

use std::collections::HashMap;

use super::Snapshot;
use crate::model::{Fact, Sym};

/// The names of an estate, over one dictionary.
#[derive(Clone, Default)]
pub struct Names {
    /// For each text what it is used as.
    uses: Vec<u8>,
    /// (target, holder) → identity, as a source links them.
    pub accounts: HashMap<(Sym, Sym), Sym>,
    /// Accounts that are linked to yet another identity.
    pub conflicts: Vec<((Sym, Sym), Sym)>,
    /// Whether some fact takes another one's place.
    pub replaces: bool,
}

impl Names {
    /// It is the native id of a holder.
    pub const HOLDER: u8 = 1;
    /// It is a native object.
    pub const OBJECT: u8 = 2;
    /// It names an identity.
    pub const IDENTITY: u8 = 4;
    /// It is an object whose place another takes.
    pub const REPLACED: u8 = 8;

    /// Those of all facts of a snapshot.
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut names = Names::default();
        snapshot.desired.iter().chain(&snapshot.observed).for_each(|fact| names.add(fact));
        names
    }

    /// Takes in what a fact names.
    pub fn add(&mut self, fact: &Fact) {
        self.mark(fact.holder, Self::HOLDER);
        self.mark(fact.object, Self::OBJECT);
        if !fact.replaces.is_empty() {
            self.mark(fact.replaces, Self::REPLACED);
            self.replaces = true;
        }
        if !fact.identity.is_empty() {
            self.mark(fact.identity, Self::IDENTITY);
            let account = (fact.target, fact.holder);
            if *self.accounts.entry(account).or_insert(fact.identity) != fact.identity {
                self.conflicts.push((account, fact.identity));
            }
        }
    }

    /// All texts that are used in one of these ways, in the order of the dictionary.
    pub fn used_as(&self, uses: u8) -> impl Iterator<Item = Sym> {
        (0u32..).zip(&self.uses).skip(1).filter(move |(_, marks)| **marks & uses != 0).map(|(number, _)| Sym(number))
    }

    fn mark(&mut self, sym: Sym, bit: u8) {
        let at = sym.0 as usize;
        if self.uses.len() <= at {
            self.uses.resize(at + 1, 0);
        }
        if let Some(marks) = self.uses.get_mut(at) {
            *marks |= bit;
        }
    }
}
