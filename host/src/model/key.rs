//! Keys: what a case is named by, and what writes are serialised by. They own text, so that they can be stored.

use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize};

use super::digest::write_hex;
use super::{Encoder, Subject};

/// Names one case within a tenant: the thing, never a connector's id for it. `holder` and `object` are the native ids
/// that are written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub struct CaseKey {
    /// The system that holds it.
    pub target: String,
    /// The holder's native id.
    pub holder: String,
    /// What kind of thing.
    pub subject: Subject,
    /// The entitlement or credential as `type:name`; empty for an account.
    pub object: String,
}

impl CaseKey {
    /// Sixteen bytes that stand for this key in recorded state. `holder` and `object` are given in the form in which
    /// they are compared (the rule's canon), so that a respelling is the same case.
    #[must_use]
    pub fn hash(subject: Subject, target: &str, holder: &str, object: &str) -> KeyHash {
        let mut encoder = Encoder::new("trueup.case");
        encoder.number(subject as i64).text(target).text(holder).text(object);
        let mut head = [0; 16];
        head.copy_from_slice(&encoder.finish().0[..16]);
        KeyHash(head)
    }
}

/// Fields in alphabetical order, as canonical JSON has them; keys compare in the order of declaration.
impl Serialize for CaseKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("CaseKey", 4)?;
        fields.serialize_field("holder", &self.holder)?;
        fields.serialize_field("object", &self.object)?;
        fields.serialize_field("subject", &self.subject)?;
        fields.serialize_field("target", &self.target)?;
        fields.end()
    }
}

/// `target/holder/object`, the form in which people name a case on the command line.
impl fmt::Display for CaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.subject {
            Subject::Account => write!(f, "{}/{}", self.target, self.holder),
            Subject::Grant | Subject::Credential => write!(f, "{}/{}/{}", self.target, self.holder, self.object),
        }
    }
}

/// The key of a case in recorded state.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyHash(pub [u8; 16]);

impl KeyHash {
    /// Reads what it prints: 32 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<KeyHash> {
        let mut key = [0; 16];
        if text.len() != 32 || !text.is_ascii() {
            return None;
        }
        for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(KeyHash(key))
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyHash({self})")
    }
}

/// A serialisation key: writes that share one never overlap.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Namespace {
    /// All that one holder has in one target.
    Principal(String, String),
    /// One object of one target.
    Resource(String, String),
    /// One policy object of one target.
    Policy(String, String),
}
