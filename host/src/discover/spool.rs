//! The file that a scan's pages are appended to, so that a killed run goes on after the last whole page. Owns the frames:
//! length, checksum, page. Pages are not flushed one by one: the checksum tells which of them reached the disk.

use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::frame::{decode, encode};
use super::{DiscoverError, Page, ScanSide};
use crate::model::Digest;

/// What a spool file begins with; the number is the version of the form.
const MAGIC: &[u8; 16] = b"trueup pages 03\n";
/// Length and checksum before each frame.
const HEAD_BYTES: usize = 12;

/// An open spool file.
pub(super) struct Spool {
    file: File,
    path: PathBuf,
    buffer: Vec<u8>,
}

impl Spool {
    /// Opens the spool of a scan. Whole pages that an earlier run stored under the same version are given to `page`, in
    /// order; anything else in the file is dropped. An empty version always begins anew.
    pub(super) fn open(
        dir: &Path,
        side: ScanSide,
        source: &str,
        version: &str,
        mut page: impl FnMut(Page) -> Result<(), DiscoverError>,
    ) -> Result<Spool, DiscoverError> {
        let path = path(dir, side, source);
        let fail = |source| DiscoverError::Spool { path: path.clone(), source };
        std::fs::create_dir_all(dir).map_err(fail)?;
        let mut options = File::options();
        let mut file = options.read(true).write(true).create(true).truncate(false).open(&path).map_err(fail)?;
        let size = file.metadata().map_err(fail)?.len();
        let mut reader = BufReader::new(&file);
        let mut end = 0;
        if !version.is_empty()
            && let Some(bytes) = frame(&mut reader, &mut end, size).map_err(fail)?
            && bytes == head(version)
        {
            let mut whole = end;
            while let Some(bytes) = frame(&mut reader, &mut end, size).map_err(fail)? {
                let Ok(stored) = decode(&bytes) else { break };
                page(stored)?;
                whole = end;
            }
            end = whole;
        } else {
            end = 0;
        }
        file.set_len(end).map_err(fail)?;
        file.seek(SeekFrom::Start(end)).map_err(fail)?;
        let mut spool = Spool { file, path, buffer: Vec::new() };
        if end == 0 {
            spool.write(|out| out.extend_from_slice(&head(version)))?;
        }
        Ok(spool)
    }

    /// Gives all whole pages of a stored scan to `page`, whatever version of the source they are of, and writes nothing. A
    /// scan without a file has none.
    pub(super) fn replay(
        dir: &Path,
        side: ScanSide,
        source: &str,
        mut page: impl FnMut(Page) -> Result<(), DiscoverError>,
    ) -> Result<(), DiscoverError> {
        let path = path(dir, side, source);
        let fail = |source| DiscoverError::Spool { path: path.clone(), source };
        let file = match File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            file => file.map_err(fail)?,
        };
        let size = file.metadata().map_err(fail)?.len();
        let mut reader = BufReader::new(&file);
        let mut end = 0;
        if frame(&mut reader, &mut end, size).map_err(fail)?.is_none_or(|head| !head.starts_with(MAGIC)) {
            return Ok(());
        }
        while let Some(bytes) = frame(&mut reader, &mut end, size).map_err(fail)? {
            let Ok(stored) = decode(&bytes) else { break };
            page(stored)?;
        }
        Ok(())
    }

    /// Appends a page.
    pub(super) fn append(&mut self, page: &Page) -> Result<(), DiscoverError> {
        self.write(|out| encode(page, out))
    }

    fn write(&mut self, fill: impl FnOnce(&mut Vec<u8>)) -> Result<(), DiscoverError> {
        self.buffer.clear();
        self.buffer.resize(HEAD_BYTES, 0);
        fill(&mut self.buffer);
        if let Some((head, body)) = self.buffer.split_first_chunk_mut::<HEAD_BYTES>() {
            let (length, sum) = (body.len() as u32, checksum(body));
            head[..4].copy_from_slice(&length.to_le_bytes());
            head[4..].copy_from_slice(&sum.to_le_bytes());
        }
        self.file.write_all(&self.buffer).map_err(|source| DiscoverError::Spool { path: self.path.clone(), source })
    }
}

/// The first frame: the form and the version of the source.
fn head(version: &str) -> Vec<u8> {
    [MAGIC, version.as_bytes()].concat()
}

fn checksum(bytes: &[u8]) -> u64 {
    Digest::of(bytes).prefix()
}

/// The next frame, if the file holds all of it. `end` moves behind it.
fn frame(reader: &mut BufReader<&File>, end: &mut u64, size: u64) -> std::io::Result<Option<Vec<u8>>> {
    let mut head = [0; HEAD_BYTES];
    if *end + HEAD_BYTES as u64 > size {
        return Ok(None);
    }
    reader.read_exact(&mut head)?;
    let (length, sum) = head.split_at(4);
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |sum, &byte| sum << 8 | u64::from(byte));
    let (length, sum) = (number(length), number(sum));
    if *end + HEAD_BYTES as u64 + length > size {
        return Ok(None);
    }
    let mut bytes = vec![0; length as usize];
    reader.read_exact(&mut bytes)?;
    if checksum(&bytes) != sum {
        return Ok(None);
    }
    *end += HEAD_BYTES as u64 + length;
    Ok(Some(bytes))
}

/// `<side>-<source>.pages`, with what a file name cannot hold written as hexadecimal digits.
fn path(dir: &Path, side: ScanSide, source: &str) -> PathBuf {
    let mut name = String::from(if side == ScanSide::Desired { "desired-" } else { "observed-" });
    for byte in source.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => name.push(char::from(byte)),
            _ => name.push_str(&format!("%{byte:02x}")),
        }
    }
    dir.join(name + ".pages")
}
