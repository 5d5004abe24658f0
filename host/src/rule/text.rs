//! Text that a rule wrote, made safe to show and bounded. Known without wasmtime.

use std::fmt::Write as _;

/// Escapes what could forge or hide other output (line breaks, control characters and with them terminal sequences,
/// changes of writing direction, invisible characters), and cuts after `bytes` bytes with a mark.
pub(crate) fn shown(text: &str, bytes: u64) -> String {
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    let mut out = String::with_capacity(text.len().min(bytes));
    for c in text.chars() {
        let before = out.len();
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if hides(c) => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
        if out.len() > bytes {
            out.truncate(before);
            out.push('…');
            break;
        }
    }
    out
}

/// Whether a text can be shown as it is.
pub(crate) fn is_plain(text: &str) -> bool {
    !text.chars().any(hides)
}

const fn hides(c: char) -> bool {
    c.is_ascii_control()
        || matches!(c,
            '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::{is_plain, shown};

    #[test]
    fn text_cannot_forge_other_output() {
        for (text, bytes, expected) in [
            ("plain, ünïcode", 100, "plain, ünïcode"),
            ("two\nlines\r\n", 100, "two\\nlines\\r\\n"),
            ("\u{1b}[31mred", 100, "\\u{1b}[31mred"),
            ("user\u{202e}nimda", 100, "user\\u{202e}nimda"),
            ("zero\u{200b}width\u{feff}", 100, "zero\\u{200b}width\\u{feff}"),
            ("\0\u{7f}\u{85}", 100, "\\u{0}\\u{7f}\\u{85}"),
            ("abcdef", 3, "abc…"),
            ("aüü", 3, "aü…"),
            ("ab\n", 3, "ab…"),
            ("", 0, ""),
        ] {
            assert_eq!(shown(text, bytes), expected, "{text:?}");
        }
        assert!(is_plain("contractors-expire") && !is_plain("a\tb"));
    }
}
