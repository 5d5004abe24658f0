//! From a configuration to an engine: opens sources, targets and the rule module.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;

use super::Terminal;
use super::config::{AuditConfig, Config, ExportConfig, RuleConfig, SinkKind, TargetKind, WitnessKind};
use super::exit::{Exit, Failure, Outcome};
use super::progress::observer;
use crate::discover::{FileSource, Source};
use crate::engine::{Engine, EngineError, Options, Parts};
use crate::export::{Export, FileSink, HttpSink, Sink};
use crate::limits::{CODE_CACHE_BYTES, EXPORT_SETTLE_SECONDS, WITNESS_SETTLE_SECONDS};
use crate::model::Scopes;
use crate::notary::{AppendOnlyFile, HttpWitness, Keyring, Witness};
use crate::rule::{CacheError, CodeCache, Module, RuleEngine, RuleLimits, SettingValue, Settings, Worker};
use crate::target::{EmbeddedTarget, Target};

/// What this program is told when it is started to compile a module.
pub(super) const COMPILE: &str = "compile-module";

/// An engine for the time of one command. At its end witnesses get a moment, which is no more than that.
pub(super) struct Opened(Engine);

impl Deref for Opened {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.0
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // How far they are behind then is told by `audit checkpoint` and `status`.
        drop(self.0.settle_witnesses(Duration::from_secs(WITNESS_SETTLE_SECONDS)));
        drop(self.0.settle_exports(Duration::from_secs(EXPORT_SETTLE_SECONDS)));
        self.0.measure_state();
    }
}

/// Opens the engine of the configured tenant.
pub(super) fn engine(terminal: &Terminal<'_>) -> Outcome<Opened> {
    let config = Config::read(&terminal.common.config)?;
    let engine = exported(witnessed(watched(terminal, true)?, config.audit)?, config.exports)?;
    // A command has one engine that writes.
    drop(terminal.metrics.set(Arc::clone(engine.metrics())));
    Ok(Opened(engine))
}

/// The same beside a run, and without a rule: for pushing events to sinks by hand.
pub(super) fn exporter(terminal: &Terminal<'_>) -> Outcome<(Engine, usize)> {
    let mut config = Config::read(&terminal.common.config)?;
    config.audit.witnesses = Vec::new();
    let exports = std::mem::take(&mut config.exports);
    let count = exports.len();
    Ok((exported(logging(config)?, exports)?, count))
}

/// An engine that reads the log and no rule.
fn logging(mut config: Config) -> Outcome<Engine> {
    let (store, audit) = (config.store.clone(), std::mem::take(&mut config.audit));
    config.rule = None;
    witnessed(Engine::open_read_only(parts(config, None)?, &store)?, audit)
}

/// Names of the configured sinks.
pub(super) fn sinks(terminal: &Terminal<'_>) -> Outcome<Vec<String>> {
    let exports = Config::read(&terminal.common.config)?.exports;
    Ok(exports.into_iter().map(|export| export.into_inner().name).collect())
}

/// Lets the configured sinks have events.
fn exported(engine: Engine, exports: Vec<Spanned<ExportConfig>>) -> Outcome<Engine> {
    if exports.is_empty() {
        return Ok(engine);
    }
    let exports = exports.into_iter().map(|export| -> Outcome<Export> {
        let export = export.into_inner();
        let form = export.form().map_err(|problem| Failure::new(Exit::Config, anyhow::anyhow!(problem), "see `[[export]]`"))?;
        let sink: Arc<dyn Sink> = match export.kind {
            SinkKind::File => Arc::new(FileSink::new(&export.name, &export.path)),
            SinkKind::Http => Arc::new(HttpSink::new(&export.name, &export.url, form.envelope).map_err(EngineError::from)?),
        };
        Ok(Export::new(sink, form))
    });
    Ok(engine.exported_to(exports.collect::<Outcome<_>>()?)?)
}

/// Lets the configured keys sign, and the configured witnesses be told.
fn witnessed(engine: Engine, audit: AuditConfig) -> Outcome<Engine> {
    let Some(keys) = audit.keys else { return Ok(engine) };
    let engine = engine.signed_by(Keyring::open(&keys).map_err(EngineError::from)?);
    if audit.witnesses.is_empty() {
        return Ok(engine);
    }
    let witnesses = audit.witnesses.iter().map(|witness| -> Outcome<Arc<dyn Witness>> {
        match witness.kind {
            WitnessKind::File => Ok(Arc::new(AppendOnlyFile::new(&witness.name, &witness.path))),
            WitnessKind::Http => Ok(Arc::new(HttpWitness::new(&witness.name, &witness.url).map_err(EngineError::from)?)),
            #[cfg(unix)]
            WitnessKind::Syslog => Ok(Arc::new(crate::notary::Syslog::new(&witness.name, &witness.path))),
            #[cfg(not(unix))]
            WitnessKind::Syslog => {
                Err(Failure::new(Exit::Config, anyhow::anyhow!("this system has no such log"), "use a witness of kind `file`"))
            }
        }
    });
    Ok(engine.witnessed_by(witnesses.collect::<Outcome<_>>()?)?)
}

/// The same where nothing is signed: for emergencies, which no key and no witness may hold up.
pub(super) fn unsigned(terminal: &Terminal<'_>) -> Outcome<Engine> {
    watched(terminal, false)
}

fn watched(terminal: &Terminal<'_>, plans: bool) -> Outcome<Engine> {
    let config = Config::read(&terminal.common.config)?;
    let engine = under_rule(config, Engine::open, plans)?;
    Ok(engine.observed_by(observer(terminal.common.progress, &terminal.listener)))
}

/// Opens it for looking, beside a run.
pub(super) fn reader(terminal: &Terminal<'_>) -> Outcome<Engine> {
    under_rule(Config::read(&terminal.common.config)?, Engine::open_read_only, false)
}

/// The same without a rule, with the keys that name the log: for reading nothing but that.
pub(super) fn log(terminal: &Terminal<'_>) -> Outcome<Engine> {
    let mut config = Config::read(&terminal.common.config)?;
    (config.exports, config.audit.witnesses) = (Vec::new(), Vec::new());
    logging(config)
}

/// The same with the keys that sign, but without witnesses.
pub(super) fn signer(terminal: &Terminal<'_>) -> Outcome<Engine> {
    let audit = Config::read(&terminal.common.config)?.audit;
    witnessed(reader(terminal)?, AuditConfig { witnesses: Vec::new(), ..audit })
}

/// The same with both.
pub(super) fn notary(terminal: &Terminal<'_>) -> Outcome<Engine> {
    witnessed(reader(terminal)?, Config::read(&terminal.common.config)?.audit)
}

/// An engine under the rule that the configuration names, or the one that was promoted; beside it the one that shadows it. Where it
/// plans, the component is kept, so that it can judge again when a run is replayed.
fn under_rule(config: Config, open: impl FnOnce(Parts, &Path) -> Result<Engine, EngineError>, plans: bool) -> Outcome<Engine> {
    let (store, rule) = (config.store.clone(), config.rule.clone());
    let code = store.join("code");
    let loaded = |component: &[u8], rule: &RuleConfig| load(component, cache(&code)?, &rule.limits);
    let named = rule.as_ref().and_then(|rule| Some((rule, rule.module.as_ref()?)));
    let component = named.map(|(rule, path)| read(path).map(|component| (rule, component))).transpose()?;
    let named = component.as_ref().map(|(rule, component)| loaded(component, rule)).transpose()?;
    let managed = named.is_none();
    let plans = plans && config.retention.recordings > 0;
    let mut engine = open(parts(config, named)?, &store)?;
    if let Some((_, component)) = component.filter(|_| plans) {
        engine.recordings().keep_component(&component)?;
    }
    let Some(rule) = rule else { return Ok(engine) };
    let rollout = engine.rollout()?;
    let judge = |engine: &Engine, digest| {
        let module = loaded(&engine.component(digest)?, &rule)?;
        let settings = settings(&module, rule.settings.clone())?;
        Ok((module, settings))
    };
    if let Some(live) = rollout.live().filter(|_| managed) {
        let (module, settings) = judge(&engine, live)?;
        if plans {
            engine.recordings().keep_component(&engine.component(live)?)?;
        }
        engine = engine.judged_by(module, settings);
    }
    if let Some(shadow) = rollout.shadow() {
        engine = match judge(&engine, shadow) {
            Ok((module, settings)) => engine.shadowed_by(module, settings),
            // It stops nobody's work: the report of each plan tells.
            Err(failure) => engine.shadow_missing(shadow, Failure::message(&failure)),
        };
    }
    Ok(engine)
}

/// Compiled code of this store.
pub(super) fn cache(folder: &Path) -> Outcome<Option<CodeCache>> {
    match CodeCache::open(folder, CODE_CACHE_BYTES) {
        Ok(cache) => Ok(Some(cache)),
        // A store that cannot be written is told of where it matters; looking at one needs no cache.
        Err(CacheError::Io { .. }) => Ok(None),
        Err(error) => Err(Failure::new(Exit::Config, error, "nothing was run; the folder holds nothing but compiled code")),
    }
}

/// The configured tenant's engine without any rule: for steps of rules, which must be possible whatever is wrong with one. And
/// what the configuration says of the rule.
pub(super) fn without_rule(terminal: &Terminal<'_>, read_only: bool) -> Outcome<(Engine, RuleConfig)> {
    let mut config = Config::read(&terminal.common.config)?;
    let (store, rule, audit) = (config.store.clone(), config.rule.take(), std::mem::take(&mut config.audit));
    let parts = parts(config, None)?;
    let engine = match read_only {
        true => Engine::open_read_only(parts, &store)?,
        false => witnessed(Engine::open(parts, &store)?, audit)?,
    };
    Ok((engine, rule.unwrap_or_default()))
}

/// What compiles and runs rules, for this program: compiling is done in a process of its own, which may be killed.
pub(super) fn rules(cache: Option<CodeCache>, limits: &RuleLimits) -> Outcome<RuleEngine> {
    let engine = RuleEngine::new(limits).map_err(EngineError::from)?;
    let engine = engine.compiled_by(Worker::new(std::env::current_exe()?, vec![COMPILE.into()]));
    Ok(match cache {
        Some(cache) => engine.with_cache(cache),
        None => engine,
    })
}

/// Opens what an engine is made of.
pub(super) fn parts(config: Config, module: Option<Arc<Module>>) -> Outcome<Parts> {
    let given = config.rule.map(|rule| rule.settings).unwrap_or_default();
    let settings = module.as_ref().map(|module| settings(module, given)).transpose()?.unwrap_or_default();
    let mut sources: Vec<Arc<dyn Source>> = Vec::new();
    for source in config.sources {
        sources.push(Arc::new(FileSource::open(source.into_inner(), &config.folder).map_err(EngineError::from)?));
    }
    let mut targets: Vec<Arc<dyn Target>> = Vec::new();
    for target in config.targets {
        let target = target.into_inner();
        targets.push(match target.kind {
            TargetKind::Embedded => Arc::new(embedded(&target.path, &target.name)?),
        });
    }
    let scopes = Scopes(config.scopes.into_iter().map(toml::Spanned::into_inner).collect());
    let options = Options {
        slice: config.run.slice,
        threads: config.run.threads,
        debt: config.debt,
        reuse: config.run.reuse,
        recordings: config.retention.recordings,
        max_age: i64::from(config.run.max_age_hours) * 3_600,
        ..Options::default()
    };
    Ok(Parts { tenant: config.tenant, sources, targets, module, settings, scopes, sink: None, options })
}

fn embedded(path: &Path, name: &str) -> Outcome<EmbeddedTarget> {
    EmbeddedTarget::open(path, name).map_err(|error| {
        let message = anyhow::Error::new(error).context(format!("cannot open target `{name}` in `{}`", path.display()));
        Failure::new(Exit::Config, message, "`path` names a file that trueup made, or one that does not exist yet")
    })
}

/// Another version of the configured rule, under the configured settings.
pub(super) fn version(terminal: &Terminal<'_>, path: &Path) -> Outcome<(Arc<Module>, Settings)> {
    let config = Config::read(&terminal.common.config)?;
    let rule = config.rule.unwrap_or_default();
    let module = load(&read(path)?, None, &rule.limits)?;
    let settings = settings(&module, rule.settings)?;
    Ok((module, settings))
}

pub(super) fn settings(module: &Module, given: BTreeMap<String, toml::Value>) -> Outcome<Settings> {
    let given = given.into_iter().map(|(name, value)| Ok((name.clone(), setting(&name, value)?)));
    Ok(module.check_settings(&given.collect::<Outcome<_>>()?).map_err(EngineError::from)?)
}

/// Loads a rule module.
pub(super) fn module(path: &Path) -> Outcome<Arc<Module>> {
    load(&read(path)?, None, &RuleLimits::default())
}

pub(super) fn read(path: &Path) -> Outcome<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        let message = anyhow::Error::new(error).context(format!("cannot read the rule module `{}`", path.display()));
        Failure::new(Exit::Module, message, "build one with `trueup rule build`")
    })
}

/// Admits a component.
pub(super) fn load(component: &[u8], cache: Option<CodeCache>, limits: &RuleLimits) -> Outcome<Arc<Module>> {
    Ok(Arc::new(Module::load(&rules(cache, limits)?, component).map_err(EngineError::from)?))
}

fn setting(name: &str, value: toml::Value) -> Outcome<SettingValue> {
    let wrong = || {
        Failure::new(
            Exit::Config,
            anyhow::anyhow!("setting `{name}` is no text, integer, boolean or list of texts"),
            "see `trueup status`",
        )
    };
    Ok(match value {
        toml::Value::String(text) => SettingValue::Text(text),
        toml::Value::Integer(number) => SettingValue::Integer(number),
        toml::Value::Boolean(flag) => SettingValue::Boolean(flag),
        toml::Value::Array(items) => {
            let texts = items.into_iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong));
            SettingValue::Texts(texts.collect::<Outcome<_>>()?)
        }
        _ => return Err(wrong()),
    })
}

/// Runs a future on a runtime of its own: commands are plain functions.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> Outcome<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build()?;
    Ok(runtime.block_on(future))
}
