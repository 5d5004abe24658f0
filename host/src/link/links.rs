//! The noun of linking, and the stage. Owns who belongs together and which native id a spelling stands for.

use std::collections::{HashMap, HashSet};

use super::Spellings;
use super::canon::canonical;
use crate::discover::{Names, ScanSide, Snapshot};
use crate::limits::FIELD_BYTES;
use crate::model::{Fact, Sym};

/// How every text of a snapshot is compared. Filled once per run: by the rule's `canon`, or the identity.
#[derive(Default)]
pub struct Links {
    /// For each symbol used as a holder or identity: the symbol it compares as. Empty: each as itself.
    pub holder: Vec<Sym>,
    /// For each symbol used as an object: the symbol it compares as. Empty: each as itself.
    pub object: Vec<Sym>,
    /// (target, canonical holder) → identity, where a source links them; else the canonical holder is the identity.
    pub identity: HashMap<(Sym, Sym), Sym>,
    /// (target, canonical holder or object) of which the target holds more than one native id, or that sources link to
    /// more than one identity: held, never written.
    pub disputed: HashSet<(Sym, Sym)>,
    /// (target, canonical holder) and (target, canonical object) → the spelling that is written, where there are several.
    pub spelling: [HashMap<(Sym, Sym), Sym>; 2],
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

    /// Gives a desired fact the spelling that is written.
    pub fn spell(&self, fact: &mut Fact) {
        let [holder, object] = &self.spelling;
        fact.holder = holder.get(&(fact.target, self.holder(fact.holder))).copied().unwrap_or(fact.holder);
        fact.object = object.get(&(fact.target, self.object(fact.object))).copied().unwrap_or(fact.object);
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
pub fn link<E>(snapshot: &mut Snapshot, canon: Option<&mut Canon<'_, E>>) -> Result<Links, LinkError<E>> {
    let names = Names::of(snapshot);
    let (mut links, spellings) = link_names(snapshot, names, canon)?;
    if let Some(mut spellings) = spellings {
        let Snapshot { symbols, desired, observed, .. } = snapshot;
        observed.iter().for_each(|fact| spellings.meet(&mut links, symbols, ScanSide::Observed, fact));
        desired.iter().for_each(|fact| spellings.meet(&mut links, symbols, ScanSide::Desired, fact));
        spellings.settle(&mut links);
        desired.iter_mut().for_each(|fact| links.spell(fact));
    }
    Ok(links)
}

/// The same for facts that are not at hand: `names` are theirs, over the dictionary of `snapshot`, which has the people and the
/// catalogue. Where several spellings compare as one, the facts must be shown to what is returned beside the links.
///
/// # Errors
/// As for [`link`].
pub fn link_names<E>(
    snapshot: &mut Snapshot,
    names: Names,
    mut canon: Option<&mut Canon<'_, E>>,
) -> Result<(Links, Option<Spellings>), LinkError<E>> {
    let mut links = Links::default();
    let mut spellings = None;
    if canon.is_some() {
        let of_people = snapshot.people.iter().map(|person| person.identity);
        let holders = distinct(names.used_as(Names::HOLDER | Names::IDENTITY).chain(of_people));
        let of_catalogue = snapshot.entitlements.iter().map(|row| row.object);
        let objects = distinct(names.used_as(Names::OBJECT | Names::REPLACED).chain(of_catalogue));
        links.holder = canonical(&mut snapshot.symbols, 0, holders, canon.as_deref_mut())?;
        links.object = canonical(&mut snapshot.symbols, 1, objects, canon)?;
        spellings = Spellings::of(&links, &names);
    }
    explicit(names, &mut links);
    Ok((links, spellings))
}

/// What sources link; two different identities of one account are a dispute.
fn explicit(names: Names, links: &mut Links) {
    let Names { mut accounts, mut conflicts, .. } = names;
    // Most compare as they are, and stay where they are.
    accounts.retain(|&(target, holder), identity| {
        let stays = links.holder(holder) == holder;
        if stays {
            *identity = links.holder(*identity);
        } else {
            conflicts.push(((target, holder), *identity));
        }
        stays
    });
    for ((target, holder), identity) in conflicts {
        let (key, identity) = ((target, links.holder(holder)), links.holder(identity));
        if *accounts.entry(key).or_insert(identity) != identity {
            links.disputed.insert(key);
        }
    }
    // Of disputed links none may win by arrival: such an account stands for itself.
    accounts.retain(|key, _| !links.disputed.contains(key));
    links.identity = accounts;
}

/// Each text once, without the empty one, in the order of the dictionary.
fn distinct(all: impl Iterator<Item = Sym>) -> Vec<Sym> {
    let mut all: Vec<Sym> = all.filter(|sym| !sym.is_empty()).collect();
    all.sort_unstable_by_key(|sym| sym.0);
    all.dedup();
    all
}
