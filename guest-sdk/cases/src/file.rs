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

use crate::build::Builder;
use crate::columns::{Columns, Context, SettingValue};
use crate::error::CaseError;
use crate::expect::Expect;
use crate::side::{Desired, Instant, Observed, State, word_or_object};

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
    pub(crate) text: String,
}

/// One case of a file.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its identity's name.
    pub identity: String,
    /// `target/holder` for an account, `target/holder/object` otherwise.
    pub label: String,
    /// Line on which it begins.
    pub line: usize,
    /// What the rule should answer; none is written yet when absent.
    pub expect: Option<Expect>,
    /// Where the case stands in the file.
    pub(crate) span: Range<usize>,
    /// Where its expectation stands.
    pub(crate) expect_span: Option<Range<usize>>,
}

impl CaseFile {
    /// Reads a case file's text. The path is for messages only.
    pub fn parse(path: &Path, text: &str) -> Result<Self, CaseError> {
        let raw: RawFile<'_> = serde_json::from_str(text).map_err(|e| CaseError::json(path, text, 0, &e))?;
        let mut builder = Builder::default();
        let mut cases = Vec::new();
        for identity in &raw.identities {
            for raw_case in &identity.cases {
                let part = raw_case.get();
                let span = span_of(text, part);
                let skipped = text.get(..span.start).unwrap_or_default().matches('\n').count();
                let error = |e: &serde_json::Error| CaseError::json(path, part, skipped, e);
                let case: RawCase<'_> = serde_json::from_str(part).map_err(|e| error(&e))?;
                let expect_span = case.expect.map(|e| span_of(text, e.get()));
                let expect = match case.expect {
                    Some(value) => {
                        let before = text.get(..span_of(text, value.get()).start).unwrap_or_default().matches('\n').count();
                        Some(serde_json::from_str(value.get()).map_err(|e| CaseError::json(path, value.get(), before, &e))?)
                    }
                    None => None,
                };
                let label = builder.case(identity, &case).map_err(|message| CaseError::Malformed {
                    path: path.to_path_buf(),
                    line: skipped + 1,
                    field: None,
                    message,
                })?;
                cases.push(Case { identity: identity.identity.to_string(), label, line: skipped + 1, expect, span, expect_span });
            }
            builder.identity(identity);
        }
        Ok(CaseFile {
            path: path.to_path_buf(),
            about: raw.about,
            context: Context { as_of: raw.as_of.0, settings: raw.settings.into_iter().collect(), flags: u32::from(raw.explain) },
            columns: builder.finish(),
            cases,
            expect_error: raw.expect_error,
            valid_until: raw.valid_until.map(|instant| instant.0),
            text: text.to_string(),
        })
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
    #[serde(borrow)]
    identities: Vec<RawIdentity<'a>>,
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
    cases: Vec<&'a RawValue>,
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
    expect: Option<&'a RawValue>,
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
