//! Answers that rules gave, on disk: each once, compressed and named by its digest, and for each run a list of which batch got
//! which. Owns these files, and how long they are kept.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{EngineError, Store};
use crate::limits::ANSWER_LISTS;
use crate::model::{Digest, RunId, Time};
use crate::rule::{VerdictColumns, pack, unpack};

/// What a list begins with; the number is the version of its form.
const MAGIC: &[u8; 18] = b"trueup answers 01\n";
/// Bytes of a row of a list: two digests, two instants, fuel.
const ROW_BYTES: usize = 88;

/// Which answer a batch got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answered {
    /// What the rule was shown.
    pub(super) shown: Digest,
    /// Names the answer.
    pub(super) answer: Digest,
    /// The instant that it was judged at.
    pub(super) judged: Time,
    /// Before this instant it holds; none: it is never used again.
    pub(super) valid_until: Time,
    /// What judging it took.
    pub(super) fuel: u64,
}

/// The folder of answers.
pub(super) struct Answers(PathBuf);

impl Answers {
    /// Those in a folder that need not exist yet.
    pub(super) const fn within(folder: PathBuf) -> Self {
        Answers(folder)
    }

    /// The answer of this name. None: it is gone, or not what was written.
    pub(super) fn read(&self, name: &Digest) -> Option<VerdictColumns> {
        let bytes = fs::read(self.file(name)).ok()?;
        unpack(&bytes).filter(|columns| columns.digest() == *name)
    }

    /// Writes an answer that is not there, or not as it was written. Not flushed: its name tells whether all of it is there.
    ///
    /// A damaged file is replaced and never removed: another thread may have written the answer again in between.
    pub(super) fn keep(&self, name: &Digest, columns: &VerdictColumns) -> Result<(), EngineError> {
        /// Several threads may write the same answer: each writes beside it first, under a number of its own.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let path = self.file(name);
        if self.read(name).is_some() {
            return Ok(());
        }
        let beside = path.with_extension(format!("new-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(&self.0))?;
            fs::write(&beside, pack(columns))?;
            fs::rename(&beside, &path)
        };
        write().map_err(|source| EngineError::Store { path: path.clone(), source })
    }

    /// Keeps the list of a run, and drops lists and answers that are too old.
    pub(super) fn end(&self, run: RunId, answered: &[Answered]) -> Result<(), EngineError> {
        let path = self.lists().join(run.0.to_string());
        let error = |source| EngineError::Store { path: path.clone(), source };
        fs::create_dir_all(self.lists()).map_err(error)?;
        Store::replace(&path, |file| file.write_all(&list(answered)).map_err(error))?;
        self.prune()
    }

    /// What the newest run was answered. A list that is damaged says nothing: then all is judged.
    pub(super) fn newest(&self) -> Result<Vec<Answered>, EngineError> {
        let Some((_, path)) = self.listed()?.pop() else { return Ok(Vec::new()) };
        Ok(read(&path)?.unwrap_or_default())
    }

    /// Whether a module's word about how long its answers hold is still believed.
    pub(super) fn is_believed(&self, module: Digest) -> Result<bool, EngineError> {
        Ok(!self.distrusted()?.contains(&module))
    }

    /// Never believes this module's word again.
    pub(super) fn distrust(&self, module: Digest) -> Result<(), EngineError> {
        let mut modules = self.distrusted()?;
        modules.insert(module);
        let path = self.distrust_file();
        let error = |source| EngineError::Store { path: path.clone(), source };
        fs::create_dir_all(&self.0).map_err(error)?;
        Store::replace(&path, |file| modules.iter().try_for_each(|module| writeln!(file, "{module}")).map_err(error))
    }

    fn distrusted(&self) -> Result<BTreeSet<Digest>, EngineError> {
        let path = self.distrust_file();
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
            text => text.map_err(|source| EngineError::Store { path: path.clone(), source })?,
        };
        let damaged = |line: &str| EngineError::Damaged { path: path.clone(), problem: format!("`{line}` is no digest") };
        text.lines().map(|line| Digest::parse(line).ok_or_else(|| damaged(line))).collect()
    }

    fn distrust_file(&self) -> PathBuf {
        self.0.join("distrusted")
    }

    fn lists(&self) -> PathBuf {
        self.0.join("lists")
    }

    fn file(&self, name: &Digest) -> PathBuf {
        let name = name.to_string();
        let (folder, rest) = name.split_at_checked(2).unwrap_or(("", &name));
        self.0.join(folder).join(rest)
    }

    /// Runs that have a list, the oldest first.
    fn listed(&self) -> Result<Vec<(u64, PathBuf)>, EngineError> {
        let number = |path: &Path| path.file_name()?.to_str()?.parse().ok();
        let paths = entries(&self.lists())?.into_iter();
        let mut runs: Vec<(u64, PathBuf)> = paths.filter_map(|path| Some((number(&path)?, path))).collect();
        runs.sort_unstable();
        Ok(runs)
    }

    /// Drops the oldest lists, and the answers that no list names any more.
    fn prune(&self) -> Result<(), EngineError> {
        let mut kept = self.listed()?;
        let old = kept.drain(..kept.len().saturating_sub(ANSWER_LISTS)).collect();
        self.drop_lists(old, kept)
    }

    /// Drops what these runs were answered, unless another run was answered the same.
    pub(super) fn forget(&self, runs: &[RunId]) -> Result<(), EngineError> {
        let (old, kept) = self.listed()?.into_iter().partition(|(run, _)| runs.contains(&RunId(*run)));
        self.drop_lists(old, kept)
    }

    fn drop_lists(&self, old: Vec<(u64, PathBuf)>, kept: Vec<(u64, PathBuf)>) -> Result<(), EngineError> {
        if old.is_empty() {
            return Ok(());
        }
        old.iter().try_for_each(|(_, path)| remove(path))?;
        let mut named = BTreeSet::new();
        for (_, path) in kept {
            named.extend(read(&path)?.unwrap_or_default().iter().map(|answered| self.file(&answered.answer)));
        }
        for folder in entries(&self.0)?.into_iter().filter(|path| path.is_dir() && *path != self.lists()) {
            entries(&folder)?.iter().filter(|path| !named.contains(*path)).try_for_each(|path| remove(path))?;
        }
        Ok(())
    }
}

/// A list as bytes, the digest of its rows last.
fn list(rows: &[Answered]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    for row in rows {
        bytes.extend_from_slice(&row.shown.0);
        bytes.extend_from_slice(&row.answer.0);
        bytes.extend_from_slice(&row.judged.seconds().to_le_bytes());
        bytes.extend_from_slice(&row.valid_until.seconds().to_le_bytes());
        bytes.extend_from_slice(&row.fuel.to_le_bytes());
    }
    let digest = Digest::of(&bytes);
    bytes.extend_from_slice(&digest.0);
    bytes
}

/// The rows of a list. None: it is not as it was written.
fn rows(bytes: &[u8]) -> Option<Vec<Answered>> {
    let (bytes, digest) = bytes.split_last_chunk::<32>()?;
    let (rows, []) = bytes.strip_prefix(MAGIC)?.as_chunks::<ROW_BYTES>() else { return None };
    if Digest::of(bytes).0 != *digest {
        return None;
    }
    rows.iter().map(row).collect()
}

fn row(bytes: &[u8; ROW_BYTES]) -> Option<Answered> {
    let (shown, rest) = bytes.split_first_chunk()?;
    let (answer, rest) = rest.split_first_chunk()?;
    let (numbers, []) = rest.as_chunks() else { return None };
    let [judged, valid_until, fuel] = *numbers else { return None };
    let time = |bytes| Time::from_seconds(i64::from_le_bytes(bytes));
    Some(Answered {
        shown: Digest(*shown),
        answer: Digest(*answer),
        judged: time(judged),
        valid_until: time(valid_until),
        fuel: u64::from_le_bytes(fuel),
    })
}

fn read(path: &Path) -> Result<Option<Vec<Answered>>, EngineError> {
    Ok(rows(&fs::read(path).map_err(|source| EngineError::Store { path: path.to_owned(), source })?))
}

fn remove(path: &Path) -> Result<(), EngineError> {
    fs::remove_file(path).map_err(|source| EngineError::Store { path: path.to_owned(), source })
}

/// What a folder holds; nothing, if there is none.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, EngineError> {
    let error = |source| EngineError::Store { path: folder.to_owned(), source };
    match fs::read_dir(folder) {
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(error(source)),
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path()).map_err(error)).collect(),
    }
}
