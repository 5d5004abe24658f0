//! Where checkpoints go so that they are out of the host's reach: a file that can only grow, the system's log, or whatever
//! an embedder implements. Owns one push each; trying again is for `pushing`.

use std::fs::File;
use std::io::{self, BufRead, Write as _};
use std::path::{Path, PathBuf};

use super::history::line;
use crate::audit::{Checkpoint, VerifierKey};
use crate::limits::NOTE_BYTES;

/// A place that keeps checkpoints. It is given each one at least once, in order.
pub trait Witness: Send + Sync {
    /// Names it, for people and for the file that says how far it has come: letters, digits, `-` and `_`.
    fn name(&self) -> &str;

    /// Hands over a signed checkpoint. It is not given again once this returns. Must return within a bounded time.
    ///
    /// # Errors
    /// When it may not have arrived: it is given again, later.
    fn push(&self, checkpoint: &str) -> io::Result<()>;
}

/// A file that only ever grows: a line for each checkpoint, the note as a JSON text. What keeps it from being cut is the
/// system's (`chattr +a`, a mount of another host): this only appends and flushes.
#[derive(Debug)]
pub struct AppendOnlyFile {
    name: String,
    path: PathBuf,
}

impl AppendOnlyFile {
    /// To this file.
    #[must_use]
    pub fn new(name: &str, path: &Path) -> Self {
        AppendOnlyFile { name: name.to_owned(), path: path.to_owned() }
    }
}

impl Witness for AppendOnlyFile {
    fn name(&self) -> &str {
        &self.name
    }

    fn push(&self, checkpoint: &str) -> io::Result<()> {
        let mut file = File::options().create(true).append(true).open(&self.path)?;
        file.write_all(format!("{}\n", line(checkpoint)).as_bytes())?;
        file.sync_all()
    }
}

/// What a witness kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Witnessed {
    /// Checkpoints of the log that known keys signed, in order.
    pub checkpoints: Vec<Checkpoint>,
    /// Lines that are something else: anybody may write to a system's log.
    pub others: u64,
}

/// Reads what a witness kept: in each line, the note is the JSON text from the first quotation mark on, whatever stands before
/// it.
///
/// # Errors
/// When it cannot be read.
pub fn witnessed(kept: impl BufRead, origin: &str, keys: &[VerifierKey]) -> io::Result<Witnessed> {
    let mut found = Witnessed::default();
    let mut kept = kept.take(0);
    loop {
        // A longer line holds no note that is read; its rest is looked at like another line.
        kept.set_limit(2 * NOTE_BYTES as u64);
        let mut line = Vec::new();
        if kept.read_until(b'\n', &mut line)? == 0 {
            return Ok(found);
        }
        let text = line.iter().position(|byte| *byte == b'"').and_then(|start| line.get(start..));
        let note: Option<String> = text.and_then(|text| serde_json::from_slice(text).ok());
        match note.and_then(|note| Checkpoint::open(note.as_bytes(), origin, keys).ok()) {
            Some(checkpoint) => found.checkpoints.push(checkpoint),
            None => found.others += 1,
        }
    }
}

/// The system's log, by datagrams in the form of RFC 5424: facility *log audit*, severity *notice*, the note as a JSON text.
/// The time is left to the receiver.
#[cfg(unix)]
#[derive(Debug)]
pub struct Syslog {
    name: String,
    path: PathBuf,
}

#[cfg(unix)]
impl Syslog {
    /// To the socket at this path; usually `/dev/log`.
    #[must_use]
    pub fn new(name: &str, path: &Path) -> Self {
        Syslog { name: name.to_owned(), path: path.to_owned() }
    }
}

/// Facility 13 (log audit) and severity 5 (notice).
#[cfg(unix)]
const PRIORITY: u8 = 13 * 8 + 5;

#[cfg(unix)]
impl Witness for Syslog {
    fn name(&self) -> &str {
        &self.name
    }

    fn push(&self, checkpoint: &str) -> io::Result<()> {
        let socket = std::os::unix::net::UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(std::time::Duration::from_secs(crate::limits::WITNESS_PATIENCE_SECONDS)))?;
        let message = format!("<{PRIORITY}>1 - - trueup - checkpoint - {}", line(checkpoint));
        let sent = socket.send_to(message.as_bytes(), &self.path)?;
        if sent == message.len() { Ok(()) } else { Err(io::Error::other("the message was cut")) }
    }
}
