//! The vocabulary that every stage shares: names, instants, digests, facts, changes. No logic of any stage lives here.

mod change;
mod denial;
mod digest;
mod fact;
mod head;
mod key;
mod mode;
mod rollout;
mod state;
mod symbols;
mod time;

pub use change::{Change, ChangeKind, Gate, GateKind, Lane, Reason, Wave};
pub use denial::{Denial, DenialStep};
pub use digest::{ChangeId, Digest, Encoder, PlanId, RunId, canonical_json};
pub use fact::{Entitlement, Fact, FactFlags, IdentityKind, IdentityStatus, Person, Subject};
pub(crate) use head::Head;
pub use key::{CaseKey, KeyHash, Namespace};
pub use mode::{Mode, Scope, Scopes};
pub use rollout::{Rollout, RolloutError, RuleChange, RuleStep};
pub use state::{Attribute, AttributeMask, Holding, State, StateHash};
pub use symbols::{Sym, Symbols};
pub use time::{Time, TimeError};
