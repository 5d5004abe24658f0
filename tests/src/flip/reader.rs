//! What a store holds, read without trueup: rows by SQL, files by their bytes. Owns what counts as the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use super::Piece;

/// Bytes of a piece of a file that a worker takes at once.
const PIECE: u64 = 4_096;

/// All rows, by table, and all files that are acted on.
#[derive(PartialEq, Eq)]
pub(super) struct Found {
    rows: String,
    files: BTreeMap<PathBuf, Vec<u8>>,
}

/// Files that nothing is decided by: they are told to people, made anew when they are not there, or hold nothing.
pub(super) fn is_told_only(path: &Path) -> bool {
    let told = ["store/runs", "store/pages", "store/answers", "store/code"];
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    told.iter().any(|folder| path.starts_with(folder)) || name.starts_with("pushed-") || name == "lock" || name.ends_with("-shm")
}

/// Reads everything.
pub(super) fn read(folder: &Path) -> Result<Found> {
    let mut files = BTreeMap::new();
    for piece in self::files(folder)?.into_iter().filter(|piece| piece.from == 0) {
        if !is_told_only(&piece.path) && !is_database(&piece.path) {
            let bytes = fs::read(folder.join(&piece.path))?;
            let packed = piece.path.starts_with("store/recordings") && piece.path.extension().is_some_and(|end| end != "wasm");
            files.insert(piece.path.clone(), if packed { unpacked(&bytes).unwrap_or(bytes) } else { bytes });
        }
    }
    Ok(Found { rows: rows(&folder.join("store/ledger/ledger.sqlite"))?, files })
}

/// Objects of a recording with their heads, unpacked: other bytes may be the same text, packed in another way. None if they are
/// none.
fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    let (magic, mut rest) = bytes.split_at_checked(17)?;
    let mut all = magic.to_vec();
    while !rest.is_empty() {
        let (head, after) = rest.split_at_checked(41)?;
        let number = |at: usize| Some(u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?) as usize);
        let (packed, after) = after.split_at_checked(number(5)?)?;
        all.extend_from_slice(head);
        all.extend(lz4_flex::block::decompress(packed, number(1)?).ok()?);
        rest = after;
    }
    Some(all)
}

fn is_database(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ledger.sqlite"))
}

/// Every row of every table. Names of batches are left out: only the process that wrote one ever asks for it.
fn rows(path: &Path) -> Result<String> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut all = String::new();
    let mut names = conn.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'batches' ORDER BY name")?;
    let names = names.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    for name in names {
        let mut statement = conn
            .prepare(&format!("SELECT * FROM \"{name}\" ORDER BY 1, 2, 3"))
            .or_else(|_| conn.prepare(&format!("SELECT * FROM \"{name}\" ORDER BY 1, 2")))?;
        let columns = statement.column_count();
        writeln!(all, "{name} {}", statement.column_names().collect::<Vec<_>>().join(" "))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                match row.get_ref(column)? {
                    ValueRef::Text(text) => write!(all, "{:?} ", String::from_utf8_lossy(text))?,
                    other => write!(all, "{other:?} ")?,
                }
            }
            all.push('\n');
        }
    }
    Ok(all)
}

/// The files below a folder, in pieces.
pub(super) fn files(folder: &Path) -> Result<Vec<Piece>> {
    let (mut pieces, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let length = fs::metadata(&path)?.len();
            let path = path.strip_prefix(folder).context("below it")?.to_owned();
            let starts = (0..length.max(1)).step_by(usize::try_from(PIECE)?);
            pieces.extend(starts.map(|from| Piece { path: path.clone(), from, end: length.min(from + PIECE) }));
        }
    }
    pieces.sort_by(|a, b| (&a.path, a.from).cmp(&(&b.path, b.from)));
    Ok(pieces)
}
