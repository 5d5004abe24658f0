//! Links of the whole estate as they look from a part of its facts, which has a dictionary of its own. Owns the translation:
//! texts are what both dictionaries have in common.

use std::collections::{HashMap, HashSet};

use super::Links;
use crate::discover::Snapshot;
use crate::model::{Fact, Sym, Symbols};

impl Links {
    /// The links of a part, whose facts were linked with all others, and the spellings that are written. `whole` holds the names
    /// of all facts, with the people and the catalogue: the part gets those of them that it can meet. `named` are texts that
    /// somebody asks for besides, such as a denial's: another spelling of what the part holds.
    #[must_use]
    pub fn local<'t>(&self, whole: &Snapshot, part: &mut Snapshot, named: impl Iterator<Item = &'t str>) -> Links {
        for text in named.filter(|text| whole.symbols.find(text).is_some()) {
            part.symbols.intern(text);
        }
        let mut numbers = Numbers::new(&whole.symbols);
        self.spell_all(&mut numbers, part);
        let linked = self.linked(&mut numbers, part);
        self.attend(&mut numbers, whole, part);
        let mut links = Links::default();
        if !(self.holder.is_empty() && self.object.is_empty()) {
            (links.holder, links.object) = self.forms(&mut numbers, &mut part.symbols);
        }
        for (fact, identity) in linked {
            links.identity.insert((fact.target, links.holder(fact.holder)), identity);
        }
        if !self.disputed.is_empty() {
            links.disputed = self.disputes(&mut numbers, part, &links);
        }
        links
    }

    /// Gives desired facts the spelling that is written.
    fn spell_all(&self, numbers: &mut Numbers<'_>, part: &mut Snapshot) {
        if self.spelling.iter().all(HashMap::is_empty) {
            return;
        }
        let Snapshot { symbols, desired, .. } = part;
        for fact in desired {
            let before = numbers.named(symbols, fact);
            let mut after = before;
            self.spell(&mut after);
            if after.holder != before.holder {
                fact.holder = symbols.intern(numbers.whole.text(after.holder));
            }
            if after.object != before.object {
                fact.object = symbols.intern(numbers.whole.text(after.object));
            }
        }
    }

    /// Facts whose account a source links to an identity, with the identity's name.
    fn linked(&self, numbers: &mut Numbers<'_>, part: &mut Snapshot) -> Vec<(Fact, Sym)> {
        let Snapshot { symbols, desired, observed, .. } = part;
        let mut linked = Vec::new();
        if !self.identity.is_empty() {
            let mut met = HashSet::new();
            for fact in desired.iter().chain(observed.iter()).filter(|fact| met.insert((fact.target, fact.holder))) {
                let named = numbers.named(symbols, fact);
                if let Some(&identity) = self.identity.get(&(named.target, self.holder(named.holder))) {
                    linked.push((*fact, symbols.intern(numbers.whole.text(identity))));
                }
            }
        }
        linked
    }

    /// Gives the part the people and catalogue rows that its texts name, in whatever spelling.
    fn attend(&self, numbers: &mut Numbers<'_>, whole: &Snapshot, part: &mut Snapshot) {
        if whole.people.is_empty() && whole.entitlements.is_empty() {
            return;
        }
        let mut known = vec![false; whole.symbols.len()];
        for at in 0..part.symbols.len() {
            let Some(sym) = numbers.get(&part.symbols, Sym(at as u32)) else { continue };
            for form in [sym, self.holder(sym), self.object(sym)] {
                if let Some(known) = known.get_mut(form.0 as usize) {
                    *known = true;
                }
            }
        }
        let is_known = |sym: Sym| known.get(sym.0 as usize).copied().unwrap_or_default();
        let symbols = &mut part.symbols;
        let mut here = |sym: Sym| symbols.intern(whole.symbols.text(sym));
        for person in &whole.people {
            if is_known(person.identity) || is_known(self.holder(person.identity)) {
                let mut person = *person;
                [person.identity, person.owner, person.unit] = [person.identity, person.owner, person.unit].map(&mut here);
                part.people.push(person);
            }
        }
        for row in &whole.entitlements {
            if is_known(self.object(row.object)) {
                let mut row = *row;
                [row.target, row.object] = [row.target, row.object].map(&mut here);
                [row.exclusion, row.owner, row.parent] = [row.exclusion, row.owner, row.parent].map(&mut here);
                part.entitlements.push(row);
            }
        }
    }

    /// For each text of the part, the forms in which it compares as a holder and as an object. Forms are texts of the part too.
    fn forms(&self, numbers: &mut Numbers<'_>, symbols: &mut Symbols) -> (Vec<Sym>, Vec<Sym>) {
        let (mut holder, mut object) = (Vec::with_capacity(symbols.len()), Vec::with_capacity(symbols.len()));
        let mut at = 0;
        while at < symbols.len() {
            let own = Sym(at as u32);
            let number = numbers.get(symbols, own);
            let mut form = |of: fn(&Links, Sym) -> Sym| match number {
                Some(sym) if of(self, sym) != sym => symbols.intern(numbers.whole.text(of(self, sym))),
                _ => own,
            };
            holder.push(form(Links::holder));
            object.push(form(Links::object));
            at += 1;
        }
        (holder, object)
    }

    fn disputes(&self, numbers: &mut Numbers<'_>, part: &Snapshot, links: &Links) -> HashSet<(Sym, Sym)> {
        let mut disputes = HashSet::new();
        for fact in part.desired.iter().chain(&part.observed) {
            let named = numbers.named(&part.symbols, fact);
            if self.disputed.contains(&(named.target, self.holder(named.holder))) {
                disputes.insert((fact.target, links.holder(fact.holder)));
            }
            if self.disputed.contains(&(named.target, self.object(named.object))) {
                disputes.insert((fact.target, links.object(fact.object)));
            }
        }
        disputes
    }
}

/// For texts of one dictionary, their numbers in that of the whole estate: looked up when asked for, once.
pub struct Numbers<'a> {
    whole: &'a Symbols,
    of: Vec<Option<Sym>>,
}

impl<'a> Numbers<'a> {
    /// None is looked up yet.
    #[must_use]
    pub const fn new(whole: &'a Symbols) -> Self {
        Numbers { whole, of: Vec::new() }
    }

    /// The fact as the whole estate names it: target, holder and object.
    pub fn named(&mut self, symbols: &Symbols, fact: &Fact) -> Fact {
        let [target, holder, object] =
            [fact.target, fact.holder, fact.object].map(|sym| self.get(symbols, sym).unwrap_or(NOBODY));
        Fact::new(fact.subject, target, holder, object)
    }

    fn get(&mut self, symbols: &Symbols, sym: Sym) -> Option<Sym> {
        let at = sym.0 as usize;
        if self.of.len() <= at {
            self.of.resize(symbols.len().max(at + 1), None);
        }
        let slot = self.of.get_mut(at)?;
        if slot.is_none() {
            *slot = Some(self.whole.find(symbols.text(sym)).unwrap_or(NOBODY));
        }
        slot.filter(|number| *number != NOBODY)
    }
}

/// The number of no text.
const NOBODY: Sym = Sym(u32::MAX);
