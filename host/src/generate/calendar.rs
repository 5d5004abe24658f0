//! The month's days as instants. Owns no event.

use crate::model::Time;

/// Days that the month has after its first, which is day 0.
pub const DAYS: u16 = 30;

const DAY: i64 = 86_400;

/// 2026-03-02T06:00:00Z, a Monday morning: when day 0 is judged.
const START: i64 = 1_772_431_200;

/// When a day's sources are read and its plan is made: six in the morning, UTC.
#[must_use]
pub const fn instant(day: u16) -> Time {
    Time::from_seconds(START + day as i64 * DAY)
}

/// The midnight before [`instant`]: when access ends that ends on this day.
#[must_use]
pub const fn midnight(day: u16) -> Time {
    instant(day).plus(-6 * 3_600)
}

/// A midnight so many days before day 0.
pub(super) const fn days_before(days: u64) -> Time {
    midnight(0).plus(-(days as i64) * DAY)
}

/// A midnight so many days after day 0, within the month or beyond.
pub(super) const fn days_after(days: u64) -> Time {
    midnight(0).plus(days as i64 * DAY)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_month_begins_on_a_monday_morning() {
        assert_eq!(super::instant(0).to_string(), "2026-03-02T06:00:00Z");
        assert_eq!(super::midnight(30).to_string(), "2026-04-01T00:00:00Z");
    }
}
