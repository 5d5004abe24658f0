//! Removing states from beside the log: what a leaf only commits to goes, the leaf stays, and another leaf says so.

use super::{Engine, EngineError};
use crate::ledger::{Batch, Entry, Leaf};
use crate::limits::MESSAGE_BYTES;
use crate::model::RunId;

impl Engine {
    /// Removes the states beside a leaf and their salts, durably, and says so in the log. Leaves and proofs are as before; only
    /// that what was there can be shown is over. Of a leaf that names an attachment, the file goes. Gives how many states or
    /// files went. Plans and pages of runs hold states too, and are not touched.
    ///
    /// # Errors
    /// When the leaf holds no state or file that is still there, or the ledger fails.
    pub fn redact(&self, leaf: u64, by: &str, why: &str) -> Result<usize, EngineError> {
        let found = self.leaves(leaf, 1)?.into_iter().find(|found| found.index == leaf);
        let states = found.map_or(0, |found| found.bodies.iter().filter(|body| body.state.is_some()).count());
        if states == 0 {
            return self.redact_attachment(leaf, by, why);
        }
        let turn = self.acquire()?;
        let bounded = |text: &str| text.chars().take(MESSAGE_BYTES / 4).collect::<String>();
        let run = self.runs(1)?.first().map_or(RunId(0), |run| run.run);
        let says = Leaf::redaction(run, self.clock.now(), leaf, &bounded(by), &bounded(why));
        self.submit(&turn, Batch { entries: vec![Entry::Redacted(leaf)], leaves: vec![says] })?;
        self.checkpoint()?;
        Ok(states)
    }
}
