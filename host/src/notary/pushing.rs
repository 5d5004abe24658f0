//! Pushing checkpoints to witnesses: a thread for each, which tries again for as long as it takes and holds up nobody.
//! Owns how far each has come, durably, and what is told of it.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::NotaryError;
use super::files::{read_text, replace};
use super::history::History;
use super::witness::Witness;
use crate::limits::{MESSAGE_BYTES, WITNESS_PAUSE_MOST_SECONDS, WITNESS_PAUSE_SECONDS};

/// How far a witness is behind.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Lag {
    /// The witness.
    pub witness: String,
    /// Checkpoints that it has not been given yet.
    pub checkpoints: u64,
    /// What the last failure was, while there is one.
    pub problem: Option<String>,
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
    lines: Vec<Told>,
}

/// What a thread told last.
struct Told {
    lag: Lag,
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

/// Pushes the checkpoints of a store to witnesses, each from where it was. Dropping it stops that; what was not pushed is
/// pushed by the next one.
pub struct Pusher {
    shared: Arc<Shared>,
}

impl Pusher {
    /// Starts a thread for each witness.
    ///
    /// # Errors
    /// When a witness has a name that cannot name a file, or a thread cannot be started.
    pub fn start(history: &History, witnesses: Vec<Arc<dyn Witness>>) -> Result<Self, NotaryError> {
        let pusher =
            Pusher { shared: Arc::new(Shared { state: Mutex::new(State { rung: 1, ..State::default() }), ..Shared::default() }) };
        for (place, witness) in witnesses.into_iter().enumerate() {
            let name = witness.name().to_owned();
            let legal = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
            let path = history.folder().join(format!("pushed-{name}"));
            if name.is_empty() || name.len() > MESSAGE_BYTES / 4 || !name.chars().all(legal) {
                return Err(NotaryError::Damaged { path, problem: "a witness cannot have this name".to_owned() });
            }
            let lag = Lag { witness: name, checkpoints: 0, problem: None };
            pusher.shared.state().lines.push(Told { lag, heard: 0 });
            let line = Line { history: history.clone(), witness, path, place, shared: Arc::clone(&pusher.shared) };
            let thread = std::thread::Builder::new().name("trueup-witness".to_owned()).spawn(move || line.run());
            thread.map_err(super::io_error(history.folder()))?;
        }
        Ok(pusher)
    }

    /// Says that there may be a new checkpoint. Returns at once.
    pub fn ring(&self) {
        self.shared.state().rung += 1;
        self.shared.changed.notify_all();
    }

    /// How far each witness is behind, as it knew last.
    #[must_use]
    pub fn lags(&self) -> Vec<Lag> {
        self.shared.state().lines.iter().map(|told| told.lag.clone()).collect()
    }

    /// Waits until every witness has all that is there now, at most so long, and tells how far each is behind then.
    #[must_use]
    pub fn settle(&self, patience: Duration) -> Vec<Lag> {
        self.ring();
        let state = self.shared.state();
        let rung = state.rung;
        let behind = |state: &mut State| state.lines.iter().any(|told| told.heard < rung || told.lag.checkpoints > 0);
        drop(self.shared.wait(state, patience, behind));
        self.lags()
    }
}

impl Drop for Pusher {
    fn drop(&mut self) {
        self.shared.state().stopped = true;
        self.shared.changed.notify_all();
    }
}

/// One witness and how far it has come.
struct Line {
    history: History,
    witness: Arc<dyn Witness>,
    path: PathBuf,
    place: usize,
    shared: Arc<Shared>,
}

impl Line {
    fn run(self) {
        let mut pause = WITNESS_PAUSE_SECONDS;
        loop {
            let heard = self.shared.state().rung;
            let problem = self.push_all().err();
            let behind = self.history.count_after(self.reached());
            let mut state = self.shared.state();
            if let Some(told) = state.lines.get_mut(self.place) {
                told.heard = heard;
                told.lag.problem = problem.or_else(|| behind.as_ref().err().map(NotaryError::to_string));
                // What cannot be counted is at least one.
                told.lag.checkpoints = behind.unwrap_or(told.lag.checkpoints.max(1));
            }
            let failed = state.lines.get(self.place).is_some_and(|told| told.lag.problem.is_some());
            self.shared.changed.notify_all();
            // After a failure, no bell shortens the pause; without one, a bell that rang meanwhile ends it at once. Another
            // process may sign as well, so that it is looked now and then.
            let wait = Duration::from_secs(if failed { pause } else { WITNESS_PAUSE_MOST_SECONDS });
            pause = if failed { (pause * 2).min(WITNESS_PAUSE_MOST_SECONDS) } else { WITNESS_PAUSE_SECONDS };
            let quiet = |state: &mut State| !state.stopped && (failed || state.rung == heard);
            if self.shared.wait(state, wait, quiet).stopped {
                return;
            }
        }
    }

    /// Pushes what there is, in order, until something fails.
    fn push_all(&self) -> Result<(), String> {
        let mut place = self.reached();
        while let Some((note, next)) = self.history.after(place).map_err(|error| error.to_string())? {
            if self.shared.state().stopped {
                return Ok(());
            }
            self.witness.push(&note).map_err(|error| error.to_string())?;
            replace(&self.path, next.to_string().as_bytes(), false).map_err(|error| error.to_string())?;
            place = next;
        }
        Ok(())
    }

    /// Up to where the witness has the history. What cannot be read is the beginning: checkpoints may come twice, but none
    /// is left out. So is a place behind the end of a history that was restored.
    fn reached(&self) -> u64 {
        let text = read_text(&self.path, MESSAGE_BYTES).ok().flatten();
        let place = text.and_then(|text| text.parse().ok()).unwrap_or(0);
        if self.history.length().is_ok_and(|length| place <= length) { place } else { 0 }
    }
}
