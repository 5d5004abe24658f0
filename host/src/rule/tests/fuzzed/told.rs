//! What a module tells of itself and writes, and what it is told: descriptions, settings, log lines, texts.

use std::collections::{BTreeMap, BTreeSet};

use arbitrary::Unstructured;

use super::{each, name, one, reached, text};
use crate::rule::bindings::exports::trueup::rules::rule::RuleInfo;
use crate::rule::bindings::trueup::rules::types as wire;
use crate::rule::log::Log;
use crate::rule::text::{is_plain, shown};
use crate::rule::{AdmitError, RuleLimits, SettingInfo, SettingKind, SettingValue, info, settings};

const NAMES: [&str; 6] = ["a", "b-2", "unused-days", "Upper", "", "two words"];

fn wire_value(u: &mut Unstructured<'_>, kind: wire::SettingKind) -> arbitrary::Result<wire::SettingValue> {
    Ok(match kind {
        wire::SettingKind::Text => wire::SettingValue::Text(text(u)?),
        wire::SettingKind::Integer => wire::SettingValue::Integer(u.arbitrary()?),
        wire::SettingKind::Boolean => wire::SettingValue::Boolean(u.arbitrary()?),
        wire::SettingKind::Texts => wire::SettingValue::Texts(vec![text(u)?; u.int_in_range(0..=2)?]),
    })
}

fn description(u: &mut Unstructured<'_>) -> arbitrary::Result<RuleInfo> {
    use wire::SettingKind::{Boolean, Integer, Text, Texts};
    let count = |u: &mut Unstructured<'_>| u.int_in_range(0..=2);
    let prose = |u: &mut Unstructured<'_>| if u.ratio(1, 4)? { text(u) } else { Ok("plain words".to_owned()) };
    let code = |u: &mut Unstructured<'_>, nth: usize| match u.int_in_range(0..=15)? {
        0 | 1 => name(u, &NAMES),
        2 => Ok("code-0".to_owned()),
        _ => Ok(format!("code-{nth}")),
    };
    let mut told = RuleInfo {
        name: name(u, &["rule", "rule", "rule", "Rule 2", ""])?,
        version: name(u, &["1.0.0", "1.0.0", "0"])?,
        columns: Vec::new(),
        settings: Vec::new(),
        reasons: Vec::new(),
        canonical: u.arbitrary()?,
    };
    for _ in 0..count(u)? {
        told.columns.push(name(u, &["level", "owner", "tier", "exclusion"])?);
    }
    for nth in 0..count(u)? {
        let kind = one(u, &[Text, Integer, Boolean, Texts])?;
        let other = if u.ratio(1, 16)? { one(u, &[Text, Integer, Boolean, Texts])? } else { kind };
        let default = if u.arbitrary()? { Some(wire_value(u, other)?) } else { None };
        told.settings.push(wire::SettingInfo { name: code(u, nth)?, kind, help: prose(u)?, default });
    }
    for nth in 0..one(u, &[0, 1, 2, 2, 2, 3])? {
        told.reasons.push(wire::Reason { code: code(u, nth)?, text: prose(u)? });
    }
    if u.ratio(1, 100)? {
        told.settings = vec![wire::SettingInfo { name: "a".into(), kind: Text, help: String::new(), default: None }; 257];
    }
    if u.ratio(1, 300)? {
        told.reasons = vec![wire::Reason { code: "a".into(), text: String::new() }; 65_536];
    }
    Ok(told)
}

fn is_code(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-'))
}

#[test]
fn descriptions_are_taken_when_they_can_be_shown_and_asked_for() {
    let found = each("descriptions", |u| {
        Ok(match info::check(description(u)?) {
            Ok(info) => {
                assert!([&info.name, &info.version].iter().all(|text| is_plain(text) && (1..=128).contains(&text.len())));
                assert!(info.settings.len() <= 256 && info.reasons.len() <= 65_535);
                let names: BTreeSet<&String> = info.settings.iter().map(|setting| &setting.name).collect();
                let codes: BTreeSet<&String> = info.reasons.iter().map(|reason| &reason.code).collect();
                assert_eq!((names.len(), codes.len()), (info.settings.len(), info.reasons.len()));
                assert!(names.iter().chain(&codes).all(|code| is_code(code)), "{info:?}");
                let prose =
                    info.settings.iter().map(|setting| &setting.help).chain(info.reasons.iter().map(|reason| &reason.text));
                assert!(prose.clone().all(|text| is_plain(text)), "{info:?}");
                let fits = |setting: &SettingInfo| setting.default.as_ref().is_none_or(|value| value.kind() == setting.kind);
                assert!(info.settings.iter().all(fits), "{info:?}");
                "taken"
            }
            Err(AdmitError::Info { problem }) => {
                assert!(is_plain(&problem) && problem.len() < 800, "{problem:?}");
                match problem.as_str() {
                    _ if problem.contains("plain text") => "1 name or version or code",
                    _ if problem.contains(", more than") && !problem.contains(" bytes") => "2 too many",
                    _ if problem.contains("which this host does not have") => "3 columns",
                    _ if problem.contains("lower case letters") => "4 code",
                    _ if problem.contains("default of setting") => "5 default",
                    _ if problem.contains(" bytes, more than") => "6 prose",
                    _ if problem.contains("are called") => "7 twice",
                    _ => panic!("{problem}"),
                }
            }
            Err(error) => panic!("{error}"),
        })
    });
    let names = ["taken", "1 name or version or code", "2 too many", "3 columns", "4 code", "5 default", "6 prose", "7 twice"];
    reached(&found, &names);
}

#[test]
fn settings_are_taken_exactly_when_they_fit() {
    const KINDS: [SettingKind; 4] = [SettingKind::Text, SettingKind::Integer, SettingKind::Boolean, SettingKind::Texts];
    fn value(u: &mut Unstructured<'_>, kind: SettingKind) -> arbitrary::Result<SettingValue> {
        Ok(match kind {
            SettingKind::Text => SettingValue::Text(text(u)?),
            SettingKind::Integer => SettingValue::Integer(u.arbitrary()?),
            SettingKind::Boolean => SettingValue::Boolean(u.arbitrary()?),
            SettingKind::Texts => SettingValue::Texts(vec![text(u)?; u.int_in_range(0..=2)?]),
        })
    }
    let found = each("settings", |u| {
        let (mut asked, mut given) = (Vec::new(), BTreeMap::new());
        for setting in ["a", "b", "c"].into_iter().take(u.int_in_range(0..=3)?) {
            let kind = one(u, &KINDS)?;
            let default = if u.arbitrary()? { Some(value(u, kind)?) } else { None };
            asked.push(SettingInfo { name: setting.to_owned(), kind, help: "help".to_owned(), default });
            let kind = if u.ratio(1, 6)? { one(u, &KINDS)? } else { kind };
            if u.ratio(3, 4)? {
                given.insert(setting.to_owned(), value(u, kind)?);
            }
        }
        if u.ratio(1, 5)? {
            given.insert(name(u, &["d", "A"])?, value(u, SettingKind::Boolean)?);
        }
        let known = given.keys().all(|name| asked.iter().any(|info| info.name == *name));
        let set = asked.iter().all(|info| info.default.is_some() || given.contains_key(&info.name));
        let kinds = asked.iter().all(|info| given.get(&info.name).is_none_or(|value| value.kind() == info.kind));
        Ok(match settings::check("rule", &asked, &given) {
            Ok(settings) => {
                assert!(known && set && kinds, "{asked:?} {given:?}");
                assert!(settings.iter().map(|(name, _)| name).eq(asked.iter().map(|info| info.name.as_str())));
                "taken"
            }
            Err(error) => {
                assert!(!(known && set && kinds), "{error}");
                match error {
                    settings::SettingsError::Unknown { .. } => "unknown",
                    settings::SettingsError::Missing { .. } => "missing",
                    settings::SettingsError::Kind { .. } => "another kind",
                }
            }
        })
    });
    reached(&found, &["taken", "unknown", "missing", "another kind"]);
}

/// Lines with which a guest kit ends, and some like them.
const PANICS: [&str; 5] = [
    "panic at src/lib.rs:3:9 while judging case 7: no",
    "panic at src/lib.rs:3:9: no\nhelp: none",
    "panic while judging case -1: no",
    "panicking: no",
    "panic",
];

#[test]
fn logs_and_texts_are_plain_and_bounded_whatever_is_written() {
    let found = each("logs", |u| {
        let limits = RuleLimits {
            log_lines: u.int_in_range(0..=4)?,
            log_line_bytes: one(u, &[0, 1, 7, 100, 1_024])?,
            log_bytes: one(u, &[100, 5_000, 100_000, 1_000_000])?,
            ..RuleLimits::default()
        };
        let (mut log, mut written, mut stopped) = (Log::default(), 0, false);
        for _ in 0..u.int_in_range(0..=9)? {
            let level = u.int_in_range(0..=5)?;
            let line = if u.ratio(1, 4)? { one(u, &PANICS)?.to_owned() } else { text(u)? };
            written += line.len().max(16) as u64;
            stopped |= log.write(level, &line, &limits).is_err();
            assert_eq!(stopped, written > limits.log_bytes, "{line:?}");
            let cut = shown(&line, limits.log_line_bytes);
            assert!(is_plain(&cut) && cut.len() as u64 <= limits.log_line_bytes + "…".len() as u64, "{cut:?}");
            // What is plain is shown as it is, unless it is too long.
            let whole = shown(&line, u64::MAX);
            assert_eq!(shown(&whole, u64::MAX), whole);
            if stopped {
                break;
            }
        }
        let panicked = log.panic();
        let lines = log.into_lines();
        assert!(lines.len() as u64 <= limits.log_lines + 1, "{lines:?}");
        assert!(lines.iter().all(|(level, line)| *level <= 3 && is_plain(line)), "{lines:?}");
        if let Some((line, _)) = &panicked {
            assert!(lines.iter().any(|(level, other)| *level == 0 && other == line), "{line:?}");
        }
        Ok(match panicked {
            _ if stopped => "stopped",
            Some((_, Some(_))) => "told of a panic at a case",
            Some((_, None)) => "told of a panic",
            None => "told of none",
        })
    });
    reached(&found, &["told of none", "told of a panic", "told of a panic at a case", "stopped"]);
}
