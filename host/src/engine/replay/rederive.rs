//! From a recording back to a plan: the stages of planning once more, over what was recorded instead of what could be read today.
//! Everything is in memory at once. Asks no source, no target and no ledger, and writes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;
use std::io::Write;

use super::facts::FactBlock;
use super::kept::Recording;
use super::lists::FactNames;
use super::objects::{Named, Objects, Unread};
use super::rows::{Answer, CatalogueRow, FormRow, MetRow, PersonRow};
use crate::correlate::{Cases, CorrelateContext, Recorded, TargetFacts, correlate};
use crate::decide::{Decided, Policy, TargetPolicy, decide};
use crate::discover::{Page, Snapshot, rebuild};
use crate::engine::EngineError;
use crate::link::{Links, link};
use crate::model::{Digest, KeyHash, Time};
use crate::plan::{Draft, Inputs, Sealed, seal};
use crate::progress::Silent;
use crate::rule::{BatchVerdict, Fault, KeyKind, verdicts_digest};

/// What was recorded, paired again.
pub(super) struct Rederived<'r> {
    pub(super) recording: &'r Recording,
    pub(super) cases: Cases,
    /// The answers that were recorded, batch for batch.
    pub(super) verdicts: Vec<BatchVerdict>,
    /// Keys and the forms in which they were compared, as the rule said then; empty where it says nothing of keys.
    pub(super) compared: Vec<Compared>,
    facts: Digest,
    targets: BTreeMap<String, TargetPolicy>,
    unsettled: BTreeSet<KeyHash>,
    /// Budgets of other plans: a plan of its own has none before it.
    spent: BTreeMap<String, u64>,
    threads: usize,
}

/// How keys compare that compare as something else, as the rule said then.
type Forms = HashMap<(u8, String), String>;

/// What the rule is asked of keys at once: holders or objects.
pub(super) struct Compared {
    pub(super) kind: KeyKind,
    pub(super) keys: Vec<String>,
    pub(super) forms: Vec<String>,
}

impl<'r> Rederived<'r> {
    /// Reads everything that a recording names, and pairs it.
    pub(super) fn read(recording: &'r Recording, objects: &mut Objects, threads: usize) -> Result<Self, Unread> {
        let mut snapshot = snapshot(recording, objects)?;
        let facts = snapshot.facts_digest();
        let (links, compared) = links(recording, &mut snapshot, &forms(recording, objects)?)?;
        let met = met(recording, objects)?;
        let mut verdicts = Vec::new();
        for named in objects.listed::<Named>(&recording.answers)? {
            verdicts.push(objects.value::<Answer>(&named)?.verdict());
        }
        let targets: BTreeMap<String, TargetPolicy> =
            recording.targets.iter().map(|(name, target)| (name.clone(), target.into())).collect();
        let target_facts = targets
            .iter()
            .map(|(name, target)| (name.clone(), TargetFacts { attributes: target.attributes, accounts: target.accounts }));
        let context = CorrelateContext {
            tenant: &recording.inputs.tenant,
            as_of: recording.inputs.as_of,
            scopes: &recording.scopes,
            targets: &target_facts.collect(),
            threads,
        };
        let cases = correlate(snapshot, links, met.into_values().map(Ok::<_, Infallible>), &context)
            .map_err(|error| EngineError::Correlate(error.to_string()))?;
        let unsettled = recording.unsettled.iter().filter_map(|key| KeyHash::parse(key)).collect();
        Ok(Rederived { recording, cases, verdicts, compared, facts, targets, unsettled, spent: BTreeMap::new(), threads })
    }

    /// The one instant of the plan.
    pub(super) const fn as_of(&self) -> Time {
        self.recording.inputs.as_of
    }

    /// What deciding was bound by.
    pub(super) fn policy(&self) -> Policy<'_> {
        let Recording { scopes, adoptions, denials, rule, .. } = self.recording;
        let (targets, unsettled, spent) = (&self.targets, &self.unsettled, &self.spent);
        Policy { as_of: self.as_of(), scopes, targets, adoptions, module: rule.module, denials, unsettled, spent }
    }

    /// What comes of these answers.
    pub(super) fn decide(&self, verdicts: &[BatchVerdict]) -> Decided {
        decide(&self.cases, verdicts, &self.policy(), self.threads)
    }

    /// Seals what was decided, under the version of the planner that is recorded. Digests of what was read back are made anew.
    pub(super) fn seal(&self, decided: &Decided, verdicts: &[BatchVerdict], out: &mut dyn Write) -> Result<Sealed, EngineError> {
        let policy = self.policy();
        let inputs = Inputs {
            denials: policy.denials_digest(),
            facts: self.facts,
            unsettled: policy.unsettled_digest(),
            verdicts: verdicts_digest(verdicts),
            ..self.recording.inputs.clone()
        };
        let draft = Draft { cases: &self.cases, decided, policy, rule: &self.recording.rule, inputs };
        Ok(seal(&draft, self.threads, out, &Silent)?)
    }
}

/// All facts, people and catalogue rows.
fn snapshot(recording: &Recording, objects: &mut Objects) -> Result<Snapshot, Unread> {
    let mut page = Page::default();
    for (named, used) in &objects.listed::<FactNames>(&recording.facts)? {
        let raw = objects.read(named)?;
        let block: FactBlock<'_> = parsed(objects, named, &raw)?;
        let used: Vec<i64> = used.as_ref().map(|used| objects.value(used)).transpose()?.unwrap_or_default();
        let facts = block.facts(&used, &mut page.symbols);
        let facts = facts.ok_or_else(|| objects.damaged(named, "a column of it, or of what was used, is not as long as it"))?;
        if facts.iter().any(|fact| usize::from(fact.scan) >= recording.scans.len()) {
            return Err(objects.damaged(named, "a row is of no scan").into());
        }
        page.facts.extend(facts);
    }
    for named in &objects.listed::<Named>(&recording.people)? {
        let raw = objects.read(named)?;
        let rows: Vec<PersonRow<'_>> = parsed(objects, named, &raw)?;
        page.people.extend(rows.iter().map(|row| row.person(&mut page.symbols)));
    }
    for named in &objects.listed::<Named>(&recording.catalogue)? {
        let raw = objects.read(named)?;
        let rows: Vec<CatalogueRow<'_>> = parsed(objects, named, &raw)?;
        page.entitlements.extend(rows.iter().map(|row| row.entitlement(&mut page.symbols)));
    }
    Ok(rebuild(page, recording.scans.clone()).map_err(EngineError::from)?)
}

fn parsed<'a, T: serde::Deserialize<'a>>(objects: &Objects, named: &Named, raw: &'a [u8]) -> Result<T, EngineError> {
    serde_json::from_slice(raw).map_err(|error| objects.damaged(named, &error.to_string()))
}

/// How the rule compared keys.
fn forms(recording: &Recording, objects: &mut Objects) -> Result<Forms, Unread> {
    let mut forms = Forms::new();
    for named in &objects.listed::<Named>(&recording.forms)? {
        let raw = objects.read(named)?;
        let rows: Vec<FormRow<'_>> = parsed(objects, named, &raw)?;
        forms.extend(rows.into_iter().map(|FormRow(kind, key, form)| ((kind, key.into_owned()), form.into_owned())));
    }
    Ok(forms)
}

fn links(recording: &Recording, snapshot: &mut Snapshot, forms: &Forms) -> Result<(Links, Vec<Compared>), EngineError> {
    if !recording.canonical {
        return Ok((link::<Fault>(snapshot, None)?, Vec::new()));
    }
    let mut compared = Vec::new();
    let form = |kind: u8, key: &str| forms.get(&(kind, key.to_owned())).map_or(key, String::as_str).to_owned();
    let mut canon = |kind: u8, keys: &[&str]| -> Result<Vec<String>, Fault> {
        let forms: Vec<String> = keys.iter().map(|key| form(kind, key)).collect();
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        compared.push(Compared { kind: KeyKind::of(kind), keys, forms: forms.clone() });
        Ok(forms)
    };
    Ok((link(snapshot, Some(&mut canon))?, compared))
}

/// Recorded rows by key. What one part gave back to the next was met twice.
fn met(recording: &Recording, objects: &mut Objects) -> Result<BTreeMap<KeyHash, Recorded>, Unread> {
    let mut met = BTreeMap::new();
    for named in &objects.listed::<Named>(&recording.met)? {
        let rows: Vec<MetRow> = objects.value(named)?;
        for row in rows {
            let row = row.recorded().ok_or_else(|| objects.damaged(named, "a key is no key"))?;
            met.insert(row.key, row);
        }
    }
    Ok(met)
}
