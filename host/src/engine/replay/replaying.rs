//! Replaying one run: derive its plan again, let its rule judge again, and say what differs. Owns the three levels and what each
//! can end in. Writes nothing, and asks nobody.

use std::io;

use serde::Serialize;

use super::differing::{Differing, Divergence};
use super::kept::{Recording, Recordings};
use super::objects::{Objects, Unread};
use super::rederive::Rederived;
use super::text;
use crate::engine::comparing::Comparing;
use crate::engine::{Comparison, Engine, EngineError};
use crate::model::{PlanId, RunId, Time};
use crate::plan::PLANNERS;
use crate::progress::Silent;
use crate::rule::{BatchVerdict, Fault, Judging, Module, Settings, judge_all};

/// How to replay.
#[derive(Clone, Default)]
pub struct Replaying {
    /// Threads that work; zero: one per core. The result does not depend on it.
    pub threads: usize,
    /// The rule, to let it judge again. It does so only if it is the very component that judged then.
    pub module: Option<Module>,
}

/// What a replay ended in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// All that was compared is equal, byte for byte.
    Same,
    /// Something is not.
    Diverged,
    /// The rule judged under another profile, and nothing differs but where a limit fired.
    ProfileDiffers,
    /// What it needs was redacted, is gone, or was made by a version of the planner that is not kept.
    NotRederivable,
}

impl Verdict {
    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Diverged => "diverged",
            Self::ProfileDiffers => "profile differs",
            Self::NotRederivable => "not re-derivable",
        }
    }
}

/// What a replay came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Replayed {
    /// The run.
    pub run: RunId,
    /// Its plan.
    pub plan: PlanId,
    /// The one instant of its plan.
    pub as_of: Time,
    /// The rule, as name@version.
    pub rule: String,
    /// What it ended in.
    pub verdict: Verdict,
    /// How far it went: 1 the plan was derived again from recorded answers, 2 the rule judged again as it did then, 3 it judged
    /// again under another profile; 0 nothing was derived.
    pub level: u8,
    /// Why it went no further: `redacted`, `gone`, `planner`, `module`. Empty: nothing stood in the way.
    pub why: &'static str,
    /// The object that is redacted or gone.
    pub object: String,
    /// Version of the planner that made the plan.
    pub planner: u32,
    /// Cases of it.
    pub cases: u64,
    /// Batches of it.
    pub batches: u64,
    /// Batches that are not judged again, because the rule had no word in them: it rested, or the machine was too slow.
    pub unjudged: u64,
    /// Batches in which a limit fired on one side alone.
    pub limits: u64,
    /// What differs, the first of it.
    pub divergences: Vec<Divergence>,
    /// All that differs.
    pub differences: u64,
}

impl Replayed {
    fn of(recording: &Recording) -> Self {
        Replayed {
            run: recording.run,
            plan: recording.plan,
            as_of: recording.inputs.as_of,
            rule: recording.rule.label(),
            verdict: Verdict::NotRederivable,
            level: 0,
            why: "",
            object: String::new(),
            planner: recording.inputs.planner,
            cases: 0,
            batches: recording.batches,
            unjudged: 0,
            limits: 0,
            divergences: Vec::new(),
            differences: 0,
        }
    }

    fn ended(self, verdict: Verdict, differing: Differing) -> Self {
        let Differing { first: divergences, count: differences, limits, unjudged } = differing;
        Replayed { verdict, divergences, differences, limits, unjudged, ..self }
    }
}

impl Engine {
    /// What this store keeps of its runs.
    #[must_use]
    pub fn recordings(&self) -> Recordings {
        Recordings::of(self.store.folder())
    }

    /// Derives the plan of a run again and compares it byte for byte; if this engine's rule is the one that judged then, lets it
    /// judge again too. Neither sources nor targets are asked, and nothing is written.
    ///
    /// # Errors
    /// When there is no recording, or what is there is damaged.
    pub fn replay(&self, run: RunId) -> Result<Replayed, EngineError> {
        let module = self.parts.module.as_deref().cloned();
        self.recordings().replay(run, &Replaying { threads: self.threads(), module })
    }
}

impl Recordings {
    /// Derives the plan of a run again, and compares.
    ///
    /// # Errors
    /// When there is no recording, or what is there is damaged.
    pub fn replay(&self, run: RunId, how: &Replaying) -> Result<Replayed, EngineError> {
        let recording = self.read(run)?;
        let plan = || self.plan(recording.plan);
        replay(&recording, &mut self.objects(), plan, how)
    }

    /// The same of a recording's text, see [`Recordings::write_text`].
    ///
    /// # Errors
    /// When it is damaged.
    pub fn replay_text(text: &[u8], how: &Replaying) -> Result<Replayed, EngineError> {
        let (recording, mut objects, plan) = text::parse(text)?;
        replay(&recording, &mut objects, || Ok(plan), how)
    }

    /// What another version of the rule, under these settings, would have decided on what a run saw, beside what was decided.
    ///
    /// # Errors
    /// When there is no recording, or what it names is redacted, gone or damaged.
    pub fn compare(&self, run: RunId, other: &Module, settings: &Settings, threads: usize) -> Result<Comparison, EngineError> {
        let recording = self.read(run)?;
        let threads = cores(threads);
        let rederived = match Rederived::read(&recording, &mut self.objects(), threads) {
            Ok(rederived) => rederived,
            Err(Unread::Failed(error)) => return Err(error),
            Err(Unread::Gone { object, .. }) => {
                return Err(EngineError::NotFound { what: "object", name: object.to_string() });
            }
        };
        let now = rederived.decide(&rederived.verdicts);
        let judging = Judging { as_of: rederived.as_of(), settings, explain: false };
        let then = judge_all(other, &judging, &rederived.cases, threads, &Silent, None);
        let policy = crate::decide::Policy { module: other.facts().module, ..rederived.policy() };
        let mut comparing = Comparing::begin((Some(run), rederived.as_of()), &recording.rule, other.facts());
        comparing.faults(&then);
        comparing.part(&rederived.cases, (&now, &recording.rule), (&then, other.facts()), &policy, threads);
        Ok(comparing.end())
    }
}

fn cores(threads: usize) -> usize {
    if threads == 0 { std::thread::available_parallelism().map_or(1, usize::from) } else { threads }
}

fn replay(
    recording: &Recording,
    objects: &mut Objects,
    plan: impl FnOnce() -> Result<Option<Vec<u8>>, EngineError>,
    how: &Replaying,
) -> Result<Replayed, EngineError> {
    let told = Replayed::of(recording);
    if !PLANNERS.contains(&recording.inputs.planner) {
        return Ok(Replayed { why: "planner", ..told });
    }
    let threads = cores(how.threads);
    let rederived = match Rederived::read(recording, objects, threads) {
        Ok(rederived) => rederived,
        Err(Unread::Failed(error)) => return Err(error),
        Err(Unread::Gone { object, redacted }) => {
            return Ok(Replayed { why: if redacted { "redacted" } else { "gone" }, object: object.to_string(), ..told });
        }
    };
    let told = Replayed { level: 1, cases: rederived.cases.cases.len() as u64, ..told };
    let mut differing = Differing::default();
    let batches = rederived.cases.batches.len() as u64;
    if batches != recording.batches {
        differing.batches(recording.batches, batches);
        return Ok(told.ended(Verdict::Diverged, differing));
    }
    let decided = rederived.decide(&rederived.verdicts);
    let sealed = rederived.seal(&decided, &rederived.verdicts, &mut io::sink())?;
    if sealed.id != recording.plan {
        let mut came = Vec::new();
        rederived.seal(&decided, &rederived.verdicts, &mut came)?;
        match plan()? {
            Some(plan) => differing.plans(&plan, &came),
            None => differing.names(recording.plan, sealed.id),
        }
    }
    let Some(again) = judge_again(&rederived, how, threads)? else {
        let verdict = if differing.count == 0 { Verdict::Same } else { Verdict::Diverged };
        let why = if is_judged(recording) { "module" } else { "" };
        return Ok(Replayed { why, ..told.ended(verdict, differing) });
    };
    let derived = differing.count;
    rederived.compared.iter().zip(&again.forms).for_each(|(compared, came)| differing.forms(compared, came));
    differing.verdicts(&rederived.cases, &recording.rule, &rederived.verdicts, &again.verdicts);
    let level = if is_profile_here(recording) { 2 } else { 3 };
    let judged = differing.count - derived;
    let verdict = match (derived, judged) {
        (0, 0) => Verdict::Same,
        (0, judged) if level == 3 && judged == differing.limits => Verdict::ProfileDiffers,
        _ => Verdict::Diverged,
    };
    Ok(Replayed { level, ..told.ended(verdict, differing) })
}

/// Whether a rule judged.
const fn is_judged(recording: &Recording) -> bool {
    recording.profile.is_some()
}

#[cfg(feature = "wasm")]
fn is_profile_here(recording: &Recording) -> bool {
    recording.profile == Some(crate::rule::profile_digest())
}

#[cfg(not(feature = "wasm"))]
const fn is_profile_here(_: &Recording) -> bool {
    false
}

/// What the rule says now: of batches, and of keys, as it was asked for them.
struct Again {
    verdicts: Vec<BatchVerdict>,
    forms: Vec<Result<Vec<String>, Fault>>,
}

/// What the rule says now; none if it is not at hand.
#[cfg(feature = "wasm")]
fn judge_again(rederived: &Rederived<'_>, how: &Replaying, threads: usize) -> Result<Option<Again>, EngineError> {
    let recording = rederived.recording;
    let Some(module) = how.module.as_ref().filter(|module| module.facts().module == recording.rule.module) else {
        return Ok(None);
    };
    let limits = serde_json::to_value(&recording.limits).and_then(serde_json::from_value);
    let limits: crate::rule::RuleLimits = limits.map_err(|error| EngineError::Correlate(error.to_string()))?;
    let module = module.clone().with_limits(&limits);
    let settings = module.check_settings(&recording.settings)?;
    let judging = Judging { as_of: rederived.as_of(), settings: &settings, explain: false };
    let verdicts = judge_all(&module, &judging, &rederived.cases, threads, &Silent, None);
    let asked = |compared: &super::rederive::Compared| {
        let keys: Vec<&str> = compared.keys.iter().map(String::as_str).collect();
        module.canon(compared.kind, &keys)
    };
    let forms = rederived.compared.iter().map(asked).collect();
    Ok(Some(Again { verdicts, forms }))
}

#[cfg(not(feature = "wasm"))]
const fn judge_again(_: &Rederived<'_>, _: &Replaying, _: usize) -> Result<Option<Again>, EngineError> {
    Ok(None)
}
