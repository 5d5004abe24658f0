//! What a rule says of a case.

use crate::fault::Fault;
use crate::reasons::Reasons;
use crate::time::Time;
use crate::view::Case;
use crate::words::{Attributes, Side};

/// What shall become of a subject. The host derives the change from it, or
/// refuses; see the contract.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// It stays as it is.
    Keep,
    /// It shall be there.
    Present,
    /// It shall not be there.
    Absent,
    /// It shall be there and switched off.
    Disabled,
    /// It shall take over differing attributes.
    TrueUp,
    /// A new one shall take its place.
    Replace,
    /// A human decides.
    Hold,
}

/// An effect with its reason and the rule's share in the order of changes.
#[derive(Clone, Copy, PartialEq, Debug)]
#[must_use = "a verdict does nothing until it is returned or given"]
pub struct Verdict<W> {
    pub(crate) effect: Effect,
    pub(crate) reason: W,
    pub(crate) mask: u32,
    pub(crate) tier: u8,
    pub(crate) rank: i16,
    pub(crate) after: u32,
    pub(crate) exclusive: bool,
    pub(crate) until: i64,
}

/// No case comes first.
pub(crate) const NONE: u32 = u32::MAX;

impl<W> Verdict<W> {
    fn new(effect: Effect, reason: W) -> Self {
        Verdict { effect, reason, mask: 0, tier: 0, rank: 0, after: NONE, exclusive: false, until: 0 }
    }

    /// It stays as it is.
    pub fn keep(reason: W) -> Self {
        Self::new(Effect::Keep, reason)
    }

    /// It shall be there. Only what a source justifies can be.
    pub fn present(reason: W) -> Self {
        Self::new(Effect::Present, reason)
    }

    /// It shall not be there.
    pub fn absent(reason: W) -> Self {
        Self::new(Effect::Absent, reason)
    }

    /// It shall be there and switched off.
    pub fn disabled(reason: W) -> Self {
        Self::new(Effect::Disabled, reason)
    }

    /// It shall take over these of its differing attributes.
    pub fn true_up(attributes: Attributes, reason: W) -> Self {
        Verdict { mask: attributes.bits(), ..Self::new(Effect::TrueUp, reason) }
    }

    /// A new one shall take its place: a rotation.
    pub fn replace(reason: W) -> Self {
        Self::new(Effect::Replace, reason)
    }

    /// A human decides.
    pub fn hold(reason: W) -> Self {
        Self::new(Effect::Hold, reason)
    }

    /// What takes a case away, as far as a rule may: an account is switched off,
    /// anything else is removed. Nothing where there is nothing to take, nobody
    /// knows what is wanted or there, or no plan may change it
    /// ([`Case::is_changeable`]).
    ///
    /// ```
    /// use trueup_guest::{prelude::*, testing::ask};
    /// let ada = r#"{ "identity": "ada", "cases": [
    ///     { "account": { "target": "crm" }, "desired": "present", "observed": "present" }
    /// ] }"#;
    /// assert!(ask("2026-03-01", ada, |case, _| Verdict::take(case, "left") == Some(Verdict::disabled("left"))));
    /// let unknown = ada.replace(r#""desired": "present""#, r#""desired": "unknown""#);
    /// assert!(ask("2026-03-01", &unknown, |case, _| Verdict::take(case, "left").is_none()));
    /// ```
    pub fn take(case: Case<'_>, reason: W) -> Option<Self> {
        let known = !case.desired().is_unknown() && case.observed().exists();
        match (case.is_account(), case.observed()) {
            _ if !known || !case.is_changeable() => None,
            (true, Side::Disabled) => None,
            (true, _) => Some(Self::disabled(reason)),
            (false, _) => Some(Self::absent(reason)),
        }
    }

    /// How risky the change is, 0 lowest to 3 highest. The host's own tier
    /// stands where it is higher.
    pub fn tier(self, tier: u8) -> Self {
        Verdict { tier: tier.min(3), ..self }
    }

    /// Order among changes of the same wave, lower first.
    pub fn rank(self, rank: i16) -> Self {
        Verdict { rank, ..self }
    }

    /// Another case of the same identity that must be confirmed first; none
    /// leaves the verdict as it is.
    pub fn after<'a>(self, case: impl Into<Option<Case<'a>>>) -> Self {
        Verdict { after: case.into().map_or(self.after, Case::index), ..self }
    }

    /// Revoke before anything is granted.
    pub fn exclusive(self) -> Self {
        Verdict { exclusive: true, ..self }
    }

    /// When the access shall end; never later than desired.
    pub fn until(self, instant: impl Into<Option<Time>>) -> Self {
        Verdict { until: instant.into().map_or(0, Time::seconds), ..self }
    }

    /// What shall become of it.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// Why.
    pub fn reason(&self) -> &W {
        &self.reason
    }

    /// The same verdict with another reason.
    pub fn because<V>(self, reason: V) -> Verdict<V> {
        let Verdict { effect, mask, tier, rank, after, exclusive, until, .. } = self;
        Verdict { effect, reason, mask, tier, rank, after, exclusive, until }
    }

    /// The same verdict with its reason in the table of a composed rule.
    pub fn lift<V: From<W>>(self) -> Verdict<V>
    where
        W: Copy,
    {
        let reason = V::from(self.reason);
        self.because(reason)
    }

    /// This verdict, unless a guard lowers it. A guard speaks last and can only
    /// lower: absent is lower than hold, and hold is lower than the rest.
    pub fn guarded(self, guard: Option<Guard<W>>) -> Self {
        match guard {
            Some(Guard::Absent(reason)) if self.effect != Effect::Absent => Self::absent(reason),
            Some(Guard::Hold(reason)) if !matches!(self.effect, Effect::Absent | Effect::Hold) => Self::hold(reason),
            _ => self,
        }
    }
}

/// What a guard, such as a separation of duties, says of a case.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Guard<W> {
    /// A human decides.
    Hold(W),
    /// It shall not be there.
    Absent(W),
}

impl<W> Guard<W> {
    /// The same guard with its reason in the table of a composed rule.
    pub fn lift<V: From<W>>(self) -> Guard<V> {
        match self {
            Guard::Hold(reason) => Guard::Hold(V::from(reason)),
            Guard::Absent(reason) => Guard::Absent(V::from(reason)),
        }
    }
}

/// What a rule may return for a case: a verdict; an optional one, where `None`
/// keeps what is there and lets the next rule of a composed one speak; or a
/// `Result` of either.
#[diagnostic::on_unimplemented(
    message = "a rule cannot return `{Self}`",
    note = "return `Verdict<Why>`, `Option<Verdict<Why>>` or `Result<_, Fault>` of either"
)]
pub trait Opinion {
    /// The rule's reasons.
    type Why: Reasons;

    /// The opinion in its general form.
    fn into_opinion(self) -> Result<Option<Verdict<Self::Why>>, Fault>;
}

impl<W: Reasons> Opinion for Verdict<W> {
    type Why = W;

    #[inline]
    fn into_opinion(self) -> Result<Option<Verdict<W>>, Fault> {
        Ok(Some(self))
    }
}

impl<W: Reasons> Opinion for Option<Verdict<W>> {
    type Why = W;

    #[inline]
    fn into_opinion(self) -> Result<Option<Verdict<W>>, Fault> {
        Ok(self)
    }
}

impl<O: Opinion> Opinion for Result<O, Fault> {
    type Why = O::Why;

    #[inline]
    fn into_opinion(self) -> Result<Option<Verdict<O::Why>>, Fault> {
        self?.into_opinion()
    }
}

/// What a rule over whole identities may return: nothing, or a `Result`.
#[diagnostic::on_unimplemented(
    message = "a rule over whole identities cannot return `{Self}`",
    note = "give verdicts with `answers.give(case, verdict)` and return nothing or `Result<(), Fault>`"
)]
pub trait Finished {
    /// The general form.
    fn into_result(self) -> Result<(), Fault>;
}

impl Finished for () {
    fn into_result(self) -> Result<(), Fault> {
        Ok(())
    }
}

impl Finished for Result<(), Fault> {
    fn into_result(self) -> Result<(), Fault> {
        self
    }
}
