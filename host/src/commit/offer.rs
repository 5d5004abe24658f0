//! The changes of a plan as they are offered to the core: in plan order, while there is room. Owns the place in the plan.

use super::{CommitError, Core};
use crate::model::{Change, Wave};

/// The changes of a plan, as they are offered.
pub(super) struct Offer<I> {
    changes: I,
    next: u64,
    pub(super) ended: bool,
    place: Option<(Wave, u16)>,
}

impl<I> Offer<I> {
    pub(super) const fn new(changes: I) -> Self {
        Offer { changes, next: 0, ended: false, place: None }
    }

    /// Offers changes while there is room. A plan that cannot be read ends there, with what is known made durable first.
    pub(super) fn fill<E>(&mut self, core: &mut Core<'_>) -> Result<(), CommitError>
    where
        I: Iterator<Item = Result<Change, E>>,
        E: std::error::Error + Send + Sync + 'static,
    {
        while !self.ended && core.room() > 0 {
            let Some(change) = self.changes.next() else {
                self.ended = true;
                core.end_of_plan(self.next);
                break;
            };
            let change = change.map_err(|error| CommitError::Plan(Box::new(error)))?;
            let place = Some((change.wave, change.step));
            if place < self.place {
                return Err(CommitError::Order { change: change.id });
            }
            self.place = place;
            core.offer(self.next, change)?;
            self.next += 1;
        }
        Ok(())
    }
}
