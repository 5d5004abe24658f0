//! The configuration file: TOML whose errors point at the line. Owns its shape and its checks; builds nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::exit::{Exit, Failure};
use crate::discover::FileConfig;
use crate::export::{Envelope, Form, Format};
use crate::model::Scope;
use crate::rule::RuleLimits;

/// One tenant, as a file describes it. Relative paths start at the file's own folder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The tenant's name.
    pub tenant: String,
    /// Folder of the ledger, plans and pages.
    #[serde(default = "default_store")]
    pub store: PathBuf,
    /// The rule module and its settings; without one, only what has expired or was denied is ended.
    pub rule: Option<RuleConfig>,
    /// Where desired state comes from.
    #[serde(default, rename = "source")]
    pub sources: Vec<Spanned<FileConfig>>,
    /// What holds access.
    #[serde(default, rename = "target")]
    pub targets: Vec<Spanned<TargetConfig>>,
    /// What may be written, first match wins; nothing matches: only observed.
    #[serde(default, rename = "scope")]
    pub scopes: Vec<Spanned<Scope>>,
    /// How a run works.
    #[serde(default)]
    pub run: RunConfig,
    /// How long things are kept.
    #[serde(default)]
    pub retention: RetentionConfig,
    /// Who signs the log and who is told of it.
    #[serde(default)]
    pub audit: AuditConfig,
    /// Where events of the log go.
    #[serde(default, rename = "export")]
    pub exports: Vec<Spanned<ExportConfig>>,
    /// From when on access counts as debt.
    #[serde(default)]
    pub debt: crate::debt::Terms,
    /// Until when a removal is in time.
    #[serde(default)]
    pub performance: crate::engine::Windows,
    /// The file's own folder.
    #[serde(skip)]
    pub folder: PathBuf,
}

fn default_store() -> PathBuf {
    "trueup-store".into()
}

/// The rule module.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleConfig {
    /// The component. Without it, the module that was promoted decides.
    pub module: Option<PathBuf>,
    /// What it may use; what is not named is as usual.
    #[serde(default)]
    pub limits: RuleLimits,
    /// Its settings; `trueup status` lists those that it knows.
    #[serde(default)]
    pub settings: BTreeMap<String, toml::Value>,
}

/// A target.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetConfig {
    /// Its name, as sources write it.
    pub name: String,
    /// What kind of system.
    pub kind: TargetKind,
    /// For `embedded`: its file, made when it does not exist.
    pub path: PathBuf,
}

/// What kinds of targets the command line can open. An embedder brings its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// An access system in one SQLite file.
    Embedded,
}

/// Evidence of the log.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditConfig {
    /// Folder of the keys that sign; nothing is signed without. It should not be in the store, nor be copied with it.
    pub keys: Option<PathBuf>,
    /// Where checkpoints are pushed to.
    #[serde(rename = "witness")]
    pub witnesses: Vec<WitnessConfig>,
}

/// A witness.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessConfig {
    /// Its name: letters, digits, `-` and `_`.
    pub name: String,
    /// What kind of place.
    pub kind: WitnessKind,
    /// The file, or the socket of the system's log.
    #[serde(default)]
    pub path: PathBuf,
    /// Where a witness of kind `http` is: `http://127.0.0.1:8080/checkpoints`.
    #[serde(default)]
    pub url: String,
}

/// What kinds of witnesses the command line knows. An embedder brings its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WitnessKind {
    /// A file that is only appended to.
    File,
    /// The system's log, by datagrams of RFC 5424.
    Syslog,
    /// A server that is sent each checkpoint by POST, without TLS: usually a proxy on this host.
    Http,
}

/// A sink of events.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportConfig {
    /// Its name: letters, digits, `-` and `_`.
    pub name: String,
    /// What kind of place.
    pub kind: SinkKind,
    /// For `file`: the file, appended to and put aside when it is large.
    #[serde(default)]
    pub path: PathBuf,
    /// For `http`: where it is, `http://127.0.0.1:8080/events`.
    #[serde(default)]
    pub url: String,
    /// `ocsf` or `leaf`.
    #[serde(default)]
    pub format: EventFormat,
    /// Version of the format; of `ocsf`: 1.8, which is the default, or 1.9.
    #[serde(default)]
    pub version: Option<String>,
    /// What each event is wrapped in.
    #[serde(default)]
    pub envelope: EventEnvelope,
    /// Whether the states before and after a change go along, with `format = "leaf"` alone.
    #[serde(default)]
    pub states: bool,
}

/// What kinds of sinks the command line knows. An embedder brings its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SinkKind {
    /// A file of JSON Lines.
    File,
    /// A server that is sent events by POST, without TLS: usually a proxy on this host.
    Http,
}

/// What events are written as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventFormat {
    /// Events of OCSF.
    #[default]
    Ocsf,
    /// Leaves as they are in the log.
    Leaf,
}

/// What events are wrapped in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventEnvelope {
    /// Nothing.
    #[default]
    None,
    /// CloudEvents 1.0.
    #[serde(rename = "cloudevents")]
    CloudEvents,
}

impl ExportConfig {
    /// How its events are written; else what is wrong with it.
    ///
    /// # Errors
    /// When format, version and states do not go together.
    pub fn form(&self) -> Result<Form, String> {
        let format = match (self.format, self.version.as_deref()) {
            (EventFormat::Leaf, None) => Format::Leaf,
            (EventFormat::Leaf, Some(version)) => return Err(format!("the format `leaf` has no version `{version}`")),
            (EventFormat::Ocsf, version) => format!("ocsf-{}", version.unwrap_or("1.8")).parse()?,
        };
        let envelope = match self.envelope {
            EventEnvelope::None => Envelope::None,
            EventEnvelope::CloudEvents => Envelope::CloudEvents,
        };
        if self.states && format != Format::Leaf {
            return Err("events of `ocsf` have no place for states".to_owned());
        }
        Ok(Form { format, envelope, states: self.states })
    }
}

/// How a run works.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunConfig {
    /// Changes per slice.
    pub slice: u32,
    /// Threads that judge, and that verify the log; zero: one per core.
    pub threads: usize,
    /// A source read longer ago than this is not believed, in hours.
    pub max_age_hours: u32,
    /// Whether batches that did not change get the answers that the rule gave before, while they hold.
    pub reuse: bool,
}

/// How long things are kept.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionConfig {
    /// Runs that can be replayed: the newest ones. Zero: nothing is recorded.
    pub recordings: u32,
}

impl Default for RetentionConfig {
    fn default() -> Self {
        RetentionConfig { recordings: crate::limits::RECORDINGS_KEPT }
    }
}

impl Default for RunConfig {
    fn default() -> Self {
        RunConfig { slice: crate::limits::SLICE_CHANGES, threads: 0, max_age_hours: 24 * 7, reuse: false }
    }
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// When it cannot be read, or a line of it is wrong; the message names file, line and column.
    pub fn read(path: &Path) -> Result<Config, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let message = anyhow::Error::new(error).context(format!("cannot read the configuration `{}`", path.display()));
            Failure::new(Exit::Config, message, "name one with --config, or begin with the example in the README")
        })?;
        Self::parse(&text, &path.display().to_string(), path.parent().unwrap_or(Path::new("")))
    }

    fn parse(text: &str, name: &str, folder: &Path) -> Result<Config, Failure> {
        let mut config: Config = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            wrong(text, name, at, error.message().trim_end(), "every key is described in the README")
        })?;
        config.check(text, name)?;
        config.absolute(folder);
        Ok(config)
    }

    fn check(&self, text: &str, name: &str) -> Result<(), Failure> {
        let mut targets = BTreeSet::new();
        for target in &self.targets {
            if !targets.insert(target.get_ref().name.as_str()) {
                let problem = format!("there are two targets named `{}`", target.get_ref().name);
                return Err(wrong(text, name, target.span().start, &problem, "give each target a name of its own"));
            }
        }
        let known = || targets.iter().copied().collect::<Vec<_>>().join("`, `");
        let mut sources = BTreeSet::new();
        for source in &self.sources {
            let config = source.get_ref();
            if !sources.insert(config.name.as_str()) {
                let problem = format!("there are two sources named `{}`", config.name);
                return Err(wrong(text, name, source.span().start, &problem, "give each source a name of its own"));
            }
            if let Some(target) = config.target.iter().chain(&config.covers).find(|target| !targets.contains(target.as_str())) {
                let problem = format!("source `{}` speaks for `{target}`, which is no target", config.name);
                return Err(wrong(text, name, source.span().start, &problem, &format!("targets are `{}`", known())));
            }
        }
        for scope in &self.scopes {
            if !targets.contains(scope.get_ref().target.as_str()) {
                let problem = format!("a scope names `{}`, which is no target", scope.get_ref().target);
                return Err(wrong(text, name, scope.span().start, &problem, &format!("targets are `{}`", known())));
            }
        }
        let mut sinks = BTreeSet::new();
        for export in &self.exports {
            let config = export.get_ref();
            let at = export.span().start;
            if !sinks.insert(config.name.as_str()) {
                let problem = format!("there are two exports named `{}`", config.name);
                return Err(wrong(text, name, at, &problem, "give each export a name of its own"));
            }
            let http = config.kind == SinkKind::Http;
            if http == config.url.is_empty() || http != config.path.as_os_str().is_empty() {
                let problem = format!("export `{}` needs one of `path` and `url`", config.name);
                return Err(wrong(text, name, at, &problem, "one of kind `http` has a `url`, one of kind `file` a `path`"));
            }
            let help = "formats are `ocsf`, of version 1.8 or 1.9, and `leaf`, which may have states";
            config.form().map_err(|problem| wrong(text, name, at, &problem, help))?;
        }
        if self.audit.keys.is_none() && !self.audit.witnesses.is_empty() {
            return Err(wrong(text, name, 0, "there are witnesses, but no key", "name a folder of keys: `audit.keys`"));
        }
        let windows = &self.performance;
        if windows.tier_seconds.iter().chain([&windows.emergency_seconds]).any(|seconds| *seconds <= 0) {
            return Err(wrong(text, name, 0, "a window of `performance` is not above zero", "windows are given in seconds"));
        }
        for witness in &self.audit.witnesses {
            let http = witness.kind == WitnessKind::Http;
            if http == witness.url.is_empty() || http != witness.path.as_os_str().is_empty() {
                let problem = format!("witness `{}` needs one of `path` and `url`", witness.name);
                return Err(wrong(text, name, 0, &problem, "a witness of kind `http` has a `url`, others have a `path`"));
            }
        }
        if self.run.slice == 0 {
            return Err(wrong(text, name, 0, "`run.slice` is zero", "a slice holds at least one change"));
        }
        Ok(())
    }

    fn absolute(&mut self, folder: &Path) {
        self.folder = folder.to_owned();
        self.store = folder.join(&self.store);
        if let Some(module) = self.rule.as_mut().and_then(|rule| rule.module.as_mut()) {
            *module = folder.join(&*module);
        }
        self.audit.keys = self.audit.keys.take().map(|keys| folder.join(keys));
        for witness in self.audit.witnesses.iter_mut().filter(|witness| witness.kind != WitnessKind::Http) {
            witness.path = folder.join(&witness.path);
        }
        for export in self.exports.iter_mut().map(Spanned::get_mut).filter(|export| export.kind == SinkKind::File) {
            export.path = folder.join(&export.path);
        }
        for target in &mut self.targets {
            let path = &mut target.get_mut().path;
            *path = folder.join(&*path);
        }
    }
}

fn wrong(text: &str, name: &str, at: usize, problem: &str, help: &str) -> Failure {
    let before = text.get(..at).unwrap_or(text);
    let line = before.bytes().filter(|&b| b == b'\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
    Failure::new(Exit::Config, anyhow::anyhow!("{name}:{line}:{column}: {problem}"), help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_point_at_the_line() {
        let head = "tenant = 'a'\nrule.module = 'r.wasm'\n";
        for (tail, expected) in [
            ("stor = 1", "t.toml:3:1: unknown field `stor`"),
            ("[[target]]\nname = 'x'\nkind = 'sap'\npath = 'x'", "t.toml:5:8: unknown variant `sap`"),
            ("[[scope]]\ntarget = 'x'\nmode = 'observe'", "t.toml:3:1: a scope names `x`, which is no target"),
            ("[[export]]\nname = 'x'\nkind = 'file'\npath = 'x'\nversion = '2'", "t.toml:3:1: there is no format `ocsf-2`"),
            ("[[export]]\nname = 'x'\nkind = 'http'\npath = 'x'", "t.toml:3:1: export `x` needs one of `path` and `url`"),
            ("[[export]]\nname = 'x'\nkind = 'file'", "t.toml:3:1: export `x` needs one of `path` and `url`"),
            ("[[export]]\nname = 'x'\nkind = 'file'\npath = 'x'\nstates = true", "t.toml:3:1: events of `ocsf` have no place"),
            ("[run]\nslice = 0", "t.toml:1:1: `run.slice` is zero"),
            ("[performance]\nemergency_seconds = 0", "t.toml:1:1: a window of `performance` is not above zero"),
            ("[performance]\ntier_seconds = [1, 2, 3]", "t.toml:4:16: invalid length 3"),
        ] {
            let failure = Config::parse(&format!("{head}{tail}"), "t.toml", Path::new("")).expect_err(tail);
            assert!(failure.message().starts_with(expected), "{}", failure.message());
        }
    }
}
