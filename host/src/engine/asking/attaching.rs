//! Evidence that people bring: files that are kept in the store under their digest, named by a leaf of the log. Owns how a file
//! comes in, how it is held against its leaf, and how it goes when it is redacted.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::super::{Engine, EngineError, Store};
use crate::audit::{Attached, LogEntry, Statement};
use crate::ledger::{Batch, Leaf};
use crate::limits::{ATTACHMENT_BYTES, MEDIA_BYTES, MESSAGE_BYTES};
use crate::model::{ChangeId, Digest, RunId, Time};

/// One file that was attached to a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Attachment {
    /// The leaf that names it.
    pub leaf: u64,
    /// When it was attached.
    pub at: Time,
    /// The change.
    pub change: ChangeId,
    /// Who attached it.
    pub by: String,
    /// What it shows.
    pub note: String,
    /// What the leaf says of the file.
    #[serde(flatten)]
    pub file: Attached,
    /// Where it lies.
    pub path: PathBuf,
    /// Whether it is still what was attached.
    pub kept: Kept,
}

/// What became of a file that was attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// It has the digest that its leaf names.
    Sound,
    /// It is not there, and no leaf says that it was redacted.
    Missing,
    /// It is another file.
    Altered,
    /// It was redacted.
    Redacted,
}

impl Kept {
    /// Its name, as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Missing => "missing",
            Self::Altered => "altered",
            Self::Redacted => "redacted",
        }
    }
}

impl Engine {
    /// Attaches a file to a change that is on record, named by the beginning of its id: keeps the file, durably, and says in the
    /// log whose digest, size and media type it has, and what it shows. Without a media type, the file's name tells it.
    ///
    /// # Errors
    /// When there is no such change, the file cannot be read, is empty or too large, or the store cannot be written.
    pub fn attach(
        &self,
        change: &str,
        file: &Path,
        media: Option<&str>,
        by: &str,
        note: &str,
    ) -> Result<Attachment, EngineError> {
        let change = self.change_on_record(change)?;
        let bytes = read_bounded(file)?;
        let media = media.unwrap_or_else(|| media_of(file)).chars().filter(char::is_ascii_graphic).take(MEDIA_BYTES).collect();
        let file = Attached { digest: Digest::of(&bytes), media, size: bytes.len() as u64 };
        let bounded = |text: &str| text.chars().take(MESSAGE_BYTES / 4).collect::<String>();
        let (by, note, at) = (bounded(by), bounded(note), self.clock.now());
        let turn = self.acquire()?;
        let path = self.keep_evidence(file.digest, &bytes)?;
        let run = self.runs(1)?.first().map_or(RunId(0), |run| run.run);
        let leaves = vec![Leaf::attachment(run, at, change, &file, &by, &note)];
        let head = self.submit(&turn, Batch { entries: Vec::new(), leaves })?;
        self.checkpoint()?;
        Ok(Attachment { leaf: head.size - 1, at, change, by, note, file, path, kept: Kept::Sound })
    }

    /// All that was ever attached, in the order of the log, each held against the file that is there now.
    ///
    /// # Errors
    /// When the log is not sound, or a file cannot be read.
    pub fn attachments(&self) -> Result<Vec<Attachment>, EngineError> {
        let mut found = Found::default();
        self.read_log(|entry, _| {
            found.see(entry);
            Ok(())
        })?;
        found.held_against(&self.store)
    }

    /// Removes the file that a leaf names, durably, and says so in the log: of every leaf that names the same file.
    pub(in crate::engine) fn redact_attachment(&self, leaf: u64, by: &str, why: &str) -> Result<usize, EngineError> {
        let missing = || EngineError::NotFound { what: "state or file of leaf", name: leaf.to_string() };
        let all = self.attachments()?;
        let wanted = all.iter().find(|attached| attached.leaf == leaf).ok_or_else(missing)?;
        let same = all.iter().filter(|attached| attached.file.digest == wanted.file.digest && attached.kept != Kept::Redacted);
        let leaves: Vec<u64> = same.map(|attached| attached.leaf).collect();
        // Said, but not done: a crash came in between.
        let left = wanted.path.exists();
        if leaves.is_empty() && !left {
            return Err(missing());
        }
        let turn = self.acquire()?;
        let bounded = |text: &str| text.chars().take(MESSAGE_BYTES / 4).collect::<String>();
        let run = self.runs(1)?.first().map_or(RunId(0), |run| run.run);
        let at = self.clock.now();
        let says = leaves.iter().map(|leaf| Leaf::redaction(run, at, *leaf, &bounded(by), &bounded(why))).collect();
        self.submit(&turn, Batch { entries: Vec::new(), leaves: says })?;
        if left {
            let error = |source| EngineError::Store { path: wanted.path.clone(), source };
            fs::remove_file(&wanted.path).map_err(error)?;
            File::open(self.store.evidence()).and_then(|folder| folder.sync_all()).map_err(error)?;
        }
        self.checkpoint()?;
        Ok(1)
    }

    fn keep_evidence(&self, digest: Digest, bytes: &[u8]) -> Result<PathBuf, EngineError> {
        let folder = self.store.evidence();
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        // Mails and tickets are nobody's business but the tenant's.
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder).map_err(|source| EngineError::Store { path: folder.clone(), source })?;
        let path = folder.join(digest.to_string());
        Store::replace(&path, |file| file.write_all(bytes).map_err(|source| EngineError::Store { path: path.clone(), source }))?;
        Ok(path)
    }
}

/// What the log says of attachments, while it is read.
#[derive(Default)]
pub(super) struct Found {
    attached: Vec<(u64, Time, ChangeId, Attached, String, String)>,
    redacted: std::collections::BTreeSet<u64>,
    /// Files of leaves before this one go with them.
    first: u64,
}

impl Found {
    /// Takes in a leaf.
    pub(super) fn see(&mut self, entry: &LogEntry) {
        match &entry.says {
            Statement::Attachment { by, change, digest, media, note, size } => {
                let file = Attached { digest: *digest, media: media.clone(), size: size.0 };
                self.attached.push((entry.index, entry.time, *change, file, by.clone(), note.clone()));
            }
            Statement::Redaction { leaf, .. } => _ = self.redacted.insert(leaf.0),
            Statement::Pruning { before, .. } => self.first = self.first.max(before.0),
            _ => {}
        }
    }

    /// Holds what was seen against what is kept. What a leaf names that is about to be pruned is gone, whether the leaf is or not.
    pub(super) fn held_against(self, store: &Store) -> Result<Vec<Attachment>, EngineError> {
        let Found { attached, redacted, first } = self;
        let held = attached.into_iter().filter(|(leaf, ..)| *leaf >= first).map(|(leaf, at, change, file, by, note)| {
            let path = store.evidence().join(file.digest.to_string());
            let kept = if redacted.contains(&leaf) { Kept::Redacted } else { look(&path, &file)? };
            Ok(Attachment { leaf, at, change, by, note, file, path, kept })
        });
        held.collect()
    }
}

fn look(path: &Path, file: &Attached) -> Result<Kept, EngineError> {
    let error = |source| EngineError::Store { path: path.to_owned(), source };
    let opened = match File::open(path) {
        Err(gone) if gone.kind() == io::ErrorKind::NotFound => return Ok(Kept::Missing),
        opened => opened.map_err(error)?,
    };
    let mut bytes = Vec::new();
    opened.take(ATTACHMENT_BYTES + 1).read_to_end(&mut bytes).map_err(error)?;
    let same = bytes.len() as u64 == file.size && Digest::of(&bytes) == file.digest;
    Ok(if same { Kept::Sound } else { Kept::Altered })
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, EngineError> {
    let error = |source| EngineError::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(error)?;
    let mut bytes = Vec::new();
    file.take(ATTACHMENT_BYTES + 1).read_to_end(&mut bytes).map_err(error)?;
    let length = bytes.len() as u64;
    if length == 0 || length > ATTACHMENT_BYTES {
        return Err(EngineError::AttachmentSize { path: path.to_owned(), most: ATTACHMENT_BYTES });
    }
    Ok(bytes)
}

/// The media type that a file's name tells.
fn media_of(path: &Path) -> &'static str {
    let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default().to_lowercase();
    match end.as_str() {
        "pdf" => "application/pdf",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "txt" | "log" => "text/plain",
        "csv" => "text/csv",
        "htm" | "html" => "text/html",
        "md" => "text/markdown",
        "eml" => "message/rfc822",
        "json" => "application/json",
        "xml" => "application/xml",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}
