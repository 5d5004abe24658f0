//! What a vendor can set for a tenant.

use trueup_guest::prelude::*;

/// The settings of `separation-of-duties`.
#[derive(Settings, Clone, Debug)]
pub struct Settings {
    /// Sets of entitlements that no identity may hold together, each written "target/object + target/object".
    #[setting(default = [])]
    pub toxic_combinations: Vec<String>,
    /// Risk tier of its last entitlement from which a combination that is held is broken by removing that one; 4 only holds.
    #[setting(default = 4, min = 0, max = 4)]
    pub break_combinations_from_tier: i64,
}
