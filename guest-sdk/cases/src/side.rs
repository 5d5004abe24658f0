//! How a case file writes the two sides of a case: one word, or an object that
//! adds attributes to it.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::time::parse_instant;

/// An instant in a case file. Absent and `null` both mean: not recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Instant(pub(crate) i64);

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        parse_instant(&text)
            .map(Instant)
            .ok_or_else(|| D::Error::custom(format!("`{text}` is not an instant like `2026-03-01` or `2026-03-01T09:30:00Z`")))
    }
}

/// A state word, with the reason for `unknown`: `unknown: disputed`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct State {
    pub(crate) code: u8,
    /// Zero where no reason is given or needed.
    pub(crate) why: u8,
}

impl State {
    pub(crate) fn exists(self) -> bool {
        self.code == 1 || self.code == 2
    }
}

const WHY: [&str; 5] = ["incomplete-scan", "stale-scan", "no-source", "disputed", "shrunk"];

impl State {
    fn parse(text: &str) -> Result<Self, String> {
        let code = match text {
            "absent" => 0,
            "present" => 1,
            "disabled" => 2,
            "unknown" => 3,
            _ => {
                let why = text.strip_prefix("unknown: ").and_then(|why| WHY.iter().position(|w| *w == why));
                return match why.and_then(|index| u8::try_from(index + 1).ok()) {
                    Some(why) => Ok(State { code: 3, why }),
                    None => Err(format!(
                        "`{text}` is not a state; use `absent`, `present`, `disabled`, or `unknown: ` with one of {}",
                        WHY.map(|why| format!("`{why}`")).join(", ")
                    )),
                };
            }
        };
        Ok(State { code, why: 0 })
    }
}

impl<'de> Deserialize<'de> for State {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        State::parse(&text).map_err(D::Error::custom)
    }
}

/// What the sources say.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Desired {
    pub(crate) state: State,
    pub(crate) level: Option<String>,
    pub(crate) expires_at: Option<Instant>,
    pub(crate) not_before: Option<Instant>,
    pub(crate) owner: Option<String>,
    pub(crate) purpose: Option<String>,
    pub(crate) record: Option<String>,
    pub(crate) approver: Option<String>,
    pub(crate) replaces: Option<String>,
}

/// What the target holds.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Observed {
    pub(crate) state: State,
    pub(crate) level: Option<String>,
    pub(crate) expires_at: Option<Instant>,
    pub(crate) owner: Option<String>,
    pub(crate) purpose: Option<String>,
    pub(crate) last_used: Option<Instant>,
    pub(crate) disabled_since: Option<Instant>,
    pub(crate) via: Option<String>,
}

impl From<State> for Desired {
    fn from(state: State) -> Self {
        Desired { state, ..Desired::default() }
    }
}

impl From<State> for Observed {
    fn from(state: State) -> Self {
        Observed { state, ..Observed::default() }
    }
}

/// Reads either the word alone or the object.
pub(crate) fn word_or_object<'de, D, S>(deserializer: D) -> Result<S, D::Error>
where
    D: Deserializer<'de>,
    S: Deserialize<'de> + From<State>,
{
    struct Side<S>(PhantomData<S>);

    impl<'de, S: Deserialize<'de> + From<State>> Visitor<'de> for Side<S> {
        type Value = S;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a state such as \"present\", or an object with a `state`")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<S, E> {
            State::parse(text).map(S::from).map_err(E::custom)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<S, A::Error> {
            S::deserialize(MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_any(Side(PhantomData))
}
