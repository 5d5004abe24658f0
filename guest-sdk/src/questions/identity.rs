//! Questions about an identity: what it is, and where it is between its first
//! day and its last.

use crate::context::Context;
use crate::time::Seconds;
use crate::view::Identity;
use crate::words::{IdentityKind, Status};

/// What it is, and what has become of it. An instant that is not recorded makes
/// each of them false, unless they say otherwise.
impl Identity<'_> {
    /// Whether it is a human.
    #[inline]
    pub fn is_person(self) -> bool {
        self.kind() == IdentityKind::Person
    }

    /// Whether it is a service, workload, agent or device.
    #[inline]
    pub fn is_machine(self) -> bool {
        self.kind() == IdentityKind::Machine
    }

    /// Whether it is a machine for which nobody who is here answers. Column
    /// `identity-owner`.
    ///
    /// ```
    /// use trueup_guest::testing::ask;
    /// let exporter = r#"{ "identity": "exporter", "kind": "machine", "cases": [{ "account": { "target": "cloud" } }] }"#;
    /// assert!(ask("2026-03-01", exporter, |case, _| case.identity().is_orphan()));
    /// ```
    #[inline]
    pub fn is_orphan(self) -> bool {
        self.is_machine() && self.owner().is_none()
    }

    /// Whether a source says that it is gone, or its engagement has ended.
    ///
    /// ```
    /// use trueup_guest::testing::ask_until;
    /// let ada = r#"{ "identity": "ada", "ends_at": "2026-03-01", "cases": [{ "account": { "target": "crm" } }] }"#;
    /// let (left, until) = ask_until("2026-02-20", ada, |case, cx| case.identity().has_left(cx));
    /// assert_eq!((left, until.as_str()), (false, "2026-03-01"));
    /// let (left, _) = ask_until("2026-03-01", ada, |case, cx| case.identity().has_left(cx));
    /// assert!(left);
    /// ```
    #[inline]
    pub fn has_left<S>(self, cx: &Context<'_, S>) -> bool {
        self.status() == Status::Left || cx.is_past(self.ends_at())
    }

    /// Whether its engagement ended this long ago. False for one that is gone
    /// while nobody recorded when.
    ///
    /// ```
    /// use trueup_guest::{prelude::*, testing::ask};
    /// let ada = r#"{ "identity": "ada", "ends_at": "2026-03-01", "cases": [{ "account": { "target": "crm" } }] }"#;
    /// assert!(ask("2026-03-01T01:00:00Z", ada, |case, cx| case.identity().has_left_for(Hours(1), cx)));
    /// assert!(!ask("2026-03-01T00:59:59Z", ada, |case, cx| case.identity().has_left_for(Hours(1), cx)));
    /// ```
    #[inline]
    pub fn has_left_for<S>(self, length: impl Into<Seconds>, cx: &Context<'_, S>) -> bool {
        cx.older_than(self.ends_at(), length)
    }

    /// Whether its engagement ended less than this long ago.
    ///
    /// ```
    /// use trueup_guest::{prelude::*, testing::ask};
    /// let ada = r#"{ "identity": "ada", "ends_at": "2026-03-01", "cases": [{ "account": { "target": "crm" } }] }"#;
    /// assert!(ask("2026-03-01T00:30:00Z", ada, |case, cx| case.identity().has_left_within(Hours(1), cx)));
    /// assert!(!ask("2026-03-01T01:00:00Z", ada, |case, cx| case.identity().has_left_within(Hours(1), cx)));
    /// ```
    #[inline]
    pub fn has_left_within<S>(self, length: impl Into<Seconds>, cx: &Context<'_, S>) -> bool {
        cx.newer_than(self.ends_at(), length)
    }

    /// Whether its engagement is yet to end, within this time from now.
    ///
    /// ```
    /// use trueup_guest::{prelude::*, testing::ask};
    /// let ada = r#"{ "identity": "ada", "ends_at": "2026-03-15", "cases": [{ "account": { "target": "crm" } }] }"#;
    /// assert!(ask("2026-03-01", ada, |case, cx| case.identity().leaves_within(Days(14), cx)));
    /// assert!(!ask("2026-02-28", ada, |case, cx| case.identity().leaves_within(Days(14), cx)));
    /// ```
    #[inline]
    pub fn leaves_within<S>(self, length: impl Into<Seconds>, cx: &Context<'_, S>) -> bool {
        self.status() != Status::Left && cx.within(self.ends_at(), length)
    }

    /// Whether it changed its position, less than this long ago. What that
    /// position was is not in a batch; what it left behind is
    /// [`Case::was_left_by_a_move`](crate::Case::was_left_by_a_move).
    ///
    /// ```
    /// use trueup_guest::{prelude::*, testing::ask};
    /// let ada = r#"{ "identity": "ada", "moved_at": "2026-02-25", "cases": [{ "account": { "target": "crm" } }] }"#;
    /// assert!(ask("2026-03-01", ada, |case, cx| case.identity().moved_within(Days(7), cx)));
    /// assert!(!ask("2026-03-04", ada, |case, cx| case.identity().moved_within(Days(7), cx)));
    /// ```
    #[inline]
    pub fn moved_within<S>(self, length: impl Into<Seconds>, cx: &Context<'_, S>) -> bool {
        cx.newer_than(self.moved_at(), length)
    }
}
