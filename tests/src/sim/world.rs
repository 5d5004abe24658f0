//! The world of one seed: time, what happens next, and the two phases of a story. Faults fire in the first; in the second
//! there are none, and everything has to come to its end.

use std::collections::{BTreeMap, BTreeSet};

use trueup::audit::Salts;
use trueup::commit::{Answer, Moment, Outcomes, Slot, Status};
use trueup::model::{CaseKey, ChangeId, Denial, PlanId, State, Time};

use super::disk::Disk;
use super::oracle::{Broken, Oracle, Who};
use super::plan::{Estate, START, plan_id};
use super::process::Process;
use super::rng::Rng;
use super::swarm::{ClockFault, Swarm};
use super::tally::Tally;
use super::target::{Request, Target};

/// Something that happens.
pub(super) enum Happening {
    /// A request reaches its target.
    Write { epoch: u64, slot: Slot, request: Box<Request>, answers: bool, last: bool },
    /// Another call reaches its target.
    Call { call: Box<trueup::commit::Call> },
    /// An answer reaches its process; of a read: when it was served.
    Answer { epoch: u64, slot: Slot, who: Who, answer: Box<Answer>, served: i64 },
    /// A batch is settled.
    Flushed { epoch: u64 },
    /// A process looks again.
    Wake { epoch: u64 },
    /// A look-up for a denial is served.
    Look { epoch: u64, denial: Denial },
    /// Its answer.
    Held { epoch: u64, denial: Denial, held: Vec<(CaseKey, trueup::model::Holding)>, complete: bool },
    /// Accepted work is over, well or not.
    Work { target: String, index: usize, well: bool },
    /// A person takes an item.
    Claim { target: String, index: usize },
    /// Somebody else edits a case: this one, or any.
    Edit(Option<CaseKey>),
    /// A target cannot be read for so long.
    Dark { target: String, seconds: i64 },
    /// The clock goes wrong; the clock is right again.
    ClockWrong(ClockFault),
    /// See `ClockWrong`.
    ClockRight,
    /// An emergency call.
    Emergency(Denial),
    /// A process starts.
    Start,
    /// A stale process is gone for good.
    Kill { epoch: u64 },
}

/// Ticks between two runs once faults have stopped: longer than any clock fault, quarantine and bound.
const IDLE: i64 = 4_000;
/// Runs that may be needed after faults have stopped.
const ROUNDS: usize = 10;
/// What one run may take.
const RUN_TICKS: i64 = 40_000;
/// See `RUN_TICKS`.
const RUN_EVENTS: u64 = 400_000;

/// One seed's world.
pub(super) struct World<'s> {
    pub rng: Rng,
    pub swarm: Swarm,
    pub estate: Estate,
    pub targets: BTreeMap<String, Target>,
    pub disk: Disk,
    pub oracle: Oracle,
    pub tally: Tally,
    pub tick: i64,
    pub processes: Vec<Process<'s>>,
    pub pool: std::slice::IterMut<'s, Salts>,
    pub starts: u32,
    pub deaths: u32,
    pub slice: u32,
    pub no: u64,
    pub calm: bool,
    /// Calls for denials so far.
    pub called: Vec<Denial>,
    /// Secrets that the sink keeps.
    pub kept: BTreeSet<String>,
    pub clock: Option<(ClockFault, i64)>,
    pub outcomes: Option<Outcomes>,
    pub writes: u64,
    pub(super) statuses: BTreeMap<(PlanId, ChangeId, u64), Status>,
    queue: BTreeMap<(i64, u64), Happening>,
    happenings: u64,
    trace: bool,
}

/// What a seed came to.
pub(super) struct Ended {
    pub broken: Option<Broken>,
    pub tally: Tally,
}

/// Lives through one seed.
pub(super) fn live(seed: u64, trace: bool) -> Ended {
    let mut salts: Vec<Salts> = (0..64).map(|_| Salts::from_seed([7; 32])).collect();
    let mut world = World::new(seed, trace, salts.iter_mut());
    world.safety();
    if world.oracle.broken().is_none() {
        world.liveness();
    }
    world.size_up();
    Ended { broken: world.oracle.broken().cloned(), tally: world.tally }
}

impl<'s> World<'s> {
    fn new(seed: u64, trace: bool, pool: std::slice::IterMut<'s, Salts>) -> Self {
        let mut rng = Rng::new(seed);
        let swarm = Swarm::new(seed, &mut rng);
        let estate = Estate::new(&mut rng, &swarm);
        let slice = rng.between(1, 20) as u32;
        let mut targets = BTreeMap::new();
        for (name, profile) in &estate.profiles {
            let real = i64::from(if swarm.misjudged { profile.lag_cap } else { profile.read_lag });
            let lag = [rng.between(0, real), real];
            let fences = swarm.fences && (swarm.stale || rng.percent(70));
            targets.insert(name.clone(), Target::new(profile.clone(), lag, swarm.flap, fences));
        }
        for (key, holding) in &estate.held {
            if let Some(target) = targets.get_mut(&key.target) {
                target.seed(key, holding.clone());
            }
        }
        let oracle = Oracle::new(plan_id(), slice as usize, estate.profiles.clone(), &estate.changes, swarm.misjudged);
        let mut disk = Disk::default();
        estate.denials.iter().for_each(|denial| disk.deny(denial.clone()));
        World {
            rng,
            swarm,
            estate,
            targets,
            disk,
            oracle,
            tally: Tally { seeds: 1, ..Tally::default() },
            tick: 0,
            processes: Vec::new(),
            pool,
            starts: 0,
            deaths: 0,
            slice,
            no: 0,
            calm: false,
            called: Vec::new(),
            kept: BTreeSet::new(),
            clock: None,
            outcomes: None,
            writes: 0,
            statuses: BTreeMap::new(),
            queue: BTreeMap::new(),
            happenings: 0,
            trace,
        }
    }

    /// Prints a line of the story, when somebody reads it.
    pub fn tell(&self, words: impl FnOnce() -> String) {
        if self.trace {
            println!("{:>6}  {}", self.tick, words());
        }
    }

    /// Something is to happen after so many ticks; what happens at one tick comes in any order.
    pub fn after(&mut self, ticks: i64, what: Happening) {
        self.happenings += 1;
        let place = (self.rng.below(1 << 24) << 40) | self.happenings;
        self.queue.insert((self.tick + ticks.max(0), place), what);
    }

    /// The present, as a process sees it.
    pub fn moment(&self) -> Moment {
        let wall = match self.clock {
            None => self.tick,
            Some((ClockFault::Ahead, _)) => self.tick + 3_600,
            Some((ClockFault::Back, _)) => self.tick - 3_600,
            Some((ClockFault::Frozen, since)) => since,
        };
        Moment { now: Time::from_seconds(START + wall), tick: self.tick }
    }

    /// The process that owns the ledger, if one lives.
    pub fn owner(&self) -> Option<u64> {
        self.processes.iter().map(|process| process.epoch).find(|epoch| *epoch == self.disk.epoch)
    }

    /// Faults on: until its time is over.
    fn safety(&mut self) {
        // A plan that is replaced is replaced while much of it is under way.
        let end = if self.swarm.replaced { self.rng.between(20, 200) } else { self.rng.between(100, 1_200) };
        self.plan_faults(end);
        self.after(0, Happening::Start);
        while self.oracle.broken().is_none() {
            let Some((&(tick, place), _)) = self.queue.first_key_value() else { break };
            if tick > end || self.starts >= 12 {
                break;
            }
            self.tick = tick;
            if let Some(what) = self.queue.remove(&(tick, place)) {
                self.happen(what);
            }
        }
    }

    /// Faults off: runs are started until one leaves nothing but what waits for people, and one more.
    fn liveness(&mut self) {
        self.become_calm();
        if self.swarm.replaced {
            self.replace();
        } else if self.owner().is_some() {
            self.run_out();
        }
        for _ in 0..ROUNDS {
            if self.oracle.broken().is_some() || self.round() {
                break;
            }
        }
        if self.swarm.replaced {
            self.judge_replaced();
            return self.judge_targets();
        }
        let Some(outcomes) = self.outcomes.clone() else {
            return self.oracle.breaks("I6", self.tick, "no run ends".to_owned());
        };
        self.oracle.nothing_is_left(self.tick, &outcomes);
        if self.oracle.is_settled(&outcomes) {
            let (writes, events) = (self.writes, self.disk.events.len());
            self.round();
            self.oracle.ran_again(self.tick, self.writes - writes, self.disk.events.len() - events);
        }
        self.judge_targets();
    }

    /// Waits, then runs once; says whether nothing is left but what waits for people.
    fn round(&mut self) -> bool {
        let until = self.tick + IDLE;
        self.pass(until);
        self.tick = until;
        self.after(0, Happening::Start);
        self.run_out();
        self.outcomes.as_ref().is_some_and(|outcomes| self.oracle.is_at_rest(outcomes))
    }

    /// Lets everything happen that is due before a tick.
    fn pass(&mut self, until: i64) {
        while self.oracle.broken().is_none() {
            let Some((&(tick, place), _)) = self.queue.first_key_value() else { break };
            if tick >= until {
                break;
            }
            self.tick = tick;
            if let Some(what) = self.queue.remove(&(tick, place)) {
                self.happen(what);
            }
        }
    }

    /// Lets things happen until the process has come to its end.
    fn run_out(&mut self) {
        let (tick, happenings) = (self.tick, self.happenings);
        self.outcomes = None;
        while self.oracle.broken().is_none() && self.outcomes.is_none() {
            let over = self.tick - tick > RUN_TICKS || self.happenings - happenings > RUN_EVENTS;
            let Some((key, what)) = self.queue.pop_first().filter(|_| !over) else {
                let first = self.processes.first().and_then(|p| p.core.first_in_hand()).map(|change| change.key.to_string());
                return self.oracle.breaks("I6", self.tick, format!("a run does not end: {first:?}"));
            };
            self.tick = key.0;
            self.happen(what);
        }
    }

    fn judge_targets(&mut self) {
        let mut held: BTreeMap<CaseKey, State> = BTreeMap::new();
        for target in self.targets.values() {
            held.extend(target.all().map(|(key, state)| (key.clone(), state)));
        }
        self.oracle.equals_model(self.tick, &self.estate.held, &held);
        let kept = std::mem::take(&mut self.kept);
        for target in self.targets.values() {
            match target.profile.class {
                trueup::target::Class::K4 => self.oracle.credentials(self.tick, &target.made, |id| kept.contains(id)),
                trueup::target::Class::K6 => self.oracle.work_items(self.tick, &target.work),
                _ => {}
            }
        }
    }

    /// How large this seed was.
    fn size_up(&mut self) {
        let mut spaces: BTreeMap<String, u32> = BTreeMap::new();
        for change in &self.estate.changes {
            for space in self.estate.profiles[&change.key.target].namespaces(&change.key) {
                *spaces.entry(space.to_string()).or_default() += 1;
            }
        }
        self.tally.changes.push(self.estate.changes.len() as u32);
        self.tally.shared.push(spaces.values().filter(|count| **count > 1).count() as u32);
        self.tally.processes += u64::from(self.starts);
        self.tally.writes += self.writes;
        self.tally.joined += self.oracle.joined;
    }
}
