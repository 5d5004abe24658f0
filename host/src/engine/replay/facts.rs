//! Facts as recordings hold them: blocks of rows, column by column, and what is the same from row to row said once. Owns the form
//! of a block, and where one ends: where a row's own key says so, so that a row that comes or goes changes the block that it is in
//! and no other.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::rows::Text;
use crate::limits::{OBJECT_CUT, OBJECT_ROWS};
use crate::model::{Fact, FactFlags, Subject, Sym, Symbols, Time};

/// Facts of one scan and kind, but for when they were last used: that changes daily, and is kept beside. A column that says
/// nothing is not there.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FactBlock<'a> {
    scan: u16,
    subject: Subject,
    rows: usize,
    #[serde(borrow, default, skip_serializing_if = "Runs::is_blank")]
    target: Runs<'a>,
    #[serde(borrow, default, skip_serializing_if = "Runs::is_blank")]
    holder: Runs<'a>,
    #[serde(borrow, default, skip_serializing_if = "Runs::is_blank")]
    object: Runs<'a>,
    #[serde(borrow, default, skip_serializing_if = "Runs::is_blank")]
    level: Runs<'a>,
    #[serde(borrow, default, skip_serializing_if = "Runs::is_blank")]
    identity: Runs<'a>,
    #[serde(borrow, default, skip_serializing_if = "Runs::is_blank")]
    owner: Runs<'a>,
    #[serde(borrow, default, skip_serializing_if = "Runs::is_blank")]
    purpose: Runs<'a>,
    #[serde(borrow, default, skip_serializing_if = "Runs::is_blank")]
    record: Runs<'a>,
    #[serde(borrow, default, skip_serializing_if = "Runs::is_blank")]
    approver: Runs<'a>,
    #[serde(borrow, default, skip_serializing_if = "Runs::is_blank")]
    via: Runs<'a>,
    #[serde(borrow, default, skip_serializing_if = "Runs::is_blank")]
    replaces: Runs<'a>,
    #[serde(borrow, default, skip_serializing_if = "Runs::is_blank")]
    managed_by: Runs<'a>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    flags: Vec<u8>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    not_before: Vec<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    expires_at: Vec<i64>,
}

/// A column of texts, each with the number of rows in a row that have it. As JSON a list: a text, and behind it how many more rows
/// have it, where there are any.
#[derive(Default)]
struct Runs<'a>(Vec<(Text<'a>, usize)>);

/// Cuts facts, in their order, into blocks.
pub(super) fn blocks<'f>(facts: &'f [&'f Fact], symbols: &Symbols) -> Vec<&'f [&'f Fact]> {
    let mixed: Vec<u64> = symbols.iter().map(|(_, text)| mix(text.as_bytes())).collect();
    let of = |sym: Sym| mixed.get(sym.0 as usize).copied().unwrap_or_default();
    let ends = |fact: &Fact| (of(fact.holder).rotate_left(29) ^ of(fact.object)).wrapping_mul(ODD) >> 40 & OBJECT_CUT == 0;
    let is_with = |fact: &Fact, next: &Fact| (fact.scan, fact.subject) == (next.scan, next.subject) && !ends(fact);
    facts.chunk_by(|fact, next| is_with(fact, next)).flat_map(|block| block.chunks(OBJECT_ROWS)).collect()
}

/// Any odd number with many ones will do, as long as it never changes.
const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

/// A number that a text says.
fn mix(text: &[u8]) -> u64 {
    text.iter().fold(0, |sum: u64, byte| (sum.rotate_left(5) ^ u64::from(*byte)).wrapping_mul(ODD))
}

impl<'a> FactBlock<'a> {
    /// What these facts say; all are of the scan and kind of the first.
    pub(super) fn of(facts: &[&Fact], symbols: &'a Symbols) -> Self {
        let (scan, subject) = facts.first().map_or((0, Subject::Account), |fact| (fact.scan, fact.subject));
        let texts = |of: fn(&Fact) -> Sym| Runs::of(facts, symbols, of);
        let instants = |of: fn(&Fact) -> Time| told(facts.iter().map(|fact| of(fact).seconds()).collect());
        FactBlock {
            scan,
            subject,
            rows: facts.len(),
            target: texts(|fact| fact.target),
            holder: texts(|fact| fact.holder),
            object: texts(|fact| fact.object),
            level: texts(|fact| fact.level),
            identity: texts(|fact| fact.identity),
            owner: texts(|fact| fact.owner),
            purpose: texts(|fact| fact.purpose),
            record: texts(|fact| fact.record),
            approver: texts(|fact| fact.approver),
            via: texts(|fact| fact.via),
            replaces: texts(|fact| fact.replaces),
            managed_by: texts(|fact| fact.managed_by),
            flags: told(facts.iter().map(|fact| fact.flags.0).collect()),
            not_before: instants(|fact| fact.not_before),
            expires_at: instants(|fact| fact.expires_at),
        }
    }

    /// The facts again, with when each was last used, where that was told. None: a column is not as long as the block.
    pub(super) fn facts(&self, used: &[i64], symbols: &mut Symbols) -> Option<Vec<Fact>> {
        if self.rows > OBJECT_ROWS {
            return None;
        }
        let texts = [
            &self.target,
            &self.holder,
            &self.object,
            &self.level,
            &self.identity,
            &self.owner,
            &self.purpose,
            &self.record,
            &self.approver,
            &self.via,
            &self.replaces,
            &self.managed_by,
        ];
        let mut columns = Vec::with_capacity(texts.len());
        for runs in texts {
            columns.push(runs.rows(self.rows, symbols)?);
        }
        let text =
            |column: usize, row: usize| columns.get(column).and_then(|column| column.get(row)).copied().unwrap_or_default();
        let numbers = [&self.not_before, &self.expires_at];
        let lengths = numbers.map(Vec::len).into_iter().chain([self.flags.len(), used.len()]);
        if lengths.into_iter().any(|length| length != 0 && length != self.rows) {
            return None;
        }
        let instant = |column: &[i64], row: usize| Time::from_seconds(column.get(row).copied().unwrap_or_default());
        let fact = |row| Fact {
            subject: self.subject,
            flags: FactFlags(self.flags.get(row).copied().unwrap_or_default()),
            scan: self.scan,
            line: 0,
            target: text(0, row),
            holder: text(1, row),
            object: text(2, row),
            level: text(3, row),
            identity: text(4, row),
            owner: text(5, row),
            purpose: text(6, row),
            record: text(7, row),
            approver: text(8, row),
            via: text(9, row),
            replaces: text(10, row),
            managed_by: text(11, row),
            not_before: instant(&self.not_before, row),
            expires_at: instant(&self.expires_at, row),
            last_used: instant(used, row),
        };
        Some((0..self.rows).map(fact).collect())
    }
}

/// A column of numbers, where it says anything.
pub(super) fn told<N: PartialEq + Default>(column: Vec<N>) -> Vec<N> {
    if column.iter().all(|number| *number == N::default()) { Vec::new() } else { column }
}

impl<'a> Runs<'a> {
    fn of(facts: &[&Fact], symbols: &'a Symbols, of: fn(&Fact) -> Sym) -> Self {
        let runs = facts.chunk_by(|fact, next| of(fact) == of(next));
        Runs(runs.map(|run| (symbols.text(run.first().map_or(Sym::EMPTY, |fact| of(fact))).into(), run.len())).collect())
    }

    fn is_blank(&self) -> bool {
        self.0.iter().all(|(text, _)| text.is_empty())
    }

    /// A text for each row. None: there are not so many.
    fn rows(&self, rows: usize, symbols: &mut Symbols) -> Option<Vec<Sym>> {
        if self.0.is_empty() {
            return Some(Vec::new());
        }
        let told = self.0.iter().try_fold(0_usize, |sum, (_, more)| sum.checked_add(*more))?;
        let mut run = |(text, more): &(Text<'_>, usize)| std::iter::repeat_n(symbols.intern(text), *more);
        (told == rows).then(|| self.0.iter().flat_map(&mut run).collect())
    }
}

impl Serialize for Runs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for (text, rows) in &self.0 {
            list.serialize_element(text)?;
            if *rows > 1 {
                list.serialize_element(&(rows - 1))?;
            }
        }
        list.end()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Runs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Runs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("texts, and behind each how many more rows have it")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Runs<'de>, A::Error> {
                let mut runs = Vec::new();
                while let Some(item) = list.next_element()? {
                    match (item, runs.last_mut()) {
                        (Item::Text(text), _) => runs.push((text, 1)),
                        (Item::More(more), Some((_, rows @ 1))) if more < OBJECT_ROWS as u64 => *rows += more as usize,
                        (Item::More(_), _) => return Err(A::Error::custom("a number is not how many more rows have a text")),
                    }
                }
                Ok(Runs(runs))
            }
        }
        deserializer.deserialize_seq(List)
    }
}

/// What a column of texts lists.
enum Item<'a> {
    Text(Text<'a>),
    More(u64),
}

impl<'de> Deserialize<'de> for Item<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct One;
        impl<'de> Visitor<'de> for One {
            type Value = Item<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or how many more rows have the one before")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Item<'de>, E> {
                Ok(Item::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Item<'de>, E> {
                Ok(Item::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_u64<E>(self, more: u64) -> Result<Item<'de>, E> {
                Ok(Item::More(more))
            }
        }
        deserializer.deserialize_any(One)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(symbols: &mut Symbols, holder: &str, object: &str) -> Fact {
        let [target, holder, object] = ["crm", holder, object].map(|text| symbols.intern(text));
        Fact { scan: 3, ..Fact::new(Subject::Grant, target, holder, object) }
    }

    #[test]
    fn facts_come_back_as_they_were() {
        let mut symbols = Symbols::default();
        let pairs = [("anna", "role:a"), ("anna", "role:\"b\"\n"), ("anna", "role:c"), ("", "role:c")];
        let mut facts: Vec<Fact> = pairs.iter().map(|(holder, object)| fact(&mut symbols, holder, object)).collect();
        facts[1].expires_at = Time::from_seconds(-7);
        facts[2].flags = FactFlags(5);
        let facts: Vec<&Fact> = facts.iter().collect();
        let raw = serde_json::to_string(&FactBlock::of(&facts, &symbols)).unwrap();
        assert!(raw.contains(r#""target":["crm",3],"holder":["anna",2,""],"#) && !raw.contains("level"), "{raw}");
        let mut again = Symbols::default();
        let read = serde_json::from_str::<FactBlock<'_>>(&raw).unwrap().facts(&[1, 0, 0, 9], &mut again).unwrap();
        let told = |fact: &Fact, symbols: &Symbols| {
            let texts = [fact.target, fact.holder, fact.object, fact.managed_by].map(|sym| symbols.text(sym).to_owned());
            (fact.scan, fact.subject, texts, fact.flags, fact.not_before, fact.expires_at)
        };
        let of = |facts: &[&Fact], symbols: &Symbols| facts.iter().map(|fact| told(fact, symbols)).collect::<Vec<_>>();
        assert_eq!(of(&read.iter().collect::<Vec<_>>(), &again), of(&facts, &symbols));
        assert_eq!(read.iter().map(|fact| fact.last_used.seconds()).collect::<Vec<_>>(), [1, 0, 0, 9]);
    }

    #[test]
    fn a_block_whose_columns_do_not_fit_it_is_none() {
        let check = |raw: &str, is_block: bool| {
            let block = serde_json::from_str::<FactBlock<'_>>(raw);
            let found = block.ok().and_then(|block| block.facts(&[], &mut Symbols::default()));
            assert_eq!(found.is_some(), is_block, "{raw}");
        };
        let with = |rows: &str, columns: &str| format!(r#"{{"scan":0,"subject":"grant","rows":{rows}{columns}}}"#);
        check(&with("2", r#","holder":["a",1]"#), true);
        check(&with("2", r#","holder":["a","b"],"flags":[0,1]"#), true);
        check(&with("2", r#","holder":["a"]"#), false);
        check(&with("2", r#","holder":["a",1],"flags":[1]"#), false);
        check(&with("2", r#","holder":["a",1],"expires_at":[1,2,3]"#), false);
        check(&with("2", r#","holder":[1,"a"]"#), false);
        check(&with("3", r#","holder":["a",1,1]"#), false);
        check(&with("2", r#","holder":["a",18446744073709551615]"#), false);
        check(&with("18446744073709551615", ""), false);
        check(&with("1025", ""), false);
        check(&with("1", r#","patience":["a"]"#), false);
    }

    #[test]
    fn blocks_end_where_keys_say_so() {
        let mut symbols = Symbols::default();
        let all: Vec<Fact> =
            (0..20_000).map(|at| fact(&mut symbols, &format!("p{:05}", at / 7), &format!("r{}", at % 7))).collect();
        let facts: Vec<&Fact> = all.iter().collect();
        let cut = blocks(&facts, &symbols);
        assert_eq!(cut.concat().len(), facts.len());
        let mean = facts.len() / cut.len();
        assert!((64..=256).contains(&mean), "{mean} rows in a block");
        let without: Vec<&Fact> = facts.iter().copied().filter(|fact| !std::ptr::eq(*fact, facts[9_000])).collect();
        let texts = |blocks: &[&[&Fact]]| -> std::collections::BTreeSet<String> {
            blocks.iter().map(|block| serde_json::to_string(&FactBlock::of(block, &symbols)).unwrap()).collect()
        };
        let (before, after) = (texts(&cut), texts(&blocks(&without, &symbols)));
        assert!(after.difference(&before).count() <= 1, "one row less changes one block");
    }
}
