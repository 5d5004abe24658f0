//! Who said yes to that?
//!
//! Nobody gives themselves the keys. Privileged access, new or old, waits until
//! its record names an approver who is neither the one that gets it nor its
//! owner. What is there stays while it waits: the missing signature is a fault of
//! the record, not yet of the access.
//!
//! It compares names as they are written. Whether the approver may approve is for
//! the system in which they did.

use trueup_guest::prelude::*;

/// What can be set for a tenant.
#[derive(Settings, Clone, Debug)]
pub struct Settings {
    /// Risk tier from which access needs an approver.
    #[setting(default = 3, min = 0, max = 4)]
    pub approved_from_tier: i64,
}

/// Why it says what it says.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It needs an approver, and none is named.
    NotApproved,
    /// It was approved by the one who gains by it.
    SelfApproved,
    /// It needs an approver, and nobody knows whether it is there or wanted.
    ApprovalUnknown,
}

/// Judges one case.
#[rule(name = "approved-privilege", columns(approver, owner, tier))]
pub fn approved_privilege(case: Case<'_>, cx: &Context<Settings>) -> Option<Verdict<Why>> {
    if !case.reaches_tier(cx.settings.approved_from_tier) {
        return None;
    }
    if case.is_unknown() {
        return Some(Verdict::hold(Why::ApprovalUnknown));
    }
    if !case.desired().exists() || case.is_approved_by_another() {
        return None;
    }
    Some(Verdict::hold(if case.approver().is_none() { Why::NotApproved } else { Why::SelfApproved }))
}

trueup_guest::cases!("cases/approved-privilege");
trueup_guest::laws!();
