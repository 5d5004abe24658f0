//! Case files in TOML: put into JSON line by line, so that one reader reads both
//! and its messages name the lines of the TOML.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::bless::Place;
use crate::error::CaseError;
use crate::file::Lines;

/// A file in JSON, and where its TOML writes what each case expects.
pub(crate) struct Translated {
    pub(crate) json: String,
    pub(crate) places: Vec<Place>,
}

/// Puts a file into JSON.
pub(crate) fn translate(path: &Path, text: &str) -> Result<Translated, CaseError> {
    let lines = Lines::of(text);
    let root = DeTable::parse(text).map_err(|error| CaseError::Malformed {
        path: path.to_path_buf(),
        line: error.span().map_or(0, |span| lines.before(span.start)) + 1,
        field: None,
        message: error.message().to_string(),
    })?;
    let mut writer = Writer { json: String::new(), line: 0, lines };
    writer.table(root.get_ref());
    let cases = list(root.get_ref(), "identities").flat_map(|identity| identity.get_ref().as_table());
    let cases = cases.flat_map(|identity| list(identity, "cases")).chain(list(root.get_ref(), "table"));
    let places = cases.map(|case| place(text, case)).collect();
    Ok(Translated { json: writer.json, places })
}

fn list<'a>(table: &'a DeTable<'a>, name: &str) -> impl Iterator<Item = &'a Spanned<DeValue<'a>>> {
    table.get(name).and_then(|value| value.get_ref().as_array()).into_iter().flat_map(|array| array.iter())
}

fn place(text: &str, case: &Spanned<DeValue<'_>>) -> Place {
    let expect = case.get_ref().as_table().and_then(|table| table.get("expect"));
    if let Some(expect) = expect {
        return Place::TomlValue(expect.span());
    }
    let span = case.span();
    match text.as_bytes().get(span.start) {
        Some(b'{') => Place::TomlInline(span),
        // The line after a heading.
        _ => {
            let rest = text.get(span.start..).unwrap_or_default();
            Place::TomlLine(span.start + rest.find('\n').map_or(rest.len(), |end| end + 1))
        }
    }
}

struct Writer {
    json: String,
    line: usize,
    lines: Lines,
}

impl Writer {
    /// Goes to the line of a place in the TOML, unless it is past.
    fn seek(&mut self, place: usize) {
        let line = self.lines.before(place);
        while self.line < line {
            self.json.push('\n');
            self.line += 1;
        }
    }

    fn text(&mut self, text: &str) {
        self.json.push_str(&serde_json::Value::from(text).to_string());
    }

    fn table(&mut self, table: &DeTable<'_>) {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, value)| (key.span().start.max(value.span().start), key.span().start));
        self.json.push('{');
        for (index, (key, value)) in entries.into_iter().enumerate() {
            if index > 0 {
                self.json.push(',');
            }
            self.seek(key.span().start);
            self.text(key.get_ref());
            self.json.push(':');
            self.value(value);
        }
        self.json.push('}');
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>) {
        self.seek(value.span().start);
        match value.get_ref() {
            DeValue::String(text) => self.text(text),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => self.json.push_str(&number.to_string()),
                Err(_) => self.text(number.as_str()),
            },
            DeValue::Float(number) => self.text(number.as_str()),
            DeValue::Boolean(flag) => self.json.push_str(if *flag { "true" } else { "false" }),
            DeValue::Datetime(instant) => self.text(&instant.to_string()),
            DeValue::Array(items) => {
                self.json.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.json.push(',');
                    }
                    self.value(item);
                }
                self.json.push(']');
            }
            DeValue::Table(table) => self.table(table),
        }
    }
}
