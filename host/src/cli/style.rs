//! How text looks: colour only on a terminal, columns that line up, numbers that people can read.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

/// A heading.
pub const BOLD: Style = Style::new().bold();
/// Something beside the point.
pub const DIM: Style = Style::new().dimmed();
/// Access that comes.
pub const GREEN: Style = AnsiColor::Green.on_default();
/// Access that goes.
pub const RED: Style = AnsiColor::Red.on_default();
/// Something that waits.
pub const YELLOW: Style = AnsiColor::Yellow.on_default();
/// A name to copy.
pub const CYAN: Style = AnsiColor::Cyan.on_default();

/// Text in a style; the writer strips it where there is no terminal.
pub fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// A count with thin groups of three: `12,345`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 change`, `2 changes`, `2 entries`.
#[must_use]
pub fn plural(number: u64, noun: &str) -> String {
    let stem = noun.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u']));
    let (stem, end) = match stem {
        _ if number == 1 => (noun, ""),
        Some(stem) => (stem, "ies"),
        None if noun.ends_with("ch") => (noun, "es"),
        None => (noun, "s"),
    };
    format!("{} {stem}{end}", count(number))
}

/// A span of time in its two largest units: `45 s`, `12 min`, `3 h`, `2 d 4 h`.
#[must_use]
pub fn lasting(seconds: i64) -> String {
    let seconds = seconds.unsigned_abs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let with = |large: String, rest: u64, unit: &str| if rest == 0 { large } else { format!("{large} {rest} {unit}") };
    match () {
        () if minutes == 0 => format!("{seconds} s"),
        () if hours == 0 => with(format!("{minutes} min"), seconds % 60, "s"),
        () if days == 0 => with(format!("{hours} h"), minutes % 60, "min"),
        () => with(format!("{} d", count(days)), hours % 24, "h"),
    }
}

/// Text from outside, safe to print: control and direction characters are shown, not obeyed.
#[must_use]
pub fn safe(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let hidden =
                c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            let escaped: Vec<char> = if hidden { c.escape_unicode().collect() } else { vec![c] };
            escaped
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{count, lasting, safe};

    #[test]
    fn spans_of_time_have_two_units_at_most() {
        let told = [0, 59, 60, 3_599, 3_600, 3_660, 86_400, 90_061, -10_800].map(lasting);
        assert_eq!(told, ["0 s", "59 s", "1 min", "59 min 59 s", "1 h", "1 h 1 min", "1 d", "1 d 1 h", "3 h"]);
    }

    #[test]
    fn numbers_and_hostile_text() {
        assert_eq!((count(0), count(999), count(1_234_567)), ("0".into(), "999".into(), "1,234,567".into()));
        assert_eq!(safe("a\u{1b}[31m\u{202e}b"), "a\\u{1b}[31m\\u{202e}b");
    }
}
