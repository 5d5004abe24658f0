//! What a module says of itself, checked before anything is asked of it.

use std::collections::BTreeSet;

use super::admit::AdmitError;
use super::bindings::exports::trueup::rules::rule::RuleInfo;
use super::bindings::trueup::rules::types as wire;
use super::columns::Column;
use super::limits::{NAME_BYTES, REASONS, SETTINGS, TEXT_BYTES};
use super::settings::{SettingInfo, SettingKind, SettingValue};
use super::text;
use crate::model::Reason;

/// How names begin that the contract keeps for hosts of later versions.
const KEPT: &str = "trueup-";

/// What a rule told of itself.
#[derive(Clone, Debug)]
pub(crate) struct Info {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) columns: BTreeSet<Column>,
    pub(crate) settings: Vec<SettingInfo>,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) canonical: bool,
}

fn wrong(problem: String) -> AdmitError {
    AdmitError::Info { problem }
}

/// Checks a description.
pub(crate) fn check(info: RuleInfo) -> Result<Info, AdmitError> {
    let name = short(info.name, "the name")?;
    let version = short(info.version, "the version")?;
    if info.settings.len() > SETTINGS {
        return Err(wrong(format!("{} settings, more than {SETTINGS}", info.settings.len())));
    }
    if info.reasons.len() > REASONS {
        return Err(wrong(format!("{} reasons, more than {REASONS}", info.reasons.len())));
    }
    let columns = info.columns.iter().map(|name| column(name)).collect::<Result<_, _>>()?;
    let settings: Vec<SettingInfo> = info.settings.into_iter().map(setting).collect::<Result<_, _>>()?;
    let reasons: Vec<Reason> = info.reasons.into_iter().enumerate().map(reason).collect::<Result<_, _>>()?;
    unique(settings.iter().map(|setting| &setting.name), "setting")?;
    unique(reasons.iter().map(|reason| &reason.code), "reason")?;
    Ok(Info { name, version, columns, settings, reasons, canonical: info.canonical })
}

fn short(value: String, what: &str) -> Result<String, AdmitError> {
    if value.is_empty() || value.len() > NAME_BYTES || !text::is_plain(&value) {
        let shown = text::shown(&value, NAME_BYTES as u64);
        return Err(wrong(format!("{what} `{shown}` must have 1 to {NAME_BYTES} bytes of plain text")));
    }
    Ok(value)
}

/// A name that is used in files: lower case, digits and hyphens.
fn code(value: String, what: &str) -> Result<String, AdmitError> {
    let value = short(value, what)?;
    if value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        return Ok(value);
    }
    Err(wrong(format!("{what} `{value}` must be lower case letters, digits and hyphens")))
}

fn prose(value: &str, what: &str) -> Result<String, AdmitError> {
    if value.len() > TEXT_BYTES {
        return Err(wrong(format!("{what} has {} bytes, more than {TEXT_BYTES}", value.len())));
    }
    Ok(text::shown(value, u64::MAX))
}

fn column(name: &str) -> Result<Column, AdmitError> {
    Column::named(name).ok_or_else(|| {
        let known: Vec<&str> = Column::ALL.iter().map(|column| column.name()).collect();
        let shown = text::shown(name, NAME_BYTES as u64);
        wrong(format!("it reads the column `{shown}`, which this host does not have; it has {}", known.join(", ")))
    })
}

fn setting(info: wire::SettingInfo) -> Result<SettingInfo, AdmitError> {
    let name = code(info.name, "the setting")?;
    if name.starts_with(KEPT) {
        return Err(wrong(format!("the setting `{name}` has a name that the contract keeps: none begins with `{KEPT}`")));
    }
    let kind = match info.kind {
        wire::SettingKind::Text => SettingKind::Text,
        wire::SettingKind::Integer => SettingKind::Integer,
        wire::SettingKind::Boolean => SettingKind::Boolean,
        wire::SettingKind::Texts => SettingKind::Texts,
    };
    let help = prose(&info.help, &format!("the help of setting `{name}`"))?;
    let default = info.default.map(|value| match value {
        wire::SettingValue::Text(value) => SettingValue::Text(value),
        wire::SettingValue::Integer(value) => SettingValue::Integer(value),
        wire::SettingValue::Boolean(value) => SettingValue::Boolean(value),
        wire::SettingValue::Texts(value) => SettingValue::Texts(value),
    });
    if let Some(found) = default.as_ref().map(SettingValue::kind).filter(|found| *found != kind) {
        return Err(wrong(format!("the default of setting `{name}` must be {kind}, and is {found}")));
    }
    Ok(SettingInfo { name, kind, help, default })
}

fn reason((index, reason): (usize, wire::Reason)) -> Result<Reason, AdmitError> {
    let code = code(reason.code, &format!("the code of reason {index}"))?;
    let text = prose(&reason.text, &format!("the text of reason `{code}`"))?;
    Ok(Reason { code, text })
}

fn unique<'a>(names: impl Iterator<Item = &'a String>, what: &str) -> Result<(), AdmitError> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(wrong(format!("two of its {what}s are called `{name}`")));
        }
    }
    Ok(())
}
