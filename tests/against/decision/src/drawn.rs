//! Cases that no estate holds together: drawn over everything that the decision reads, so that each of its reasons is given
//! and every edge of a comparison of instants is met. To compare answers with, never to measure.

use crate::row::{Kind, NONE, Now, Row, Side, Subject};

const DAY: i64 = 86_400;
const TEXTS: [Option<&str>; 4] = [None, Some("system:payroll"), Some("request-17"), Some("nobody in particular")];

/// A generator of numbers that is the same everywhere: 64-bit linear congruential, upper bits.
struct Numbers(u64);

impl Numbers {
    /// A number below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound.max(1)
    }

    /// Whether something happens once in so many times.
    fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// No text once in four times.
    fn text(&mut self) -> Option<&'static str> {
        TEXTS.get(self.below(TEXTS.len() as u64) as usize).copied().flatten()
    }

    /// An instant around those at which an answer changes, or none.
    fn time(&mut self, now: &Now) -> i64 {
        let edge = if self.once_in(2) { now.as_of } else { now.as_of - now.unused_days * DAY };
        match self.below(4) {
            0 => edge + self.below(3) as i64 - 1,
            1 => now.as_of + (self.below(400) as i64 - 200) * DAY,
            _ => NONE,
        }
    }

    /// Known sides more often than unknown ones, which end most of the decision.
    fn side(&mut self) -> Side {
        match self.below(16) {
            0 => Side::Disputed,
            1 => Side::Unknown,
            known => Side::from((known % 3) as u8),
        }
    }
}

/// So many drawn cases, always the same.
#[must_use]
pub fn drawn(now: &Now, count: usize) -> Vec<Row<'static>> {
    let mut numbers = Numbers(7);
    (0..count).map(|_| one(&mut numbers, now)).collect()
}

fn one(numbers: &mut Numbers, now: &Now) -> Row<'static> {
    Row {
        expires_at: numbers.time(now),
        not_before: numbers.time(now),
        last_used: numbers.time(now),
        identity_owner: numbers.text(),
        purpose: numbers.text(),
        record: numbers.text(),
        approver: numbers.text(),
        subject: Subject::from(numbers.below(3) as u8),
        desired: numbers.side(),
        observed: numbers.side(),
        // What was recorded is never disputed.
        recorded: Side::from(numbers.below(4) as u8),
        identity_kind: Kind::from(numbers.below(4) as u8),
        differs: if numbers.once_in(3) { 0 } else { numbers.below(32) as u8 },
        tier: numbers.below(4) as u8,
        inherited: numbers.once_in(5),
        immutable: numbers.once_in(5),
        changed_elsewhere: numbers.once_in(5),
        claimed: numbers.once_in(5),
        privileged: numbers.once_in(5),
        break_glass: numbers.once_in(5),
        additive: numbers.once_in(5),
        withheld: numbers.once_in(5),
    }
}
