//! Recorded rows on their way to the parts that have a case of them: keys are dealt out into ranges on disk, and each range is
//! met with the rows that the ledger gives in the order of keys, which are read once. Owns these files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::EngineError;
use crate::correlate::Recorded;
use crate::ledger::{LedgerError, ROW_BYTES, RecordedRows, from_bytes, to_bytes};
use crate::limits::JOIN_BUFFER_BYTES;
use crate::model::KeyHash;

/// Ranges of keys: one for each first byte.
const RANGES: usize = 256;
/// Bytes of a key and its part.
const ENTRY_BYTES: usize = 18;

/// Recorded rows and keys that are to meet.
pub(super) struct Join {
    folder: PathBuf,
    keys: Vec<Vec<u8>>,
    rows: BTreeMap<usize, Vec<u8>>,
}

impl Join {
    pub(super) fn new(folder: &Path) -> Self {
        Join { folder: folder.to_owned(), keys: vec![Vec::new(); RANGES], rows: BTreeMap::new() }
    }

    /// Says that this part has a case of this key.
    pub(super) fn key(&mut self, key: KeyHash, part: u16) -> Result<(), EngineError> {
        let range = usize::from(key.0[0]);
        let Some(keys) = self.keys.get_mut(range) else { return Ok(()) };
        keys.extend_from_slice(&key.0);
        keys.extend_from_slice(&part.to_le_bytes());
        if keys.len() >= JOIN_BUFFER_BYTES { spill(&self.folder.join(format!("keys-{range}")), keys) } else { Ok(()) }
    }

    /// Deals the rows out. Those that no part has are given to `alone`.
    pub(super) fn rows(&mut self, rows: RecordedRows<'_>, mut alone: impl FnMut(Recorded)) -> Result<(), EngineError> {
        let mut rows = rows.peekable();
        for range in 0..RANGES {
            let keys = self.range(range)?;
            let mut keys = keys.iter().peekable();
            while let Some(row) = rows.next_if(|row| row.as_ref().map_or(true, |row| usize::from(row.key.0[0]) <= range)) {
                let row: Recorded = row?;
                while keys.next_if(|(key, _)| *key < row.key).is_some() {}
                match keys.peek().filter(|(key, _)| *key == row.key) {
                    Some((_, part)) => self.row(usize::from(*part), &row)?,
                    None => alone(row),
                }
            }
        }
        Ok(())
    }

    /// Adds a row to a part.
    pub(super) fn row(&mut self, part: usize, row: &Recorded) -> Result<(), EngineError> {
        let rows = self.rows.entry(part).or_default();
        rows.extend_from_slice(&to_bytes(row));
        if rows.len() >= JOIN_BUFFER_BYTES { spill(&self.folder.join(format!("rows-{part}")), rows) } else { Ok(()) }
    }

    /// The rows of a part, in the order of keys.
    pub(super) fn take(
        &mut self,
        part: usize,
    ) -> Result<impl Iterator<Item = Result<Recorded, LedgerError>> + use<>, EngineError> {
        let bytes = read(&self.folder.join(format!("rows-{part}")), self.rows.remove(&part).unwrap_or_default())?;
        let (rows, _) = bytes.as_chunks::<ROW_BYTES>();
        let mut rows: Vec<Recorded> = rows.iter().map(from_bytes).collect();
        rows.sort_unstable_by_key(|row| row.key);
        Ok(rows.into_iter().map(Ok))
    }

    /// The keys of a range, sorted.
    fn range(&mut self, range: usize) -> Result<Vec<(KeyHash, u16)>, EngineError> {
        let rest = self.keys.get_mut(range).map(std::mem::take).unwrap_or_default();
        let bytes = read(&self.folder.join(format!("keys-{range}")), rest)?;
        let (entries, _) = bytes.as_chunks::<ENTRY_BYTES>();
        let entry = |entry: &[u8; ENTRY_BYTES]| {
            let [key @ .., low, high] = *entry;
            (KeyHash(key), u16::from_le_bytes([low, high]))
        };
        let mut keys: Vec<_> = entries.iter().map(entry).collect();
        keys.sort_unstable();
        Ok(keys)
    }
}

/// Moves a buffer to the end of a file. No file is held open: there may be many.
fn spill(path: &Path, buffer: &mut Vec<u8>) -> Result<(), EngineError> {
    let file = File::options().create(true).append(true).open(path);
    let written = file.and_then(|mut file| file.write_all(buffer));
    buffer.clear();
    written.map_err(|source| EngineError::Store { path: path.to_owned(), source })
}

/// What was moved to a file, and the rest; the file is removed.
fn read(path: &Path, rest: Vec<u8>) -> Result<Vec<u8>, EngineError> {
    let error = |source| EngineError::Store { path: path.to_owned(), source };
    let mut bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(rest),
        bytes => bytes.map_err(error)?,
    };
    bytes.extend_from_slice(&rest);
    fs::remove_file(path).map_err(error)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::StateHash;

    fn recorded(number: u32) -> Recorded {
        let mut key = [0; 16];
        key[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b9).to_be_bytes());
        key[4..8].copy_from_slice(&number.to_be_bytes());
        Recorded::new(KeyHash(key), StateHash(7), number)
    }

    #[test]
    fn each_row_comes_to_the_part_that_has_its_key_in_order_and_once() {
        let folder = tempfile::tempdir().unwrap();
        // Enough that buffers are spilled; every fifth row has no key, every seventh key no row.
        let all: Vec<u32> = (0..400_000).collect();
        let mut join = Join::new(folder.path());
        for number in all.iter().filter(|number| *number % 5 > 0) {
            for _ in 0..2 {
                join.key(recorded(*number).key, (number % 3) as u16).unwrap();
            }
        }
        let mut rows: Vec<Recorded> = all.iter().filter(|number| *number % 7 > 0).map(|number| recorded(*number)).collect();
        rows.sort_by_key(|row| row.key);
        let mut alone = Vec::new();
        join.rows(Box::new(rows.iter().copied().map(Ok)), |row| alone.push(row)).unwrap();
        join.row(2, &recorded(5)).unwrap();
        let expected: Vec<Recorded> = rows.iter().filter(|row| row.incarnation % 5 == 0).copied().collect();
        assert_eq!(alone, expected);
        for part in 0..3 {
            let mut expected: Vec<Recorded> =
                rows.iter().filter(|row| row.incarnation % 5 > 0 && row.incarnation % 3 == part).copied().collect();
            expected.extend((part == 2).then(|| recorded(5)));
            expected.sort_by_key(|row| row.key);
            let found: Vec<Recorded> = join.take(part as usize).unwrap().map(Result::unwrap).collect();
            assert!(found == expected, "part {part}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
