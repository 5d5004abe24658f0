//! What an operator denied, and how somebody lifts it. What a denial does to a plan is for `decide`.

use super::{Engine, EngineError};
use crate::ledger::{Batch, Entry, Leaf, Query, Rows};
use crate::model::{Denial, RunId};

/// Which denial is lifted, by whom and why.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Lift {
    /// As the denial names it; empty: every system.
    pub target: String,
    /// The holder's native id.
    pub holder: String,
    /// As the denial names it; empty: everything that the holder has.
    pub object: String,
    /// Who lifts it.
    pub by: String,
    /// Why it is right.
    pub why: String,
}

impl Engine {
    /// All denials, lifted ones too.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn denials(&self) -> Result<Vec<Denial>, EngineError> {
        match self.ledger.read(&self.parts.tenant, &Query::Denials)? {
            Rows::Denials(denials) => Ok(denials),
            _ => Ok(Vec::new()),
        }
    }

    /// Ends a denial, durably and in the audit log. Nothing is given again by that: the next plan may.
    ///
    /// # Errors
    /// When no such denial stands. One of everything is not lifted in part.
    pub fn lift(&self, lift: &Lift) -> Result<Denial, EngineError> {
        let named = |denial: &Denial| {
            denial.stands() && denial.target == lift.target && denial.holder == lift.holder && denial.object == lift.object
        };
        let Some(denial) = self.denials()?.into_iter().find(named) else {
            let or_all = |text: &str| if text.is_empty() { "*".to_owned() } else { text.to_owned() };
            let name = format!("{}/{}/{}", or_all(&lift.target), lift.holder, or_all(&lift.object));
            return Err(EngineError::NotFound { what: "standing denial", name });
        };
        let owned = self.acquire()?;
        let lifted = Denial { lifted_at: self.clock.now(), ..denial };
        let run = self.runs(1)?.first().map_or(RunId(0), |run| run.run);
        let leaves = vec![Leaf::lifted(run, &lifted, &lift.by, &lift.why)];
        self.submit(&owned, Batch { entries: vec![Entry::Denied(lifted.clone())], leaves })?;
        self.checkpoint()?;
        Ok(lifted)
    }
}
