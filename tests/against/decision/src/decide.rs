//! The decision: one plain function over one plain struct.

use serde::{Deserialize, Serialize};

use crate::row::{ENABLED, EXPIRES_AT, Kind, LEVEL, NONE, Now, Row, Side, Subject};

/// "The same answers for ever": the last second of the year 9999.
const FOREVER: i64 = 253_402_300_799;
const DAY: i64 = 86_400;

/// What shall become of a case. Numbers are those of trueup's contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Effect {
    /// It stays as it is.
    Keep = 0,
    /// It shall be there.
    Present = 1,
    /// It shall not be there.
    Absent = 2,
    /// It shall be switched off.
    Disabled = 3,
    /// It shall take over what differs.
    TrueUp = 4,
    /// A human decides.
    Hold = 6,
}

macro_rules! reasons {
    ($($name:ident = $code:literal),* $(,)?) => {
        /// Why, in the order of the reasons of `least-access`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        #[expect(missing_docs, reason = "the rule itself says what each one means")]
        pub enum Why { $($name),* }

        /// The code of each [`Why`].
        pub const REASONS: &[&str] = &[$($code),*];
    };
}

reasons! {
    Agrees = "agrees",
    Missing = "missing",
    ForeignRemoval = "foreign-removal",
    ShouldBeEnabled = "should-be-enabled",
    ShouldBeDisabled = "should-be-disabled",
    LevelDiffers = "level-differs",
    ExpiryDiffers = "expiry-differs",
    DetailsDiffer = "details-differ",
    ForeignEdit = "foreign-edit",
    Undesired = "undesired",
    ForeignGrant = "foreign-grant",
    AccountUndesired = "account-undesired",
    AccountRests = "account-rests",
    NotOurs = "not-ours",
    Expired = "expired",
    NotYet = "not-yet",
    Unused = "unused",
    Withheld = "withheld",
    BreakGlass = "break-glass",
    BreakGlassUndesired = "break-glass-undesired",
    Inherited = "inherited",
    Immutable = "immutable",
    OrphanDisabled = "orphan-disabled",
    Orphan = "orphan",
    NoRecord = "no-record",
    NoPurpose = "no-purpose",
    NoApprover = "no-approver",
    DesiredUnknown = "desired-unknown",
    ObservedUnknown = "observed-unknown",
    Disputed = "disputed",
}

/// An answer, as numbers: what also crosses a sandbox's boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// An [`Effect`].
    pub effect: u8,
    /// A [`Why`].
    pub reason: u8,
    /// For a true-up: what to take over.
    pub mask: u8,
}

impl Verdict {
    const fn of(effect: Effect, why: Why) -> Self {
        Verdict { effect: effect as u8, reason: why as u8, mask: 0 }
    }
}

/// Judges all rows, and tells until when the answers hold.
#[must_use]
pub fn judge(now: &Now, rows: &[Row<'_>]) -> (Vec<Verdict>, i64) {
    let mut clock = Clock { as_of: now.as_of, valid_until: FOREVER };
    let verdicts = rows.iter().map(|row| decide(row, now, &mut clock)).collect();
    (verdicts, clock.valid_until)
}

/// Compares with the plan's instant, and remembers when an answer would change.
struct Clock {
    as_of: i64,
    valid_until: i64,
}

impl Clock {
    #[inline]
    fn is_past(&mut self, instant: i64) -> bool {
        if instant > self.as_of {
            self.valid_until = self.valid_until.min(instant);
        }
        instant != NONE && instant <= self.as_of
    }

    #[inline]
    fn is_future(&mut self, instant: i64) -> bool {
        instant != NONE && !self.is_past(instant)
    }
}

#[inline]
fn decide(row: &Row<'_>, now: &Now, clock: &mut Clock) -> Verdict {
    if let Some(verdict) = untouchable(row) {
        return verdict;
    }
    if row.desired == Side::Absent {
        return undesired(row);
    }
    outlived(row, now, clock).or_else(|| unaccounted(row, now)).unwrap_or_else(|| aligned(row))
}

#[inline]
fn untouchable(row: &Row<'_>) -> Option<Verdict> {
    use Effect::{Hold, Keep};
    if row.desired == Side::Disputed || row.observed == Side::Disputed {
        return Some(Verdict::of(Hold, Why::Disputed));
    }
    if row.observed == Side::Unknown {
        return Some(Verdict::of(Hold, Why::ObservedUnknown));
    }
    if row.desired == Side::Unknown {
        return Some(Verdict::of(Hold, Why::DesiredUnknown));
    }
    if row.observed.exists() && row.inherited {
        return Some(Verdict::of(Keep, Why::Inherited));
    }
    (row.observed.exists() && row.immutable).then_some(Verdict::of(Keep, Why::Immutable))
}

#[inline]
fn undesired(row: &Row<'_>) -> Verdict {
    if !row.observed.exists() {
        return Verdict::of(Effect::Keep, Why::Agrees);
    }
    if row.additive && !row.claimed {
        return Verdict::of(Effect::Keep, Why::NotOurs);
    }
    if row.break_glass {
        return Verdict::of(Effect::Hold, Why::BreakGlassUndesired);
    }
    if row.subject == Subject::Account {
        return match row.observed {
            Side::Disabled => Verdict::of(Effect::Keep, Why::AccountRests),
            _ => Verdict::of(Effect::Disabled, Why::AccountUndesired),
        };
    }
    let foreign = row.changed_elsewhere && !row.recorded.exists();
    Verdict::of(Effect::Absent, if foreign { Why::ForeignGrant } else { Why::Undesired })
}

#[inline]
fn outlived(row: &Row<'_>, now: &Now, clock: &mut Clock) -> Option<Verdict> {
    let gone = if row.observed.exists() { Effect::Absent } else { Effect::Keep };
    if clock.is_past(row.expires_at) {
        return Some(Verdict::of(gone, Why::Expired));
    }
    if clock.is_future(row.not_before) {
        return Some(Verdict::of(gone, Why::NotYet));
    }
    if row.withheld && row.observed == Side::Absent {
        return Some(Verdict::of(Effect::Keep, Why::Withheld));
    }
    let may_idle = now.unused_days == 0 || row.subject == Subject::Account || row.break_glass;
    if may_idle || row.last_used == NONE {
        return None;
    }
    let begun = if row.not_before == NONE { row.last_used } else { row.last_used.max(row.not_before) };
    let unused = clock.is_past(begun.saturating_add(now.unused_days.saturating_mul(DAY)));
    unused.then_some(Verdict::of(gone, Why::Unused))
}

#[inline]
fn unaccounted(row: &Row<'_>, now: &Now) -> Option<Verdict> {
    let tier = i64::from(row.tier);
    if row.identity_kind == Kind::Machine && row.identity_owner.is_none() {
        let risky = row.privileged || tier >= now.disable_orphans_from_tier;
        let works = row.observed == Side::Present && row.subject != Subject::Grant;
        return Some(match risky && works && !row.break_glass {
            true => Verdict::of(Effect::Disabled, Why::OrphanDisabled),
            false => Verdict::of(Effect::Hold, Why::Orphan),
        });
    }
    if now.require_record && row.record.is_none() {
        return Some(Verdict::of(Effect::Hold, Why::NoRecord));
    }
    if row.subject == Subject::Account || tier < now.justify_from_tier {
        return None;
    }
    if row.purpose.is_none() {
        return Some(Verdict::of(Effect::Hold, Why::NoPurpose));
    }
    row.approver.is_none().then_some(Verdict::of(Effect::Hold, Why::NoApprover))
}

#[inline]
fn aligned(row: &Row<'_>) -> Verdict {
    match (row.desired, row.observed) {
        (Side::Disabled, Side::Absent) => return Verdict::of(Effect::Keep, Why::Agrees),
        (_, Side::Absent) if row.changed_elsewhere && row.recorded.exists() => {
            return Verdict::of(Effect::Present, Why::ForeignRemoval);
        }
        (_, Side::Absent) => return Verdict::of(Effect::Present, Why::Missing),
        (Side::Disabled, Side::Present) => return Verdict::of(Effect::Disabled, Why::ShouldBeDisabled),
        _ => {}
    }
    let why = if row.differs == 0 {
        return Verdict::of(Effect::Keep, if row.break_glass { Why::BreakGlass } else { Why::Agrees });
    } else if row.changed_elsewhere {
        Why::ForeignEdit
    } else if row.differs & ENABLED != 0 {
        Why::ShouldBeEnabled
    } else if row.differs & LEVEL != 0 {
        Why::LevelDiffers
    } else if row.differs & EXPIRES_AT != 0 {
        Why::ExpiryDiffers
    } else {
        Why::DetailsDiffer
    };
    Verdict { mask: row.differs, ..Verdict::of(Effect::TrueUp, why) }
}
