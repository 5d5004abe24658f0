//! How old may a key get?
//!
//! A key that is old has been copied: into a shell history, a build log, a laptop
//! that was sold. So it is replaced after some months, the new one before the old
//! one goes. Days before that it shows in reports. Where nobody is named to take
//! the new key, or it is the key for emergencies, a person does it.
//!
//! It reads a key's age from its record, since a batch does not say when a key
//! was made; a target that does can send a column for `vendor_time`.

use trueup_guest::prelude::*;

/// What can be set for a tenant.
#[derive(Settings, Clone, Debug)]
pub struct Settings {
    /// Days after which a key is replaced.
    #[setting(default = 90, min = 1, max = 3650)]
    pub key_days: i64,
    /// Days before that in which it shows in reports.
    #[setting(default = 14, min = 0, max = 365)]
    pub key_notice_days: i64,
}

/// Why it says what it says.
#[derive(Reasons, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The key is too old, so a new one takes its place.
    KeyOld,
    /// The key is too old, and a person has to replace it.
    KeyByHand,
    /// The key is going to be replaced in some days.
    KeyAging,
    /// Nobody knows whether this key is there or wanted.
    KeyUnknown,
}

/// Judges one case.
#[rule(name = "key-rotation", columns(not_before, owner))]
pub fn key_rotation(case: Case<'_>, cx: &Context<Settings>) -> Option<Verdict<Why>> {
    if case.subject() != Subject::Credential {
        return None;
    }
    if case.is_unknown() {
        return Some(Verdict::hold(Why::KeyUnknown));
    }
    let works = case.desired() == Side::Present && case.observed() == Side::Present;
    if !works || !case.is_changeable() || case.has_expired(cx) {
        return None;
    }
    let days = cx.settings.key_days;
    if !case.key_older_than(Days(days), cx) {
        let soon = case.key_older_than(Days(days - cx.settings.key_notice_days), cx);
        return soon.then(|| Verdict::keep(Why::KeyAging));
    }
    Some(match case.lacks_owner() || case.is_break_glass() {
        true => Verdict::hold(Why::KeyByHand),
        false => Verdict::replace(Why::KeyOld),
    })
}

trueup_guest::cases!("cases/key-rotation");
trueup_guest::laws!(|laws| laws.identities(2_000));
