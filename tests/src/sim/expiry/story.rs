//! One story of access that ends while it is being given: a process, its disk, one target, and the instants at which things
//! happen. Chooses nothing: the schedule says it all.

use std::collections::BTreeMap;

use trueup::audit::Salts;
use trueup::commit::{Answer, Ask, Call, Core, Flow, Moment, Slot, Terms, emergency_plan, reduce};
use trueup::ledger::{Entry, RunRow, Stage};
use trueup::model::{CaseKey, Change, ChangeKind, Denial, Digest, Holding, Lane, RunId, Subject, Time};
use trueup::target::{Class, Profile, WriteError, Written};

use super::{Ends, Fate, Schedule};
use crate::sim::disk::Disk;
use crate::sim::plan::{START, TENANT, plan_id};
use crate::sim::process::{Flush, Process};
use crate::sim::rng::Rng;
use crate::sim::target::{By, Request, Target};

/// Seconds within which a request lands, and within which accepted work is done: short, so that every instant can be tried.
const LANDING: u32 = 2;
/// Seconds between two runs, and after which a story is over.
const PAUSE: i64 = 30;
/// See `PAUSE`.
const OVER: i64 = 76;
/// Processes that a story may need.
const STARTS: usize = 8;

/// What one story came to.
#[derive(Default)]
pub struct Lived {
    /// Events of its processes.
    pub events: u32,
    /// Whether a batch was on its way when the process died.
    pub flushing: bool,
    /// Whether access was given.
    pub given: bool,
    /// Requests that give it, and the second of the last one.
    pub requests: usize,
    /// See `requests`.
    pub latest: i64,
    /// What went wrong first.
    pub broken: Option<String>,
}

enum Happening {
    Start,
    Ends,
    Serve { call: Box<Call>, fate: Fate },
    Work(usize),
    Answer { epoch: u64, slot: Slot, answer: Box<Answer> },
    Flushed { epoch: u64 },
    Wake { epoch: u64 },
    Held { epoch: u64, denial: Denial, held: Vec<(CaseKey, Holding)> },
}

struct Story<'s> {
    schedule: Schedule,
    plan: Vec<Change>,
    profile: Profile,
    target: Target,
    disk: Disk,
    tick: i64,
    queue: BTreeMap<(i64, u64), Happening>,
    queued: u64,
    process: Option<Process<'s>>,
    pool: std::slice::IterMut<'s, Salts>,
    /// The denial, once it was called for; when it was settled.
    called: Option<Denial>,
    settled: Option<i64>,
    lived: Lived,
}

/// Lives through one schedule.
pub fn live(schedule: Schedule) -> Lived {
    let mut salts: Vec<Salts> = (0..STARTS).map(|_| Salts::from_seed([7; 32])).collect();
    let mut profile = Profile::new(schedule.class);
    profile.attributes = vec![trueup::model::Attribute::Enabled, trueup::model::Attribute::ExpiresAt];
    (profile.landing_bound, profile.completion_bound) = (LANDING, LANDING);
    let mut story = Story {
        schedule,
        plan: vec![grant(schedule)],
        target: Target::new(profile.clone(), [0, 0], false, false),
        profile,
        disk: Disk::default(),
        tick: 0,
        queue: BTreeMap::new(),
        queued: 0,
        process: None,
        pool: salts.iter_mut(),
        called: None,
        settled: None,
        lived: Lived::default(),
    };
    story.after(0, Happening::Start);
    story.after(schedule.at, Happening::Ends);
    while let Some(((tick, _), what)) = story.queue.pop_first() {
        story.tick = tick;
        story.happen(what);
        story.judge();
    }
    let left = story.target.holds(&story.plan[0].key).is_some();
    story.breaks(left && !story.is_late_person(), "it is held at last");
    story.breaks(schedule.ends == Ends::Denied && story.settled.is_none(), "its denial never settles");
    story.lived
}

/// Access that is to be given.
fn grant(schedule: Schedule) -> Change {
    let (subject, kind) = match schedule.class {
        Class::K4 => (Subject::Credential, ChangeKind::Issue),
        _ => (Subject::Grant, ChangeKind::Grant),
    };
    let end = if schedule.ends == Ends::Expires { Time::from_seconds(START + schedule.at) } else { Time::NONE };
    let key = CaseKey { target: "t".to_owned(), holder: "p".to_owned(), subject, object: "team:x".to_owned() };
    let after = Some(Holding { expires_at: end, ..Holding::default() });
    Change::routine(TENANT, key, kind, 1, None, after)
}

impl Story<'_> {
    fn after(&mut self, ticks: i64, what: Happening) {
        self.queued += 1;
        if self.tick + ticks <= OVER {
            self.queue.insert((self.tick + ticks, self.queued), what);
        }
    }

    fn breaks(&mut self, broken: bool, words: &str) {
        if broken && self.lived.broken.is_none() {
            self.lived.broken = Some(format!("{words} (second {})", self.tick));
        }
    }

    fn moment(&self) -> Moment {
        Moment { now: Time::from_seconds(START + self.tick), tick: self.tick }
    }

    fn happen(&mut self, what: Happening) {
        let epoch = match &what {
            Happening::Answer { epoch, .. } | Happening::Flushed { epoch } | Happening::Wake { epoch } => Some(*epoch),
            Happening::Held { epoch, .. } => Some(*epoch),
            _ => None,
        };
        if epoch.is_some_and(|epoch| !self.reaches(epoch)) {
            return;
        }
        match what {
            Happening::Start => self.start(),
            Happening::Ends => self.ends(),
            Happening::Serve { call, fate } => self.serve(&call, fate),
            Happening::Work(index) => self.target.perform(&mut Rng::new(0), self.tick, index),
            Happening::Answer { slot, answer, .. } => {
                let at = self.moment();
                if let Some(process) = &mut self.process {
                    process.out -= 1;
                    let taken = process.core.answer(slot, *answer, at);
                    self.breaks(taken.is_err(), "the core gave up");
                }
                self.pump();
            }
            Happening::Flushed { .. } => self.flushed(),
            Happening::Wake { .. } => self.pump(),
            Happening::Held { denial, held, .. } => self.held(&denial, held),
        }
    }

    /// One more event for a process: whether it still lives.
    fn reaches(&mut self, epoch: u64) -> bool {
        if self.process.as_ref().is_none_or(|process| process.epoch != epoch) {
            return false;
        }
        self.lived.events += 1;
        if self.schedule.dies != Some(self.lived.events) {
            return true;
        }
        if let Some(flush) = self.process.take().and_then(|process| process.flush) {
            self.lived.flushing = true;
            if self.schedule.kept {
                self.keep(&flush);
            }
        }
        self.after(1, Happening::Start);
        false
    }

    fn start(&mut self) {
        let Some(salts) = self.pool.next() else { return };
        self.disk.epoch += 1;
        let (epoch, at) = (self.disk.epoch, self.moment());
        let run = RunRow {
            run: RunId(1),
            stage: Stage::Committing,
            as_of: Time::from_seconds(START),
            began: Time::from_seconds(START),
            basis: Digest::of(b"sweep"),
            plan: None,
            slice: self.disk.slice,
            commits: true,
            amends: None,
        };
        let terms = Terms {
            plan: plan_id(),
            changes: 1,
            run,
            slice: 1,
            epoch,
            flow: Flow::default(),
            profiles: BTreeMap::from([("t".to_owned(), self.profile.clone())]),
            openings: Vec::new(),
            denials: self.disk.denials(),
            events: self.disk.of_plan(plan_id()),
        };
        match Core::new(terms, salts, at).and_then(|core| Process::new(core, epoch, &self.plan)) {
            Ok(process) => self.process = Some(process),
            Err(_) => self.breaks(true, "the core gave up"),
        }
        if self.settled.is_none() {
            self.announce();
        }
        self.after(0, Happening::Wake { epoch });
    }

    /// Access ends.
    fn ends(&mut self) {
        if self.schedule.ends == Ends::Expires {
            let key = self.plan[0].key.clone();
            return self.target.edit(&mut Rng::new(0), self.tick, &key, None);
        }
        self.called = Some(Denial {
            target: "t".to_owned(),
            holder: "p".to_owned(),
            object: String::new(),
            by: "ann".to_owned(),
            why: "stolen".to_owned(),
            at: Time::from_seconds(START + self.tick),
            settled_at: Time::NONE,
            lifted_at: Time::NONE,
        });
        self.announce();
        self.pump();
    }

    fn announce(&mut self) {
        if let (Some(denial), Some(process)) = (self.called.clone(), &mut self.process) {
            process.core.announce(&denial);
            process.looks += 1;
            let (epoch, held) = (process.epoch, self.target.held_by("p"));
            self.after(1, Happening::Held { epoch, denial, held });
        }
    }

    fn held(&mut self, denial: &Denial, mut held: Vec<(CaseKey, Holding)>) {
        let Some(process) = &mut self.process else { return };
        for change in process.core.landing(denial) {
            if let Some(after) = change.after.filter(|_| held.is_empty()) {
                held.push((change.key, after));
            }
        }
        let plan = emergency_plan(TENANT, denial, process.epoch);
        let disk = &self.disk;
        let changes = held.iter().map(|(key, holding)| reduce(TENANT, denial, key, holding, &disk.recorded(key))).collect();
        process.looks -= 1;
        let taken = process.core.deny(denial.clone(), plan, changes, true);
        self.breaks(taken.is_err(), "the core gave up");
        self.pump();
    }

    fn pump(&mut self) {
        let at = self.moment();
        let Some(mut process) = self.process.take() else { return };
        let calls = process.step(&self.plan, usize::MAX, at).unwrap_or_default();
        process.core.tell();
        for call in calls {
            process.out += 1;
            self.send(call);
        }
        if process.is_over() {
            return self.after(PAUSE, Happening::Start);
        }
        let epoch = process.epoch;
        if process.flush.is_none()
            && let Some(batch) = process.core.batch()
        {
            process.flush = Some(Flush { batch, taken: false });
            self.after(1, Happening::Flushed { epoch });
        }
        if let Some(wake) = process.core.wakes_at() {
            self.after((wake - self.tick).max(1), Happening::Wake { epoch });
        }
        self.process = Some(process);
    }

    fn flushed(&mut self) {
        if let Some(flush) = self.process.as_mut().and_then(|process| process.flush.take()) {
            self.keep(&flush);
            if let Some(process) = &mut self.process {
                process.core.durable();
            }
        }
        self.pump();
    }

    fn keep(&mut self, flush: &Flush) {
        let settles = |entry: &Entry| matches!(entry, Entry::Denied(denial) if denial.settled_at.is_some());
        if flush.batch.entries.iter().any(settles) {
            self.settled.get_or_insert(self.tick);
        }
        self.disk.apply(&flush.batch);
    }

    /// A call leaves the process.
    fn send(&mut self, call: Call) {
        let gives = matches!(&call.ask, Ask::Write { after: Some(_), .. });
        let mut fate = Fate::Answered;
        if gives {
            fate = self.schedule.fates.get(self.lived.requests).copied().unwrap_or(Fate::Answered);
            (self.lived.requests, self.lived.latest) = (self.lived.requests + 1, self.tick);
            let over = self.tick >= self.schedule.at && self.schedule.ends == Ends::Expires;
            self.breaks(over, "it is sent after its end");
            self.breaks(self.called.is_some(), "it is sent although it is denied");
        }
        let (epoch, slot) = (call.fence, call.slot);
        let lost = || Answer::Write(Err(WriteError::Ambiguous { message: "timeout".to_owned() }), None);
        let early = match fate {
            Fate::Answered | Fate::SecretLost => None,
            Fate::ReplyLost | Fate::RequestLost | Fate::LandsLast => Some(lost()),
            Fate::Throttled => Some(Answer::Write(Err(WriteError::Throttled { seconds: 2 }), None)),
        };
        if let Some(answer) = early {
            self.after(1, Happening::Answer { epoch, slot, answer: Box::new(answer) });
        }
        if !matches!(fate, Fate::RequestLost | Fate::Throttled) {
            let lands = if fate == Fate::LandsLast { i64::from(LANDING) } else { 1 };
            self.after(lands, Happening::Serve { call: Box::new(call), fate });
        }
    }

    /// A call reaches the target.
    fn serve(&mut self, call: &Call, fate: Fate) {
        let rng = &mut Rng::new(0);
        let answer = match &call.ask {
            Ask::Read => Answer::Read(Ok(self.target.read(rng, self.tick, &call.change.key))),
            Ask::Find { key } => Answer::Find(Ok(self.target.find(key))),
            Ask::Poll { receipt } => Answer::Poll(Ok(self.target.poll(receipt).unwrap_or(trueup::target::Receipt::Pending))),
            Ask::Undo { id } => {
                self.target.undo(rng, self.tick, id);
                Answer::Undo(Ok(()))
            }
            Ask::Write { after, version, list, key, .. } => {
                let request = Request {
                    no: 0,
                    change: call.change.clone(),
                    emergency: call.change.lane == Lane::Emergency,
                    fence: call.fence,
                    after: after.clone(),
                    version: version.clone(),
                    list: list.clone(),
                    tag: key.clone(),
                };
                let written = self.target.write(rng, self.tick, &request);
                if written.as_ref().is_ok_and(|written| !written.receipt.is_empty()) {
                    self.after(i64::from(LANDING), Happening::Work(self.target.work.len() - 1));
                }
                self.kept_secret(written, fate)
            }
            _ => return,
        };
        if matches!(fate, Fate::Answered | Fate::SecretLost) {
            let (epoch, slot) = (call.fence, call.slot);
            self.after(1, Happening::Answer { epoch, slot, answer: Box::new(answer) });
        }
    }

    fn kept_secret(&self, written: Result<Written, WriteError>, fate: Fate) -> Answer {
        match written {
            Ok(mut written) => {
                let secret = written.secret.take().filter(|_| fate != Fate::SecretLost);
                Answer::Write(Ok(written), secret.map(|_| "vault".to_owned()))
            }
            Err(error) => Answer::Write(Err(error), None),
        }
    }

    /// People are slow: they are not held to the end of what they were asked for in time.
    fn is_late_person(&self) -> bool {
        self.schedule.class == Class::K6 && self.schedule.ends == Ends::Expires
    }

    /// What took effect is judged.
    fn judge(&mut self) {
        for landed in std::mem::take(&mut self.target.landed) {
            let gives = landed.after.is_some() && matches!(landed.by, By::Change(_, false));
            self.lived.given |= gives;
            let over = self.schedule.ends == Ends::Expires && landed.tick >= self.schedule.at && !self.is_late_person();
            self.breaks(gives && over, "it is given after its end");
            let denied = self.settled.is_some_and(|settled| landed.tick >= settled);
            self.breaks(gives && denied, "it is given after its denial was settled");
        }
    }
}
