//! One change in hand, and what the core remembers of it besides its durable status.

use std::sync::Arc;

use super::{Open, Outcome, Status};
use crate::model::{Change, Holding, KeyHash, Lane, Namespace, PlanId, State, Time};
use crate::target::{Member, Version};

/// The place of a change: plan order, emergencies before all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub(super) i64);

/// The present, on the clock of the world and on a steady one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// What the world's clock says: for expiry and for the log.
    pub now: Time,
    /// Seconds on a clock that never jumps: for waiting.
    pub tick: i64,
}

/// One change on its way.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) change: Arc<Change>,
    /// The plan that it belongs to: an emergency has its own.
    pub(super) plan: PlanId,
    pub(super) key: KeyHash,
    /// Hash of its component's name: asked for at every step.
    pub(super) component: u64,
    pub(super) spaces: Vec<Namespace>,
    pub(super) status: Status,
    /// The batch of its newest intent.
    pub(super) batch: u64,
    /// A call is out, and since when: what it shows is no newer.
    pub(super) busy: bool,
    pub(super) asked: i64,
    /// Nothing is to be done before this tick.
    pub(super) due: i64,
    /// Failed tries of this run.
    pub(super) tries: u32,
    /// Whether it counts among its target's failures already.
    pub(super) failed: bool,
    /// What the write is conditioned on, once the case was read as expected.
    pub(super) base: Option<Base>,
    /// A write of the present intent went out.
    pub(super) sent: bool,
    /// The answer to a later attempt, while an earlier one may still land: it counts once reading shows that none did.
    pub(super) unapplied: Option<Outcome>,
    /// A work item that carries its key: how far that has come decides whether it is adopted.
    pub(super) carries: Option<String>,
    /// It holds its lines, and a place among those in flight.
    pub(super) holds: bool,
    pub(super) flies: bool,
    /// The last tick at which an attempt of unknown effect may have been sent, and whether this process sent one.
    pub(super) in_doubt_since: i64,
    pub(super) doubted: bool,
    /// The tick of the acknowledgement.
    pub(super) acked: i64,
    pub(super) check: Check,
    /// Why it is left open, if it is.
    pub(super) open: Option<Open>,
    /// The target's words, bounded.
    pub(super) words: String,
}

/// What a read before a write found.
#[derive(Debug, Clone)]
pub(super) struct Base {
    pub(super) version: Version,
    pub(super) after: State,
    pub(super) list: Vec<Member>,
}

/// How reading back goes.
#[derive(Debug, Default)]
pub(super) struct Check {
    /// Reads in a row that agree.
    pub(super) agreed: u32,
    /// Age at the first of them, and its tick.
    pub(super) since: u32,
    pub(super) seen: i64,
    /// A read showed what no replica that is only behind can show.
    pub(super) disturbed: bool,
    /// Whether the last answer was another state, not a failure to read.
    pub(super) denied: bool,
    /// Reads that failed in a row.
    pub(super) failed: u32,
    pub(super) reads: u32,
}

impl Item {
    pub(super) fn is_emergency(&self) -> bool {
        self.change.lane == Lane::Emergency
    }

    /// Whether a request of it may be on its way, or with a person. An intent of which nothing was sent is none, unless an
    /// earlier attempt is in doubt.
    pub(super) fn may_land(&self) -> bool {
        match self.status {
            Status::Intent { doubt: false, .. } => self.sent || self.busy,
            Status::Manual { .. } => true,
            _ => self.status.effect_unknown(),
        }
    }

    /// Whether it may have taken effect or still may, and nobody has confirmed that.
    pub(super) fn is_under_way(&self) -> bool {
        match self.status {
            Status::Intent { doubt: false, .. } => self.may_land(),
            _ => self.status.is_under_way(),
        }
    }

    /// Whether there is access once it took effect, whatever its kind: a write of what is to be shortened gives back what an
    /// emergency took away.
    pub(super) fn gives(&self) -> bool {
        self.change.after.as_ref().is_some_and(|holding| holding.enabled)
    }

    /// Whether this state is what the change is for. An emergency is content with whatever does not work.
    pub(super) fn is_met_by(&self, same: impl Fn(Option<&Holding>, Option<&Holding>) -> bool, found: Option<&Holding>) -> bool {
        match (self.is_emergency(), &self.change.after) {
            (true, None) => found.is_none(),
            (true, Some(_)) => found.is_none_or(|holding| !holding.enabled),
            (false, after) => same(found, after.as_ref()),
        }
    }

    /// What is written onto what was found: an emergency takes away what is there, whatever that is.
    pub(super) fn after_of(&self, found: Option<&Holding>) -> State {
        match (self.is_emergency(), &self.change.after, found) {
            (true, Some(_), Some(found)) => Some(Holding { enabled: false, ..found.clone() }),
            (_, after, _) => after.clone(),
        }
    }
}
