//! Why a change was made, from the source record to the evidence: what plans say of it, what the pages still show, what the log
//! tells, and which checkpoint covers that. Owns how these are laid side by side.

use std::collections::BTreeSet;

use serde::Serialize;

use super::super::{Engine, EngineError};
use super::attaching::Found;
use super::{Attachment, Beginning, Happened, Moment, Shown};
use crate::audit::{LogHead, Statement};
use crate::discover::{Completeness, Page, Scan, ScanSide};
use crate::ledger::RunRow;
use crate::model::{CaseKey, Change, ChangeId, ChangeKind, Denial, DenialStep, Digest, Lane, PlanId, Reason, RunId, Time};
use crate::notary::NotaryError;
use crate::plan::{Inputs, PlanFile};

/// Ids that an ambiguous beginning is answered with.
const AMBIGUOUS: usize = 3;
/// Plans of one change that are told one by one, the first and the newest: one that waits is planned anew by each run.
const PLANS_TOLD: usize = 10;

/// The whole chain of one change.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Why {
    /// The change.
    pub change: ChangeId,
    /// Its case.
    pub case: CaseKey,
    /// What it does.
    pub op: ChangeKind,
    /// The state that it changes.
    pub before: Shown,
    /// The state that it leads to.
    pub after: Shown,
    /// Risk tier.
    pub tier: u8,
    /// The queue.
    pub lane: Lane,
    /// Counts the lives of the case.
    pub incarnation: u32,
    /// Why; its text is empty where no plan of it is kept.
    pub reason: Reason,
    /// The source record that justifies it, or empty.
    pub record: String,
    /// The plans that held it, the oldest first.
    pub plans: Vec<Planning>,
    /// Plans between the first and the newest that are not listed.
    pub plans_omitted: u64,
    /// What bears on it beside its reason, in words: what the host did about the rule's verdict, and what it had to wait for.
    pub notes: Vec<String>,
    /// Rows of sources that desire the case, as far as the pages of a run that planned it are still kept.
    pub sources: Vec<SourceRow>,
    /// Whether those pages are kept: without them, no source row is no statement.
    pub pages_kept: bool,
    /// The scans of sources that the first plan was made from.
    pub scans: Vec<Scan>,
    /// What happened, leaf by leaf.
    pub moments: Vec<Moment>,
    /// When its slice was settled: the leaf, and the first slice that was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slice: Option<(u64, u64)>,
    /// Files that were attached.
    pub attachments: Vec<Attachment>,
    /// The newest checkpoint; none: nothing signs, or nothing was signed yet.
    pub checkpoint: Option<Covering>,
    /// Where the log begins, when it was pruned: leaves of the change from before are not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beginning: Option<Beginning>,
    /// The log that all of this was read from.
    pub log: LogHead,
}

/// A plan that held the change.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Planning {
    /// The plan.
    pub plan: PlanId,
    /// Its run.
    pub run: RunId,
    /// When that began.
    pub began: Time,
    /// What the plan was made from: the rule as name@version and by its digest, facts, settings, verdicts.
    pub inputs: Inputs,
    /// Its place in the plan, from zero.
    pub place: u64,
    /// The change as that plan lists it.
    pub line: Change,
}

/// A row of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SourceRow {
    /// The source.
    pub source: String,
    /// What people call the place: a file, where it is one.
    pub place: String,
    /// The line there; zero when it has none.
    pub line: u32,
    /// The record.
    pub record: String,
    /// Who approved it.
    pub approver: String,
    /// What it is for.
    pub purpose: String,
    /// When it ends.
    pub expires_at: Time,
    /// When the source was read.
    pub read_at: Time,
    /// How far that scan was trusted.
    pub completeness: Option<Completeness>,
}

/// A checkpoint and what it covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Covering {
    /// The log's name.
    pub origin: String,
    /// Size and root.
    pub head: LogHead,
    /// Whether every leaf of the change is among what was signed.
    pub covers_all: bool,
}

/// What is found of one id.
#[derive(Default)]
struct Chain {
    plans: Vec<Planning>,
    omitted: u64,
    moments: Vec<Moment>,
    attached: Found,
    emergencies: Vec<(Denial, Moment)>,
    slices: Vec<(PlanId, u64, u64)>,
}

impl Engine {
    /// The whole chain of a change that is named by the beginning of its id.
    ///
    /// # Errors
    /// When no such change is on record, or several are, or the log, a plan or a page is not what was written.
    pub fn why(&self, change: &str) -> Result<Why, EngineError> {
        let id = self.change_on_record(change)?;
        let mut chain = Chain::default();
        for (run, plan) in self.sealed_runs()? {
            if let Some(file) = self.sealed(plan)? {
                chain.find(id, &run, &file)?;
            }
        }
        let mut own: BTreeSet<u64> = BTreeSet::new();
        let log = self.read_log(|entry, leaf| {
            chain.attached.see(entry);
            if let Statement::SliceCheckpoint { plan, slice } = &entry.says {
                chain.slices.retain(|(of, _, _)| of != plan);
                chain.slices.extend(chain.moments.iter().any(|m| m.plan == Some(*plan)).then_some((*plan, entry.index, slice.0)));
            }
            let Some(moment) = Moment::of(entry, leaf)? else { return Ok(()) };
            let redacts = matches!(&moment.what, Happened::Redacted { of, .. } if own.contains(of));
            if moment.change == Some(id) || redacts || chain.is_gate_of_its_plan(&moment) {
                own.insert(entry.index);
                chain.moments.push(moment);
            } else if let Happened::Denied { target, holder, object, by, why, .. } = &moment.what {
                let denial = Denial {
                    target: target.clone(),
                    holder: holder.clone(),
                    object: object.clone(),
                    by: by.clone(),
                    why: why.clone(),
                    at: entry.time,
                    settled_at: Time::NONE,
                    lifted_at: Time::NONE,
                };
                chain.called(denial, moment);
            }
            Ok(())
        })?;
        self.lay_out(id, chain, log)
    }

    /// The one change whose id begins like this, in the log or in a plan that is kept.
    pub(super) fn change_on_record(&self, prefix: &str) -> Result<ChangeId, EngineError> {
        let mut found: BTreeSet<ChangeId> = BTreeSet::new();
        let wanted = prefix.to_lowercase();
        let mut see = |id: ChangeId| {
            if found.len() < AMBIGUOUS && id.to_string().starts_with(&wanted) {
                found.insert(id);
            }
        };
        self.each_plan(&self.sealed_runs()?, |_, _, changes| {
            for change in changes {
                see(change?.id);
            }
            Ok(())
        })?;
        self.read_log(|entry, _| {
            // Gates may be bound to scans and plans: only what is done to a change names one for sure.
            if let (Some(change), Some(_)) = (entry.says.change(), entry.says.plan()) {
                see(change);
            }
            Ok(())
        })?;
        match found.first() {
            None => Err(EngineError::Unknown { what: "change", name: prefix.to_owned(), near: Vec::new() }),
            Some(id) if found.len() == 1 => Ok(*id),
            Some(_) => {
                let found = found.iter().map(|id| id.0.short()).collect();
                Err(EngineError::Ambiguous { what: "changes", name: prefix.to_owned(), found })
            }
        }
    }

    fn lay_out(&self, id: ChangeId, chain: Chain, log: LogHead) -> Result<Why, EngineError> {
        let Chain { plans, omitted, moments, attached, mut emergencies, slices } = chain;
        let newest = plans.last().map(|planning| planning.line.clone());
        let sent = moments.iter().find_map(sent);
        let unknown = || EngineError::Unknown { what: "case of change", name: id.to_string(), near: Vec::new() };
        let case = newest.as_ref().map(|line| &line.key).or(sent.as_ref().map(|sent| &sent.case)).cloned().ok_or_else(unknown)?;
        // An emergency change has no plan: the call is its cause.
        let covered =
            |(denial, _): &(Denial, Moment)| sent.as_ref().is_some_and(|s| s.lane == Lane::Emergency) && denial.covers(&case);
        emergencies.retain(covered);
        let mut moments = moments;
        moments.extend(emergencies.into_iter().map(|(_, moment)| moment));
        moments.sort_by_key(|moment| moment.leaf);
        let (scans, pages_kept, sources) = self.sources_of(&plans, &case)?;
        let checkpoint = self.covering(&moments)?;
        let notes = notes(&plans, sent.as_ref());
        let line = newest.as_ref();
        let state = |of_line: Option<Shown>, field| {
            let in_log = moments.iter().find_map(|moment: &Moment| moment.states.get(field).cloned());
            of_line.or(in_log).unwrap_or(Shown::Redacted)
        };
        let beginning = self.log_beginning()?;
        let attachments = attached.held_against(&self.store)?.into_iter().filter(|file| file.change == id).collect();
        Ok(Why {
            change: id,
            op: line.map(|line| line.kind).or(sent.as_ref().map(|sent| sent.op)).ok_or_else(unknown)?,
            before: state(line.map(|line| line.before.clone().into()), "before"),
            after: state(line.map(|line| line.after.clone().into()), "after"),
            tier: line.map(|line| line.tier).or(sent.as_ref().map(|sent| sent.tier)).unwrap_or_default(),
            lane: sent.as_ref().map(|sent| sent.lane).or(line.map(|line| line.lane)).unwrap_or(Lane::Routine),
            incarnation: line.map_or(sent.as_ref().map_or(1, |sent| sent.incarnation), |line| line.incarnation),
            reason: line
                .map(|line| line.reason.clone())
                .or(sent.as_ref().map(|sent| sent.reason.clone()))
                .unwrap_or(Reason { code: String::new(), text: String::new() }),
            record: line.map(|line| line.record.clone()).or(sent.map(|sent| sent.record)).unwrap_or_default(),
            case,
            plans,
            plans_omitted: omitted,
            notes,
            sources,
            pages_kept,
            scans,
            slice: slices.last().map(|(_, leaf, slice)| (*leaf, *slice)),
            moments,
            attachments,
            checkpoint,
            beginning,
            log,
        })
    }

    /// What sources said of a case: their scans when it was first planned, and their rows where the pages are still there.
    fn sources_of(&self, plans: &[Planning], case: &CaseKey) -> Result<(Vec<Scan>, bool, Vec<SourceRow>), EngineError> {
        let Some(first) = plans.first() else { return Ok((Vec::new(), false, Vec::new())) };
        let desired = |scan: &Scan| scan.side == ScanSide::Desired && (scan.target.is_empty() || scan.target == case.target);
        let run = self.runs(u32::MAX)?.into_iter().find(|run| run.run == first.run);
        let report = run.map(|run| self.reported(&run)).transpose()?.flatten();
        let scans = report.map(|report| report.scans.into_iter().filter(desired).collect()).unwrap_or_default();
        let newest = self.newest_pages()?.filter(|(run, _, _)| plans.iter().any(|planning| planning.run == run.run));
        let Some((_, kept, _)) = newest else { return Ok((scans, false, Vec::new())) };
        let mut rows = Vec::new();
        self.read_pages(|side, source, page| {
            if side == ScanSide::Desired {
                self.rows_of(source, page, case, &kept, &mut rows);
            }
        })?;
        Ok((scans, true, rows))
    }

    fn rows_of(&self, source: &str, page: &Page, case: &CaseKey, scans: &[Scan], rows: &mut Vec<SourceRow>) {
        let text = |sym| page.symbols.text(sym);
        let of = self.parts.sources.iter().find(|one| one.name() == source);
        let scan =
            scans.iter().find(|scan| scan.source == source && scan.side == ScanSide::Desired && scan.target == case.target);
        for fact in page.facts.iter().filter(|fact| {
            fact.subject == case.subject
                && text(fact.holder) == case.holder
                && text(fact.object) == case.object
                && text(fact.target) == case.target
        }) {
            rows.push(SourceRow {
                source: source.to_owned(),
                place: of.map(|of| of.place().to_owned()).unwrap_or_default(),
                line: fact.line,
                record: text(fact.record).to_owned(),
                approver: text(fact.approver).to_owned(),
                purpose: text(fact.purpose).to_owned(),
                expires_at: fact.expires_at,
                read_at: scan.map_or(Time::NONE, |scan| scan.read_at),
                completeness: scan.map(|scan| scan.completeness.clone()),
            });
        }
    }

    /// The newest checkpoint, and whether it covers these leaves.
    fn covering(&self, moments: &[Moment]) -> Result<Option<Covering>, EngineError> {
        let Some(notary) = &self.notary else { return Ok(None) };
        let checkpoint = match notary.newest() {
            Err(NotaryError::Unsigned) => return Ok(None),
            newest => newest?.1,
        };
        let covers_all = moments.iter().filter_map(|moment| moment.leaf).all(|leaf| leaf < checkpoint.head.size);
        Ok(Some(Covering { origin: checkpoint.origin, head: checkpoint.head, covers_all }))
    }
}

impl Chain {
    /// Looks for the change in a plan.
    fn find(&mut self, id: ChangeId, run: &RunRow, file: &PlanFile) -> Result<(), EngineError> {
        for (place, line) in (0..).zip(file.changes()) {
            let line = line?;
            if line.id == id {
                if self.plans.len() == PLANS_TOLD {
                    self.plans.remove(PLANS_TOLD / 2);
                    self.omitted += 1;
                }
                let inputs = file.header().inputs.clone();
                self.plans.push(Planning { plan: file.id(), run: run.run, began: run.began, inputs, place, line });
                break;
            }
        }
        Ok(())
    }

    /// Of each call, its newest making and what settled that.
    fn called(&mut self, denial: Denial, moment: Moment) {
        if matches!(moment.what, Happened::Denied { step: DenialStep::Made, .. }) {
            self.emergencies
                .retain(|(known, before)| known.key() != denial.key() || self.moments.iter().any(|m| m.leaf > before.leaf));
        }
        self.emergencies.push((denial, moment));
    }

    /// A gate of the whole plan is one of the change.
    fn is_gate_of_its_plan(&self, moment: &Moment) -> bool {
        matches!(moment.what, Happened::GateOpened { .. })
            && self.plans.iter().any(|planning| moment.change == Some(ChangeId(planning.plan.0)))
    }
}

/// What an intent says of a change.
struct Sent {
    case: CaseKey,
    op: ChangeKind,
    tier: u8,
    lane: Lane,
    incarnation: u32,
    reason: Reason,
    record: String,
}

fn sent(moment: &Moment) -> Option<Sent> {
    let Happened::Intent { op, lane, reason, record, tier, incarnation, .. } = &moment.what else { return None };
    let reason = Reason { code: reason.clone(), text: String::new() };
    let case = moment.case.clone()?;
    Some(Sent { case, op: *op, tier: *tier, lane: *lane, incarnation: *incarnation, reason, record: record.clone() })
}

/// What bears on a change beside its reason.
fn notes(plans: &[Planning], sent: Option<&Sent>) -> Vec<String> {
    let mut notes = Vec::new();
    if sent.is_some_and(|sent| sent.lane == Lane::Emergency) {
        notes.push("an emergency call took it away: no rule was asked, no wave and no budget was waited for".to_owned());
    }
    let Some(Planning { inputs, line, .. }) = plans.last() else { return notes };
    let host = line.reason.code.starts_with("trueup:") || line.reason.code == "expired";
    if host {
        notes.push("the host decided this itself, whatever the rule says".to_owned());
    }
    if inputs.rule_module == Digest::default() && !host {
        notes.push("no rule module was loaded".to_owned());
    }
    if let Some(undone) = inputs.undoes {
        notes.push(format!("its plan undoes plan {}, at an operator's call", undone.0.short()));
    }
    if let Some(amended) = inputs.amends {
        notes.push(format!("its plan amends plan {}: the case had moved, and was looked at again", amended.0.short()));
    }
    if line.withholds {
        notes.push("it takes away what sources desire, and is not given back until they have stopped".to_owned());
    }
    for gate in &line.gates {
        let scope = if gate.scope.is_empty() { String::new() } else { format!(" ({})", gate.scope) };
        notes.push(format!("a guarantee held it at the gate {}{scope}", gate.kind.name()));
    }
    for before in &line.depends {
        notes.push(format!("change {} had to be confirmed first", before.0.short()));
    }
    if line.undesired_since.is_some() {
        notes.push(format!("first seen undesired by the plan of {}", line.undesired_since));
    }
    if line.ends_at.is_some() {
        notes.push(format!("what it gives ends at {}", line.ends_at));
    }
    notes
}
