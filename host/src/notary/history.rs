//! The checkpoints of a store: the newest one as it is served, and all that were ever signed, in order. Owns the two files.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::files::{read_text, replace, sync_folder};
use super::{NotaryError, io_error};
use crate::limits::NOTE_BYTES;

/// The checkpoints of one log in a store.
#[derive(Clone, Debug)]
pub struct History {
    folder: PathBuf,
}

impl History {
    /// In this folder, which is made when something is signed.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        History { folder: folder.to_owned() }
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The newest checkpoint, as it was signed.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn newest(&self) -> Result<Option<String>, NotaryError> {
        read_text(&self.folder.join("newest"), NOTE_BYTES)
    }

    /// Adds a signed checkpoint, durably.
    pub(super) fn add(&self, note: &str) -> Result<(), NotaryError> {
        fs::create_dir_all(&self.folder).map_err(io_error(&self.folder))?;
        let path = self.all();
        append_line(&path, &line(note)).map_err(io_error(&path))?;
        replace(&self.folder.join("newest"), note.as_bytes(), false)
    }

    /// File of all checkpoints: a line for each, the note as a JSON text.
    fn all(&self) -> PathBuf {
        self.folder.join("history")
    }

    /// The next checkpoint after a place in the history, and the place after it; none when there is none yet. Place zero is
    /// before the first one.
    ///
    /// # Errors
    /// When it cannot be read, or the line there is no checkpoint.
    pub fn after(&self, place: u64) -> Result<Option<(String, u64)>, NotaryError> {
        let path = self.all();
        let mut file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => BufReader::new(file.map_err(io_error(&path))?),
        };
        file.seek(SeekFrom::Start(place)).map_err(io_error(&path))?;
        let mut line = Vec::new();
        let longest = 2 * NOTE_BYTES as u64;
        file.take(longest).read_until(b'\n', &mut line).map_err(io_error(&path))?;
        // A line without an end was not written whole: whoever adds the next one removes it.
        if line.pop() != Some(b'\n') && (line.len() as u64) < longest - 1 {
            return Ok(None);
        }
        let next = place + line.len() as u64 + 1;
        match serde_json::from_slice(&line) {
            Ok(note) => Ok(Some((note, next))),
            Err(error) => Err(NotaryError::Damaged { path, problem: format!("byte {place}: {error}") }),
        }
    }

    /// How many checkpoints there are after a place.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn count_after(&self, place: u64) -> Result<u64, NotaryError> {
        let (mut place, mut count) = (place, 0);
        while let Some((_, next)) = self.after(place)? {
            (place, count) = (next, count + 1);
        }
        Ok(count)
    }

    /// How long the history is, in bytes.
    pub(super) fn length(&self) -> Result<u64, NotaryError> {
        let path = self.all();
        match fs::metadata(&path) {
            Ok(about) => Ok(about.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(io_error(&path)(error)),
        }
    }
}

/// A note as one line: a JSON text.
pub(super) fn line(note: &str) -> String {
    // A text is always JSON.
    serde_json::to_string(note).unwrap_or_default()
}

/// Adds a line to a file, durably. What the last writer did not end is removed first.
fn append_line(path: &Path, line: &str) -> io::Result<()> {
    let made = !path.exists();
    let mut file = File::options().create(true).truncate(false).read(true).write(true).open(path)?;
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut last = [b'\n'];
    while end > 0 {
        file.seek(SeekFrom::Start(end - 1))?;
        file.read_exact(&mut last)?;
        if last == *b"\n" {
            break;
        }
        end -= 1;
    }
    file.set_len(end)?;
    file.seek(SeekFrom::Start(end))?;
    file.write_all(format!("{line}\n").as_bytes())?;
    file.sync_all()?;
    if made { sync_folder(path) } else { Ok(()) }
}
