//! The time line of one principal: everything that plans decided and the log tells of the accounts of a person, a machine or a
//! group. Owns whose accounts are meant and what belongs to them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Serialize;

use super::super::{Engine, EngineError};
use super::near::Near;
use super::{Beginning, Happened, Moment};
use crate::audit::LogHead;
use crate::discover::Page;
use crate::ledger::RunRow;
use crate::limits::HISTORY_MOMENTS;
use crate::model::{CaseKey, Change, ChangeId, PlanId, RunId, Subject, Time};
use crate::plan::{Header, HeldLine};

/// From when to when, and how much.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// Not before this; none: from the beginning.
    pub since: Time,
    /// Before this; none: up to now.
    pub until: Time,
    /// The newest so many: at most [`HISTORY_MOMENTS`].
    pub most: usize,
}

impl Default for Span {
    fn default() -> Self {
        Span { since: Time::NONE, until: Time::NONE, most: HISTORY_MOMENTS }
    }
}

impl Span {
    /// Whether an instant lies in it.
    #[must_use]
    pub fn has(&self, at: Time) -> bool {
        at >= self.since && (self.until.is_none() || at < self.until)
    }
}

/// The object of a principal in one target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Account {
    /// The target.
    pub target: String,
    /// The native id there.
    pub holder: String,
}

/// Everything on record of a principal.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct History {
    /// As it was asked for.
    pub principal: String,
    /// Its accounts: those that sources link to it, and those of that name.
    pub accounts: Vec<Account>,
    /// What happened, in its order.
    pub moments: Vec<Moment>,
    /// Moments before these that were left out because there are too many.
    pub omitted: u64,
    /// Plans that are no longer kept: what they held or decided without sending it is not told.
    pub plans_gone: u64,
    /// Where the log begins, when it was pruned: of what was before, plans alone tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beginning: Option<Beginning>,
    /// The log that all of this was read from.
    pub log: LogHead,
}

impl Engine {
    /// Everything that happened to the accounts of a principal, which is named by its identity, by a native id, or as
    /// `target/native id`.
    ///
    /// # Errors
    /// When nothing of that name is on record, or the log, a plan or a page is not what was written.
    pub fn history(&self, principal: &str, span: &Span) -> Result<History, EngineError> {
        let runs = self.sealed_runs()?;
        let mut who = Principal::new(principal);
        self.read_pages(|_, _, page| who.learn(page))?;
        let mut line = Line { told: BTreeMap::new(), planned: BTreeMap::new(), changes: BTreeMap::new(), plans_gone: 0 };
        self.each_plan(&runs, |_, _, changes| {
            for change in changes {
                who.learn_of(&change?);
            }
            Ok(())
        })?;
        for (count, (run, plan)) in runs.iter().enumerate() {
            self.plan_moments(count, run, *plan, &who, &mut line)?;
        }
        let mut newest = Newest { span: *span, kept: VecDeque::new(), omitted: 0 };
        let beginning = self.log_beginning()?;
        // Runs of which the log tells nothing any more come before all that it tells.
        for (run, _) in runs.iter().filter(|(run, _)| beginning.as_ref().is_some_and(|log| run.began <= log.begins)) {
            line.planned.remove(&run.run).into_iter().flatten().for_each(|moment| newest.take(moment));
        }
        let mut own: BTreeSet<u64> = BTreeSet::new();
        let mut any = false;
        let log = self.read_log(|entry, leaf| {
            if let crate::audit::Statement::RunStart { .. } = &entry.says {
                line.planned.remove(&entry.run).into_iter().flatten().for_each(|moment| newest.take(moment));
            }
            let Some(mut moment) = Moment::of(entry, leaf)? else { return Ok(()) };
            if let Some(case) = moment.case.as_ref().filter(|case| who.is(&case.target, &case.holder)) {
                if let Some(change) = moment.change {
                    line.changes.insert(change, Some(case.clone()));
                }
            } else if let Some(case) = moment.change.and_then(|change| line.changes.get(&change)) {
                moment.case = moment.case.or_else(|| case.clone());
            } else if !who.is_meant_by(&moment.what, &own) {
                return Ok(());
            }
            any = true;
            own.extend(moment.leaf);
            newest.take(moment);
            Ok(())
        })?;
        // Plans that came from elsewhere have no leaf that begins their run.
        std::mem::take(&mut line.planned).into_values().flatten().for_each(|moment| newest.take(moment));
        let mut moments = Vec::from(newest.kept);
        moments.sort_by_key(|moment| moment.at);
        if who.accounts.is_empty() && !any && moments.is_empty() {
            return Err(self.unknown("principal", principal, Kind::Principal)?);
        }
        let omitted = newest.omitted;
        let accounts = who.accounts.into_iter().collect();
        Ok(History { principal: principal.to_owned(), accounts, moments, omitted, plans_gone: line.plans_gone, beginning, log })
    }

    /// What a plan says of a principal, as far as it was not said of the plan before.
    fn plan_moments(
        &self,
        count: usize,
        run: &RunRow,
        plan: PlanId,
        who: &Principal,
        line: &mut Line,
    ) -> Result<(), EngineError> {
        let Some(file) = self.sealed(plan)? else {
            line.plans_gone += 1;
            return Ok(());
        };
        let header = file.header();
        for change in file.changes() {
            let change = change?;
            if who.is(&change.key.target, &change.key.holder) {
                line.changes.insert(change.id, Some(change.key.clone()));
                // A gate of the whole plan is one of its changes too.
                line.changes.entry(ChangeId(plan.0)).or_insert(None);
                let moment = planned(run, plan, header, change);
                line.tell(count, run, moment);
            }
        }
        for held in file.held() {
            let held = held?;
            if who.is(&held.key.target, &held.key.holder) {
                let moment = self::held(run, plan, header, held);
                line.tell(count, run, moment);
            }
        }
        Ok(())
    }

    /// Shows the changes of each plan that is kept.
    pub(super) fn each_plan(
        &self,
        runs: &[(RunRow, PlanId)],
        mut see: impl FnMut(
            &RunRow,
            &Header,
            &mut dyn Iterator<Item = Result<Change, crate::plan::PlanError>>,
        ) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        for (run, plan) in runs {
            if let Some(file) = self.sealed(*plan)? {
                see(run, file.header(), &mut file.changes())?;
            }
        }
        Ok(())
    }

    /// The error of a name that is not on record, with those that look like it.
    pub(super) fn unknown(&self, what: &'static str, name: &str, kind: Kind) -> Result<EngineError, EngineError> {
        let mut near = Near::to(name);
        // Whoever named a target is told names with targets.
        let full = |target: &str, object: &str| if name.contains('/') { format!("{target}/{object}") } else { object.to_owned() };
        self.each_plan(&self.sealed_runs()?, |_, _, changes| {
            for change in changes {
                let change = change?;
                match kind {
                    Kind::Principal => [&change.component, &change.key.holder].into_iter().for_each(|name| near.see(name)),
                    Kind::Entitlement => near.see(&full(&change.key.target, &change.key.object)),
                }
            }
            Ok(())
        })?;
        self.read_pages(|_, _, page| {
            for fact in &page.facts {
                match kind {
                    Kind::Principal => {
                        [fact.holder, fact.identity].into_iter().for_each(|sym| near.see(page.symbols.text(sym)));
                    }
                    Kind::Entitlement => near.see(&full(page.symbols.text(fact.target), page.symbols.text(fact.object))),
                }
            }
            if let Kind::Entitlement = kind {
                let text = |sym| page.symbols.text(sym);
                page.entitlements.iter().for_each(|row| near.see(&full(text(row.target), text(row.object))));
            }
        })?;
        Ok(EngineError::Unknown { what, name: name.to_owned(), near: near.names() })
    }
}

/// What kind of name somebody asked for.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Principal,
    Entitlement,
}

fn planned(run: &RunRow, plan: PlanId, header: &Header, change: Change) -> Moment {
    let Change { id, key, kind, reason, record, tier, gates, .. } = change;
    let what = Happened::Planned { op: kind, reason, rule: header.inputs.rule.clone(), record, tier, gates };
    Moment { change: Some(id), ..of_plan(run, plan, key, what) }
}

fn held(run: &RunRow, plan: PlanId, header: &Header, held: HeldLine) -> Moment {
    let HeldLine { by, effect, key, reason, .. } = held;
    of_plan(run, plan, key, Happened::Held { by, effect, reason, rule: header.inputs.rule.clone() })
}

fn of_plan(run: &RunRow, plan: PlanId, key: CaseKey, what: Happened) -> Moment {
    let (case, plan) = (Some(key), Some(plan));
    Moment { at: run.began, leaf: None, run: run.run, case, change: None, plan, what, states: BTreeMap::new() }
}

/// Whose accounts are meant.
struct Principal {
    name: String,
    accounts: BTreeSet<Account>,
}

impl Principal {
    fn new(name: &str) -> Self {
        Principal { name: name.to_owned(), accounts: BTreeSet::new() }
    }

    /// Whether its name is a native id.
    fn is_named(&self, target: &str, holder: &str) -> bool {
        self.name == holder
            || self.name.strip_prefix(target).and_then(|rest| rest.strip_prefix('/')).is_some_and(|rest| rest == holder)
    }

    /// Whether an account is one of its.
    fn is(&self, target: &str, holder: &str) -> bool {
        let account = |account: &Account| account.target == target && account.holder == holder;
        self.is_named(target, holder) || self.accounts.iter().any(account)
    }

    fn add(&mut self, target: &str, holder: &str) {
        self.accounts.insert(Account { target: target.to_owned(), holder: holder.to_owned() });
    }

    fn learn_of(&mut self, change: &Change) {
        if change.component == self.name || self.is_named(&change.key.target, &change.key.holder) {
            self.add(&change.key.target, &change.key.holder);
        }
    }

    fn learn(&mut self, page: &Page) {
        let text = |sym| page.symbols.text(sym);
        for fact in &page.facts {
            let named = !fact.identity.is_empty() && text(fact.identity) == self.name;
            if named || self.is_named(text(fact.target), text(fact.holder)) {
                self.add(text(fact.target), text(fact.holder));
            }
        }
    }

    /// Whether something that names no change is about it.
    fn is_meant_by(&self, what: &Happened, own: &BTreeSet<u64>) -> bool {
        match what {
            Happened::Redacted { of, .. } => own.contains(of),
            Happened::Denied { target, holder, .. } | Happened::Lifted { target, holder, .. } => {
                self.name == *holder
                    || (!target.is_empty() && self.is_named(target, holder))
                    || self.accounts.iter().any(|one| one.holder == *holder && (target.is_empty() || one.target == *target))
            }
            _ => false,
        }
    }
}

/// What plans say, while they are read.
struct Line {
    /// What was last said of a case, and by which plan.
    told: BTreeMap<(String, String, Subject, String), (usize, Happened)>,
    planned: BTreeMap<RunId, Vec<Moment>>,
    /// Changes of the principal. Without a case: a plan that holds one of them.
    changes: BTreeMap<ChangeId, Option<CaseKey>>,
    plans_gone: u64,
}

impl Line {
    /// A case that waits, or is held, is told once and not for every plan that finds it so.
    fn tell(&mut self, count: usize, run: &RunRow, moment: Moment) {
        let Some(CaseKey { target, holder, subject, object }) = moment.case.clone() else { return };
        let told = self.told.insert((target, holder, subject, object), (count, moment.what.clone()));
        if told.is_none_or(|(before, what)| before + 1 != count || what != moment.what) {
            self.planned.entry(run.run).or_default().push(moment);
        }
    }
}

/// The newest moments of a span.
struct Newest {
    span: Span,
    kept: VecDeque<Moment>,
    omitted: u64,
}

impl Newest {
    fn take(&mut self, moment: Moment) {
        if !self.span.has(moment.at) {
            return;
        }
        self.kept.push_back(moment);
        if self.kept.len() > self.span.most.min(HISTORY_MOMENTS) {
            self.kept.pop_front();
            self.omitted += 1;
        }
    }
}
