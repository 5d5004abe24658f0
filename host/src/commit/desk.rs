//! The emergency desk: where calls to revoke at once come in while a commit runs. By its types an emergency only reduces
//! access; who may call is for the vendor.

use async_trait::async_trait;

use super::CommitError;
use crate::correlate::Recorded;
use crate::model::{
    CaseKey, Change, ChangeKind, Denial, Encoder, Holding, KeyHash, Lane, PlanId, Reason, StateHash, Subject, Wave,
};

/// How an emergency reduces access: nothing that adds or extends it can be said (V28).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// Take it away: a grant, a credential.
    Revoke,
    /// Keep it, but let it not work: an account.
    Disable,
}

impl Reduction {
    /// What is done to a thing of this kind.
    #[must_use]
    pub const fn of(subject: Subject) -> Self {
        match subject {
            Subject::Account => Reduction::Disable,
            Subject::Grant | Subject::Credential => Reduction::Revoke,
        }
    }

    const fn kind(self) -> ChangeKind {
        match self {
            Reduction::Revoke => ChangeKind::Revoke,
            Reduction::Disable => ChangeKind::Disable,
        }
    }
}

/// The change that takes one held thing away at once.
#[must_use]
pub fn reduce(tenant: &str, denial: &Denial, key: &CaseKey, held: &Holding, recorded: &Recorded) -> Change {
    let reduction = Reduction::of(key.subject);
    let after = match reduction {
        Reduction::Revoke => None,
        Reduction::Disable => Some(Holding { enabled: false, ..held.clone() }),
    };
    Change {
        lane: Lane::Emergency,
        reason: Reason { code: "trueup:emergency".to_owned(), text: denial.why.clone() },
        recorded_as: recorded.key.to_string(),
        undesired_since: recorded.since,
        wave: Wave::URGENT,
        ..Change::routine(tenant, key.clone(), reduction.kind(), recorded.incarnation, Some(held.clone()), after)
    }
}

/// Names the plan of a denial under one writer. The next writer looks anew at what is held and begins a plan of its own: what
/// an emergency does is safe to do twice.
#[must_use]
pub fn emergency_plan(tenant: &str, denial: &Denial, epoch: u64) -> PlanId {
    let mut encoder = Encoder::new("trueup.emergency");
    encoder.text(tenant).text(&denial.target).text(&denial.holder).text(&denial.object).number(denial.at.seconds());
    encoder.bytes(&epoch.to_be_bytes());
    PlanId(encoder.finish())
}

/// Where calls come in.
#[async_trait]
pub trait Desk: Send + Sync {
    /// The calls that came in since the last time, and at first those that an earlier run left unsettled.
    fn take(&self) -> Vec<Denial>;

    /// Returns when a call may have come in.
    async fn arrived(&self);

    /// Whether the tenant's scopes let this case be written at all: an emergency does not skip them (V28). What is only
    /// observed stays, and keeps the denial unsettled.
    fn is_managed(&self, key: &CaseKey) -> bool;

    /// What is recorded of a case; a case that is not known has incarnation one.
    ///
    /// # Errors
    /// When it cannot be read.
    fn recorded(&self, key: &CaseKey) -> Result<Recorded, CommitError>;
}

/// A desk at which nobody calls.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoDesk;

#[async_trait]
impl Desk for NoDesk {
    fn take(&self) -> Vec<Denial> {
        Vec::new()
    }

    async fn arrived(&self) {
        std::future::pending().await
    }

    fn is_managed(&self, _: &CaseKey) -> bool {
        true
    }

    fn recorded(&self, key: &CaseKey) -> Result<Recorded, CommitError> {
        Ok(Recorded::new(plain_key(key), StateHash::ABSENT, 1))
    }
}

/// The key of a case whose spelling is its canonical one.
#[must_use]
pub fn plain_key(key: &CaseKey) -> KeyHash {
    CaseKey::hash(key.subject, &key.target, &key.holder, &key.object)
}
