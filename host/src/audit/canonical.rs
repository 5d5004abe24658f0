//! Canonical JSON (RFC 8785) of the values that the log holds. Owns bytes and their order; knows no leaf.
//!
//! Floats, and integers that a reader with double precision would round, are refused instead of rounded: a 64-bit number
//! is written as decimal text by whoever builds the value.

use std::cell::RefCell;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter};

/// Largest integer that every JSON reader keeps exact.
const EXACT: u64 = (1 << 53) - 1;

/// A value that canonical JSON cannot hold exactly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{number}` is no exact integer; write 64-bit numbers as decimal text")]
pub struct NotCanonical {
    /// The number.
    pub number: String,
}

/// Canonical JSON of a value.
///
/// # Errors
/// When it holds a float or an integer beyond 2^53.
pub fn canonical<T: Serialize + ?Sized>(value: &T) -> Result<String, NotCanonical> {
    let text = RefCell::new(Vec::with_capacity(1_024));
    let sorting = Sorting { text: &text, members: Vec::with_capacity(32), open: Vec::with_capacity(4) };
    value.serialize(&mut serde_json::Serializer::with_formatter(Text(&text), sorting)).map_err(refused)?;
    String::from_utf8(text.into_inner()).map_err(|error| NotCanonical { number: error.to_string() })
}

/// What the formatter refused; another error cannot come of values that have texts for names.
fn refused(error: serde_json::Error) -> NotCanonical {
    let number = error.to_string();
    let inner = io::Error::from(error).into_inner();
    inner.and_then(|inner| inner.downcast().ok()).map_or(NotCanonical { number }, |refused: Box<NotCanonical>| *refused)
}

/// The text so far, shared by the writer, which appends to it, and the formatter, which sorts its end.
struct Text<'a>(&'a RefCell<Vec<u8>>);

impl Write for Text<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where a member of an object lies in the text: `"name":value`.
struct Member {
    start: usize,
    name_end: usize,
    end: usize,
    /// The first bytes of its name: enough to tell most names apart.
    head: u64,
}

impl Member {
    /// Takes down that the name ends here.
    fn end_name(&mut self, text: &[u8]) {
        self.name_end = text.len();
        let mut head = [0; 8];
        head.iter_mut().zip(self.name(text)).for_each(|(byte, of)| *byte = *of);
        self.head = u64::from_be_bytes(head);
    }

    /// The name between its quotes, as it is written.
    fn name<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        text.get(self.start + 1..self.name_end - 1).unwrap_or_default()
    }
}

/// Sorts the members of each object when it ends, and refuses numbers.
struct Sorting<'a> {
    text: &'a RefCell<Vec<u8>>,
    /// The members so far of the objects that are open, innermost last, and where those of each begin.
    members: Vec<Member>,
    open: Vec<usize>,
}

impl Sorting<'_> {
    fn place(&self) -> usize {
        self.text.borrow().len()
    }

    /// Sorts the members of the innermost object.
    fn sort(&mut self) {
        let from = self.open.pop().unwrap_or_default();
        let members = self.members.get_mut(from..).unwrap_or_default();
        let mut text = self.text.borrow_mut();
        let plain = |name: &[u8]| name.is_ascii() && !name.contains(&b'\\');
        if members.iter().all(|member| plain(member.name(&text))) {
            let order = |a: &Member, b: &Member| a.head.cmp(&b.head).then_with(|| a.name(&text).cmp(b.name(&text)));
            if members.is_sorted_by(|a, b| order(a, b).is_le()) {
                self.members.truncate(from);
                return;
            }
            members.sort_by(order);
        } else {
            // Bytes and UTF-16 units sort alike in ASCII only.
            let units = |member: &Member| {
                let name: String = serde_json::from_slice(text.get(member.start..member.name_end)?).ok()?;
                Some(name.encode_utf16().collect::<Vec<u16>>())
            };
            members.sort_by_cached_key(units);
        }
        let first = members.iter().map(|member| member.start).min().unwrap_or(text.len());
        let mut sorted = Vec::with_capacity(text.len() - first);
        for member in members {
            separate(&mut sorted);
            sorted.extend_from_slice(text.get(member.start..member.end).unwrap_or_default());
        }
        text.truncate(first);
        text.extend_from_slice(&sorted);
        self.members.truncate(from);
    }
}

fn separate(members: &mut Vec<u8>) {
    if !members.is_empty() {
        members.push(b',');
    }
}

fn refuse<T: ToString>(number: T) -> io::Result<()> {
    Err(io::Error::other(NotCanonical { number: number.to_string() }))
}

impl Formatter for Sorting<'_> {
    fn begin_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open.push(self.members.len());
        writer.write_all(b"{")
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if !first {
            writer.write_all(b",")?;
        }
        let start = self.place();
        self.members.push(Member { start, name_end: start, end: start, head: 0 });
        Ok(())
    }

    fn end_object_key<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        if let Some(member) = self.members.last_mut() {
            member.end_name(&self.text.borrow());
        }
        Ok(())
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        let end = self.place();
        if let Some(member) = self.members.last_mut() {
            member.end = end;
        }
        Ok(())
    }

    fn end_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.sort();
        writer.write_all(b"}")
    }

    fn write_i64<W: Write + ?Sized>(&mut self, writer: &mut W, value: i64) -> io::Result<()> {
        if value.unsigned_abs() > EXACT { refuse(value) } else { CompactFormatter.write_i64(writer, value) }
    }

    fn write_u64<W: Write + ?Sized>(&mut self, writer: &mut W, value: u64) -> io::Result<()> {
        if value > EXACT { refuse(value) } else { CompactFormatter.write_u64(writer, value) }
    }

    fn write_i128<W: Write + ?Sized>(&mut self, _: &mut W, value: i128) -> io::Result<()> {
        refuse(value)
    }

    fn write_u128<W: Write + ?Sized>(&mut self, _: &mut W, value: u128) -> io::Result<()> {
        refuse(value)
    }

    fn write_f32<W: Write + ?Sized>(&mut self, _: &mut W, value: f32) -> io::Result<()> {
        refuse(value)
    }

    fn write_f64<W: Write + ?Sized>(&mut self, _: &mut W, value: f64) -> io::Result<()> {
        refuse(value)
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn follows_rfc_8785_and_refuses_what_would_be_rounded() {
        let check = |json: &str, expected: Option<&str>| {
            let value: serde_json::Value = serde_json::from_str(json).expect(json);
            assert_eq!(canonical(&value).ok().as_deref(), expected, "{json}");
        };
        check(r#"{ "b": [1, true, null], "a": {} }"#, Some(r#"{"a":{},"b":[1,true,null]}"#));
        // The sample of RFC 8785, section 3.2.3: names sort by UTF-16 units, so an emoji stands before U+FB33.
        check(
            r#"{"\u20ac":0,"\r":1,"\ufb33":2,"1":3,"\ud83d\ude00":4,"\u0080":5,"\u00f6":6}"#,
            Some("{\"\\r\":1,\"1\":3,\"\u{80}\":5,\"ö\":6,\"€\":0,\"😀\":4,\"\u{fb33}\":2}"),
        );
        check(r#""\u0001\u001f\u007f\/\"\\\b""#, Some("\"\\u0001\\u001f\u{7f}/\\\"\\\\\\b\""));
        check("9007199254740991", Some("9007199254740991"));
        check("-9007199254740991", Some("-9007199254740991"));
        for refused in ["9007199254740992", "-9007199254740992", "18446744073709551615", "1.5", "-0", "1e3"] {
            check(refused, None);
        }
    }
}
