//! The sorted base of recorded state: one immutable file of fixed-width rows, named by the digest of its rows. Owns the
//! format, the writing that survives a crash, and the reading that trusts nothing; which file holds is for the store.
//!
//! A file is a header and rows. Each row carries a check of its bytes and its number, so that damage is found where it
//! is; the root, which the store keeps elsewhere, finds what was altered on purpose.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use super::LedgerError;
use super::row::{ROW_BYTES, RootHasher, from_bytes, to_bytes};
use crate::correlate::Recorded;
use crate::model::{Digest, KeyHash};

const MAGIC: [u8; 8] = *b"trueupRB";
const FORMAT: u32 = 1;
/// Magic 8, format 4, bytes of a row 4, rows 8, root 32, check 8.
const HEADER_BYTES: usize = 64;
/// A row and its check.
const STORED_BYTES: usize = ROW_BYTES + 8;
/// Rows are read and written through buffers of this size, in bytes.
const BUFFER_BYTES: usize = 1 << 20;
/// What an unfinished file is called until it is named by its root.
pub(super) const UNFINISHED: &str = "unfinished";

/// Name of the file with this root of the tenant with this number.
pub(super) fn file_name(tenant: u64, root: Digest) -> String {
    format!("recorded-{tenant}-{root}")
}

/// Detects every change within eight bytes of a row, and a row that stands elsewhere.
fn check(number: u64, bytes: &[u8]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let (words, _) = bytes.as_chunks::<8>();
    let mixed = words.iter().fold(number ^ ODD, |sum, word| {
        let sum = (sum ^ u64::from_le_bytes(*word)).wrapping_mul(ODD);
        sum ^ (sum >> 29)
    });
    mixed.wrapping_mul(ODD)
}

/// Writes a base row by row. Dropped before [`BaseWriter::finish`], it leaves nothing behind.
pub(super) struct BaseWriter {
    dir: PathBuf,
    path: PathBuf,
    tenant: u64,
    out: Option<BufWriter<File>>,
    rows: u64,
    last: Option<KeyHash>,
    root: RootHasher,
}

impl BaseWriter {
    /// Begins a file for the tenant with this number.
    pub(super) fn create(dir: &Path, tenant: u64) -> Result<Self, LedgerError> {
        let path = dir.join(format!("{UNFINISHED}-{tenant}"));
        let begin = || {
            let mut out = BufWriter::with_capacity(BUFFER_BYTES, File::create(&path)?);
            out.write_all(&[0; HEADER_BYTES])?;
            Ok(out)
        };
        let out = begin().map_err(|e| unwritable(dir, &e))?;
        let root = RootHasher::default();
        Ok(BaseWriter { dir: dir.to_owned(), path, tenant, out: Some(out), rows: 0, last: None, root })
    }

    /// Adds a row, whose key must be above that of the row before.
    pub(super) fn push(&mut self, row: &Recorded) -> Result<(), LedgerError> {
        if self.last >= Some(row.key) {
            let problem = format!("recorded key {} stands out of order", row.key);
            return Err(LedgerError::Corrupt { path: self.dir.clone(), problem });
        }
        let bytes = to_bytes(row);
        let check = check(self.rows, &bytes).to_be_bytes();
        if let Some(out) = &mut self.out {
            out.write_all(&bytes).and_then(|()| out.write_all(&check)).map_err(|e| unwritable(&self.dir, &e))?;
        }
        self.root.add(&bytes);
        (self.last, self.rows) = (Some(row.key), self.rows + 1);
        Ok(())
    }

    /// Makes the file durable under the name of its root, and gives the root.
    pub(super) fn finish(mut self) -> Result<Digest, LedgerError> {
        let root = std::mem::take(&mut self.root).root();
        let finish = |out: Option<BufWriter<File>>| -> io::Result<()> {
            let Some(out) = out else { return Ok(()) };
            let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.rewind()?;
            file.write_all(&header(self.rows, root))?;
            file.sync_all()?;
            fs::rename(&self.path, self.dir.join(file_name(self.tenant, root)))?;
            File::open(&self.dir)?.sync_all()
        };
        finish(self.out.take()).map_err(|e| unwritable(&self.dir, &e))?;
        Ok(root)
    }
}

impl Drop for BaseWriter {
    fn drop(&mut self) {
        // Nothing is lost when this fails: an unfinished file is never read, and removed at the next start.
        drop(fs::remove_file(&self.path));
    }
}

fn header(rows: u64, root: Digest) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&FORMAT.to_be_bytes());
    bytes[12..16].copy_from_slice(&(STORED_BYTES as u32).to_be_bytes());
    bytes[16..24].copy_from_slice(&rows.to_be_bytes());
    bytes[24..56].copy_from_slice(&root.0);
    let check = check(rows, &bytes[..56]);
    bytes[56..].copy_from_slice(&check.to_be_bytes());
    bytes
}

/// Reads a base row by row, holding each against its check, its order and, at the end, the root.
pub(super) struct BaseReader {
    path: PathBuf,
    input: BufReader<File>,
    rows: u64,
    read: u64,
    last: Option<KeyHash>,
    root: Digest,
    hasher: Option<RootHasher>,
}

impl BaseReader {
    /// Opens the base with this root.
    ///
    /// The outer error is that of opening the file, so that the caller can tell one that was replaced meanwhile.
    pub(super) fn open(dir: &Path, tenant: u64, root: Digest) -> io::Result<Result<Self, LedgerError>> {
        let path = dir.join(file_name(tenant, root));
        let file = File::open(&path)?;
        let length = file.metadata()?.len();
        let mut reader = BaseReader {
            path,
            input: BufReader::with_capacity(BUFFER_BYTES, file),
            rows: 0,
            read: 0,
            last: None,
            root,
            hasher: Some(RootHasher::default()),
        };
        Ok(reader.header(length).map(|()| reader))
    }

    fn header(&mut self, length: u64) -> Result<(), LedgerError> {
        let mut bytes = [0; HEADER_BYTES];
        self.input.read_exact(&mut bytes).map_err(|e| self.damaged(format!("its header cannot be read ({e})")))?;
        let rows = u64::from_be_bytes(std::array::from_fn(|i| bytes[16 + i]));
        if bytes != header(rows, self.root) {
            return Err(self.damaged("its header is not what was written".to_owned()));
        }
        let expected = rows.checked_mul(STORED_BYTES as u64).and_then(|bytes| bytes.checked_add(HEADER_BYTES as u64));
        if expected != Some(length) {
            return Err(self.damaged(format!("it has {length} bytes, which is not what {rows} rows take")));
        }
        self.rows = rows;
        Ok(())
    }

    fn row(&mut self) -> Result<Recorded, LedgerError> {
        let mut stored = [0; STORED_BYTES];
        self.input.read_exact(&mut stored).map_err(|e| self.damaged(format!("row {} cannot be read ({e})", self.read)))?;
        let bytes: [u8; ROW_BYTES] = std::array::from_fn(|i| stored[i]);
        let row = from_bytes(&bytes);
        if stored[ROW_BYTES..] != check(self.read, &bytes).to_be_bytes() {
            return Err(self.damaged(format!("row {} is not what was written", self.read)));
        }
        if self.last >= Some(row.key) {
            return Err(self.damaged(format!("row {} stands out of order", self.read)));
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.add(&bytes);
        }
        (self.last, self.read) = (Some(row.key), self.read + 1);
        Ok(row)
    }

    fn damaged(&self, problem: String) -> LedgerError {
        LedgerError::Corrupt { path: self.path.clone(), problem }
    }
}

impl Iterator for BaseReader {
    type Item = Result<Recorded, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.read < self.rows {
            let row = self.row();
            if row.is_err() {
                (self.read, self.hasher) = (self.rows, None);
            }
            return Some(row);
        }
        let found = self.hasher.take()?.root();
        (found != self.root).then(|| Err(self.damaged(format!("its rows have the root {found}"))))
    }
}

fn unwritable(dir: &Path, e: &io::Error) -> LedgerError {
    LedgerError::Unwritable { path: dir.to_owned(), problem: e.to_string() }
}
