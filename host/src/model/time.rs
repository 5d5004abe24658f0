//! Instants. Owns parsing and printing; never asks a clock.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Seconds since 1970-01-01T00:00:00Z. Zero means "no instant is recorded".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(i64);

/// A text that is no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no instant; write it like 2026-03-01T00:00:00Z or 2026-03-01")]
pub struct TimeError {
    text: String,
}

impl Time {
    /// No instant.
    pub const NONE: Time = Time(0);

    /// From seconds since the epoch.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Time(seconds)
    }

    /// Seconds since the epoch; zero when there is none.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// Whether an instant is recorded.
    #[must_use]
    pub const fn is_some(self) -> bool {
        self.0 != 0
    }

    /// Whether no instant is recorded.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.0 == 0
    }

    /// This instant moved by `seconds`, at most to the ends of the range.
    #[must_use]
    pub const fn plus(self, seconds: i64) -> Self {
        Time(self.0.saturating_add(seconds))
    }

    /// Reads RFC 3339, a date (midnight UTC) or seconds since the epoch. Empty text is [`Time::NONE`].
    ///
    /// # Errors
    /// When the text is none of these.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let error = || TimeError { text: text.chars().take(64).collect() };
        if text.is_empty() {
            return Ok(Time::NONE);
        }
        if text.bytes().all(|b| b.is_ascii_digit() || b == b'-') && !text.get(1..).unwrap_or("").contains('-') {
            return text.parse().map(Time).map_err(|_| error());
        }
        if let Ok(date) = text.parse::<jiff::civil::Date>()
            && text.len() == 10
        {
            let zoned = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| error())?;
            return Ok(Time(zoned.timestamp().as_second()));
        }
        text.parse::<jiff::Timestamp>().map(|t| Time(t.as_second())).map_err(|_| error())
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            _ if self.is_none() => f.write_str("-"),
            Ok(t) => write!(f, "{t}"),
            Err(_) => write!(f, "{}s", self.0),
        }
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Time({self})")
    }
}

/// RFC 3339 text, or null for none: what every stored and printed form holds.
impl Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_none() { serializer.serialize_none() } else { serializer.collect_str(self) }
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Option::<std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.map_or(Ok(Time::NONE), |t| Time::parse(&t).map_err(serde::de::Error::custom))
    }
}

#[cfg(test)]
mod tests {
    use super::Time;

    #[test]
    fn reads_what_it_prints() {
        for (text, printed) in [
            ("2026-03-01", "2026-03-01T00:00:00Z"),
            ("2026-03-01T12:30:00+02:00", "2026-03-01T10:30:00Z"),
            ("1592853086", "2020-06-22T19:11:26Z"),
            ("", "-"),
        ] {
            assert_eq!(Time::parse(text).map(|t| t.to_string()).as_deref(), Ok(printed), "{text}");
        }
        for text in ["soon", "2026-13-01", "2026-03-01T", "99999999999999999999"] {
            assert!(Time::parse(text).is_err(), "{text}");
        }
    }
}
