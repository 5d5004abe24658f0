//! A sink that is a file of JSON Lines: only ever appended to, and put aside when it is large. Owns the file's end, which a crash may
//! have left in the middle of a line, and that it is a file and nothing that leads elsewhere.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::{Event, Sink};
use crate::limits::{EVENT_BYTES, EXPORT_FILE_BYTES};
use crate::notary::files::sync_folder;

/// A file of JSON Lines.
#[derive(Debug)]
pub struct FileSink {
    name: String,
    path: PathBuf,
    most: u64,
}

impl FileSink {
    /// To this file, which is made for its owner alone. At 64 MiB it is renamed to its own name with the index of the leaf that comes
    /// next, and a new one is begun; who removes those that were put aside is not trueup.
    #[must_use]
    pub fn new(name: &str, path: &Path) -> Self {
        FileSink { name: name.to_owned(), path: path.to_owned(), most: EXPORT_FILE_BYTES }
    }

    /// The same, put aside at another size, in bytes.
    #[must_use]
    pub fn put_aside_at(self, most: u64) -> Self {
        FileSink { most, ..self }
    }

    /// Opens the file where it is one, and makes it where nothing is there.
    fn open(&self) -> io::Result<File> {
        let before = about(&self.path)?;
        let mut options = File::options();
        options.read(true).append(true).create_new(before.is_none());
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&self.path)?;
        // What was looked at must be what was opened.
        match about(&self.path)? {
            Some(after) if same(&after, &file.metadata()?) => {}
            _ => return Err(io::Error::other("the file was put in another's place")),
        }
        if before.is_none() {
            sync_folder(&self.path)?;
        }
        Ok(file)
    }

    /// Puts a large file aside, under a name that nothing has.
    fn put_aside(&self, next: u64) -> io::Result<()> {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{next}"));
        let mut aside = self.path.with_file_name(&name);
        let mut count = 1;
        while aside.symlink_metadata().is_ok() {
            let mut other = name.clone();
            other.push(format!(".{count}"));
            (aside, count) = (self.path.with_file_name(other), count + 1);
        }
        fs::rename(&self.path, aside)?;
        sync_folder(&self.path)
    }
}

impl Sink for FileSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn deliver(&self, events: &[Event]) -> io::Result<()> {
        let Some(first) = events.first() else { return Ok(()) };
        let mut file = self.open()?;
        mend(&mut file)?;
        if file.metadata()?.len() >= self.most {
            drop(file);
            self.put_aside(first.index)?;
            file = self.open()?;
        }
        let bytes = events.iter().map(|event| event.text.len() + 1).sum();
        let mut lines = String::with_capacity(bytes);
        for event in events {
            lines.push_str(&event.text);
            lines.push('\n');
        }
        file.write_all(lines.as_bytes())?;
        file.sync_all()
    }
}

/// What a path is: nothing yet, or a file. A link may lead to what somebody else reads or writes, and a pipe would wait for a reader.
fn about(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(about) if about.is_file() => Ok(Some(about)),
        Ok(_) => Err(io::Error::other("it is no plain file, but a link or something else: events are not written there")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn same(_: &Metadata, _: &Metadata) -> bool {
    true
}

/// Removes what a crash left of a line at the file's end: no reader took it for an event, and it is delivered again. What no event of
/// ours can be is not touched.
fn mend(file: &mut File) -> io::Result<()> {
    let end = file.seek(SeekFrom::End(0))?;
    let most = end.min(EVENT_BYTES as u64 + 1);
    file.seek(SeekFrom::Start(end - most))?;
    let mut tail = Vec::new();
    io::Read::by_ref(file).take(most).read_to_end(&mut tail)?;
    let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let rest = tail.get(whole..).unwrap_or_default();
    if rest.is_empty() {
        return Ok(());
    }
    // A system that crashed may have made the file longer and not written what was to stand there.
    let is_ours = (rest.starts_with(b"{") || rest.iter().all(|byte| *byte == 0)) && (whole > 0 || most == end);
    if !is_ours {
        return Err(io::Error::other("its last line has no end and is no event: it is not a file of events"));
    }
    file.set_len(end - rest.len() as u64)?;
    file.sync_all()
}
