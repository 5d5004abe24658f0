//! The noun of linking, and the stage. Owns who belongs together and which native id a spelling stands for.

use std::collections::{HashMap, HashSet};

use super::canon::canonical;
use crate::discover::Snapshot;
use crate::limits::FIELD_BYTES;
use crate::model::{Fact, Sym, Symbols};

/// How every text of a snapshot is compared. Filled once per run: by the rule's `canon`, or the identity.
pub struct Links {
    /// For each symbol used as a holder or identity: the symbol it compares as.
    pub holder: Vec<Sym>,
    /// For each symbol used as an object: the symbol it compares as.
    pub object: Vec<Sym>,
    /// (target, canonical holder) → identity, where a source links them; else the canonical holder is the identity.
    pub identity: HashMap<(Sym, Sym), Sym>,
    /// (target, canonical holder or object) of which the target holds more than one native id, or that sources link to
    /// more than one identity: held, never written.
    pub disputed: HashSet<(Sym, Sym)>,
}

impl Links {
    /// The symbol that a holder or identity compares as.
    #[must_use]
    pub fn holder(&self, sym: Sym) -> Sym {
        self.holder.get(sym.0 as usize).copied().unwrap_or(sym)
    }

    /// The symbol that an object compares as.
    #[must_use]
    pub fn object(&self, sym: Sym) -> Sym {
        self.object.get(sym.0 as usize).copied().unwrap_or(sym)
    }

    /// The identity that a fact belongs to.
    #[must_use]
    pub fn identity(&self, fact: &Fact) -> Sym {
        let holder = self.holder(fact.holder);
        if self.identity.is_empty() {
            return holder;
        }
        self.identity.get(&(fact.target, holder)).copied().unwrap_or(holder)
    }

    /// Whether nobody can tell which account or object a fact is about.
    #[must_use]
    pub fn is_disputed(&self, fact: &Fact) -> bool {
        !self.disputed.is_empty()
            && (self.disputed.contains(&(fact.target, self.holder(fact.holder)))
                || self.disputed.contains(&(fact.target, self.object(fact.object))))
    }
}

/// The rule's canonical forms: for a kind (0 holder, 1 object) and sorted distinct keys, one answer per key.
pub type Canon<'a, E> = dyn FnMut(u8, &[&str]) -> Result<Vec<String>, E> + 'a;

/// Why links cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum LinkError<E> {
    /// The rule failed.
    #[error(transparent)]
    Canon(E),
    /// The rule did not answer each key.
    #[error("the rule gave {got} canonical forms for {asked} keys; it must give one for each")]
    Count {
        /// Keys.
        asked: usize,
        /// Answers.
        got: usize,
    },
    /// An answer is empty or too long.
    #[error("the rule's canonical form of `{key}` has {bytes} bytes; it must have 1 to {FIELD_BYTES}")]
    Length {
        /// The key.
        key: String,
        /// Length of the answer.
        bytes: usize,
    },
    /// The canonical form of a canonical form is another one.
    #[error("the rule's canonical form of `{key}` is `{once}`, but that of `{once}` is `{twice}`; it must be itself")]
    Unstable {
        /// The key.
        key: String,
        /// Its canonical form.
        once: String,
        /// The canonical form of that.
        twice: String,
    },
}

/// Decides how keys compare and who belongs to one identity. Interns canonical forms in the snapshot's dictionary, and
/// gives desired rows the spelling that would be written: the target's own where it has one, else the byte-smallest that
/// a source uses. `canon`: none compares keys as they are.
///
/// # Errors
/// When the rule fails or breaks its promises.
pub fn link<E>(snapshot: &mut Snapshot, mut canon: Option<&mut Canon<'_, E>>) -> Result<Links, LinkError<E>> {
    let asked = canon.is_some();
    let (holders, objects) = (holders(snapshot), objects(snapshot));
    let holder = canonical(&mut snapshot.symbols, 0, holders, canon.as_deref_mut())?;
    let object = canonical(&mut snapshot.symbols, 1, objects, canon)?;
    let mut links = Links { holder, object, identity: HashMap::new(), disputed: HashSet::new() };
    explicit(snapshot, &mut links);
    if asked {
        spell(snapshot, &mut links, Kind::Holder);
        spell(snapshot, &mut links, Kind::Object);
    }
    Ok(links)
}

/// What sources link; two different identities of one account are a dispute.
fn explicit(snapshot: &Snapshot, links: &mut Links) {
    for fact in snapshot.desired.iter().chain(&snapshot.observed).filter(|fact| !fact.identity.is_empty()) {
        let (key, identity) = ((fact.target, links.holder(fact.holder)), links.holder(fact.identity));
        if *links.identity.entry(key).or_insert(identity) != identity {
            links.disputed.insert(key);
        }
    }
    // Of disputed links none may win by arrival: such an account stands for itself.
    let Links { identity, disputed, .. } = links;
    identity.retain(|key, _| !disputed.contains(key));
}

fn holders(snapshot: &Snapshot) -> Vec<Sym> {
    let facts = snapshot.desired.iter().chain(&snapshot.observed);
    let of_facts = facts.flat_map(|fact| [fact.holder, fact.identity]);
    distinct(&snapshot.symbols, of_facts.chain(snapshot.people.iter().map(|person| person.identity)))
}

fn objects(snapshot: &Snapshot) -> Vec<Sym> {
    let facts = snapshot.desired.iter().chain(&snapshot.observed);
    let of_facts = facts.flat_map(|fact| [fact.object, fact.replaces]);
    distinct(&snapshot.symbols, of_facts.chain(snapshot.entitlements.iter().map(|row| row.object)))
}

/// Each text once, without the empty one, in the order of the dictionary.
fn distinct(symbols: &Symbols, all: impl Iterator<Item = Sym>) -> Vec<Sym> {
    let mut used = vec![false; symbols.len()];
    for sym in all {
        if let Some(used) = used.get_mut(sym.0 as usize) {
            *used = true;
        }
    }
    (0u32..).zip(used).skip(1).filter(|(_, used)| *used).map(|(number, _)| Sym(number)).collect()
}

#[derive(Clone, Copy)]
enum Kind {
    Holder,
    Object,
}

impl Kind {
    fn of(self, fact: &Fact) -> Sym {
        match self {
            Self::Holder => fact.holder,
            Self::Object => fact.object,
        }
    }

    fn canon(self, links: &Links, sym: Sym) -> Sym {
        match self {
            Self::Holder => links.holder(sym),
            Self::Object => links.object(sym),
        }
    }
}

/// Finds disputes, and gives desired rows the spelling that is written.
fn spell(snapshot: &mut Snapshot, links: &mut Links, kind: Kind) {
    let Snapshot { symbols, desired, observed, .. } = snapshot;
    let shared = shared(symbols.len(), desired.iter().chain(observed.iter()).map(|fact| kind.of(fact)), links, kind);
    let is_shared = |canon: Sym| shared.get(canon.0 as usize) == Some(&Class::Many);
    let mut spelling: HashMap<(Sym, Sym), Sym> = HashMap::new();
    for fact in observed.iter() {
        let (native, canon) = (kind.of(fact), kind.canon(links, kind.of(fact)));
        if is_shared(canon) && *spelling.entry((fact.target, canon)).or_insert(native) != native {
            links.disputed.insert((fact.target, canon));
        }
    }
    let mut smallest: HashMap<(Sym, Sym), Sym> = HashMap::new();
    for fact in desired.iter() {
        let (native, canon) = (kind.of(fact), kind.canon(links, kind.of(fact)));
        if is_shared(canon) && !spelling.contains_key(&(fact.target, canon)) {
            let slot = smallest.entry((fact.target, canon)).or_insert(native);
            *slot = if symbols.text(native) < symbols.text(*slot) { native } else { *slot };
        }
    }
    spelling.extend(smallest);
    for fact in desired.iter_mut() {
        let canon = kind.canon(links, kind.of(fact));
        if let Some(native) = is_shared(canon).then(|| spelling.get(&(fact.target, canon))).flatten() {
            match kind {
                Kind::Holder => fact.holder = *native,
                Kind::Object => fact.object = *native,
            }
        }
    }
}

/// How many spellings compare as one.
#[derive(Clone, Copy, PartialEq)]
enum Class {
    None,
    One(Sym),
    Many,
}

fn shared(texts: usize, natives: impl Iterator<Item = Sym>, links: &Links, kind: Kind) -> Vec<Class> {
    let mut classes = vec![Class::None; texts];
    for native in natives {
        if let Some(class) = classes.get_mut(kind.canon(links, native).0 as usize) {
            *class = match *class {
                Class::None => Class::One(native),
                Class::One(other) if other == native => Class::One(native),
                Class::One(_) | Class::Many => Class::Many,
            };
        }
    }
    classes
}
