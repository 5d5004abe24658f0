//! Which faults a seed has, and how often: each is on or off per seed, so that rare combinations meet without drowning each
//! other. Owns no fault.

use super::rng::Rng;

/// What a clock does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockFault {
    /// It jumps an hour ahead.
    Ahead,
    /// It jumps an hour back.
    Back,
    /// It stands still.
    Frozen,
}

/// The faults of one seed. Shares are per hundred writes unless said otherwise.
#[derive(Clone, Debug)]
pub struct Swarm {
    /// Applied, and the answer is lost.
    pub lost_reply: u32,
    /// Never arrives.
    pub lost_request: u32,
    /// Lands at any instant up to the landing bound, after the caller gave up.
    pub late: u32,
    /// Delivered twice before it is answered.
    pub duplicate: u32,
    /// Refused for a while.
    pub throttle: u32,
    /// Refused for good.
    pub reject: u32,
    /// Reads fail for a spell: how many spells.
    pub dark: u32,
    /// Edits by somebody else: how many.
    pub foreign: u32,
    /// Secret material is lost, per hundred credentials.
    pub sink: u32,
    /// Accepted work fails, per hundred jobs.
    pub job_fails: u32,
    /// A person refuses, and a person lets it lie, per hundred work items.
    pub person_refuses: u32,
    /// See `person_refuses`.
    pub person_idles: u32,
    /// How often a process dies, or is stopped by its disk.
    pub crashes: u32,
    /// Whether a dying process may go on as a stale owner. Targets then all store fences.
    pub stale: bool,
    /// What the clock does.
    pub clock: Option<ClockFault>,
    /// Flushes of unknown fate, per hundred.
    pub flush_unknown: u32,
    /// Batches that the disk has no room for, per hundred.
    pub disk_full: u32,
    /// Emergency calls.
    pub emergencies: u32,
    /// Whether reads lag, and whether they go back and forth.
    pub lag: bool,
    /// See `lag`.
    pub flap: bool,
    /// Whether reads lag longer than the profile believes (never longer than its cap).
    pub misjudged: bool,
    /// How many changes the driver lets be in hand at once.
    pub hand: usize,
    /// Whether targets store fences.
    pub fences: bool,
    /// Whether some targets show what they hold through a copy that only the lower tiers are content with.
    pub weak: bool,
    /// Whether a newer plan takes over once faults have stopped.
    pub replaced: bool,
}

impl Swarm {
    /// The faults of a seed. Every tenth is a storm of emergencies, strangers and lost answers; of every other tenth the plan is
    /// replaced.
    pub fn new(seed: u64, rng: &mut Rng) -> Self {
        let mut swarm = Self::of(rng);
        swarm.replaced = seed.is_multiple_of(10);
        if seed % 10 == 5 {
            swarm.weak = true;
            swarm.emergencies = swarm.emergencies.max(6);
            swarm.foreign = swarm.foreign.max(6);
            swarm.lost_reply = swarm.lost_reply.max(25);
        }
        let throttle = if swarm.weak { 55 } else { 40 };
        if swarm.weak || swarm.replaced {
            swarm.throttle = swarm.throttle.max(throttle);
        }
        swarm
    }

    fn of(rng: &mut Rng) -> Self {
        let on = |rng: &mut Rng, low, high| if rng.percent(50) { rng.between(low, high) as u32 } else { 0 };
        let clocks = [ClockFault::Ahead, ClockFault::Back, ClockFault::Frozen];
        let stale = rng.percent(25);
        Swarm {
            lost_reply: on(rng, 3, 25),
            lost_request: on(rng, 3, 25),
            late: on(rng, 3, 25),
            duplicate: on(rng, 3, 20),
            throttle: on(rng, 5, 35),
            reject: on(rng, 1, 8),
            dark: on(rng, 1, 3),
            foreign: on(rng, 1, 8),
            sink: on(rng, 10, 50),
            job_fails: on(rng, 5, 30),
            person_refuses: on(rng, 5, 40),
            person_idles: on(rng, 10, 60),
            crashes: on(rng, 1, 6),
            stale,
            clock: if rng.percent(25) { Some(*rng.pick(&clocks)) } else { None },
            flush_unknown: on(rng, 1, 8),
            disk_full: on(rng, 1, 4),
            emergencies: on(rng, 1, 4),
            lag: rng.percent(60),
            flap: rng.percent(50),
            misjudged: rng.percent(10),
            hand: if rng.percent(40) { rng.between(2, 16) as usize } else { usize::MAX },
            fences: stale || rng.percent(50),
            weak: false,
            replaced: false,
        }
    }
}
