//! Reads a sealed plan back. The header, the trailer and the plan's name are checked when it is opened, each chunk before
//! any of its lines is given out, so that nothing that was not sealed is ever acted on. Memory is bounded by a chunk.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::PlanError;
use super::redacted::RedactedPlan;
use super::sealed::{Chunk, FORMAT, Header, HeldLine, Trailer};
use crate::limits::{LINE_BYTES, PLAN_CHUNK_BYTES, PLAN_CHUNK_CHANGES, PLAN_EDGE_BYTES};
use crate::model::{CaseKey, Change, PlanId, StateHash};

/// Bytes that are read at once from the end of the file, looking for the trailer.
const TAIL_STEP: u64 = 64 << 10;

/// A sealed plan.
#[derive(Debug)]
pub struct PlanFile {
    path: PathBuf,
    header: Header,
    trailer: Trailer,
    /// Where the first change begins.
    body: u64,
}

impl PlanFile {
    /// Opens a plan and checks that header, trailer and name belong together.
    ///
    /// # Errors
    /// When the file cannot be read, is damaged, or was sealed by a newer trueup.
    pub fn open(path: &Path) -> Result<PlanFile, PlanError> {
        let unreadable = |source| PlanError::Unreadable { path: path.to_owned(), source };
        let opened = File::open(path).map_err(|error| match RedactedPlan::beside(path).exists() {
            true if error.kind() == io::ErrorKind::NotFound => PlanError::Redacted { path: path.to_owned() },
            _ => unreadable(error),
        });
        let mut file = BufReader::new(opened?);
        let size = file.get_ref().metadata().map_err(unreadable)?.len();
        let damaged = |line: u64, problem: String| PlanError::Damaged { path: path.to_owned(), line, problem };

        let mut head = Vec::new();
        (&mut file).take(PLAN_EDGE_BYTES as u64 + 1).read_until(b'\n', &mut head).map_err(unreadable)?;
        if head.pop() != Some(b'\n') {
            return Err(damaged(1, "the header has no end".to_owned()));
        }
        let header = parse_header(path, &head)?;
        let body = head.len() as u64 + 1;

        let last = header.changes.saturating_add(header.held).saturating_add(2);
        let tail = tail(file.get_mut(), body, size).map_err(unreadable)?;
        let tail = tail.ok_or_else(|| damaged(last, "the trailer is missing or cut off".to_owned()))?;
        let trailer: Trailer = serde_json::from_slice(&tail).map_err(|e| damaged(last, format!("no trailer: {e}")))?;
        let plan = PlanFile { path: path.to_owned(), header, trailer, body };
        plan.check_edges(&head, &tail, size).map_err(|problem| damaged(last, problem))?;
        Ok(plan)
    }

    fn check_edges(&self, head: &[u8], tail: &[u8], size: u64) -> Result<(), String> {
        let Trailer { changes, held, id } = &self.trailer;
        if Trailer::of(head, changes.clone(), held.clone()).id != *id {
            return Err(format!("the name `{id}` does not fit the content"));
        }
        let canonical = serde_json::to_vec(&self.trailer).map_err(|e| e.to_string())?;
        if canonical != tail {
            return Err("the trailer is not canonical".to_owned());
        }
        let mut bytes = self.body + tail.len() as u64 + 1;
        for (chunks, expected, what) in [(changes, self.header.changes, "changes"), (held, self.header.held, "held lines")] {
            let mut lines: u64 = 0;
            for chunk in chunks {
                if chunk.lines > u64::from(PLAN_CHUNK_CHANGES) || chunk.bytes > (PLAN_CHUNK_BYTES + LINE_BYTES) as u64 {
                    return Err("a chunk is larger than any may be".to_owned());
                }
                (lines, bytes) = (lines + chunk.lines, bytes.saturating_add(chunk.bytes));
            }
            if lines != expected {
                return Err(format!("the header tells of {expected} {what}, the trailer of {lines}"));
            }
        }
        if bytes != size {
            return Err(format!("the file has {size} bytes, its parts {bytes}"));
        }
        Ok(())
    }

    /// The plan's name.
    #[must_use]
    pub fn id(&self) -> PlanId {
        self.trailer.id
    }

    /// The first line.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The last line.
    pub(super) fn trailer(&self) -> &Trailer {
        &self.trailer
    }

    /// The changes, in plan order. After an error nothing more comes.
    pub fn changes(&self) -> impl Iterator<Item = Result<Change, PlanError>> + use<> {
        self.changes_from(0)
    }

    /// The changes from this index on; chunks before it are not read.
    pub fn changes_from(&self, first: u64) -> impl Iterator<Item = Result<Change, PlanError>> + use<> {
        let tenant = self.header.inputs.tenant.clone();
        let lines = Lines::new(&self.path, self.body, 2, &self.trailer.changes, first);
        lines.with_check(move |change: &Change| {
            let Change { key, kind, incarnation, .. } = change;
            let (before, after) = (StateHash::of(change.before.as_ref()), StateHash::of(change.after.as_ref()));
            Change::id_of(&tenant, key, *kind, *incarnation, before, after) == change.id
        })
    }

    /// What was held, in order of identities. After an error nothing more comes.
    pub fn held(&self) -> impl Iterator<Item = Result<HeldLine, PlanError>> + use<> {
        let start = self.trailer.changes.iter().fold(self.body, |at, chunk| at + chunk.bytes);
        Lines::new(&self.path, start, self.header.changes + 2, &self.trailer.held, 0).with_check(|_: &HeldLine| true)
    }

    /// Reads everything: digests of all chunks, every line, and the order of changes.
    ///
    /// # Errors
    /// At the first thing that is wrong.
    pub fn verify(&self) -> Result<(), PlanError> {
        let mut former = None;
        for (i, change) in self.changes().enumerate() {
            let change = change?;
            let CaseKey { target, holder, object, subject } = change.key;
            let place = (change.wave, change.step, change.rank, target, holder, object, subject, change.kind);
            if former.as_ref().is_some_and(|former| *former >= place) {
                let problem = "a change is not in its place".to_owned();
                return Err(PlanError::Damaged { path: self.path.clone(), line: i as u64 + 2, problem });
            }
            former = Some(place);
        }
        self.held().try_for_each(|line| line.map(drop))
    }
}

fn parse_header(path: &Path, head: &[u8]) -> Result<Header, PlanError> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let damaged =
        |e: serde_json::Error| PlanError::Damaged { path: path.to_owned(), line: 1, problem: format!("no header: {e}") };
    let Format { format } = serde_json::from_slice(head).map_err(damaged)?;
    if format > FORMAT {
        return Err(PlanError::Newer { path: path.to_owned(), found: format, supported: FORMAT });
    }
    serde_json::from_slice(head).map_err(damaged)
}

/// The last line, without its newline; none when there is none after `body`.
fn tail(file: &mut File, body: u64, size: u64) -> io::Result<Option<Vec<u8>>> {
    let floor = body.max(size.saturating_sub(PLAN_EDGE_BYTES as u64 + 1));
    let mut start = size;
    let mut tail: Vec<u8> = Vec::new();
    while start > floor {
        let end = start;
        start = end.saturating_sub(TAIL_STEP).max(floor);
        file.seek(SeekFrom::Start(start))?;
        let mut step = vec![0; (end - start) as usize];
        file.read_exact(&mut step)?;
        step.append(&mut tail);
        tail = step;
        if tail.last() != Some(&b'\n') {
            return Ok(None);
        }
        let before = tail.len() - 1;
        if let Some(newline) = tail.get(..before).and_then(|t| t.iter().rposition(|&b| b == b'\n')) {
            return Ok(tail.get(newline + 1..before).map(<[u8]>::to_vec));
        }
    }
    // The trailer follows the header at once: nothing is planned and nothing held.
    if start == body && tail.pop() == Some(b'\n') { Ok(Some(tail)) } else { Ok(None) }
}

/// Lines of consecutive chunks, each chunk checked before its first line is given out.
struct Lines {
    path: PathBuf,
    file: Option<File>,
    /// Where the next chunk begins.
    at: u64,
    chunks: std::vec::IntoIter<Chunk>,
    /// The chunk that is read, and how far.
    bytes: Vec<u8>,
    used: usize,
    /// Number of the next line.
    line: u64,
    /// Lines of the first chunk that are not wanted.
    skip: u64,
    failed: bool,
}

impl Lines {
    fn new(path: &Path, start: u64, line: u64, chunks: &[Chunk], first: u64) -> Lines {
        let (mut at, mut skip, mut passed) = (start, first, 0);
        for chunk in chunks.iter().take_while(|chunk| match skip.checked_sub(chunk.lines) {
            Some(rest) => {
                skip = rest;
                true
            }
            None => false,
        }) {
            (at, passed) = (at + chunk.bytes, passed + 1);
        }
        let line = line + first - skip;
        let chunks: Vec<Chunk> = chunks.get(passed..).unwrap_or_default().to_vec();
        let path = path.to_owned();
        Lines { path, file: None, at, chunks: chunks.into_iter(), bytes: Vec::new(), used: 0, line, skip, failed: false }
    }

    fn with_check<T: DeserializeOwned>(mut self, fits: impl Fn(&T) -> bool) -> impl Iterator<Item = Result<T, PlanError>> {
        std::iter::from_fn(move || {
            if self.failed {
                return None;
            }
            let line = self.next(&fits).transpose();
            self.failed = matches!(line, Some(Err(_)));
            line
        })
    }

    fn next<T: DeserializeOwned>(&mut self, fits: &impl Fn(&T) -> bool) -> Result<Option<T>, PlanError> {
        loop {
            while self.used >= self.bytes.len() {
                let Some(chunk) = self.chunks.next() else { return Ok(None) };
                self.load(&chunk)?;
            }
            let rest = self.bytes.get(self.used..).unwrap_or_default();
            let Some(length) = rest.iter().position(|&b| b == b'\n') else {
                return Err(self.damaged("the line has no end".to_owned()));
            };
            let text = rest.get(..length).unwrap_or_default();
            if self.skip > 0 {
                (self.skip, self.used, self.line) = (self.skip - 1, self.used + length + 1, self.line + 1);
                continue;
            }
            let value: T = serde_json::from_slice(text).map_err(|e| self.damaged(e.to_string()))?;
            if !fits(&value) {
                return Err(self.damaged("the change's name does not fit its content".to_owned()));
            }
            (self.used, self.line) = (self.used + length + 1, self.line + 1);
            return Ok(Some(value));
        }
    }

    /// Reads a chunk and checks it.
    fn load(&mut self, chunk: &Chunk) -> Result<(), PlanError> {
        let unreadable = |source| PlanError::Unreadable { path: self.path.clone(), source };
        if self.file.is_none() {
            self.file = Some(File::open(&self.path).map_err(unreadable)?);
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        file.seek(SeekFrom::Start(self.at)).map_err(unreadable)?;
        // The size is bounded: it was checked when the plan was opened.
        self.bytes.clear();
        self.bytes.resize(chunk.bytes as usize, 0);
        file.read_exact(&mut self.bytes).map_err(unreadable)?;
        let lines = self.bytes.iter().filter(|&&b| b == b'\n').count() as u64;
        if Chunk::of(&self.bytes, lines) != *chunk {
            return Err(self.damaged("the chunk that begins here is not as it was sealed".to_owned()));
        }
        (self.used, self.at) = (0, self.at + chunk.bytes);
        Ok(())
    }

    fn damaged(&self, problem: String) -> PlanError {
        PlanError::Damaged { path: self.path.clone(), line: self.line, problem }
    }
}
