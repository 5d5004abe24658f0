//! What holds for the whole batch, and the one way to ask about time.

use std::cell::Cell;

use crate::time::{Seconds, Time};

/// "The same answers for ever" where no comparison sets an end: the last second
/// of the year 9999.
const FOREVER: i64 = 253_402_300_799;

/// What a rule is told besides the cases: its settings and the plan's instant.
///
/// Time is asked about through comparisons. Each one remembers the instant at
/// which its answer will change, and the earliest of them is until when the host
/// may reuse the batch's answers. An instant that is not recorded is never past.
pub struct Context<'a, S = ()> {
    /// The rule's settings, as the vendor configured them for this tenant.
    pub settings: &'a S,
    as_of: i64,
    flags: u32,
    valid_until: &'a Cell<i64>,
}

// Derived, these would ask the settings to be copied too.

impl<S> Clone for Context<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Context<'_, S> {}

impl<'a, S> Context<'a, S> {
    pub(crate) fn new(settings: &'a S, as_of: i64, flags: u32, valid_until: &'a Cell<i64>) -> Self {
        Context { settings, as_of, flags, valid_until }
    }

    pub(crate) fn clock() -> Cell<i64> {
        Cell::new(FOREVER)
    }

    /// The same context with other settings: a composed rule hands each of its
    /// parts the part's own.
    #[inline]
    pub fn with<T>(&self, settings: &'a T) -> Context<'a, T> {
        Context { settings, as_of: self.as_of, flags: self.flags, valid_until: self.valid_until }
    }

    /// Whether an instant is now or before.
    #[inline]
    pub fn is_past(&self, instant: impl Into<Option<Time>>) -> bool {
        match instant.into() {
            None => false,
            Some(instant) if instant.seconds() <= self.as_of => true,
            Some(instant) => {
                self.valid_until.set(self.valid_until.get().min(instant.seconds()));
                false
            }
        }
    }

    /// Whether an instant is yet to come. Not the opposite of
    /// [`is_past`](Self::is_past) for an instant that is not recorded: that one is neither.
    #[inline]
    pub fn is_future(&self, instant: impl Into<Option<Time>>) -> bool {
        match instant.into() {
            None => false,
            Some(instant) => !self.is_past(instant),
        }
    }

    /// Whether an instant lies at least this long back.
    #[inline]
    pub fn older_than(&self, instant: impl Into<Option<Time>>, age: impl Into<Seconds>) -> bool {
        match instant.into() {
            None => false,
            Some(instant) => self.is_past(instant + age.into()),
        }
    }

    /// Whether an instant is now or before, and lies less than this long back.
    ///
    /// ```
    /// use trueup_guest::{prelude::*, testing::ask_until};
    /// let ada = r#"{ "identity": "ada", "moved_at": "2026-02-25", "cases": [{ "account": { "target": "crm" } }] }"#;
    /// let moved = |case: Case<'_>, cx: &Context<'_>| cx.newer_than(case.identity().moved_at(), Days(7));
    /// assert_eq!(ask_until("2026-03-01", ada, moved), (true, "2026-03-04".to_string()));
    /// ```
    #[inline]
    pub fn newer_than(&self, instant: impl Into<Option<Time>>, age: impl Into<Seconds>) -> bool {
        match instant.into() {
            None => false,
            Some(instant) => self.is_between(instant, instant + age.into()),
        }
    }

    /// Whether an instant is yet to come, and at most this far away.
    #[inline]
    pub fn within(&self, instant: impl Into<Option<Time>>, length: impl Into<Seconds>) -> bool {
        match instant.into() {
            None => false,
            Some(instant) => self.is_between(instant - length.into(), instant),
        }
    }

    /// Whether it is now the time from one instant up to another, the latter
    /// left out. Where one of them is not recorded, the time has always begun,
    /// or never ends.
    ///
    /// ```
    /// use trueup_guest::{prelude::*, testing::ask_until};
    /// let ada = r#"{ "identity": "ada", "ends_at": "2026-03-10", "cases": [{ "account": { "target": "crm" } }] }"#;
    /// let here = |case: Case<'_>, cx: &Context<'_>| cx.is_between(case.identity().moved_at(), case.identity().ends_at());
    /// assert_eq!(ask_until("2026-03-01", ada, here), (true, "2026-03-10".to_string()));
    /// ```
    #[inline]
    pub fn is_between(&self, begin: impl Into<Option<Time>>, end: impl Into<Option<Time>>) -> bool {
        let (begin, end) = (begin.into(), end.into());
        // No time at all: to ask about it would name an instant at which nothing changes.
        let never = matches!((begin, end), (Some(begin), Some(end)) if begin >= end);
        !never && !self.is_future(begin) && !self.is_past(end)
    }

    /// The plan's instant itself. Reading it makes the answers good for this
    /// plan only, since nothing tells when they would change: prefer the
    /// comparisons.
    pub fn as_of(&self) -> Time {
        self.never_reuse();
        Time::from_seconds(self.as_of)
    }

    /// The plan's instant without a trace: for tests of what finds that out.
    #[cfg(test)]
    pub(crate) fn hidden_as_of(&self) -> i64 {
        self.as_of
    }

    /// Says that the answers depend on more than the batch and the comparisons.
    pub fn never_reuse(&self) {
        self.valid_until.set(0);
    }

    /// Whether somebody reads along, so that logging is worth its cost.
    #[inline]
    pub fn explain(&self) -> bool {
        self.flags & 1 != 0
    }
}
