//! Small and large estates made in a folder, and an engine over them: what tests of the whole library stand on.

use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use trueup::Clock;
use trueup::discover::{FileConfig, FileSource, Source};
use trueup::engine::{Engine, Options, Parts};
use trueup::model::{Mode, Scope, Scopes, Time};
use trueup::rule::{Module, RuleEngine, RuleLimits};
use trueup::target::{EmbeddedTarget, Target};

/// The instant of all plans over these estates.
pub const AS_OF: Time = Time::from_seconds(1_772_323_200);

/// A generator of numbers that is the same everywhere: 64-bit linear congruential, upper bits.
#[derive(Clone, Copy, Debug)]
pub struct Numbers(pub u64);

impl Numbers {
    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound.max(1)
    }

    /// Shuffles in place.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.below(i as u64 + 1) as usize;
            items.swap(i, j);
        }
    }
}

/// A clock that stands still: the instant of a simulated run.
#[derive(Clone, Copy, Debug)]
pub struct StandingClock(pub Time);

#[trueup::async_trait]
impl Clock for StandingClock {
    fn now(&self) -> Time {
        self.0
    }

    async fn sleep(&self, _: u32) {}
}

/// How an engine over a folder is set up.
pub struct Setup<'a> {
    /// The rule's component.
    pub component: &'a [u8],
    /// Names of TSV files with columns holder, object, level.
    pub files: &'a [&'a str],
    /// Threads that judge.
    pub threads: usize,
    /// Changes per slice.
    pub slice: u32,
    /// The mode of the one scope.
    pub mode: Mode,
}

/// Writes desired rows (holder, object, level) as TSV.
///
/// # Errors
/// When the file cannot be written.
pub fn write_tsv<'a>(path: &Path, rows: impl Iterator<Item = &'a (String, String, String)>) -> Result<()> {
    let mut out = BufWriter::new(fs::File::create(path)?);
    writeln!(out, "holder\tobject\tlevel")?;
    for (holder, object, level) in rows {
        writeln!(out, "{holder}\t{object}\t{level}")?;
    }
    Ok(out.flush()?)
}

/// A source over one of these files, believed to be complete.
///
/// # Errors
/// When it is no sound configuration.
pub fn source(folder: &Path, file: &str) -> Result<Arc<dyn Source>> {
    let config: FileConfig = serde_json::from_value(serde_json::json!({
        "name": file, "path": file, "kind": "grants", "target": "crm", "complete": "always",
    }))?;
    Ok(Arc::new(FileSource::open(config, folder)?))
}

/// An engine over a folder that holds the files, the target `crm.db` and the store.
///
/// # Errors
/// When a part cannot be opened.
pub fn engine(folder: &Path, setup: &Setup<'_>) -> Result<Engine> {
    engine_within(&RuleEngine::new(&RuleLimits::default())?, folder, setup)
}

/// The same, with a rule that shares its sandbox with others.
///
/// # Errors
/// When a part cannot be opened.
pub fn engine_within(rules: &RuleEngine, folder: &Path, setup: &Setup<'_>) -> Result<Engine> {
    let module = Module::load(rules, setup.component)?;
    let settings = module.check_settings(&Default::default())?;
    let sources = setup.files.iter().map(|file| source(folder, file)).collect::<Result<_>>()?;
    let target: Arc<dyn Target> = Arc::new(EmbeddedTarget::open(&folder.join("crm.db"), "crm")?);
    let mut options = Options::default();
    options.threads = setup.threads;
    options.slice = setup.slice;
    options.reuse = true;
    let scopes = Scopes(vec![Scope { target: "crm".to_owned(), objects: "*".to_owned(), mode: setup.mode }]);
    let parts = Parts {
        tenant: "acme".to_owned(),
        sources,
        targets: vec![target],
        module: Some(Arc::new(module)),
        settings,
        scopes,
        sink: None,
        options,
    };
    Ok(Engine::open(parts, &store(folder))?)
}

/// The store's folder.
#[must_use]
pub fn store(folder: &Path) -> PathBuf {
    folder.join("store")
}

/// Waits for a future on a runtime of its own.
///
/// # Errors
/// When the runtime does not start.
pub fn block_on<T>(future: impl Future<Output = T>) -> Result<T> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_time().build()?.block_on(future))
}
