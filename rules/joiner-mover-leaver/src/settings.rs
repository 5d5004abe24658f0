//! What a vendor can set for a tenant.

use trueup_guest::prelude::*;

/// The settings of `joiner-mover-leaver`.
#[derive(Settings, Clone, Debug)]
pub struct Settings {
    /// Days after a move for which the access of the old position stays.
    #[setting(default = 7, min = 0, max = 365)]
    pub retain_days: i64,
    /// Days after those for which removing it still waits for the access of the new position.
    #[setting(default = 14, min = 0, max = 365)]
    pub wait_days: i64,
    /// Days for which a leaver's account stays switched off before it is deleted; 0 never deletes one.
    #[setting(default = 30, min = 0, max = 3650)]
    pub delete_after_days: i64,
}
