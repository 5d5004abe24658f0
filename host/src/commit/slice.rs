//! Cuts a plan into slices: what becomes durable, is sent and is read back together. Holds one slice at a time.

use std::collections::BTreeSet;

use super::CommitError;
use crate::model::{Change, Wave};

/// The slices of a plan, in its order.
pub(super) struct Slices<I> {
    changes: I,
    ahead: Option<Change>,
    place: Option<(Wave, u16)>,
    size: usize,
}

impl<I, E> Slices<I>
where
    I: Iterator<Item = Result<Change, E>>,
    E: std::error::Error + Send + Sync + 'static,
{
    pub(super) fn new(changes: I, size: u32) -> Self {
        Slices { changes, ahead: None, place: None, size: usize::try_from(size).unwrap_or(usize::MAX).max(1) }
    }

    /// The next slice, or none after the last. It ends when it is full, and also before a change that needs an earlier one
    /// of it to be settled: one of a later wave or step, of the same case, or that depends on it.
    pub(super) fn next(&mut self) -> Result<Option<Vec<Change>>, CommitError> {
        let mut slice: Vec<Change> = Vec::new();
        let (mut cases, mut ids) = (BTreeSet::new(), BTreeSet::new());
        while slice.len() < self.size {
            let Some(change) = self.take()? else { break };
            let (from, to) = (self.place, Some((change.wave, change.step)));
            if to < from {
                return Err(CommitError::Order { change: change.id });
            }
            self.place = to;
            let waits = to > from || cases.contains(&change.recorded_as) || change.depends.iter().any(|id| ids.contains(id));
            if waits && !slice.is_empty() {
                self.ahead = Some(change);
                break;
            }
            cases.insert(change.recorded_as.clone());
            ids.insert(change.id);
            slice.push(change);
        }
        Ok((!slice.is_empty()).then_some(slice))
    }

    fn take(&mut self) -> Result<Option<Change>, CommitError> {
        if let Some(change) = self.ahead.take() {
            return Ok(Some(change));
        }
        self.changes.next().transpose().map_err(|error| CommitError::Plan(Box::new(error)))
    }
}
