//! Why can we not remove it?
//!
//! Access that comes through a group can only be removed in the group. A revoke
//! of the member alone would be answered with success, and change nothing. So it
//! is kept, with a reason that reports can count and the name of the parent where
//! somebody reads along; privileged access waits for a person who takes it out of
//! the parent.
//!
//! It does not change the parent: whoever else has it by the same way would lose
//! it too.

use trueup_guest::prelude::*;

/// Why it says what it says.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// No source wants it, and it can only be removed where it comes from.
    InheritedUndesired,
    /// No source wants it, it is privileged, and it can only be removed where it comes from.
    InheritedPrivileged,
    /// It comes from elsewhere, and nobody knows whether it is there or wanted.
    InheritedUnknown,
}

/// Judges one case.
#[rule(name = "inherited-access", columns(via))]
pub fn inherited_access(case: Case<'_>, cx: &Context) -> Option<Verdict<Why>> {
    if !case.is_inherited() {
        return None;
    }
    if case.is_unknown() {
        return Some(Verdict::hold(Why::InheritedUnknown));
    }
    if !case.is_undesired() {
        return None;
    }
    if cx.explain() {
        let via = case.via().unwrap_or("a parent that was not named");
        trueup_guest::log::info(format_args!("{} holds {} through {via}", case.holder(), case.object()));
    }
    Some(match case.is_privileged() {
        true => Verdict::hold(Why::InheritedPrivileged),
        false => Verdict::keep(Why::InheritedUndesired),
    })
}

trueup_guest::cases!("cases/inherited-access");
trueup_guest::laws!();
