//! Fake targets, one of each class: what they hold over time, what each replica shows when, and how they take writes.
//! They know nothing of the engine's mind; faults of the network are the world's.

use std::collections::BTreeMap;
use std::sync::Arc;

use trueup::model::{CaseKey, Change, ChangeId, ChangeKind, Holding, State};
use trueup::target::{Class, Found, Member, Profile, Reading, Receipt, Secret, Version, WriteError, Written};

use super::rng::Rng;

/// How many replicas answer reads.
pub const REPLICAS: usize = 3;

/// Who made a mutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A write of this change; the flag says whether by an emergency.
    Change(ChangeId, bool),
    /// An entry of somebody else on the list that this change wrote as a whole: whether an emergency's, and by which epoch.
    Collateral(ChangeId, bool, u64),
    /// What this change made was taken back.
    Undo(ChangeId),
    /// Somebody else.
    Foreign,
}

/// One effective mutation, in the target's own journal.
#[derive(Clone, Debug)]
pub struct Landed {
    /// When.
    pub tick: i64,
    /// What.
    pub key: CaseKey,
    /// What is held from then on.
    pub after: State,
    /// Who made it.
    pub by: By,
    /// From when on every replica shows it.
    pub seen_by_all: i64,
}

/// One write under way.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its number in the world.
    pub no: u64,
    /// What it is for.
    pub change: Arc<Change>,
    /// Whether it is an emergency's.
    pub emergency: bool,
    /// The writer's epoch.
    pub fence: u64,
    /// What shall be held.
    pub after: State,
    /// The condition.
    pub version: Version,
    /// The whole list.
    pub list: Vec<Member>,
    /// Its key or tag.
    pub tag: String,
}

/// What one case held from an instant on, and since when each replica shows it.
#[derive(Clone, Debug)]
struct Entry {
    state: State,
    seen: [i64; REPLICAS],
}

/// A credential that was made (K4).
#[derive(Clone, Debug)]
pub struct Made {
    /// The target's id of it.
    pub id: String,
    /// What it was made for.
    pub tag: String,
    /// Its change.
    pub change: Option<ChangeId>,
    /// Its case.
    pub key: CaseKey,
    /// Whether it still is.
    pub live: bool,
}

/// Work that was accepted (K5) or asked of a person (K6).
#[derive(Clone, Debug)]
pub struct Work {
    /// Its receipt, or the work item's id.
    pub id: String,
    /// The request.
    pub request: Request,
    /// How far it has come.
    pub state: Receipt,
}

/// One fake target.
pub struct Target {
    /// What it can do.
    pub profile: Profile,
    /// Whether it stores fences, and the highest that it saw.
    pub fences: bool,
    highest: u64,
    /// The longest real lag of what adds and of what removes.
    lag: [i64; 2],
    /// Whether reads go from replica to replica.
    flaps: bool,
    /// Reads fail until then.
    pub dark_until: i64,
    cases: BTreeMap<CaseKey, Vec<Entry>>,
    versions: BTreeMap<String, u64>,
    keyed: BTreeMap<String, String>,
    /// Credentials.
    pub made: Vec<Made>,
    /// Accepted work and work items.
    pub work: Vec<Work>,
    /// Mutations since the world last looked.
    pub landed: Vec<Landed>,
}

impl Target {
    /// A target that holds nothing yet.
    #[must_use]
    pub const fn new(profile: Profile, lag: [i64; 2], flaps: bool, fences: bool) -> Self {
        Target {
            profile,
            fences,
            highest: 0,
            lag,
            flaps,
            dark_until: 0,
            cases: BTreeMap::new(),
            versions: BTreeMap::new(),
            keyed: BTreeMap::new(),
            made: Vec::new(),
            work: Vec::new(),
            landed: Vec::new(),
        }
    }

    /// Puts what is held before the first tick.
    pub fn seed(&mut self, key: &CaseKey, holding: Holding) {
        self.cases.insert(key.clone(), vec![Entry { state: Some(holding), seen: [i64::MIN; REPLICAS] }]);
        if self.profile.class == Class::K4 {
            self.make(key, String::new(), None);
        }
    }

    /// What it really holds.
    #[must_use]
    pub fn holds(&self, key: &CaseKey) -> State {
        self.cases.get(key).and_then(|entries| entries.last()).and_then(|entry| entry.state.clone())
    }

    /// Every case that ever was, with what it holds.
    pub fn all(&self) -> impl Iterator<Item = (&CaseKey, State)> {
        self.cases.keys().map(|key| (key, self.holds(key)))
    }

    /// A writer shows its fence; says whether it may go on.
    pub const fn admits(&mut self, fence: u64) -> bool {
        if !self.fences {
            return true;
        }
        if fence < self.highest {
            return false;
        }
        self.highest = fence;
        true
    }

    /// A mutation; nothing happens when nothing changes.
    pub fn put(&mut self, rng: &mut Rng, tick: i64, key: &CaseKey, state: State, by: By) {
        if self.holds(key) == state {
            return;
        }
        let longest = self.lag[usize::from(state.is_none() || state.as_ref().is_some_and(|holding| !holding.enabled))];
        let seen: [i64; REPLICAS] = std::array::from_fn(|_| tick + rng.between(0, longest));
        let seen_by_all = seen.iter().copied().max().unwrap_or(tick);
        self.cases.entry(key.clone()).or_default().push(Entry { state: state.clone(), seen });
        *self.versions.entry(resource(key).to_owned()).or_default() += 1;
        if self.profile.class == Class::K4 && state.is_none() {
            self.made.iter_mut().filter(|made| made.key == *key).for_each(|made| made.live = false);
        }
        self.landed.push(Landed { tick, key: key.clone(), after: state, by, seen_by_all });
    }

    /// Somebody else edits a case.
    pub fn edit(&mut self, rng: &mut Rng, tick: i64, key: &CaseKey, state: State) {
        if self.profile.class == Class::K4 && state.is_some() {
            self.make(key, String::new(), None);
        }
        self.put(rng, tick, key, state, By::Foreign);
    }

    fn shown(&self, key: &CaseKey, replica: usize, tick: i64) -> (State, bool) {
        let Some(entries) = self.cases.get(key) else { return (None, true) };
        let index = entries.iter().rposition(|entry| entry.seen[replica] <= tick);
        let newest = index.map_or(0, |index| index + 1) == entries.len();
        (index.and_then(|index| entries[index].state.clone()), newest)
    }

    /// One read. A replica that is behind shows an old token too.
    pub fn read(&self, rng: &mut Rng, tick: i64, key: &CaseKey) -> Reading {
        let replica = if self.flaps { rng.below(REPLICAS as u64) as usize } else { 0 };
        let (state, newest) = self.shown(key, replica, tick);
        let version = if newest { self.version(key).to_string() } else { "behind".to_owned() };
        let mut reading = Reading::new(state, version);
        if self.profile.class == Class::K2 {
            let members = self.cases.keys().filter(|other| other.object == key.object && other.subject == key.subject);
            let holding = |other: &CaseKey| self.shown(other, replica, tick).0;
            reading.list = members
                .filter_map(|other| holding(other).map(|holding| Member { holder: other.holder.clone(), holding }))
                .collect();
            reading.list.sort();
        }
        reading
    }

    /// Whether a request asks for a version that is no more: it can take no effect, whenever it lands (K0).
    #[must_use]
    pub fn outran(&self, request: &Request) -> bool {
        self.profile.class == Class::K0 && request.version.0 != self.version(&request.change.key).to_string()
    }

    fn version(&self, key: &CaseKey) -> u64 {
        self.versions.get(resource(key)).copied().unwrap_or(0)
    }

    /// What one holder has.
    #[must_use]
    pub fn held_by(&self, holder: &str) -> Vec<(CaseKey, Holding)> {
        let mine = self.all().filter(|(key, _)| key.holder == holder);
        mine.filter_map(|(key, state)| state.map(|holding| (key.clone(), holding))).collect()
    }

    /// What carries a tag.
    #[must_use]
    pub fn find(&self, tag: &str) -> Vec<Found> {
        let made = self.made.iter().filter(|made| made.live && made.tag == tag).map(|made| made.id.clone());
        let work = self.work.iter().filter(|work| self.profile.class == Class::K6 && work.request.tag == tag);
        made.chain(work.map(|work| work.id.clone())).map(|id| Found { id }).collect()
    }

    /// How far accepted work has come.
    #[must_use]
    pub fn poll(&self, id: &str) -> Option<Receipt> {
        self.work.iter().find(|work| work.id == id).map(|work| work.state.clone())
    }

    /// Takes back what was made.
    pub fn undo(&mut self, rng: &mut Rng, tick: i64, id: &str) {
        let Some(made) = self.made.iter_mut().find(|made| made.id == id) else { return };
        made.live = false;
        let (key, change) = (made.key.clone(), made.change);
        if !self.made.iter().any(|made| made.live && made.key == key) {
            return self.put(rng, tick, &key, None, change.map_or(By::Foreign, By::Undo));
        }
        // What is left there is somebody else's.
        let after = self.holds(&key);
        self.landed.push(Landed { tick, key, after, by: By::Foreign, seen_by_all: tick });
    }

    fn make(&mut self, key: &CaseKey, tag: String, change: Option<ChangeId>) -> String {
        let id = format!("c{}", self.made.len());
        self.made.push(Made { id: id.clone(), tag, change, key: key.clone(), live: true });
        id
    }

    /// A write lands. Its fence was looked at before.
    ///
    /// # Errors
    /// When its condition fails; nothing was written.
    pub fn write(&mut self, rng: &mut Rng, tick: i64, request: &Request) -> Result<Written, WriteError> {
        let (key, id) = (&request.change.key, request.change.id);
        let by = By::Change(id, request.emergency);
        match self.profile.class {
            Class::K0 => {
                if request.version.0 != self.version(key).to_string() {
                    return Err(WriteError::Precondition);
                }
                self.put(rng, tick, key, request.after.clone(), by);
            }
            Class::K1 => self.put(rng, tick, key, request.after.clone(), by),
            Class::K2 => self.replace(rng, tick, request),
            Class::K3 => {
                if request.after.is_some() && request.change.before.is_none() {
                    if let Some(made) = self.keyed.get(&request.tag) {
                        return Ok(Written::made(made.clone()));
                    }
                    self.keyed.insert(request.tag.clone(), format!("m{}", self.keyed.len()));
                    self.put(rng, tick, key, request.after.clone(), by);
                    return Ok(Written::made(format!("m{}", self.keyed.len() - 1)));
                }
                self.put(rng, tick, key, request.after.clone(), by);
            }
            Class::K4 if request.change.kind == ChangeKind::Issue => {
                let made = self.make(key, request.tag.clone(), Some(id));
                self.put(rng, tick, key, request.after.clone(), by);
                return Ok(Written::made(made.clone()).with_secret(Secret::new(format!("secret of {made}"))));
            }
            Class::K5 | Class::K6 => {
                let receipt = format!("w{}", self.work.len());
                self.work.push(Work { id: receipt.clone(), request: request.clone(), state: Receipt::Pending });
                return Ok(Written::accepted(receipt));
            }
            _ => self.put(rng, tick, key, request.after.clone(), by),
        }
        Ok(Written::default())
    }

    /// Accepted work is done, or a person did it.
    pub fn perform(&mut self, rng: &mut Rng, tick: i64, index: usize) {
        let request = self.work[index].request.clone();
        self.work[index].state = Receipt::Done;
        self.put(rng, tick, &request.change.key, request.after, By::Change(request.change.id, request.emergency));
    }

    /// The whole list is replaced: whoever is not on it is off it.
    fn replace(&mut self, rng: &mut Rng, tick: i64, request: &Request) {
        let key = &request.change.key;
        let mut holders: Vec<String> =
            self.cases.keys().filter(|other| other.object == key.object).map(|k| k.holder.clone()).collect();
        holders.extend(request.list.iter().map(|member| member.holder.clone()));
        holders.sort();
        holders.dedup();
        for holder in holders {
            let state = request.list.iter().find(|member| member.holder == holder).map(|member| member.holding.clone());
            let own = holder == key.holder;
            let by = if own {
                By::Change(request.change.id, request.emergency)
            } else {
                By::Collateral(request.change.id, request.emergency, request.fence)
            };
            self.put(rng, tick, &CaseKey { holder, ..key.clone() }, state, by);
        }
    }
}

/// What has a version of its own.
fn resource(key: &CaseKey) -> &str {
    if key.object.is_empty() { &key.holder } else { &key.object }
}
