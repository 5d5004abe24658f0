//! Why the rule says what it says. Codes are stable: records refer to them.

use trueup_guest::prelude::*;

/// The reasons of `machine-identities`.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Nobody who is here answers for this machine.
    MachineOrphan,
    /// Nobody who is here answers for this machine, and its account is too risky to leave on.
    MachineOrphanDisabled,
    /// Nobody who is here answers for this machine, and this is too risky to leave.
    MachineOrphanRevoked,
    /// What a machine has needs an end, and none is stated.
    MachineWithoutEnd,
    /// The machine's owner changes, and nobody else approved that.
    MachineOwnerChanged,
    /// What the machine has this for changes, and nobody but its owner approved that.
    MachinePurposeChanged,
    /// The machine reaches a target that it had nothing in, and nobody but its owner approved that.
    MachineEnvironmentNew,
    /// A credential needs an owner of its own, and none is named.
    KeyWithoutOwner,
    /// Nobody has used the credential for longer than one may lie about.
    KeyUnused,
    /// Nobody has used the credential for longer than one may lie about, and it is too risky to leave.
    KeyUnusedRevoked,
    /// Several accounts use this one credential.
    KeyShared,
    /// Several accounts use this one credential, and it is too risky to leave.
    KeySharedRevoked,
    /// The credential ends soon, and no source lists its successor.
    KeyDue,
    /// A new credential, made before the one goes whose place it takes.
    KeyNew,
    /// Its successors are there first; then it goes.
    KeyReplaced,
    /// Its successors are not all there, nor on their way, so it stays.
    KeyWaits,
    /// One of the accounts that use it gets no successor, so it stays for all of them.
    KeyConsumerLeftOut,
}
