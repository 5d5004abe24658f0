//! What another version of the rule would decide on what the newest plan saw: both judge the same cases, and the host checks both
//! alike. Asks no source and no target, and writes nothing.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::{Engine, EngineError};
use crate::correlate::Cases;
use crate::decide::{Decided, Policy, decide};
use crate::limits::COMPARED_CASES;
use crate::model::{CaseKey, ChangeKind, RunId, Time};
use crate::plan::PlanFile;
use crate::rule::{BatchVerdict, Fault, Judging, Module, RuleFacts, Settings, judge_all};

/// What becomes of one case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Fate {
    /// A kind of change, or `hold`, `refuse` or `keep`.
    pub what: &'static str,
    /// The rule's code for it, or the host's where it refuses or acts by its own hand. Empty: kept.
    pub reason: String,
}

/// One case of which two versions make something different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The case.
    pub key: CaseKey,
    /// The higher of its two risk tiers; zero where neither changes it.
    pub tier: u8,
    /// What becomes of it now.
    pub now: Fate,
    /// What the other version makes of it.
    pub then: Fate,
}

/// Cases of the same difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Differences {
    /// What becomes of them now.
    pub now: Fate,
    /// What the other version makes of them.
    pub then: Fate,
    /// How many.
    pub cases: u64,
    /// The highest tier among them.
    pub tier: u8,
}

/// What another version of the rule would decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// The run whose facts were judged.
    pub run: RunId,
    /// The instant of its plan.
    pub as_of: Time,
    /// The rule of this engine, as name@version.
    pub now: String,
    /// The other one.
    pub then: String,
    /// Cases judged.
    pub cases: u64,
    /// Cases of which both make the same; reasons of what is kept, and tiers, are not compared.
    pub same: u64,
    /// Changes that only the other version plans.
    pub added: u64,
    /// Changes that only this engine's version plans.
    pub removed: u64,
    /// Changes that both plan, but not alike: another kind, end or attribute.
    pub altered: u64,
    /// All differences, those of the highest tier and the most cases first.
    pub groups: Vec<Differences>,
    /// The first cases, in that order.
    pub first: Vec<Difference>,
    /// How the other version failed, batch by batch; its cases count as refused.
    pub faults: Vec<String>,
}

impl Engine {
    /// Compares another version of the rule, under these settings, with the rule of this engine, on what the newest plan saw.
    /// Cases are paired as this engine's rule compares keys. Gates are not compared: a new module has its own adoption.
    ///
    /// # Errors
    /// When there is no sealed run, or what it saw is no longer there.
    pub fn compare(&self, other: &Module, settings: &Settings) -> Result<Comparison, EngineError> {
        let no_run = || EngineError::NotFound { what: "sealed run", name: self.parts.tenant.clone() };
        let (run, plan) = self.newest_plan()?.ok_or_else(no_run)?;
        let file = PlanFile::open(&self.store.plan(plan))?;
        let (snapshot, recorded) = self.seen(&run, &file)?;
        let cases = self.correlate(snapshot, recorded.into_iter().map(Ok), run.as_of)?;
        let bounds = self.bounds(run.run)?;
        let policy = self.policy(run.as_of, &bounds);
        let judging = Judging { as_of: run.as_of, settings, explain: false };
        let verdicts = judge_all(other, &judging, &cases, self.threads(), &*self.observer, None);
        let now = self.fates(&cases, &self.judge(&cases, run.as_of, None), &policy, &self.rule);
        let then = self.fates(&cases, &verdicts, &Policy { module: other.facts().module, ..policy }, other.facts());
        let faults = verdicts.iter().filter_map(|verdict| verdict.result.as_ref().err()).map(Fault::to_string).collect();
        let comparison = Comparison {
            run: run.run,
            as_of: run.as_of,
            now: self.rule.label(),
            then: other.facts().label(),
            cases: cases.cases.len() as u64,
            same: 0,
            added: 0,
            removed: 0,
            altered: 0,
            groups: Vec::new(),
            first: Vec::new(),
            faults,
        };
        Ok(comparison.of(&cases, &now, &then))
    }

    fn fates(&self, cases: &Cases, verdicts: &[BatchVerdict], policy: &Policy<'_>, rule: &RuleFacts) -> HashMap<u32, Made> {
        let decided = decide(cases, verdicts, policy, self.threads());
        fates(&decided, rule)
    }
}

/// What was decided of a case that is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Made {
    fate: Fate,
    tier: u8,
    change: Option<(ChangeKind, u32, Time)>,
}

fn fates(decided: &Decided, rule: &RuleFacts) -> HashMap<u32, Made> {
    let code = |reason: Option<u16>| {
        let reason = reason.and_then(|reason| rule.reasons.get(usize::from(reason)));
        reason.map_or_else(|| "trueup".to_owned(), |reason| reason.code.clone())
    };
    let mut fates = HashMap::with_capacity(decided.decisions.len() + decided.held.len());
    for decision in &decided.decisions {
        let fate = Fate { what: decision.kind.name(), reason: code(decision.reason) };
        let change = Some((decision.kind, decision.mask, decision.ends_at));
        fates.insert(decision.case, Made { fate, tier: decision.tier, change });
    }
    for held in &decided.held {
        let fate = match held.refusal {
            Some(refusal) => Fate { what: "refuse", reason: refusal.code().to_owned() },
            None => Fate { what: "hold", reason: code(held.reason) },
        };
        fates.insert(held.case, Made { fate, tier: 0, change: None });
    }
    fates
}

impl Comparison {
    fn of(mut self, cases: &Cases, now: &HashMap<u32, Made>, then: &HashMap<u32, Made>) -> Self {
        let kept = Made { fate: Fate { what: "keep", reason: String::new() }, tier: 0, change: None };
        let mut all = Vec::new();
        let mut groups: BTreeMap<(&Fate, &Fate), (u64, u8)> = BTreeMap::new();
        for (index, case) in (0u32..).zip(&cases.cases) {
            let (a, b) = (now.get(&index).unwrap_or(&kept), then.get(&index).unwrap_or(&kept));
            if a.fate == b.fate && a.change == b.change {
                self.same += 1;
                continue;
            }
            match (a.change, b.change) {
                (None, Some(_)) => self.added += 1,
                (Some(_), None) => self.removed += 1,
                (Some(a), Some(b)) if a != b => self.altered += 1,
                _ => {}
            }
            let tier = a.tier.max(b.tier);
            let group = groups.entry((&a.fate, &b.fate)).or_default();
            *group = (group.0 + 1, group.1.max(tier));
            all.push((tier, index, case, a, b));
        }
        all.sort_by_key(|(tier, index, ..)| (Reverse(*tier), *index));
        let difference = |(tier, _, case, a, b): &(u8, u32, &_, &Made, &Made)| {
            let key = cases.key(case)?;
            Some(Difference { key, tier: *tier, now: a.fate.clone(), then: b.fate.clone() })
        };
        self.first = all.iter().take(COMPARED_CASES).filter_map(difference).collect();
        let group = |((now, then), (cases, tier)): ((&Fate, &Fate), (u64, u8))| Differences {
            now: now.clone(),
            then: then.clone(),
            cases,
            tier,
        };
        self.groups = groups.into_iter().map(group).collect();
        self.groups.sort_by_key(|group| (Reverse(group.tier), Reverse(group.cases)));
        self
    }
}
