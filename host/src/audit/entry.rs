//! Reading a leaf's bytes: nothing but the canonical form of a known leaf is one. Owns no making of leaves and no tree.

use std::fmt;

use serde::Deserialize;
use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer};
use serde::de::{DeserializeSeed, Deserializer as _, Error as _, MapAccess, Visitor};

use super::leaf::{VERSION, encode};
use super::{Decimal, LeafError, LeafPlace, Statement};
use crate::limits::LEAF_BYTES;
use crate::model::{RunId, Time};

/// A leaf as it was read from its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogEntry {
    /// Whose log.
    pub tenant: String,
    /// The writer's fence.
    pub epoch: u64,
    /// Its index, from zero.
    pub index: u64,
    /// The run.
    pub run: RunId,
    /// When.
    pub time: Time,
    /// What it says.
    pub says: Statement,
}

impl LogEntry {
    /// Reads the bytes of a leaf, and holds them against what it would be written as: unknown and duplicate names,
    /// another order, white space and numbers in another form are all refused.
    ///
    /// # Errors
    /// When they are not exactly what [`Leaf::encode`] writes.
    pub fn parse(bytes: &[u8]) -> Result<Self, LeafError> {
        if bytes.len() > LEAF_BYTES {
            return Err(LeafError::TooLong { bytes: bytes.len() });
        }
        let malformed = |e: serde_json::Error| LeafError::Malformed { problem: e.to_string() };
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let entry = reader.deserialize_map(Entry).and_then(|entry| reader.end().map(|()| entry)).map_err(malformed)?;
        let place = LeafPlace { tenant: &entry.tenant, epoch: entry.epoch, index: entry.index };
        match encode(&entry.says, place, entry.run, entry.time)? == bytes {
            true => Ok(entry),
            false => Err(LeafError::Respelled),
        }
    }
}

/// Reads the members of a leaf in one pass: those that all leaves share, and what is left for the statement.
struct Entry;

impl<'de> Visitor<'de> for Entry {
    type Value = LogEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<LogEntry, A::Error> {
        let mut shared = Shared::default();
        let says = Statement::deserialize(MapAccessDeserializer::new(Rest { members, shared: &mut shared }));
        // A leaf of another version may say what this one cannot read.
        if let Some(other) = shared.version.filter(|version| *version != VERSION) {
            return Err(A::Error::custom(format_args!("it has version {other}")));
        }
        let says = says?;
        let missing = |name| A::Error::custom(format_args!("`{name}` is missing"));
        shared.version.ok_or_else(|| missing("version"))?;
        Ok(LogEntry {
            says,
            tenant: shared.tenant.ok_or_else(|| missing("tenant"))?,
            epoch: shared.epoch.ok_or_else(|| missing("epoch"))?.0,
            index: shared.index.ok_or_else(|| missing("index"))?.0,
            run: RunId(shared.run.ok_or_else(|| missing("run"))?.0),
            time: shared.time.ok_or_else(|| missing("time"))?,
        })
    }
}

/// The members that all leaves share, as far as they were read.
#[derive(Default)]
struct Shared {
    tenant: Option<String>,
    epoch: Option<Decimal>,
    index: Option<Decimal>,
    run: Option<Decimal>,
    time: Option<Time>,
    version: Option<u32>,
}

impl Shared {
    /// Reads a member, if it is one of these.
    fn take<'de, A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<bool, A::Error> {
        match name {
            "tenant" => once(&mut self.tenant, name, members)?,
            "epoch" => once(&mut self.epoch, name, members)?,
            "index" => once(&mut self.index, name, members)?,
            "run" => once(&mut self.run, name, members)?,
            "time" => once(&mut self.time, name, members)?,
            "version" => once(&mut self.version, name, members)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn once<'de, T: Deserialize<'de>, A: MapAccess<'de>>(slot: &mut Option<T>, name: &str, members: &mut A) -> Result<(), A::Error> {
    let value = members.next_value().map_err(|e| A::Error::custom(format_args!("`{name}`: {e}")))?;
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(A::Error::custom(format_args!("`{name}` stands there twice"))),
    }
}

/// The members that are not shared.
struct Rest<'a, A> {
    members: A,
    shared: &'a mut Shared,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Rest<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        // No name needs escapes, so that each can be borrowed.
        while let Some(name) = self.members.next_key::<&'de str>()? {
            if !self.shared.take(name, &mut self.members)? {
                return seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.members.next_value_seed(seed)
    }
}
