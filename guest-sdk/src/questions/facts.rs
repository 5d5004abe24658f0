//! Questions about a case that do not depend on any instant.

use crate::view::Case;
use crate::words::Attributes;

/// The highest risk tier.
const TOP_TIER: i64 = 3;

/// What holds of it whenever it is asked.
impl Case<'_> {
    /// Whether nobody knows what is wanted, or what is there. Such a case can be
    /// held and nothing else: the host refuses to take away what may be wanted,
    /// and to touch what it cannot see.
    ///
    /// ```
    /// use trueup_guest::testing::ask;
    /// let ada = r#"{ "identity": "ada", "cases": [
    ///     { "grant": { "target": "git", "object": "repo:x" }, "desired": "unknown: no-source", "observed": "present" }
    /// ] }"#;
    /// assert!(ask("2026-03-01", ada, |case, _| case.is_unknown()));
    /// ```
    #[inline]
    pub fn is_unknown(self) -> bool {
        self.desired().is_unknown() || self.observed().is_unknown()
    }

    /// Whether the target holds it and no source wants it.
    ///
    /// ```
    /// use trueup_guest::testing::ask;
    /// let ada = r#"{ "identity": "ada", "cases": [
    ///     { "grant": { "target": "git", "object": "repo:x" }, "observed": "present" }
    /// ] }"#;
    /// assert!(ask("2026-03-01", ada, |case, _| case.is_undesired()));
    /// ```
    #[inline]
    pub fn is_undesired(self) -> bool {
        self.desired().is_absent() && self.observed().exists()
    }

    /// Whether a source wants it and the target does not hold it.
    ///
    /// ```
    /// use trueup_guest::testing::ask;
    /// let ada = r#"{ "identity": "ada", "cases": [
    ///     { "grant": { "target": "git", "object": "repo:x" }, "desired": "present" }
    /// ] }"#;
    /// assert!(ask("2026-03-01", ada, |case, _| case.is_missing()));
    /// ```
    #[inline]
    pub fn is_missing(self) -> bool {
        self.desired().exists() && self.observed().is_absent()
    }

    /// Whether a plan may take it away: it is not held through something else,
    /// the target lets it be changed, and it is no extra in a scope where extras
    /// stay.
    ///
    /// ```
    /// use trueup_guest::testing::ask;
    /// let ada = r#"{ "identity": "ada", "cases": [
    ///     { "grant": { "target": "git", "object": "repo:x" }, "observed": "present", "traits": ["inherited"] }
    /// ] }"#;
    /// assert!(!ask("2026-03-01", ada, |case, _| case.is_changeable()));
    /// ```
    #[inline]
    pub fn is_changeable(self) -> bool {
        let extra = self.is_additive() && !self.is_claimed() && !self.desired().exists();
        !self.is_inherited() && !self.is_immutable() && !extra
    }

    /// Whether its risk is of this tier or a higher one. What is privileged is of
    /// the highest; above that there is none, so 4 is never reached. Column `tier`.
    ///
    /// ```
    /// use trueup_guest::testing::ask;
    /// let ada = r#"{ "identity": "ada", "cases": [
    ///     { "grant": { "target": "git", "object": "repo:x" }, "observed": "present", "tier": 2 }
    /// ] }"#;
    /// assert!(ask("2026-03-01", ada, |case, _| case.reaches_tier(2) && !case.reaches_tier(3)));
    /// ```
    #[inline]
    pub fn reaches_tier(self, tier: i64) -> bool {
        let own = if self.is_privileged() { TOP_TIER } else { i64::from(self.tier()) };
        own >= tier
    }

    /// Whether no owner is named for it. A machine's own owner is another
    /// question: [`Identity::is_orphan`](crate::Identity::is_orphan). Column
    /// `owner`.
    ///
    /// ```
    /// use trueup_guest::testing::ask;
    /// let exporter = r#"{ "identity": "exporter", "kind": "machine", "owner": "grace", "cases": [
    ///     { "credential": { "target": "cloud", "object": "key:a" }, "observed": "present" }
    /// ] }"#;
    /// assert!(ask("2026-03-01", exporter, |case, _| case.lacks_owner() && !case.identity().is_orphan()));
    /// ```
    #[inline]
    pub fn lacks_owner(self) -> bool {
        self.owner().is_none()
    }

    /// Whether both sides exist and state different purposes.
    ///
    /// ```
    /// use trueup_guest::testing::ask;
    /// let ada = r#"{ "identity": "ada", "cases": [
    ///     { "grant": { "target": "git", "object": "repo:x" },
    ///       "desired": { "state": "present", "purpose": "billing" },
    ///       "observed": { "state": "present", "purpose": "migration" } }
    /// ] }"#;
    /// assert!(ask("2026-03-01", ada, |case, _| case.purpose_changed()));
    /// ```
    #[inline]
    pub fn purpose_changed(self) -> bool {
        self.desired().exists() && self.observed().exists() && self.differs().contains(Attributes::PURPOSE)
    }

    /// Whether somebody approved it who is neither its owner nor the identity
    /// that gets it. Names are compared as they are written. Columns `approver`
    /// and `owner`.
    ///
    /// ```
    /// use trueup_guest::testing::ask;
    /// let ada = r#"{ "identity": "ada", "cases": [
    ///     { "grant": { "target": "git", "object": "repo:x" },
    ///       "desired": { "state": "present", "approver": "grace" } }
    /// ] }"#;
    /// assert!(ask("2026-03-01", ada, |case, _| case.is_approved_by_another()));
    /// assert!(!ask("2026-03-01", &ada.replace("grace", "ada"), |case, _| case.is_approved_by_another()));
    /// ```
    #[inline]
    pub fn is_approved_by_another(self) -> bool {
        self.approver().is_some_and(|approver| Some(approver) != self.owner() && approver != self.identity().name())
    }

    /// Whether a source wants it beyond the end of its identity's engagement.
    /// False where that end is not recorded.
    ///
    /// ```
    /// use trueup_guest::testing::ask;
    /// let ada = r#"{ "identity": "ada", "ends_at": "2026-06-01", "cases": [
    ///     { "grant": { "target": "git", "object": "repo:x" }, "desired": "present" }
    /// ] }"#;
    /// assert!(ask("2026-03-01", ada, |case, _| case.outlives_engagement()));
    /// ```
    #[inline]
    pub fn outlives_engagement(self) -> bool {
        let end = self.identity().ends_at();
        self.desired().exists() && end.is_some_and(|end| self.desired_expires_at().is_none_or(|own| own > end))
    }

    /// Whether it and another case are two entitlements of one exclusion group.
    /// To compare each case of an identity with each other takes the square of
    /// their number: look at those in a group alone. Column `exclusion`.
    ///
    /// ```
    /// use trueup_guest::testing::ask;
    /// let ada = r#"{ "identity": "ada", "cases": [
    ///     { "grant": { "target": "erp", "object": "role:payer" }, "observed": "present", "exclusion": "payments" },
    ///     { "grant": { "target": "erp", "object": "role:approver" }, "observed": "present", "exclusion": "payments" }
    /// ] }"#;
    /// assert!(ask("2026-03-01", ada, |case, _| case.identity().cases().any(|other| case.conflicts_with(other))));
    /// ```
    #[inline]
    pub fn conflicts_with(self, other: Case<'_>) -> bool {
        let two = self.object() != other.object() || self.target() != other.target();
        two && self.exclusion().is_some_and(|group| other.exclusion() == Some(group))
    }
}
