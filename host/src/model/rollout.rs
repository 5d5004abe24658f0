//! The way of a rule module from its upload to judging, and back: steps, and what follows from them. Pure: the steps are kept
//! by `ledger`, and taken by `engine`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Digest, RunId, Time};

/// One step of a rule module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleStep {
    /// SHA-256 of the component.
    pub module: Digest,
    /// The rule, as name@version; empty where it could not say.
    pub rule: String,
    /// What happened.
    pub what: RuleChange,
    /// Who did it; empty: the host itself.
    pub by: String,
    /// Why.
    pub why: String,
    /// When.
    pub at: Time,
}

/// What happens to a rule module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum RuleChange {
    /// It was uploaded, and may run.
    Admitted,
    /// It was uploaded, and may not.
    Refused {
        /// Why not.
        problem: String,
    },
    /// From now on it judges beside the one that decides, and nothing follows from what it says.
    Shadowed,
    /// It judged a plan's cases beside the one that decides.
    Compared {
        /// The run of that plan.
        run: RunId,
        /// How many cases.
        cases: u64,
        /// Cases of which it makes something else.
        differ: u64,
        /// Batches that it did not answer.
        failed: u64,
    },
    /// It no longer judges beside.
    Withdrawn,
    /// From now on it decides.
    Promoted {
        /// It had not judged beside the former one.
        unseen: bool,
    },
    /// It decides again, because the one after it was taken back.
    Restored,
    /// So many batches of a plan got no answer that it rests for a while: the host goes on without it.
    Failed {
        /// The run of that plan.
        run: RunId,
        /// How many batches.
        failed: u64,
        /// Of how many.
        batches: u64,
        /// How the first one failed.
        problem: String,
    },
    /// After a failure it answered again.
    Recovered {
        /// The run.
        run: RunId,
    },
}

impl RuleChange {
    /// Its stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Refused { .. } => "refused",
            Self::Shadowed => "shadowed",
            Self::Compared { .. } => "compared",
            Self::Withdrawn => "withdrawn",
            Self::Promoted { .. } => "promoted",
            Self::Restored => "restored",
            Self::Failed { .. } => "failed",
            Self::Recovered { .. } => "recovered",
        }
    }
}

/// Why a step may not be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RolloutError {
    /// Nobody uploaded it, or it was refused.
    #[error("module {} was not admitted", .0.short())]
    NotAdmitted(Digest),
    /// It decides already.
    #[error("module {} decides already", .0.short())]
    Live(Digest),
    /// It has not judged beside the one that decides.
    #[error("module {} has not judged beside the one that decides", .0.short())]
    NotCompared(Digest),
    /// It does not judge beside.
    #[error("module {} does not judge beside another", .0.short())]
    NotShadowed(Digest),
    /// There is none to go back to, or another one.
    #[error("module {} is not the one that decided before", .0.short())]
    NotFormer(Digest),
    /// The one that decides has not failed.
    #[error("module {} has not failed", .0.short())]
    NotFailed(Digest),
}

/// Where the modules of a tenant stand, after all steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollout {
    /// Those that may run, and what they are called.
    admitted: BTreeMap<Digest, String>,
    /// Those that decided, one after the other; the last decides now.
    live: Vec<Digest>,
    /// The one that judges beside, and how many plans it has seen.
    shadow: Option<(Digest, u64)>,
    /// Failures in a row, and when the last was.
    failures: BTreeMap<Digest, (u32, Time)>,
}

impl Rollout {
    /// What follows from these steps, in their order.
    ///
    /// # Errors
    /// The first step that cannot follow on those before it.
    pub fn of(steps: &[RuleStep]) -> Result<Self, RolloutError> {
        steps.iter().try_fold(Self::default(), |rollout, step| rollout.next(step))
    }

    /// The module that decides.
    #[must_use]
    pub fn live(&self) -> Option<Digest> {
        self.live.last().copied()
    }

    /// The module that decided before it: what a roll-back restores.
    #[must_use]
    pub fn former(&self) -> Option<Digest> {
        self.live.iter().rev().nth(1).copied()
    }

    /// The module that judges beside.
    #[must_use]
    pub fn shadow(&self) -> Option<Digest> {
        self.shadow.map(|(module, _)| module)
    }

    /// How many plans the module that judges beside has seen.
    #[must_use]
    pub fn compared(&self) -> u64 {
        self.shadow.map_or(0, |(_, plans)| plans)
    }

    /// Every module that may run, and what it is called.
    pub fn admitted(&self) -> impl Iterator<Item = (Digest, &str)> {
        self.admitted.iter().map(|(module, rule)| (*module, rule.as_str()))
    }

    /// How often a module failed in a row, and when the last time was; none: it has not, or it answered since.
    #[must_use]
    pub fn failures(&self, module: Digest) -> Option<(u32, Time)> {
        self.failures.get(&module).copied()
    }

    /// What follows from one more step.
    ///
    /// # Errors
    /// When it cannot follow.
    pub fn next(mut self, step: &RuleStep) -> Result<Self, RolloutError> {
        let module = step.module;
        match &step.what {
            RuleChange::Admitted => {
                self.admitted.insert(module, step.rule.clone());
                // Whoever uploads it again wants it to be tried again.
                self.failures.remove(&module);
            }
            // A module that was admitted under other limits is what it was.
            RuleChange::Refused { .. } => {}
            RuleChange::Shadowed => {
                self.check_idle(module)?;
                self.shadow = Some((module, 0));
            }
            RuleChange::Compared { .. } => match &mut self.shadow {
                Some((shadow, plans)) if *shadow == module => *plans += 1,
                _ => return Err(RolloutError::NotShadowed(module)),
            },
            RuleChange::Withdrawn => {
                self.shadow.take_if(|(shadow, _)| *shadow == module).ok_or(RolloutError::NotShadowed(module))?;
            }
            RuleChange::Promoted { unseen } => {
                self.check_idle(module)?;
                let seen = self.shadow.is_some_and(|(shadow, plans)| shadow == module && plans > 0);
                if !seen && !unseen && !self.live.is_empty() {
                    return Err(RolloutError::NotCompared(module));
                }
                self.shadow.take_if(|(shadow, _)| *shadow == module);
                self.live.push(module);
            }
            RuleChange::Restored => {
                if self.former() != Some(module) {
                    return Err(RolloutError::NotFormer(module));
                }
                self.live.pop();
                self.shadow.take_if(|(shadow, _)| *shadow == module);
            }
            RuleChange::Failed { .. } => {
                let failures = self.failures.entry(module).or_insert((0, step.at));
                *failures = (failures.0.saturating_add(1), step.at);
            }
            RuleChange::Recovered { .. } => {
                self.failures.remove(&module).ok_or(RolloutError::NotFailed(module))?;
            }
        }
        Ok(self)
    }

    /// Whether a module may run, and does not decide.
    fn check_idle(&self, module: Digest) -> Result<(), RolloutError> {
        match self.admitted.contains_key(&module) {
            _ if self.live() == Some(module) => Err(RolloutError::Live(module)),
            true => Ok(()),
            false => Err(RolloutError::NotAdmitted(module)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Digest = Digest([1; 32]);
    const B: Digest = Digest([2; 32]);
    const C: Digest = Digest([3; 32]);
    const ADMITTED: RuleChange = RuleChange::Admitted;
    const SHADOWED: RuleChange = RuleChange::Shadowed;
    const SEEN: RuleChange = RuleChange::Compared { run: RunId(1), cases: 9, differ: 1, failed: 0 };
    const PROMOTED: RuleChange = RuleChange::Promoted { unseen: false };
    const UNSEEN: RuleChange = RuleChange::Promoted { unseen: true };
    const RESTORED: RuleChange = RuleChange::Restored;
    const WITHDRAWN: RuleChange = RuleChange::Withdrawn;
    const RECOVERED: RuleChange = RuleChange::Recovered { run: RunId(1) };

    fn failed() -> RuleChange {
        RuleChange::Failed { run: RunId(1), failed: 1, batches: 1, problem: String::new() }
    }

    fn step(module: Digest, what: RuleChange, at: i64) -> RuleStep {
        let at = Time::from_seconds(at);
        RuleStep { module, rule: String::new(), what, by: "ada".to_owned(), why: "ready".to_owned(), at }
    }

    fn after(steps: &[(Digest, RuleChange)]) -> Result<Rollout, RolloutError> {
        let steps: Vec<_> = (1..).zip(steps).map(|(at, (module, what))| step(*module, what.clone(), at)).collect();
        Rollout::of(&steps)
    }

    #[test]
    fn steps_lead_from_upload_to_judging_and_back() {
        // Steps; then who decides, who did before, who judges beside.
        let admitted = [(A, ADMITTED), (B, ADMITTED), (C, ADMITTED)];
        for (steps, live, former, shadow) in [
            (vec![], None, None, None),
            (vec![(A, PROMOTED)], Some(A), None, None),
            (vec![(A, PROMOTED), (B, SHADOWED)], Some(A), None, Some(B)),
            (vec![(A, PROMOTED), (B, SHADOWED), (C, SHADOWED)], Some(A), None, Some(C)),
            (vec![(A, PROMOTED), (B, SHADOWED), (B, WITHDRAWN)], Some(A), None, None),
            (vec![(A, PROMOTED), (B, SHADOWED), (B, SEEN), (B, PROMOTED)], Some(B), Some(A), None),
            (vec![(A, PROMOTED), (B, UNSEEN), (C, SHADOWED), (A, RESTORED)], Some(A), None, Some(C)),
            (vec![(A, PROMOTED), (B, UNSEEN), (A, SHADOWED), (A, RESTORED)], Some(A), None, None),
            (vec![(A, PROMOTED), (B, UNSEEN), (C, UNSEEN), (B, RESTORED), (A, RESTORED)], Some(A), None, None),
            (vec![(A, PROMOTED), (B, UNSEEN), (A, UNSEEN), (B, RESTORED)], Some(B), Some(A), None),
        ] {
            let rollout = after(&[&admitted[..], &steps].concat()).expect("each may follow");
            assert_eq!((rollout.live(), rollout.former(), rollout.shadow()), (live, former, shadow), "{steps:?}");
        }
    }

    #[test]
    fn no_step_is_left_out() {
        let live = [(A, ADMITTED), (B, ADMITTED), (A, PROMOTED)];
        for (steps, error) in [
            (vec![(C, SHADOWED)], RolloutError::NotAdmitted(C)),
            (vec![(C, RuleChange::Refused { problem: String::new() }), (C, UNSEEN)], RolloutError::NotAdmitted(C)),
            (vec![(A, SHADOWED)], RolloutError::Live(A)),
            (vec![(A, UNSEEN)], RolloutError::Live(A)),
            (vec![(B, PROMOTED)], RolloutError::NotCompared(B)),
            (vec![(B, SHADOWED), (B, PROMOTED)], RolloutError::NotCompared(B)),
            // What it saw before it was withdrawn is old.
            (vec![(B, SHADOWED), (B, SEEN), (B, WITHDRAWN), (B, PROMOTED)], RolloutError::NotCompared(B)),
            (vec![(B, SHADOWED), (B, SEEN), (B, SHADOWED), (B, PROMOTED)], RolloutError::NotCompared(B)),
            (vec![(B, SEEN)], RolloutError::NotShadowed(B)),
            (vec![(B, WITHDRAWN)], RolloutError::NotShadowed(B)),
            (vec![(A, RESTORED)], RolloutError::NotFormer(A)),
            (vec![(B, UNSEEN), (B, RESTORED)], RolloutError::NotFormer(B)),
            (vec![(B, UNSEEN), (A, RESTORED), (B, RESTORED)], RolloutError::NotFormer(B)),
            (vec![(A, RECOVERED)], RolloutError::NotFailed(A)),
        ] {
            assert_eq!(after(&[&live[..], &steps].concat()), Err(error), "{steps:?}");
        }
    }

    #[test]
    fn failures_in_a_row_are_counted_until_it_answers_or_is_uploaded_again() {
        let live = after(&[(A, ADMITTED), (A, PROMOTED)]).expect("they follow");
        assert_eq!(live.failures(A), None);
        let failing = (1..=3).try_fold(live, |rollout, at| rollout.next(&step(A, failed(), at))).expect("it may fail");
        assert_eq!((failing.failures(A), failing.failures(B)), (Some((3, Time::from_seconds(3))), None));
        for what in [RECOVERED, ADMITTED] {
            let well = failing.clone().next(&step(A, what, 9)).expect("it follows");
            assert_eq!((well.failures(A), well.live()), (None, Some(A)));
        }
        // One that nobody uploaded stands in a configuration.
        let named = failing.next(&step(B, failed(), 9)).expect("it may fail");
        assert_eq!(named.failures(B), Some((1, Time::from_seconds(9))));
    }
}
