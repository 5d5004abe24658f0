//! Links of the whole estate as they look from a part of its facts, which has a dictionary of its own. Owns the translation:
//! texts are what both dictionaries have in common.

use std::collections::{HashMap, HashSet};

use super::Links;
use crate::discover::Snapshot;
use crate::model::{Fact, Sym, Symbols};

impl Links {
    /// The links of a part, whose facts were linked with all others. `whole` holds the names of all facts, with the people and
    /// the catalogue: the part gets those of them that it can meet. `named` are texts that somebody asks for besides, such as
    /// a denial's: another spelling of what the part holds.
    #[must_use]
    pub fn local<'t>(&self, whole: &Snapshot, part: &mut Snapshot, named: impl Iterator<Item = &'t str>) -> Links {
        for text in named.filter(|text| whole.symbols.find(text).is_some()) {
            part.symbols.intern(text);
        }
        let mut names = Names { whole: &whole.symbols, of: Vec::new() };
        let linked = self.linked(&mut names, part);
        self.attend(&mut names, whole, part);
        let (holder, object) = self.forms(&mut names, &mut part.symbols);
        let mut links = Links { holder, object, identity: HashMap::new(), disputed: HashSet::new() };
        for (fact, identity) in linked {
            links.identity.insert((fact.target, links.holder(fact.holder)), identity);
        }
        if !self.disputed.is_empty() {
            links.disputed = self.disputes(&names, part, &links);
        }
        links
    }

    /// Facts whose account a source links to an identity, with the identity's name.
    fn linked(&self, names: &mut Names<'_>, part: &mut Snapshot) -> Vec<(Fact, Sym)> {
        let Snapshot { symbols, desired, observed, .. } = part;
        let mut linked = Vec::new();
        if !self.identity.is_empty() {
            names.meet(symbols);
            let mut met = HashSet::new();
            for fact in desired.iter().chain(observed.iter()).filter(|fact| met.insert((fact.target, fact.holder))) {
                let (Some(target), Some(holder)) = (names.get(fact.target), names.get(fact.holder)) else { continue };
                if let Some(&identity) = self.identity.get(&(target, self.holder(holder))) {
                    linked.push((*fact, symbols.intern(names.whole.text(identity))));
                }
            }
        }
        linked
    }

    /// Gives the part the people and catalogue rows that its texts name, in whatever spelling.
    fn attend(&self, names: &mut Names<'_>, whole: &Snapshot, part: &mut Snapshot) {
        if whole.people.is_empty() && whole.entitlements.is_empty() {
            return;
        }
        names.meet(&part.symbols);
        let mut known = vec![false; whole.symbols.len()];
        for sym in names.of.iter().copied().flatten() {
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
    fn forms(&self, names: &mut Names<'_>, symbols: &mut Symbols) -> (Vec<Sym>, Vec<Sym>) {
        let (mut holder, mut object) = (Vec::with_capacity(symbols.len()), Vec::with_capacity(symbols.len()));
        let mut at = 0;
        while at < symbols.len() {
            names.meet(symbols);
            let own = Sym(at as u32);
            let mut form = |of: fn(&Links, Sym) -> Sym| match names.get(own) {
                Some(sym) if of(self, sym) != sym => symbols.intern(names.whole.text(of(self, sym))),
                _ => own,
            };
            holder.push(form(Links::holder));
            object.push(form(Links::object));
            at += 1;
        }
        (holder, object)
    }

    fn disputes(&self, names: &Names<'_>, part: &Snapshot, links: &Links) -> HashSet<(Sym, Sym)> {
        let mut disputes = HashSet::new();
        for fact in part.desired.iter().chain(&part.observed) {
            let Some(target) = names.get(fact.target) else { continue };
            let holder = names.get(fact.holder).map(|sym| self.holder(sym));
            if holder.is_some_and(|holder| self.disputed.contains(&(target, holder))) {
                disputes.insert((fact.target, links.holder(fact.holder)));
            }
            let object = names.get(fact.object).map(|sym| self.object(sym));
            if object.is_some_and(|object| self.disputed.contains(&(target, object))) {
                disputes.insert((fact.target, links.object(fact.object)));
            }
        }
        disputes
    }
}

/// For each text of a part, its number among the names of the whole estate.
struct Names<'a> {
    whole: &'a Symbols,
    of: Vec<Option<Sym>>,
}

impl Names<'_> {
    /// Looks up the texts that came since.
    fn meet(&mut self, symbols: &Symbols) {
        for at in self.of.len()..symbols.len() {
            self.of.push(self.whole.find(symbols.text(Sym(at as u32))));
        }
    }

    fn get(&self, sym: Sym) -> Option<Sym> {
        self.of.get(sym.0 as usize).copied().flatten()
    }
}
