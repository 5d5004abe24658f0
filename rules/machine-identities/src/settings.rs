//! What a vendor can set for a tenant.

use trueup_guest::prelude::*;

/// The settings of `machine-identities`.
#[derive(Settings, Clone, Debug)]
pub struct Settings {
    /// Risk tier from which an account or grant of a machine needs an end; 4 asks for none. A credential always needs one.
    #[setting(default = 0, min = 0, max = 4)]
    pub machine_end_from_tier: i64,
    /// Risk tier from which what a machine without a live owner has is taken away rather than held; 4 only holds.
    #[setting(default = 2, min = 0, max = 4)]
    pub revoke_orphans_from_tier: i64,
    /// Days after which an unused credential of a machine is held or revoked; 0 never looks at use.
    #[setting(default = 60, min = 0, max = 3650)]
    pub key_unused_days: i64,
    /// Risk tier from which an unused credential is revoked rather than held; 4 only holds.
    #[setting(default = 1, min = 0, max = 4)]
    pub revoke_unused_keys_from_tier: i64,
    /// Risk tier from which a credential that several accounts share is revoked rather than held; 4 only holds.
    #[setting(default = 3, min = 0, max = 4)]
    pub revoke_shared_keys_from_tier: i64,
    /// Days before its end from which a credential without a successor is held up to a person; 0 never is.
    #[setting(default = 14, min = 0, max = 3650)]
    pub key_due_days: i64,
    /// Risk tier from which a new owner, purpose or environment needs an approver other than the owner; 4 asks for none.
    #[setting(default = 1, min = 0, max = 4)]
    pub review_machines_from_tier: i64,
}
