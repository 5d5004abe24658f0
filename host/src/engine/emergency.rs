//! Emergency revocation: at an operator's or vendor's call only. A call is a file in the store until the ledger has it, so
//! that whoever writes the ledger finds it, in this process or in another, and no crash loses it.

use std::collections::BTreeSet;
use std::fs;
use std::future::{Future, poll_fn};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Engine, EngineError, Store};
use crate::commit::{Commit, CommitError, Desk, Flow, Outcomes};
use crate::correlate::Recorded;
use crate::ledger::Owned;
use crate::limits::{EMERGENCY_LOOK_MILLISECONDS, MESSAGE_BYTES};
use crate::model::{CaseKey, Change, Denial, Digest, KeyHash, Mode, PlanId, RunId, StateHash, Subject, Time};
use crate::rule::KeyKind;
use crate::telemetry::{stage, within};

/// A call to take access away at once and to deny it until it is lifted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Revocation {
    /// The system; empty for every system.
    pub target: String,
    /// The holder's native id.
    pub holder: String,
    /// The entitlement or credential; empty for everything that the holder has.
    pub object: String,
    /// Who calls.
    pub by: String,
    /// Why.
    pub why: String,
}

impl Revocation {
    fn denial(&self, at: Time) -> Denial {
        let Revocation { target, holder, object, by, why } = self.clone();
        Denial { target, holder, object, by, why, at, settled_at: Time::NONE, lifted_at: Time::NONE }
    }
}

/// The desk of one store: calls lie there as files.
#[derive(Debug)]
pub(super) struct Calls {
    folder: PathBuf,
    /// Calls that this process has taken already, by their place and instant.
    taken: Mutex<BTreeSet<(String, String, String, i64)>>,
    rung: tokio::sync::Notify,
    bell: AtomicBool,
}

impl Calls {
    pub(super) fn new(store: &Store) -> Self {
        Calls { folder: store.calls(), taken: Mutex::default(), rung: tokio::sync::Notify::new(), bell: AtomicBool::new(false) }
    }

    /// Leaves a call, durably.
    pub(super) fn leave(&self, denial: &Denial) -> Result<(), EngineError> {
        let text = crate::model::canonical_json(denial).unwrap_or_default();
        let path = self.folder.join(name_of(text.as_bytes()));
        let error = |source| EngineError::Store { path: path.clone(), source };
        Store::replace(&path, |file| file.write_all(text.as_bytes()).map_err(error))?;
        self.bell.store(true, Ordering::Release);
        self.rung.notify_one();
        Ok(())
    }

    /// The calls that lie there. A file that is not what was left there is passed over: it might name somebody else. Verifying
    /// the store tells of it.
    fn lying(&self) -> Vec<(PathBuf, Denial)> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let mut calls: Vec<_> = paths.filter_map(|path| Some((path.clone(), read_call(&path)?))).collect();
        calls.sort_by_key(|(_, denial): &(_, Denial)| (denial.at, denial.key()));
        calls
    }

    fn taken(&self) -> MutexGuard<'_, BTreeSet<(String, String, String, i64)>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes the calls that the ledger has.
    fn clear(&self, known: &[Denial]) {
        for (path, call) in self.lying() {
            if known.iter().any(|denial| denial.key() == call.key() && denial.at >= call.at) {
                // One that stays is taken again, which does nothing.
                drop(fs::remove_file(path));
            }
        }
    }
}

/// The name of a call's file.
fn name_of(call: &[u8]) -> String {
    format!("{}.call", Digest::of(call).short())
}

/// The call in a file; none when it is not what was left there.
pub(super) fn read_call(path: &Path) -> Option<Denial> {
    let text = fs::read(path).ok()?;
    let named = path.file_name().is_some_and(|name| *name == *name_of(&text));
    named.then(|| serde_json::from_slice(&text).ok()).flatten()
}

/// The desk of a run: the store's calls, and what earlier runs left unsettled.
struct OpenDesk<'e> {
    engine: &'e Engine,
    left: Mutex<Vec<Denial>>,
    looked: Mutex<Option<Instant>>,
}

impl OpenDesk<'_> {
    /// Whether the folder is looked into now: at once when the bell was rung, else now and then.
    #[expect(clippy::disallowed_methods, reason = "how often a folder is looked into; nothing depends on it")]
    fn is_time(&self) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let rung = self.engine.calls.bell.swap(false, Ordering::AcqRel);
        let long = looked.is_none_or(|at| at.elapsed() >= Duration::from_millis(EMERGENCY_LOOK_MILLISECONDS));
        if rung || long {
            *looked = Some(Instant::now());
        }
        rung || long
    }
}

#[async_trait]
impl Desk for OpenDesk<'_> {
    fn take(&self) -> Vec<Denial> {
        if !self.is_time() {
            return Vec::new();
        }
        let mut calls = std::mem::take(&mut *self.left.lock().unwrap_or_else(PoisonError::into_inner));
        let mut taken = self.engine.calls.taken();
        calls.extend(self.engine.calls.lying().into_iter().map(|(_, call)| call));
        let place = |call: &Denial| {
            let (target, holder, object) = call.key();
            (target, holder, object, call.at.seconds())
        };
        calls.retain(|call| taken.insert(place(call)));
        calls
    }

    async fn arrived(&self) {
        let mut rung = pin!(self.engine.calls.rung.notified());
        let mut look = pin!(tokio::time::sleep(Duration::from_millis(EMERGENCY_LOOK_MILLISECONDS)));
        poll_fn(|cx| match (rung.as_mut().poll(cx), look.as_mut().poll(cx)) {
            (Poll::Pending, Poll::Pending) => Poll::Pending,
            _ => Poll::Ready(()),
        })
        .await;
    }

    fn is_managed(&self, key: &CaseKey) -> bool {
        self.engine.parts.scopes.mode(&key.target, &key.object) != Mode::Observe
    }

    fn recorded(&self, key: &CaseKey) -> Result<Recorded, CommitError> {
        let hash = self.engine.recorded_key(key);
        let tenant = &self.engine.parts.tenant;
        let row = self.engine.ledger.recorded_of(tenant, hash)?;
        Ok(row.unwrap_or_else(|| Recorded::new(hash, StateHash::ABSENT, 1)))
    }
}

impl Engine {
    /// Takes access away at once, ahead of everything else, and denies it until it is lifted. Only ever reduces access. While
    /// another call of this engine is at work the call is left for it, and taken at its next change; else it is done here.
    /// Returns what stands in the ledger; not settled: something could not be taken away or read, and the next run tries again.
    ///
    /// # Errors
    /// When the call cannot be made durable, or the ledger fails. An unknown target is an error before anything is done.
    pub async fn revoke(&self, call: &Revocation) -> Result<Denial, EngineError> {
        if !call.target.is_empty() && !self.parts.targets.iter().any(|target| target.name() == call.target) {
            return Err(EngineError::NotFound { what: "target", name: call.target.clone() });
        }
        let bounded = |text: &str| text.chars().take(MESSAGE_BYTES / 4).collect::<String>();
        let call = Revocation { by: bounded(&call.by), why: bounded(&call.why), ..call.clone() };
        let denial = call.denial(self.clock.now());
        self.calls.leave(&denial)?;
        loop {
            // It can only reduce access: a log that was restored or forked does not stand in its way.
            match self.acquire_whatever_was_signed() {
                Ok(turn) => {
                    self.attend(&turn).await?;
                    let denials = self.denials()?;
                    let made = denials.into_iter().find(|known| known.key() == denial.key());
                    return made.ok_or(EngineError::NotFound { what: "denial of", name: call.holder });
                }
                Err(EngineError::AtWork) => {
                    let known = self.denials()?.into_iter().find(|known| known.key() == denial.key() && known.at >= denial.at);
                    if let Some(settled) = known.filter(|known| known.settled_at.is_some()) {
                        return Ok(settled);
                    }
                    tokio::time::sleep(Duration::from_millis(EMERGENCY_LOOK_MILLISECONDS)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Leaves a call for the process that writes this store, and does nothing else: for an engine that was opened for
    /// looking. Returns the denial as it is called for; [`Engine::denials`] tells when it is settled.
    ///
    /// # Errors
    /// When the call cannot be made durable.
    pub fn call(&self, call: &Revocation) -> Result<Denial, EngineError> {
        let denial = call.denial(self.clock.now());
        self.calls.leave(&denial)?;
        Ok(denial)
    }

    /// Whether calls lie there, or an earlier one is not settled.
    fn is_called(&self) -> Result<bool, EngineError> {
        let unsettled = self.denials()?.iter().any(|denial| denial.stands() && denial.settled_at.is_none());
        Ok(unsettled || !self.calls.lying().is_empty())
    }

    /// Does what emergency calls ask for, if there are any: a commit without a plan.
    pub(super) async fn attend(&self, owned: &Owned) -> Result<Option<Outcomes>, EngineError> {
        if !self.is_called()? {
            return Ok(None);
        }
        let run = self.new_run(RunId(self.ledger.recover(owned)?.last_run), None, false);
        let plan = PlanId(Digest::of(b"emergency"));
        let changes = std::iter::empty::<Result<Change, std::io::Error>>();
        let desk = self.desk()?;
        let (targets, denials, mut salts) = (self.targets_by_name(), self.denials()?, self.salts()?);
        let commit = Commit {
            plan,
            changes: 0,
            run,
            slice: self.parts.options.slice,
            flow: Flow::default(),
            targets: &targets,
            ledger: &*self.ledger,
            owned,
            openings: &[],
            denials: &denials,
            desk: &desk,
            sink: None,
            in_doubt: Vec::new(),
            events: Vec::new(),
            clock: &*self.clock,
            observer: &*self.observer,
            salts: &mut salts,
        };
        let outcomes = within(stage!("emergency"), commit.run(changes)).await?;
        self.measure_commit(&outcomes);
        self.calls.clear(&self.denials()?);
        Ok(Some(outcomes))
    }

    /// The desk for one commit.
    pub(super) fn desk(&self) -> Result<impl Desk + use<'_>, EngineError> {
        let left = self.denials()?.into_iter().filter(|denial| denial.stands() && denial.settled_at.is_none()).collect();
        self.calls.taken().clear();
        Ok(OpenDesk { engine: self, left: Mutex::new(left), looked: Mutex::new(None) })
    }

    /// Removes the calls that the ledger has taken over.
    pub(super) fn clear_calls(&self) -> Result<(), EngineError> {
        self.calls.clear(&self.denials()?);
        Ok(())
    }

    /// The key of a case in recorded state: of the form in which the rule compares it.
    fn recorded_key(&self, key: &CaseKey) -> KeyHash {
        let module = self.parts.module.as_ref().filter(|module| module.is_canonical());
        let canon = |kind, text: &str| {
            let form = module.and_then(|module| module.canon(kind, &[text]).ok()?.pop());
            form.unwrap_or_else(|| text.to_owned())
        };
        let object = if key.subject == Subject::Account { String::new() } else { canon(KeyKind::Object, &key.object) };
        CaseKey::hash(key.subject, &key.target, &canon(KeyKind::Holder, &key.holder), &object)
    }
}
