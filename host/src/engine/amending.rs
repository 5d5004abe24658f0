//! Amendments: what moved under a plan while it was committed is read again in its targets, judged, and sealed as a plan of
//! its own that names the one it amends. Sources are not asked again: they said what should be for the whole run. Owns
//! which identities are looked at, and how often.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Engine, EngineError, RunReport};
use crate::audit::LogHead;
use crate::commit::{End, Outcomes, Status};
use crate::correlate::{Batch as CaseBatch, Cases};
use crate::decide::{Ends, decide_part, gate};
use crate::discover::{ScanSide, Snapshot, Survey, recall_survey};
use crate::ledger::{Batch, Entry, Leaf, Owned, RunRow, Stage};
use crate::limits::{AMENDMENTS, IDENTITY_HOLDS_CASES};
use crate::model::{CaseKey, Encoder, Fact, FactFlags, Holding, PlanId, RunId, State, Symbols, Wave};
use crate::plan::{Draft, Inputs, PlanFile, seal};

/// What a second look at what moved came to.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Amended {
    /// The amendment.
    pub plan: PlanId,
    /// The identities that were looked at again.
    pub identities: BTreeSet<String>,
    /// Changes of the plan before that were still open, and go on here.
    pub replanned: u64,
    /// What became of its changes.
    pub outcomes: Outcomes,
    /// Head of the audit log afterwards.
    pub head: LogHead,
}

/// An amendment that is sealed.
pub(super) struct Amendment {
    pub(super) run: RunRow,
    pub(super) identities: BTreeSet<String>,
    pub(super) replanned: u64,
}

/// What was read again, by case; of a case that is not listed nothing is held.
type Fresh = BTreeMap<CaseKey, Holding>;

impl Engine {
    /// Identities of which a case moved under this plan, and which nobody has looked at since. From what is durable, so that
    /// a crash loses none. None where every change is as it was planned, or an operator chose the changes.
    pub(super) fn moved(&self, plan: &PlanFile, outcomes: &Outcomes) -> Result<BTreeSet<String>, EngineError> {
        let is_over = [End::Superseded, End::NotObserved].iter().any(|end| outcomes.ended.contains_key(end.name()));
        if !is_over || plan.header().inputs.undoes.is_some() || self.amendment_of(plan.id())?.is_some() {
            return Ok(BTreeSet::new());
        }
        let statuses = self.statuses(plan.id())?;
        let (mut moved, mut unsettled) = (BTreeSet::new(), BTreeSet::new());
        for change in plan.changes() {
            let change = change?;
            match statuses.get(&change.id) {
                Some(Status::Ended { end: End::Superseded | End::NotObserved, .. }) => _ = moved.insert(change.component),
                // What may land still is for the next plan to settle first.
                Some(status) if status.is_under_way() => _ = unsettled.insert(change.component),
                _ => {}
            }
        }
        Ok(&moved - &unsettled)
    }

    /// Looks again at what moved, and seals what that comes to. None when nothing moved, when it moved too often in this run,
    /// or when it cannot be read: then the next plan looks.
    pub(super) async fn amend(
        &self,
        owned: &Owned,
        run: &RunRow,
        plan: &PlanFile,
        moved: BTreeSet<String>,
    ) -> Result<Option<Amendment>, EngineError> {
        if moved.is_empty() || self.is_contended(plan)? {
            return Ok(None);
        }
        let first = run.amends.unwrap_or(run.run);
        let (report, pages) = (self.store.report(first), self.store.pages(first));
        if !report.exists() || !pages.exists() {
            return Ok(None);
        }
        let folder = self.store.begin_spill()?;
        let mut survey = recall_survey(&pages, &RunReport::read(&report)?.scans, folder.path())?;
        let names = survey.names.clone();
        let links = self.link_survey(&mut survey)?;
        let mut snapshot = self.pick(&survey, &links, &moved, folder.path())?;
        let local = links.local(&survey.snapshot, &mut snapshot, std::iter::empty());
        let of = |fact: &Fact| snapshot.symbols.text(local.identity(fact)).to_owned();
        let mut known: BTreeMap<String, BTreeSet<CaseKey>> = BTreeMap::new();
        for fact in snapshot.desired.iter().chain(&snapshot.observed) {
            known.entry(of(fact)).or_default().insert(key_of(&snapshot.symbols, fact));
        }
        let mut fresh = Fresh::new();
        let mut identities = BTreeSet::new();
        for (identity, keys) in &known {
            if let Some(read) = self.read_again(keys).await {
                fresh.extend(read);
                identities.insert(identity.clone());
            }
        }
        if identities.is_empty() {
            return Ok(None);
        }
        let keys: BTreeSet<CaseKey> = identities.iter().filter_map(|name| known.get(name)).flatten().cloned().collect();
        let mut snapshot = self.pick(&survey, &links, &identities, folder.path())?;
        snapshot.rows = survey.snapshot.rows;
        refresh(&mut snapshot, &keys, &fresh);
        // What was read again may have names that nobody had used.
        survey.names = names;
        survey.name(&snapshot);
        let amendment = tokio::task::block_in_place(|| self.seal_amendment(owned, run, plan, survey, snapshot, identities))?;
        Ok(Some(amendment))
    }

    /// Whether a plan amends others so often that no other amendment follows in this run.
    pub(super) fn is_contended(&self, plan: &PlanFile) -> Result<bool, EngineError> {
        let mut rounds = 0;
        let mut before = plan.header().inputs.amends;
        while let Some(id) = before.filter(|_| rounds < AMENDMENTS) {
            rounds += 1;
            before = PlanFile::open(&self.store.plan(id))?.header().inputs.amends;
        }
        Ok(rounds >= AMENDMENTS)
    }

    /// The run that amends this plan, if there is one.
    fn amendment_of(&self, plan: PlanId) -> Result<Option<RunRow>, EngineError> {
        for run in self.runs(u32::MAX)?.into_iter().filter(|run| run.amends.is_some()) {
            let Some(path) = run.plan.map(|plan| self.store.plan(plan)).filter(|path| path.exists()) else { continue };
            if PlanFile::open(&path)?.header().inputs.amends == Some(plan) {
                return Ok(Some(run));
            }
        }
        Ok(None)
    }

    /// What is held now of these cases, and whatever else their holders have where a target can list it. None when something
    /// cannot be read.
    async fn read_again(&self, keys: &BTreeSet<CaseKey>) -> Option<Fresh> {
        let mut fresh = Fresh::new();
        let mut holders: BTreeMap<(&str, &str), Vec<&CaseKey>> = BTreeMap::new();
        for key in keys {
            holders.entry((&key.target, &key.holder)).or_default().push(key);
        }
        for ((name, holder), keys) in holders {
            let target = self.parts.targets.iter().find(|target| target.name() == name)?;
            if let Ok(all) = target.held_by(holder).await {
                fresh.extend(all.into_iter().filter(|(key, _)| key.target == name && key.holder == holder));
                continue;
            }
            for key in keys {
                let state: State = target.read(key).await.ok()?.state;
                fresh.extend(state.map(|holding| (key.clone(), holding)));
            }
        }
        Some(fresh)
    }

    fn seal_amendment(
        &self,
        owned: &Owned,
        parent: &RunRow,
        plan: &PlanFile,
        mut survey: Survey,
        mut snapshot: Snapshot,
        identities: BTreeSet<String>,
    ) -> Result<Amendment, EngineError> {
        let last = self.runs(1)?.first().map_or(parent.run.0, |run| run.run.0);
        let first = parent.amends.unwrap_or(parent.run);
        let run = RunRow { amends: Some(first), ..self.new_run(RunId(last + 1), None, true) };
        let facts = snapshot.facts_digest();
        let bounds = self.bounds(run.run)?.after(self.spent(plan)?);
        let links = self.link_survey(&mut survey)?;
        let local = links.local(&survey.snapshot, &mut snapshot, bounds.denied());
        let recorded = self.recorded_of(&snapshot, &local)?;
        let mut cases = self.pair(snapshot, local, recorded.into_iter().map(Ok), run.as_of)?;
        cases.batches = batches_of(&cases, &identities);
        let verdicts = self.judge(&cases, run.as_of, None);
        let policy = self.policy(run.as_of, &bounds);
        let mut decided = decide_part(&cases, &verdicts, &policy, self.threads());
        let mut ends = Ends::default();
        ends.count(&cases, &decided.decisions);
        let scans = survey.snapshot.scans.iter().filter(|scan| scan.side == ScanSide::Observed);
        scans.for_each(|scan| ends.among(&scan.target, scan.rows));
        gate(&cases, &ends.too_many(policy.spent), &mut decided.decisions);
        let inputs = Inputs { amends: Some(plan.id()), ..self.inputs(&run, facts, &verdicts, &policy)? };
        let draft = Draft { cases: &cases, decided: &decided, policy, rule: &self.rule, inputs };
        let sealed = self.write_plan(|out, threads, observer| seal(&draft, threads, out, observer))?;
        self.report(&run, sealed.id, &cases, &verdicts).write(&self.store)?;
        let mut batch = Batch::default();
        batch.leaves.push(Leaf::run_start(&run, &self.rule.label(), self.rule.module));
        self.end_unsent(parent, plan.id(), Some(&identities), run.began, &mut batch)?;
        let replanned = batch.entries.len() as u64;
        let run = RunRow { stage: Stage::Sealed, plan: Some(sealed.id), ..run };
        batch.entries.push(Entry::Run(run.clone()));
        self.submit(owned, batch)?;
        Ok(Amendment { run, identities, replanned })
    }

    /// What a plan and those that it amends took of each target's budget for ends, at most: their urgent removals, but for
    /// those that came to nothing.
    fn spent(&self, plan: &PlanFile) -> Result<BTreeMap<String, u64>, EngineError> {
        let mut spent = match plan.header().inputs.amends {
            Some(before) => self.spent(&PlanFile::open(&self.store.plan(before))?)?,
            None => BTreeMap::new(),
        };
        let statuses = self.statuses(plan.id())?;
        for change in plan.changes() {
            let change = change?;
            let nothing = matches!(statuses.get(&change.id), Some(Status::Ended { .. }));
            if change.kind.removes() && change.wave == Wave::URGENT && !nothing {
                *spent.entry(change.key.target).or_default() += 1;
            }
        }
        Ok(spent)
    }
}

/// One batch for each of these identities.
fn batches_of(cases: &Cases, identities: &BTreeSet<String>) -> Vec<CaseBatch> {
    let all = (0..).zip(&cases.identities);
    let wanted = all.filter(|(_, identity)| identities.contains(cases.snapshot.symbols.text(identity.name)));
    let batch = |(index, identity): (u32, &crate::correlate::Identity)| CaseBatch {
        identities: index..index + 1,
        cases: identity.cases.clone(),
        too_large: identity.cases.len() > IDENTITY_HOLDS_CASES as usize,
    };
    wanted.map(batch).collect()
}

fn key_of(symbols: &Symbols, fact: &Fact) -> CaseKey {
    let text = |sym| symbols.text(sym).to_owned();
    CaseKey { target: text(fact.target), holder: text(fact.holder), subject: fact.subject, object: text(fact.object) }
}

/// Puts what was read again in the place of what was observed of these cases.
fn refresh(snapshot: &mut Snapshot, keys: &BTreeSet<CaseKey>, fresh: &Fresh) {
    let mut left: BTreeMap<&CaseKey, &Holding> = fresh.iter().collect();
    let Snapshot { symbols, observed, .. } = snapshot;
    observed.retain_mut(|fact| {
        let key = key_of(symbols, fact);
        match left.remove(&key) {
            Some(holding) => state(symbols, fact, holding),
            None if keys.contains(&key) => return fact.flags.has(FactFlags::INHERITED),
            None => {}
        }
        true
    });
    for (key, holding) in left {
        let [target, holder, object] = [&key.target, &key.holder, &key.object].map(|text| symbols.intern(text));
        let scan = snapshot.scans.iter().position(|scan| scan.side == ScanSide::Observed && scan.target == key.target);
        let Some(scan) = scan.and_then(|scan| u16::try_from(scan).ok()) else { continue };
        let mut fact = Fact { scan, ..Fact::new(key.subject, target, holder, object) };
        state(symbols, &mut fact, holding);
        observed.push(fact);
    }
    let mut encoder = Encoder::new("trueup.amended");
    encoder.bytes(&snapshot.rows.0);
    for key in keys {
        key_into(&mut encoder, key);
    }
    for (key, holding) in fresh {
        key_into(&mut encoder, key);
        encoder.number(i64::from(holding.enabled)).number(holding.expires_at.seconds());
        encoder.text(&holding.level).text(&holding.owner).text(&holding.purpose);
    }
    snapshot.rows = encoder.finish();
}

fn key_into(encoder: &mut Encoder, key: &CaseKey) {
    encoder.number(key.subject as i64).text(&key.target).text(&key.holder).text(&key.object);
}

/// Gives a fact the state that was read.
fn state(symbols: &mut Symbols, fact: &mut Fact, holding: &Holding) {
    let disabled = if holding.enabled { 0 } else { FactFlags::DISABLED };
    fact.flags = FactFlags(fact.flags.0 & !FactFlags::DISABLED | disabled);
    [fact.level, fact.owner, fact.purpose] = [&holding.level, &holding.owner, &holding.purpose].map(|text| symbols.intern(text));
    fact.expires_at = holding.expires_at;
}
