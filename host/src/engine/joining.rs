//! Recorded rows on their way to the parts that have a case of them: keys are dealt out into ranges on disk, and each range is
//! met with the rows that the ledger gives in the order of keys, which are read once. Owns these files.

use std::path::Path;

use super::EngineError;
use crate::correlate::Recorded;
use crate::discover::{DiscoverError, Piles};
use crate::ledger::{LedgerError, ROW_BYTES, RecordedRows, from_bytes, to_bytes};
use crate::model::KeyHash;

/// Ranges of keys: one for each first byte.
const RANGES: usize = 256;
/// Bytes of a key and its part.
const ENTRY_BYTES: usize = 18;

/// Recorded rows and keys that are to meet.
pub(super) struct Join {
    keys: Piles,
    rows: Piles,
}

impl Join {
    pub(super) fn new(folder: &Path) -> Self {
        Join { keys: Piles::on_disk(folder, "keys"), rows: Piles::on_disk(folder, "rows") }
    }

    /// Says that this part has a case of this key.
    pub(super) fn key(&mut self, key: KeyHash, part: u16) -> Result<(), DiscoverError> {
        let mut entry = [0; ENTRY_BYTES];
        let (head, tail) = entry.split_at_mut(ENTRY_BYTES - 2);
        head.copy_from_slice(&key.0);
        tail.copy_from_slice(&part.to_le_bytes());
        self.keys.push(usize::from(key.0[0]), &entry)
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
    pub(super) fn row(&mut self, part: usize, row: &Recorded) -> Result<(), DiscoverError> {
        self.rows.push(part, &to_bytes(row))
    }

    /// The rows of a part, in the order of keys.
    pub(super) fn take(
        &mut self,
        part: usize,
    ) -> Result<impl Iterator<Item = Result<Recorded, LedgerError>> + use<>, EngineError> {
        let bytes = self.rows.take(part)?;
        let (rows, _) = bytes.as_chunks::<ROW_BYTES>();
        let mut rows: Vec<Recorded> = rows.iter().map(from_bytes).collect();
        rows.sort_unstable_by_key(|row| row.key);
        Ok(rows.into_iter().map(Ok))
    }

    /// The keys of a range, sorted.
    fn range(&mut self, range: usize) -> Result<Vec<(KeyHash, u16)>, EngineError> {
        let bytes = self.keys.take(range)?;
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

#[cfg(test)]
mod tests {
    use std::fs;

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
