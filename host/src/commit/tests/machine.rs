//! The core alone, with one answer at a time: a test picks which call is answered next and how, so that every order of
//! events can be gone through.

use std::collections::BTreeMap;

use super::world::{profile, terms};
use crate::audit::Salts;
use crate::commit::{Answer, Ask, Call, Core, Event, Flow, Moment, Outcomes, Terms};
use crate::ledger::Entry;
use crate::model::{CaseKey, Change, ChangeId, Denial, Holding, Time};
use crate::target::{Class, Profile, ReadError, Reading, WriteError, Written};

pub(super) const BEGIN: i64 = 1_000_000;

/// How a write is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// Applied and said so.
    Done,
    /// Applied; the answer is lost.
    Lost,
    /// Applied only at the last instant that is allowed; the answer is lost.
    Late,
    /// Not applied; the answer is lost.
    Never,
    /// Not applied, and the target says so.
    Refused,
}

pub(super) struct Machine<'a> {
    pub(super) core: Core<'a>,
    pub(super) tick: i64,
    /// What the world's clock is ahead of the steady one.
    pub(super) jump: i64,
    pub(super) held: BTreeMap<CaseKey, Holding>,
    pub(super) out: Vec<Call>,
    /// Writes that the core asked for.
    pub(super) writes: usize,
    pub(super) events: Vec<(ChangeId, Event)>,
    /// Requests that land later: when, what, and whether only on what was read (a version).
    late: Vec<(i64, CaseKey, Option<Holding>, String)>,
    version: BTreeMap<CaseKey, u64>,
    bound: i64,
}

pub(super) fn of_class(class: Class) -> Profile {
    let mut profile = profile();
    (profile.class, profile.parallel) = (class, 100);
    profile
}

impl<'a> Machine<'a> {
    pub(super) fn new(profiles: &[(&str, Profile)], plan: &[Change], salts: &'a mut Salts) -> Self {
        let bound = profiles.iter().map(|(_, profile)| i64::from(profile.effect_bound())).max().unwrap_or(0);
        let flow = Flow { tenant: 1_000, ..Flow::default() };
        let terms = Terms { flow, ..terms(plan.len() as u64, 100, profiles) };
        let at = Moment { now: Time::from_seconds(BEGIN), tick: BEGIN };
        let mut core = Core::new(terms, salts, at).expect("no events");
        for (index, change) in (0..).zip(plan) {
            core.offer(index, change.clone()).expect("a change of a plan");
        }
        core.end_of_plan(plan.len() as u64);
        let held = plan.iter().filter_map(|change| change.before.clone().map(|before| (change.key.clone(), before))).collect();
        let (events, out, late, version) = (Vec::new(), Vec::new(), Vec::new(), BTreeMap::new());
        Machine { core, tick: BEGIN, jump: 0, held, out, writes: 0, events, late, version, bound }
    }

    pub(super) fn now(&self) -> Moment {
        Moment { now: Time::from_seconds(self.tick + self.jump), tick: self.tick }
    }

    /// Lets the core do what it can; every batch is durable at once.
    pub(super) fn step(&mut self) {
        loop {
            let calls = self.core.step(self.now()).expect("no event contradicts another");
            let quiet = calls.is_empty();
            self.writes += calls.iter().filter(|call| matches!(call.ask, Ask::Write { .. })).count();
            self.out.extend(calls);
            match self.core.batch() {
                Some(batch) => {
                    let events = batch.entries.into_iter();
                    self.events.extend(events.filter_map(|entry| match entry {
                        Entry::Change { change, event, .. } => Some((change, event)),
                        _ => None,
                    }));
                    self.core.durable();
                }
                None if quiet => return,
                None => {}
            }
        }
    }

    /// Answers one of the calls that are out.
    pub(super) fn answer(&mut self, index: usize, reply: Reply) {
        let call = self.out.remove(index);
        let key = call.change.key.clone();
        let answer = match call.ask {
            Ask::Read if reply == Reply::Never => {
                Answer::Read(Err(ReadError { key: key.to_string(), message: "down".to_owned() }))
            }
            Ask::Read => {
                let version = self.version.get(&key).copied().unwrap_or(0).to_string();
                Answer::Read(Ok(Reading::new(self.held.get(&key).cloned(), version)))
            }
            Ask::Write { after, version, .. } => self.write(&key, after, version.0, reply),
            _ => Answer::Poll(Err(ReadError { key: key.to_string(), message: "nothing is polled here".to_owned() })),
        };
        let now = self.now();
        self.core.answer(call.slot, answer, now).expect("no event contradicts another");
        self.step();
    }

    fn write(&mut self, key: &CaseKey, after: Option<Holding>, version: String, reply: Reply) -> Answer {
        let lost = || Answer::Write(Err(WriteError::Ambiguous { message: "no answer".to_owned() }), None);
        match reply {
            Reply::Refused => {
                let message = "not allowed".to_owned();
                return Answer::Write(Err(WriteError::Rejected { message }), None);
            }
            Reply::Never => return lost(),
            Reply::Late => {
                self.late.push((self.tick + self.bound - 1, key.clone(), after, version));
                return lost();
            }
            Reply::Done | Reply::Lost => {}
        }
        if !self.put(key, after, &version) {
            return Answer::Write(Err(WriteError::Precondition), None);
        }
        if reply == Reply::Lost { lost() } else { Answer::Write(Ok(Written::default()), None) }
    }

    fn put(&mut self, key: &CaseKey, after: Option<Holding>, version: &str) -> bool {
        let current = self.version.entry(key.clone()).or_default();
        if !version.is_empty() && *version != current.to_string() {
            return false;
        }
        *current += 1;
        match after {
            Some(after) => self.held.insert(key.clone(), after),
            None => self.held.remove(key),
        };
        true
    }

    /// Lets time pass until the core wants to be woken; says whether it does.
    pub(super) fn pass(&mut self) -> bool {
        let Some(tick) = self.core.wakes_at() else { return false };
        self.tick = tick.max(self.tick + 1);
        let landed: Vec<_> = self.late.extract_if(.., |late| late.0 <= self.tick).collect();
        for (_, key, after, version) in landed {
            self.put(&key, after, &version);
        }
        self.step();
        true
    }

    /// Answers everything as it comes until all is over.
    pub(super) fn finish(mut self) -> (Outcomes, BTreeMap<CaseKey, Holding>) {
        for _ in 0..10_000 {
            if self.core.is_over() && self.late.is_empty() {
                return (self.core.finish(), self.held);
            }
            if !self.out.is_empty() {
                self.answer(0, Reply::Done);
            } else if !self.pass() {
                self.tick += 1;
                let landed: Vec<_> = self.late.extract_if(.., |late| late.0 <= self.tick).collect();
                landed.into_iter().for_each(|(_, key, after, version)| _ = self.put(&key, after, &version));
                self.step();
            }
        }
        panic!("it does not come to an end; first in hand: {:?}", self.core.first_in_hand());
    }

    /// An operator denies what this holder has; what is held is taken away.
    pub(super) fn deny(&mut self, holder: &str) {
        let denial = denial(holder);
        self.core.announce(&denial);
        let mut covered: Vec<(CaseKey, Holding)> =
            self.held.iter().filter(|(key, _)| denial.covers(key)).map(|(key, holding)| (key.clone(), holding.clone())).collect();
        for change in self.core.landing(&denial) {
            if let Some(after) = change.after.filter(|_| !covered.iter().any(|(key, _)| *key == change.key)) {
                covered.push((change.key, after));
            }
        }
        let recorded =
            |key: &CaseKey| crate::correlate::Recorded::new(crate::commit::plain_key(key), crate::model::StateHash::ABSENT, 1);
        let changes =
            covered.iter().map(|(key, holding)| crate::commit::reduce("t", &denial, key, holding, &recorded(key))).collect();
        let plan = crate::commit::emergency_plan("t", &denial, 1);
        self.core.deny(denial, plan, changes, true).expect("an emergency");
        self.step();
    }
}

pub(super) fn denial(holder: &str) -> Denial {
    Denial {
        target: String::new(),
        holder: holder.to_owned(),
        object: String::new(),
        by: "ada".to_owned(),
        why: "a test".to_owned(),
        at: Time::from_seconds(BEGIN),
        settled_at: Time::NONE,
        lifted_at: Time::NONE,
    }
}
