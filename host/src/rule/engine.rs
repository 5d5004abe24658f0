//! The engine that modules of one profile share, and the clock tick that lets it interrupt a call.

use std::hash::{Hash as _, Hasher};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Config, Engine};

use super::bindings::RuleModule;
use super::guard::Guard;
use super::limits::RuleLimits;
use super::pool::{Places, Pool};
use super::profile;
use super::shares::Shares;
use super::{CodeCache, Worker};
use crate::model::Digest;

/// How often the backstop looks: far below a second, which is its unit, and far above what a tick costs.
pub(crate) const TICKS_PER_SECOND: u64 = 10;

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The engine does not take the profile on this machine.
    #[error("this machine cannot run rules under `{profile}`: {detail}")]
    Unsupported {
        /// The profile.
        profile: &'static str,
        /// What the engine says.
        detail: String,
    },
    /// The thread of the backstop did not start.
    #[error("cannot start the thread that interrupts rules")]
    Ticker(#[source] std::io::Error),
}

/// Compiles and runs rule modules under the determinism profile. Cheap to clone. One is enough for a process, and one there should
/// be: those who judge at the same time by modules of one engine share the processors evenly, each at least one thread.
#[derive(Clone)]
pub struct RuleEngine {
    pub(crate) engine: Engine,
    pub(crate) linker: Arc<Linker<Guard>>,
    pub(crate) ticker: Arc<Ticker>,
    pub(crate) limits: RuleLimits,
    /// Taken once: each module that is loaded asks for it.
    fingerprint: Digest,
    /// Of a pool, if there is one.
    pub(super) places: Option<Arc<Places>>,
    pub(super) shares: Arc<Shares>,
    pub(super) cache: Option<Arc<CodeCache>>,
    pub(super) worker: Option<Arc<Worker>>,
}

impl RuleEngine {
    /// An engine whose modules have these limits, unless [`super::Module::with_limits`] sets others.
    ///
    /// # Errors
    /// When the machine cannot run rules, or the thread of the backstop does not start.
    pub fn new(limits: &RuleLimits) -> Result<Self, EngineError> {
        Self::with(limits, &profile::config(), None)
    }

    /// An engine that keeps instances ready, which makes judging cheaper by a quarter or so. It is a choice and not the rule, because
    /// memory is then used again by other tenants' instances, cleared by the engine: a mistake there, as there was one before, would
    /// show one tenant's data to another's module. No module gets more memory or tables than these limits, whatever its own say.
    ///
    /// # Errors
    /// As for [`RuleEngine::new`]; also when there is no room to reserve so many instances.
    pub fn pooled(limits: &RuleLimits, pool: Pool) -> Result<Self, EngineError> {
        let mut config = profile::config();
        pool.configure(limits, &mut config);
        Self::with(limits, &config, Some(Places::new(pool)))
    }

    /// An engine of this configuration, which must be the profile's in all that can change an answer.
    pub(super) fn with(limits: &RuleLimits, config: &Config, places: Option<Arc<Places>>) -> Result<Self, EngineError> {
        let unsupported = |error: wasmtime::Error| EngineError::Unsupported {
            profile: profile::PROFILE,
            detail: error.root_cause().to_string(),
        };
        let engine = Engine::new(config).map_err(unsupported)?;
        let mut linker = Linker::new(&engine);
        RuleModule::add_to_linker::<_, HasSelf<Guard>>(&mut linker, |guard| guard).map_err(unsupported)?;
        let ticker = Ticker::start(engine.clone()).map_err(EngineError::Ticker)?;
        let shares = Shares::new(thread::available_parallelism().map_or(1, usize::from));
        let (linker, ticker, fingerprint) = (Arc::new(linker), Arc::new(ticker), fingerprint(&engine));
        Ok(RuleEngine { engine, linker, ticker, limits: *limits, fingerprint, places, shares, cache: None, worker: None })
    }

    /// Stands for the exact engine: its version and settings, this machine's processor included. Answers do not depend
    /// on it as far as the profile promises; compiled code does.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    /// The same engine, which keeps the code that it compiles here and takes what was compiled before.
    #[must_use]
    pub fn with_cache(mut self, cache: CodeCache) -> Self {
        self.cache = Some(Arc::new(cache));
        self
    }

    /// The same engine, which has components compiled by this worker instead of in this process.
    #[must_use]
    pub fn compiled_by(mut self, worker: Worker) -> Self {
        self.worker = Some(Arc::new(worker));
        self
    }
}

pub(super) fn fingerprint(engine: &Engine) -> Digest {
    let mut hasher = ShaHasher(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    Digest(hasher.0.finalize().into())
}

struct ShaHasher(Sha256);

impl Hasher for ShaHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        Digest(self.0.clone().finalize().into()).prefix()
    }
}

/// Moves the engine's epoch at a fixed rate until it is dropped. Each call counts its own ticks, so that one tenant's
/// time-out does not interrupt another.
pub(crate) struct Ticker {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    fn start(engine: Engine) -> std::io::Result<Self> {
        let (stop, stopped) = mpsc::channel::<()>();
        let tick = Duration::from_millis(1_000 / TICKS_PER_SECOND);
        let thread = thread::Builder::new().name("trueup-ticker".to_owned()).spawn(move || {
            while stopped.recv_timeout(tick) == Err(RecvTimeoutError::Timeout) {
                engine.increment_epoch();
            }
        })?;
        Ok(Ticker { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        // Hanging up wakes the thread.
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It does nothing that can fail.
            let _ = thread.join();
        }
    }
}
