//! Writes a plan: lines are built in parallel, a chunk at a time, and written in plan order. Nothing in what is written
//! depends on threads.

use std::io::{self, Write};

use serde::Serialize;

use super::PlanError;
use super::change::{change, held_line};
use super::draft::{Book, Draft, Tally};
use super::order::order;
use super::sealed::{Chunk, Header, HeldLine, Trailer};
use crate::limits::{LINE_BYTES, PLAN_CHUNK_BYTES, PLAN_CHUNK_CHANGES, PLAN_EDGE_BYTES};
use crate::model::{Change, PlanId};
use crate::progress::{Observer, Progress};

/// A plan that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Its name.
    pub id: PlanId,
    /// Its first line.
    pub header: Header,
}

/// Orders what was decided and writes it. The writer is flushed, but whether it is durable is for the caller.
///
/// # Errors
/// When the writer fails, or a line would be longer than plans may have.
pub fn seal(draft: &Draft<'_>, threads: usize, out: &mut dyn Write, observer: &dyn Observer) -> Result<Sealed, PlanError> {
    let book = Book::new(draft);
    let header = Tally::of(&book).header(&draft.policy, draft.inputs.clone());
    let placed = order(draft.cases, draft.decided);
    let held = &draft.decided.held;
    let lines = Lines {
        change: &|i: usize| placed.get(i).and_then(|&placed| change(&book, placed)),
        held: &|i: usize| held.get(i).and_then(|held| held_line(&book, held)),
    };
    write_plan(header, &lines, threads, out, observer)
}

/// The lines of a plan, by their index: none where there should be one is an error.
pub(super) struct Lines<'a> {
    pub change: &'a (dyn Fn(usize) -> Option<Change> + Sync),
    pub held: &'a (dyn Fn(usize) -> Option<HeldLine> + Sync),
}

/// Writes the first line of a plan, and gives it without its end.
pub(super) fn begin_plan(header: &Header, out: &mut dyn Write) -> Result<Vec<u8>, PlanError> {
    let head = edge("the header", header)?;
    write(out, &head)?;
    write(out, b"\n")?;
    Ok(head)
}

/// Writes a plan of as many lines as its header says.
pub(super) fn write_plan(
    header: Header,
    lines: &Lines<'_>,
    threads: usize,
    out: &mut dyn Write,
    observer: &dyn Observer,
) -> Result<Sealed, PlanError> {
    let head = begin_plan(&header, out)?;
    let write_change = |i: usize, line: &mut Vec<u8>| match (lines.change)(i) {
        Some(change) => append(line, &change, || change.key.to_string()),
        None => Err(no_case()),
    };
    let of = header.changes;
    let changes = write_lines(count(of), threads, &write_change, out, &|done| {
        observer.on(&Progress::Seal { done, of });
    })?;

    let write_held = |i: usize, line: &mut Vec<u8>| match (lines.held)(i) {
        Some(held) => append(line, &held, || held.key.to_string()),
        None => Err(no_case()),
    };
    let held = write_lines(count(header.held), threads, &write_held, out, &|_| {})?;

    end_plan(header, &head, (changes, held), out)
}

/// Writes the last line of a plan.
pub(super) fn end_plan(
    header: Header,
    head: &[u8],
    (changes, held): (Vec<Chunk>, Vec<Chunk>),
    out: &mut dyn Write,
) -> Result<Sealed, PlanError> {
    let trailer = Trailer::of(head, changes, held);
    write(out, &edge("the trailer", &trailer)?)?;
    write(out, b"\n")?;
    out.flush().map_err(PlanError::Write)?;
    Ok(Sealed { id: trailer.id, header })
}

fn count(lines: u64) -> usize {
    usize::try_from(lines).unwrap_or(usize::MAX)
}

pub(super) fn no_case() -> PlanError {
    PlanError::Write(io::Error::new(io::ErrorKind::InvalidInput, "a decision names a case that does not exist"))
}

pub(super) fn write(out: &mut dyn Write, bytes: &[u8]) -> Result<(), PlanError> {
    out.write_all(bytes).map_err(PlanError::Write)
}

fn edge<T: Serialize>(what: &str, value: &T) -> Result<Vec<u8>, PlanError> {
    let mut line = Vec::new();
    serde_json::to_writer(&mut line, value).map_err(|e| PlanError::Write(e.into()))?;
    check_length(line.len(), PLAN_EDGE_BYTES, || what.to_owned())?;
    Ok(line)
}

/// Appends one line, newline included. Fields of what is written stand in alphabetical order, so this is canonical JSON.
pub(super) fn append<T: Serialize>(lines: &mut Vec<u8>, value: &T, what: impl Fn() -> String) -> Result<(), PlanError> {
    let start = lines.len();
    serde_json::to_writer(&mut *lines, value).map_err(|e| PlanError::Write(e.into()))?;
    lines.push(b'\n');
    check_length(lines.len() - start, LINE_BYTES, || format!("`{}`", what()))
}

fn check_length(bytes: usize, allowed: usize, what: impl Fn() -> String) -> Result<(), PlanError> {
    if bytes > allowed { Err(PlanError::Long { what: what(), bytes, allowed }) } else { Ok(()) }
}

/// Appends the line of an index to a buffer.
pub(super) type WriteLine<'a> = dyn Fn(usize, &mut Vec<u8>) -> Result<(), PlanError> + Sync + 'a;

/// Writes `count` lines. While `threads` blocks of them are built, those before are written: no more are in memory.
pub(super) fn write_lines(
    count: usize,
    threads: usize,
    line: &WriteLine<'_>,
    out: &mut dyn Write,
    done: &dyn Fn(u64),
) -> Result<Vec<Chunk>, PlanError> {
    let size = PLAN_CHUNK_CHANGES as usize;
    let starts: Vec<usize> = (0..count).step_by(size).collect();
    let mut chunks = Vec::with_capacity(starts.len());
    let mut built: Vec<Vec<u8>> = Vec::new();
    for group in starts.chunks(threads.max(1)) {
        let (written, blocks) = std::thread::scope(|scope| {
            let spawn = |&start: &usize| scope.spawn(move || block(start..count.min(start + size), line));
            let workers: Vec<_> = group.iter().map(spawn).collect();
            let written = built.drain(..).try_for_each(|bytes| write(out, &bytes));
            let join = |worker: std::thread::ScopedJoinHandle<'_, _>| {
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            (written, workers.into_iter().map(join).collect::<Vec<_>>())
        });
        written?;
        for block in blocks {
            let (bytes, mut described) = block?;
            built.push(bytes);
            chunks.append(&mut described);
        }
        done(group.last().map_or(0, |&start| count.min(start + size)) as u64);
    }
    built.into_iter().try_for_each(|bytes| write(out, &bytes))?;
    Ok(chunks)
}

/// The lines of a range, and the chunks that they make: one, unless its lines are very long.
fn block(range: std::ops::Range<usize>, line: &WriteLine<'_>) -> Result<(Vec<u8>, Vec<Chunk>), PlanError> {
    let (mut bytes, mut chunks) = (Vec::new(), Vec::new());
    let (mut start, mut lines) = (0, 0);
    let last = range.end;
    for i in range {
        line(i, &mut bytes)?;
        lines += 1;
        if bytes.len() - start >= PLAN_CHUNK_BYTES || i + 1 == last {
            chunks.push(Chunk::of(bytes.get(start..).unwrap_or_default(), lines));
            (start, lines) = (bytes.len(), 0);
        }
    }
    Ok((bytes, chunks))
}
