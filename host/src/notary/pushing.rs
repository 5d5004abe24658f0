//! Pushing checkpoints to witnesses, each from where it was, and holding up nobody. Owns how far each has come, durably, and what
//! is told of it; trying again is for `courier`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::NotaryError;
use super::files::{read_text, replace};
use super::history::History;
use super::witness::Witness;
use crate::courier::{Couriers, Errand, Left};
use crate::limits::{MESSAGE_BYTES, WITNESS_PAUSE_MOST_SECONDS};
use crate::telemetry::stage;

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

impl From<Left> for Lag {
    fn from(left: Left) -> Self {
        Lag { witness: left.name, checkpoints: left.count, problem: left.problem }
    }
}

/// Pushes the checkpoints of a store to witnesses, each from where it was. Dropping it stops that; what was not pushed is
/// pushed by the next one.
pub struct Pusher(Couriers);

impl Pusher {
    /// Starts a thread for each witness.
    ///
    /// # Errors
    /// When a witness has a name that cannot name a file, or a thread cannot be started.
    pub fn start(history: &History, witnesses: Vec<Arc<dyn Witness>>) -> Result<Self, NotaryError> {
        let errands = witnesses.into_iter().map(|witness| -> Result<(String, Box<dyn Errand>), NotaryError> {
            let name = witness.name().to_owned();
            let path = history.folder().join(format!("pushed-{name}"));
            if !names_a_file(&name) {
                return Err(NotaryError::Damaged { path, problem: "a witness cannot have this name".to_owned() });
            }
            Ok((name, Box::new(Line { history: history.clone(), witness, path })))
        });
        // Another process may sign as well, so that it is looked now and then.
        let idle = Duration::from_secs(WITNESS_PAUSE_MOST_SECONDS);
        let couriers = Couriers::start("trueup-witness", idle, errands.collect::<Result<_, _>>()?);
        couriers.map(Pusher).map_err(super::io_error(history.folder()))
    }

    /// Says that there may be a new checkpoint. Returns at once.
    pub fn ring(&self) {
        self.0.ring();
    }

    /// How far each witness is behind, as it knew last.
    #[must_use]
    pub fn lags(&self) -> Vec<Lag> {
        self.0.left().into_iter().map(Lag::from).collect()
    }

    /// Waits until every witness has all that is there now, at most so long, and tells how far each is behind then.
    #[must_use]
    pub fn settle(&self, patience: Duration) -> Vec<Lag> {
        self.0.settle(patience).into_iter().map(Lag::from).collect()
    }
}

/// Whether a name may be a part of a file's name: letters, digits, `-` and `_`.
pub(crate) fn names_a_file(name: &str) -> bool {
    let legal = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    !name.is_empty() && name.len() <= MESSAGE_BYTES / 4 && name.chars().all(legal)
}

/// One witness and how far it has come.
struct Line {
    history: History,
    witness: Arc<dyn Witness>,
    path: PathBuf,
}

impl Errand for Line {
    fn carry(&mut self, stopped: &dyn Fn() -> bool) -> Result<(), String> {
        let mut place = self.reached();
        while let Some((note, next)) = self.history.after(place).map_err(|error| error.to_string())? {
            if stopped() {
                return Ok(());
            }
            let _span = stage!("push", to = self.witness.name()).entered();
            self.witness.push(&note).map_err(|error| error.to_string())?;
            replace(&self.path, next.to_string().as_bytes(), false).map_err(|error| error.to_string())?;
            place = next;
        }
        Ok(())
    }

    fn left(&self) -> Result<u64, String> {
        self.history.count_after(self.reached()).map_err(|error| error.to_string())
    }
}

impl Line {
    /// Up to where the witness has the history. What cannot be read is the beginning: checkpoints may come twice, but none
    /// is left out. So is a place behind the end of a history that was restored.
    fn reached(&self) -> u64 {
        let text = read_text(&self.path, MESSAGE_BYTES).ok().flatten();
        let place = text.and_then(|text| text.parse().ok()).unwrap_or(0);
        if self.history.length().is_ok_and(|length| place <= length) { place } else { 0 }
    }
}
