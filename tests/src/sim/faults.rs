//! What else happens to the world: strangers' edits, spells of darkness, clocks, emergency calls, and the end of all that.

use trueup::commit::{emergency_plan, reduce};
use trueup::model::{CaseKey, Denial, Holding, Subject, Time};
use trueup::target::{Class, Receipt};

use super::plan::{CLASSES, START, TENANT};
use super::swarm::ClockFault;
use super::world::{Happening, World};

impl World<'_> {
    /// Chooses the instants of what does not depend on calls.
    pub(super) fn plan_faults(&mut self, end: i64) {
        let most = end.min(400);
        for _ in 0..self.swarm.foreign {
            let at = self.rng.between(0, most);
            self.after(at, Happening::Edit(None));
        }
        for _ in 0..self.swarm.dark {
            let (at, seconds) = (self.rng.between(0, most), self.rng.between(3, 120));
            let target = CLASSES[self.rng.below(7) as usize].0.to_owned();
            self.after(at, Happening::Dark { target, seconds });
        }
        for _ in 0..self.swarm.emergencies {
            let at = if self.rng.percent(70) { self.rng.between(0, 40) } else { self.rng.between(0, most) };
            let denial = self.denial(at);
            self.after(at, Happening::Emergency(denial));
        }
        if let Some(fault) = self.swarm.clock {
            let (at, lasts) = (self.rng.between(1, 200), self.rng.between(5, 300));
            self.after(at, Happening::ClockWrong(fault));
            self.after(at + lasts, Happening::ClockRight);
        }
    }

    fn denial(&mut self, at: i64) -> Denial {
        let change = &self.estate.changes[self.rng.below(self.estate.changes.len() as u64) as usize];
        let key = change.key.clone();
        Denial {
            target: if self.rng.percent(30) { String::new() } else { key.target },
            holder: key.holder,
            object: if self.rng.percent(50) { String::new() } else { key.object },
            by: "ann".to_owned(),
            why: "stolen".to_owned(),
            at: Time::from_seconds(START + at),
            settled_at: Time::NONE,
            lifted_at: Time::NONE,
        }
    }

    /// Faults stop: clocks are right, targets answer, people work, and stale processes are gone.
    pub(super) fn become_calm(&mut self) {
        self.tell(|| "--- faults stop ---".to_owned());
        self.calm = true;
        self.clock_right();
        let stale: Vec<u64> = self.processes.iter().filter(|process| process.stale).map(|process| process.epoch).collect();
        stale.into_iter().for_each(|epoch| self.kill(epoch));
        if self.rng.percent(50)
            && let Some(epoch) = self.owner()
        {
            self.kill(epoch);
        }
        self.processes.iter_mut().for_each(|process| process.fuse = None);
        let mut work = Vec::new();
        for (name, target) in &mut self.targets {
            target.dark_until = 0;
            let open = |state: &Receipt| matches!(state, Receipt::Pending | Receipt::Claimed { .. });
            let lies = target.work.iter().enumerate().filter(|(_, work)| target.profile.class == Class::K6 && open(&work.state));
            work.extend(lies.map(|(index, _)| (name.clone(), index)));
        }
        for (target, index) in work {
            let wait = self.rng.between(1, 500);
            self.after(wait, Happening::Work { target, index, well: true });
        }
    }

    /// A stranger edits a case.
    pub(super) fn edit(&mut self, key: Option<CaseKey>) {
        if self.calm {
            return;
        }
        let any = self.rng.below(self.estate.changes.len() as u64) as usize;
        let key = key.unwrap_or_else(|| self.estate.changes[any].key.clone());
        let odd = Holding { level: "odd".to_owned(), ..Holding::default() };
        let state = match self.rng.below(3) {
            0 => None,
            1 => Some(Holding::default()),
            _ => Some(odd),
        };
        self.tell(|| format!("a stranger edits {key}"));
        self.tally.fault("edited by a stranger");
        if let Some(target) = self.targets.get_mut(&key.target) {
            target.edit(&mut self.rng, self.tick, &key, state);
        }
        self.journal(&key.target);
    }

    pub(super) fn dark(&mut self, name: &str, seconds: i64) {
        if self.calm {
            return;
        }
        self.tell(|| format!("{name} cannot be read for {seconds}"));
        self.tally.fault("unreadable spell");
        if let Some(target) = self.targets.get_mut(name) {
            target.dark_until = self.tick + seconds;
        }
    }

    pub(super) fn clock_wrong(&mut self, fault: ClockFault) {
        if self.calm {
            return;
        }
        self.tell(|| format!("the clock goes wrong: {fault:?}"));
        self.tally.fault(match fault {
            ClockFault::Ahead => "clock jumps ahead",
            ClockFault::Back => "clock jumps back",
            ClockFault::Frozen => "clock stands still",
        });
        self.clock = Some((fault, self.tick));
        self.oracle.clock(Some((self.tick, fault == ClockFault::Frozen)));
    }

    pub(super) fn clock_right(&mut self) {
        self.clock = None;
        self.oracle.clock(None);
    }

    /// Somebody calls for a denial. The caller calls again until it is durable.
    pub(super) fn emergency(&mut self, denial: Denial) {
        let same =
            |other: &Denial| (&other.target, &other.holder, &other.object) == (&denial.target, &denial.holder, &denial.object);
        if self.calm || self.called.iter().any(same) {
            return;
        }
        self.tell(|| format!("emergency: everything of {} at `{}` on `{}`", denial.holder, denial.target, denial.object));
        self.tally.fault("emergency call");
        self.called.push(denial.clone());
        if let Some(epoch) = self.owner() {
            self.announce(epoch, &denial);
        }
    }

    /// What was called for and is not settled, as the ledger has it.
    pub(super) fn unsettled(&self) -> Vec<Denial> {
        let durable = self.disk.denials();
        let same = |call: &Denial, other: &Denial| {
            (&call.target, &call.holder, &call.object, call.at) == (&other.target, &other.holder, &other.object, other.at)
        };
        let settled = |call: &&Denial| durable.iter().any(|other| same(call, other) && other.settled_at.is_some());
        self.called.iter().filter(|call| !settled(call)).cloned().collect()
    }

    pub(super) fn announce(&mut self, epoch: u64, denial: &Denial) {
        self.oracle.announced(epoch, self.tick, denial);
        let wait = self.rng.between(0, 3);
        let Some(process) = self.processes.iter_mut().find(|process| process.epoch == epoch) else { return };
        process.core.announce(denial);
        process.looks += 1;
        self.after(wait, Happening::Look { epoch, denial: denial.clone() });
        self.after(0, Happening::Wake { epoch });
    }

    /// Targets are asked what a denial takes away.
    pub(super) fn look(&mut self, epoch: u64, denial: Denial) {
        let names: Vec<String> =
            self.targets.keys().filter(|name| denial.target.is_empty() || denial.target == **name).cloned().collect();
        let (mut held, mut complete) = (Vec::new(), true);
        for name in names {
            let admitted = self.shows_fence(&name, epoch);
            let Some(target) = self.targets.get(&name) else { continue };
            if target.dark_until > self.tick || !admitted {
                complete = false;
            } else {
                held.extend(target.held_by(&denial.holder).into_iter().filter(|(key, _)| denial.covers(key)));
            }
        }
        let wait = self.rng.between(0, 3);
        self.after(wait, Happening::Held { epoch, denial, held, complete });
    }

    /// The answer: what is held, and what may be landing, is taken away.
    pub(super) fn held(&mut self, epoch: u64, denial: Denial, mut held: Vec<(CaseKey, Holding)>, complete: bool) {
        if !self.is_up(epoch) {
            return self.later(Happening::Held { epoch, denial, held, complete });
        }
        let Some(process) = self.processes.iter_mut().find(|process| process.epoch == epoch) else { return };
        held.retain(|(key, holding)| key.subject != Subject::Account || holding.enabled);
        for change in process.core.landing(&denial) {
            if let Some(after) = change.after.filter(|_| !held.iter().any(|(key, _)| *key == change.key)) {
                held.push((change.key, after));
            }
        }
        let disk = &self.disk;
        let changes = held.iter().map(|(key, holding)| reduce(TENANT, &denial, key, holding, &disk.recorded(key))).collect();
        process.looks -= 1;
        let plan = emergency_plan(TENANT, &denial, epoch);
        match process.core.deny(denial, plan, changes, complete) {
            Ok(()) => self.pump(epoch),
            Err(error) => {
                self.kill(epoch);
                self.fails(&error);
            }
        }
    }
}
