//! The one place that knows the order of the stages. Owns a run from its first page to its last checkpoint; each stage's
//! work is the stage's own.

mod amending;
mod answers;
mod apart;
mod asking;
mod beside;
#[cfg(feature = "cli")]
mod capturing;
mod clock;
mod committing;
mod comparing;
mod dealing;
mod denials;
mod emergency;
mod error;
mod explaining;
mod exporting;
mod gates;
mod joining;
mod judging;
#[cfg_attr(not(feature = "metrics"), path = "unmeasured.rs")]
mod measuring;
mod owing;
mod parting;
mod picking;
mod planning;
mod pruning;
mod recording;
mod redacting;
mod remembering;
mod replacing;
mod replay;
mod report;
mod resting;
mod resuming;
mod rollout;
mod signing;
mod store;
#[cfg(all(test, feature = "files"))]
mod tests;
mod undoing;
#[cfg(feature = "wasm")]
mod uploading;
mod verifying;
mod work;

pub use amending::Amended;
pub use asking::{
    Account, Attachment, Beginning, Covering, Given, Happened, History, Holder, Holders, Kept, Looked, Moment, Next, Observed,
    Pace, Performance, Planning, Removal, Shown, SourceRow, Span, Why, Windows,
};
#[cfg(feature = "cli")]
pub use capturing::{Captured, Wanted};
pub use committing::Applied;
#[cfg(feature = "cli")]
pub(crate) use comparing::Comparing;
pub use comparing::{Comparison, Difference, Differences, Fate};
pub use denials::Lift;
pub use emergency::Revocation;
pub use error::EngineError;
pub use explaining::Explanation;
pub use gates::{Holds, Release, WaitingChange, WaitingScan};
pub use owing::Owed;
pub use planning::Planned;
pub use pruning::{Needed, Prunable, Pruned, Pruning};
pub use redacting::Redacted;
pub use replay::{
    Divergence, RECORDING_FORMAT, RecordedTarget, Recording, Recordings, Replayed, Replaying, Verdict as ReplayVerdict,
};
pub use report::{BatchFault, RunReport, Spared};
pub use resting::rests_until;
pub use rollout::Signed;
pub use store::Store;
pub use verifying::Whole;
pub use work::WorkItem;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::audit::LogHead;
use crate::commit::{Clock, Flow};
use crate::debt::Terms;
use crate::discover::Source;
use crate::export::Exporter;
use crate::ledger::{Ledger, Owned, Query, Rows, RunRow, SqliteLedger, StoredLeaf};
use crate::model::{Digest, Encoder, Scopes, Time};
use crate::notary::{Notary, Pusher};
use crate::progress::{Observer, Silent};
use crate::rule::{Module, RuleFacts, Settings};
use crate::target::{SecretSink, Target};
use crate::telemetry::{stage, within};

/// How a run works. None of it can change a plan.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Changes per slice.
    pub slice: u32,
    /// How much is sent side by side.
    pub flow: Flow,
    /// Threads that judge, and that verify the log; zero: one per core.
    pub threads: usize,
    /// Facts of one part of a plan: what is in memory at once, about.
    pub part: u64,
    /// A source read longer ago than this many seconds is not believed. (This one can: it decides what is unknown.)
    pub max_age: i64,
    /// From when on access counts as debt.
    pub debt: Terms,
    /// Whether a batch that looks as it did in the last run gets its answer of then, for as long as the rule says that it
    /// holds. A sample is judged again, and a rule that breaks its word is not believed any more. Off unless asked for: it
    /// pays where a rule takes long, and only there.
    pub reuse: bool,
    /// How many runs can be replayed: the newest ones. Zero: nothing is recorded.
    pub recordings: u32,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            slice: crate::limits::SLICE_CHANGES,
            flow: Flow::default(),
            threads: 0,
            part: crate::limits::PART_FACTS,
            max_age: 7 * 86_400,
            debt: Terms::default(),
            reuse: false,
            recordings: crate::limits::RECORDINGS_KEPT,
        }
    }
}

/// What an engine is made of.
pub struct Parts {
    /// The tenant's name.
    pub tenant: String,
    /// Where desired state comes from.
    pub sources: Vec<Arc<dyn Source>>,
    /// What holds access.
    pub targets: Vec<Arc<dyn Target>>,
    /// The rule; none: the host only does its own duties, such as ending what has expired.
    pub module: Option<Arc<Module>>,
    /// Its settings, checked.
    pub settings: Settings,
    /// Where may be written, and how far.
    pub scopes: Scopes,
    /// Where issued secret material goes; none: nothing can be issued that has any.
    pub sink: Option<Arc<dyn SecretSink>>,
    /// How a run works.
    pub options: Options,
}

/// Trues up one tenant.
pub struct Engine {
    parts: Parts,
    rule: RuleFacts,
    /// What judges beside the rule.
    beside: Option<beside::Beside>,
    store: Store,
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    calls: emergency::Calls,
    at_work: AtomicBool,
    notary: Option<Notary>,
    pusher: Option<Pusher>,
    exporter: Option<Exporter>,
    #[cfg(feature = "metrics")]
    metrics: Arc<crate::telemetry::Metrics>,
}

/// The right to write, for as long as one call of this engine is at work.
struct Turn<'e> {
    owned: Owned,
    at_work: &'e AtomicBool,
}

impl Deref for Turn<'_> {
    type Target = Owned;

    fn deref(&self) -> &Owned {
        &self.owned
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.at_work.store(false, Ordering::Release);
    }
}

impl Engine {
    /// An engine with its store in this folder, on the machine's clock, that tells nobody of its progress.
    ///
    /// # Errors
    /// When the store cannot be made, or its ledger is in use, damaged or newer.
    pub fn open(parts: Parts, store: &Path) -> Result<Self, EngineError> {
        let store = Store::open(store)?;
        let ledger = SqliteLedger::open(&store.ledger())?;
        Ok(Self::with_ledger(parts, store, Arc::new(ledger)))
    }

    /// An engine that looks but cannot write its ledger: for `status`, `holds` and `explain` beside a run.
    ///
    /// # Errors
    /// As for [`Engine::open`], except that the ledger may be in use.
    pub fn open_read_only(parts: Parts, store: &Path) -> Result<Self, EngineError> {
        let store = Store::open(store)?;
        let ledger = SqliteLedger::open_read_only(&store.ledger())?;
        Ok(Self::with_ledger(parts, store, Arc::new(ledger)))
    }

    /// An engine on another ledger.
    #[must_use]
    pub fn with_ledger(parts: Parts, store: Store, ledger: Arc<dyn Ledger>) -> Self {
        let rule = parts.module.as_ref().map_or_else(RuleFacts::absent, |module| module.facts().clone());
        let (clock, observer) = (Arc::new(crate::commit::SystemClock), Arc::new(Silent));
        let (calls, at_work) = (emergency::Calls::new(&store), AtomicBool::new(false));
        let (notary, pusher, exporter) = (None, None, None);
        Engine {
            parts,
            rule,
            beside: None,
            store,
            ledger,
            clock,
            observer,
            calls,
            at_work,
            notary,
            pusher,
            exporter,
            #[cfg(feature = "metrics")]
            metrics: Arc::default(),
        }
    }

    /// Tells its progress to this observer.
    #[must_use]
    pub fn observed_by(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// Asks this clock.
    #[must_use]
    pub fn on_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The ledger.
    #[must_use]
    pub fn ledger(&self) -> &dyn Ledger {
        &*self.ledger
    }

    /// What it is made of.
    #[must_use]
    pub const fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Plans and commits in one go.
    ///
    /// # Errors
    /// As for [`Engine::plan`] and [`Engine::apply`].
    pub async fn run(&self, as_of: Option<Time>) -> Result<(Planned, Applied), EngineError> {
        let span = stage!("run", tenant = self.parts.tenant.as_str());
        let result = within(span, self.plan_and_apply(as_of)).await;
        self.measure_call("run", &result);
        result
    }

    async fn plan_and_apply(&self, as_of: Option<Time>) -> Result<(Planned, Applied), EngineError> {
        let owned = self.acquire()?;
        let planned = self.plan_owned(&owned, as_of, true).await?;
        let applied = self.apply_owned(&owned, planned.plan).await?;
        self.checkpoint()?;
        Ok((planned, applied))
    }

    /// The newest runs first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn runs(&self, count: u32) -> Result<Vec<RunRow>, EngineError> {
        match self.ledger.read(&self.parts.tenant, &Query::Runs(count))? {
            Rows::Runs(runs) => Ok(runs),
            _ => Ok(Vec::new()),
        }
    }

    /// Size and root of the audit log.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn log_head(&self) -> Result<LogHead, EngineError> {
        match self.ledger.read(&self.parts.tenant, &Query::LogHead)? {
            Rows::LogHead(head) => Ok(head),
            _ => Ok(LogHead::default()),
        }
    }

    /// Leaves of the audit log from an index on, at most so many.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn leaves(&self, from: u64, count: u32) -> Result<Vec<StoredLeaf>, EngineError> {
        match self.ledger.read(&self.parts.tenant, &Query::Leaves(from, count))? {
            Rows::Leaves(leaves) => Ok(leaves),
            _ => Ok(Vec::new()),
        }
    }

    /// Takes the right to write, where the log goes on from what was signed of it.
    fn acquire(&self) -> Result<Turn<'_>, EngineError> {
        let turn = self.acquire_whatever_was_signed()?;
        self.checkpoint()?;
        Ok(turn)
    }

    /// Takes the right to write; a second call beside a first would fence it.
    fn acquire_whatever_was_signed(&self) -> Result<Turn<'_>, EngineError> {
        if self.at_work.swap(true, Ordering::Acquire) {
            return Err(EngineError::AtWork);
        }
        match self.ledger.acquire(&self.parts.tenant) {
            Ok(owned) => Ok(Turn { owned, at_work: &self.at_work }),
            Err(error) => {
                self.at_work.store(false, Ordering::Release);
                Err(error.into())
            }
        }
    }

    fn targets_by_name(&self) -> BTreeMap<String, Arc<dyn Target>> {
        self.parts.targets.iter().map(|target| (target.name().to_owned(), Arc::clone(target))).collect()
    }

    fn threads(&self) -> usize {
        match self.parts.options.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        }
    }

    /// What a run must have in common with the one that it resumes.
    fn basis(&self) -> Digest {
        self.basis_of(resuming::RUN_FORMAT)
    }

    /// The same, as a run of this format would have it.
    fn basis_of(&self, format: u32) -> Digest {
        let mut encoder = Encoder::new("trueup.basis");
        encoder.number(i64::from(format)).number(i64::from(crate::plan::PLANNER));
        encoder.text(&self.parts.tenant).text(&self.rule.profile);
        encoder.bytes(&self.rule.module.0).bytes(&self.settings_digest().0).bytes(&self.scopes_digest().0);
        if let Some(limits) = &self.rule.limits {
            encoder.bytes(&limits.0);
        }
        for source in &self.parts.sources {
            encoder.text(source.name());
        }
        for target in &self.parts.targets {
            encoder.text(target.name()).bytes(&target.profile().digest().0);
        }
        encoder.finish()
    }

    fn settings_digest(&self) -> Digest {
        // Settings are plain texts, numbers and flags: they are always JSON.
        Digest::of(crate::model::canonical_json(&self.parts.settings).unwrap_or_default().as_bytes())
    }

    fn scopes_digest(&self) -> Digest {
        let mut encoder = Encoder::new("trueup.scopes");
        for scope in &self.parts.scopes.0 {
            encoder.text(&scope.target).text(&scope.objects).number(scope.mode as i64);
        }
        encoder.finish()
    }
}
