//! One process over a tenant's folder: an engine of mortal parts, on a clock that begins at its own hour. Owns what a process
//! is told on its way, and how a folder looks.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use trueup::Clock;
use trueup::discover::{FileConfig, FileSource, Source};
use trueup::engine::{Engine, Options, Parts, Store};
use trueup::ledger::SqliteLedger;
use trueup::model::{Mode, Scope, Scopes, Time};
use trueup::rule::{Module, RuleEngine, RuleLimits};
use trueup::target::{EmbeddedTarget, Target};

use super::mortal::{Fate, MortalLedger, MortalObserver, MortalSource, MortalTarget};
use super::tenant::TENANT;
use crate::estate::{AS_OF, Numbers};

/// What a process is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Errand {
    /// The tenant's folder.
    pub folder: PathBuf,
    /// The scene that is played.
    pub scene: String,
    /// Whether the scene goes on, instead of beginning.
    pub goes_on: bool,
    /// The hour at which the process begins, counted from that of the tenant's plan.
    pub hour: i64,
    /// Changes per slice.
    pub slice: u32,
    /// Where it dies.
    pub point: String,
    /// And at which time that it comes there.
    pub nth: u64,
    /// A planted bug that it has.
    pub bug: Option<String>,
}

/// The rule module in the folder.
pub(super) const RULE: &str = "rule.wasm";

/// A clock on which nobody waits: what is slept passes at once, after whatever else is ready.
struct Hands(AtomicI64);

#[trueup::async_trait]
impl Clock for Hands {
    fn now(&self) -> Time {
        Time::from_seconds(self.0.load(Ordering::SeqCst))
    }

    async fn sleep(&self, seconds: u32) {
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.0.fetch_add(i64::from(seconds), Ordering::SeqCst);
    }
}

/// The rule module of this process, loaded once: it is the same in all folders.
fn module(path: &Path) -> Result<Arc<Module>> {
    static LOADED: OnceLock<Arc<Module>> = OnceLock::new();
    if let Some(module) = LOADED.get() {
        return Ok(Arc::clone(module));
    }
    let bytes = fs::read(path).with_context(|| path.display().to_string())?;
    let module = Arc::new(Module::load(&RuleEngine::new(&RuleLimits::default())?, &bytes)?);
    Ok(Arc::clone(LOADED.get_or_init(|| module)))
}

/// What the run does when it has sent something.
pub(super) type OnFirstSent = Option<Box<dyn FnOnce() + Send>>;

/// An engine of mortal parts.
pub(super) fn engine(errand: &Errand, fate: &Arc<Fate>, on_first_sent: OnFirstSent) -> Result<Engine> {
    let folder = &errand.folder;
    let module = module(&folder.join(RULE))?;
    let settings = module.check_settings(&BTreeMap::new())?;
    let mut sources: Vec<Arc<dyn Source>> = Vec::new();
    for (name, kind) in [("grants", "grants"), ("people", "people")] {
        let mut config = serde_json::json!({"name": name, "path": format!("{name}.tsv"), "kind": kind, "complete": "always"});
        if kind == "grants" {
            config["target"] = "crm".into();
        }
        let config: FileConfig = serde_json::from_value(config)?;
        let told = Mutex::new(File::options().create(true).append(true).open(folder.join("handed-out"))?);
        let inner: Arc<dyn Source> = Arc::new(FileSource::open(config, folder)?);
        sources.push(Arc::new(MortalSource { inner, fate: Arc::clone(fate), told }));
    }
    let inner = EmbeddedTarget::open(&folder.join("crm.db"), "crm")?;
    let target: Arc<dyn Target> = Arc::new(MortalTarget { inner, fate: Arc::clone(fate), written: Mutex::default() });
    let mut options = Options::default();
    (options.slice, options.threads) = (errand.slice, 1);
    let parts = Parts {
        tenant: TENANT.to_owned(),
        sources,
        targets: vec![target],
        module: Some(module),
        settings,
        scopes: scopes(folder),
        sink: None,
        options,
    };
    let store = store(folder)?;
    let ledger = MortalLedger { inner: SqliteLedger::open(&store.ledger())?, fate: Arc::clone(fate) };
    let observer = MortalObserver { fate: Arc::clone(fate), on_first_sent: Mutex::new(on_first_sent) };
    let clock = Hands(AtomicI64::new(AS_OF.plus(errand.hour * 3_600).seconds()));
    Ok(Engine::with_ledger(parts, store, Arc::new(ledger)).observed_by(Arc::new(observer)).on_clock(Arc::new(clock)))
}

/// An engine of no parts, for looking and for leaving calls.
pub(super) fn looker(folder: &Path, hour: i64) -> Result<Engine> {
    let parts = Parts {
        tenant: TENANT.to_owned(),
        sources: Vec::new(),
        targets: Vec::new(),
        module: None,
        settings: Default::default(),
        scopes: Scopes::default(),
        sink: None,
        options: Options::default(),
    };
    let clock = Hands(AtomicI64::new(AS_OF.plus(hour * 3_600).seconds()));
    Ok(Engine::open_read_only(parts, store(folder)?.ledger().parent().context("store")?)?.on_clock(Arc::new(clock)))
}

/// The tenant's store.
pub(super) fn store(folder: &Path) -> Result<Store> {
    Ok(Store::open(&folder.join("trueup-store"))?)
}

/// Teams, and apps too once somebody widened the scope: a file says so.
fn scopes(folder: &Path) -> Scopes {
    let scope = |objects: &str| Scope { target: "crm".to_owned(), objects: objects.to_owned(), mode: Mode::Authoritative };
    let mut all = vec![scope("team:*")];
    if folder.join("wide").exists() {
        all.push(scope("app:*"));
    }
    Scopes(all)
}

/// A row of desired grants.
pub(super) struct Row(pub(super) String, pub(super) String, pub(super) &'static str, pub(super) Time);

/// Writes what is desired.
pub(super) fn write_grants(folder: &Path, rows: &[Row]) -> Result<()> {
    let mut text = "holder\tobject\tlevel\texpires_at\n".to_owned();
    for Row(holder, object, level, ends) in rows {
        let ends = if ends.is_some() { ends.to_string() } else { String::new() };
        text += &format!("{holder}\t{object}\t{level}\t{ends}\n");
    }
    Ok(fs::write(folder.join("grants.tsv"), text)?)
}

/// Writes people who hold nothing.
pub(super) fn write_people(folder: &Path, people: u32) -> Result<()> {
    let people: String = (0..people).map(|i| format!("person{i:06}\n")).collect();
    Ok(fs::write(folder.join("people.tsv"), format!("identity\n{people}"))?)
}

/// A point at random, which a process that recovers may come to.
pub(super) fn drawn(numbers: &mut Numbers, points: &[&'static str]) -> (&'static str, u64) {
    let index = usize::try_from(numbers.below(points.len() as u64)).unwrap_or_default();
    (points.get(index).copied().unwrap_or("intent.durable"), 1 + numbers.below(3))
}
