//! One process: a core, how far its plan was offered, and the batch on its way. Does what the driver does, step by step.

use trueup::commit::{Call, CommitError, Core, Moment};
use trueup::ledger::Batch;
use trueup::limits::HAND_CHANGES;
use trueup::model::Change;

/// A batch on its way to the disk.
pub struct Flush {
    pub batch: Batch,
    /// It was taken, and the process does not know yet.
    pub taken: bool,
}

/// One process.
pub struct Process<'s> {
    pub core: Core<'s>,
    pub epoch: u64,
    /// How many changes were offered.
    pub offered: usize,
    pub ended: bool,
    pub flush: Option<Flush>,
    /// Calls and look-ups that are out.
    pub out: usize,
    pub looks: usize,
    /// The earliest wake that is scheduled.
    pub wake: i64,
    /// It lost its ownership, and does nothing until then.
    pub stale: bool,
    pub paused: i64,
    /// World events until it dies.
    pub fuse: Option<u64>,
    pub events: u64,
}

impl<'s> Process<'s> {
    /// A process with what is in doubt in hand.
    pub fn new(mut core: Core<'s>, epoch: u64, plan: &[Change]) -> Result<Self, CommitError> {
        for (index, change) in plan.iter().enumerate() {
            if core.in_doubt(change.id) {
                core.offer(index as u64, change.clone())?;
            }
        }
        let (flush, fuse) = (None, None);
        let (offered, ended, out, looks, wake, stale, paused, events) = (0, false, 0, 0, i64::MAX, false, 0, 0);
        Ok(Process { core, epoch, offered, ended, flush, out, looks, wake, stale, paused, fuse, events })
    }

    /// Offers changes while there is room, then lets the core do what it can.
    pub fn step(&mut self, plan: &[Change], hand: usize, at: Moment) -> Result<Vec<Call>, CommitError> {
        let mut calls = Vec::new();
        loop {
            self.offer(plan, hand)?;
            calls.extend(self.core.step(at)?);
            // Whoever left made room.
            if self.ended || HAND_CHANGES - self.core.room() >= hand {
                return Ok(calls);
            }
        }
    }

    fn offer(&mut self, plan: &[Change], hand: usize) -> Result<(), CommitError> {
        while !self.ended && HAND_CHANGES - self.core.room() < hand {
            match plan.get(self.offered) {
                Some(change) => {
                    self.core.offer(self.offered as u64, change.clone())?;
                    self.offered += 1;
                }
                None => {
                    self.ended = true;
                    self.core.end_of_plan(self.offered as u64);
                }
            }
        }
        Ok(())
    }

    /// Whether everything was offered, done and made durable.
    pub fn is_over(&self) -> bool {
        self.ended && self.looks == 0 && self.core.is_over()
    }
}
