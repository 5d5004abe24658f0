//! From a leaf to the text that a sink gets: which format, in which envelope. Owns the id of an event. Pure.

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

use super::about::About;
use super::ocsf::{Origin, event};
use super::told::told;
use super::{ExportError, OcsfVersion};
use crate::audit::{LeafError, LogEntry, Statement, leaf_hash};
use crate::ledger::StoredLeaf;

/// What an event is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// An event of OCSF; leaves that only the log itself needs become none.
    Ocsf(OcsfVersion),
    /// The leaf as it is in the log, byte for byte, with its hash.
    Leaf,
}

impl Format {
    /// All formats, as configurations name them.
    pub const NAMES: [&'static str; 3] = ["ocsf-1.8", "ocsf-1.9", "leaf"];

    /// Its stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ocsf(OcsfVersion::V1_8) => "ocsf-1.8",
            Self::Ocsf(OcsfVersion::V1_9) => "ocsf-1.9",
            Self::Leaf => "leaf",
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = [Self::Ocsf(OcsfVersion::V1_8), Self::Ocsf(OcsfVersion::V1_9), Self::Leaf];
        let found = all.into_iter().find(|format| format.name() == name);
        found.ok_or_else(|| format!("there is no format `{name}`; there are `{}`", Self::NAMES.join("`, `")))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What an event is wrapped in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Envelope {
    /// Nothing.
    #[default]
    None,
    /// CloudEvents 1.0, structured, as JSON.
    CloudEvents,
}

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Form {
    /// What an event is written as.
    pub format: Format,
    /// What it is wrapped in.
    pub envelope: Envelope,
    /// Whether the states before and after a change go along, in the format `leaf` alone. Their salts never do.
    pub states: bool,
}

impl Default for Form {
    fn default() -> Self {
        Form { format: Format::Ocsf(OcsfVersion::V1_8), envelope: Envelope::None, states: false }
    }
}

/// One event, as a sink gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// Index of its leaf.
    pub index: u64,
    /// Names it for ever, `origin/index`: whoever gets two events of one id got one event twice.
    pub id: String,
    /// One line of JSON, without its end.
    pub text: String,
}

impl Form {
    /// The event of a leaf; none where this format has none for it. `about` is what is known of the change that the leaf names.
    ///
    /// # Errors
    /// When its bytes are no leaf, or not those of its hash.
    pub fn event(&self, origin: &str, leaf: &StoredLeaf, about: Option<&About>) -> Result<Option<Event>, ExportError> {
        let entry = parsed(leaf)?;
        let id = format!("{origin}/{}", leaf.index);
        let Some(data) = self.data(origin, &id, leaf, &entry, about) else { return Ok(None) };
        let text = match self.envelope {
            Envelope::None => data,
            Envelope::CloudEvents => self.wrapped(origin, &id, &entry, &data),
        };
        Ok(Some(Event { index: leaf.index, id, text }))
    }

    fn data(&self, origin: &str, id: &str, leaf: &StoredLeaf, entry: &LogEntry, about: Option<&About>) -> Option<String> {
        match self.format {
            Format::Leaf => Some(self.raw(origin, leaf)),
            Format::Ocsf(version) => {
                let told = told(entry, about)?;
                let place = Origin { log: origin, id, hash: leaf.hash.to_string() };
                Some(event(version, entry, &told, &place).to_string())
            }
        }
    }

    /// The leaf itself. Its bytes are JSON already, and stay as they are so that they can be hashed again.
    fn raw(&self, origin: &str, leaf: &StoredLeaf) -> String {
        let bytes = String::from_utf8_lossy(&leaf.bytes);
        let states = leaf.bodies.iter().filter(|_| self.states).filter_map(|body| {
            let state: Value = serde_json::from_str(body.state.as_deref()?).ok()?;
            Some((body.field.clone(), state))
        });
        let states: serde_json::Map<_, _> = states.collect();
        let states = if states.is_empty() { String::new() } else { format!(",\"states\":{}", Value::Object(states)) };
        let (hash, origin) = (leaf.hash, json!(origin));
        format!("{{\"hash\":\"{hash}\",\"index\":\"{}\",\"leaf\":{bytes},\"origin\":{origin}{states}}}", leaf.index)
    }

    /// A CloudEvent with this data.
    fn wrapped(&self, origin: &str, id: &str, entry: &LogEntry, data: &str) -> String {
        let schema = match self.format {
            Format::Ocsf(version) => Some(format!("https://schema.ocsf.io/{}", version.name())),
            Format::Leaf => None,
        };
        let schema = schema.map(|schema| format!("\"dataschema\":{},", json!(schema))).unwrap_or_default();
        let subject = subject(&entry.says).map(|subject| format!("\"subject\":{},", json!(subject))).unwrap_or_default();
        let (id, source, time) = (json!(id), json!(uri_reference(origin)), json!(entry.time));
        let kind = json!(format!("trueup.audit.{}", entry.says.kind().name()));
        format!(
            "{{\"data\":{data},\"datacontenttype\":\"application/json\",{schema}\"id\":{id},\"source\":{source},\
             \"specversion\":\"1.0\",{subject}\"time\":{time},\"type\":{kind}}}"
        )
    }
}

/// What a leaf says, if it is the one of its place and its hash.
pub(super) fn parsed(leaf: &StoredLeaf) -> Result<LogEntry, ExportError> {
    let refused = |source| ExportError::Leaf { index: leaf.index, source };
    let entry = LogEntry::parse(&leaf.bytes).map_err(refused)?;
    if entry.index != leaf.index || leaf_hash(&leaf.bytes) != leaf.hash {
        return Err(refused(LeafError::Malformed { problem: "it is not the leaf of its place and its hash".to_owned() }));
    }
    Ok(entry)
}

/// What an event is about within its source: the change, where there is one.
fn subject(says: &Statement) -> Option<String> {
    match says {
        Statement::Intent { change, .. }
        | Statement::Outcome { change, .. }
        | Statement::Confirmed { change, .. }
        | Statement::Recovered { change, .. }
        | Statement::Superseded { change, .. }
        | Statement::Ended { change, .. }
        | Statement::Approval { change, .. }
        | Statement::Transfer { change, .. } => Some(format!("change/{}", change.0)),
        _ => None,
    }
}

/// A text as a path of a URI: what may not stand there is written as bytes.
fn uri_reference(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let written = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(written).collect()
}
