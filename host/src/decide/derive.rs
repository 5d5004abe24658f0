//! One total function from what a rule asks and how a case stands to the kind of change. Knows nothing of scopes, time,
//! targets or who may do what: whether the change may be made is for `guard`.

use super::Refusal;
use crate::correlate::Side;
use crate::model::{Attribute, ChangeKind, Subject};

/// What a rule asks of a case. Numbers are those of the rule contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Effect {
    /// Leave it.
    Keep = 0,
    /// Let it be there and work, as desired.
    Present = 1,
    /// Let it be gone.
    Absent = 2,
    /// Let it be there without working.
    Disabled = 3,
    /// Take over attributes that differ.
    TrueUp = 4,
    /// Make a new one in its place.
    Replace = 5,
    /// A person must look first.
    Hold = 6,
}

impl Effect {
    /// Every effect, in the order of their codes.
    pub const ALL: [Effect; 7] =
        [Self::Keep, Self::Present, Self::Absent, Self::Disabled, Self::TrueUp, Self::Replace, Self::Hold];

    /// The effect of this code, if there is one.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Effect> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// Its stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Present => "present",
            Self::Absent => "absent",
            Self::Disabled => "disabled",
            Self::TrueUp => "true-up",
            Self::Replace => "replace",
            Self::Hold => "hold",
        }
    }
}

/// Where the wanted end lies against the observed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum End {
    /// At the same instant, or neither ends.
    Same,
    /// Before it.
    Earlier,
    /// After it, or never.
    Later,
}

/// One question to [`derive`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    pub effect: Effect,
    pub subject: Subject,
    pub desired: Side,
    pub observed: Side,
    /// Attributes that differ and that the rule wants.
    pub bits: u32,
    /// Whether the rule itself names an end.
    pub bounded: bool,
    pub end: End,
}

/// What follows from an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Derived {
    /// The rule leaves it.
    Keep,
    /// The rule holds it.
    Hold,
    /// It is as asked already.
    NoOp,
    /// This is to be done; the mask names the attributes that it writes.
    Change { kind: ChangeKind, mask: u32 },
    /// It cannot be done.
    Refuse(Refusal),
}

const ENABLED: u32 = Attribute::Enabled as u32;
const EXPIRES_AT: u32 = Attribute::ExpiresAt as u32;
const OWNER: u32 = Attribute::Owner as u32;
const ALL: u32 = crate::model::AttributeMask::ALL.0;

/// At most one change. What takes access away goes alone, so that no kind both adds and removes; the rest follows in the
/// next plan.
pub(super) fn derive(ask: &Ask) -> Derived {
    match (ask.effect, ask.desired, ask.observed) {
        (Effect::Keep, ..) => Derived::Keep,
        (Effect::Hold, ..) => Derived::Hold,
        (_, _, Side::Unknown) => Derived::Refuse(Refusal::ObservedUnknown),
        (Effect::Absent, _, Side::Absent) | (Effect::Disabled, _, Side::Absent | Side::Disabled) => Derived::NoOp,
        (_, Side::Unknown, _) => Derived::Refuse(Refusal::DesiredUnknown),
        (Effect::Absent, ..) => gone(ask.subject),
        (Effect::Disabled, ..) => change(ChangeKind::Disable, ENABLED),
        (_, Side::Absent, _) => Derived::Refuse(Refusal::NotDesired),
        (Effect::Present, ..) => present(ask),
        (Effect::TrueUp | Effect::Replace, _, Side::Absent) => Derived::Refuse(Refusal::Nonsense),
        (Effect::TrueUp, ..) => true_up(ask),
        (Effect::Replace, ..) => replace(ask),
    }
}

const fn change(kind: ChangeKind, mask: u32) -> Derived {
    Derived::Change { kind, mask }
}

const fn gone(subject: Subject) -> Derived {
    match subject {
        Subject::Account => change(ChangeKind::Delete, 0),
        Subject::Grant | Subject::Credential => change(ChangeKind::Revoke, 0),
    }
}

const fn made(subject: Subject) -> Derived {
    match subject {
        Subject::Account => change(ChangeKind::Create, ALL),
        Subject::Grant => change(ChangeKind::Grant, ALL),
        Subject::Credential => change(ChangeKind::Issue, ALL),
    }
}

/// Desired and observed are known, and something is desired. A disabled account may be made ahead of its first day;
/// anything else that is desired disabled is no reason for working access.
fn present(ask: &Ask) -> Derived {
    let ends = if ask.bounded && ask.end != End::Same { EXPIRES_AT } else { 0 };
    match (ask.desired, ask.observed) {
        (Side::Disabled, Side::Disabled) => Derived::NoOp,
        (Side::Disabled, Side::Absent) if ask.subject == Subject::Account => made(ask.subject),
        (Side::Disabled, _) => Derived::Refuse(Refusal::NotDesired),
        (_, Side::Absent) => made(ask.subject),
        (_, Side::Disabled) => change(ChangeKind::Enable, ENABLED | ends),
        _ if ask.bounded && ask.end == End::Earlier => change(ChangeKind::Shorten, EXPIRES_AT),
        _ => Derived::NoOp,
    }
}

/// Something is desired and observed.
fn true_up(ask: &Ask) -> Derived {
    let mut bits = ask.bits & ALL;
    if ask.desired == ask.observed {
        bits &= !ENABLED;
    }
    if ask.end == End::Same {
        bits &= !EXPIRES_AT;
    }
    let mut lowers = 0;
    if ask.desired == Side::Disabled {
        lowers |= bits & ENABLED;
    }
    if ask.end == End::Earlier {
        lowers |= bits & EXPIRES_AT;
    }
    match (bits, lowers) {
        (0, _) => Derived::NoOp,
        (_, EXPIRES_AT) => change(ChangeKind::Shorten, lowers),
        (_, 1..) => change(ChangeKind::Disable, lowers),
        _ if bits & ENABLED != 0 => change(ChangeKind::Enable, bits),
        (EXPIRES_AT, _) => change(ChangeKind::Extend, bits),
        (OWNER, _) => change(ChangeKind::Reown, bits),
        _ => change(ChangeKind::Update, bits),
    }
}

fn replace(ask: &Ask) -> Derived {
    match (ask.subject, ask.desired) {
        (Subject::Account | Subject::Grant, _) => Derived::Refuse(Refusal::Nonsense),
        (Subject::Credential, Side::Present) => change(ChangeKind::Rotate, ALL),
        (Subject::Credential, _) => Derived::Refuse(Refusal::NotDesired),
    }
}
