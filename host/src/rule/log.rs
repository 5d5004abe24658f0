//! The log of one call: what the rule wrote, escaped and bounded, the last lines kept. Known without wasmtime.

use std::collections::VecDeque;

use super::limits::RuleLimits;
use super::text;

/// Least that a line counts, so that empty lines are not free.
const LINE_COSTS: u64 = 16;

/// How the guest kit's panic hook begins its line, written before the trap: `panic at src/lib.rs:3:9 while judging case
/// 7: message`. Place and case may be missing.
const PANIC: &str = "panic";
const CASE: &str = " while judging case ";

/// Lines of one call.
#[derive(Debug, Default)]
pub(crate) struct Log {
    lines: VecDeque<(u8, String)>,
    dropped: u64,
    written: u64,
}

impl Log {
    /// Takes one line. Level 0 error, 1 warn, 2 info, 3 debug; others count as debug.
    ///
    /// # Errors
    /// How much was written, when that is more than allowed.
    pub(crate) fn write(&mut self, level: u8, message: &str, limits: &RuleLimits) -> Result<(), u64> {
        self.written = self.written.saturating_add(LINE_COSTS.max(message.len() as u64));
        if self.written > limits.log_bytes {
            return Err(self.written);
        }
        self.lines.push_back((level.min(3), text::shown(message, limits.log_line_bytes)));
        if self.lines.len() as u64 > limits.log_lines {
            self.lines.pop_front();
            self.dropped += 1;
        }
        Ok(())
    }

    /// The panic that the last error line tells of, and the case.
    pub(crate) fn panic(&self) -> Option<(String, Option<u32>)> {
        let (_, line) = self.lines.iter().rev().find(|(level, _)| *level == 0)?;
        let (head, _) = line.strip_prefix(PANIC)?.split_once(": ")?;
        let case = head.split_once(CASE).and_then(|(_, number)| number.parse().ok());
        (head.is_empty() || head.starts_with(' ')).then(|| (line.clone(), case))
    }

    /// The lines, led by one that counts those that were dropped.
    pub(crate) fn into_lines(self) -> Vec<(u8, String)> {
        let note = (self.dropped > 0).then(|| (1, format!("{} earlier lines are left out", self.dropped)));
        note.into_iter().chain(self.lines).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Log, RuleLimits};

    #[test]
    fn the_tail_is_kept_and_the_rest_counted() {
        let limits = RuleLimits { log_lines: 2, log_line_bytes: 4, ..RuleLimits::default() };
        let mut log = Log::default();
        for line in ["one", "two", "three", "\u{1b}["] {
            assert_eq!(log.write(9, line, &limits), Ok(()));
        }
        let lines: Vec<_> = log.into_lines();
        let texts: Vec<(u8, &str)> = lines.iter().map(|(level, text)| (*level, text.as_str())).collect();
        assert_eq!(texts, [(1, "2 earlier lines are left out"), (3, "thre…"), (3, "…")]);
    }

    #[test]
    fn a_flood_is_stopped() {
        let limits = RuleLimits { log_bytes: 40, ..RuleLimits::default() };
        let mut log = Log::default();
        assert_eq!(log.write(2, "", &limits), Ok(()));
        assert_eq!(log.write(2, "", &limits), Ok(()));
        assert_eq!(log.write(2, "", &limits), Err(48));
    }

    #[test]
    fn a_panic_tells_place_and_case() {
        for (line, expected) in [
            ("panic at src/lib.rs:3:9 while judging case 7: no: way", Some(Some(7))),
            ("panic at src/lib.rs:3:9: boom", Some(None)),
            ("panic: boom while judging case 3: x", Some(None)),
            ("panicking: boom", None),
            ("panic", None),
        ] {
            let mut log = Log::default();
            assert_eq!(log.write(0, line, &RuleLimits::default()), Ok(()));
            assert_eq!(log.write(2, "later", &RuleLimits::default()), Ok(()));
            assert_eq!(log.panic(), expected.map(|case| (line.to_owned(), case)), "{line}");
        }
    }
}
