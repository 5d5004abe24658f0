//! Questions about a case and lengths of time.

use crate::context::Context;
use crate::time::Seconds;
use crate::view::Case;
use crate::words::{Side, Subject};

/// How long, and until when. Each answer narrows until when the host may reuse
/// the batch, to the instant at which it changes. An instant that is not
/// recorded makes each of them false, unless they say otherwise.
impl Case<'_> {
    /// Whether a source wants it to work now: its time has come, and has not
    /// passed. Column `not-before`.
    ///
    /// ```
    /// use trueup_guest::testing::ask;
    /// let ada = r#"{ "identity": "ada", "cases": [
    ///     { "grant": { "target": "git", "object": "repo:payments" },
    ///       "desired": { "state": "present", "not_before": "2026-03-01", "expires_at": "2026-04-01" } }
    /// ] }"#;
    /// assert!(!ask("2026-02-28", ada, |case, cx| case.is_wanted_now(cx)));
    /// assert!(ask("2026-03-01", ada, |case, cx| case.is_wanted_now(cx)));
    /// assert!(!ask("2026-04-01", ada, |case, cx| case.is_wanted_now(cx)));
    /// ```
    #[inline]
    pub fn is_wanted_now<S>(self, cx: &Context<'_, S>) -> bool {
        self.desired() == Side::Present && cx.is_between(self.not_before(), self.desired_expires_at())
    }

    /// Whether a source wants it still, though its time has passed.
    ///
    /// ```
    /// use trueup_guest::testing::ask_until;
    /// let ada = r#"{ "identity": "ada", "cases": [
    ///     { "grant": { "target": "git", "object": "repo:payments" },
    ///       "desired": { "state": "present", "expires_at": "2026-03-01" } }
    /// ] }"#;
    /// let (expired, until) = ask_until("2026-02-28", ada, |case, cx| case.has_expired(cx));
    /// assert_eq!((expired, until.as_str()), (false, "2026-03-01"));
    /// let (expired, until) = ask_until("2026-03-01", ada, |case, cx| case.has_expired(cx));
    /// assert_eq!((expired, until.as_str()), (true, "9999-12-31T23:59:59Z"));
    /// ```
    #[inline]
    pub fn has_expired<S>(self, cx: &Context<'_, S>) -> bool {
        self.desired().exists() && cx.is_past(self.desired_expires_at())
    }

    /// Whether a source wants it, and wants it to end within this time from now.
    ///
    /// ```
    /// use trueup_guest::{prelude::*, testing::ask_until};
    /// let exporter = r#"{ "identity": "exporter", "kind": "machine", "cases": [
    ///     { "credential": { "target": "cloud", "object": "key:a" },
    ///       "desired": { "state": "present", "expires_at": "2026-03-15" } }
    /// ] }"#;
    /// let (due, until) = ask_until("2026-02-28", exporter, |case, cx| case.expires_within(Days(14), cx));
    /// assert_eq!((due, until.as_str()), (false, "2026-03-01"));
    /// let (due, until) = ask_until("2026-03-01", exporter, |case, cx| case.expires_within(Days(14), cx));
    /// assert_eq!((due, until.as_str()), (true, "2026-03-15"));
    /// ```
    #[inline]
    pub fn expires_within<S>(self, length: impl Into<Seconds>, cx: &Context<'_, S>) -> bool {
        self.desired().exists() && cx.within(self.desired_expires_at(), length)
    }

    /// Whether nobody has used it for this long. A record that began later than
    /// the last use starts the time anew. A target that reports no use at all
    /// says nothing: false. Columns `last-used` and `not-before`.
    ///
    /// ```
    /// use trueup_guest::{prelude::*, testing::ask};
    /// let ada = r#"{ "identity": "ada", "cases": [
    ///     { "grant": { "target": "git", "object": "repo:payments" },
    ///       "desired": { "state": "present", "not_before": "2026-01-10" },
    ///       "observed": { "state": "present", "last_used": "2025-06-01" } }
    /// ] }"#;
    /// assert!(!ask("2026-03-01", ada, |case, cx| case.unused_for(Days(90), cx)));
    /// assert!(ask("2026-04-10", ada, |case, cx| case.unused_for(Days(90), cx)));
    /// ```
    #[inline]
    pub fn unused_for<S>(self, length: impl Into<Seconds>, cx: &Context<'_, S>) -> bool {
        let idle_since = self.last_used().map(|used| self.not_before().map_or(used, |begun| used.max(begun)));
        cx.older_than(idle_since, length)
    }

    /// Whether somebody used it, less than this long ago. Column `last-used`.
    ///
    /// ```
    /// use trueup_guest::{prelude::*, testing::ask};
    /// let ada = r#"{ "identity": "ada", "cases": [
    ///     { "grant": { "target": "cloud", "object": "role:emergency" },
    ///       "observed": { "state": "present", "last_used": "2026-02-27" } }
    /// ] }"#;
    /// assert!(ask("2026-03-01", ada, |case, cx| case.used_within(Days(7), cx)));
    /// assert!(!ask("2026-03-06", ada, |case, cx| case.used_within(Days(7), cx)));
    /// ```
    #[inline]
    pub fn used_within<S>(self, length: impl Into<Seconds>, cx: &Context<'_, S>) -> bool {
        cx.newer_than(self.last_used(), length)
    }

    /// Whether the target has held it for this long without a source that wants
    /// it. False in the plan that sees it for the first time. Column
    /// `undesired-since`.
    ///
    /// ```
    /// use trueup_guest::{prelude::*, testing::ask};
    /// let ada = r#"{ "identity": "ada", "cases": [
    ///     { "grant": { "target": "git", "object": "repo:old" },
    ///       "observed": "present", "undesired_since": "2026-02-01" }
    /// ] }"#;
    /// assert!(ask("2026-03-01", ada, |case, cx| case.undesired_for(Days(14), cx)));
    /// assert!(!ask("2026-02-10", ada, |case, cx| case.undesired_for(Days(14), cx)));
    /// ```
    #[inline]
    pub fn undesired_for<S>(self, length: impl Into<Seconds>, cx: &Context<'_, S>) -> bool {
        self.is_undesired() && cx.older_than(self.undesired_since(), length)
    }

    /// Whether it has been there and switched off for this long. Column
    /// `disabled-since`.
    ///
    /// ```
    /// use trueup_guest::{prelude::*, testing::ask};
    /// let ada = r#"{ "identity": "ada", "cases": [
    ///     { "account": { "target": "crm" },
    ///       "observed": { "state": "disabled", "disabled_since": "2025-11-01" } }
    /// ] }"#;
    /// assert!(ask("2026-03-01", ada, |case, cx| case.disabled_for(Days(90), cx)));
    /// ```
    #[inline]
    pub fn disabled_for<S>(self, length: impl Into<Seconds>, cx: &Context<'_, S>) -> bool {
        self.observed() == Side::Disabled && cx.older_than(self.disabled_since(), length)
    }

    /// Whether a source wants it for longer than this, from the instant at which
    /// it may begin, else from now. True where no end is recorded. Column
    /// `not-before`.
    ///
    /// ```
    /// use trueup_guest::{prelude::*, testing::ask};
    /// let ada = r#"{ "identity": "ada", "cases": [
    ///     { "grant": { "target": "cloud", "object": "role:emergency" },
    ///       "desired": { "state": "present", "not_before": "2026-03-01", "expires_at": "2026-03-01T12:00:00Z" } }
    /// ] }"#;
    /// assert!(ask("2026-03-01", ada, |case, cx| case.granted_longer_than(Hours(8), cx)));
    /// assert!(!ask("2026-03-01", ada, |case, cx| case.granted_longer_than(Hours(12), cx)));
    /// ```
    #[inline]
    pub fn granted_longer_than<S>(self, length: impl Into<Seconds>, cx: &Context<'_, S>) -> bool {
        let length = length.into();
        self.desired().exists()
            && match (self.not_before(), self.desired_expires_at()) {
                (_, None) => true,
                (Some(begin), Some(end)) => end > begin + length,
                // It gets shorter as time passes, up to the instant at which it is as long as this.
                (None, Some(end)) => cx.is_future(end - length),
            }
    }

    /// Whether it is a credential whose record began this long ago. A batch does
    /// not say when a key was made: where a target does, ask for that column and
    /// use [`vendor_time`](Self::vendor_time). Column `not-before`.
    ///
    /// ```
    /// use trueup_guest::{prelude::*, testing::ask};
    /// let exporter = r#"{ "identity": "exporter", "kind": "machine", "cases": [
    ///     { "credential": { "target": "cloud", "object": "key:a" },
    ///       "desired": { "state": "present", "not_before": "2025-11-01" }, "observed": "present" }
    /// ] }"#;
    /// assert!(ask("2026-03-01", exporter, |case, cx| case.key_older_than(Days(90), cx)));
    /// assert!(!ask("2026-01-01", exporter, |case, cx| case.key_older_than(Days(90), cx)));
    /// ```
    #[inline]
    pub fn key_older_than<S>(self, age: impl Into<Seconds>, cx: &Context<'_, S>) -> bool {
        self.subject() == Subject::Credential && cx.older_than(self.not_before(), age)
    }

    /// Whether it is access of a position that its identity has left: the target
    /// holds it, and no source has wanted it since the move. Accounts do not
    /// belong to a position. Column `undesired-since`.
    ///
    /// ```
    /// use trueup_guest::testing::ask;
    /// let ada = r#"{ "identity": "ada", "moved_at": "2026-02-01", "cases": [
    ///     { "grant": { "target": "git", "object": "repo:old-team" },
    ///       "observed": "present", "undesired_since": "2026-02-01T06:00:00Z" }
    /// ] }"#;
    /// assert!(ask("2026-03-01", ada, |case, cx| case.was_left_by_a_move(cx)));
    /// let long_ago = ada.replace("2026-02-01T06", "2025-02-01T06");
    /// assert!(!ask("2026-03-01", &long_ago, |case, cx| case.was_left_by_a_move(cx)));
    /// ```
    #[inline]
    pub fn was_left_by_a_move<S>(self, cx: &Context<'_, S>) -> bool {
        let Some(moved_at) = self.identity().moved_at() else { return false };
        !self.is_account()
            && self.is_undesired()
            && match self.undesired_since() {
                Some(since) => since >= moved_at,
                // Seen for the first time: since now.
                None => cx.is_past(moved_at),
            }
    }
}
