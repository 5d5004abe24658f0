//! Why the rule says what it says. Codes are stable: records refer to them.

use trueup_guest::prelude::*;

/// The reasons of `least-access`.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The target holds what the sources want.
    Agrees,
    /// The sources want it and the target does not have it.
    Missing,
    /// Somebody else removed it, and the sources still want it.
    ForeignRemoval,
    /// It is switched off, and the sources want it switched on.
    ShouldBeEnabled,
    /// The sources want it switched off.
    ShouldBeDisabled,
    /// The level is not the one that the sources want.
    LevelDiffers,
    /// It ends at another time than the sources want.
    ExpiryDiffers,
    /// Its owner or purpose is not the one that the sources name.
    DetailsDiffer,
    /// Somebody else changed it, and the sources want it otherwise.
    ForeignEdit,
    /// No source wants it.
    Undesired,
    /// Somebody else granted it, and no source wants it.
    ForeignGrant,
    /// No source wants this account, so it is switched off.
    AccountUndesired,
    /// No source wants this account, and it is switched off.
    AccountRests,
    /// It is an extra in a scope where extras stay unless they are ours.
    NotOurs,
    /// The time for which it was wanted has passed.
    Expired,
    /// The time from which it is wanted has not come.
    NotYet,
    /// Nobody has used it for longer than unused access may stay.
    Unused,
    /// It was taken away while its sources wanted it, and they still list it as before.
    Withheld,
    /// It is kept for emergencies, however rarely it is used.
    BreakGlass,
    /// It is kept for emergencies, and no source lists it any more.
    BreakGlassUndesired,
    /// It comes from a parent, and can only be removed there.
    Inherited,
    /// The target does not let anybody change it.
    Immutable,
    /// Nobody answers for this machine identity, and this is too risky to leave on.
    OrphanDisabled,
    /// Nobody answers for this machine identity.
    Orphan,
    /// No source record justifies it.
    NoRecord,
    /// Access of this tier needs a purpose, and none is stated.
    NoPurpose,
    /// Access of this tier needs an approver, and none is named.
    NoApprover,
    /// What the sources want is not known.
    DesiredUnknown,
    /// What the target holds is not known.
    ObservedUnknown,
    /// Two holders could be the same identity.
    Disputed,
}
