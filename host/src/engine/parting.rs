//! Planning part by part: facts are dealt out by the digest of their identity, and each part is paired, judged, decided and
//! written on its own, in the order of digests, so that only one is in memory. Owns what outlives a part: the batch that the
//! next part may still fill, counts, and what the seal records. A plan does not depend on how many parts there are.

use std::mem;
use std::path::{Path, PathBuf};

use super::joining::Join;
use super::planning::Watch;
use super::store::keep;
use super::{Engine, EngineError, Planned, RunReport};
use crate::correlate::{Recorded, identity_digest, withdrawn};
use crate::debt::{self, Census, Debt};
use crate::decide::{Ends, decide_part};
use crate::discover::{Snapshot, Spill, record_counts};
use crate::ledger::{Owned, RunRow, read_aside};
use crate::limits::PLAN_PARTS;
use crate::link::Links;
use crate::model::CaseKey;
use crate::plan::{Draft, Inputs, Sealing};
use crate::rule::VerdictsDigest;

/// What the parts leave behind for the end.
#[derive(Default)]
struct Left {
    ends: Ends,
    verdicts: VerdictsDigest,
    /// Files of rows to record.
    seen: Vec<PathBuf>,
    /// Withheld rows that no part has a case of.
    unlisted: Vec<Recorded>,
}

impl Engine {
    /// Plans over what was read, and seals.
    pub(super) fn seal_snapshot(
        &self,
        owned: &Owned,
        run: RunRow,
        mut snapshot: Snapshot,
        mut watch: Watch,
    ) -> Result<Planned, EngineError> {
        let facts = snapshot.facts_digest();
        watch.lap("digest");
        let counts = record_counts(&snapshot, &self.store.keys())?;
        watch.lap("record");
        let links = self.link(&mut snapshot)?;
        let folder = self.store.begin_spill()?;
        let mut rows = self.ledger.recorded(&self.parts.tenant)?.peekable();
        let mut join = Join::new(folder.path());
        let joined = rows.peek().is_some().then_some(&mut join);
        let (mut spill, parts) = self.deal(&mut snapshot, &links, folder.path(), joined)?;
        let mut left = Left::default();
        join.rows(Box::new(rows), |row| left.alone(row))?;
        watch.lap("deal");
        let bounds = self.bounds(run.run)?;
        let policy = self.policy(run.as_of, &bounds);
        let inputs = self.inputs(&run, facts, &[], &policy)?;
        let doubted = inputs.clock.is_some();
        let mut report = RunReport::new(&run, &self.rule, &snapshot.scans);
        let terms = &self.parts.options.debt;
        let (census, mut owed) = (Census::of(&snapshot, run.as_of), Debt::under(terms));
        let mut sealing = Sealing::begin(folder.path())?;
        for part in 0..parts {
            let mut facts = spill.take(part, &snapshot.scans)?;
            let local = links.local(&snapshot, &mut facts, bounds.denied());
            let mut cases = self.pair(facts, local, join.take(part)?, run.as_of)?;
            self.store.keep_met(run.run, part as u32, &cases.recorded)?;
            if part + 1 < parts {
                let (open, met) = cases.give_back_open_batch();
                open.iter().try_for_each(|fact| spill.push(part + 1, fact, &cases.snapshot.symbols))?;
                met.iter().try_for_each(|row| join.row(part + 1, row))?;
                spill.flush(&cases.snapshot.symbols)?;
            }
            watch.lap("correlate");
            let verdicts = self.judge(&cases, run.as_of);
            watch.lap("judge");
            let decided = decide_part(&cases, &verdicts, &policy, self.threads());
            watch.lap("decide");
            let draft = Draft { cases: &cases, decided: &decided, policy, rule: &self.rule, inputs: inputs.clone() };
            sealing.add(&draft, self.threads())?;
            watch.lap("seal");
            report.add(&cases, &verdicts);
            owed.add(debt::count(&cases, &census, terms, self.threads()));
            left.verdicts.add(&verdicts);
            left.ends.count(&cases, &decided.decisions);
            let planned = decided.decisions.iter().filter_map(|decision| cases.cases.get(decision.case as usize));
            let planned = planned.map(|case| case.key).collect();
            mem::take(&mut cases.unlisted).into_iter().for_each(|row| left.alone(row));
            let seen = if doubted { Vec::new() } else { self.seen_anew(&cases, &planned) };
            left.keep_seen(folder.path(), &seen)?;
            watch.lap("record");
        }
        let inputs = Inputs { verdicts: mem::take(&mut left.verdicts).finish(), ..inputs };
        let waiting = left.ends.too_many(policy.spent);
        let sealed = self.write_plan(|out, _, observer| sealing.finish(&policy, inputs, &waiting, out, observer))?;
        watch.lap("seal");
        let report = RunReport { plan: sealed.id, debt: Some(owed), ..report };
        report.write(&self.store)?;
        let withdrawn = withdrawn(&left.unlisted, &snapshot.scans).filter(|_| !doubted).collect();
        let seen = left.seen.iter().map(|path| read_kept(path)).chain([Ok(withdrawn)]);
        self.record_seal(owned, run, sealed.id, seen, counts)?;
        watch.lap("record");
        Ok(Planned { plan: sealed.id, header: sealed.header, report, timings: watch.laps })
    }

    /// Deals the facts out into parts, which are ranges of their identities' digests; the names stay. If recorded rows are to
    /// be joined, the keys of the facts are told.
    fn deal(
        &self,
        snapshot: &mut Snapshot,
        links: &Links,
        folder: &Path,
        mut join: Option<&mut Join>,
    ) -> Result<(Spill, usize), EngineError> {
        let facts = (snapshot.desired.len() + snapshot.observed.len()) as u64;
        // The catalogue and successors may demand something of several identities at once: then they are decided together.
        let replaces = snapshot.desired.iter().any(|fact| !fact.replaces.is_empty());
        let together = replaces || !snapshot.entitlements.is_empty();
        let parts = if together { 1 } else { facts.div_ceil(self.parts.options.part.max(1)).clamp(1, PLAN_PARTS) };
        let mut spill = Spill::new(folder, parts as usize);
        let mut part_of: Vec<Option<u16>> = vec![None; snapshot.symbols.len()];
        let Snapshot { symbols, desired, observed, .. } = snapshot;
        for facts in [mem::take(desired), mem::take(observed)] {
            for fact in &facts {
                let identity = links.identity(fact);
                let Some(part) = part_of.get_mut(identity.0 as usize) else { continue };
                let part = *part.get_or_insert_with(|| {
                    let digest = identity_digest(&self.parts.tenant, symbols.text(identity));
                    ((u128::from(digest.prefix()) * u128::from(parts)) >> u64::BITS) as u16
                });
                spill.push(usize::from(part), fact, symbols)?;
                if let Some(join) = &mut join {
                    let [target, holder, object] =
                        [fact.target, links.holder(fact.holder), links.object(fact.object)].map(|sym| symbols.text(sym));
                    join.key(CaseKey::hash(fact.subject, target, holder, object), part)?;
                }
            }
        }
        spill.flush(symbols)?;
        Ok((spill, parts as usize))
    }
}

impl Left {
    /// Takes a row of which there is no case.
    fn alone(&mut self, row: Recorded) {
        if row.flags & Recorded::WITHHELD != 0 {
            self.unlisted.push(row);
        }
    }

    fn keep_seen(&mut self, folder: &Path, rows: &[Recorded]) -> Result<(), EngineError> {
        if !rows.is_empty() {
            let path = folder.join(format!("seen-{}", self.seen.len()));
            keep(&path, rows)?;
            self.seen.push(path);
        }
        Ok(())
    }
}

/// Rows that were kept by this run.
fn read_kept(path: &Path) -> Result<Vec<Recorded>, EngineError> {
    let rows = read_aside(path).map_err(|source| EngineError::Store { path: path.to_owned(), source })?;
    rows.ok_or_else(|| EngineError::Damaged { path: path.to_owned(), problem: "it is not what was written".to_owned() })
}
