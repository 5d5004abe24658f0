//! Names and texts taken from an author's items.

use proc_macro2::Span;
use syn::{Attribute, Error, Expr, ExprLit, Lit, Meta, Result};

/// The first paragraph of a doc comment, as one line.
pub(crate) fn text(attributes: &[Attribute]) -> String {
    let mut text = String::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("doc")) {
        let Meta::NameValue(pair) = &attribute.meta else { continue };
        let Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) = &pair.value else { continue };
        let line = line.value();
        match (line.trim(), text.is_empty()) {
            ("", true) => {}
            ("", false) => break,
            (line, true) => text.push_str(line),
            (line, false) => {
                text.push(' ');
                text.push_str(line);
            }
        }
    }
    text
}

/// `unused_days` and `UnusedDays` as `unused-days`.
pub(crate) fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for letter in name.trim_start_matches("r#").chars() {
        match letter {
            '_' => kebab.push('-'),
            _ if letter.is_uppercase() => {
                if !kebab.is_empty() {
                    kebab.push('-');
                }
                kebab.extend(letter.to_lowercase());
            }
            _ => kebab.push(letter),
        }
    }
    kebab
}

/// Holds a name that files and reports repeat to its form: the host would refuse it too, but far from where it is written.
pub(crate) fn plain(name: &str, span: Span, what: &str) -> Result<()> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !name.is_empty() && name.bytes().all(plain) {
        return Ok(());
    }
    Err(Error::new(span, format!("{what} `{name}` must be lower case letters a to z, digits and hyphens")))
}
