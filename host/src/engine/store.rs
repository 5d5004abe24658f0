//! The store's folder: where the ledger, plans, pages and reports of one tenant lie.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::EngineError;
use crate::correlate::Recorded;
use crate::ledger::write_aside;
use crate::model::{Digest, PlanId, RunId};

/// Paths within one store.
#[derive(Clone, Debug)]
pub struct Store(PathBuf);

impl Store {
    /// The store in this folder, which is made when it does not exist.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(path: &Path) -> Result<Self, EngineError> {
        let store = Store(path.to_owned());
        for folder in [store.0.clone(), store.plans(), store.keys(), store.calls(), store.0.join("runs")] {
            fs::create_dir_all(&folder).map_err(|source| EngineError::Store { path: folder, source })?;
        }
        Ok(store)
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Folder of the ledger.
    #[must_use]
    pub fn ledger(&self) -> PathBuf {
        self.0.join("ledger")
    }

    /// Folder of sealed plans.
    #[must_use]
    pub fn plans(&self) -> PathBuf {
        self.0.join("plans")
    }

    /// Folder of the keys of the last complete scans.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    /// Folder of emergency calls that the ledger has not taken yet.
    #[must_use]
    pub fn calls(&self) -> PathBuf {
        self.0.join("calls")
    }

    /// Folder of compiled code.
    #[must_use]
    pub fn code(&self) -> PathBuf {
        self.0.join("code")
    }

    /// Folder of the components that were admitted.
    #[must_use]
    pub fn modules(&self) -> PathBuf {
        self.0.join("modules")
    }

    /// A component that was admitted.
    #[must_use]
    pub fn module(&self, module: Digest) -> PathBuf {
        self.modules().join(format!("{module}.wasm"))
    }

    /// Folder of the answers that rules gave.
    #[must_use]
    pub fn answers(&self) -> PathBuf {
        self.0.join("answers")
    }

    /// Folder of signed checkpoints.
    #[must_use]
    pub fn checkpoints(&self) -> PathBuf {
        self.0.join("checkpoints")
    }

    /// Folder of files that people attached as evidence, each under its digest.
    #[must_use]
    pub fn evidence(&self) -> PathBuf {
        self.0.join("evidence")
    }

    /// Folder of how far each sink of events has come.
    #[must_use]
    pub fn exports(&self) -> PathBuf {
        self.0.join("exports")
    }

    /// A sealed plan.
    #[must_use]
    pub fn plan(&self, id: PlanId) -> PathBuf {
        self.plans().join(format!("{id}.plan"))
    }

    /// Folder of a run's pages.
    #[must_use]
    pub fn pages(&self, run: RunId) -> PathBuf {
        self.0.join("pages").join(run.to_string())
    }

    /// Folder of the pages of runs.
    pub(super) fn all_pages(&self) -> PathBuf {
        self.0.join("pages")
    }

    /// Recorded state as a part of a run met it, beside the run's pages.
    #[must_use]
    pub fn met(&self, run: RunId, part: u32) -> PathBuf {
        self.pages(run).join(if part == 0 { "recorded".to_owned() } else { format!("recorded-{part}") })
    }

    /// Makes an empty folder for what planning keeps on disk while it works. Whatever a run that died left there is removed.
    pub(super) fn begin_spill(&self) -> Result<SpillFolder, EngineError> {
        let path = self.0.join("spill");
        let begin = || {
            if path.exists() {
                fs::remove_dir_all(&path)?;
            }
            fs::create_dir(&path)
        };
        begin().map_err(|source| EngineError::Store { path: path.clone(), source })?;
        Ok(SpillFolder(path))
    }

    /// What a run reported besides its plan.
    #[must_use]
    pub fn report(&self, run: RunId) -> PathBuf {
        self.0.join("runs").join(format!("{run}.json"))
    }

    /// Makes this run's page folder, and removes those of all other runs: pages serve one run and its explanation.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn begin_pages(&self, run: RunId) -> Result<PathBuf, EngineError> {
        let mine = self.pages(run);
        let all = self.0.join("pages");
        let error = |source| EngineError::Store { path: all.clone(), source };
        fs::create_dir_all(&mine).map_err(error)?;
        for entry in fs::read_dir(&all).map_err(error)? {
            let path = entry.map_err(error)?.path();
            if path != mine {
                fs::remove_dir_all(&path).map_err(error)?;
            }
        }
        Ok(mine)
    }

    /// Keeps recorded state as a run met it. Not flushed: a copy that a crash cut short is told by its own root, and serves
    /// explanations only.
    pub(super) fn keep_met(&self, run: RunId, part: u32, rows: &[Recorded]) -> Result<(), EngineError> {
        keep(&self.met(run, part), rows)
    }

    /// Writes a file as a whole or not at all: beside its place, flushed, then renamed.
    ///
    /// # Errors
    /// When any step fails; the former file then still stands.
    pub fn replace<T>(
        path: &Path,
        write: impl FnOnce(&mut io::BufWriter<fs::File>) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let error = |source| EngineError::Store { path: path.to_owned(), source };
        let beside = path.with_extension("new");
        let place = || {
            let mut file = io::BufWriter::new(fs::File::create(&beside).map_err(error)?);
            let written = write(&mut file)?;
            file.flush().and_then(|()| file.get_ref().sync_all()).map_err(error)?;
            fs::rename(&beside, path).map_err(error)?;
            Ok(written)
        };
        // What is half written serves nobody, and takes room where there may be none left.
        let written = place().inspect_err(|_: &EngineError| drop(fs::remove_file(&beside)))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(error)?;
        Ok(written)
    }
}

/// Keeps rows of recorded state in a file of their own, unflushed.
pub(super) fn keep(path: &Path, rows: &[Recorded]) -> Result<(), EngineError> {
    let error = |source| EngineError::Store { path: path.to_owned(), source };
    let mut file = io::BufWriter::new(fs::File::create(path).map_err(error)?);
    write_aside(rows, &mut file).and_then(|()| file.flush()).map_err(error)
}

/// A folder that is removed with all that it holds when its user is done or gives up.
pub(super) struct SpillFolder(PathBuf);

impl SpillFolder {
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for SpillFolder {
    fn drop(&mut self) {
        // What stays is never read, and removed when the next plan begins.
        drop(fs::remove_dir_all(&self.0));
    }
}
