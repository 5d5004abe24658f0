//! A vendor comes in for a repair.
//!
//! A vendor's engineer has access while the repair goes on, and none before or
//! after. Each window has an end within days, which is written into the target;
//! outside of it whatever the vendor has is switched off or taken away.
//!
//! It knows vendors by their unit. It does not watch what they do inside the
//! window.

use trueup_guest::prelude::*;

/// What can be set for a tenant.
#[derive(Settings, Clone, Debug)]
pub struct Settings {
    /// Units whose people come from vendors.
    #[setting(default = ["vendors"])]
    pub vendor_units: Vec<String>,
    /// Hours for which a window may be open.
    #[setting(default = 72, min = 1, max = 8760)]
    pub window_hours: i64,
}

/// Why it says what it says.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The window is open, so the vendor comes in, until it closes.
    VendorInside,
    /// The window is not open, so the vendor goes out.
    VendorOutside,
    /// The window is open for too long, or has no end.
    VendorWindowTooLong,
    /// It is a vendor's, and nobody knows whether it is there or wanted.
    VendorUnknown,
}

/// Judges one case.
#[rule(name = "vendor-access", columns(identity_unit, not_before))]
pub fn vendor_access(case: Case<'_>, cx: &Context<Settings>) -> Option<Verdict<Why>> {
    let unit = case.identity().unit()?;
    if !cx.settings.vendor_units.iter().any(|vendors| vendors == unit) {
        return None;
    }
    if case.is_unknown() {
        return Some(Verdict::hold(Why::VendorUnknown));
    }
    if !case.is_wanted_now(cx) {
        return Verdict::take(case, Why::VendorOutside);
    }
    if case.granted_longer_than(Hours(cx.settings.window_hours), cx) {
        return Some(Verdict::hold(Why::VendorWindowTooLong));
    }
    let comes = case.is_missing() && !case.is_withheld();
    comes.then(|| Verdict::present(Why::VendorInside).until(case.desired_expires_at()))
}

trueup_guest::cases!("cases/vendor-access");
trueup_guest::laws!();
