//! Threads that carry something out of the host: each goes on from where it was, tries again for as long as it takes, and holds
//! up nobody. Owns waiting, trying again and telling how much is left; what is carried, and where to, is each errand's own.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::limits::{WITNESS_PAUSE_MOST_SECONDS, WITNESS_PAUSE_SECONDS};

/// Something to be carried to one place.
pub(crate) trait Errand: Send {
    /// Carries what there is, in order, until there is no more, something fails, or `stopped` says so.
    fn carry(&mut self, stopped: &dyn Fn() -> bool) -> Result<(), String>;

    /// How much is left to carry.
    fn left(&self) -> Result<u64, String>;
}

/// What is left of one errand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    /// Where to.
    pub(crate) name: String,
    /// How much, as it knew last.
    pub(crate) count: u64,
    /// What the last failure was, while there is one.
    pub(crate) problem: Option<String>,
}

/// What the threads and their owner share.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Counts calls for attention.
    rung: u64,
    stopped: bool,
    errands: Vec<Told>,
}

/// What a thread told last.
struct Told {
    left: Left,
    /// The last call for attention that it heard before it looked.
    heard: u64,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a change, at most so long, and for as long as `still` holds.
    fn wait<'s>(
        &'s self,
        state: MutexGuard<'s, State>,
        patience: Duration,
        still: impl FnMut(&mut State) -> bool,
    ) -> MutexGuard<'s, State> {
        self.changed.wait_timeout_while(state, patience, still).unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Threads with an errand each. Dropping them stops that; a thread that is held up by its place is left behind.
pub(crate) struct Couriers {
    shared: Arc<Shared>,
}

impl Couriers {
    /// Starts a thread for each errand. Another process may leave something to carry as well, so that each looks by itself
    /// after `idle` at the latest.
    pub(crate) fn start(thread: &str, idle: Duration, errands: Vec<(String, Box<dyn Errand>)>) -> std::io::Result<Self> {
        let state = State { rung: 1, ..State::default() };
        let couriers = Couriers { shared: Arc::new(Shared { state: Mutex::new(state), ..Shared::default() }) };
        for (place, (name, errand)) in errands.into_iter().enumerate() {
            let left = Left { name, count: 0, problem: None };
            couriers.shared.state().errands.push(Told { left, heard: 0 });
            let round = Round { errand, place, idle, shared: Arc::clone(&couriers.shared) };
            std::thread::Builder::new().name(thread.to_owned()).spawn(move || round.run())?;
        }
        Ok(couriers)
    }

    /// Says that there may be something to carry. Returns at once.
    pub(crate) fn ring(&self) {
        self.shared.state().rung += 1;
        self.shared.changed.notify_all();
    }

    /// What is left of each errand, as it knew last.
    pub(crate) fn left(&self) -> Vec<Left> {
        self.shared.state().errands.iter().map(|told| told.left.clone()).collect()
    }

    /// Waits until all that is there now was carried, at most so long, and tells what is left then.
    pub(crate) fn settle(&self, patience: Duration) -> Vec<Left> {
        self.ring();
        let state = self.shared.state();
        let rung = state.rung;
        let behind = |state: &mut State| state.errands.iter().any(|told| told.heard < rung || told.left.count > 0);
        drop(self.shared.wait(state, patience, behind));
        self.left()
    }
}

impl Drop for Couriers {
    fn drop(&mut self) {
        self.shared.state().stopped = true;
        self.shared.changed.notify_all();
    }
}

/// One errand and its thread.
struct Round {
    errand: Box<dyn Errand>,
    place: usize,
    idle: Duration,
    shared: Arc<Shared>,
}

impl Round {
    fn run(mut self) {
        let mut pause = WITNESS_PAUSE_SECONDS;
        loop {
            let heard = self.shared.state().rung;
            let shared = Arc::clone(&self.shared);
            let problem = self.errand.carry(&|| shared.state().stopped).err();
            let left = self.errand.left();
            let mut state = self.shared.state();
            if let Some(told) = state.errands.get_mut(self.place) {
                told.heard = heard;
                told.left.problem = problem.or_else(|| left.clone().err());
                // What cannot be counted is at least one.
                told.left.count = left.unwrap_or(told.left.count.max(1));
            }
            let failed = state.errands.get(self.place).is_some_and(|told| told.left.problem.is_some());
            self.shared.changed.notify_all();
            // After a failure, no bell shortens the pause; without one, a bell that rang meanwhile ends it at once.
            let wait = if failed { Duration::from_secs(pause) } else { self.idle };
            pause = if failed { (pause * 2).min(WITNESS_PAUSE_MOST_SECONDS) } else { WITNESS_PAUSE_SECONDS };
            let quiet = |state: &mut State| !state.stopped && (failed || state.rung == heard);
            if self.shared.wait(state, wait, quiet).stopped {
                return;
            }
        }
    }
}
