//! Settings of a rule: what it asks for, and what a vendor gave.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The value of one setting. In a configuration file it is a plain text, whole number, yes or no, or list of texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SettingValue {
    /// Yes or no.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
}

/// What a setting may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingKind {
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// Yes or no.
    Boolean,
    /// A list of texts.
    Texts,
}

impl fmt::Display for SettingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "a text",
            Self::Integer => "a whole number",
            Self::Boolean => "true or false",
            Self::Texts => "a list of texts",
        })
    }
}

impl SettingValue {
    /// What kind of value it is.
    #[must_use]
    pub const fn kind(&self) -> SettingKind {
        match self {
            Self::Boolean(_) => SettingKind::Boolean,
            Self::Integer(_) => SettingKind::Integer,
            Self::Text(_) => SettingKind::Text,
            Self::Texts(_) => SettingKind::Texts,
        }
    }
}

/// One setting that a rule reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SettingInfo {
    /// Its name.
    pub name: String,
    /// What it may hold.
    pub kind: SettingKind,
    /// For the vendor.
    pub help: String,
    /// What holds when the vendor says nothing; none: the vendor must say.
    pub default: Option<SettingValue>,
}

/// Settings that fit one rule: each has a value of its kind. Made by [`super::Module::check_settings`] alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Settings(BTreeMap<String, SettingValue>);

impl Settings {
    /// In order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SettingValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// A single one, for tests without a rule.
    #[cfg(test)]
    pub(crate) fn of(name: &str, value: SettingValue) -> Self {
        Settings([(name.to_owned(), value)].into())
    }
}

/// Why settings do not fit a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The rule reads no such setting.
    #[error("rule `{rule}` has no setting `{name}`; it has {known}")]
    Unknown {
        /// The rule.
        rule: String,
        /// The setting.
        name: String,
        /// Those that it has.
        known: String,
    },
    /// It must be set.
    #[error("rule `{rule}` needs the setting `{name}`, {kind}: {help}")]
    Missing {
        /// The rule.
        rule: String,
        /// The setting.
        name: String,
        /// What it may hold.
        kind: SettingKind,
        /// The rule's words.
        help: String,
    },
    /// It is of another kind.
    #[error("setting `{name}` of rule `{rule}` must be {expected}, and is {found}")]
    Kind {
        /// The rule.
        rule: String,
        /// The setting.
        name: String,
        /// What it may hold.
        expected: SettingKind,
        /// What it holds.
        found: SettingKind,
    },
}

/// Checks what was given against what the rule asks for, and fills in defaults.
#[cfg(any(test, feature = "wasm"))]
pub(crate) fn check(
    rule: &str,
    asked: &[SettingInfo],
    given: &BTreeMap<String, SettingValue>,
) -> Result<Settings, SettingsError> {
    if let Some(name) = given.keys().find(|name| !asked.iter().any(|info| info.name == **name)) {
        let names: Vec<String> = asked.iter().map(|info| format!("`{}`", info.name)).collect();
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return Err(SettingsError::Unknown { rule: rule.to_owned(), name: name.clone(), known });
    }
    let value = |info: &SettingInfo| {
        let value = given.get(&info.name).or(info.default.as_ref()).ok_or_else(|| SettingsError::Missing {
            rule: rule.to_owned(),
            name: info.name.clone(),
            kind: info.kind,
            help: info.help.clone(),
        })?;
        match value {
            value if value.kind() == info.kind => Ok((info.name.clone(), value.clone())),
            value => Err(SettingsError::Kind {
                rule: rule.to_owned(),
                name: info.name.clone(),
                expected: info.kind,
                found: value.kind(),
            }),
        }
    };
    asked.iter().map(value).collect::<Result<_, _>>().map(Settings)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{SettingInfo, SettingKind, SettingValue, check};

    fn asked() -> Vec<SettingInfo> {
        let info = |name: &str, kind, default| SettingInfo { name: name.into(), kind, help: "help".into(), default };
        vec![info("unused-days", SettingKind::Integer, Some(SettingValue::Integer(90))), info("owner", SettingKind::Text, None)]
    }

    #[test]
    fn settings_fit_or_say_why_not() -> Result<(), serde_json::Error> {
        for (json, expected) in [
            (r#"{"owner":"it"}"#, Ok(r#"{"owner":"it","unused-days":90}"#)),
            (r#"{"owner":"it","unused-days":7}"#, Ok(r#"{"owner":"it","unused-days":7}"#)),
            (r#"{}"#, Err("rule `r` needs the setting `owner`, a text: help")),
            (r#"{"owner":true}"#, Err("setting `owner` of rule `r` must be a text, and is true or false")),
            (r#"{"owner":["a"]}"#, Err("setting `owner` of rule `r` must be a text, and is a list of texts")),
            (r#"{"owner":"it","days":7}"#, Err("rule `r` has no setting `days`; it has `unused-days`, `owner`")),
        ] {
            let found = check("r", &asked(), &serde_json::from_str(json)?);
            let found = found.map(|s| serde_json::to_string(&s).unwrap_or_default()).map_err(|e| e.to_string());
            assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{json}");
        }
        let none = check("r", &[], &BTreeMap::from([("x".to_owned(), SettingValue::Integer(1))])).map_err(|e| e.to_string());
        assert_eq!(none, Err("rule `r` has no setting `x`; it has none".to_owned()));
        Ok(())
    }
}
