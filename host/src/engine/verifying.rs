//! Verifying a store: its log against its head and everything that was signed of it, and each of its other files against what
//! names it. Owns what is looked at, in which order; the judgement of leaves is for `audit`.

use std::fs;
use std::path::{Path, PathBuf};

use super::emergency::read_call;
use super::recording::NEXT_PLAN;
use super::{Engine, EngineError};
use crate::audit::{LogHead, Verified, VerifyError};
use crate::discover::keys_are_whole;
use crate::model::Digest;
use crate::plan::{PlanFile, REDACTED, RedactedPlan};

/// What was looked at besides the log, and is as it was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Whole {
    /// Sealed plans, line by line.
    pub plans: u64,
    /// Plans whose lines were redacted, by their headers and the digests of their lines.
    pub redacted: u64,
    /// Files that are named by their digest: components, keys of scans, emergency calls.
    pub files: u64,
}

impl Engine {
    /// Recomputes the whole audit log, page by page, and holds it against its head and every checkpoint that the store keeps.
    ///
    /// # Errors
    /// The outer one when the ledger cannot be read, the inner one when the log is not what was written.
    pub fn verify_log(&self) -> Result<Result<Verified, VerifyError>, EngineError> {
        self.verify_log_against(&[])
    }

    /// The same, also against heads that were kept elsewhere: only these can tell that all of a store is an older copy, or
    /// another history.
    ///
    /// # Errors
    /// As for [`Engine::verify_log`].
    pub fn verify_log_against(&self, kept: &[LogHead]) -> Result<Result<Verified, VerifyError>, EngineError> {
        self.walk(kept, |_, _| Ok(()))
    }

    /// Looks at everything else that the store keeps to act on: each row of the ledger, sealed plans, components, keys of scans
    /// and emergency calls. Not at what is only told to people or read anew when it is damaged: reports, pages, answers, compiled
    /// code.
    ///
    /// # Errors
    /// At the first thing that is not as it was written, which it names.
    pub fn verify_store(&self) -> Result<Whole, EngineError> {
        self.ledger.check(&self.parts.tenant)?;
        let mut whole = Whole::default();
        // A crash may leave a plan that was not named yet.
        for path in files(&self.store.plans(), "plan")?.into_iter().filter(|path| !path.ends_with(NEXT_PLAN)) {
            let plan = PlanFile::open(&path)?;
            if path != self.store.plan(plan.id()) {
                return Err(damaged(path, "it is another plan"));
            }
            plan.verify()?;
            whole.plans += 1;
        }
        for path in files(&self.store.plans(), REDACTED)? {
            let stays = RedactedPlan::open(&path)?;
            if path != RedactedPlan::beside(&self.store.plan(stays.id)) {
                return Err(damaged(path, "it is what stays of another plan"));
            }
            whole.redacted += 1;
        }
        for path in files(&self.store.modules(), "wasm")? {
            let bytes = fs::read(&path).map_err(|source| EngineError::Store { path: path.clone(), source })?;
            if path != self.store.module(Digest::of(&bytes)) {
                return Err(damaged(path, "it is not the module that was uploaded"));
            }
            whole.files += 1;
        }
        for count in self.scan_counts()? {
            if !keys_are_whole(&self.store.keys(), &count)? {
                let path = self.store.keys().join(format!("{}.keys", count.keys));
                return Err(damaged(path, "it is not the keys of the last complete scan, or is not there"));
            }
            whole.files += 1;
        }
        for path in files(&self.store.calls(), "call")? {
            read_call(&path).ok_or_else(|| damaged(path, "it is not the call that was left there"))?;
            whole.files += 1;
        }
        Ok(whole)
    }
}

/// The files of a folder with this ending, in order; none when there is no such folder.
pub(super) fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, EngineError> {
    let error = |source| EngineError::Store { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(error)?,
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>().map_err(error)?;
    let mut paths: Vec<_> = paths.into_iter().filter(|path| path.extension().is_some_and(|end| end == ending)).collect();
    paths.sort();
    Ok(paths)
}

fn damaged(path: PathBuf, problem: &str) -> EngineError {
    EngineError::Damaged { path, problem: problem.to_owned() }
}
