//! Recordings: for each run, all that its plan depends on. Owns what that is, where it lies, and how long it is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::objects::{Named, Objects, alone, check, pack_path, read_alone, redact};
use crate::decide::TargetPolicy;
use crate::discover::Scan;
use crate::engine::{EngineError, Store};
use crate::ledger::Adoption;
use crate::limits::PACK_RUNS;
use crate::model::{AttributeMask, Denial, Digest, PlanId, RunId, Scopes};
use crate::plan::Inputs;
use crate::rule::{RuleFacts, SettingValue};

/// Form of recordings that this version writes and reads.
pub const RECORDING_FORMAT: u32 = 2;

/// All that a plan depends on. What may be large is in objects, which recordings share.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// Form of this recording.
    pub format: u32,
    /// The version of trueup that wrote it.
    pub written_by: String,
    /// The run.
    pub run: RunId,
    /// Its plan.
    pub plan: PlanId,
    /// What the plan says that it was made from: tenant, instant, version of the planner, digests.
    pub inputs: Inputs,
    /// The rule, with its table of reasons.
    pub rule: RuleFacts,
    /// Digest of the determinism profile's text; none where no rule judged.
    pub profile: Option<Digest>,
    /// What the rule might use; empty where none judged.
    pub limits: BTreeMap<String, u64>,
    /// Whether the rule says how keys are compared.
    pub canonical: bool,
    /// The rule's settings.
    pub settings: BTreeMap<String, SettingValue>,
    /// Where might be written, and how far.
    pub scopes: Scopes,
    /// What each target could do.
    pub targets: BTreeMap<String, RecordedTarget>,
    /// Scopes that were looked at before.
    pub adoptions: Vec<Adoption>,
    /// What an operator had denied.
    pub denials: Vec<Denial>,
    /// Cases that an earlier plan may have changed, as recorded state names them.
    pub unsettled: BTreeSet<String>,
    /// Every scan, and how far it was trusted.
    pub scans: Vec<Scan>,
    /// How many batches were judged.
    pub batches: u64,
    /// Lists of blocks of facts, and of when each fact was last used.
    pub(super) facts: Vec<Named>,
    /// These too are lists of objects.
    pub(super) people: Vec<Named>,
    pub(super) catalogue: Vec<Named>,
    /// Keys that the rule compares in another form.
    pub(super) forms: Vec<Named>,
    /// Recorded state, as cases met it.
    pub(super) met: Vec<Named>,
    /// What batches were answered, in their order.
    pub(super) answers: Vec<Named>,
}

/// What a target could do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedTarget {
    /// The attributes that it stores, as bits.
    pub attributes: u32,
    /// Whether accounts are objects of their own there.
    pub accounts: bool,
    /// Whether it can make a new credential in the place of an old one.
    pub rotates: bool,
    /// How long a change may take to land, in seconds.
    pub landing_bound: u32,
}

impl From<&TargetPolicy> for RecordedTarget {
    fn from(policy: &TargetPolicy) -> Self {
        let TargetPolicy { attributes, accounts, rotates, landing_bound } = *policy;
        RecordedTarget { attributes: attributes.0, accounts, rotates, landing_bound }
    }
}

impl From<&RecordedTarget> for TargetPolicy {
    fn from(target: &RecordedTarget) -> Self {
        let RecordedTarget { attributes, accounts, rotates, landing_bound } = *target;
        TargetPolicy { attributes: AttributeMask(attributes), accounts, rotates, landing_bound }
    }
}

impl Recording {
    /// A recording of its text.
    pub(super) fn of(text: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if format > RECORDING_FORMAT {
            return Err(format!("it has form {format}, and this version reads form {RECORDING_FORMAT}; use a later one"));
        }
        if format < RECORDING_FORMAT {
            return Err(format!("it has form {format}, which no released version wrote; this one reads form {RECORDING_FORMAT}"));
        }
        serde_json::from_slice(text).map_err(|error| error.to_string())
    }
}

/// The recordings of a store. Looking at them needs neither ledger nor configuration, and writes nothing.
#[derive(Clone, Debug)]
pub struct Recordings {
    folder: PathBuf,
    plans: PathBuf,
}

impl Recordings {
    /// Those of the store in this folder, which may be a copy, and need not be writable.
    #[must_use]
    pub fn of(store: &Path) -> Self {
        Recordings { folder: store.join("recordings"), plans: store.join("plans") }
    }

    /// The runs that have one, the oldest first.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn runs(&self) -> Result<Vec<RunId>, EngineError> {
        let number = |path: PathBuf| path.file_stem()?.to_str()?.parse().ok().map(RunId);
        let named = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "recording");
        let mut runs: Vec<RunId> = self.files()?.into_iter().filter(named).filter_map(number).collect();
        runs.sort_unstable();
        Ok(runs)
    }

    /// The recording of a run.
    ///
    /// # Errors
    /// When there is none, or it is damaged.
    pub fn read(&self, run: RunId) -> Result<Recording, EngineError> {
        let path = self.path(run);
        if !path.exists() {
            return Err(EngineError::NotFound { what: "recording of", name: run.to_string() });
        }
        let damaged = |problem| EngineError::Damaged { path: path.clone(), problem };
        let recording = Recording::of(&read_alone(&path)?).map_err(damaged)?;
        if recording.run == run { Ok(recording) } else { Err(damaged(format!("it is of {}", recording.run))) }
    }

    /// Bytes that all of it takes on disk.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn bytes(&self) -> Result<u64, EngineError> {
        let size = |path: &PathBuf| fs::metadata(path).map(|file| if file.is_file() { file.len() } else { 0 });
        self.files()?.iter().map(size).sum::<io::Result<u64>>().map_err(|source| self.failed(source))
    }

    /// The component of a rule that judged.
    ///
    /// # Errors
    /// When it is there and cannot be read, or is another one.
    pub fn component(&self, module: Digest) -> Result<Option<Vec<u8>>, EngineError> {
        let path = self.component_path(module);
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(EngineError::Store { path, source }),
            Ok(bytes) if Digest::of(&bytes) == module => Ok(Some(bytes)),
            Ok(_) => Err(EngineError::Damaged { path, problem: "it is not the module of this name".to_owned() }),
        }
    }

    /// Keeps the component of a rule, so that what it judges can be judged again. It stays: rules are few and
    /// small beside what they judge.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_component(&self, component: &[u8]) -> Result<(), EngineError> {
        let path = self.component_path(Digest::of(component));
        if path.exists() {
            return Ok(());
        }
        let error = |source| EngineError::Store { path: path.clone(), source };
        fs::create_dir_all(path.parent().unwrap_or(&self.folder)).map_err(error)?;
        Store::replace(&path, |file| file.write_all(component).map_err(error))
    }

    /// Removes for good every object of any recording that holds this text as a whole value: a name, a holder's id. What needs
    /// one of them cannot be derived again. Gives how many there were.
    ///
    /// # Errors
    /// When a file cannot be read or written, or is damaged.
    pub fn redact(&self, text: &str) -> Result<u64, EngineError> {
        let value = serde_json::to_vec(text).map_err(|error| self.failed(error.into()))?;
        let packs = self.files()?.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "pack"));
        let mut redacted = 0;
        for pack in packs {
            redacted += redact(&pack, |raw| raw.windows(value.len()).any(|window| window == value))?;
        }
        Ok(redacted)
    }

    /// Reads all of it; gives how many files there are.
    ///
    /// # Errors
    /// At the first file that is not what was written, which it names.
    pub fn verify(&self) -> Result<u64, EngineError> {
        let mut files = 0;
        for path in self.files()?.into_iter().filter(|path| path.is_file()) {
            let objects = check(&path)?;
            if path.extension().is_some_and(|extension| extension == "recording") && objects != 1 {
                return Err(EngineError::Damaged { path, problem: "it does not hold one recording".to_owned() });
            }
            files += 1;
        }
        for run in self.runs()? {
            let recording = self.read(run)?;
            self.component(recording.inputs.rule_module)?;
        }
        Ok(files)
    }

    /// The bytes of a plan; none where it is no longer kept.
    pub(super) fn plan(&self, plan: PlanId) -> Result<Option<Vec<u8>>, EngineError> {
        let path = self.plans.join(format!("{plan}.plan"));
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            plan => plan.map(Some).map_err(|source| EngineError::Store { path, source }),
        }
    }

    /// Its objects.
    pub(super) fn objects(&self) -> Objects {
        Objects::within(self.folder.clone())
    }

    /// Where a run's objects go.
    pub(super) fn pack(&self, run: RunId) -> Result<PathBuf, EngineError> {
        fs::create_dir_all(&self.folder).map_err(|source| self.failed(source))?;
        Ok(pack_path(&self.folder, run.0))
    }

    /// Objects of the last run before this one that it need not write again. Those of old files are written again, so that old
    /// files can go; those that are gone or cannot be read are not used.
    pub(super) fn known(&self, run: RunId) -> Result<Vec<Named>, EngineError> {
        let Some(last) = self.runs()?.into_iter().rfind(|last| *last < run) else { return Ok(Vec::new()) };
        // Without it, all is written anew: a run does not fail for that.
        let Ok(recording) = self.read(last) else { return Ok(Vec::new()) };
        let packs: BTreeSet<PathBuf> = self.files()?.into_iter().collect();
        let (oldest, newest) = (run.0.saturating_sub(PACK_RUNS), run.0);
        let fresh: BTreeSet<u64> = (oldest..=newest).filter(|pack| packs.contains(&pack_path(&self.folder, *pack))).collect();
        let is_fresh = |named: &Named| fresh.contains(&named.1);
        let objects = self.objects().of(&recording).unwrap_or_default();
        Ok(objects.into_iter().filter(is_fresh).collect())
    }

    /// Writes a recording, whose objects are in their place, and removes those of all runs but so many.
    pub(super) fn keep(&self, recording: &Recording, runs: u32) -> Result<(), EngineError> {
        let path = self.path(recording.run);
        let error = |source| EngineError::Store { path: path.clone(), source };
        let text = serde_json::to_vec(recording).map_err(|e| error(e.into()))?;
        Store::replace(&path, |file| file.write_all(&alone(&text)).map_err(error))?;
        self.prune(runs)
    }

    /// Removes all recordings but the newest, and what none of these can name.
    fn prune(&self, keep: u32) -> Result<(), EngineError> {
        let mut kept = self.runs()?;
        let old: Vec<RunId> = kept.drain(..kept.len().saturating_sub(keep as usize)).collect();
        let remove = |path: PathBuf| match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(EngineError::Store { path, source }),
            _ => Ok(()),
        };
        old.iter().try_for_each(|run| remove(self.path(*run)))?;
        if old.is_empty() {
            return Ok(());
        }
        let is_named = |pack: u64| kept.iter().any(|run| run.0 >= pack && run.0 - pack <= PACK_RUNS);
        for path in self.files()? {
            let number: Option<u64> = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
            let is_pack = path.extension().is_some_and(|extension| extension == "pack");
            if is_pack && number.is_some_and(|pack| !is_named(pack)) {
                remove(path)?;
            }
        }
        Ok(())
    }

    fn path(&self, run: RunId) -> PathBuf {
        self.folder.join(format!("{}.recording", run.0))
    }

    fn component_path(&self, module: Digest) -> PathBuf {
        self.folder.join("modules").join(format!("{module}.wasm"))
    }

    fn files(&self) -> Result<Vec<PathBuf>, EngineError> {
        self.entries(&self.folder)
    }

    /// What a folder holds; nothing, if there is none.
    fn entries(&self, folder: &Path) -> Result<Vec<PathBuf>, EngineError> {
        match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            entries => entries
                .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
                .map_err(|source| self.failed(source)),
        }
    }

    fn failed(&self, source: io::Error) -> EngineError {
        EngineError::Store { path: self.folder.clone(), source }
    }
}
