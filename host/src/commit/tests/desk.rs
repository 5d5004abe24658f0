//! The driver at an emergency call, and with secrets that targets issue: against targets that list what one holder has.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;

use super::machine::{denial, of_class};
use super::pace::key_of_a_machine;
use super::world::{World, gated, grant, key, plan_id, run_row};
use crate::audit::Salts;
use crate::commit::{Commit, CommitError, Desk, Event, Flow, NoDesk, Outcome, Outcomes};
use crate::correlate::Recorded;
use crate::discover::{Cursor, DiscoverError, Page};
use crate::ledger::Ledger;
use crate::limits::{CHANGE_ATTEMPTS, HAND_CHANGES};
use crate::model::{CaseKey, Change, Denial, GateKind, Holding};
use crate::progress::Silent;
use crate::target::{Class, Profile, ReadError, Reading, Secret, SecretSink, Target, Write, WriteError, Written};

/// Where calls come in, and what the tenant's scopes leave alone.
#[derive(Default)]
struct Calls {
    waiting: Mutex<Vec<Denial>>,
    unmanaged: &'static str,
}

#[async_trait]
impl Desk for Calls {
    fn take(&self) -> Vec<Denial> {
        std::mem::take(&mut self.waiting.lock().unwrap())
    }

    async fn arrived(&self) {
        if self.waiting.lock().unwrap().is_empty() {
            std::future::pending().await
        }
    }

    fn is_managed(&self, key: &CaseKey) -> bool {
        self.unmanaged.is_empty() || key.object != self.unmanaged
    }

    fn recorded(&self, key: &CaseKey) -> Result<Recorded, CommitError> {
        NoDesk.recorded(key)
    }
}

/// A system that can list what a holder has, unless it is blind.
struct Shelf {
    world: World,
    profile: Profile,
    calls: Arc<Calls>,
    held: Mutex<BTreeMap<CaseKey, Holding>>,
    blind: bool,
    /// Who is denied while the first write is under way, which then lands late without an answer.
    denied_meanwhile: Option<Denial>,
    late: Mutex<Option<(i64, CaseKey, Holding)>>,
}

impl Shelf {
    fn new(world: &World, class: Class, calls: &Arc<Calls>, held: &[(CaseKey, bool)]) -> Self {
        let held = held.iter().map(|(key, enabled)| (key.clone(), Holding { enabled: *enabled, ..Holding::default() }));
        Shelf {
            world: world.clone(),
            profile: of_class(class),
            calls: Arc::clone(calls),
            held: Mutex::new(held.collect()),
            blind: false,
            denied_meanwhile: None,
            late: Mutex::default(),
        }
    }

    /// What is held now.
    fn held(&self) -> std::sync::MutexGuard<'_, BTreeMap<CaseKey, Holding>> {
        let mut held = self.held.lock().unwrap();
        let now = self.world.lock().now;
        if let Some((_, key, holding)) = self.late.lock().unwrap().take_if(|(at, ..)| *at <= now) {
            held.insert(key, holding);
        }
        held
    }
}

#[async_trait]
impl Target for Shelf {
    fn name(&self) -> &str {
        "shelf"
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
        Ok(Reading::new(self.held().get(key).cloned(), ""))
    }

    async fn write(&self, write: Write<'_>) -> Result<Written, WriteError> {
        let key = write.change.key.clone();
        if let Some(denial) = self.denied_meanwhile.as_ref().filter(|_| write.change.kind.adds()) {
            self.calls.waiting.lock().unwrap().push(denial.clone());
            *self.late.lock().unwrap() = Some((self.world.lock().now + 30, key, write.after.cloned().unwrap()));
            return Err(WriteError::Ambiguous { message: "no answer".to_owned() });
        }
        match write.after {
            Some(after) => self.held().insert(key, after.clone()),
            None => self.held().remove(&key),
        };
        let issues = self.profile.class == Class::K4;
        Ok(if issues { Written::made("key 1").with_secret(Secret::new("hunter2")) } else { Written::default() })
    }

    async fn undo(&self, _: &str, _: u64) -> Result<(), WriteError> {
        self.held().clear();
        Ok(())
    }

    async fn held_by(&self, holder: &str) -> Result<Vec<(CaseKey, Holding)>, ReadError> {
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
        if self.blind {
            return Err(ReadError { key: holder.to_owned(), message: "down".to_owned() });
        }
        Ok(self.held().iter().filter(|(key, _)| key.holder == holder).map(|(k, h)| (k.clone(), h.clone())).collect())
    }
}

fn commit(
    world: &World,
    shelves: &[(&str, &Arc<Shelf>)],
    calls: &Calls,
    sink: Option<&dyn SecretSink>,
    plan: Vec<io::Result<Change>>,
) -> Result<Outcomes, CommitError> {
    let targets = shelves.iter().map(|(name, shelf)| ((*name).to_owned(), Arc::clone(shelf) as Arc<dyn Target>)).collect();
    let owned = world.acquire("t").unwrap();
    let mut salts = Salts::from_seed([7; 32]);
    let job = Commit {
        plan: plan_id(),
        changes: plan.len() as u64,
        run: run_row(),
        slice: 10,
        flow: Flow::default(),
        targets: &targets,
        ledger: world,
        owned: &owned,
        openings: &[],
        denials: &[],
        desk: calls,
        sink,
        in_doubt: Vec::new(),
        events: Vec::new(),
        clock: world,
        observer: &Silent,
        salts: &mut salts,
    };
    let mut job = Box::pin(job.run(plan.into_iter()));
    // Looking up what somebody holds takes a few turns.
    for _ in 0..1_000 {
        if let Poll::Ready(result) = job.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return result;
        }
    }
    panic!("it waits for what never comes")
}

fn at(target: &str, holder: &str, object: &str) -> CaseKey {
    CaseKey { target: target.to_owned(), ..key(holder, object) }
}

#[test]
fn v28_v29_a_call_takes_what_it_covers_and_is_managed_wherever_it_is_held() {
    let all = ["app/ann", "app/ann/group:a", "app/bob/group:a", "hr/ann/group:b"];
    // Target and object of the call, what is not managed, whether one target cannot be asked; what works afterwards, and
    // how many changes came in, were confirmed, and denials were not settled.
    for (target, object, unmanaged, blind, left, counts) in [
        ("", "", "", false, vec!["app/bob/group:a"], (3, 3, 0)),
        ("app", "", "", false, vec!["app/bob/group:a", "hr/ann/group:b"], (2, 2, 0)),
        ("", "group:a", "", false, vec!["app/ann", "app/bob/group:a", "hr/ann/group:b"], (1, 1, 0)),
        ("hr", "group:z", "", false, all.to_vec(), (0, 0, 0)),
        ("app", "", "group:a", false, vec!["app/ann/group:a", "app/bob/group:a", "hr/ann/group:b"], (1, 1, 1)),
        ("", "", "", true, vec!["app/bob/group:a", "hr/ann/group:b"], (2, 2, 1)),
    ] {
        let name = format!("`{target}` `{object}`, not managed `{unmanaged}`, blind: {blind}");
        let world = World::new();
        let denial = Denial { target: target.to_owned(), object: object.to_owned(), ..denial("ann") };
        let calls = Arc::new(Calls { waiting: Mutex::new(vec![denial]), unmanaged });
        let app = [(at("app", "ann", ""), true), (at("app", "ann", "group:a"), true), (at("app", "bob", "group:a"), true)];
        let hr = [(at("hr", "ann", ""), false), (at("hr", "ann", "group:b"), true)];
        let app = Arc::new(Shelf::new(&world, Class::K1, &calls, &app));
        let hr = Arc::new(Shelf { blind, ..Shelf::new(&world, Class::K1, &calls, &hr) });
        let outcomes = commit(&world, &[("app", &app), ("hr", &hr)], &calls, None, Vec::new()).unwrap();
        let works = |shelf: &Shelf| -> Vec<String> {
            shelf.held().iter().filter(|(_, held)| held.enabled).map(|(key, _)| key.to_string()).collect()
        };
        let works = [works(&app), works(&hr)].concat();
        assert_eq!(works, left, "{name}");
        assert_eq!((outcomes.emergencies, outcomes.revoked, outcomes.unsettled_denials), counts, "{name}");
    }
}

#[test]
fn v29_a_call_takes_what_lands_after_it_came_in() {
    let world = World::new();
    let calls = Arc::new(Calls::default());
    let shelf = Shelf::new(&world, Class::K1, &calls, &[(key("ann", "group:b"), true)]);
    let shelf = Arc::new(Shelf { denied_meanwhile: Some(denial("ann")), ..shelf });
    let outcomes = commit(&world, &[("app", &shelf)], &calls, None, vec![Ok(grant("ann", "group:a"))]).unwrap();
    world.lock().now += 1_000;
    assert_eq!(shelf.held().keys().collect::<Vec<_>>(), Vec::<&CaseKey>::new(), "{outcomes:?}");
    assert_eq!((outcomes.emergencies, outcomes.revoked, outcomes.unsettled_denials), (2, 2, 0), "{outcomes:?}");
}

#[test]
fn a_call_is_durable_though_the_plan_cannot_be_read() {
    let world = World::new();
    let calls = Calls { waiting: Mutex::new(vec![denial("ann")]), unmanaged: "" };
    let result = commit(&world, &[], &calls, None, vec![Err(io::Error::other("torn"))]);
    assert!(matches!(result, Err(CommitError::Plan(_))), "{result:?}");
    assert_eq!(world.lock().leaves.len(), 1);
}

/// More than are held in hand at once: what leaves without an event makes room, and what is sent does.
#[test]
fn a_plan_of_any_length_is_gone_through() {
    let world = World::new();
    let calls = Arc::new(Calls::default());
    let shelf = Arc::new(Shelf::new(&world, Class::K1, &calls, &[]));
    let change = |n: usize| grant(&format!("h{n}"), &format!("group:{n}"));
    let waiting = (0..HAND_CHANGES + 1).map(|n| gated(change(n), GateKind::Adoption));
    let given = HAND_CHANGES + 1..2 * HAND_CHANGES + 2;
    let plan = waiting.chain(given.clone().map(change)).map(Ok).collect();
    let outcomes = commit(&world, &[("app", &shelf)], &calls, None, plan).unwrap();
    assert_eq!((outcomes.confirmed(), outcomes.open()), (given.len() as u64, given.len() as u64));
}

/// A sink that keeps what it is given and tells this handle, or cannot.
struct Kept(Mutex<Vec<String>>, Option<&'static str>);

#[async_trait]
impl SecretSink for Kept {
    async fn keep(&self, _: &Change, secret: Secret) -> Result<String, String> {
        self.0.lock().unwrap().push(secret.reveal().to_owned());
        self.1.map(str::to_owned).ok_or_else(|| format!("there is no room for {}", secret.reveal()))
    }
}

#[test]
fn v37_what_a_target_issues_goes_to_the_sink_and_is_taken_back_where_that_fails() {
    // Whether there is a sink, and what it tells; how often something was made. One that tells the secret as its handle failed.
    let often = CHANGE_ATTEMPTS as usize;
    for (works, made) in [(Some(Some("vault/1")), 1), (Some(None), often), (Some(Some("it is hunter2")), often), (None, often)] {
        let world = World::new();
        let calls = Arc::new(Calls::default());
        let shelf = Arc::new(Shelf::new(&world, Class::K4, &calls, &[]));
        let sink = works.map(|works| Kept(Mutex::default(), works));
        let sink_seen = sink.as_ref().map(|sink| sink as &dyn SecretSink);
        let outcomes = commit(&world, &[("app", &shelf)], &calls, sink_seen, vec![Ok(key_of_a_machine())]).unwrap();
        let state = world.lock();
        let results = state.events.iter().filter_map(|(_, event)| match event {
            Event::Outcome { outcome, .. } => Some(outcome.name()),
            _ => None,
        });
        let kept = works == Some(Some("vault/1"));
        let orphaned = ["orphaned", "not_applied"].repeat(made);
        assert_eq!(results.collect::<Vec<_>>(), if kept { vec!["issued"] } else { orphaned }, "{works:?}: {outcomes:?}");
        let handle = Outcome::Issued { id: "key 1".to_owned(), handle: "vault/1".to_owned() };
        assert_eq!(state.events.iter().any(|(_, e)| matches!(e, Event::Outcome { outcome, .. } if *outcome == handle)), kept);
        let given = sink.map(|sink| sink.0.into_inner().unwrap()).unwrap_or_default();
        assert_eq!(given, vec!["hunter2"; if works.is_some() { made } else { 0 }], "{works:?}");
        let stored = format!("{:?} {:?} {:?} {outcomes:?}", state.events, state.leaves, state.heads);
        assert!(!stored.contains("hunter2"), "{works:?}: it stands in the ledger or its log");
    }
}
