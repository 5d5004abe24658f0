//! The clean-up backlog: access that is held and should not stay as it is, counted by why. Pure, and told beside a plan: it
//! changes none. Owns what counts as debt; what is done about it is for rules.

mod tally;
#[cfg(test)]
mod tests;
mod weigh;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use tally::{Debt, Item, Tally};
pub use weigh::{Census, count};

/// Why access is debt. One case may be debt in more than one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// Its holder has left, or no source knows who that is.
    Orphaned,
    /// No source wants it.
    Unwanted,
    /// A machine or a credential that nobody at work answers for.
    Unowned,
    /// Privileged access that works at all times: it has no end, and is not kept for emergencies.
    Standing,
    /// A credential that works, without an end or with one that is too far away.
    LongLived,
    /// It works and was not used for too long.
    Unused,
    /// It is wanted, but by no record that somebody approved, or the approval is too old.
    Unreviewed,
}

impl Kind {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Kind; 7] =
        [Kind::Orphaned, Kind::Unwanted, Kind::Unowned, Kind::Standing, Kind::LongLived, Kind::Unused, Kind::Unreviewed];

    /// Its name, as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Orphaned => "orphaned",
            Kind::Unwanted => "unwanted",
            Kind::Unowned => "unowned",
            Kind::Standing => "standing",
            Kind::LongLived => "long_lived",
            Kind::Unused => "unused",
            Kind::Unreviewed => "unreviewed",
        }
    }

    /// What it says of the cases that it counts.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Kind::Orphaned => "held by who has left or is unknown",
            Kind::Unwanted => "wanted by no source",
            Kind::Unowned => "nobody answers for it",
            Kind::Standing => "privileged, without an end",
            Kind::LongLived => "secrets that live too long",
            Kind::Unused => "not used for too long",
            Kind::Unreviewed => "not approved, or long ago",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// From when on access is debt. Days of 86,400 seconds; zero: never for that reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Terms {
    /// Days without use.
    pub unused_days: u32,
    /// Days that a credential may still have before it.
    pub secret_days: u32,
    /// Days since the record of a wish began.
    pub review_days: u32,
}

impl Default for Terms {
    /// A quarter without use, a quarter for secrets, a year between reviews.
    fn default() -> Self {
        Terms { unused_days: 90, secret_days: 90, review_days: 365 }
    }
}
