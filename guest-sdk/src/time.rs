//! Instants and lengths of time. There is no clock here: only the plan's
//! `as_of` tells what is past, and only a [`Context`](crate::Context) holds it.

use std::fmt;
use std::ops::{Add, Sub};

/// A recorded instant, to the second. An instant that is not recorded is no
/// `Time`: every accessor returns an `Option`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Time(i64);

impl Time {
    /// From seconds since 1970-01-01T00:00:00Z.
    pub const fn from_seconds(seconds: i64) -> Self {
        Time(seconds)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// From the contract, where zero means: not recorded.
    #[inline]
    pub(crate) const fn recorded(seconds: i64) -> Option<Self> {
        if seconds == 0 { None } else { Some(Time(seconds)) }
    }
}

/// A length of time in seconds; negative ones point backwards.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Seconds(pub i64);

/// A length of time in hours.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Hours(pub i64);

/// A length of time in days of 24 hours.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Days(pub i64);

impl From<Hours> for Seconds {
    #[inline]
    fn from(hours: Hours) -> Self {
        Seconds(hours.0.saturating_mul(3_600))
    }
}

impl From<Days> for Seconds {
    #[inline]
    fn from(days: Days) -> Self {
        Seconds(days.0.saturating_mul(86_400))
    }
}

/// Stops at the ends of what an instant can be, rather than wrap around.
impl<D: Into<Seconds>> Add<D> for Time {
    type Output = Time;

    #[inline]
    fn add(self, length: D) -> Time {
        Time(self.0.saturating_add(length.into().0))
    }
}

/// Stops at the ends of what an instant can be, rather than wrap around.
impl<D: Into<Seconds>> Sub<D> for Time {
    type Output = Time;

    #[inline]
    fn sub(self, length: D) -> Time {
        Time(self.0.saturating_sub(length.into().0))
    }
}

impl fmt::Display for Time {
    /// Seconds since 1970: a module carries no calendar.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
