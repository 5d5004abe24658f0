//! Somebody moved. The old access is still there.
//!
//! Movers collect access: each position adds some, and none goes. What no source
//! has wanted since the move stays for two weeks, so that work can be handed
//! over, and then goes. Privileged access goes at once: a hand-over is no reason
//! for it.
//!
//! It does not touch what nobody wanted before the move either; see `unrecorded`.

use trueup_guest::prelude::*;

/// What can be set for a tenant.
#[derive(Settings, Clone, Debug)]
pub struct Settings {
    /// Days for which the access of an old position stays.
    #[setting(default = 14, min = 0, max = 365)]
    pub handover_days: i64,
}

/// Why it says what it says.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It belongs to the old position, and stays while work is handed over.
    OldAccessKept,
    /// It belongs to the old position, and the time to hand work over has passed.
    OldAccessOver,
    /// It belongs to the old position, and is privileged.
    OldAccessPrivileged,
    /// The identity has moved, and nobody knows whether this is there or wanted.
    OldAccessUnknown,
}

/// Judges one case.
#[rule(name = "retained-access", columns(undesired_since))]
pub fn retained_access(case: Case<'_>, cx: &Context<Settings>) -> Option<Verdict<Why>> {
    if !cx.is_past(case.identity().moved_at()) {
        return None;
    }
    if case.is_unknown() {
        return Some(Verdict::hold(Why::OldAccessUnknown));
    }
    if !case.was_left_by_a_move(cx) || !case.is_changeable() || case.is_break_glass() {
        return None;
    }
    Some(if case.is_privileged() {
        Verdict::absent(Why::OldAccessPrivileged)
    } else if case.undesired_for(Days(cx.settings.handover_days), cx) {
        Verdict::absent(Why::OldAccessOver)
    } else {
        Verdict::keep(Why::OldAccessKept)
    })
}

trueup_guest::cases!("cases/retained-access");
trueup_guest::laws!();
