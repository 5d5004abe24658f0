//! What a vendor can set for a tenant.

use trueup_guest::prelude::*;

/// The settings of `least-access`.
#[derive(Settings, Clone, Debug)]
pub struct Settings {
    /// Days after which an unused grant or credential is removed; 0 never removes one for that.
    #[setting(default = 90, min = 0, max = 3650)]
    pub unused_days: i64,
    /// Risk tier from which access needs a purpose and an approver; 4 asks for neither.
    #[setting(default = 2, min = 0, max = 4)]
    pub justify_from_tier: i64,
    /// Whether desired access without a source record is held.
    #[setting(default = true)]
    pub require_record: bool,
    /// Risk tier from which a machine identity without an owner is switched off rather than held; 4 only holds.
    #[setting(default = 2, min = 0, max = 4)]
    pub disable_orphans_from_tier: i64,
}
