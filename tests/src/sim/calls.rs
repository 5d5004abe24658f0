//! The network between processes and targets: what gets lost, comes late, comes twice; and what targets answer.

use trueup::commit::{Answer, Ask, Call, Slot};
use trueup::model::Lane;
use trueup::target::{Class, ReadError, Reading, Receipt, WriteError, Written};

use super::oracle::Who;
use super::target::Request;
use super::world::{Happening, World};

/// Longest wait that a target asks for in most cases, and in some.
const WAITS: [i64; 2] = [20, 90];

impl World<'_> {
    /// What happens next.
    pub(super) fn happen(&mut self, what: Happening) {
        match what {
            Happening::Write { epoch, slot, request, answers, last } => self.write(epoch, slot, &request, answers, last),
            Happening::Call { call } => self.serve(&call),
            Happening::Answer { epoch, slot, who, answer, served } => self.answer(epoch, slot, who, *answer, served),
            Happening::Flushed { epoch } if self.is_up(epoch) => self.flushed(epoch),
            Happening::Wake { epoch } if self.is_up(epoch) => {
                if let Some(process) = self.processes.iter_mut().find(|process| process.epoch == epoch) {
                    process.wake = if process.wake <= self.tick { i64::MAX } else { process.wake };
                }
                self.pump(epoch);
            }
            Happening::Flushed { .. } | Happening::Wake { .. } => self.later(what),
            Happening::Look { epoch, denial } => self.look(epoch, denial),
            Happening::Held { epoch, denial, held, complete } => self.held(epoch, denial, held, complete),
            Happening::Work { target, index, well } => self.work(&target, index, well),
            Happening::Claim { target, index } => self.claim(&target, index),
            Happening::Edit(key) => self.edit(key),
            Happening::Dark { target, seconds } => self.dark(&target, seconds),
            Happening::ClockWrong(fault) => self.clock_wrong(fault),
            Happening::ClockRight => self.clock_right(),
            Happening::Emergency(denial) => self.emergency(denial),
            Happening::Start => self.start(),
            Happening::Kill { epoch } => self.kill(epoch),
        }
    }

    /// Whether a process is there and awake; one more event for it.
    pub(super) fn is_up(&mut self, epoch: u64) -> bool {
        let asleep = self.processes.iter().any(|process| process.epoch == epoch && process.paused > self.tick);
        !asleep && self.reaches(epoch)
    }

    /// What comes for a process that sleeps waits until it wakes; what comes for a dead one is lost.
    pub(super) fn later(&mut self, what: Happening) {
        let epoch = match &what {
            Happening::Answer { epoch, .. } | Happening::Flushed { epoch } | Happening::Wake { epoch } => *epoch,
            Happening::Held { epoch, .. } => *epoch,
            _ => return,
        };
        if let Some(process) = self.processes.iter().find(|process| process.epoch == epoch && process.paused > self.tick) {
            let wait = process.paused - self.tick;
            self.after(wait, what);
        }
    }

    /// A call leaves a process.
    pub(super) fn send(&mut self, call: Call) {
        self.no += 1;
        let (no, who) = (self.no, (call.change.lane == Lane::Emergency, call.change.id));
        if who.0 {
            self.oracle.know_emergency(&call.change);
        }
        self.tell(|| format!("  process {} → {}: {} ({})", call.fence, call.change.key, words(&call.ask), call.change.kind));
        self.oracle.sent(self.tick, no, &call);
        let Ask::Write { after, version, list, key, .. } = call.ask.clone() else {
            let wait = self.rng.between(0, 2);
            return self.after(wait, Happening::Call { call: Box::new(call) });
        };
        self.writes += 1;
        let (epoch, slot) = (call.fence, call.slot);
        let request = Request { no, emergency: who.0, fence: epoch, after, version, list, tag: key, change: call.change };
        self.fate(epoch, slot, who, Box::new(request));
    }

    /// What becomes of a request on its way.
    fn fate(&mut self, epoch: u64, slot: Slot, who: Who, request: Box<Request>) {
        let profile = &self.estate.profiles[&request.change.key.target];
        let (landing, class) = (i64::from(profile.landing_bound), profile.class);
        let (there, back, gives_up) = (self.rng.between(0, 2), self.rng.between(0, 2), self.rng.between(0, 12));
        let swarm = self.swarm.clone();
        let mut roll = self.rng.below(100) as u32;
        let mut fires = |share: u32| {
            let fires = !self.calm && roll < share;
            roll = if fires { u32::MAX / 2 } else { roll.saturating_sub(share) };
            fires
        };
        let lost = || Answer::Write(Err(WriteError::Ambiguous { message: "timeout".to_owned() }), None);
        let no = request.no;
        if self.targets.get(&request.change.key.target).is_some_and(|target| target.outran(&request)) {
            self.oracle.gone(no);
        }
        let write = |request, answers, last| Happening::Write { epoch, slot, request, answers, last };
        if fires(swarm.lost_request) {
            self.fires("request lost");
            self.oracle.gone(no);
            self.reply(gives_up, epoch, slot, who, lost());
        } else if fires(swarm.late) {
            let lands = self.rng.between(0, landing);
            let waits = self.rng.percent(30);
            self.fires(if waits { "request slow" } else { "request late" });
            self.after(lands, write(request, waits, true));
            if !waits {
                self.reply(gives_up, epoch, slot, who, lost());
            }
        } else if fires(swarm.lost_reply) {
            self.fires("reply lost");
            self.after(there, write(request, false, true));
            self.reply(there + back, epoch, slot, who, lost());
        } else if fires(swarm.throttle) {
            let most = WAITS[usize::from(self.rng.percent(10))];
            let seconds = self.rng.between(1, most);
            self.fires("throttled");
            self.oracle.gone(no);
            let answer = Answer::Write(Err(WriteError::Throttled { seconds: seconds as u32 }), None);
            self.reply(there, epoch, slot, who, answer);
        } else if fires(swarm.reject) {
            self.fires("rejected");
            self.oracle.gone(no);
            let answer = Answer::Write(Err(WriteError::Rejected { message: "not allowed".to_owned() }), None);
            self.reply(there, epoch, slot, who, answer);
        } else if matches!(class, Class::K0 | Class::K1 | Class::K2 | Class::K3) && fires(swarm.duplicate) {
            self.fires("delivered twice");
            self.oracle.delivered_twice(who);
            // A target says that a condition failed only when nothing was written: there the first answer counts.
            let first = class == Class::K0;
            self.after(there, write(request.clone(), first, false));
            self.after(there + if first { back.max(1) } else { back }, write(request, !first, true));
        } else {
            self.after(there, write(request, true, true));
        }
    }

    fn fires(&mut self, fault: &'static str) {
        self.tell(|| format!("    ({fault})"));
        self.tally.fault(fault);
    }

    fn reply(&mut self, wait: i64, epoch: u64, slot: Slot, who: Who, answer: Answer) {
        let served = self.tick;
        self.after(wait, Happening::Answer { epoch, slot, who, answer: Box::new(answer), served });
    }

    /// A target sees a writer's fence: whether it takes calls of it.
    pub(super) fn shows_fence(&mut self, target: &str, fence: u64) -> bool {
        let Some(at) = self.targets.get_mut(target) else { return false };
        let admitted = at.admits(fence);
        if admitted && at.fences {
            self.oracle.fence_seen(target, fence);
        }
        admitted
    }

    /// A request lands.
    fn write(&mut self, epoch: u64, slot: Slot, request: &Request, answers: bool, last: bool) {
        let (key, who) = (&request.change.key, (request.emergency, request.change.id));
        if last {
            self.oracle.gone(request.no);
        }
        let admitted = self.shows_fence(&key.target, request.fence);
        let result = match self.targets.get_mut(&key.target) {
            Some(target) if admitted => target.write(&mut self.rng, self.tick, request),
            _ => Err(WriteError::Fenced),
        };
        self.tell(|| format!("      {key}: {} of process {} {}", request.change.kind, request.fence, said(&result)));
        if result == Err(WriteError::Fenced) {
            self.tally.fault("fenced");
        }
        self.journal(&key.target);
        if let Ok(written) = &result
            && !written.receipt.is_empty()
        {
            self.accepted(epoch, request);
        }
        if answers {
            let wait = self.rng.between(0, 2);
            self.reply(wait, epoch, slot, who, Answer::Write(result, None));
        }
    }

    /// What a target did is put before the judge.
    pub(super) fn journal(&mut self, target: &str) {
        let landed = self.targets.get_mut(target).map(|target| std::mem::take(&mut target.landed)).unwrap_or_default();
        for one in landed {
            self.tell(|| format!("      {} holds {:?} now, by {:?}", one.key, one.after, one.by));
            // Strangers like to change what was just changed.
            let often = match one.by {
                super::target::By::Change(_, true) => 40,
                _ if self.swarm.weak => 45,
                _ => 8,
            };
            if self.swarm.foreign > 0 && !self.calm && self.rng.percent(often) {
                let soon = self.rng.between(0, 4);
                self.after(soon, Happening::Edit(Some(one.key.clone())));
            }
            self.oracle.landed(one);
        }
    }

    /// A read, a question, a search or an undo reaches its target.
    fn serve(&mut self, call: &Call) {
        let key = &call.change.key;
        let admitted = self.shows_fence(&key.target, call.fence);
        let tick = self.tick;
        let Some(target) = self.targets.get_mut(&key.target) else { return };
        let dark = target.dark_until > tick || !admitted;
        let down = || ReadError { key: key.to_string(), message: "down".to_owned() };
        let unreadable = !target.profile.is_readable();
        let answer = match &call.ask {
            Ask::Undo { .. } if !admitted => Answer::Undo(Err(WriteError::Fenced)),
            Ask::Undo { .. } if dark => Answer::Undo(Err(WriteError::Ambiguous { message: "timeout".to_owned() })),
            Ask::Undo { id } => {
                target.undo(&mut self.rng, tick, id);
                Answer::Undo(Ok(()))
            }
            Ask::Read if dark || unreadable => Answer::Read(Err(down())),
            Ask::Read => Answer::Read(Ok(target.read(&mut self.rng, tick, key))),
            Ask::Find { .. } if dark => Answer::Find(Err(down())),
            Ask::Find { key } => Answer::Find(Ok(target.find(key))),
            Ask::Poll { receipt } => match target.poll(receipt) {
                Some(state) if !dark => Answer::Poll(Ok(state)),
                _ => Answer::Poll(Err(down())),
            },
            _ => return self.oracle.breaks("core", tick, "a call that nobody knows".to_owned()),
        };
        self.journal(&key.target);
        let wait = self.rng.between(0, 2);
        self.reply(wait, call.fence, call.slot, (call.change.lane == Lane::Emergency, call.change.id), answer);
    }

    /// An answer reaches its process.
    fn answer(&mut self, epoch: u64, slot: Slot, who: Who, answer: Answer, served: i64) {
        if !self.is_up(epoch) {
            return self.later(Happening::Answer { epoch, slot, who, answer: Box::new(answer), served });
        }
        let answer = match answer {
            Answer::Write(Ok(written), _) => self.keep_secret(written),
            other => other,
        };
        match &answer {
            Answer::Read(read) => {
                self.oracle.read(epoch, who, served, read.as_ref().ok().map(|reading: &Reading| &reading.state))
            }
            Answer::Write(Err(WriteError::Throttled { seconds }), _) => {
                self.oracle.throttled(epoch, who, self.tick + i64::from(*seconds));
            }
            Answer::Write(Err(WriteError::Fenced), _) | Answer::Undo(Err(WriteError::Fenced)) => self.oracle.fenced(epoch),
            _ => {}
        }
        let at = self.moment();
        let Some(process) = self.processes.iter_mut().find(|process| process.epoch == epoch) else { return };
        process.out -= 1;
        let stale = process.stale;
        let taken = process.core.answer(slot, answer.clone(), at);
        self.tell(|| format!("  process {epoch} hears of {}: {}", who.1.0.short(), heard(&answer)));
        match taken {
            Ok(()) => self.pump(epoch),
            Err(error) => {
                self.kill(epoch);
                if stale {
                    if !matches!(error, trueup::commit::CommitError::Fenced) {
                        self.oracle.breaks("core", self.tick, error.to_string());
                    }
                } else {
                    self.fails(&error);
                }
            }
        }
    }

    /// Secret material goes to the sink on its way.
    fn keep_secret(&mut self, mut written: Written) -> Answer {
        let handle = written.secret.take().and_then(|_| {
            if !self.calm && self.rng.percent(self.swarm.sink) {
                self.fires("secret lost");
                return None;
            }
            self.kept.insert(written.id.clone());
            Some(format!("vault/{}", written.id))
        });
        Answer::Write(Ok(written), handle)
    }

    /// A target accepted a request, or a person was asked: how it goes on.
    fn accepted(&mut self, _: u64, request: &Request) {
        let name = request.change.key.target.clone();
        let Some(target) = self.targets.get(&name) else { return };
        let (index, bound) = (target.work.len() - 1, i64::from(target.profile.completion_bound));
        if target.profile.class == Class::K5 {
            self.oracle.reopen(request.no, &request.change, request.emergency, request.fence);
            let done = self.rng.between(1, bound);
            let well = self.calm || !self.rng.percent(self.swarm.job_fails);
            return self.after(done, Happening::Work { target: name, index, well });
        }
        if !self.calm && self.rng.percent(self.swarm.person_idles) {
            return self.fires("person lets it lie");
        }
        let claims = self.rng.between(1, 200);
        if self.rng.percent(60) {
            self.after(claims, Happening::Claim { target: name.clone(), index });
        }
        let done = claims + self.rng.between(0, 300);
        let well = self.calm || !self.rng.percent(self.swarm.person_refuses);
        self.after(done, Happening::Work { target: name, index, well });
    }

    pub(super) fn claim(&mut self, target: &str, index: usize) {
        if let Some(work) = self.targets.get_mut(target).and_then(|target| target.work.get_mut(index))
            && work.state == Receipt::Pending
        {
            work.state = Receipt::Claimed { by: "bob".to_owned() };
        }
    }

    /// Accepted work comes to its end.
    pub(super) fn work(&mut self, name: &str, index: usize, well: bool) {
        let Some(target) = self.targets.get_mut(name) else { return };
        if !matches!(target.work[index].state, Receipt::Pending | Receipt::Claimed { .. }) {
            return;
        }
        let no = target.work[index].request.no;
        if well {
            target.perform(&mut self.rng, self.tick, index);
        } else {
            target.work[index].state = Receipt::Failed { message: "declined".to_owned() };
            self.tally.fault(if target.profile.class == Class::K5 { "job fails" } else { "person refuses" });
        }
        self.oracle.gone(no);
        self.journal(name);
    }
}

fn words(ask: &Ask) -> String {
    match ask {
        Ask::Read => "read".to_owned(),
        Ask::Write { after, version, .. } => format!("write {after:?} if `{}`", version.0),
        Ask::Poll { receipt } => format!("how is {receipt}?"),
        Ask::Find { .. } => "search".to_owned(),
        Ask::Undo { id } => format!("take back {id}"),
        _ => "?".to_owned(),
    }
}

fn said(result: &Result<Written, WriteError>) -> String {
    match result {
        Ok(written) if !written.receipt.is_empty() => format!("accepted as {}", written.receipt),
        Ok(_) => "done".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn heard(answer: &Answer) -> String {
    match answer {
        Answer::Read(Ok(reading)) => format!("holds {:?} at `{}`", reading.state, reading.version.0),
        Answer::Write(result, _) => said(result),
        other => format!("{other:?}"),
    }
}
