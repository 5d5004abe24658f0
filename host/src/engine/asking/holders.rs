//! Who held an entitlement at an instant, as last observed. Owns what counts as an observation: evidence that was read back, the
//! state that a plan met, and the newest pages. Between observations nobody looked, and the answer says so.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::{Engine, EngineError};
use super::history::Kind;
use super::{Beginning, Happened, Moment, Shown};
use crate::audit::{LogHead, Statement};
use crate::correlate::holding;
use crate::discover::{Completeness, Scan, ScanSide};
use crate::ledger::RunRow;
use crate::model::{AttributeMask, CaseKey, ChangeId, ChangeKind, PlanId, RunId, Subject, Time};
use crate::target::Grade;

/// Who held an entitlement.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Holders {
    /// As it was asked for.
    pub entitlement: String,
    /// The instant.
    pub at: Time,
    /// When the log begins.
    pub begins: Time,
    /// Those who held it when they were last observed, at that instant or before it.
    pub holders: Vec<Holder>,
    /// Those who were first observed to hold it only afterwards, although nothing on record gave it to them in between: nobody
    /// knows whether they held it.
    pub later: Vec<Holder>,
    /// The last scan of each target as a whole before that instant, as far as reports are kept.
    pub scans: Vec<Looked>,
    /// Plans that are no longer kept: what those met is not told.
    pub plans_gone: u64,
    /// What the log says of its beginning, when it was pruned: who was given access before, and was not observed since, is not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beginning: Option<Beginning>,
    /// The log that all of this was read from.
    pub log: LogHead,
}

/// A complete scan of a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Looked {
    /// The target.
    pub target: String,
    /// The run.
    pub run: RunId,
    /// When it was read.
    pub read_at: Time,
}

/// One who held it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Holder {
    /// The case: target, native id, entitlement.
    pub case: CaseKey,
    /// What was held.
    pub state: Shown,
    /// When it was observed.
    pub observed_at: Time,
    /// How long before the instant that was; negative: afterwards. In seconds.
    pub age_seconds: i64,
    /// By what.
    pub by: Observed,
    /// Since when it was held: when a change of ours gave it, else when it was first observed.
    pub since: Time,
    /// Whether it may have been held for longer: nobody saw it begin.
    pub or_longer: bool,
    /// The source record that justified it, if that is known, or empty.
    pub record: String,
    /// The change of ours that led to it.
    pub given: Option<Given>,
    /// A change of ours whose effect was not known at that instant.
    pub in_doubt: Option<ChangeId>,
    /// The next observation after the instant.
    pub next: Option<Next>,
}

/// What showed a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Observed {
    /// A change of ours was read back.
    Confirmed {
        /// The leaf.
        leaf: u64,
        /// How good the evidence is.
        grade: Grade,
    },
    /// A plan met it, and was to change it.
    Planned {
        /// The run.
        run: RunId,
        /// The plan.
        plan: PlanId,
    },
    /// The newest run's scan of the target.
    Scanned {
        /// The run.
        run: RunId,
    },
}

/// A change of ours that gave access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Given {
    /// The change.
    pub change: ChangeId,
    /// What it did.
    pub op: ChangeKind,
    /// The leaf that says that it was to be sent; none: it was seen to be so already.
    pub intent: Option<u64>,
    /// The leaf that says that it was confirmed.
    pub confirmed: u64,
}

/// An observation after the instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Next {
    /// When.
    pub at: Time,
    /// Whether it was still, or again, held.
    pub held: bool,
}

/// What is known of one case, while the log is read.
#[derive(Default)]
struct Case {
    /// The last observation up to the instant.
    last: Option<(Time, Shown, Observed)>,
    /// The first one after it, and its state.
    next: Option<(Time, Shown, Observed)>,
    since: Option<(Time, bool)>,
    given: Option<Given>,
    record: String,
    /// A change of ours under way: the change, its intent's leaf, what it leads to, its record.
    under_way: Option<(ChangeId, ChangeKind, Option<u64>, String)>,
    in_doubt: Option<ChangeId>,
}

/// What a plan met: the case, when it was read, how it was, by what that is known, and by which record.
type Met = (CaseKey, Time, Shown, Observed, String);

/// What is being answered.
struct Question<'a> {
    name: &'a str,
    at: Time,
    cases: BTreeMap<CaseKey, Case>,
    changes: BTreeMap<ChangeId, CaseKey>,
    /// What runs met, until their turn in the log.
    met: BTreeMap<RunId, Vec<Met>>,
    known: bool,
}

impl Engine {
    /// Who held an entitlement at an instant, as last observed. It is named `type:name`, or `target/type:name`.
    ///
    /// # Errors
    /// When nothing of that name is on record, the instant lies before the first record or is still to come, or the log, a plan
    /// or a page is not what was written.
    pub fn who_has(&self, entitlement: &str, at: Time) -> Result<Holders, EngineError> {
        let now = self.clock.now();
        if at > now {
            return Err(EngineError::NotYet { at, now });
        }
        let mut asked = Question::new(entitlement, at);
        let runs = self.sealed_runs()?;
        let mut plans_gone = 0;
        let mut scans: BTreeMap<String, Looked> = BTreeMap::new();
        for (run, plan) in &runs {
            let report = self.reported(run)?.map(|report| report.scans).unwrap_or_default();
            for scan in report.iter().filter(|scan| run.amends.is_none() && is_whole(scan) && scan.read_at <= at) {
                let looked = Looked { target: scan.target.clone(), run: run.run, read_at: scan.read_at };
                scans.insert(scan.target.clone(), looked);
            }
            match self.sealed(*plan)? {
                Some(file) => file.changes().try_for_each(|change| asked.meet(run, *plan, &report, change?))?,
                None => plans_gone += 1,
            }
        }
        self.scan_newest(&mut asked)?;
        let beginning = self.log_beginning()?;
        let mut begins = beginning.as_ref().map_or(Time::NONE, |log| log.begins);
        // What runs met of which the log tells nothing any more comes before all that it tells.
        runs.iter().filter(|(run, _)| run.began <= begins).for_each(|(run, _)| asked.met_by(run.run));
        let log = self.read_log(|entry, leaf| {
            if begins.is_none() {
                begins = entry.time;
            }
            if let Statement::RunStart { .. } = entry.says {
                asked.met_by(entry.run);
            }
            if let Some(moment) = Moment::of(entry, leaf)? {
                asked.see(moment);
            }
            Ok(())
        })?;
        if begins.is_none() || at < begins {
            return Err(if begins.is_none() {
                self.unknown("entitlement", entitlement, Kind::Entitlement)?
            } else {
                EngineError::BeforeLog { at, begins }
            });
        }
        if !asked.known {
            return Err(self.unknown("entitlement", entitlement, Kind::Entitlement)?);
        }
        let targets: Vec<&String> = asked.cases.keys().map(|case| &case.target).collect();
        let scans = scans.into_values().filter(|looked| targets.contains(&&looked.target)).collect();
        let (holders, later) = asked.answer();
        Ok(Holders { entitlement: entitlement.to_owned(), at, begins, holders, later, scans, plans_gone, beginning, log })
    }

    /// What the newest run saw: who holds it, and who does not although a target was read as a whole.
    fn scan_newest(&self, asked: &mut Question<'_>) -> Result<(), EngineError> {
        let Some((run, scans, _)) = self.newest_pages()? else { return Ok(()) };
        let mut held: BTreeMap<CaseKey, Shown> = BTreeMap::new();
        let mut records: BTreeMap<CaseKey, String> = BTreeMap::new();
        let stores = |target: &str| {
            let found = self.parts.targets.iter().find(|one| one.name() == target);
            found.map_or(AttributeMask::ALL, |target| crate::correlate::TargetFacts::from(target.profile()).attributes)
        };
        self.read_pages(|side, _, page| {
            let text = |sym| page.symbols.text(sym);
            asked.known |= page.entitlements.iter().any(|row| asked.is(text(row.target), text(row.object)));
            for fact in page.facts.iter().filter(|fact| fact.subject != Subject::Account) {
                if !asked.is(text(fact.target), text(fact.object)) {
                    continue;
                }
                let (target, holder) = (text(fact.target).to_owned(), text(fact.holder).to_owned());
                let key = CaseKey { target, holder, subject: fact.subject, object: text(fact.object).to_owned() };
                match side {
                    ScanSide::Observed => {
                        let state = holding(fact, &page.symbols, stores(&key.target));
                        held.insert(key, Shown::Holding(state));
                    }
                    ScanSide::Desired => _ = records.insert(key, text(fact.record).to_owned()),
                }
            }
        })?;
        asked.known |= !held.is_empty() || !records.is_empty();
        asked.scanned(&run, &scans, held, &records);
        Ok(())
    }
}

/// Whether absence from a scan means absence from its target.
fn is_whole(scan: &Scan) -> bool {
    scan.side == ScanSide::Observed && scan.completeness == Completeness::Complete && !scan.target.is_empty()
}

impl<'a> Question<'a> {
    fn new(name: &'a str, at: Time) -> Self {
        let (cases, changes, met) = Default::default();
        Question { name, at, cases, changes, met, known: false }
    }

    fn is(&self, target: &str, object: &str) -> bool {
        !object.is_empty()
            && (self.name == object
                || self.name.strip_prefix(target).and_then(|rest| rest.strip_prefix('/')).is_some_and(|rest| rest == object))
    }

    /// A plan that changes a case has met it in some state.
    fn meet(&mut self, run: &RunRow, plan: PlanId, scans: &[Scan], change: crate::model::Change) -> Result<(), EngineError> {
        if !self.is(&change.key.target, &change.key.object) {
            return Ok(());
        }
        self.known = true;
        let scan = scans.iter().find(|scan| scan.side == ScanSide::Observed && scan.target == change.key.target);
        // An amendment looks again at what had moved, when it begins.
        let at = scan.filter(|_| run.amends.is_none()).map_or(run.began, |scan| scan.read_at);
        let by = Observed::Planned { run: run.run, plan };
        self.changes.insert(change.id, change.key.clone());
        let met = (change.key, at, change.before.into(), by, String::new());
        self.met.entry(run.run).or_default().push(met);
        Ok(())
    }

    /// What the newest scan shows: of cases that it does not list, that they are not there, if it was whole.
    fn scanned(&mut self, run: &RunRow, scans: &[Scan], held: BTreeMap<CaseKey, Shown>, records: &BTreeMap<CaseKey, String>) {
        let of = |target: &str| scans.iter().find(|scan| scan.side == ScanSide::Observed && scan.target == target);
        let by = Observed::Scanned { run: run.run };
        let known = self.changes.values().filter(|case| !held.contains_key(*case));
        let gone: std::collections::BTreeSet<&CaseKey> = known.filter(|case| of(&case.target).is_some_and(is_whole)).collect();
        let gone = gone.into_iter().map(|case| (case.clone(), Shown::Nothing)).collect::<Vec<_>>();
        let seen = held.into_iter().chain(gone).filter_map(|(case, state)| {
            let record = records.get(&case).cloned().unwrap_or_default();
            let at = of(&case.target)?.read_at;
            Some((case, at, state, by, record))
        });
        let mut seen: Vec<_> = seen.collect();
        // The scan itself tells more than the plan that was made from it, but for targets that it could not read as a whole.
        let listed: std::collections::BTreeSet<CaseKey> = seen.iter().map(|(case, ..)| case.clone()).collect();
        let met = self.met.remove(&run.run).into_iter().flatten();
        seen.extend(met.filter(|(case, ..)| !listed.contains(case)));
        self.met.insert(run.run, seen);
    }

    /// A run begins: what it met was so.
    fn met_by(&mut self, run: RunId) {
        for (case, at, state, by, record) in self.met.remove(&run).into_iter().flatten() {
            self.observe(&case, at, state, by);
            if let Some(known) = self.cases.get_mut(&case).filter(|known| at <= self.at && known.record.is_empty()) {
                known.record = record;
            }
        }
    }

    /// A leaf about a change, or of something else.
    fn see(&mut self, moment: Moment) {
        let Some(change) = moment.change else { return };
        if let Some(case) = moment.case.as_ref().filter(|case| self.is(&case.target, &case.object)) {
            self.known = true;
            self.changes.insert(change, case.clone());
        }
        let Some(case) = self.changes.get(&change).cloned() else { return };
        let now = self.cases.entry(case.clone()).or_default();
        match moment.what {
            Happened::Intent { op, record, .. } => {
                now.under_way = Some((change, op, moment.leaf, record));
                if moment.at <= self.at {
                    now.in_doubt = Some(change);
                }
            }
            Happened::Superseded { .. } | Happened::Ended { .. } => {
                now.under_way = None;
                if moment.at <= self.at {
                    now.in_doubt = None;
                }
            }
            Happened::Confirmed { grade } => {
                let leaf = moment.leaf.unwrap_or_default();
                let under_way = now.under_way.take();
                // Without an intent it was seen to be so already.
                let found = moment.states.get("found").cloned();
                let removes = under_way.as_ref().is_some_and(|(_, op, ..)| matches!(op, ChangeKind::Revoke | ChangeKind::Delete));
                let state = found.unwrap_or(if removes { Shown::Nothing } else { Shown::Redacted });
                let state = if removes && state == Shown::Redacted { Shown::Nothing } else { state };
                let was_held = now.last.as_ref().is_some_and(|(_, state, _)| *state != Shown::Nothing);
                if moment.at <= self.at {
                    now.in_doubt = None;
                    if state != Shown::Nothing && !was_held {
                        let (op, intent, record) = under_way
                            .map_or((ChangeKind::Grant, None, String::new()), |(_, op, leaf, record)| (op, leaf, record));
                        now.given = Some(Given { change, op, intent, confirmed: leaf });
                        now.since = Some((moment.at, false));
                        now.record = record;
                    }
                }
                self.observe(&case, moment.at, state, Observed::Confirmed { leaf, grade });
            }
            _ => {}
        }
    }

    fn observe(&mut self, case: &CaseKey, at: Time, state: Shown, by: Observed) {
        let known = self.cases.entry(case.clone()).or_default();
        if at > self.at {
            known.next.get_or_insert((at, state, by));
            return;
        }
        if state == Shown::Nothing {
            (known.given, known.since) = (None, None);
            known.record.clear();
        } else if known.since.is_none() {
            known.since = Some((at, true));
        }
        known.last = Some((at, state, by));
    }

    /// Who held it, and who was only seen to hold it afterwards.
    fn answer(self) -> (Vec<Holder>, Vec<Holder>) {
        let (mut holders, mut later) = (Vec::new(), Vec::new());
        for (key, case) in self.cases {
            let next = case.next.as_ref().map(|(at, state, _)| Next { at: *at, held: *state != Shown::Nothing });
            let Case { last, next: after, since, given, record, in_doubt, .. } = case;
            match (last, after) {
                (Some((at, state, by)), _) if state != Shown::Nothing => {
                    let (since, or_longer) = since.unwrap_or((at, true));
                    let age_seconds = self.at.seconds() - at.seconds();
                    let observed_at = at;
                    holders.push(Holder {
                        case: key,
                        state,
                        observed_at,
                        age_seconds,
                        by,
                        since,
                        or_longer,
                        record,
                        given,
                        in_doubt,
                        next,
                    });
                }
                // A change of ours that was read back afterwards is no sign that it was there before.
                (None, Some((at, state, by))) if state != Shown::Nothing && !matches!(by, Observed::Confirmed { .. }) => {
                    let (age_seconds, observed_at) = (self.at.seconds() - at.seconds(), at);
                    let (since, or_longer, given) = (at, true, None);
                    later.push(Holder {
                        case: key,
                        state,
                        observed_at,
                        age_seconds,
                        by,
                        since,
                        or_longer,
                        record,
                        given,
                        in_doubt,
                        next,
                    });
                }
                _ => {}
            }
        }
        (holders, later)
    }
}
