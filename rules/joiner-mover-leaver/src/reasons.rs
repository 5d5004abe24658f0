//! Why the rule says what it says. Codes are stable: records refer to them.

use trueup_guest::prelude::*;

/// The reasons of `joiner-mover-leaver`.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A new account, made before anything that it is to hold.
    JoinerAccount,
    /// It is granted once its account is made.
    JoinerGrant,
    /// Its account is missing, and is not made either.
    JoinerNoAccount,
    /// It belongs to the old position, and stays until the new one is settled.
    MoverRetained,
    /// It belonged to the old position, and the time for which it stays is over.
    MoverRevoked,
    /// It belonged to the old position, and excludes what the new one needs.
    MoverConflict,
    /// The identity is on leave and keeps what it has.
    LeaveKept,
    /// The identity is on leave and gets nothing new.
    LeaveNothingNew,
    /// The identity has left, so its account is switched off.
    LeaverDisabled,
    /// The identity has left, so what its account holds goes.
    LeaverRevoked,
    /// The identity has left and gets nothing new.
    LeaverNothingNew,
    /// The leaver's account is off, and stays until what it holds is gone.
    LeaverAwaitsRemovals,
    /// The leaver's account is off, and stays until its days of grace are over.
    LeaverGrace,
    /// The leaver's account has been off for its days of grace, so it is deleted.
    LeaverDeleted,
}
