//! A target in memory: versions per resource, an optional delay of each call, reads that may lag behind writes. Knows no
//! measure; counts its calls and remembers what it needs to say who has something under way.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use trueup::async_trait;
use trueup::commit::Clock;
use trueup::discover::{Cursor, DiscoverError, Page};
use trueup::model::{CaseKey, Holding, State, Time};
use trueup::target::{Class, Profile, ReadError, Reading, Target, Version, Write, WriteError, Written};

use crate::figure::now;

/// The name of the target.
pub const TARGET: &str = "app";

/// A clock that only moves when it is waited on.
pub struct Virtual(Mutex<i64>);

impl Virtual {
    pub fn new(seconds: i64) -> Self {
        Virtual(Mutex::new(seconds))
    }

    fn seconds(&self) -> MutexGuard<'_, i64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for Virtual {
    fn now(&self) -> Time {
        Time::from_seconds(*self.seconds())
    }

    fn tick(&self) -> i64 {
        *self.seconds()
    }

    async fn sleep(&self, seconds: u32) {
        *self.seconds() += i64::from(seconds);
    }
}

/// What it holds, and what happened.
#[derive(Default)]
pub struct Held {
    cases: HashMap<String, Vec<(CaseKey, Holding)>>,
    versions: HashMap<String, u64>,
    /// What reads show until an instant, while they lag.
    shown: HashMap<CaseKey, (State, i64)>,
    /// Grants under way, per holder.
    pub flying: BTreeMap<String, usize>,
    /// When something was last taken from a holder.
    pub removed: HashMap<String, Instant>,
    pub reads: u64,
    pub writes: u64,
}

impl Held {
    /// What one holder has.
    pub fn of(&self, holder: &str) -> &[(CaseKey, Holding)] {
        self.cases.get(holder).map_or(&[], Vec::as_slice)
    }

    fn get(&self, key: &CaseKey) -> State {
        self.of(&key.holder).iter().find(|(held, _)| held == key).map(|(_, holding)| holding.clone())
    }

    /// Puts a case into a state; gives the one before.
    pub fn put(&mut self, key: &CaseKey, state: State) -> State {
        let mine = self.cases.entry(key.holder.clone()).or_default();
        let before = mine.iter().position(|(held, _)| held == key).map(|at| mine.swap_remove(at).1);
        mine.extend(state.map(|holding| (key.clone(), holding)));
        before
    }
}

/// The target.
pub struct Store {
    profile: Profile,
    delay: Option<Duration>,
    /// A read shows a write after this many seconds of the clock.
    lag: Option<(Arc<Virtual>, i64)>,
    held: Mutex<Held>,
}

impl Store {
    /// Answers at once, and shows what was written last.
    pub fn new() -> Self {
        let mut profile = Profile::new(Class::K0);
        profile.parallel = 64;
        Store { profile, delay: None, lag: None, held: Mutex::default() }
    }

    /// Takes this long for each call.
    pub fn slow(delay: Duration) -> Self {
        Store { delay: Some(delay), ..Store::new() }
    }

    /// Writes without a condition; shows each only at the end of its window.
    pub fn lagging(clock: Arc<Virtual>, seconds: u32) -> Self {
        let profile = Profile::new(Class::K1).lagging(seconds);
        Store { profile, lag: Some((clock, i64::from(seconds))), ..Store::new() }
    }

    pub fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn pause(&self) {
        if let Some(delay) = self.delay {
            tokio::time::sleep(delay).await;
        }
    }

    fn apply(&self, held: &mut Held, write: &Write<'_>) -> Result<Written, WriteError> {
        let key = &write.change.key;
        let version = held.versions.entry(key.object.clone()).or_default();
        if self.profile.class == Class::K0 && write.version.0 != version.to_string() {
            return Err(WriteError::Precondition);
        }
        *version += 1;
        held.writes += 1;
        if write.after.is_none() {
            held.removed.insert(key.holder.clone(), now());
        }
        let before = held.put(key, write.after.cloned());
        if let Some((clock, lag)) = &self.lag {
            held.shown.insert(key.clone(), (before, clock.tick() + lag));
        }
        Ok(Written::default())
    }
}

#[async_trait]
impl Target for Store {
    fn name(&self) -> &str {
        TARGET
    }

    fn profile(&self) -> &Profile {
        &self.profile
    }

    async fn version(&self) -> Result<String, DiscoverError> {
        Ok(String::new())
    }

    async fn page(&self, _: Option<&Cursor>) -> Result<Page, DiscoverError> {
        Ok(Page::default())
    }

    async fn read(&self, key: &CaseKey) -> Result<Reading, ReadError> {
        self.pause().await;
        let mut held = self.held();
        held.reads += 1;
        let version = Version(held.versions.get(&key.object).copied().unwrap_or(0).to_string());
        let old = held.shown.get(key).filter(|(_, until)| self.lag.as_ref().is_some_and(|(clock, _)| clock.tick() < *until));
        let state = old.map_or_else(|| held.get(key), |(state, _)| state.clone());
        Ok(Reading { state, version, list: Vec::new() })
    }

    async fn write(&self, write: Write<'_>) -> Result<Written, WriteError> {
        let holder = &write.change.key.holder;
        let grants = self.delay.is_some() && write.after.is_some();
        if grants {
            *self.held().flying.entry(holder.clone()).or_default() += 1;
        }
        self.pause().await;
        let mut held = self.held();
        if grants && let Some(flying) = held.flying.get_mut(holder) {
            *flying -= 1;
            if *flying == 0 {
                held.flying.remove(holder);
            }
        }
        self.apply(&mut held, &write)
    }

    async fn held_by(&self, holder: &str) -> Result<Vec<(CaseKey, Holding)>, ReadError> {
        self.pause().await;
        Ok(self.held().of(holder).to_vec())
    }
}
