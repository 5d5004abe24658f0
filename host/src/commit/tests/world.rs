//! A small world to commit into: a scripted target, an in-memory ledger and a clock, all in one state, so that one fuse can
//! stop the writer at any effect. Checks on every write that its intent is durable (V19) and that access it adds has not
//! expired (V15).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;

use crate::audit::{LogHead, Salts};
use crate::commit::{Clock, Commit, CommitError, Event, Flow, NoDesk, Outcomes, Status, Terms, next};
use crate::correlate::Recorded;
use crate::discover::{Cursor, DiscoverError, Page};
use crate::ledger::{
    Batch, BatchId, Entry, Leaf, Ledger, LedgerError, Opening, Owned, Query, RecordedRows, Recovery, Rows, RunRow, Settled,
    Stage, Ticket,
};
use crate::model::{
    Attribute, CaseKey, Change, ChangeId, ChangeKind, Digest, Gate, GateKind, Holding, KeyHash, PlanId, Reason, RunId, State,
    Subject, Time, Wave,
};
use crate::progress::Silent;
use crate::target::{Class, Profile, ReadError, Reading, Target, Version, Write, WriteError, Written};

pub(super) const START: i64 = 1_000_000;
pub(super) const LANDING: i64 = 60;

/// What happens to one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Applied; the answer is lost.
    ReplyLost,
    /// Not applied; nobody says so.
    RequestLost,
    /// Not applied; nobody says so, and its holder can be read no more.
    GoesDark,
    /// Not applied now, nobody says so; applied at the next wait or just before the next write, if its condition holds.
    LandsLate,
    /// The same, but it lands at the last instant that the profile allows.
    LandsLast,
    Throttled(u32),
    Refused,
    /// Another case of the same resource is edited between read and write.
    Touched,
    /// The case itself is edited between read and write.
    Edited,
}

/// One mutation in the target's own log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mutation {
    pub(super) change: ChangeId,
    pub(super) key: CaseKey,
    pub(super) fence: u64,
}

#[derive(Default)]
pub(super) struct Inner {
    pub(super) cases: BTreeMap<CaseKey, Holding>,
    versions: BTreeMap<String, u64>,
    pub(super) log: Vec<Mutation>,
    /// Requests, whether applied or not.
    pub(super) requests: Vec<ChangeId>,
    pub(super) faults: BTreeMap<CaseKey, Vec<Fault>>,
    /// Reads of this holder fail, this often.
    pub(super) unreadable: BTreeMap<String, u32>,
    /// What the next reads of this holder show instead of the truth, last first.
    pub(super) flapping: BTreeMap<String, Vec<State>>,
    late: Option<Late>,
    pub(super) highest_fence: u64,
    pub(super) now: i64,
    pub(super) slept: i64,
    pub(super) clock_jump: i64,
    /// Effects until the writer stops dead.
    pub(super) fuse: Option<u32>,
    pub(super) events: Vec<(ChangeId, Event)>,
    pub(super) heads: BTreeMap<KeyHash, Recorded>,
    pub(super) runs: Vec<RunRow>,
    pub(super) leaves: Vec<Leaf>,
    pub(super) flushes: u64,
    pub(super) epoch: u64,
    pub(super) settled: Option<Settled>,
    pub(super) broken: Vec<String>,
}

/// A request under way.
struct Late {
    key: CaseKey,
    after: State,
    version: u64,
    change: ChangeId,
    last: i64,
    waits: bool,
}

/// Shared by target, ledger and clock.
#[derive(Clone, Default)]
pub(super) struct World(pub(super) Arc<Mutex<Inner>>, pub(super) Option<Profile>);

pub(super) fn key(holder: &str, object: &str) -> CaseKey {
    let subject = if object.is_empty() { Subject::Account } else { Subject::Grant };
    CaseKey { target: "app".to_owned(), holder: holder.to_owned(), subject, object: object.to_owned() }
}

/// A change of `holder`'s grant on `object`; its identity is the holder.
pub(super) fn change(holder: &str, object: &str, kind: ChangeKind, before: State, after: State) -> Change {
    let key = key(holder, object);
    let wave = match kind {
        ChangeKind::Create | ChangeKind::Enable => Wave::ACCOUNTS,
        ChangeKind::Revoke => Wave::REVOKES,
        ChangeKind::Delete => Wave::DELETES,
        _ => Wave::GRANTS,
    };
    Change {
        reason: Reason { code: "test".to_owned(), text: String::new() },
        wave,
        ..Change::routine("t", key, kind, 1, before, after)
    }
}

pub(super) fn grant(holder: &str, object: &str) -> Change {
    change(holder, object, ChangeKind::Grant, None, Some(Holding::default()))
}

pub(super) fn revoke(holder: &str, object: &str) -> Change {
    change(holder, object, ChangeKind::Revoke, Some(Holding::default()), None)
}

/// What the core is told of a run over so many changes, with nothing behind it.
pub(super) fn terms(changes: u64, slice: u32, profiles: &[(&str, Profile)]) -> Terms {
    Terms {
        plan: plan_id(),
        changes,
        run: run_row(),
        slice,
        epoch: 1,
        flow: Flow::default(),
        profiles: profiles.iter().map(|(name, profile)| ((*name).to_owned(), profile.clone())).collect(),
        openings: Vec::new(),
        denials: Vec::new(),
        events: Vec::new(),
    }
}

pub(super) fn gated(mut change: Change, kind: GateKind) -> Change {
    change.gates.push(Gate { kind, scope: "app/*".to_owned() });
    change
}

pub(super) fn opening(change: &Change, gate: GateKind) -> Opening {
    Opening { change: change.id, gate, by: "ann".to_owned(), why: "looked at".to_owned(), at: Time::from_seconds(START) }
}

/// Accounts, grants and revokes of `people` identities over three objects, in plan order. Seeds what is revoked.
pub(super) fn estate(world: &World, people: u32) -> Vec<Change> {
    let mut plan = Vec::new();
    for i in 0..people {
        let holder = format!("p{i}");
        plan.push(change(&holder, "", ChangeKind::Create, None, Some(Holding::default())));
        plan.push(grant(&holder, "group:a"));
        plan.push(grant(&holder, "group:b"));
        plan.push(revoke(&holder, "group:c"));
        world.lock().cases.insert(key(&holder, "group:c"), Holding::default());
    }
    sorted(plan)
}

pub(super) fn sorted(mut plan: Vec<Change>) -> Vec<Change> {
    plan.sort_by(|a, b| (a.wave, a.step, a.rank, &a.key).cmp(&(b.wave, b.step, b.rank, &b.key)));
    plan
}

impl World {
    pub(super) fn new() -> Self {
        let world = World::default();
        world.lock().now = START;
        world
    }

    pub(super) fn with(profile: Profile) -> Self {
        World(World::new().0, Some(profile))
    }

    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().expect("no test holds it while it panics")
    }

    pub(super) fn fault(&self, change: &Change, faults: &[Fault]) {
        self.lock().faults.insert(change.key.clone(), faults.iter().rev().copied().collect());
    }

    /// Commits a plan as a new writer. `None`: it was stopped dead.
    pub(super) fn commit(&self, plan: &[Change], openings: &[Opening], slice: u32) -> Option<Result<Outcomes, CommitError>> {
        let target = Fake(self.clone(), self.1.clone().unwrap_or_else(profile));
        let targets = BTreeMap::from([("app".to_owned(), Arc::new(target) as Arc<dyn Target>)]);
        let owned = self.acquire("t").ok()?;
        let mut salts = Salts::from_seed([7; 32]);
        let job = Commit {
            plan: plan_id(),
            changes: plan.len() as u64,
            run: run_row(),
            slice,
            flow: Flow::sequential(),
            targets: &targets,
            ledger: self,
            owned: &owned,
            openings,
            denials: &[],
            desk: &NoDesk,
            sink: None,
            in_doubt: self.in_doubt(plan),
            events: self.lock().events.clone(),
            clock: self,
            observer: &Silent,
            salts: &mut salts,
        };
        let changes = plan.iter().cloned().map(Ok::<_, std::io::Error>);
        // Every effect of this world is done at once, so that a future which is not ready was stopped by the fuse.
        let result = match Box::pin(job.run(changes)).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        };
        let blown = self.lock().fuse == Some(0);
        let broken = self.lock().broken.clone();
        assert!(broken.is_empty(), "{broken:?}");
        result.filter(|_| !blown)
    }

    /// Commits a plan that must get through.
    pub(super) fn finish(&self, plan: &[Change], openings: &[Opening], slice: u32) -> Outcomes {
        self.lock().fuse = None;
        let outcomes = self.commit(plan, openings, slice).expect("nothing stops it").expect("it gets through");
        assert!(outcomes.reconciles(), "{outcomes:?}");
        assert_eq!(outcomes.changes, plan.len() as u64);
        outcomes
    }

    pub(super) fn status(&self, change: &Change) -> Status {
        let state = self.lock();
        let mine = state.events.iter().filter(|(id, _)| *id == change.id);
        mine.fold(Status::default(), |status, (_, event)| next(&status, event).expect("stored events are legal"))
    }

    fn in_doubt(&self, plan: &[Change]) -> Vec<(u64, Change)> {
        let unknown = |change: &Change| {
            let state = self.lock();
            let mine = state.events.iter().filter(|(id, _)| *id == change.id);
            mine.fold(Status::default(), |status, (_, event)| next(&status, event).unwrap_or_default()).effect_unknown()
        };
        (0..).zip(plan).filter(|(_, change)| unknown(change)).map(|(i, change)| (i, change.clone())).collect()
    }

    /// Whether there is an effect left before the fuse blows.
    fn alive(&self) -> bool {
        let mut state = self.lock();
        match &mut state.fuse {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                *left > 0
            }
        }
    }

    async fn effect(&self) {
        if !self.alive() {
            std::future::pending::<()>().await;
        }
    }
}

pub(super) fn profile() -> Profile {
    let mut profile = Profile::new(Class::K0);
    profile.attributes = vec![Attribute::Enabled, Attribute::Level, Attribute::ExpiresAt, Attribute::Owner];
    profile.landing_bound = LANDING as u32;
    profile
}

pub(super) fn plan_id() -> PlanId {
    PlanId(Digest::of(b"plan"))
}

pub(super) fn run_row() -> RunRow {
    let (began, as_of) = (Time::from_seconds(START), Time::from_seconds(START - 10));
    RunRow {
        run: RunId(1),
        stage: Stage::Sealed,
        as_of,
        began,
        basis: Digest::of(b"basis"),
        plan: None,
        slice: 0,
        commits: true,
        amends: None,
    }
}

impl Inner {
    fn version(&self, key: &CaseKey) -> u64 {
        self.versions.get(&key.object).copied().unwrap_or(0)
    }

    fn put(&mut self, key: &CaseKey, state: State) {
        *self.versions.entry(key.object.clone()).or_default() += 1;
        match state {
            Some(holding) => self.cases.insert(key.clone(), holding),
            None => self.cases.remove(key),
        };
    }

    fn apply(&mut self, key: &CaseKey, after: State, version: u64, change: ChangeId, fence: u64, at: i64) -> bool {
        if self.version(key) != version {
            return false;
        }
        if let Some(expires) = after.as_ref().map(|h| h.expires_at)
            && expires.is_some()
            && at >= expires.seconds()
        {
            self.broken.push(format!("V15: `{key}` lands at {at} and had to end at {}", expires.seconds()));
        }
        self.put(key, after);
        self.log.push(Mutation { change, key: key.clone(), fence });
        true
    }

    /// A request under way lands when the next one comes or time passes, or not before its last instant.
    pub(super) fn land(&mut self) {
        if let Some(late) = self.late.take_if(|late| !late.waits || late.last <= self.now) {
            let at = self.now.min(late.last);
            self.apply(&late.key, late.after, late.version, late.change, self.highest_fence, at);
        }
    }

    /// Somebody else edits a case.
    pub(super) fn edit(&mut self, key: &CaseKey, state: State) {
        self.put(key, state);
    }
}

struct Fake(World, Profile);

#[async_trait]
impl Target for Fake {
    fn name(&self) -> &str {
        "app"
    }

    fn profile(&self) -> &Profile {
        &self.1
    }

    async fn version(&self) -> Result<String, DiscoverError> {
        Ok(String::new())
    }

    async fn page(&self, _: Option<&Cursor>) -> Result<Page, DiscoverError> {
        Ok(Page::default())
    }

    async fn read(&self, key: &CaseKey) -> Result<Reading, ReadError> {
        self.0.effect().await;
        let mut state = self.0.lock();
        state.now += 1;
        if state.late.as_ref().is_some_and(|late| late.last <= state.now) {
            state.land();
        }
        if let Some(left) = state.unreadable.get_mut(&key.holder).filter(|left| **left > 0) {
            *left -= 1;
            return Err(ReadError { key: key.to_string(), message: "down".to_owned() });
        }
        let version = Version(state.version(key).to_string());
        let flapping = state.flapping.get_mut(&key.holder).and_then(Vec::pop);
        let state = flapping.unwrap_or_else(|| state.cases.get(key).cloned());
        Ok(Reading { state, version, list: Vec::new() })
    }

    async fn write(&self, write: Write<'_>) -> Result<Written, WriteError> {
        self.0.effect().await;
        let key = &write.change.key;
        let applied = {
            let mut state = self.0.lock();
            state.now += 1;
            let status = state.events.iter().filter(|(id, _)| *id == write.change.id);
            let status = status.fold(Status::default(), |s, (_, e)| next(&s, e).expect("stored events are legal"));
            if !matches!(status, Status::Intent { .. }) {
                state.broken.push(format!("V19: `{key}` is sent while the ledger says `{status}`"));
            }
            let intents = state.events.iter().filter(|(id, e)| *id == write.change.id && matches!(e, Event::Intent { .. }));
            if intents.count() <= state.requests.iter().filter(|id| **id == write.change.id).count() {
                state.broken.push(format!("V19: `{key}` is sent again without an intent of its own"));
            }
            if write.fence < state.highest_fence {
                return Err(WriteError::Fenced);
            }
            state.highest_fence = write.fence;
            state.requests.push(write.change.id);
            state.land();
            let version: u64 = write.version.0.parse().unwrap_or(u64::MAX);
            let after = write.after.cloned();
            let fault = state.faults.get_mut(key).and_then(Vec::pop);
            match fault {
                Some(Fault::RequestLost) => return Err(WriteError::Ambiguous { message: "timeout".to_owned() }),
                Some(Fault::GoesDark) => {
                    state.unreadable.insert(key.holder.clone(), u32::MAX);
                    return Err(WriteError::Ambiguous { message: "timeout".to_owned() });
                }
                Some(late @ (Fault::LandsLate | Fault::LandsLast)) => {
                    let (change, last, waits) = (write.change.id, state.now + LANDING - 1, late == Fault::LandsLast);
                    state.late = Some(Late { key: key.clone(), after, version, change, last, waits });
                    return Err(WriteError::Ambiguous { message: "timeout".to_owned() });
                }
                Some(Fault::Throttled(seconds)) => return Err(WriteError::Throttled { seconds }),
                Some(Fault::Refused) => return Err(WriteError::Rejected { message: "not allowed".to_owned() }),
                Some(Fault::Touched) => {
                    let other = CaseKey { holder: "somebody".to_owned(), ..key.clone() };
                    state.edit(&other, Some(Holding::default()));
                }
                Some(Fault::Edited) => {
                    let odd = Holding { level: "odd".to_owned(), ..Holding::default() };
                    state.edit(key, Some(odd));
                }
                Some(Fault::ReplyLost) | None => {}
            }
            let now = state.now;
            let applied = state.apply(key, after, version, write.change.id, write.fence, now);
            if fault == Some(Fault::ReplyLost) {
                return Err(WriteError::Ambiguous { message: "connection reset".to_owned() });
            }
            applied
        };
        // The second place to stop: the target has applied it, the writer does not know.
        self.0.effect().await;
        if applied { Ok(Written::default()) } else { Err(WriteError::Precondition) }
    }
}

#[async_trait]
impl Clock for World {
    fn now(&self) -> Time {
        let state = self.lock();
        Time::from_seconds(state.now + state.clock_jump)
    }

    fn tick(&self) -> i64 {
        self.lock().now
    }

    async fn sleep(&self, seconds: u32) {
        self.effect().await;
        let mut state = self.lock();
        state.land();
        state.now += i64::from(seconds);
        state.land();
        state.slept += i64::from(seconds);
    }
}

const DEAD: LedgerError = LedgerError::Fenced;

impl Ledger for World {
    fn acquire(&self, tenant: &str) -> Result<Owned, LedgerError> {
        let mut state = self.lock();
        state.epoch += 1;
        Ok(Owned { tenant: tenant.to_owned(), epoch: state.epoch })
    }

    fn recover(&self, _: &Owned) -> Result<Recovery, LedgerError> {
        Ok(Recovery::default())
    }

    fn submit(&self, owned: &Owned, batch: Batch) -> Result<Ticket, LedgerError> {
        if !self.alive() {
            return Err(DEAD);
        }
        let mut state = self.lock();
        state.flushes += 1;
        match state.settled {
            _ if owned.epoch < state.epoch => state.settled = Some(Settled::Fenced),
            Some(Settled::Fenced | Settled::Unknown(BatchId(0))) => {}
            _ => {
                for entry in batch.entries {
                    match entry {
                        Entry::Change { change, event, .. } => state.events.push((change, event)),
                        Entry::Head(head) => drop(state.heads.insert(head.key, head)),
                        Entry::Run(row) => state.runs.push(row),
                        _ => {}
                    }
                }
                state.leaves.extend(batch.leaves);
            }
        }
        let settled = state.settled.clone().unwrap_or(Settled::Committed(LogHead::default()));
        Ok(Ticket::settled(BatchId(1), Ok(settled)))
    }

    fn wait(&self, ticket: Ticket) -> Result<Settled, LedgerError> {
        // The second place to stop: the batch is durable, the writer does not know.
        if !self.alive() {
            return Err(DEAD);
        }
        ticket.wait()
    }

    fn resolve(&self, _: &Owned, id: BatchId) -> Result<bool, LedgerError> {
        Ok(id != BatchId(0))
    }

    fn read(&self, _: &str, _: &Query) -> Result<Rows, LedgerError> {
        Ok(Rows::Events(self.lock().events.clone()))
    }

    fn recorded(&self, _: &str) -> Result<RecordedRows<'_>, LedgerError> {
        let rows: Vec<_> = self.lock().heads.values().copied().map(Ok).collect();
        Ok(Box::new(rows.into_iter()))
    }

    fn compact(&self, _: &Owned) -> Result<Digest, LedgerError> {
        Ok(Digest::of(b""))
    }
}
