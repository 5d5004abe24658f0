//! The shrink gate: a scan that nobody vouches for is held against the last complete one, key by key, so that a rename
//! trips it as surely as a loss. Owns the files of keys; what is released and what was counted is the caller's.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::piles::Piles;
use super::{Completeness, DiscoverError, Scan, ScanSide, Subjects, Survey};
use crate::ledger::ScanCount;
use crate::limits::{KEY_WRITERS, SHRINK_PERCENT, SHRINK_ROWS};
use crate::model::Digest;

/// What scans are held against.
pub(super) struct Gate<'a> {
    /// The last complete scans.
    pub(super) counts: &'a [ScanCount],
    /// Where their keys are.
    pub(super) keys_dir: &'a Path,
    /// Digests of scans that a person looked at.
    pub(super) released: &'a BTreeSet<Digest>,
}

impl Gate<'_> {
    /// Marks the scans that shrank. Only scans of `gated` sources are looked at: others are vouched for.
    pub(super) fn settle(&self, survey: &mut Survey, gated: &BTreeSet<(ScanSide, String)>) -> Result<(), DiscoverError> {
        let counts: BTreeMap<_, _> = self.counts.iter().map(|c| ((c.side, c.source.as_str(), c.target.as_str()), c)).collect();
        let Survey { snapshot, keys, .. } = survey;
        for (at, scan) in snapshot.scans.iter_mut().enumerate() {
            let looked_at = gated.contains(&(scan.side, scan.source.clone())) && scan.subjects != Subjects::NONE;
            if !looked_at || scan.completeness != Completeness::Complete || self.released.contains(&scan.digest) {
                continue;
            }
            let keys = sorted_keys(keys, at)?;
            let last = counts.get(&(scan.side, scan.source.as_str(), scan.target.as_str()));
            scan.completeness = match last {
                Some(last) => self.compare(last, &keys)?,
                None if keys.is_empty() && scan.side == ScanSide::Desired => {
                    Completeness::Incomplete { why: "it holds no rows, and nothing vouches for that".to_owned() }
                }
                None => Completeness::Complete,
            };
        }
        Ok(())
    }

    fn compare(&self, last: &ScanCount, keys: &[u64]) -> Result<Completeness, DiscoverError> {
        let Some(before) = read_keys(self.keys_dir, last.keys)? else {
            // Without the keys nobody can tell what is missing.
            return Ok(Completeness::Shrunk { lost: last.rows, of: last.rows });
        };
        let (lost, of) = (missing(&before, keys), before.len() as u64);
        let emptied = last.side == ScanSide::Desired && keys.is_empty() && of > 0;
        let shrunk = lost > SHRINK_ROWS && lost * 100 > of * SHRINK_PERCENT;
        Ok(if emptied || shrunk { Completeness::Shrunk { lost, of } } else { Completeness::Complete })
    }
}

/// How many of the sorted `before` are not in the sorted `now`.
fn missing(before: &[u64], now: &[u64]) -> u64 {
    let mut now = now.iter().copied().peekable();
    let mut lost = 0;
    for &key in before {
        while now.next_if(|&other| other < key).is_some() {}
        lost += u64::from(now.peek() != Some(&key));
    }
    lost
}

/// Stores the keys of every complete scan and returns what the ledger must record of it once the plan is sealed. A crash in
/// between only leaves files that nothing names.
///
/// # Errors
/// When a file of keys cannot be written.
pub fn record_counts(survey: &Survey, keys_dir: &Path) -> Result<Vec<ScanCount>, DiscoverError> {
    let whole = |scan: &Scan| scan.completeness == Completeness::Complete && scan.subjects != Subjects::NONE;
    let scans: Vec<(usize, &Scan)> = survey.snapshot.scans.iter().enumerate().filter(|(_, scan)| whole(scan)).collect();
    let count = |&(at, scan): &(usize, &Scan)| {
        Ok(ScanCount {
            source: scan.source.clone(),
            side: scan.side,
            target: scan.target.clone(),
            rows: scan.rows,
            keys: write_keys(keys_dir, at, &sorted_keys(&survey.keys, at)?)?,
        })
    };
    // Several at once, so that their flushes share the disk's.
    let share = scans.len().div_ceil(KEY_WRITERS).max(1);
    std::thread::scope(|scope| {
        let write = |share: &[_]| share.iter().map(count).collect::<Result<Vec<_>, DiscoverError>>();
        let writers: Vec<_> = scans.chunks(share).map(|share| scope.spawn(move || write(share))).collect();
        let mut counts = Vec::with_capacity(scans.len());
        for writer in writers {
            counts.append(&mut writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(counts)
    })
}

/// The distinct keys of a scan, sorted.
fn sorted_keys(keys: &Piles, scan: usize) -> Result<Vec<u64>, DiscoverError> {
    let bytes = keys.read(scan)?;
    let (words, _) = bytes.as_chunks::<8>();
    let mut keys: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
    drop(bytes);
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

/// Removes the files of keys that none of `counts` names, and drafts of them. Call it when `counts` are durable.
///
/// # Errors
/// When the directory cannot be read or a file cannot be removed.
pub fn prune_keys(keys_dir: &Path, counts: &[ScanCount]) -> Result<(), DiscoverError> {
    let kept: BTreeSet<PathBuf> = counts.iter().map(|count| keys_path(keys_dir, count.keys)).collect();
    let prune = || -> std::io::Result<()> {
        for entry in std::fs::read_dir(keys_dir)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "keys" || extension == "draft") && !kept.contains(&path) {
                std::fs::remove_file(path)?;
            }
        }
        Ok(())
    };
    prune().map_err(|source| DiscoverError::Spool { path: keys_dir.to_owned(), source })
}

fn keys_path(dir: &Path, digest: Digest) -> PathBuf {
    dir.join(format!("{digest}.keys"))
}

/// Stores keys under their digest. Scans may have the same keys, so that each writes a draft of its own.
fn write_keys(dir: &Path, scan: usize, keys: &[u64]) -> Result<Digest, DiscoverError> {
    let mut bytes = Vec::with_capacity(size_of_val(keys));
    keys.iter().for_each(|key| bytes.extend_from_slice(&key.to_le_bytes()));
    let digest = Digest::of(&bytes);
    let path = keys_path(dir, digest);
    let write = || -> std::io::Result<()> {
        if path.exists() {
            return Ok(());
        }
        std::fs::create_dir_all(dir)?;
        let draft = path.with_extension(format!("{scan}.draft"));
        let mut file = std::fs::File::create(&draft)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(draft, &path)
    };
    write().map_err(|source| DiscoverError::Spool { path: path.clone(), source })?;
    Ok(digest)
}

/// Whether the keys of a complete scan are there, as they were written.
///
/// # Errors
/// When the file cannot be read.
pub fn keys_are_whole(keys_dir: &Path, count: &ScanCount) -> Result<bool, DiscoverError> {
    Ok(read_keys(keys_dir, count.keys)?.is_some())
}

/// The keys of an earlier scan; none when the file is gone or is not what was written.
fn read_keys(dir: &Path, digest: Digest) -> Result<Option<Vec<u64>>, DiscoverError> {
    let path = keys_path(dir, digest);
    match std::fs::read(&path) {
        Ok(bytes) if Digest::of(&bytes) == digest => {
            let (words, _) = bytes.as_chunks::<8>();
            Ok(Some(words.iter().map(|word| u64::from_le_bytes(*word)).collect()))
        }
        Ok(_) => Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(DiscoverError::Spool { path, source }),
    }
}
