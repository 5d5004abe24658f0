//! Why the rule says what it says. Codes are stable: records refer to them.

use trueup_guest::prelude::*;

/// The reasons of `separation-of-duties`.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// With it, the identity would hold a combination that nobody may hold.
    ToxicCombination,
    /// The combination that it would complete is being taken apart, and it waits until that is done.
    ToxicWaits,
    /// It is part of a combination that nobody may hold, and the identity holds all of it.
    ToxicHeld,
    /// It completed a combination that nobody may hold, and is too risky to leave.
    ToxicBroken,
    /// The identity would hold more than one of its exclusion group.
    ExclusiveSecond,
    /// The identity holds more than one of its exclusion group.
    ExclusiveHeld,
}
