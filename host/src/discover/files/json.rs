//! Reads one JSON object into cells, borrowing what it can. Owns which keys are looked at.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::Field;
use super::cells::{Cell, Cells};

/// One line.
#[expect(clippy::large_enum_variant, reason = "one at a time, on the stack")]
pub(super) enum Line<'a> {
    /// A row.
    Row(Cells<'a>),
    /// The trailer, with its count.
    End(u64),
}

/// Reads a line. The error names what is wrong and the column (byte) of it.
pub(super) fn parse<'a>(line: &'a str, keys: &[(String, Field)]) -> Result<Line<'a>, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(line);
    let row = json.deserialize_map(Row { keys })?;
    json.end()?;
    Ok(row)
}

struct Row<'k> {
    keys: &'k [(String, Field)],
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = Line<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Line<'de>, A::Error> {
        let mut cells = Cells::new();
        let (mut end, mut rows) = (false, None);
        while let Some(key) = map.next_key_seed(Text)? {
            let mut fields = self.keys.iter().filter(|(name, _)| *name == key).map(|(_, field)| *field);
            if let Some(first) = fields.next() {
                if *cells.get(first) != Cell::Absent {
                    return Err(A::Error::custom(format_args!("key `{key}` is given twice")));
                }
                let cell = map.next_value_seed(Value)?;
                fields.for_each(|field| cells.set(field, cell.clone()));
                cells.set(first, cell);
            } else if key == "trueup" {
                end = matches!(map.next_value_seed(Value)?, Cell::Text(text) if text == "end");
            } else if key == "rows" {
                rows = match map.next_value_seed(Value)? {
                    Cell::Integer(rows) => u64::try_from(rows).ok(),
                    _ => None,
                };
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        match (end, rows) {
            (false, _) => Ok(Line::Row(cells)),
            (true, Some(rows)) => Ok(Line::End(rows)),
            (true, None) => Err(A::Error::custom("the trailer needs `rows`, the number of rows")),
        }
    }
}

/// Text, borrowed unless it has escapes.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// Text, a boolean, an integer or null. Of anything else serde says what it found.
struct Value;

impl<'de> DeserializeSeed<'de> for Value {
    type Value = Cell<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cell<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value {
    type Value = Cell<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a boolean, an integer or null")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E: Error>(self, mark: bool) -> Result<Cell<'de>, E> {
        Ok(Cell::Bool(mark))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Cell<'de>, E> {
        Ok(Cell::Integer(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Cell<'de>, E> {
        i64::try_from(number).map(Cell::Integer).map_err(|_| E::custom("the number is too large"))
    }

    fn visit_unit<E: Error>(self) -> Result<Cell<'de>, E> {
        Ok(Cell::Absent)
    }
}
