//! Writing expectations into a case file where they stand, and leaving every
//! other character as its author wrote it.

use std::ops::Range;

use crate::expect::Expect;
use crate::file::CaseFile;

/// Where a case's expectation is written, or would be.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// A value of JSON.
    Value(Range<usize>),
    /// An object of JSON without one.
    Object(Range<usize>),
    /// A value of TOML.
    TomlValue(Range<usize>),
    /// An inline table of TOML without one.
    TomlInline(Range<usize>),
    /// A table of TOML under a heading without one: the line after it.
    TomlLine(usize),
}

/// The file's text with these answers as its expectations, one per case.
pub(crate) fn bless(file: &CaseFile, answers: &[Expect]) -> String {
    let mut text = file.text.clone();
    // From the end, so that earlier places stay where they are.
    for (case, answer) in file.cases.iter().zip(answers).rev() {
        if case.expect.as_ref() == Some(answer) {
            continue;
        }
        match &case.place {
            Place::Value(span) => text.replace_range(span.clone(), &answer.to_string()),
            Place::TomlValue(span) => text.replace_range(span.clone(), &answer.toml()),
            Place::Object(span) => {
                let (kept, end) = open(file, span);
                text.insert_str(end, &format!(",{}\"expect\": {answer}", indent(kept)));
            }
            Place::TomlInline(span) => {
                let (kept, end) = open(file, span);
                let comma = if kept.ends_with(['{', ',']) { "" } else { "," };
                text.insert_str(end, &format!("{comma} expect = {}", answer.toml()));
            }
            Place::TomlLine(start) => text.insert_str(*start, &format!("expect = {}\n", answer.toml())),
        }
    }
    text
}

/// An object without its closing brace, and where it ends then.
fn open<'a>(file: &'a CaseFile, span: &Range<usize>) -> (&'a str, usize) {
    let body = file.text.get(span.clone()).unwrap_or_default();
    let kept = body.strip_suffix('}').unwrap_or(body).trim_end();
    (kept, span.start + kept.len())
}

/// What separates the first field of an object from its brace: a line break
/// with indentation, or a space when the object stands on one line.
fn indent(body: &str) -> &str {
    let fields = body.trim_start_matches('{');
    let blank = fields.len() - fields.trim_start().len();
    match fields.get(..blank) {
        Some(blank) if blank.contains('\n') => blank,
        _ => " ",
    }
}
