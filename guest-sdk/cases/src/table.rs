//! One row of a table: an identity and its one case side by side, with what the
//! file's `defaults` fill in.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::columns::SettingValue;
use crate::expect::Expect;
use crate::file::{Attribute, Key, Kind, RawCase, RawIdentity, Status, Trait};
use crate::side::{Desired, Instant, Observed, State, word_or_object};

/// The identity of a row that names none.
const SOMEBODY: &str = "somebody";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: Option<String>,
    identity: Option<String>,
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    status: Status,
    moved_at: Option<Instant>,
    ends_at: Option<Instant>,
    owner: Option<String>,
    unit: Option<String>,
    account: Option<Key>,
    grant: Option<Key>,
    credential: Option<Key>,
    #[serde(default, deserialize_with = "word_or_object")]
    desired: Desired,
    #[serde(default, deserialize_with = "word_or_object")]
    observed: Observed,
    #[serde(default)]
    recorded: State,
    undesired_since: Option<Instant>,
    #[serde(default)]
    traits: Vec<Trait>,
    differs: Option<Vec<Attribute>>,
    #[serde(default)]
    tier: u8,
    exclusion: Option<String>,
    #[serde(default)]
    vendor: BTreeMap<String, SettingValue>,
    expect: Option<Expect>,
}

/// What a row says: its name, its identity, its case, and what is expected.
pub(crate) type Read = (Option<String>, RawIdentity<'static>, RawCase<'static>, Option<Expect>);

/// Reads a row, with these values where it says nothing.
pub(crate) fn row(row: &RawValue, defaults: &Map<String, Value>) -> Result<Read, String> {
    let mut fields: Map<String, Value> = serde_json::from_str(row.get()).map_err(|error| plain(&error))?;
    for (name, value) in defaults {
        // What a case is about is said once.
        let said = ["account", "grant", "credential"].contains(&name.as_str())
            && fields.keys().any(|given| ["account", "grant", "credential"].contains(&given.as_str()));
        if !said && !fields.contains_key(name) {
            fields.insert(name.clone(), value.clone());
        }
    }
    let row = Row::deserialize(Value::Object(fields)).map_err(|error| plain(&error))?;
    let identity = RawIdentity {
        identity: Cow::Owned(row.identity.unwrap_or_else(|| SOMEBODY.to_string())),
        kind: row.kind,
        status: row.status,
        moved_at: row.moved_at,
        ends_at: row.ends_at,
        owner: row.owner,
        unit: row.unit,
        cases: Vec::new(),
    };
    let case = RawCase {
        account: row.account,
        grant: row.grant,
        credential: row.credential,
        desired: row.desired,
        observed: row.observed,
        recorded: row.recorded,
        undesired_since: row.undesired_since,
        traits: row.traits,
        differs: row.differs,
        tier: row.tier,
        exclusion: row.exclusion,
        vendor: row.vendor,
        expect: None,
    };
    Ok((row.name, identity, case, row.expect))
}

/// Where a row writes what it expects.
pub(crate) fn written(row: &RawValue) -> Option<&RawValue> {
    #[derive(Deserialize)]
    struct Written<'a> {
        #[serde(borrow)]
        expect: Option<&'a RawValue>,
    }
    serde_json::from_str::<Written<'_>>(row.get()).ok()?.expect
}

/// Without the place, which is one inside the row.
fn plain(error: &serde_json::Error) -> String {
    let full = error.to_string();
    full.split(" at line ").next().unwrap_or(&full).to_string()
}
