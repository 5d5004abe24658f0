//! Why one case is decided as it is in the newest plan: judges its batch again with the log open, on the pages and the
//! recorded state that the plan was made from. Asks no source and no target; what they hold now is for the next plan.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Engine, EngineError, RunReport};
use crate::correlate::{Batch, Case, Cases, Recorded, Side};
use crate::decide::{Decided, Effect, decide};
use crate::discover::{Snapshot, recall};
use crate::ledger::{RunRow, read_aside};
use crate::model::{CaseKey, Change, Reason, Sym, Time};
use crate::plan::{Inputs, PlanFile};
use crate::rule::BatchVerdict;

/// What the newest run knows of one case.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The case.
    pub key: CaseKey,
    /// The instant of the plan.
    pub as_of: Time,
    /// The identity that it belongs to.
    pub identity: String,
    /// absent, present, disabled or unknown.
    pub desired: &'static str,
    /// The same, of the target.
    pub observed: &'static str,
    /// The same, of what was last confirmed.
    pub recorded: &'static str,
    /// Attributes that differ.
    pub differs: Vec<&'static str>,
    /// The managed scope that it lies in, with its mode.
    pub scope: Option<String>,
    /// The source record that justifies it.
    pub record: String,
    /// What the rule proposed; none when it failed or did not answer.
    pub effect: Option<&'static str>,
    /// Why, in the rule's words.
    pub reason: Option<Reason>,
    /// Why the host does not follow it.
    pub refusal: Option<Reason>,
    /// The change in the plan, if there is one.
    pub change: Option<Change>,
    /// How the rule failed, if it did.
    pub fault: Option<String>,
    /// What the rule wrote while it judged the batch.
    pub log: Vec<String>,
    /// What is no longer as it was for the plan: rule, settings or scopes. The explanation goes by what they are now.
    pub changed: Vec<&'static str>,
}

impl Engine {
    /// Explains a case that is named `target/holder/object`, or `target/holder` for an account.
    ///
    /// # Errors
    /// When there is no sealed run, no such case in it, or what it saw is no longer there.
    pub fn explain(&self, name: &str) -> Result<Explanation, EngineError> {
        let not_found = |what| EngineError::NotFound { what, name: name.to_owned() };
        let (run, plan) = self.newest_plan()?.ok_or_else(|| not_found("sealed run that holds a case"))?;
        let file = PlanFile::open(&self.store.plan(plan))?;
        let (snapshot, recorded) = self.seen(&run, &file)?;
        let mut cases = self.correlate(snapshot, recorded.into_iter().map(Ok), run.as_of)?;
        let case = find(&cases, name).ok_or_else(|| not_found("case"))?;
        let batch = cases.batches.iter().find(|batch| batch.cases.contains(&case)).cloned().ok_or_else(|| not_found("case"))?;
        let verdict = self.judge_again(&cases, &batch, run.as_of);
        cases.batches = vec![batch.clone()];
        let bounds = self.bounds(run.run)?;
        let policy = self.policy(run.as_of, &bounds);
        let decided = decide(&cases, std::slice::from_ref(&verdict), &policy, 1);
        let mut change = None;
        let key = case_key(&cases, case).ok_or_else(|| not_found("case"))?;
        for planned in file.changes() {
            let planned = planned?;
            if planned.key == key {
                change = Some(planned);
                break;
            }
        }
        let changed = self.changed_since(&file.header().inputs);
        let refusal = match changed.is_empty() && change.is_none() {
            true => refused(&file, &key)?,
            false => None,
        };
        let explanation = self.explanation(&cases, key, case, &batch, &verdict, &decided, run.as_of, change);
        // What one batch cannot know, such as who else holds it, the plan does.
        let refusal = if changed.is_empty() { refusal } else { explanation.refusal };
        Ok(Explanation { changed, refusal, ..explanation })
    }

    /// What a plan was made from: facts, and recorded state as it was met.
    pub(super) fn seen(&self, run: &RunRow, plan: &PlanFile) -> Result<(Snapshot, Vec<Recorded>), EngineError> {
        let report = self.store.report(run.run);
        // A plan that came from elsewhere has no report here.
        if !report.exists() {
            return Err(EngineError::PagesGone);
        }
        let report = RunReport::read(&report)?;
        let snapshot = recall(&self.store.pages(run.run), &report.scans)?;
        if snapshot.facts_digest() != plan.header().inputs.facts {
            return Err(EngineError::PagesGone);
        }
        let mut recorded = BTreeMap::new();
        for part in 0..report.parts {
            let path = self.store.met(run.run, part);
            let rows = read_aside(&path).map_err(|source| EngineError::Store { path, source })?;
            recorded.extend(rows.ok_or(EngineError::PagesGone)?.into_iter().map(|row| (row.key, row)));
        }
        Ok((snapshot, recorded.into_values().collect()))
    }

    fn changed_since(&self, inputs: &Inputs) -> Vec<&'static str> {
        let pairs = [
            ("rule", inputs.rule_module == self.rule.module),
            ("settings", inputs.settings == self.settings_digest()),
            ("scopes", inputs.scopes == self.scopes_digest()),
        ];
        pairs.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect()
    }

    #[expect(clippy::too_many_arguments, reason = "one place that lays the parts of an explanation side by side")]
    fn explanation(
        &self,
        cases: &Cases,
        key: CaseKey,
        index: u32,
        batch: &Batch,
        verdict: &BatchVerdict,
        decided: &Decided,
        as_of: Time,
        change: Option<Change>,
    ) -> Explanation {
        let text = |sym: Sym| cases.snapshot.symbols.text(sym).to_owned();
        let case = cases.cases.get(index as usize);
        let held = decided.held.iter().find(|held| held.case == index);
        let (effect, reason) = self.answer(verdict, index - batch.cases.start);
        let identity = cases.identities.iter().find(|identity| identity.cases.contains(&index));
        let record = case.and_then(|case| case.desired).and_then(|i| cases.snapshot.desired.get(i as usize));
        let scope = case.and_then(|case| case.scope).and_then(|i| self.parts.scopes.0.get(usize::from(i)));
        Explanation {
            as_of,
            identity: identity.map(|identity| text(identity.name)).unwrap_or_default(),
            desired: case.map_or("absent", |case| side(case.desired_side)),
            observed: case.map_or("absent", |case| side(case.observed_side)),
            recorded: case.map_or("absent", |case| side(case.recorded_side)),
            differs: case.map(attributes).unwrap_or_default(),
            scope: scope.map(|scope| format!("{} ({})", scope.name(), format!("{:?}", scope.mode).to_lowercase())),
            record: record.map(|fact| text(fact.record)).unwrap_or_default(),
            effect,
            reason,
            refusal: held.and_then(|held| held.refusal).map(crate::decide::Refusal::reason),
            change,
            fault: verdict.result.as_ref().err().map(ToString::to_string),
            log: verdict.log.iter().map(|(_, line)| line.clone()).collect(),
            changed: Vec::new(),
            key,
        }
    }

    fn answer(&self, verdict: &BatchVerdict, row: u32) -> (Option<&'static str>, Option<Reason>) {
        let Ok(columns) = &verdict.result else { return (None, None) };
        let Ok(at) = columns.case.binary_search(&row) else { return (None, None) };
        let reason = columns.reason.get(at).and_then(|reason| self.rule.reasons.get(usize::from(*reason)));
        (columns.effect.get(at).and_then(|code| Effect::from_code(*code)).map(Effect::name), reason.cloned())
    }
}

/// Why the host refuses a case in a plan.
fn refused(plan: &PlanFile, key: &CaseKey) -> Result<Option<Reason>, EngineError> {
    for held in plan.held() {
        let held = held?;
        if held.key == *key {
            return Ok(Some(held.reason).filter(|_| held.by == "host"));
        }
    }
    Ok(None)
}

fn find(cases: &Cases, name: &str) -> Option<u32> {
    (0..cases.cases.len() as u32).find(|&index| case_key(cases, index).is_some_and(|key| key.to_string() == name))
}

fn case_key(cases: &Cases, index: u32) -> Option<CaseKey> {
    cases.cases.get(index as usize).and_then(|case| cases.key(case))
}

const fn side(side: Side) -> &'static str {
    match side {
        Side::Absent => "absent",
        Side::Present => "present",
        Side::Disabled => "disabled",
        Side::Unknown => "unknown",
    }
}

fn attributes(case: &Case) -> Vec<&'static str> {
    let names = ["enabled", "level", "expires_at", "owner", "purpose"];
    let set: BTreeSet<usize> = (0..names.len()).filter(|bit| case.differs & (1 << bit) != 0).collect();
    set.into_iter().filter_map(|bit| names.get(bit).copied()).collect()
}
