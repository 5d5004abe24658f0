//! A disk that fails where a test wants it to, and that remembers what was written and flushed. Owns the count of calls,
//! the fault and the journal; what the power would leave of it is for `image`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OpenFlags, ffi};

use super::vfs;

/// One thing that SQLite asks of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Open {
        creates: bool,
    },
    Delete,
    Access,
    Read,
    Write {
        length: usize,
    },
    Truncate,
    Sync,
    Size,
    Lock,
    Map,
    /// The ledger itself writes its log anew, or flushes names.
    Own,
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// An input or output error; nothing was done.
    Io,
    /// An input or output error; all was done.
    Late,
    /// No room.
    Full,
    /// No room after some of the bytes.
    Short,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Io, Self::Late, Self::Full, Self::Short];

    /// Whether a call can fail like this.
    pub(super) const fn fits(self, call: Call) -> bool {
        match self {
            Self::Io => true,
            Self::Late => matches!(call, Call::Write { .. } | Call::Truncate | Call::Sync | Call::Delete),
            Self::Full => matches!(call, Call::Write { .. } | Call::Open { creates: true }),
            Self::Short => matches!(call, Call::Write { .. }),
        }
    }
}

/// Which call fails, how, and whether all that follow and fit do too.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trouble {
    pub(super) at: usize,
    pub(super) kind: Kind,
    pub(super) lasts: bool,
}

/// What to do with a call.
pub(super) enum Answer {
    Do,
    Fail(i32),
    /// Only this many bytes.
    Half(i32, usize),
    Late(i32),
}

/// A defect that a test plants in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ledger::sqlite) enum Planted {
    /// A commit returns before the flush.
    SynchronousNormal,
    /// What the write-ahead log holds after a failed flush is believed to be on the disk.
    TrustedLog,
    /// That the write-ahead log was emptied is not made durable.
    UnconfirmedEnd,
}

/// Names a file for its whole life, whatever its name.
pub(super) type NodeId = usize;

/// What happened on the disk.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Create(String, NodeId),
    Delete(String),
    /// Names up to here are durable.
    Names,
    Write(NodeId, usize, Vec<u8>),
    Truncate(NodeId, usize),
    /// A flush, and whether it did what it is for.
    Sync(NodeId, bool),
}

/// An operation, and the sorted bases that lay beside the database before it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) op: Op,
    pub(super) bases: BTreeSet<String>,
}

/// All that happened, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Journal {
    pub(super) entries: Vec<Entry>,
    /// Contents of every sorted base there ever was: they never change.
    pub(super) bases: BTreeMap<String, Vec<u8>>,
}

#[derive(Default)]
struct State {
    calls: Vec<Call>,
    trouble: Option<Trouble>,
    met: usize,
    planted: Option<Planted>,
    /// Whether nobody will ask for the journal.
    forgets: bool,
    names: BTreeMap<String, NodeId>,
    /// Files that were created and not flushed yet: their first flush makes names durable too.
    fresh: BTreeSet<NodeId>,
    nodes: NodeId,
    journal: Journal,
}

/// The disk under one directory.
pub(super) struct Disk {
    dir: PathBuf,
    state: Mutex<State>,
}

static DISKS: LazyLock<Mutex<BTreeMap<PathBuf, Arc<Disk>>>> = LazyLock::new(Mutex::default);

fn disks() -> MutexGuard<'static, BTreeMap<PathBuf, Arc<Disk>>> {
    DISKS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens a database, through the disk of its directory if a test put one there.
pub(in crate::ledger::sqlite) fn connect(file: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    match file.parent().and_then(Disk::of) {
        Some(_) => Connection::open_with_flags_and_vfs(file, flags, vfs::NAME),
        None => Connection::open_with_flags(file, flags),
    }
}

/// Plants the defect that a pragma makes in the writer's connection.
pub(in crate::ledger::sqlite) fn plant(dir: &Path, conn: &Connection) -> rusqlite::Result<()> {
    if planted(dir, Planted::SynchronousNormal) { conn.execute_batch("PRAGMA synchronous = NORMAL") } else { Ok(()) }
}

/// Whether a test planted this defect in the ledger in a directory.
pub(in crate::ledger::sqlite) fn planted(dir: &Path, planted: Planted) -> bool {
    Disk::of(dir).is_some_and(|disk| disk.lock().planted == Some(planted))
}

/// The ledger writes a log over itself: whether it may, and the same for the journal.
pub(in crate::ledger::sqlite) fn renews(dir: &Path, name: &str) -> io::Result<bool> {
    let Some(disk) = Disk::of(dir) else { return Ok(true) };
    let Some(node) = disk.lock().names.get(name).copied() else { return Ok(true) };
    if planted(dir, Planted::TrustedLog) {
        return Ok(false);
    }
    disk.own(|| {
        disk.wrote(node, 0, &fs::read(dir.join(name)).unwrap_or_default());
        disk.synced(node, true);
    })?;
    Ok(true)
}

/// The ledger flushes the names in a directory.
pub(in crate::ledger::sqlite) fn names(dir: &Path) -> io::Result<()> {
    let Some(disk) = Disk::of(dir) else { return Ok(()) };
    disk.own(|| disk.record(&mut disk.lock(), Op::Names))
}

impl Disk {
    /// Puts a disk under an empty directory.
    pub(super) fn under(dir: &Path) -> Arc<Self> {
        vfs::register();
        let disk = Arc::new(Disk { dir: dir.to_owned(), state: Mutex::default() });
        disks().insert(dir.to_owned(), Arc::clone(&disk));
        disk
    }

    /// The disk under a directory.
    pub(super) fn of(dir: &Path) -> Option<Arc<Self>> {
        disks().get(dir).cloned()
    }

    /// Takes the disk away: what is opened from now on is on the real one.
    pub(super) fn remove(&self) {
        disks().remove(&self.dir);
    }

    pub(super) fn plant(&self, planted: Planted) {
        self.lock().planted = Some(planted);
    }

    /// Keeps no journal.
    pub(super) fn forget(&self) {
        self.lock().forgets = true;
    }

    pub(super) fn trouble(&self, trouble: Option<Trouble>) {
        self.lock().trouble = trouble;
    }

    /// Calls so far.
    pub(super) fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// Calls that failed.
    pub(super) fn met(&self) -> usize {
        self.lock().met
    }

    /// How long the journal is: an instant that images are held against.
    pub(super) fn now(&self) -> usize {
        self.lock().journal.entries.len()
    }

    pub(super) fn journal(&self) -> Journal {
        let mut state = self.lock();
        keep_bases(&self.dir, &mut state.journal);
        state.journal.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ask(&self, call: Call) -> Answer {
        let mut state = self.lock();
        let number = state.calls.len();
        state.calls.push(call);
        let meets = |trouble: &Trouble| (number == trouble.at || trouble.lasts && number > trouble.at) && trouble.kind.fits(call);
        let Some(Trouble { kind, .. }) = state.trouble.filter(meets) else { return Answer::Do };
        state.met += 1;
        match (kind, call) {
            (Kind::Io, _) => Answer::Fail(code(call)),
            (Kind::Late, _) => Answer::Late(code(call)),
            (Kind::Full | Kind::Short, Call::Open { .. }) => Answer::Fail(ffi::SQLITE_CANTOPEN),
            (Kind::Short, Call::Write { length }) => Answer::Half(ffi::SQLITE_FULL, length / 2),
            (Kind::Full | Kind::Short, _) => Answer::Fail(ffi::SQLITE_FULL),
        }
    }

    fn own(&self, work: impl FnOnce()) -> io::Result<()> {
        let Answer::Do = self.ask(Call::Own) else { return Err(io::Error::other("input/output error")) };
        work();
        Ok(())
    }

    fn record(&self, state: &mut State, op: Op) {
        if state.forgets {
            return;
        }
        let bases = keep_bases(&self.dir, &mut state.journal);
        state.journal.entries.push(Entry { op, bases });
    }

    /// A file is open; says which.
    pub(super) fn opened(&self, path: &Path, created: bool) -> NodeId {
        let mut state = self.lock();
        let name = name_of(path);
        match state.names.get(&name) {
            Some(node) if !created => *node,
            _ => {
                let node = state.nodes;
                state.nodes += 1;
                state.names.insert(name.clone(), node);
                state.fresh.insert(node);
                self.record(&mut state, Op::Create(name, node));
                node
            }
        }
    }

    pub(super) fn deleted(&self, path: &Path, durably: bool) {
        let mut state = self.lock();
        let name = name_of(path);
        state.names.remove(&name);
        self.record(&mut state, Op::Delete(name));
        if durably {
            self.record(&mut state, Op::Names);
        }
    }

    pub(super) fn wrote(&self, node: NodeId, at: usize, bytes: &[u8]) {
        self.record(&mut self.lock(), Op::Write(node, at, bytes.to_owned()));
    }

    pub(super) fn truncated(&self, node: NodeId, size: usize) {
        self.record(&mut self.lock(), Op::Truncate(node, size));
    }

    pub(super) fn synced(&self, node: NodeId, done: bool) {
        let mut state = self.lock();
        self.record(&mut state, Op::Sync(node, done));
        // SQLite flushes the directory with the first flush of a journal that it created.
        let journal = state.names.iter().any(|(name, found)| *found == node && name.contains('-'));
        if done && journal && state.fresh.remove(&node) {
            self.record(&mut state, Op::Names);
        }
    }

    /// Who created a file closes it: nobody else flushes its name.
    pub(super) fn closed(&self, node: NodeId) {
        self.lock().fresh.remove(&node);
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The sorted bases that are there now; keeps what they hold.
fn keep_bases(dir: &Path, journal: &mut Journal) -> BTreeSet<String> {
    let list = || -> io::Result<BTreeSet<String>> {
        let names = fs::read_dir(dir)?.map(|file| Ok(file?.file_name().to_string_lossy().into_owned()));
        names.filter(|name| name.as_ref().map_or(true, |name| name.starts_with("recorded-"))).collect()
    };
    let names = list().expect("the directory can be listed");
    for name in &names {
        if !journal.bases.contains_key(name)
            && let Ok(bytes) = fs::read(dir.join(name))
        {
            journal.bases.insert(name.clone(), bytes);
        }
    }
    names
}

const fn code(call: Call) -> i32 {
    match call {
        Call::Open { .. } => ffi::SQLITE_CANTOPEN,
        Call::Delete => ffi::SQLITE_IOERR_DELETE,
        Call::Access => ffi::SQLITE_IOERR_ACCESS,
        Call::Read => ffi::SQLITE_IOERR_READ,
        Call::Write { .. } => ffi::SQLITE_IOERR_WRITE,
        Call::Truncate => ffi::SQLITE_IOERR_TRUNCATE,
        Call::Sync => ffi::SQLITE_IOERR_FSYNC,
        Call::Size => ffi::SQLITE_IOERR_FSTAT,
        Call::Lock => ffi::SQLITE_IOERR_LOCK,
        Call::Map => ffi::SQLITE_IOERR_SHMMAP,
        Call::Own => ffi::SQLITE_IOERR,
    }
}
