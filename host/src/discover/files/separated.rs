//! Splits a line of CSV or TSV into its fields. Owns quotes; the line is already whole.

use std::borrow::Cow;

/// Where a field lies in its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    start: usize,
    end: usize,
    /// It holds doubled quotes.
    doubled: bool,
}

impl Span {
    /// Its text.
    pub(super) fn of<'a>(&self, line: &'a str) -> Cow<'a, str> {
        let text = line.get(self.start..self.end).unwrap_or("");
        if self.doubled { Cow::Owned(text.replace("\"\"", "\"")) } else { Cow::Borrowed(text) }
    }
}

/// Splits between tabs, which no field can hold.
pub(super) fn split_tabs(line: &str, spans: &mut Vec<Span>) {
    spans.clear();
    let mut start = 0;
    for (at, _) in line.bytes().enumerate().filter(|(_, byte)| *byte == b'\t') {
        spans.push(Span { start, end: at, doubled: false });
        start = at + 1;
    }
    spans.push(Span { start, end: line.len(), doubled: false });
}

/// Splits between commas (RFC 4180). The error says what is wrong with the quotes.
pub(super) fn split_commas(line: &str, spans: &mut Vec<Span>) -> Result<(), &'static str> {
    spans.clear();
    let bytes = line.as_bytes();
    let mut start = 0;
    loop {
        let rest = bytes.get(start..).unwrap_or(&[]);
        let next = if rest.first() == Some(&b'"') {
            let (end, doubled) = closing(rest).ok_or("a quote is opened but not closed")?;
            spans.push(Span { start: start + 1, end: start + end, doubled });
            match rest.get(end + 1) {
                None => None,
                Some(b',') => Some(end + 2),
                Some(_) => return Err("text follows a closing quote; double a quote that belongs to the text"),
            }
        } else {
            let end = rest.iter().position(|byte| *byte == b',');
            let field = rest.get(..end.unwrap_or(rest.len())).unwrap_or(&[]);
            if field.contains(&b'"') {
                return Err("a quote stands within a field; quote the whole field, and double the quotes in it");
            }
            spans.push(Span { start, end: start + field.len(), doubled: false });
            end.map(|end| end + 1)
        };
        match next {
            Some(next) => start += next,
            None => return Ok(()),
        }
    }
}

/// Where the quote closes that `field` begins with, and whether doubled quotes lie between.
fn closing(field: &[u8]) -> Option<(usize, bool)> {
    let (mut at, mut doubled) = (1, false);
    loop {
        at += field.get(at..)?.iter().position(|byte| *byte == b'"')?;
        if field.get(at + 1) != Some(&b'"') {
            return Some((at, doubled));
        }
        (at, doubled) = (at + 2, true);
    }
}
