//! Facts on disk in parts, so that no more than one part is in memory: what is dealt out can be read back part by part, once.
//! Owns the files; which part a fact belongs to is for the caller. The files serve one run that is at work: they are never
//! flushed, and nobody looks for them after a crash but to remove them.

use std::fs::{self, File};
use std::io::{self, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::frame::{FrameError, decode_facts, encode_facts};
use super::{DiscoverError, ScanSide, Snapshot};
use crate::limits::SPILL_ROWS;
use crate::model::{Fact, Symbols};

/// Facts in parts.
pub struct Spill {
    dir: PathBuf,
    parts: Vec<Part>,
    /// For each number its number in the frame that is written; zero: none yet.
    numbers: Vec<u32>,
    buffer: Vec<u8>,
}

/// What waits to be written of a part, and how much was.
#[derive(Default)]
struct Part {
    waiting: Vec<Fact>,
    written: u64,
}

impl Spill {
    /// So many empty parts, in a folder that exists.
    #[must_use]
    pub fn new(dir: &Path, parts: usize) -> Self {
        let parts = (0..parts).map(|_| Part::default()).collect();
        Spill { dir: dir.to_owned(), parts, numbers: Vec::new(), buffer: Vec::new() }
    }

    /// Puts a fact into a part. All facts until the next [`Spill::flush`] are over the same dictionary.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn push(&mut self, part: usize, fact: &Fact, symbols: &Symbols) -> Result<(), DiscoverError> {
        let Some(waiting) = self.parts.get_mut(part).map(|part| &mut part.waiting) else { return Ok(()) };
        waiting.push(*fact);
        if waiting.len() >= SPILL_ROWS { self.write(part, symbols) } else { Ok(()) }
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn flush(&mut self, symbols: &Symbols) -> Result<(), DiscoverError> {
        (0..self.parts.len()).try_for_each(|part| self.write(part, symbols))
    }

    fn write(&mut self, part: usize, symbols: &Symbols) -> Result<(), DiscoverError> {
        let path = self.path(part);
        let Some(Part { waiting, written }) = self.parts.get_mut(part).filter(|part| !part.waiting.is_empty()) else {
            return Ok(());
        };
        self.buffer.clear();
        self.buffer.extend_from_slice(&[0; 4]);
        *written += waiting.len() as u64;
        encode_facts(waiting, symbols, &mut self.numbers, &mut self.buffer);
        waiting.clear();
        if let Some((head, body)) = self.buffer.split_first_chunk_mut::<4>() {
            *head = (body.len() as u32).to_le_bytes();
        }
        // Not held open: there may be more parts than a process may have files.
        let file = File::options().create(true).append(true).open(&path);
        file.and_then(|mut file| file.write_all(&self.buffer)).map_err(|source| DiscoverError::Spool { path, source })
    }

    /// Reads a part back into a snapshot with scans, over whatever dictionary it has, and removes its file.
    ///
    /// # Errors
    /// When the file cannot be read, or is not what was written.
    pub fn take(&mut self, part: usize, snapshot: &mut Snapshot) -> Result<(), DiscoverError> {
        let written = self.parts.get(part).map_or(0, |part| part.written);
        if written == 0 {
            return Ok(());
        }
        let path = self.path(part);
        let fail = |source| DiscoverError::Spool { path: path.clone(), source };
        let damaged = |problem: FrameError| fail(io::Error::new(io::ErrorKind::InvalidData, problem));
        let file = File::open(&path).map_err(fail)?;
        let mut rest = file.metadata().map_err(fail)?.len();
        let mut input = BufReader::new(file);
        let (mut bytes, mut facts, mut found) = (Vec::new(), Vec::new(), 0);
        while rest > 0 {
            let mut length = [0; 4];
            input.read_exact(&mut length).map_err(fail)?;
            let length = u32::from_le_bytes(length);
            rest = rest.checked_sub(4 + u64::from(length)).ok_or_else(|| damaged(FrameError::SHORT))?;
            bytes.resize(length as usize, 0);
            input.read_exact(&mut bytes).map_err(fail)?;
            decode_facts(&bytes, &mut snapshot.symbols, &mut facts).map_err(damaged)?;
            found += facts.len() as u64;
            for fact in facts.drain(..) {
                match snapshot.scans.get(usize::from(fact.scan)).map(|scan| scan.side) {
                    Some(ScanSide::Desired) => snapshot.desired.push(fact),
                    Some(ScanSide::Observed) => snapshot.observed.push(fact),
                    None => return Err(damaged(FrameError::SHORT)),
                }
            }
        }
        if found != written {
            return Err(damaged(FrameError::SHORT));
        }
        fs::remove_file(&path).map_err(fail)
    }

    fn path(&self, part: usize) -> PathBuf {
        self.dir.join(format!("facts-{part}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::SnapshotBuilder;
    use crate::model::Time;

    fn rows(snapshot: &Snapshot) -> Vec<String> {
        let text = |sym| snapshot.symbols.text(sym);
        let row = |fact: &Fact| {
            let end = fact.expires_at.seconds();
            format!("{} {} {} {} {end}", text(fact.target), text(fact.holder), text(fact.object), text(fact.record))
        };
        let mut rows: Vec<String> = snapshot.desired.iter().map(|fact| format!("desired {}", row(fact))).collect();
        rows.extend(snapshot.observed.iter().map(|fact| format!("observed {}", row(fact))));
        rows.sort();
        rows
    }

    fn take(spill: &mut Spill, part: usize, whole: &Snapshot) -> Result<Snapshot, DiscoverError> {
        let mut snapshot = Snapshot { scans: whole.scans.clone(), ..Snapshot::default() };
        spill.take(part, &mut snapshot).map(|()| snapshot)
    }

    fn snapshot(grants: usize) -> Snapshot {
        let mut builder = SnapshotBuilder::new();
        for i in 0..grants {
            builder.observed("gh", &format!("p{i}"), "team:a").desired("gh", &format!("p{i}"), "team:b");
            builder.with(|fact, symbols| {
                fact.record = symbols.intern(&format!("R-{i}"));
                fact.expires_at = Time::from_seconds(i as i64);
            });
        }
        builder.build().unwrap()
    }

    #[test]
    fn what_is_dealt_out_comes_back_once() {
        let folder = tempfile::tempdir().unwrap();
        let (whole, more) = (snapshot(3 * SPILL_ROWS), snapshot(1));
        let mut spill = Spill::new(folder.path(), 2);
        for (at, fact) in whole.desired.iter().chain(&whole.observed).enumerate() {
            spill.push(usize::from(at % 5 == 0), fact, &whole.symbols).unwrap();
        }
        spill.flush(&whole.symbols).unwrap();
        spill.push(1, &more.observed[0], &more.symbols).unwrap();
        spill.flush(&more.symbols).unwrap();
        let mut back = rows(&take(&mut spill, 0, &whole).unwrap());
        back.extend(rows(&take(&mut spill, 1, &whole).unwrap()));
        back.sort();
        let mut expected = rows(&whole);
        expected.push("observed gh p0 team:a  0".to_owned());
        expected.sort();
        assert_eq!(back, expected);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_part_that_lost_bytes_is_an_error_that_names_its_file() {
        let whole = snapshot(3);
        for lost in 1..200 {
            let folder = tempfile::tempdir().unwrap();
            let mut spill = Spill::new(folder.path(), 1);
            whole.observed.iter().for_each(|fact| spill.push(0, fact, &whole.symbols).unwrap());
            spill.flush(&whole.symbols).unwrap();
            let path = folder.path().join("facts-0");
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, &bytes[..bytes.len() - lost]).unwrap();
            let error = take(&mut spill, 0, &whole).err().unwrap();
            assert!(error.to_string().contains("facts-0"), "{error}");
        }
    }

    #[test]
    fn a_full_disk_is_an_error_that_names_the_file() {
        let whole = snapshot(1);
        let mut spill = Spill::new(Path::new("/dev/null/nowhere"), 1);
        spill.push(0, &whole.observed[0], &whole.symbols).unwrap();
        let error = spill.flush(&whole.symbols).err().unwrap();
        assert_eq!(error.to_string(), "cannot store pages in `/dev/null/nowhere/facts-0`");
    }
}
