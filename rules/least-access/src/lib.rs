//! Access is what the sources say, and no more.
//!
//! The rule brings each account, grant and credential to what a source of truth
//! justifies, attributes included. It removes access that has run out, that
//! nothing justifies and that nobody uses. Whatever it cannot know, it holds for
//! a human: an unknown side is never read as "not wanted".

mod reasons;
mod settings;

use std::borrow::Cow;

use trueup_guest::prelude::*;

pub use reasons::Why;
pub use settings::Settings;

/// Judges one case. Every case gets a verdict, so that reports can say why.
#[rule(
    name = "least-access",
    columns(approver, identity_owner, last_used, not_before, purpose, record, tier, via),
    canon = canon
)]
pub fn least_access(case: Case<'_>, cx: &Context<Settings>) -> Verdict<Why> {
    let (desired, observed) = (case.desired(), case.observed());
    if let Some(verdict) = untouchable(case, desired, observed, cx) {
        return verdict;
    }
    if desired.is_absent() {
        return undesired(case, observed);
    }
    outlived(case, observed, cx).or_else(|| unaccounted(case, observed, cx)).unwrap_or_else(|| aligned(case, desired, observed))
}

/// Logins are compared without regard to case, objects as they are.
pub fn canon(kind: Key, key: &str) -> Cow<'_, str> {
    match kind {
        Key::Holder if key.bytes().any(|byte| byte.is_ascii_uppercase()) => Cow::Owned(key.to_ascii_lowercase()),
        _ => Cow::Borrowed(key),
    }
}

/// What nobody knows is held, and what cannot be changed here is kept.
#[inline]
fn untouchable(case: Case<'_>, desired: Side, observed: Side, cx: &Context<Settings>) -> Option<Verdict<Why>> {
    let disputed = Side::Unknown(WhyUnknown::Disputed);
    if desired == disputed || observed == disputed {
        return Some(Verdict::hold(Why::Disputed));
    }
    if observed.is_unknown() {
        return Some(Verdict::hold(Why::ObservedUnknown));
    }
    if desired.is_unknown() {
        return Some(Verdict::hold(Why::DesiredUnknown));
    }
    if observed.exists() && case.is_inherited() {
        if cx.explain() {
            let via = case.via().unwrap_or("a parent that was not named");
            trueup_guest::log::info(format_args!("{} holds {} through {via}", case.holder(), case.object()));
        }
        return Some(Verdict::keep(Why::Inherited));
    }
    (observed.exists() && case.is_immutable()).then(|| Verdict::keep(Why::Immutable))
}

/// No source wants it.
#[inline]
fn undesired(case: Case<'_>, observed: Side) -> Verdict<Why> {
    if !observed.exists() {
        return Verdict::keep(Why::Agrees);
    }
    if case.is_additive() && !case.is_claimed() {
        return Verdict::keep(Why::NotOurs);
    }
    if case.is_break_glass() {
        return Verdict::hold(Why::BreakGlassUndesired);
    }
    if case.is_account() {
        // Deleting an account is for whoever knows that its holder has left.
        return match observed {
            Side::Disabled => Verdict::keep(Why::AccountRests),
            _ => Verdict::disabled(Why::AccountUndesired),
        };
    }
    match case.was_changed_elsewhere() && !case.recorded().exists() {
        true => Verdict::absent(Why::ForeignGrant),
        false => Verdict::absent(Why::Undesired),
    }
}

/// A source wants it, but its time has passed, has not come, or is not used.
#[inline]
fn outlived(case: Case<'_>, observed: Side, cx: &Context<Settings>) -> Option<Verdict<Why>> {
    let here = observed.exists();
    let gone = |why| if here { Verdict::absent(why) } else { Verdict::keep(why) };
    if case.has_expired(cx) {
        return Some(gone(Why::Expired));
    }
    if cx.is_future(case.not_before()) {
        return Some(gone(Why::NotYet));
    }
    if case.is_withheld() && observed.is_absent() {
        return Some(Verdict::keep(Why::Withheld));
    }
    // Logging in is not what an account is for.
    let days = cx.settings.unused_days;
    let may_idle = days == 0 || case.is_account() || case.is_break_glass();
    // Where it is gone already it stays so: a new grant would be as unused.
    (!may_idle && case.unused_for(Days(days), cx)).then(|| gone(Why::Unused))
}

/// A source wants it, but nobody answers for it.
#[inline]
fn unaccounted(case: Case<'_>, observed: Side, cx: &Context<Settings>) -> Option<Verdict<Why>> {
    let settings = cx.settings;
    if case.identity().is_orphan() {
        let risky = case.is_privileged() || i64::from(case.tier()) >= settings.disable_orphans_from_tier;
        let works = observed == Side::Present && case.subject() != Subject::Grant;
        return Some(match risky && works && !case.is_break_glass() {
            true => Verdict::disabled(Why::OrphanDisabled),
            false => Verdict::hold(Why::Orphan),
        });
    }
    if settings.require_record && case.record().is_none() {
        return Some(Verdict::hold(Why::NoRecord));
    }
    if case.is_account() || i64::from(case.tier()) < settings.justify_from_tier {
        return None;
    }
    if case.purpose().is_none() {
        return Some(Verdict::hold(Why::NoPurpose));
    }
    case.approver().is_none().then(|| Verdict::hold(Why::NoApprover))
}

/// A source wants it and somebody answers for it: make it so.
#[inline]
fn aligned(case: Case<'_>, desired: Side, observed: Side) -> Verdict<Why> {
    let elsewhere = case.was_changed_elsewhere();
    match (desired, observed) {
        // Less access than wanted, and nothing to switch off.
        (Side::Disabled, Side::Absent) => return Verdict::keep(Why::Agrees),
        (_, Side::Absent) if elsewhere && case.recorded().exists() => return Verdict::present(Why::ForeignRemoval),
        (_, Side::Absent) => return Verdict::present(Why::Missing),
        (Side::Disabled, Side::Present) => return Verdict::disabled(Why::ShouldBeDisabled),
        _ => {}
    }
    let differs = case.differs();
    let why = if differs.is_empty() {
        return Verdict::keep(if case.is_break_glass() { Why::BreakGlass } else { Why::Agrees });
    } else if elsewhere {
        Why::ForeignEdit
    } else if differs.contains(Attributes::ENABLED) {
        Why::ShouldBeEnabled
    } else if differs.contains(Attributes::LEVEL) {
        Why::LevelDiffers
    } else if differs.contains(Attributes::EXPIRES_AT) {
        Why::ExpiryDiffers
    } else {
        Why::DetailsDiffer
    };
    Verdict::true_up(differs, why)
}

trueup_guest::cases!();
trueup_guest::laws!(|laws| laws.identities(2_000));
