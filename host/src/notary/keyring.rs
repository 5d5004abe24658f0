//! The keys of one log: a folder that its owner alone may enter, kept apart from the store. Owns the file of keys; what
//! was signed last is for `guard`.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::files::{check_private, make_private, read_text, replace};
use super::{NotaryError, io_error};
use crate::audit::{Checkpoint, LogHead, Rotation, SigningKey, VerifierKey};
use crate::limits::{KEY_FILE_BYTES, RETIRED_KEYS, SIGNING_KEYS};

/// The file of keys: a line with the log's origin, a line for each key that signed once, of which nothing secret is left, and a
/// line for each key that signs, the oldest first.
const FILE: &str = "keys";
/// What begins the first line.
const ORIGIN: &str = "origin ";
/// What begins the line of a key that signs no longer.
const RETIRED: &str = "retired ";

/// The keys that sign one log.
#[derive(Debug)]
pub struct Keyring {
    folder: PathBuf,
    origin: String,
    retired: Vec<VerifierKey>,
    keys: Vec<SigningKey>,
}

impl Keyring {
    /// Makes the first key of a log. The log's origin is the key's name, for ever: a URL without a scheme that is yours,
    /// such as `example.com/audit/acme`. The seed is 32 bytes of the system's randomness.
    ///
    /// # Errors
    /// When there are keys already, or the folder cannot be made the owner's alone.
    pub fn create(folder: &Path, name: &str, seed: [u8; 32]) -> Result<Self, NotaryError> {
        let key = SigningKey::from_seed(name, seed)?;
        // An origin is a line of its own.
        Checkpoint::new(name, LogHead::default())?;
        make_private(folder)?;
        check_private(folder, true)?;
        if folder.join(FILE).symlink_metadata().is_ok() {
            return Err(NotaryError::Exists { path: folder.to_owned() });
        }
        let keyring = Keyring { folder: folder.to_owned(), origin: name.to_owned(), retired: Vec::new(), keys: vec![key] };
        keyring.write()?;
        Ok(keyring)
    }

    /// Opens the keys in this folder.
    ///
    /// # Errors
    /// When there are none, somebody else may read them, or the file is no file of keys.
    pub fn open(folder: &Path) -> Result<Self, NotaryError> {
        let path = folder.join(FILE);
        if path.symlink_metadata().is_err() {
            return Err(NotaryError::NoKeys { path: folder.to_owned() });
        }
        check_private(folder, true)?;
        check_private(&path, false)?;
        let text = read_text(&path, KEY_FILE_BYTES)?.unwrap_or_default();
        let damaged = |problem: &str| NotaryError::Damaged { path: path.clone(), problem: problem.to_owned() };
        let mut lines = text.lines().peekable();
        let origin = lines.next().and_then(|line| line.strip_prefix(ORIGIN)).ok_or_else(|| damaged("it has no origin"))?;
        let mut retired = Vec::new();
        while let Some(key) = lines.peek().and_then(|line| line.strip_prefix(RETIRED)) {
            retired.push(VerifierKey::parse(key).map_err(|error| damaged(&error.to_string()))?);
            lines.next();
        }
        let keys = lines.map(SigningKey::parse_secret).collect::<Result<Vec<SigningKey>, _>>();
        let keys = keys.map_err(|error| damaged(&error.to_string()))?;
        match keys.len() {
            1..=SIGNING_KEYS => Ok(Keyring { folder: folder.to_owned(), origin: origin.to_owned(), retired, keys }),
            _ => Err(damaged("it has no keys, or too many")),
        }
    }

    /// The log's name in its checkpoints.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// What verifies the signatures of the keys, the oldest first.
    #[must_use]
    pub fn verifiers(&self) -> Vec<VerifierKey> {
        self.keys.iter().map(|key| key.verifier().clone()).collect()
    }

    /// The same and those that signed once: for what this log's own files hold.
    pub(super) fn known(&self) -> Vec<VerifierKey> {
        self.retired.iter().cloned().chain(self.verifiers()).collect()
    }

    /// Whether there were more keys than are remembered.
    pub(super) const fn forgets(&self) -> bool {
        self.retired.len() >= RETIRED_KEYS
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn keys(&self) -> &[SigningKey] {
        &self.keys
    }

    /// A further key, and the note by which the newest one before names it. Nothing is written yet.
    pub(super) fn successor(&self, name: &str, seed: [u8; 32]) -> Result<(SigningKey, String), NotaryError> {
        let next = SigningKey::from_seed(name, seed)?;
        let newest = self.keys.last().filter(|_| self.keys.len() < SIGNING_KEYS);
        let newest = newest.ok_or(NotaryError::TooManyKeys { count: self.keys.len() })?;
        let note = Rotation::sign(&self.origin, newest, &next)?;
        Ok((next, note))
    }

    /// Lets a further key sign from now on, beside those that do.
    pub(super) fn add(&mut self, key: SigningKey) -> Result<(), NotaryError> {
        self.keys.push(key);
        self.write()
    }

    /// Ends the overlap: the newest key signs alone, and the secrets of the others are gone. Gives those.
    pub(super) fn retire(&mut self) -> Result<Vec<VerifierKey>, NotaryError> {
        let newest = self.keys.len().saturating_sub(1);
        let retired: Vec<_> = self.keys.drain(..newest).map(|key| key.verifier().clone()).collect();
        if !retired.is_empty() {
            self.retired.extend(retired.iter().cloned());
            // What the oldest signed is covered by what was signed since.
            let most = self.retired.len().saturating_sub(RETIRED_KEYS);
            self.retired.drain(..most);
            self.write()?;
        }
        Ok(retired)
    }

    /// Reads the keys again: another process may have rotated or retired some.
    pub(super) fn reload(&mut self) -> Result<(), NotaryError> {
        let found = Self::open(&self.folder)?;
        if found.origin != self.origin {
            let problem = "it became the file of another log".to_owned();
            return Err(NotaryError::Damaged { path: self.folder.join(FILE), problem });
        }
        *self = found;
        Ok(())
    }

    /// Keeps other processes from signing with these keys meanwhile.
    pub(super) fn lock(&self) -> Result<File, NotaryError> {
        let path = self.folder.join("lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(io_error(&path))?;
        file.lock().map_err(io_error(&path))?;
        Ok(file)
    }

    fn write(&self) -> Result<(), NotaryError> {
        let mut text = format!("{ORIGIN}{}\n", self.origin);
        self.retired.iter().for_each(|key| text.push_str(&format!("{RETIRED}{key}\n")));
        self.keys.iter().for_each(|key| text.push_str(&format!("{}\n", key.to_secret())));
        replace(&self.folder.join(FILE), text.as_bytes(), true)
    }
}
