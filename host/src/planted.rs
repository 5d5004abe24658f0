//! Bugs on purpose: each sits where it would be made, and sleeps until a test selects it, so that the tests can be tried.
//! Compiled only by the feature `planted`, which `trueup-tests` alone turns on: what `-p trueup` builds has none of them.

#[cfg(feature = "planted")]
use std::sync::atomic::{AtomicU8, Ordering};

/// A mistake that somebody could make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Bug {
    /// A write goes out before its intent is durable.
    SendBeforeIntent = 1,
    /// A batch counts as durable when it is submitted.
    DurableWhenSubmitted,
    /// A writer goes on after a target told it that another one took over.
    FenceIgnored,
    /// Denials are not asked for before a write.
    DenialSkipped,
    /// Expiry is looked at before the first attempt alone.
    ExpiryOnceOnly,
    /// An attempt in doubt is sent again at once.
    BlindResend,
    /// A change in doubt gives its namespaces up.
    LineFreeInDoubt,
    /// Where reads lag, the first one confirms.
    FirstReadConfirms,
    /// An acknowledgement confirms.
    AckConfirms,
    /// The next wave begins when the one before is acknowledged.
    WaveOnAck,
    /// What is in doubt is not offered first after a restart.
    DoubtsLast,
    /// A case that somebody else changed is written over.
    LastWriterWins,
    /// A change is sent again although the target asked to wait.
    ThrottleIgnored,
    /// An emergency does not look again after a grant in doubt landed.
    RivalForgotten,
    /// A work item is opened without searching for one.
    WorkItemBlind,
    /// A denial is recorded only once it is settled.
    DenialNotFirst,
    /// An intent found at a restart is sent as if it were new.
    OpenIntentResent,
    /// A checkpoint counts a slice more than is settled.
    CheckpointEarly,
    /// Reading settles a doubt before the request must have landed.
    LandingForgotten,
    /// Gates are not asked for.
    GateSkipped,
    /// A change does not wait for those that it depends on.
    DependsIgnored,
    /// A credential whose secret is lost counts as issued.
    SecretForgotten,
    /// The leaf of an intent tells the state before as the state after.
    LeafTellsBefore,
}

impl Bug {
    /// All of them.
    #[cfg(feature = "planted")]
    pub const ALL: [Bug; 23] = [
        Bug::SendBeforeIntent,
        Bug::DurableWhenSubmitted,
        Bug::FenceIgnored,
        Bug::DenialSkipped,
        Bug::ExpiryOnceOnly,
        Bug::BlindResend,
        Bug::LineFreeInDoubt,
        Bug::FirstReadConfirms,
        Bug::AckConfirms,
        Bug::WaveOnAck,
        Bug::DoubtsLast,
        Bug::LastWriterWins,
        Bug::ThrottleIgnored,
        Bug::RivalForgotten,
        Bug::WorkItemBlind,
        Bug::DenialNotFirst,
        Bug::OpenIntentResent,
        Bug::CheckpointEarly,
        Bug::LandingForgotten,
        Bug::GateSkipped,
        Bug::DependsIgnored,
        Bug::SecretForgotten,
        Bug::LeafTellsBefore,
    ];
}

#[cfg(feature = "planted")]
static SELECTED: AtomicU8 = AtomicU8::new(0);

/// Wakes one bug in this process, and lets all others sleep; none: all sleep.
#[cfg(feature = "planted")]
pub fn select(bug: Option<Bug>) {
    SELECTED.store(bug.map_or(0, |bug| bug as u8), Ordering::Relaxed);
}

/// Whether this bug is awake.
#[cfg(feature = "planted")]
pub(crate) fn has(bug: Bug) -> bool {
    SELECTED.load(Ordering::Relaxed) == bug as u8
}

/// There are no bugs.
#[cfg(not(feature = "planted"))]
pub(crate) const fn has(_: Bug) -> bool {
    false
}
