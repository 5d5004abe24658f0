//! Whether the clock is to be believed when a run begins (V18): held against the instant of the last run that was. A run
//! that is doubted stays doubted until somebody opens the gate, however long the clock goes on like that.

use super::{Engine, EngineError};
use crate::ledger::{Opening, RunRow};
use crate::limits::{CLOCK_AHEAD_SECONDS, CLOCK_BACK_SECONDS};
use crate::model::{ChangeId, GateKind, PlanId, RunId, Time};
use crate::plan::PlanFile;

impl Engine {
    /// The instant against which the clock of a run is doubted; none: it is believed. A first run has nothing to be held
    /// against.
    pub(super) fn doubted_clock(&self, run: &RunRow) -> Result<Time, EngineError> {
        let known = self.believed_instant(run.run)?;
        let back = run.began.plus(CLOCK_BACK_SECONDS) < known;
        let ahead = run.began > known.plus(CLOCK_AHEAD_SECONDS);
        Ok(if known.is_some() && (back || ahead) { known } else { Time::NONE })
    }

    /// When the last sealed run began; if it was doubted and nobody opened that, what it was held against.
    fn believed_instant(&self, but: RunId) -> Result<Time, EngineError> {
        let sealed = self.runs(u32::MAX)?.into_iter().filter(|run| run.run != but);
        let Some((began, plan)) = sealed.into_iter().find_map(|run| Some((run.began, run.plan?))) else { return Ok(Time::NONE) };
        let path = self.store.plan(plan);
        if !path.exists() {
            return Ok(began);
        }
        let doubted = PlanFile::open(&path)?.header().inputs.clock;
        Ok(if doubted.is_none() || is_believed(&self.openings()?, plan) { began } else { doubted })
    }
}

/// Whether somebody said that the clock of this plan is right: the opening binds to the plan, so that a plan without changes
/// can be believed too.
pub(super) fn is_believed(openings: &[Opening], plan: PlanId) -> bool {
    openings.iter().any(|opening| opening.gate == GateKind::Clock && opening.change == ChangeId(plan.0))
}
