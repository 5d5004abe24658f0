//! The life of processes: taking over, working, dying, and what their disk does.

use std::collections::BTreeSet;

use trueup::commit::{CommitError, Core, Event, Flow, Status, Terms, next};
use trueup::ledger::{Batch, Entry, RunRow, Stage};
use trueup::model::{Digest, RunId, Subject, Time};

use super::plan::{START, plan_id};
use super::process::{Flush, Process};
use super::swarm::ClockFault;
use super::world::{Happening, World};

impl World<'_> {
    /// A process takes over and reads what is durable.
    pub(super) fn start(&mut self) {
        let alive: Vec<_> = self.processes.iter().filter(|process| !process.stale).map(|process| process.epoch).collect();
        if !alive.is_empty() {
            return;
        }
        // A machine that starts asks for the time: only a clock that is ahead may stay so.
        if matches!(self.clock, Some((ClockFault::Back | ClockFault::Frozen, _))) {
            self.clock_right();
        }
        self.starts += 1;
        self.disk.epoch += 1;
        let (epoch, at) = (self.disk.epoch, self.moment());
        let terms = self.terms(epoch);
        let opened: BTreeSet<_> = terms.openings.iter().map(|opening| (opening.change, opening.gate)).collect();
        self.tell(|| format!("process {epoch} takes over, {} events durable", terms.events.len()));
        self.oracle.started(epoch, self.tick, opened, &terms.denials);
        let Some(salts) = self.pool.next() else { return };
        let process = Core::new(terms, salts, at).and_then(|core| Process::new(core, epoch, &self.estate.changes));
        let mut process = match process {
            Ok(process) => process,
            Err(error) => return self.oracle.breaks("core", self.tick, error.to_string()),
        };
        if !self.calm && self.deaths < self.swarm.crashes {
            let most = if self.rng.percent(40) { 15 } else { 6 * self.estate.changes.len() as i64 };
            process.fuse = Some(self.rng.between(1, most) as u64);
        }
        self.processes.push(process);
        for denial in self.unsettled() {
            self.announce(epoch, &denial);
        }
        self.after(0, Happening::Wake { epoch });
    }

    fn terms(&mut self, epoch: u64) -> Terms {
        let mut flow = if self.rng.percent(15) { Flow::sequential() } else { Flow::default() };
        if self.rng.percent(30) {
            flow.tenant = self.rng.between(1, 12) as u32;
            flow.subjects.insert(Subject::Grant, self.rng.between(1, 4) as u32);
            flow.domains.insert("team".to_owned(), self.rng.between(1, 3) as u32);
        }
        let due = |at: i64| at <= self.tick;
        let (began, as_of) = (Time::from_seconds(START), Time::from_seconds(START - 10));
        let stage = if self.disk.committing { Stage::Committing } else { Stage::Sealed };
        let slice = self.disk.slice;
        Terms {
            plan: plan_id(),
            changes: self.estate.changes.len() as u64,
            run: RunRow {
                run: RunId(1),
                stage,
                as_of,
                began,
                basis: Digest::of(b"sim"),
                plan: None,
                slice,
                commits: true,
                amends: None,
            },
            slice: self.slice,
            epoch,
            flow,
            profiles: self.estate.profiles.clone(),
            openings: self.estate.openings.iter().filter(|(at, _)| due(*at)).map(|(_, opening)| opening.clone()).collect(),
            denials: self.disk.denials(),
            events: self.disk.of_plan(plan_id()),
        }
    }

    /// A process does what it can.
    pub(super) fn pump(&mut self, epoch: u64) {
        let Some(place) = self.processes.iter().position(|process| process.epoch == epoch) else { return };
        let mut process = self.processes.swap_remove(place);
        let at = self.moment();
        let calls = match process.step(&self.estate.changes, self.swarm.hand, at) {
            Ok(calls) => calls,
            Err(error) => return self.fails(&error),
        };
        process.core.tell();
        for call in calls {
            process.out += 1;
            self.send(call);
        }
        if process.is_over() {
            return self.finished(process);
        }
        if process.flush.is_none() && self.rng.percent(60) {
            self.submit(&mut process);
        }
        let idle = process.out == 0 && process.looks == 0 && process.flush.is_none();
        let mut wake = process.core.wakes_at();
        if process.flush.is_none() && self.rng_batch_waits(&mut process, idle) {
            wake = Some(self.tick + 1);
        }
        if idle && process.flush.is_none() && wake.is_none() {
            let change = process.core.first_in_hand().map(|change| change.key.to_string()).unwrap_or_default();
            self.oracle.breaks("I6", self.tick, format!("{change} waits for nothing that can happen"));
        }
        if let Some(wake) =
            wake.map(|wake| wake.max(self.tick + 1)).filter(|wake| *wake < process.wake || process.wake <= self.tick)
        {
            process.wake = wake;
            self.after(wake - self.tick, Happening::Wake { epoch });
        }
        self.processes.push(process);
    }

    /// What was not submitted yet is submitted soon: at once when nothing else is going on.
    fn rng_batch_waits(&mut self, process: &mut Process<'_>, idle: bool) -> bool {
        if idle {
            self.submit(process);
            return false;
        }
        true
    }

    fn submit(&mut self, process: &mut Process<'_>) {
        if let Some(batch) = process.core.batch() {
            let wait = self.rng.between(0, 2);
            process.flush = Some(Flush { batch, taken: false });
            self.after(wait, Happening::Flushed { epoch: process.epoch });
        }
    }

    fn finished(&mut self, process: Process<'_>) {
        let (epoch, stale) = (process.epoch, process.stale);
        let outcomes = process.core.finish();
        self.tell(|| {
            let (ended, open) = (&outcomes.ended, &outcomes.open);
            format!("process {epoch} is done: {} confirmed, ended {ended:?}, open {open:?}", outcomes.confirmed())
        });
        if stale {
            return;
        }
        self.oracle.finished(self.tick, epoch, &outcomes);
        self.outcomes = Some(outcomes);
        if !self.calm {
            let pause = self.rng.between(10, 400);
            self.after(pause, Happening::Start);
        }
    }

    /// The core gave up: it was told to stop, or made a mistake.
    pub(super) fn fails(&mut self, error: &CommitError) {
        match error {
            CommitError::Fenced => self.tell(|| "a process was told that another one took over, and stops".to_owned()),
            other => self.oracle.breaks("core", self.tick, other.to_string()),
        }
        self.restart();
    }

    fn restart(&mut self) {
        let most = if self.rng.percent(50) { 5 } else { 90 };
        let pause = self.rng.between(0, most);
        self.after(pause, Happening::Start);
    }

    /// One more event for a process: says whether it is to be delivered now.
    pub(super) fn reaches(&mut self, epoch: u64) -> bool {
        let Some(process) = self.processes.iter_mut().find(|process| process.epoch == epoch) else { return false };
        process.events += 1;
        if process.fuse.is_some_and(|fuse| process.events > fuse) {
            process.fuse = None;
            self.die(epoch);
            return self.processes.iter().any(|process| process.epoch == epoch);
        }
        true
    }

    /// A process dies, or loses its ownership and does not know yet.
    fn die(&mut self, epoch: u64) {
        let Some(place) = self.processes.iter().position(|process| process.epoch == epoch) else { return };
        let mut process = self.processes.swap_remove(place);
        self.deaths += 1;
        let taken = self.rng.percent(50) && epoch == self.disk.epoch;
        if let Some(flush) = process.flush.as_mut().filter(|flush| !flush.taken && taken) {
            flush.taken = true;
            self.take_batch(epoch, &flush.batch);
        }
        if self.swarm.stale && !self.calm && self.rng.percent(60) {
            process.stale = true;
            let most = if self.rng.percent(50) { 5 } else { 120 };
            process.paused = self.tick + self.rng.between(0, most);
            let after = process.paused - self.tick + 200;
            self.tell(|| format!("process {epoch} loses its ownership and sleeps until {}", process.paused));
            self.tally.fault("stale owner");
            self.processes.push(process);
            self.after(after, Happening::Kill { epoch });
        } else {
            self.tell(|| format!("process {epoch} dies, its last batch {}", if taken { "kept" } else { "lost" }));
            self.tally.fault(if self.starts > 1 && process.events < 20 { "crash while recovering" } else { "crash" });
        }
        self.restart();
    }

    /// A process is gone without a word.
    pub(super) fn kill(&mut self, epoch: u64) {
        self.processes.retain(|process| process.epoch != epoch);
    }

    /// A batch meets the disk.
    pub(super) fn flushed(&mut self, epoch: u64) {
        let Some(process) = self.processes.iter_mut().find(|process| process.epoch == epoch) else { return };
        let Some(flush) = process.flush.take() else { return };
        if !flush.taken {
            if epoch != self.disk.epoch {
                self.tell(|| format!("process {epoch} is told by the ledger that another one took over"));
                return self.kill(epoch);
            }
            if !self.calm && self.rng.percent(self.swarm.disk_full) {
                return self.stops(epoch, "disk full");
            }
            if !self.calm && self.rng.percent(self.swarm.flush_unknown) {
                if self.rng.percent(50) {
                    return self.stops(epoch, "flush failed, batch lost");
                }
                self.tally.fault("flush failed, batch kept");
            }
            self.take_batch(epoch, &flush.batch);
        }
        if let Some(process) = self.processes.iter_mut().find(|process| process.epoch == epoch) {
            process.core.durable();
        }
        self.pump(epoch);
    }

    /// The driver stops a process whose batch was not taken.
    fn stops(&mut self, epoch: u64, fault: &'static str) {
        self.tell(|| format!("process {epoch} stops: {fault}"));
        self.tally.fault(fault);
        self.kill(epoch);
        self.restart();
    }

    fn take_batch(&mut self, epoch: u64, batch: &Batch) {
        self.tell(|| format!("durable for process {epoch}: {}", words_of(batch)));
        for entry in &batch.entries {
            if let Entry::Change { plan, change, event } = entry {
                let life = if *plan == plan_id() { 0 } else { epoch };
                self.count_arrow((*plan, *change, life), event);
            }
        }
        let settled = self.oracle.durable(self.tick, epoch, batch);
        self.disk.apply(batch);
        for index in settled {
            let held: Vec<_> = self.targets.values().flat_map(|target| target.all()).collect();
            self.oracle.denial_settled(self.tick, index, held.into_iter());
        }
    }

    pub(super) fn count_arrow(&mut self, key: (trueup::model::PlanId, trueup::model::ChangeId, u64), event: &Event) {
        let status = self.statuses.entry(key).or_default();
        *self.tally.arrows.entry((status.name(), event.name())).or_default() += 1;
        match next(status, event) {
            Ok(after) => *status = after,
            Err(error) => self.oracle.breaks("next", self.tick, format!("{error} (change {})", key.1.0.short())),
        }
        if let Status::Confirmed { .. } | Status::Ended { .. } = status {
            *self.tally.ends.entry(event.name()).or_default() += 1;
        }
    }
}

fn words_of(batch: &Batch) -> String {
    let of = |entry: &Entry| match entry {
        Entry::Change { change, event, .. } => format!("{} {}", change.0.short(), event.name()),
        Entry::Head(_) => "head".to_owned(),
        Entry::Run(row) => format!("checkpoint {}", row.slice),
        Entry::Denied(denial) => format!("denial of {} ({:?})", denial.holder, denial.step()),
        _ => "other".to_owned(),
    };
    batch.entries.iter().map(of).collect::<Vec<_>>().join(", ")
}
