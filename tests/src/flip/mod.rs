//! One byte of a store changed at a time: either verification refuses the store and says where, or whoever reads it without
//! trueup still finds the same. Owns the changing and the tally; the store is made in `made`, and read back in `reader`.

mod made;
mod reader;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, anyhow};

pub use made::{Image, images};

/// What a byte is combined with by exclusive or.
const PATTERNS: [u8; 2] = [0x01, 0xff];
/// So many changes that slipped through are told one by one.
const TOLD: usize = 50;

/// What became of all changes.
#[derive(Debug, Default)]
pub struct Tally {
    /// Changes that were made: two for each byte.
    pub changes: u64,
    /// Verification refused the store.
    pub detected: u64,
    /// Verification passed it, and everything in it reads as before.
    pub harmless: u64,
    /// In files that are told to people only, or made anew: see [`reader::is_told_only`].
    pub told_only: u64,
    /// Verification passed it, and something reads otherwise; or it panicked. The first of them.
    pub slipped: Vec<String>,
    /// How many of these.
    pub slips: u64,
    /// How verification refused, without numbers, and how often.
    pub refusals: BTreeMap<String, u64>,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.changes += other.changes;
        self.detected += other.detected;
        self.harmless += other.harmless;
        self.told_only += other.told_only;
        self.slips += other.slips;
        self.slipped.extend(other.slipped);
        self.slipped.truncate(TOLD);
        for (refusal, times) in other.refusals {
            *self.refusals.entry(refusal).or_default() += times;
        }
    }
}

/// Changes every byte whose number leaves no rest when it is divided by `stride`, in each file of an image.
///
/// # Errors
/// When the image cannot be copied, or is not whole to begin with.
pub fn flip(image: &Image, stride: u64, threads: usize) -> Result<BTreeMap<String, Tally>> {
    let files = reader::files(&image.folder)?;
    let next = AtomicUsize::new(0);
    let tallies: Mutex<BTreeMap<String, Tally>> = Mutex::default();
    let work = || -> Result<()> {
        let copy = made::copy(&image.folder)?;
        let bench = Bench::new(copy.path(), &image.folder)?;
        loop {
            let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) else { return Ok(()) };
            let tally = bench.file(file, stride)?;
            tallies.lock().unwrap_or_else(PoisonError::into_inner).entry(family(file)).or_default().add(tally);
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| anyhow!("a worker panicked"))?)
    })?;
    Ok(tallies.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Files whose names hold digests and numbers, told as one.
fn family(file: &Piece) -> String {
    let name = file.path.display().to_string();
    let parts = name.split('/').map(|part| if part.len() > 24 { "…" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// A part of a file, so that workers share long ones.
#[derive(Debug)]
struct Piece {
    path: PathBuf,
    from: u64,
    end: u64,
}

/// One worker's copy of the image.
struct Bench<'a> {
    folder: &'a Path,
    image: &'a Path,
    found: reader::Found,
}

impl<'a> Bench<'a> {
    fn new(folder: &'a Path, image: &'a Path) -> Result<Self> {
        made::verify(folder).context("before anything was changed")?;
        let found = reader::read(folder)?;
        let bench = Bench { folder, image, found };
        bench.tidy()?;
        Ok(bench)
    }

    fn file(&self, piece: &Piece, stride: u64) -> Result<Tally> {
        let mut tally = Tally::default();
        let path = self.folder.join(&piece.path);
        let bytes = fs::read(&path)?;
        let first = piece.from.next_multiple_of(stride);
        for at in (first..piece.end).step_by(usize::try_from(stride)?) {
            let was = bytes.get(usize::try_from(at)?).copied().context("a byte")?;
            for pattern in PATTERNS {
                put(&path, at, was ^ pattern)?;
                self.judge(piece, at, pattern, &mut tally);
                put(&path, at, was)?;
                self.tidy()?;
            }
        }
        Ok(tally)
    }

    fn judge(&self, piece: &Piece, at: u64, pattern: u8, tally: &mut Tally) {
        tally.changes += 1;
        let slip = match catch_unwind(AssertUnwindSafe(|| made::verify(self.folder))) {
            Err(_) => "verification panicked",
            Ok(Err(error)) => {
                let said = format!("{error:#}");
                *tally.refusals.entry(plain(&said)).or_default() += 1;
                if ["`", "leaf", "leaves", "the plan is damaged"].iter().any(|place| said.contains(place)) {
                    tally.detected += 1;
                    return;
                }
                "the refusal names no place"
            }
            Ok(Ok(())) if reader::is_told_only(&piece.path) => {
                tally.told_only += 1;
                return;
            }
            Ok(Ok(())) => match reader::read(self.folder) {
                Ok(found) if found == self.found => {
                    tally.harmless += 1;
                    return;
                }
                Ok(_) => "something reads otherwise",
                Err(_) => "something reads no longer",
            },
        };
        tally.slips += 1;
        if tally.slipped.len() < TOLD {
            tally.slipped.push(format!("byte {at} of `{}`, pattern {pattern:#04x}: {slip}", piece.path.display()));
        }
    }

    /// Removes what reading leaves beside the database: with it, SQLite would not look at the write-ahead log again.
    fn tidy(&self) -> Result<()> {
        for name in ["ledger.sqlite-shm", "ledger.sqlite-wal"] {
            let place = Path::new("store/ledger").join(name);
            let (path, origin) = (self.folder.join(&place), self.image.join(&place));
            if path.exists() && !origin.exists() {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

fn put(path: &Path, at: u64, byte: u8) -> Result<()> {
    let mut file = File::options().write(true).open(path)?;
    file.seek(SeekFrom::Start(at))?;
    Ok(file.write_all(&[byte])?)
}

/// A message without what differs between two of its kind.
fn plain(said: &str) -> String {
    let mut plain = String::new();
    let mut quoted = false;
    for letter in said.chars().take(400) {
        quoted ^= letter == '`';
        let letter = if quoted && letter != '`' || letter.is_ascii_digit() { '·' } else { letter };
        if letter != '·' || !plain.ends_with('·') {
            plain.push(letter);
        }
    }
    plain.chars().take(110).collect()
}
