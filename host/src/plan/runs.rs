//! A plan whose cases are never together in memory: the lines of each part are written beside the plan, in plan order, and
//! merged when all parts are there. The bytes are those that [`super::seal`] writes of all parts at once. Owns the runs of
//! lines; where the parts come from is for the caller.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};

use super::PlanError;
use super::change::{change, held_line};
use super::draft::{Book, Draft, Tally};
use super::order::order;
use super::seal::{Sealed, append, begin_plan, end_plan, no_case, write, write_lines};
use super::sealed::{Chunk, Inputs};
use crate::decide::{Cause, Policy};
use crate::limits::{PLAN_CHUNK_BYTES, PLAN_CHUNK_CHANGES, RUN_BUFFER_BYTES};
use crate::model::{Change, Gate, GateKind};
use crate::progress::{Observer, Progress, Silent};

/// Bytes before a line of a run: lengths of key and line, and whether it ends by itself.
const HEAD_BYTES: usize = 9;

/// A plan in the making, part by part. Dropped before [`Sealing::finish`], it leaves files behind that are no plan.
pub struct Sealing {
    dir: PathBuf,
    runs: Vec<PathBuf>,
    held: HeldRuns,
    tally: Tally,
}

/// Held lines of parts. Parts follow one another in the order of their cases and make one run; a part that comes later than its
/// cases would begins another.
#[derive(Default)]
struct HeldRuns {
    runs: Vec<PathBuf>,
    /// What the last run is written to, and the place of its last line.
    open: Option<(BufWriter<File>, Place)>,
}

/// Where a held line stands in a plan: the digest of its identity, and which of its cases it is.
type Place = ([u8; 32], u32);

impl Sealing {
    /// A plan without parts. Runs of lines are written into this folder.
    #[must_use]
    pub fn begin(dir: &Path) -> Self {
        Sealing { dir: dir.to_owned(), runs: Vec::new(), held: HeldRuns::default(), tally: Tally::default() }
    }

    /// Adds the next part. No edge leads from one to another. Parts that come in the order of their cases are merged faster.
    ///
    /// # Errors
    /// When its lines cannot be written, or one would be longer than plans may have.
    pub fn add(&mut self, draft: &Draft<'_>, threads: usize) -> Result<(), PlanError> {
        let book = Book::new(draft);
        self.tally.add(Tally::of(&book));
        let decisions = &draft.decided.decisions;
        let placed = order(draft.cases, draft.decided);
        let entry = |i: usize, out: &mut Vec<u8>| {
            let change = placed.get(i).and_then(|&placed| change(&book, placed)).ok_or_else(no_case)?;
            let decision = placed.get(i).and_then(|placed| decisions.get(placed.decision as usize));
            let ends = decision.is_some_and(|decision| decision.cause == Cause::Expiry);
            put(out, |out| put_key(out, &change), |out| append(out, &change, || change.key.to_string()), ends)
        };
        if !placed.is_empty() {
            let path = self.dir.join(format!("changes-{}", self.runs.len()));
            let fail = |source| PlanError::Run { path: path.clone(), source };
            let mut run = BufWriter::with_capacity(RUN_BUFFER_BYTES, File::create(&path).map_err(fail)?);
            write_lines(placed.len(), threads, &entry, &mut run, &|_| {}).map_err(|error| at(&path, error))?;
            run.flush().map_err(fail)?;
            self.runs.push(path);
        }
        self.held.add(&self.dir, &book, threads)
    }

    /// Merges the parts and writes the plan. `waiting`: how much ends by itself in each target where all of that waits for a
    /// person. The writer is flushed, but whether it is durable is for the caller.
    ///
    /// # Errors
    /// When the writer fails, or a run cannot be read back.
    pub fn finish(
        mut self,
        policy: &Policy<'_>,
        inputs: Inputs,
        waiting: &BTreeMap<String, u64>,
        out: &mut dyn Write,
        observer: &dyn Observer,
    ) -> Result<Sealed, PlanError> {
        if !waiting.is_empty() {
            self.tally.summary.gated.insert(GateKind::Budget.name().to_owned(), waiting.values().sum());
        }
        let held = self.held.end()?;
        let header = self.tally.header(policy, inputs);
        let head = begin_plan(&header, out)?;
        let changes = merge(&self.runs, waiting, Chunks::new(out), header.changes, observer)?;
        let held = merge(&held, &BTreeMap::new(), Chunks::new(out), 0, &Silent)?;
        end_plan(header, &head, (changes, held), out)
    }
}

impl HeldRuns {
    /// Adds the held lines of a part.
    fn add(&mut self, dir: &Path, book: &Book<'_>, threads: usize) -> Result<(), PlanError> {
        let held = &book.decided.held;
        let place = |i: usize| held.get(i).and_then(|held| place(book, held.case)).ok_or_else(no_case);
        let Some(last) = held.len().checked_sub(1) else { return Ok(()) };
        let (first, last) = (place(0)?, place(last)?);
        let follows = self.open.take_if(|(_, before)| *before < first);
        let path = match &follows {
            None => {
                self.end_run()?;
                dir.join(format!("held-{}", self.runs.len()))
            }
            Some(_) => self.runs.pop().unwrap_or_default(),
        };
        let fail = |source| PlanError::Run { path: path.clone(), source };
        let mut out = match follows {
            None => BufWriter::new(File::create(&path).map_err(fail)?),
            Some((out, _)) => out,
        };
        let entry = |i: usize, out: &mut Vec<u8>| {
            let held = held.get(i).and_then(|held| held_line(book, held)).ok_or_else(no_case)?;
            let (identity, nth) = place(i)?;
            let key = |out: &mut Vec<u8>| {
                out.extend_from_slice(&identity);
                out.extend_from_slice(&nth.to_be_bytes());
            };
            put(out, key, |out| append(out, &held, || held.key.to_string()), false)
        };
        write_lines(held.len(), threads, &entry, &mut out, &|_| {}).map_err(|error| at(&path, error))?;
        self.runs.push(path);
        self.open = Some((out, last));
        Ok(())
    }

    fn end_run(&mut self) -> Result<(), PlanError> {
        let Some((mut out, _)) = self.open.take() else { return Ok(()) };
        let path = self.runs.last().cloned().unwrap_or_default();
        out.flush().map_err(|source| PlanError::Run { path, source })
    }

    /// The runs.
    fn end(mut self) -> Result<Vec<PathBuf>, PlanError> {
        self.end_run()?;
        Ok(self.runs)
    }
}

/// The place of a case.
fn place(book: &Book<'_>, case: u32) -> Option<Place> {
    let identities = &book.cases.identities;
    let identity = identities.get(identities.partition_point(|identity| identity.cases.end <= case))?;
    Some((identity.digest.0, case.checked_sub(identity.cases.start)?))
}

/// Says which file of a part could not be written.
fn at(path: &Path, error: PlanError) -> PlanError {
    match error {
        PlanError::Write(source) => PlanError::Run { path: path.to_owned(), source },
        other => other,
    }
}

fn open(path: &Path) -> Result<File, PlanError> {
    File::open(path).map_err(|source| PlanError::Run { path: path.to_owned(), source })
}

/// Appends a line with the key by which it is merged.
fn put(
    out: &mut Vec<u8>,
    key: impl FnOnce(&mut Vec<u8>),
    line: impl FnOnce(&mut Vec<u8>) -> Result<(), PlanError>,
    ends: bool,
) -> Result<(), PlanError> {
    let start = out.len();
    out.extend_from_slice(&[0; HEAD_BYTES]);
    key(out);
    let middle = out.len();
    line(out)?;
    let (key_bytes, line_bytes) = ((middle - start - HEAD_BYTES) as u32, (out.len() - middle) as u32);
    if let Some(head) = out.get_mut(start..).and_then(|entry| entry.first_chunk_mut::<HEAD_BYTES>()) {
        head[..4].copy_from_slice(&key_bytes.to_le_bytes());
        head[4..8].copy_from_slice(&line_bytes.to_le_bytes());
        head[8] = u8::from(ends);
    }
    Ok(())
}

/// The order of a plan as bytes: wave, step, rank, target, holder, object, subject, kind. A text ends with two zero bytes, and
/// a zero byte within it is followed by 255, so that bytes compare as the texts do.
fn put_key(out: &mut Vec<u8>, change: &Change) {
    out.push(change.wave.0);
    out.extend_from_slice(&change.step.to_be_bytes());
    out.extend_from_slice(&(change.rank as u16 ^ 0x8000).to_be_bytes());
    for text in [&change.key.target, &change.key.holder, &change.key.object] {
        for byte in text.bytes() {
            out.push(byte);
            if byte == 0 {
                out.push(u8::MAX);
            }
        }
        out.extend_from_slice(&[0, 0]);
    }
    out.extend_from_slice(&[change.key.subject as u8, change.kind as u8]);
}

/// A run that is read back.
struct Run<'a> {
    path: &'a Path,
    input: BufReader<File>,
    line: Vec<u8>,
    ends: bool,
}

impl Run<'_> {
    /// Goes to the next line and gives its key; none at the end.
    fn next(&mut self) -> Result<Option<Vec<u8>>, PlanError> {
        let mut read = || -> io::Result<Option<Vec<u8>>> {
            if self.input.fill_buf()?.is_empty() {
                return Ok(None);
            }
            let mut head = [0; HEAD_BYTES];
            self.input.read_exact(&mut head)?;
            let [a, b, c, d, e, f, g, h, ends] = head;
            let mut key = vec![0; u32::from_le_bytes([a, b, c, d]) as usize];
            self.input.read_exact(&mut key)?;
            self.line.resize(u32::from_le_bytes([e, f, g, h]) as usize, 0);
            self.input.read_exact(&mut self.line)?;
            self.ends = ends != 0;
            Ok(Some(key))
        };
        read().map_err(|source| PlanError::Run { path: self.path.to_owned(), source })
    }
}

/// Writes the lines of all runs in plan order.
fn merge(
    paths: &[PathBuf],
    waiting: &BTreeMap<String, u64>,
    mut lines: Chunks<'_>,
    of: u64,
    observer: &dyn Observer,
) -> Result<Vec<Chunk>, PlanError> {
    let mut runs = Vec::with_capacity(paths.len());
    let mut heap = BinaryHeap::with_capacity(paths.len());
    for (at, path) in paths.iter().enumerate() {
        let input = BufReader::with_capacity(RUN_BUFFER_BYTES, open(path)?);
        let mut run = Run { path, input, line: Vec::new(), ends: false };
        heap.extend(run.next()?.map(|key| Reverse((key, at))));
        runs.push(run);
    }
    let mut done = 0;
    while let Some(Reverse((_, at))) = heap.pop() {
        let Some(run) = runs.get_mut(at) else { break };
        if run.ends && !waiting.is_empty() {
            wait(&mut run.line, waiting).map_err(|e| PlanError::Run { path: run.path.to_owned(), source: e.into() })?;
        }
        lines.line(&run.line)?;
        heap.extend(run.next()?.map(|key| Reverse((key, at))));
        done += 1;
        if done % u64::from(PLAN_CHUNK_CHANGES) == 0 || done == of {
            observer.on(&Progress::Seal { done, of });
        }
    }
    lines.end()
}

/// Puts the gate of the budget before a change that ends by itself in one of these targets. The order of gates is that of
/// `gates` in `change`.
fn wait(line: &mut Vec<u8>, waiting: &BTreeMap<String, u64>) -> serde_json::Result<()> {
    let mut change: Change = serde_json::from_slice(line)?;
    if waiting.contains_key(&change.key.target) {
        let after = change.gates.iter().take_while(|gate| gate.kind == GateKind::Adoption).count();
        change.gates.insert(after, Gate { kind: GateKind::Budget, scope: format!("expiry of {}", change.key.target) });
        line.clear();
        serde_json::to_writer(&mut *line, &change)?;
        line.push(b'\n');
    }
    Ok(())
}

/// Lines on their way into a plan, cut into chunks as [`super::seal`] cuts them.
struct Chunks<'a> {
    out: &'a mut dyn Write,
    bytes: Vec<u8>,
    /// Lines of this chunk, and since the last full count of lines.
    lines: u64,
    since: u32,
    done: Vec<Chunk>,
}

impl<'a> Chunks<'a> {
    fn new(out: &'a mut dyn Write) -> Self {
        Chunks { out, bytes: Vec::new(), lines: 0, since: 0, done: Vec::new() }
    }

    fn line(&mut self, line: &[u8]) -> Result<(), PlanError> {
        self.bytes.extend_from_slice(line);
        (self.lines, self.since) = (self.lines + 1, self.since + 1);
        if self.bytes.len() >= PLAN_CHUNK_BYTES || self.since == PLAN_CHUNK_CHANGES {
            self.close()?;
        }
        self.since %= PLAN_CHUNK_CHANGES;
        Ok(())
    }

    fn close(&mut self) -> Result<(), PlanError> {
        if self.lines > 0 {
            self.done.push(Chunk::of(&self.bytes, self.lines));
            write(self.out, &self.bytes)?;
            self.bytes.clear();
            self.lines = 0;
        }
        Ok(())
    }

    fn end(mut self) -> Result<Vec<Chunk>, PlanError> {
        self.close()?;
        Ok(self.done)
    }
}
