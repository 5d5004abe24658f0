//! Files that are almost components.

use arbitrary::Unstructured;

use super::{Ends, each, one, reached, text};
use crate::rule::admit::inspect;
use crate::rule::text::is_plain;
use crate::rule::{AdmitError, RuleLimits};

/// Sections of a component.
const CUSTOM: u8 = 0;
const CORE_MODULE: u8 = 1;
const COMPONENT: u8 = 4;
const IMPORT: u8 = 10;
const EXPORT: u8 = 11;

const HEAD: &[u8] = b"\0asm\x0d\0\x01\0";
const CORE_HEAD: &[u8] = b"\0asm\x01\0\0\0";
const HEADS: [&[u8]; 6] = [CORE_HEAD, b"\x7fELF\x02\x01\x01", b"\0asm\x0d\0\x01", b"", b"\0asm\x0e\0\x01\0", b"(component)"];

const IMPORTS: [&str; 7] = [
    "trueup:rules/log@1.0.0",
    "trueup:rules/types@1.0.0",
    "trueup:rules/log@1.0.17",
    "trueup:rules/log@1.1.0",
    "trueup:rules/log",
    "wasi:clocks/wall-clock@0.2.0",
    "log",
];
const EXPORTS: [&str; 6] = [
    "trueup:rules/rule@1.0.0",
    "trueup:rules/rule@1.0.0",
    "trueup:rules/rule@1.0.4",
    "trueup:rules/rule@0.1.0",
    "trueup:rules/other@1.0.0",
    "rule",
];
const FACTS: [&str; 8] = [
    "contract=",
    "contract=trueup:rules@1.0.0;sdk=0.1.0",
    "trueup:rules@1.0.0",
    "trueup:rules@2.0.0",
    ";",
    ";sdk=",
    "0.1.0",
    ";name=x",
];

fn put(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

fn section(u: &mut Unstructured<'_>, depth: u32) -> arbitrary::Result<Vec<u8>> {
    let mut body = Vec::new();
    let id = match u.int_in_range(0..=11)? {
        0 | 1 => {
            put_text(&mut body, one(u, &["trueup:rule", "trueup:rule", "name", ""])?);
            for _ in 0..u.int_in_range(0..=5)? {
                body.extend_from_slice(one(u, &FACTS)?.as_bytes());
            }
            if u.ratio(1, 8)? {
                body.extend_from_slice(text(u)?.repeat(4).as_bytes());
            }
            CUSTOM
        }
        2 => {
            body.extend_from_slice(CORE_HEAD);
            CORE_MODULE
        }
        3 | 4 => {
            // Often deeper than is allowed, where this is deep already.
            let most = one(u, &[1, 1, 1, 3])?;
            body = if depth < 20 { sections(u, depth + 1, most)? } else { HEAD.to_vec() };
            COMPONENT
        }
        kind @ 5..=10 => {
            let (id, names): (u8, &[&str]) = if kind < 7 { (IMPORT, &IMPORTS) } else { (EXPORT, &EXPORTS) };
            let count = u.int_in_range(0..=2)?;
            put(&mut body, count);
            for _ in 0..count {
                body.push(0);
                let name = if u.ratio(1, 4)? { one(u, names)? } else { names[0] };
                put_text(&mut body, name);
                // An instance: of a type as an import, of a number and no type as an export.
                body.extend_from_slice(if id == IMPORT { &[5, 0] } else { &[5, 0, 0] });
            }
            id
        }
        _ => {
            body.extend_from_slice(u.arbitrary::<&[u8]>()?.get(..20).unwrap_or_default());
            u.arbitrary()?
        }
    };
    let mut bytes = vec![id];
    put(&mut bytes, body.len());
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

fn sections(u: &mut Unstructured<'_>, depth: u32, most: u32) -> arbitrary::Result<Vec<u8>> {
    let mut bytes = HEAD.to_vec();
    for _ in 0..u.int_in_range(0..=most)? {
        bytes.extend_from_slice(&section(u, depth)?);
    }
    Ok(bytes)
}

/// A component, or what begins like one, mostly as it was written.
fn file(u: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    if u.ratio(1, 10)? {
        return Ok([one(u, &HEADS)?, u.arbitrary::<&[u8]>()?].concat());
    }
    let mut bytes = sections(u, 0, 7)?;
    if u.ratio(1, 12)? {
        // A tower, each in the one before.
        for _ in 0..u.int_in_range(1..=20)? {
            let mut section = vec![COMPONENT];
            put(&mut section, bytes.len());
            bytes = [HEAD, &section, &bytes].concat();
        }
    }
    if u.ratio(1, 5)? {
        for _ in 0..u.int_in_range(1..=4)? {
            let at = u.choose_index(bytes.len())?;
            bytes[at] ^= u.int_in_range(1..=255)?;
        }
    }
    if u.ratio(1, 12)? {
        bytes.truncate(u.choose_index(bytes.len())?);
    }
    Ok(bytes)
}

fn end(found: &Result<Option<crate::rule::Built>, AdmitError>) -> &'static str {
    match found {
        Ok(Some(_)) => "admitted, told by whom",
        Ok(None) => "admitted",
        Err(AdmitError::TooLarge { .. }) => "too large",
        Err(AdmitError::Precompiled) => "machine code",
        Err(AdmitError::NotWasm) => "no component",
        Err(AdmitError::CoreModule) => "a core module",
        Err(AdmitError::Invalid { detail }) if detail.starts_with("more than") => "too deep",
        Err(AdmitError::Invalid { detail }) if detail.starts_with("its section") => "too long a section",
        Err(AdmitError::Invalid { .. }) => "damaged",
        Err(AdmitError::Contract { .. }) => "another contract",
        Err(AdmitError::ForeignImport { .. }) => "another import",
        Err(AdmitError::MissingExport { .. }) => "no rule",
        Err(_) => "otherwise",
    }
}

#[test]
fn files_that_are_almost_components_are_admitted_or_told_why_not() {
    let limits = RuleLimits { component_bytes: 20_000, ..RuleLimits::default() };
    let ends: Ends = each("files", |u| {
        let bytes = file(u)?;
        let found = inspect(&bytes, &limits);
        match &found {
            Err(error) => {
                let told = error.to_string();
                assert!(is_plain(&told) && told.len() < 1_000, "{told:?}");
            }
            Ok(built) => {
                assert!(bytes.windows(22).any(|window| window == b"trueup:rules/rule@1.0."));
                for (key, value) in built.iter().flat_map(|built| &built.facts) {
                    assert!(is_plain(key) && is_plain(value) && key.len().max(value.len()) <= 200 + "…".len());
                }
            }
        }
        Ok(end(&found))
    });
    let names = [
        "admitted, told by whom",
        "admitted",
        "too large",
        "machine code",
        "no component",
        "a core module",
        "too deep",
        "too long a section",
        "damaged",
        "another contract",
        "another import",
        "no rule",
    ];
    reached(&ends, &names);
}
