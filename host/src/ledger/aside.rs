//! A copy of rows of recorded state beside the ledger, so that what a plan met can be met again when the ledger has moved
//! on. Owns the file: the rows, then their root, which tells whether all of them are there.

use std::fs::File;
use std::io::{self, BufReader, Read as _, Write};
use std::path::Path;

use super::row::{ROW_BYTES, RootHasher, from_bytes, to_bytes};
use crate::correlate::Recorded;

/// Writes rows, which ascend by key. Of rows with the same key the first one is kept.
///
/// # Errors
/// When they cannot be written.
pub fn write_aside(rows: &[Recorded], out: &mut impl Write) -> io::Result<()> {
    let mut hasher = RootHasher::default();
    let mut last = None;
    for row in rows.iter().filter(|row| last.replace(row.key) != Some(row.key)) {
        let bytes = to_bytes(row);
        hasher.add(&bytes);
        out.write_all(&bytes)?;
    }
    out.write_all(&hasher.root().0)
}

/// Reads them back. None: there is no such file, or it is not as it was written.
///
/// # Errors
/// When it cannot be read.
pub fn read_aside(path: &Path) -> io::Result<Option<Vec<Recorded>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = Vec::new();
    BufReader::new(file).read_to_end(&mut bytes)?;
    let (rows, root) = bytes.as_chunks::<ROW_BYTES>();
    let mut hasher = RootHasher::default();
    rows.iter().for_each(|row| hasher.add(row));
    Ok((hasher.root().0.as_slice() == root).then(|| rows.iter().map(from_bytes).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{KeyHash, StateHash};

    #[test]
    fn rows_read_back_and_a_file_that_lacks_any_is_not_believed() {
        let row = |key| Recorded::new(KeyHash([key; 16]), StateHash(7), u32::from(key));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recorded");
        assert_eq!(read_aside(&path).unwrap(), None);
        for rows in [vec![], vec![row(1), row(2), row(2), row(3)]] {
            let mut bytes = Vec::new();
            write_aside(&rows, &mut bytes).unwrap();
            let mut once = rows.clone();
            once.dedup();
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(read_aside(&path).unwrap(), Some(once));
            for length in 0..bytes.len() {
                std::fs::write(&path, &bytes[..length]).unwrap();
                assert_eq!(read_aside(&path).unwrap(), None, "{length} bytes of {}", bytes.len());
            }
        }
    }
}
