//! The seam for systems that hold access. Owns what a target can say and do; which write comes next is for `commit`.

#[cfg(feature = "sqlite")]
mod embedded;

#[cfg(feature = "sqlite")]
pub use embedded::{EmbeddedError, EmbeddedRow, EmbeddedTarget, JournalRow};

use async_trait::async_trait;

use crate::discover::{Cursor, DiscoverError, Page};
use crate::model::{Attribute, CaseKey, Change, Digest, Encoder, Holding, Namespace, State, Time};

/// What a target can do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// How ambiguity is settled.
    pub class: Class,
    /// Which objects are parts of one policy document, so that writes to them are serialised.
    pub policies: Policies,
    /// The attributes that it stores; others are neither compared nor written.
    pub attributes: Vec<Attribute>,
    /// Whether accounts are objects of their own there.
    pub accounts: bool,
    /// How long after an acknowledged write a read may still show the state before, in seconds: zero for a target that
    /// always shows its last write, else what is believed until enough lags were measured.
    pub read_lag: u32,
    /// The longest such lag that is waited for, in seconds; not less than `read_lag`.
    pub lag_cap: u32,
    /// How long an accepted request may take to complete, in seconds (K5), or a person to do the work (K6).
    pub completion_bound: u32,
    /// Requests that the target takes side by side.
    pub parallel: u32,
    /// How long a request may take to land, queueing included, in seconds.
    pub landing_bound: u32,
    /// Grade of the evidence that a read-back gives.
    pub grade: Grade,
}

impl Profile {
    /// A profile of this class that stores no attributes, reads consistently and lands within a minute.
    #[must_use]
    pub fn new(class: Class) -> Self {
        Profile {
            class,
            policies: Policies::None,
            attributes: Vec::new(),
            accounts: false,
            read_lag: 0,
            lag_cap: 0,
            completion_bound: 86_400,
            parallel: 8,
            landing_bound: 60,
            grade: Grade::E3,
        }
    }

    /// Reads that may lag behind writes: believed to do so for this long, waited for at most ten times as long.
    #[must_use]
    pub fn lagging(mut self, seconds: u32) -> Self {
        (self.read_lag, self.lag_cap) = (seconds, seconds.saturating_mul(10));
        self
    }

    /// How long after being sent a request may still take effect, in seconds: accepted work is done later still.
    #[must_use]
    pub fn effect_bound(&self) -> u32 {
        let later = if self.class == Class::K5 { self.completion_bound } else { 0 };
        self.landing_bound.saturating_add(later)
    }

    /// Whether it can show what it holds. Where it cannot, an acknowledgement is all there is.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.grade >= Grade::E2
    }

    /// Names all of it: a run goes on only under the same.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let Profile { class, policies, attributes, accounts, read_lag, lag_cap, .. } = self;
        let Profile { completion_bound, parallel, landing_bound, grade, .. } = self;
        let policies = match policies {
            Policies::None => -2,
            Policies::Whole => -1,
            Policies::Before(end) => i64::from(u32::from(*end)),
        };
        let mut encoder = Encoder::new("trueup.profile");
        encoder.number(*class as i64).number(policies).number(i64::from(*accounts)).number(*grade as i64);
        for seconds in [read_lag, lag_cap, completion_bound, parallel, landing_bound] {
            encoder.number(i64::from(*seconds));
        }
        for attribute in attributes {
            encoder.number(*attribute as i64);
        }
        encoder.finish()
    }

    /// The namespaces of a case, sorted: what its writes are serialised by.
    #[must_use]
    pub fn namespaces(&self, key: &CaseKey) -> Vec<Namespace> {
        let mut all = vec![Namespace::Principal(key.target.clone(), key.holder.clone())];
        if !key.object.is_empty() {
            all.push(Namespace::Resource(key.target.clone(), key.object.clone()));
            match self.policies {
                Policies::None => {}
                Policies::Whole => all.push(Namespace::Policy(key.target.clone(), String::new())),
                Policies::Before(end) => {
                    let document = key.object.rsplit_once(end).map_or(key.object.as_str(), |(document, _)| document);
                    all.push(Namespace::Policy(key.target.clone(), document.to_owned()));
                }
            }
        }
        all
    }
}

/// How the objects of a target are grouped into policy documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policies {
    /// Each object stands alone.
    None,
    /// The target has one document.
    Whole,
    /// What comes before the last such character of an object's name is its document.
    Before(char),
}

/// Capability class of a target's writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Class {
    /// Conditional writes that are naturally idempotent.
    K0,
    /// Members are added and removed without a condition; doing it twice is doing it once.
    K1,
    /// Only a whole list can be written.
    K2,
    /// Creates carry a key of ours; the same key never creates twice.
    K3,
    /// Creates carry nothing that would keep them from happening twice.
    K4,
    /// Accepts now, acts later.
    K5,
    /// A person does it.
    K6,
}

/// How good the evidence is that a change took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Grade {
    /// A person says so.
    E0,
    /// The API acknowledged it.
    E1,
    /// The target's own log says so.
    E2,
    /// Read back by the path that wrote it.
    E3,
    /// Read back by another path.
    E4,
}

/// A target's token for the state of a resource: opaque, only ever sent back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Version(pub String);

/// One read of one case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// What the target holds.
    pub state: State,
    /// The token to condition a write on; empty where writes take none.
    pub version: Version,
    /// The whole list that the case is a part of, ascending by holder (K2 alone).
    pub list: Vec<Member>,
}

impl Reading {
    /// Of a state and its token.
    #[must_use]
    pub fn new(state: State, version: impl Into<String>) -> Self {
        Reading { state, version: Version(version.into()), list: Vec::new() }
    }
}

/// One entry of a list that can only be written as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// The holder's native id.
    pub holder: String,
    /// What it holds.
    pub holding: Holding,
}

/// What a target says of a write that it took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// The target's id of what was made (K3, K4), or empty.
    pub id: String,
    /// What to ask for the outcome by (K5), or the work item (K6); empty: it is done.
    pub receipt: String,
    /// Secret material that was issued. It goes to the [`SecretSink`] and nowhere else.
    pub secret: Option<Secret>,
}

impl Written {
    /// Accepted, to be asked for by this receipt.
    #[must_use]
    pub fn accepted(receipt: impl Into<String>) -> Self {
        Written { receipt: receipt.into(), ..Written::default() }
    }

    /// Made, under this id.
    #[must_use]
    pub fn made(id: impl Into<String>) -> Self {
        Written { id: id.into(), ..Written::default() }
    }

    /// With secret material.
    #[must_use]
    pub fn with_secret(mut self, secret: Secret) -> Self {
        self.secret = Some(secret);
        self
    }
}

/// Secret material on its way to a [`SecretSink`]. Never printed, stored or compared in the clear.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps material that a target issued.
    #[must_use]
    pub fn new(material: impl Into<String>) -> Self {
        Secret(material.into())
    }

    /// The material, for the sink.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether a text that is about to be recorded holds it.
    pub(crate) fn stands_in(&self, text: &str) -> bool {
        !self.0.is_empty() && text.contains(&self.0)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where a vendor keeps issued secret material: the host only ever sees the handle.
#[async_trait]
pub trait SecretSink: Send + Sync {
    /// Keeps the material of a change durably and gives a handle to it, which is recorded. One that holds the material itself is
    /// taken for a failure.
    ///
    /// # Errors
    /// When it cannot be kept: the credential is then taken back, and issued anew. What the error says is not recorded.
    async fn keep(&self, change: &Change, secret: Secret) -> Result<String, String>;
}

/// How far accepted work has come.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Receipt {
    /// Not done yet.
    Pending,
    /// Somebody works on it (K6).
    Claimed {
        /// Who.
        by: String,
    },
    /// Done.
    Done,
    /// It will not be done. Nothing was changed.
    Failed {
        /// The target's words.
        message: String,
    },
}

/// Something that carries the tag of a change (K4: what was made; K6: the work item).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The target's id of it.
    pub id: String,
}

/// One conditional write.
#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
    /// What to do.
    pub change: &'a Change,
    /// What shall be held afterwards.
    pub after: Option<&'a Holding>,
    /// Only if the resource still has this version (K0).
    pub version: &'a Version,
    /// The whole list as it shall be (K2).
    pub list: &'a [Member],
    /// The same for each attempt at the same effect, another after a real removal: a create's key (K3), and the tag that
    /// [`Target::find`] looks for (K4, K6).
    pub key: &'a str,
    /// The writer's epoch: a target that stores it refuses lower ones.
    pub fence: u64,
    /// The instant of the attempt.
    pub at: Time,
}

/// Why a write did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The resource moved since it was read. Nothing was written.
    #[error("the resource changed since it was read")]
    Precondition,
    /// Try again later. Nothing was written.
    #[error("the target asks to wait {seconds} s")]
    Throttled {
        /// For how long.
        seconds: u32,
    },
    /// The target will never do this. Nothing was written.
    #[error("the target refused: {message}")]
    Rejected {
        /// Its words.
        message: String,
    },
    /// A writer with a higher fence was here: this one must stop. Nothing was written.
    #[error("another writer took over this target")]
    Fenced,
    /// Nobody knows whether it was written.
    #[error("no answer from the target: {message}")]
    Ambiguous {
        /// What happened.
        message: String,
    },
}

/// Why a read failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read `{key}`: {message}")]
pub struct ReadError {
    /// The case.
    pub key: String,
    /// What happened.
    pub message: String,
}

/// A system that holds access.
#[async_trait]
pub trait Target: Send + Sync {
    /// Its name in the configuration and in facts.
    fn name(&self) -> &str;

    /// What it can do.
    fn profile(&self) -> &Profile;

    /// Names the state of the target before a listing, as for [`crate::Source::version`].
    ///
    /// # Errors
    /// When the target cannot be reached.
    async fn version(&self) -> Result<String, DiscoverError>;

    /// Lists what it holds, page by page.
    ///
    /// # Errors
    /// When it cannot be read; the scan is then incomplete.
    async fn page(&self, after: Option<&Cursor>) -> Result<Page, DiscoverError>;

    /// Reads one case.
    ///
    /// # Errors
    /// When the target cannot say.
    async fn read(&self, key: &CaseKey) -> Result<Reading, ReadError>;

    /// Writes one case.
    ///
    /// # Errors
    /// See [`WriteError`]; anything not known to be unapplied must be [`WriteError::Ambiguous`].
    async fn write(&self, write: Write<'_>) -> Result<Written, WriteError>;

    /// How far accepted work has come (K5, K6).
    ///
    /// # Errors
    /// When the target cannot say.
    async fn poll(&self, receipt: &str) -> Result<Receipt, ReadError> {
        Err(ReadError { key: receipt.to_owned(), message: "this target completes at once".to_owned() })
    }

    /// What carries the key of a write (K4, K6).
    ///
    /// # Errors
    /// When the target cannot say.
    async fn find(&self, key: &str) -> Result<Vec<Found>, ReadError> {
        Err(ReadError { key: key.to_owned(), message: "this target cannot be searched by key".to_owned() })
    }

    /// Takes back what was made under an id although its material is lost (K4). Doing it twice is doing it once.
    ///
    /// # Errors
    /// See [`WriteError`].
    async fn undo(&self, id: &str, _fence: u64) -> Result<(), WriteError> {
        Err(WriteError::Rejected { message: format!("this target cannot take back `{id}`") })
    }

    /// Everything that one holder has of its own, as it is now: what an emergency revoke takes away.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn held_by(&self, holder: &str) -> Result<Vec<(CaseKey, Holding)>, ReadError> {
        let message = "this target cannot list what one holder has".to_owned();
        Err(ReadError { key: format!("{}/{holder}", self.name()), message })
    }
}
