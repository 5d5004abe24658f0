//! What another version of the rule would decide on what the newest plan saw: both judge the same cases, and the host checks both
//! alike. Asks no source and no target, and writes nothing.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::{Engine, EngineError};
use crate::correlate::Cases;
use crate::decide::{Decided, Policy, decide, decide_part};
use crate::limits::{COMPARED_CASES, COMPARED_FAULTS, COMPARED_GROUPS};
use crate::model::{CaseKey, ChangeKind, Digest, RunId, Time};
use crate::plan::PlanFile;
use crate::rule::{BatchVerdict, Fault, Judging, Module, RuleFacts, Settings, judge_all};

/// What becomes of one case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fate {
    /// A kind of change, or `hold`, `refuse` or `keep`.
    pub what: String,
    /// The rule's code for it, or the host's where it refuses or acts by its own hand. Empty: kept.
    pub reason: String,
}

/// One case of which two versions make something different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// SHA-256 of its component.
    pub module: Digest,
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
    /// Cases of differences that are in no group, because there are too many kinds of them.
    pub other_groups: u64,
    /// The first cases, in that order.
    pub first: Vec<Difference>,
    /// Batches that the other version did not answer; their cases count as refused.
    pub failed: u64,
    /// How it failed, the first times.
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
        let now = decide(&cases, &self.judge(&cases, run.as_of, None), &policy, self.threads());
        let judging = Judging { as_of: run.as_of, settings, explain: false };
        let then = judge_all(other, &judging, &cases, self.threads(), &*self.observer, None);
        let policy = Policy { module: other.facts().module, ..policy };
        let mut comparing = Comparing::begin((run.run, run.as_of), &self.rule, other.facts());
        comparing.faults(&then);
        comparing.part(&cases, (&now, &self.rule), (&then, other.facts()), &policy, self.threads());
        Ok(comparing.end())
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
    let fate = |what: &str, reason: String| Fate { what: what.to_owned(), reason };
    let mut fates = HashMap::with_capacity(decided.decisions.len() + decided.held.len());
    for decision in &decided.decisions {
        let fate = fate(decision.kind.name(), code(decision.reason));
        let change = Some((decision.kind, decision.mask, decision.ends_at));
        fates.insert(decision.case, Made { fate, tier: decision.tier, change });
    }
    for held in &decided.held {
        let fate = match held.refusal {
            Some(refusal) => fate("refuse", refusal.code().to_owned()),
            None => fate("hold", code(held.reason)),
        };
        fates.insert(held.case, Made { fate, tier: 0, change: None });
    }
    fates
}

/// A comparison in the making: part after part of a plan, in bounded memory.
pub(super) struct Comparing {
    so_far: Comparison,
    groups: BTreeMap<(Fate, Fate), (u64, u8)>,
}

impl Comparing {
    pub(super) fn begin((run, as_of): (RunId, Time), now: &RuleFacts, then: &RuleFacts) -> Self {
        let so_far = Comparison {
            run,
            as_of,
            now: now.label(),
            then: then.label(),
            module: then.module,
            cases: 0,
            same: 0,
            added: 0,
            removed: 0,
            altered: 0,
            groups: Vec::new(),
            other_groups: 0,
            first: Vec::new(),
            failed: 0,
            faults: Vec::new(),
        };
        Comparing { so_far, groups: BTreeMap::new() }
    }

    /// Tells why the other module judges nothing.
    pub(super) fn missing(mut self, problem: &str) -> Self {
        self.so_far.faults.push(problem.to_owned());
        self
    }

    /// Takes in how the other module failed.
    pub(super) fn faults(&mut self, then: &[BatchVerdict]) {
        let faults: Vec<&Fault> = then.iter().filter_map(|verdict| verdict.result.as_ref().err()).collect();
        self.so_far.failed += faults.len() as u64;
        let room = COMPARED_FAULTS.saturating_sub(self.so_far.faults.len());
        self.so_far.faults.extend(faults.iter().take(room).map(|fault| fault.to_string()));
    }

    /// Takes in the next part: what was decided of it, and what the other module, under this policy, answered.
    pub(super) fn part(
        &mut self,
        cases: &Cases,
        (now, rule): (&Decided, &RuleFacts),
        (then, other): (&[BatchVerdict], &RuleFacts),
        policy: &Policy<'_>,
        threads: usize,
    ) {
        let then = decide_part(cases, then, policy, threads);
        self.add(cases, &fates(now, rule), &fates(&then, other));
    }

    fn add(&mut self, cases: &Cases, now: &HashMap<u32, Made>, then: &HashMap<u32, Made>) {
        let kept = Made { fate: Fate { what: "keep".to_owned(), reason: String::new() }, tier: 0, change: None };
        let mut found = Vec::new();
        let so_far = &mut self.so_far;
        for (index, case) in cases.here() {
            so_far.cases += 1;
            let (a, b) = (now.get(&index).unwrap_or(&kept), then.get(&index).unwrap_or(&kept));
            if a.fate == b.fate && a.change == b.change {
                so_far.same += 1;
                continue;
            }
            match (a.change, b.change) {
                (None, Some(_)) => so_far.added += 1,
                (Some(_), None) => so_far.removed += 1,
                (Some(a), Some(b)) if a != b => so_far.altered += 1,
                _ => {}
            }
            let tier = a.tier.max(b.tier);
            let group = (a.fate.clone(), b.fate.clone());
            match self.groups.contains_key(&group) || self.groups.len() < COMPARED_GROUPS {
                true => {
                    let group = self.groups.entry(group).or_default();
                    *group = (group.0 + 1, group.1.max(tier));
                }
                false => so_far.other_groups += 1,
            }
            found.push((tier, case, a, b));
        }
        found.sort_by_key(|(tier, ..)| Reverse(*tier));
        let difference = |(tier, case, a, b): &(u8, &_, &Made, &Made)| {
            let key = cases.key(case)?;
            Some(Difference { key, tier: *tier, now: a.fate.clone(), then: b.fate.clone() })
        };
        so_far.first.extend(found.iter().take(COMPARED_CASES).filter_map(difference));
        // Of the same tier, those of earlier parts stay first.
        so_far.first.sort_by_key(|difference| Reverse(difference.tier));
        so_far.first.truncate(COMPARED_CASES);
    }

    /// What came of it.
    pub(super) fn end(self) -> Comparison {
        let group = |((now, then), (cases, tier))| Differences { now, then, cases, tier };
        let mut groups: Vec<Differences> = self.groups.into_iter().map(group).collect();
        groups.sort_by_key(|group| (Reverse(group.tier), Reverse(group.cases)));
        Comparison { groups, ..self.so_far }
    }
}
