//! Objects: pieces of JSON that recordings are made of, each named by the SHA-256 of its text, compressed, in files to which one
//! run wrote what no run before it had. Owns these files' form, and that nothing is given out that is not what was written.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use lz4_flex::block::{compress, decompress};
use serde::{Deserialize, Serialize};

use crate::engine::EngineError;
use crate::limits::{OBJECT_BYTES, OBJECTS_AHEAD};
use crate::model::Digest;

/// What a file of objects begins with; the number is the version of its form.
const MAGIC: &[u8; 17] = b"trueup objects 1\n";
/// Bytes before an object: what became of it, both lengths, its name.
const HEAD_BYTES: usize = 1 + 4 + 4 + 32;
/// The object is there.
const WHOLE: u8 = 0;
/// Somebody removed it for good.
const REDACTED: u8 = 1;

/// Which object, and where it lies: the run whose file it is in, and the byte that it begins at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Named(pub(super) Digest, pub(super) u64, pub(super) u64);

/// Why there is no object.
#[derive(Debug)]
pub(crate) enum Unread {
    /// It is not there any more.
    Gone {
        /// Its name.
        object: Digest,
        /// Whether somebody removed it on purpose, and only it.
        redacted: bool,
    },
    /// It cannot be read, or is damaged.
    Failed(EngineError),
}

impl From<EngineError> for Unread {
    fn from(error: EngineError) -> Self {
        Unread::Failed(error)
    }
}

/// The file to which a run writes.
pub(super) struct Pack {
    run: u64,
    path: PathBuf,
    beside: PathBuf,
    file: BufWriter<File>,
    at: u64,
    known: Known,
    /// What this run made, and might make again.
    repeated: HashMap<Digest, Named>,
}

/// Objects that earlier runs wrote: half of each name, and where it lies. What lies there is checked against its whole name
/// whenever it is read.
struct Known(Vec<(u128, u64, u64)>);

impl Known {
    fn of(objects: &[Named]) -> Self {
        let mut known: Vec<_> = objects.iter().map(|Named(name, run, at)| (half(name), *run, *at)).collect();
        known.sort_unstable();
        Known(known)
    }

    fn find(&self, name: Digest) -> Option<Named> {
        let at = self.0.binary_search_by_key(&half(&name), |(half, ..)| *half).ok()?;
        self.0.get(at).map(|(_, run, at)| Named(name, *run, *at))
    }
}

fn half(name: &Digest) -> u128 {
    let [half @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = name.0;
    u128::from_le_bytes(half)
}

impl Pack {
    /// A new file of a run, at this path when it is whole. `known` are objects that lie elsewhere.
    pub(super) fn begin(path: PathBuf, run: u64, known: &[Named]) -> Result<Self, EngineError> {
        let beside = path.with_extension("new");
        let fail = |source| EngineError::Store { path: beside.clone(), source };
        let mut file = BufWriter::new(File::create(&beside).map_err(fail)?);
        file.write_all(MAGIC).map_err(fail)?;
        let known = Known::of(known);
        Ok(Pack { run, path, beside, file, at: MAGIC.len() as u64, known, repeated: HashMap::new() })
    }

    /// Keeps an object, and says where it lies. One that this run has already made is not written again.
    pub(super) fn put(&mut self, raw: &[u8]) -> Result<Named, EngineError> {
        let name = Digest::of(raw);
        if let Some(named) = self.repeated.get(&name) {
            return Ok(*named);
        }
        let named = self.put_new(raw)?;
        self.repeated.insert(name, named);
        Ok(named)
    }

    /// Keeps an object that hardly comes twice in a run, and is not remembered for that.
    pub(super) fn put_new(&mut self, raw: &[u8]) -> Result<Named, EngineError> {
        let made = self.made(raw);
        self.keep(made)
    }

    /// Keeps the objects that these make, all different, on up to so many threads, and says where each lies, in their order.
    pub(super) fn put_all<T: Sync>(
        &mut self,
        of: &[T],
        threads: usize,
        make: impl Fn(&T) -> serde_json::Result<Vec<u8>> + Sync,
    ) -> Result<Vec<Named>, EngineError> {
        let mut all = Vec::with_capacity(of.len());
        for group in of.chunks(OBJECTS_AHEAD) {
            let share = group.len().div_ceil(threads.max(1));
            let run = |items: &[T]| -> Vec<_> { items.iter().map(|item| make(item).map(|raw| self.made(&raw))).collect() };
            let made: Vec<_> = std::thread::scope(|scope| {
                let workers: Vec<_> = group.chunks(share).map(|items| scope.spawn(|| run(items))).collect();
                let join = |worker: std::thread::ScopedJoinHandle<'_, _>| {
                    worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                };
                workers.into_iter().map(join).collect()
            });
            for made in made.into_iter().flatten() {
                all.push(self.keep(made.map_err(|error| self.failed(error.into()))?)?);
            }
        }
        Ok(all)
    }

    /// An object where it lies already, or its name and its bytes in a file.
    fn made(&self, raw: &[u8]) -> Result<Named, (Digest, Vec<u8>)> {
        let name = Digest::of(raw);
        self.known.find(name).ok_or_else(|| (name, frame(&name, raw)))
    }

    fn keep(&mut self, made: Result<Named, (Digest, Vec<u8>)>) -> Result<Named, EngineError> {
        let (name, frame) = match made {
            Ok(named) => return Ok(named),
            Err(new) => new,
        };
        let named = Named(name, self.run, self.at);
        self.file.write_all(&frame).map_err(|source| self.failed(source))?;
        self.at += frame.len() as u64;
        Ok(named)
    }

    /// What could not be written, with the file's name.
    pub(super) fn failed(&self, source: io::Error) -> EngineError {
        EngineError::Store { path: self.beside.clone(), source }
    }

    /// Puts the file into its place, durably but for the folder.
    pub(super) fn end(mut self) -> Result<(), EngineError> {
        let done = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        done.and_then(|()| fs::rename(&self.beside, &self.path))
            .map_err(|source| EngineError::Store { path: self.path.clone(), source })
    }
}

impl Drop for Pack {
    fn drop(&mut self) {
        // What was not put into its place serves nobody; once it was, there is nothing beside it.
        drop(fs::remove_file(&self.beside));
    }
}

/// A file of one object.
pub(super) fn alone(raw: &[u8]) -> Vec<u8> {
    [MAGIC.as_slice(), &frame(&Digest::of(raw), raw)].concat()
}

/// The object of such a file, and its name.
pub(super) fn read_alone(path: &Path) -> Result<Vec<u8>, EngineError> {
    let mut file = File::open(path).map_err(|source| EngineError::Store { path: path.to_owned(), source })?;
    match read(&mut file, path, MAGIC.len() as u64, None) {
        Ok(raw) => Ok(raw),
        Err(Unread::Failed(error)) => Err(error),
        Err(Unread::Gone { object, .. }) => Err(damaged(path, &object, "nothing is left of it")),
    }
}

fn frame(name: &Digest, raw: &[u8]) -> Vec<u8> {
    let packed = compress(raw);
    let mut frame = Vec::with_capacity(HEAD_BYTES + packed.len());
    frame.push(WHOLE);
    frame.extend_from_slice(&(raw.len() as u32).to_le_bytes());
    frame.extend_from_slice(&(packed.len() as u32).to_le_bytes());
    frame.extend_from_slice(&name.0);
    frame.extend_from_slice(&packed);
    frame
}

/// Where objects are read from.
pub(super) enum Objects {
    /// Files of runs in a folder, those open that were read from.
    Packs(PathBuf, HashMap<u64, File>),
    /// Texts by name.
    Texts(HashMap<Digest, Vec<u8>>),
}

impl Objects {
    /// The objects of a folder of recordings.
    pub(super) fn within(folder: PathBuf) -> Self {
        Objects::Packs(folder, HashMap::new())
    }

    /// An object, checked against its name.
    pub(super) fn read(&mut self, named: &Named) -> Result<Vec<u8>, Unread> {
        let Named(name, run, at) = *named;
        let gone = || Unread::Gone { object: name, redacted: false };
        let (folder, open) = match self {
            Objects::Texts(texts) => return texts.get(&name).cloned().ok_or_else(gone),
            Objects::Packs(folder, open) => (folder, open),
        };
        let path = pack_path(folder, run);
        let file = match open.entry(run) {
            std::collections::hash_map::Entry::Occupied(file) => file.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => match File::open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(gone()),
                file => place.insert(file.map_err(|source| EngineError::Store { path, source })?),
            },
        };
        let path = pack_path(folder, run);
        read(file, &path, at, Some(&name))
    }

    /// An object as what it stands for.
    pub(super) fn value<T: for<'de> Deserialize<'de>>(&mut self, named: &Named) -> Result<T, Unread> {
        let raw = self.read(named)?;
        let problem = |error: serde_json::Error| self.damaged(named, &error.to_string());
        serde_json::from_slice(&raw).map_err(problem).map_err(Unread::Failed)
    }

    /// An object is what was written, and yet not what it should be.
    pub(super) fn damaged(&self, Named(name, run, _): &Named, problem: &str) -> EngineError {
        let path = match self {
            Objects::Packs(folder, _) => pack_path(folder, *run),
            Objects::Texts(_) => PathBuf::new(),
        };
        damaged(&path, name, problem)
    }
}

/// The file of a run's objects.
pub(super) fn pack_path(folder: &Path, run: u64) -> PathBuf {
    folder.join(format!("{run}.pack"))
}

fn damaged(path: &Path, object: &Digest, problem: &str) -> EngineError {
    EngineError::DamagedObject { path: path.to_owned(), object: *object, problem: problem.to_owned() }
}

/// The object that begins at a byte of a file. Nothing that the file says of itself is trusted.
fn read(file: &mut File, path: &Path, at: u64, name: Option<&Digest>) -> Result<Vec<u8>, Unread> {
    let wanted = name.copied().unwrap_or_default();
    let short = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => damaged(path, &wanted, "the file ends before it does"),
        _ => EngineError::Store { path: path.to_owned(), source: error },
    };
    let mut head = [0; HEAD_BYTES];
    file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut head)).map_err(short)?;
    let [state, a, b, c, d, e, f, g, h, found @ ..] = head;
    let (length, packed) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
    let found = Digest(found);
    let wanted = name.copied().unwrap_or(found);
    let damaged = |problem: &str| Unread::Failed(damaged(path, &wanted, problem));
    if found != wanted {
        return Err(damaged("another one lies in its place"));
    }
    match state {
        WHOLE => {}
        REDACTED => return Err(Unread::Gone { object: wanted, redacted: true }),
        _ => return Err(damaged("its beginning is not what was written")),
    }
    if length as usize > OBJECT_BYTES || packed as usize > OBJECT_BYTES {
        return Err(damaged("it is longer than any may be"));
    }
    let mut bytes = Vec::new();
    Read::take(&mut *file, u64::from(packed)).read_to_end(&mut bytes).map_err(short)?;
    let raw = decompress(&bytes, length as usize).map_err(|_| damaged("it cannot be unpacked"))?;
    if Digest::of(&raw) != wanted {
        return Err(damaged("its digest is another"));
    }
    Ok(raw)
}

/// Reads a file of objects from one end to the other; gives how many there are.
pub(super) fn check(path: &Path) -> Result<u64, EngineError> {
    let fail = |source| EngineError::Store { path: path.to_owned(), source };
    let wrong = |problem: &str| EngineError::Damaged { path: path.to_owned(), problem: problem.to_owned() };
    let mut file = File::open(path).map_err(fail)?;
    let size = file.metadata().map_err(fail)?.len();
    let mut magic = [0; MAGIC.len()];
    if file.read_exact(&mut magic).is_err() || magic != *MAGIC {
        return Err(wrong("it does not begin as a file of objects"));
    }
    let (mut at, mut objects) = (MAGIC.len() as u64, 0);
    while at < size {
        let mut head = [0; HEAD_BYTES];
        let begun = file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut head));
        begun.map_err(|_| wrong("it ends within an object"))?;
        let packed = u64::from(u32::from_le_bytes([head[5], head[6], head[7], head[8]]));
        match read(&mut file, path, at, None) {
            Ok(_) => {}
            Err(Unread::Failed(error)) => return Err(error),
            // Nothing is left of it but its name and its place.
            Err(Unread::Gone { .. }) => {
                let mut left = Vec::new();
                let read = Read::take(&mut file, packed.min(OBJECT_BYTES as u64)).read_to_end(&mut left).map_err(fail)?;
                if read as u64 != packed || left.iter().any(|byte| *byte != 0) || head[1..5] != [0; 4] {
                    return Err(wrong("an object that was redacted is not empty"));
                }
            }
        }
        (at, objects) = (at + HEAD_BYTES as u64 + packed, objects + 1);
    }
    Ok(objects)
}

/// Removes objects from a file of them for good, where `is_meant` says so of their text: what they held is overwritten, their
/// names stay. Gives how many.
pub(super) fn redact(path: &Path, is_meant: impl Fn(&[u8]) -> bool) -> Result<u64, EngineError> {
    let fail = |source| EngineError::Store { path: path.to_owned(), source };
    let mut file = File::options().read(true).write(true).open(path).map_err(fail)?;
    let size = file.metadata().map_err(fail)?.len();
    let (mut at, mut redacted) = (MAGIC.len() as u64, 0);
    while at < size {
        let mut head = [0; HEAD_BYTES];
        file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut head)).map_err(fail)?;
        let packed = u64::from(u32::from_le_bytes([head[5], head[6], head[7], head[8]]));
        let is_meant = match read(&mut file, path, at, None) {
            Ok(raw) => is_meant(&raw),
            Err(Unread::Gone { .. }) => false,
            Err(Unread::Failed(error)) => return Err(error),
        };
        if is_meant {
            head[0] = REDACTED;
            head[1..5].fill(0);
            file.seek(SeekFrom::Start(at)).and_then(|_| file.write_all(&head)).map_err(fail)?;
            io::copy(&mut io::repeat(0).take(packed), &mut file).map_err(fail)?;
            redacted += 1;
        }
        at += HEAD_BYTES as u64 + packed;
    }
    file.sync_all().map_err(fail)?;
    Ok(redacted)
}
