//! What a plan is made of before it is sealed, and the look-ups that turn its indices into words.

use std::collections::HashMap;

use super::sealed::FORMAT;
use super::sealed::{Adoptable, Header, Inputs, Summary};
use crate::correlate::{Case, Cases, Side};
use crate::decide::{Decided, Decision, Policy, Refusal};
use crate::model::{AttributeMask, CaseKey, Fact, GateKind, Mode, Reason, Subject, Sym};
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

    /// The rule's words; the host's where the rule gave none.
    pub(super) fn reason(&self, index: Option<u16>) -> Reason {
        let known = index.map(|i| (i, self.rule.reasons.get(usize::from(i))));
        match known {
            Some((_, Some(reason))) => reason.clone(),
            Some((i, None)) => Reason { code: format!("reason-{i}"), text: String::new() },
            None => Reason {
                code: "expired".to_owned(),
                text: "its own end has passed; the host ends it without the rule".to_owned(),
            },
        }
    }
}

/// The header of a draft: all that can be counted before a change is built.
pub(super) fn header(draft: &Draft<'_>, book: &Book<'_>) -> Header {
    Header {
        adopts: adoptable(draft, book),
        changes: draft.decided.decisions.len() as u64,
        format: FORMAT,
        held: draft.decided.held.len() as u64,
        inputs: draft.inputs.clone(),
        summary: summary(book),
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
        if gates.approval {
            add(|s| &mut s.gated, GateKind::Approval.name(), 1);
        }
    }
    for held in &book.decided.held {
        match held.refusal {
            Some(refusal) => add(|s| &mut s.held, refusal.code(), 1),
            None => add(|s| &mut s.held, &book.reason(held.reason).code, 1),
        }
    }
    for (reason, &count) in &book.decided.kept {
        match reason {
            Some(_) => add(|s| &mut s.kept, &book.reason(*reason).code, count),
            None => add(|s| &mut s.kept, UNANSWERED, count),
        }
    }
    for (reason, &count) in &book.decided.unmanaged {
        add(|s| &mut s.unmanaged, &book.reason(*reason).code, count);
    }
    summary
}

/// Stands for "the rule gave no answer" among reason codes, which are lower case with hyphens.
const UNANSWERED: &str = "(unanswered)";

/// Scopes that were not adopted before, and whether they were seen as a whole.
fn adoptable(draft: &Draft<'_>, book: &Book<'_>) -> Vec<Adoptable> {
    let mut seen = vec![(false, true); book.scopes.len()];
    let mut mark = |case: &Case, known: bool| {
        if let Some((cases, whole)) = case.scope.and_then(|i| seen.get_mut(usize::from(i))) {
            *cases = true;
            *whole &= known;
        }
    };
    for case in &draft.cases.cases {
        mark(case, case.desired_side != Side::Unknown && case.observed_side != Side::Unknown);
    }
    for held in &draft.decided.held {
        if let Some(case) = book.case(held.case) {
            mark(case, !matches!(held.refusal, Some(Refusal::RuleFailed | Refusal::IdentityTooLarge)));
        }
    }
    let scopes = draft.policy.scopes.0.iter().zip(&book.scopes).zip(seen).enumerate();
    let new = scopes.filter(|(i, ((scope, _), _))| scope.mode != Mode::Observe && !draft.policy.is_adopted(*i, false));
    new.map(|(_, ((scope, name), (cases, whole)))| Adoptable { mode: scope.mode, scope: name.clone(), whole: cases && whole })
        .collect()
}
