//! The shape of a case file, read with the place of every case kept, so that
//! messages name lines and expectations can be rewritten where they stand.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::bless::Place;
use crate::build::Builder;
use crate::columns::{Columns, Context, SettingValue};
use crate::error::CaseError;
use crate::expect::Expect;
use crate::side::{Desired, Instant, Observed, State, word_or_object};
use crate::{from_toml, table};

/// One case file, read.
#[derive(Debug, Clone)]
pub struct CaseFile {
    /// Where it was read from.
    pub path: PathBuf,
    /// What it shows.
    pub about: String,
    /// The instant and settings to judge with.
    pub context: Context,
    /// Every column filled; see [`Columns::keep_only`].
    pub columns: Columns,
    /// One per row of `columns`, in its order.
    pub cases: Vec<Case>,
    /// The code of the error that the rule should answer with, if it should.
    pub expect_error: Option<String>,
    /// Until when the answers should hold, where the file says so.
    pub valid_until: Option<i64>,
    /// Whether its identities have nothing to do with one another: rows of a table.
    pub is_table: bool,
    pub(crate) text: String,
}

/// One case of a file.
#[derive(Debug, Clone)]
pub struct Case {
    /// What its row is called, in a table.
    pub name: Option<String>,
    /// Its identity's name.
    pub identity: String,
    /// `target/holder` for an account, `target/holder/object` otherwise.
    pub label: String,
    /// Line on which it begins.
    pub line: usize,
    /// What the rule should answer; none is written yet when absent.
    pub expect: Option<Expect>,
    /// Where its expectation is written, or would be.
    pub(crate) place: Place,
}

impl CaseFile {
    /// Reads a case file's text, which is TOML where the path ends so. The path
    /// is for messages otherwise.
    pub fn parse(path: &Path, text: &str) -> Result<Self, CaseError> {
        if path.extension().is_none_or(|extension| extension != "toml") {
            return parse_json(path, text);
        }
        let translated = from_toml::translate(path, text)?;
        let mut file = parse_json(path, &translated.json)?;
        for (case, place) in file.cases.iter_mut().zip(translated.places) {
            case.place = place;
        }
        file.text = text.to_string();
        Ok(file)
    }

    /// Whether its expectations stand in golden files beside it: it is called
    /// `case.json` or `case.toml`, in a folder of its own.
    pub fn is_folder(&self) -> bool {
        self.path.file_stem().is_some_and(|stem| stem == "case")
    }

    /// The folder of a folder case, for messages; the file of any other.
    pub fn title(&self) -> &Path {
        if self.is_folder() { self.path.parent().unwrap_or(&self.path) } else { &self.path }
    }
}

fn parse_json(path: &Path, text: &str) -> Result<CaseFile, CaseError> {
    let raw: RawFile<'_> = serde_json::from_str(text).map_err(|e| CaseError::json(path, text, 0, &e))?;
    let lines = Lines::of(text);
    let malformed = |line, message| CaseError::Malformed { path: path.to_path_buf(), line, field: None, message };
    let mut builder = Builder::default();
    let mut cases = Vec::new();
    for identity in &raw.identities {
        for raw_case in &identity.cases {
            let part = raw_case.get();
            let span = span_of(text, part);
            let before = lines.before(span.start);
            let case: RawCase<'_> = serde_json::from_str(part).map_err(|e| CaseError::json(path, part, before, &e))?;
            let expected = |value: &RawValue| {
                let before = lines.before(span_of(text, value.get()).start);
                serde_json::from_str(value.get()).map_err(|e| CaseError::json(path, value.get(), before, &e))
            };
            let expect = case.expect.map(expected).transpose()?;
            let label = builder.case(identity, &case).map_err(|message| malformed(before + 1, message))?;
            let place = case.expect.map_or(Place::Object(span), |e| Place::Value(span_of(text, e.get())));
            cases.push(Case { name: None, identity: identity.identity.to_string(), label, line: before + 1, expect, place });
        }
        builder.identity(identity);
    }
    if !cases.is_empty() && !raw.table.is_empty() {
        return Err(malformed(1, "a file has either `identities` or a `table`; make two files of it".to_string()));
    }
    for row in &raw.table {
        let span = span_of(text, row.get());
        let line = lines.before(span.start) + 1;
        let (name, identity, case, expect) = table::row(row, &raw.defaults).map_err(|message| malformed(line, message))?;
        let label = builder.case(&identity, &case).map_err(|message| malformed(line, message))?;
        builder.identity(&identity);
        let place = table::written(row).map_or(Place::Object(span), |value| Place::Value(span_of(text, value.get())));
        cases.push(Case { name, identity: identity.identity.into_owned(), label, line, expect, place });
    }
    Ok(CaseFile {
        path: path.to_path_buf(),
        about: raw.about,
        context: Context { as_of: raw.as_of.0, settings: raw.settings.into_iter().collect(), flags: u32::from(raw.explain) },
        columns: builder.finish(),
        cases,
        expect_error: raw.expect_error,
        valid_until: raw.valid_until.map(|instant| instant.0),
        is_table: !raw.table.is_empty(),
        text: text.to_string(),
    })
}

/// Where lines end, for finding the line of a place.
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    pub(crate) fn of(text: &str) -> Self {
        Lines(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    /// How many lines end before a place.
    pub(crate) fn before(&self, place: usize) -> usize {
        self.0.partition_point(|end| *end < place)
    }
}

/// Where a part that was borrowed from a text stands in it.
fn span_of(text: &str, part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    start..start + part.len()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile<'a> {
    about: String,
    as_of: Instant,
    #[serde(default)]
    settings: BTreeMap<String, SettingValue>,
    #[serde(default)]
    explain: bool,
    #[serde(borrow, default)]
    identities: Vec<RawIdentity<'a>>,
    #[serde(default)]
    defaults: serde_json::Map<String, serde_json::Value>,
    #[serde(borrow, default)]
    table: Vec<&'a RawValue>,
    expect_error: Option<String>,
    valid_until: Option<Instant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawIdentity<'a> {
    #[serde(borrow)]
    pub(crate) identity: Cow<'a, str>,
    #[serde(default)]
    pub(crate) kind: Kind,
    #[serde(default)]
    pub(crate) status: Status,
    pub(crate) moved_at: Option<Instant>,
    pub(crate) ends_at: Option<Instant>,
    pub(crate) owner: Option<String>,
    pub(crate) unit: Option<String>,
    #[serde(borrow)]
    pub(crate) cases: Vec<&'a RawValue>,
}

/// Codes are those of `identity-kind`.
#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Unknown,
    #[default]
    Person,
    Machine,
    Group,
}

/// Codes are those of `identity-status`.
#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Status {
    Unknown,
    #[default]
    Active,
    OnLeave,
    Leaving,
    Left,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCase<'a> {
    pub(crate) account: Option<Key>,
    pub(crate) grant: Option<Key>,
    pub(crate) credential: Option<Key>,
    #[serde(default, deserialize_with = "word_or_object")]
    pub(crate) desired: Desired,
    #[serde(default, deserialize_with = "word_or_object")]
    pub(crate) observed: Observed,
    #[serde(default)]
    pub(crate) recorded: State,
    pub(crate) undesired_since: Option<Instant>,
    #[serde(default)]
    pub(crate) traits: Vec<Trait>,
    pub(crate) differs: Option<Vec<Attribute>>,
    #[serde(default)]
    pub(crate) tier: u8,
    pub(crate) exclusion: Option<String>,
    #[serde(default)]
    pub(crate) vendor: BTreeMap<String, SettingValue>,
    #[serde(borrow)]
    pub(crate) expect: Option<&'a RawValue>,
}

/// What a case is about.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Key {
    pub(crate) target: String,
    pub(crate) holder: Option<String>,
    pub(crate) object: Option<String>,
}

/// Bits are those of `traits`.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Trait {
    Inherited,
    Immutable,
    ChangedElsewhere,
    Claimed,
    Privileged,
    BreakGlass,
    Additive,
    Withheld,
}

/// Bits are those of `differs`.
#[derive(Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Attribute {
    Enabled,
    Level,
    ExpiresAt,
    Owner,
    Purpose,
}

impl<'de> Deserialize<'de> for SettingValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Value;

        impl<'de> Visitor<'de> for Value {
            type Value = SettingValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a whole number, true, false or a list of texts")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<SettingValue, E> {
                Ok(SettingValue::Text(text.to_string()))
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<SettingValue, E> {
                Ok(SettingValue::Boolean(value))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<SettingValue, E> {
                Ok(SettingValue::Integer(value))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<SettingValue, E> {
                i64::try_from(value).map(SettingValue::Integer).map_err(|_| E::custom(format!("`{value}` is too large")))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<SettingValue, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = seq.next_element()? {
                    texts.push(text);
                }
                Ok(SettingValue::Texts(texts))
            }
        }

        deserializer.deserialize_any(Value)
    }
}
