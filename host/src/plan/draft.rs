//! What a plan is made of before it is sealed, and the look-ups that turn its indices into words.

use std::collections::HashMap;

use super::sealed::FORMAT;
use super::sealed::{Adoptable, Header, Inputs, Summary};
use crate::correlate::{Case, Cases, Side};
use crate::decide::{Cause, Decided, Decision, Policy, Refusal};
use crate::model::{AttributeMask, CaseKey, Denial, Fact, GateKind, Mode, Reason, Subject, Sym};
use crate::rule::RuleFacts;

/// What a plan is made of.
#[derive(Clone)]
pub struct Draft<'a> {
    /// The cases.
    pub cases: &'a Cases,
    /// What was decided of them.
    pub decided: &'a Decided,
    /// What the host is bound by, as it was when deciding.
    pub policy: Policy<'a>,
    /// The rule.
    pub rule: &'a RuleFacts,
    /// Digests of all inputs.
    pub inputs: Inputs,
}

/// A draft with its look-ups.
pub(super) struct Book<'a> {
    pub cases: &'a Cases,
    pub decided: &'a Decided,
    pub rule: &'a RuleFacts,
    pub tenant: &'a str,
    pub denials: &'a [Denial],
    /// Whether the clock is doubted: every change waits.
    pub clock_doubted: bool,
    /// The name under which each scope is adopted.
    pub scopes: Vec<String>,
    attributes: HashMap<Sym, AttributeMask>,
}

impl<'a> Book<'a> {
    pub(super) fn new(draft: &'a Draft<'_>) -> Self {
        let symbols = &draft.cases.snapshot.symbols;
        let targets = draft.policy.targets.iter();
        Book {
            cases: draft.cases,
            decided: draft.decided,
            rule: draft.rule,
            tenant: &draft.inputs.tenant,
            denials: draft.policy.denials,
            clock_doubted: draft.inputs.clock.is_some(),
            scopes: (0..draft.policy.scopes.0.len()).map(|i| draft.policy.adoption_name(i)).collect(),
            attributes: targets.filter_map(|(name, t)| symbols.find(name).map(|sym| (sym, t.attributes))).collect(),
        }
    }

    pub(super) fn text(&self, sym: Sym) -> &'a str {
        self.cases.snapshot.symbols.text(sym)
    }

    pub(super) fn case(&self, index: u32) -> Option<&'a Case> {
        self.cases.cases.get(index as usize)
    }

    pub(super) fn desired(&self, case: &Case) -> Option<&'a Fact> {
        case.desired.and_then(|i| self.cases.snapshot.desired.get(i as usize))
    }

    pub(super) fn observed(&self, case: &Case) -> Option<&'a Fact> {
        case.observed.and_then(|i| self.cases.snapshot.observed.get(i as usize))
    }

    /// The attributes that a target stores.
    pub(super) fn attributes(&self, target: Sym) -> AttributeMask {
        self.attributes.get(&target).copied().unwrap_or_default()
    }

    /// The name of an identity.
    pub(super) fn identity(&self, index: u32) -> &'a str {
        self.cases.identities.get(index as usize).map_or("", |identity| self.text(identity.name))
    }

    /// The key of a case, in native spelling. A case that neither side spells is named by its hash.
    pub(super) fn key(&self, case: &Case) -> CaseKey {
        self.cases.key(case).unwrap_or_else(|| CaseKey {
            target: String::new(),
            holder: String::new(),
            subject: Subject::Grant,
            object: case.key.to_string(),
        })
    }

    /// Why a decision was made, in the rule's words; in the host's where it acts by its own hand.
    pub(super) fn why(&self, decision: &Decision, key: &CaseKey) -> Reason {
        let (code, text) = match (decision.reason, decision.cause) {
            (Some(index), _) => return self.reason(index),
            (None, Cause::Denied) => ("trueup:denied", self.denial(key).unwrap_or_else(|| "an operator denied it".to_owned())),
            (None, _) => ("expired", "its own end has passed; the host ends it without the rule".to_owned()),
        };
        Reason { code: code.to_owned(), text }
    }

    /// Who denied a case, and why.
    pub(super) fn denial(&self, key: &CaseKey) -> Option<String> {
        let denial = self.denials.iter().find(|denial| denial.covers(key))?;
        Some(format!("`{}` denied it at {}: {}", denial.by, denial.at, denial.why))
    }

    /// The rule's words.
    pub(super) fn reason(&self, index: u16) -> Reason {
        match self.rule.reasons.get(usize::from(index)) {
            Some(reason) => reason.clone(),
            None => Reason { code: format!("reason-{index}"), text: String::new() },
        }
    }
}

/// All that can be counted before a change is built. Parts of a plan are counted one by one.
#[derive(Default)]
pub(super) struct Tally {
    pub changes: u64,
    pub held: u64,
    pub summary: Summary,
    /// Of each scope: whether it has cases, and whether all of them were known and judged.
    seen: Vec<(bool, bool)>,
}

impl Tally {
    /// Counts a part.
    pub(super) fn of(book: &Book<'_>) -> Self {
        let (changes, held) = (book.decided.decisions.len() as u64, book.decided.held.len() as u64);
        Tally { changes, held, summary: summary(book), seen: seen(book) }
    }

    /// Takes in another part.
    pub(super) fn add(&mut self, part: Tally) {
        self.changes += part.changes;
        self.held += part.held;
        self.summary.add(part.summary);
        self.seen.resize(part.seen.len().max(self.seen.len()), (false, true));
        for ((cases, whole), (more, also)) in self.seen.iter_mut().zip(part.seen) {
            (*cases, *whole) = (*cases || more, *whole && also);
        }
    }

    /// The header of a plan of what was counted.
    pub(super) fn header(self, policy: &Policy<'_>, inputs: Inputs) -> Header {
        Header {
            // An amendment looks at a few identities: whether a scope was seen as a whole is for the plan that it amends.
            adopts: if inputs.amends.is_some() { Vec::new() } else { adoptable(policy, &self.seen) },
            changes: self.changes,
            format: FORMAT,
            held: self.held,
            inputs,
            summary: self.summary,
        }
    }
}

fn summary(book: &Book<'_>) -> Summary {
    let mut summary = Summary::default();
    let mut add = |map: fn(&mut Summary) -> &mut std::collections::BTreeMap<String, u64>, key: &str, count: u64| {
        let map = map(&mut summary);
        match map.get_mut(key) {
            Some(sum) => *sum += count,
            None => {
                map.insert(key.to_owned(), count);
            }
        }
    };
    for decision in &book.decided.decisions {
        let Decision { kind, tier, gates, .. } = decision;
        add(|s| &mut s.by_kind, kind.name(), 1);
        add(|s| &mut s.by_tier, &tier.to_string(), 1);
        if gates.adoption {
            add(|s| &mut s.gated, GateKind::Adoption.name(), 1);
        }
        if gates.budget {
            add(|s| &mut s.gated, GateKind::Budget.name(), 1);
        }
        if gates.approval {
            add(|s| &mut s.gated, GateKind::Approval.name(), 1);
        }
        if gates.claim {
            add(|s| &mut s.gated, GateKind::Claim.name(), 1);
        }
        if book.clock_doubted {
            add(|s| &mut s.gated, GateKind::Clock.name(), 1);
        }
    }
    for held in &book.decided.held {
        match (held.refusal, held.reason) {
            (Some(refusal), _) => add(|s| &mut s.held, refusal.code(), 1),
            (None, Some(reason)) => add(|s| &mut s.held, &book.reason(reason).code, 1),
            (None, None) => add(|s| &mut s.held, UNANSWERED, 1),
        }
    }
    let code = |reason: &Option<u16>| reason.map_or_else(|| UNANSWERED.to_owned(), |reason| book.reason(reason).code);
    for (reason, &count) in &book.decided.kept {
        add(|s| &mut s.kept, &code(reason), count);
    }
    for (reason, &count) in &book.decided.unmanaged {
        add(|s| &mut s.unmanaged, &code(reason), count);
    }
    summary
}

/// Stands for "the rule gave no answer" among reason codes, which are lower case with hyphens.
const UNANSWERED: &str = "(unanswered)";

/// Of each scope, whether it has cases, and whether all of them were known and judged.
fn seen(book: &Book<'_>) -> Vec<(bool, bool)> {
    let mut seen = vec![(false, true); book.scopes.len()];
    let mut mark = |case: &Case, known: bool| {
        if let Some((cases, whole)) = case.scope.and_then(|i| seen.get_mut(usize::from(i))) {
            *cases = true;
            *whole &= known;
        }
    };
    for case in &book.cases.cases {
        mark(case, case.desired_side != Side::Unknown && case.observed_side != Side::Unknown);
    }
    for held in &book.decided.held {
        if let Some(case) = book.case(held.case) {
            mark(case, !matches!(held.refusal, Some(Refusal::RuleFailed | Refusal::RuleAbsent | Refusal::IdentityTooLarge)));
        }
    }
    seen
}

/// Scopes that were not adopted before, and whether they were seen as a whole.
fn adoptable(policy: &Policy<'_>, seen: &[(bool, bool)]) -> Vec<Adoptable> {
    let new = policy.scopes.0.iter().enumerate().filter(|(i, s)| s.mode != Mode::Observe && !policy.is_adopted(*i, false));
    new.map(|(i, scope)| {
        let (cases, whole) = seen.get(i).copied().unwrap_or_default();
        Adoptable { mode: scope.mode, scope: policy.adoption_name(i), whole: cases && whole }
    })
    .collect()
}
