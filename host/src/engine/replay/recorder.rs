//! Recording a plan while it is made: part after part, so that no more is in memory than a part has anyway. Owns the order in
//! which rows are written, which is that of what they say; what a recording is, is for others.

use std::collections::BTreeMap;

use super::facts::{FactBlock, blocks, told};
use super::kept::{RECORDING_FORMAT, Recording, Recordings};
use super::lists::{FactNames, Listing, listed};
use super::objects::{Named, Pack};
use super::rows::{Answer, CatalogueRow, FormRow, MetRow, PersonRow, objects};
use crate::correlate::Recorded;
use crate::decide::Policy;
use crate::discover::Snapshot;
use crate::engine::{Engine, EngineError};
use crate::link::Links;
use crate::model::{Digest, Fact, RunId, Sym, Symbols};
use crate::plan::Sealed;
use crate::rule::BatchVerdict;

/// What is recorded of a plan so far.
pub(in crate::engine) struct Recorder {
    to: Recordings,
    run: RunId,
    keep: u32,
    threads: usize,
    /// None: nothing is recorded.
    pack: Option<Pack>,
    facts: Listing<FactNames>,
    met: Listing<Named>,
    answers: Listing<Named>,
    batches: u64,
}

/// What all parts of a plan have in common.
pub(in crate::engine) struct Whole<'a> {
    /// People, catalogue and scans.
    pub(in crate::engine) snapshot: &'a Snapshot,
    /// How keys compare.
    pub(in crate::engine) links: &'a Links,
    pub(in crate::engine) policy: &'a Policy<'a>,
}

impl Recorder {
    pub(in crate::engine) fn begin(engine: &Engine, run: RunId) -> Result<Self, EngineError> {
        let (to, keep) = (engine.recordings(), engine.parts.options.recordings);
        let begin = || Pack::begin(to.pack(run)?, run.0, &to.known(run)?);
        let pack = (keep > 0).then(begin).transpose()?;
        let (facts, met, answers) = (Listing::default(), Listing::default(), Listing::default());
        Ok(Recorder { to, run, keep, threads: engine.threads(), pack, facts, met, answers, batches: 0 })
    }

    /// Takes the facts of a part, as they were read.
    pub(in crate::engine) fn facts(&mut self, snapshot: &Snapshot) -> Result<(), EngineError> {
        let Some(pack) = &mut self.pack else { return Ok(()) };
        let sorted = in_order(snapshot);
        let blocks = blocks(&sorted, &snapshot.symbols);
        let rows = pack.put_all(&blocks, self.threads, |block| serde_json::to_vec(&FactBlock::of(block, &snapshot.symbols)))?;
        for (rows, block) in rows.into_iter().zip(blocks) {
            let used = told(block.iter().map(|fact| fact.last_used.seconds()).collect());
            let used = (!used.is_empty()).then(|| json(pack, &used).and_then(|raw| pack.put_new(&raw))).transpose()?;
            self.facts.add(pack, (rows, used), &rows)?;
        }
        Ok(())
    }

    /// Takes recorded rows that the cases of a part met, ascending by key.
    pub(in crate::engine) fn met(&mut self, rows: &[Recorded]) -> Result<(), EngineError> {
        let Some(pack) = &mut self.pack else { return Ok(()) };
        let objects = objects(pack, rows.iter().map(MetRow::of))?;
        objects.iter().try_for_each(|object| self.met.add(pack, *object, object))
    }

    /// Takes what the batches of a part were answered.
    pub(in crate::engine) fn answers(&mut self, verdicts: &[BatchVerdict]) -> Result<(), EngineError> {
        let Some(pack) = &mut self.pack else { return Ok(()) };
        for verdict in verdicts {
            let raw = json(pack, &Answer::of(verdict))?;
            let object = pack.put(&raw)?;
            self.answers.add(pack, object, &object)?;
        }
        self.batches += verdicts.len() as u64;
        Ok(())
    }

    /// Makes the recording durable.
    pub(in crate::engine) fn end(mut self, engine: &Engine, whole: &Whole<'_>, sealed: &Sealed) -> Result<(), EngineError> {
        let Some(mut pack) = self.pack.take() else { return Ok(()) };
        let Whole { snapshot, links, policy } = whole;
        let symbols = &snapshot.symbols;
        let people = if snapshot.stated_people.is_empty() { &snapshot.people } else { &snapshot.stated_people };
        let catalogue =
            if snapshot.stated_entitlements.is_empty() { &snapshot.entitlements } else { &snapshot.stated_entitlements };
        let people = objects(&mut pack, people.iter().map(|person| PersonRow::of(person, symbols)))?;
        let catalogue = objects(&mut pack, catalogue.iter().map(|row| CatalogueRow::of(row, symbols)))?;
        let forms = objects(&mut pack, forms(links, symbols).into_iter())?;
        let [people, catalogue, forms] = [listed(&mut pack, people)?, listed(&mut pack, catalogue)?, listed(&mut pack, forms)?];
        let (profile, limits) = judged_under(engine);
        let recording = Recording {
            format: RECORDING_FORMAT,
            written_by: env!("CARGO_PKG_VERSION").to_owned(),
            run: self.run,
            plan: sealed.id,
            inputs: sealed.header.inputs.clone(),
            rule: engine.rule.clone(),
            profile,
            limits,
            canonical: engine.parts.module.as_ref().is_some_and(|module| module.is_canonical()),
            settings: engine.parts.settings.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect(),
            scopes: policy.scopes.clone(),
            targets: policy.targets.iter().map(|(name, target)| (name.clone(), target.into())).collect(),
            adoptions: policy.adoptions.to_vec(),
            denials: policy.denials.to_vec(),
            unsettled: policy.unsettled.iter().map(ToString::to_string).collect(),
            scans: snapshot.scans.clone(),
            batches: self.batches,
            facts: self.facts.end(&mut pack)?,
            people,
            catalogue,
            forms,
            met: self.met.end(&mut pack)?,
            answers: self.answers.end(&mut pack)?,
        };
        pack.end()?;
        self.to.keep(&recording, self.keep)
    }
}

/// Under which profile and limits rules judge here.
#[cfg(feature = "wasm")]
fn judged_under(engine: &Engine) -> (Option<Digest>, BTreeMap<String, u64>) {
    let Some(module) = &engine.parts.module else { return (None, BTreeMap::new()) };
    // Limits are plain numbers: they are always such a map.
    let limits = serde_json::to_value(module.limits()).and_then(serde_json::from_value).unwrap_or_default();
    (Some(crate::rule::profile_digest()), limits)
}

#[cfg(not(feature = "wasm"))]
const fn judged_under(_: &Engine) -> (Option<Digest>, BTreeMap<String, u64>) {
    (None, BTreeMap::new())
}

fn json(pack: &Pack, value: &impl serde::Serialize) -> Result<Vec<u8>, EngineError> {
    serde_json::to_vec(value).map_err(|error| pack.failed(error.into()))
}

/// Facts in the order of what they say: wherever they were read, equal facts make equal objects.
fn in_order(snapshot: &Snapshot) -> Vec<&Fact> {
    let ranks = snapshot.symbols.ranks();
    let rank = |sym: Sym| ranks.get(sym.0 as usize).copied().unwrap_or_default();
    let first = |fact: &Fact| {
        let place = u128::from(fact.scan) << 72 | u128::from(fact.subject as u8) << 64;
        place | u128::from(rank(fact.holder)) << 32 | u128::from(rank(fact.object))
    };
    let rest = |fact: &Fact| {
        let texts = [fact.level, fact.identity, fact.owner, fact.purpose, fact.record, fact.approver, fact.via, fact.replaces];
        let instants = [fact.not_before, fact.expires_at, fact.last_used];
        (texts.map(rank), rank(fact.managed_by), fact.flags.0, instants)
    };
    let facts = snapshot.desired.iter().chain(&snapshot.observed);
    let mut order: Vec<(u128, &Fact)> = facts.map(|fact| (first(fact), fact)).collect();
    order.sort_unstable_by(|(a, one), (b, other)| a.cmp(b).then_with(|| rest(one).cmp(&rest(other))));
    order.into_iter().map(|(_, fact)| fact).collect()
}

/// Keys that compare as something else, in their order.
fn forms<'a>(links: &Links, symbols: &'a Symbols) -> Vec<FormRow<'a>> {
    let mut forms = Vec::new();
    for (kind, table) in [(0, &links.holder), (1, &links.object)] {
        let pairs = symbols.iter().filter_map(|(sym, text)| Some((sym, text, *table.get(sym.0 as usize)?)));
        forms.extend(pairs.filter(|(sym, _, form)| form != sym).map(|(_, text, form)| (kind, text, symbols.text(form))));
    }
    forms.sort_unstable();
    forms.into_iter().map(|(kind, text, form)| FormRow(kind, text.into(), form.into())).collect()
}
