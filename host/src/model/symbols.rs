//! A dictionary of texts: facts hold four-byte numbers instead of strings. Owns interning only.

use std::fmt;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::Head;

/// Number of a text in one [`Symbols`]. Zero is the empty text. Numbers depend on the order of arrival, so nothing
/// that is stored, hashed or compared may depend on them: compare the texts, or their [`Symbols::ranks`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Sym(pub u32);

impl Sym {
    /// The empty text.
    pub const EMPTY: Sym = Sym(0);

    /// Whether this is the empty text.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Debug for Sym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sym({})", self.0)
    }
}

/// The dictionary of one run.
pub struct Symbols {
    heap: String,
    ends: Vec<usize>,
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Default for Symbols {
    fn default() -> Self {
        let mut symbols =
            Symbols { heap: String::new(), ends: Vec::new(), table: HashTable::new(), hasher: DefaultHashBuilder::default() };
        symbols.intern("");
        symbols
    }
}

impl Symbols {
    /// Makes room for this many more texts.
    pub fn reserve(&mut self, texts: usize) {
        let Symbols { heap, ends, table, hasher } = self;
        ends.reserve(texts);
        table.reserve(texts, |&id| hasher.hash_one(slice(heap, ends, id)));
    }

    /// The number of this text, which is added when it is new.
    pub fn intern(&mut self, text: &str) -> Sym {
        let Symbols { heap, ends, table, hasher } = self;
        let hash = hasher.hash_one(text);
        if let Some(&id) = table.find(hash, |&id| slice(heap, ends, id) == text) {
            return Sym(id);
        }
        let id = u32::try_from(ends.len()).unwrap_or(u32::MAX);
        heap.push_str(text);
        ends.push(heap.len());
        table.insert_unique(hash, id, |&id| hasher.hash_one(slice(heap, ends, id)));
        Sym(id)
    }

    /// The number of this text, if it is here.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Sym> {
        let hash = self.hasher.hash_one(text);
        self.table.find(hash, |&id| self.text(Sym(id)) == text).map(|&id| Sym(id))
    }

    /// The text of this number; empty for a number of another dictionary.
    #[must_use]
    pub fn text(&self, sym: Sym) -> &str {
        slice(&self.heap, &self.ends, sym.0)
    }

    /// How many texts there are, the empty one included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Never: the empty text is always here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// All texts in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (Sym, &str)> {
        (0..self.ends.len()).map(|i| {
            let sym = Sym(i as u32);
            (sym, self.text(sym))
        })
    }

    /// For each number, the rank of its text in byte order: what sorting compares. Cheapest for a dictionary that was filled
    /// in sorted order.
    #[must_use]
    pub fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<(Head, Sym)> = self.iter().map(|(sym, text)| (Head::new(text), sym)).collect();
        order.sort_by(|a, b| a.0.compare(&b.0, || (self.text(a.1), self.text(b.1))));
        let mut ranks = vec![0; order.len()];
        for (rank, (_, sym)) in (0u32..).zip(order) {
            if let Some(slot) = ranks.get_mut(sym.0 as usize) {
                *slot = rank;
            }
        }
        ranks
    }

    /// Takes in another dictionary: for each of its numbers, the number here.
    pub fn absorb(&mut self, other: &Symbols) -> Vec<Sym> {
        other.iter().map(|(_, text)| self.intern(text)).collect()
    }
}

fn slice<'a>(heap: &'a str, ends: &[usize], id: u32) -> &'a str {
    let id = id as usize;
    let start = if id == 0 { 0 } else { ends.get(id - 1).copied().unwrap_or(0) };
    ends.get(id).and_then(|&end| heap.get(start..end)).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::{Sym, Symbols};

    #[test]
    fn same_text_same_number() {
        let mut symbols = Symbols::default();
        let (b, a) = (symbols.intern("b"), symbols.intern("a"));
        assert_eq!((symbols.intern("b"), symbols.intern("")), (b, Sym::EMPTY));
        assert_eq!((symbols.text(a), symbols.text(Sym(99)), symbols.find("c")), ("a", "", None));
        assert_eq!(symbols.ranks(), vec![0, 2, 1]);
    }
}
