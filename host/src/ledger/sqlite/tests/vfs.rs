//! A SQLite file system between SQLite and the real one: it asks a [`Disk`] before each call and tells it what was
//! done. The only unsafe code of the ledger's tests. Knows nothing of ledgers and decides nothing.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::PathBuf;
use std::sync::{Arc, Once};
use std::{mem, ptr, slice};

use rusqlite::ffi;

use super::disk::{Answer, Call, Disk, NodeId};

/// What the file system is called.
pub(super) const NAME: &CStr = c"trueup-faults";

/// An open file. The real one's value lies behind it, in the space that SQLite gave for both.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    node: *mut Node,
}

struct Node {
    disk: Arc<Disk>,
    id: NodeId,
    created: bool,
}

/// Makes the file system known to SQLite, once per process.
pub(super) fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the default file system lives as long as the process, and so does the copy, which is leaked.
        let registered = unsafe {
            let mut copy = ptr::read(below());
            copy.pNext = ptr::null_mut();
            copy.zName = NAME.as_ptr();
            copy.szOsFile += mem::size_of::<File>() as c_int;
            copy.xOpen = Some(open);
            copy.xDelete = Some(delete);
            copy.xAccess = Some(access);
            ffi::sqlite3_vfs_register(Box::into_raw(Box::new(copy)), 0)
        };
        assert_eq!(registered, ffi::SQLITE_OK, "SQLite takes another file system");
    });
}

/// The default file system.
fn below() -> *mut ffi::sqlite3_vfs {
    // SAFETY: a null name asks for the default.
    unsafe { ffi::sqlite3_vfs_find(ptr::null()) }
}

/// The path that SQLite names a file by, if it has one.
unsafe fn path_of(name: *const c_char) -> Option<PathBuf> {
    // SAFETY: SQLite's names end with a zero byte and live during the call.
    (!name.is_null()).then(|| PathBuf::from(unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned()))
}

/// Asks the disk, does the work unless it forbids it, and gives what SQLite shall see.
fn guarded(disk: &Disk, call: Call, work: impl FnOnce(usize) -> c_int) -> c_int {
    match disk.ask(call) {
        Answer::Do => work(usize::MAX),
        Answer::Fail(code) => code,
        Answer::Half(code, bytes) => {
            work(bytes);
            code
        }
        Answer::Late(code) => match work(usize::MAX) {
            ffi::SQLITE_OK => code,
            other => other,
        },
    }
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives space for our value and the real one behind it, and a valid name.
    unsafe {
        let open = (*below()).xOpen.expect("it opens files");
        let Some((path, disk)) = path_of(name).and_then(|path| Disk::of(path.parent()?).map(|disk| (path, disk))) else {
            return open(below(), name, file, flags, out);
        };
        (*file).pMethods = ptr::null();
        let creates = flags & ffi::SQLITE_OPEN_CREATE != 0 && !path.exists();
        guarded(&disk, Call::Open { creates }, |_| {
            let code = open(below(), name, real(file), flags, out);
            if code == ffi::SQLITE_OK {
                let node = Box::new(Node { id: disk.opened(&path, creates), disk: Arc::clone(&disk), created: creates });
                (*file.cast::<File>()).node = Box::into_raw(node);
                (*file).pMethods = &raw const METHODS;
            }
            code
        })
    }
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    // SAFETY: as for `open`.
    unsafe {
        let delete = (*below()).xDelete.expect("it deletes files");
        let Some((path, disk)) = path_of(name).and_then(|path| Disk::of(path.parent()?).map(|disk| (path, disk))) else {
            return delete(below(), name, sync);
        };
        guarded(&disk, Call::Delete, |_| {
            let code = delete(below(), name, sync);
            if code == ffi::SQLITE_OK {
                disk.deleted(&path, sync != 0);
            }
            code
        })
    }
}

unsafe extern "C" fn access(_: *mut ffi::sqlite3_vfs, name: *const c_char, flags: c_int, found: *mut c_int) -> c_int {
    // SAFETY: as for `open`.
    unsafe {
        let access = (*below()).xAccess.expect("it looks for files");
        match path_of(name).and_then(|path| Disk::of(path.parent()?)) {
            Some(disk) => guarded(&disk, Call::Access, |_| access(below(), name, flags, found)),
            None => access(below(), name, flags, found),
        }
    }
}

/// The real file behind ours.
unsafe fn real(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: SQLite gave that much space.
    unsafe { file.cast::<File>().add(1).cast() }
}

/// Our part of a file, the real file, and what the real one can do.
unsafe fn parts<'a>(file: *mut ffi::sqlite3_file) -> (&'a Node, *mut ffi::sqlite3_file, &'a ffi::sqlite3_io_methods) {
    // SAFETY: `open` set both before SQLite could use the file, and `close` is its last use.
    unsafe {
        let below = real(file);
        (&*(*file.cast::<File>()).node, below, &*(*below).pMethods)
    }
}

/// Hands a call through; with a kind of call, the disk is asked first.
macro_rules! hand_through {
    ($name:ident, $method:ident, ($($arg:ident: $kind:ty),*), $call:expr) => {
        unsafe extern "C" fn $name(file: *mut ffi::sqlite3_file, $($arg: $kind),*) -> c_int {
            // SAFETY: the arguments are SQLite's own, handed on as they came.
            unsafe {
                let (node, below, methods) = parts(file);
                let method = methods.$method.expect("the real file system has it");
                let call: Option<Call> = $call;
                match call {
                    Some(call) => guarded(&node.disk, call, |_| method(below, $($arg),*)),
                    None => method(below, $($arg),*),
                }
            }
        }
    };
}

hand_through!(read, xRead, (into: *mut c_void, length: c_int, at: i64), Some(Call::Read));
hand_through!(size, xFileSize, (size: *mut i64), Some(Call::Size));
hand_through!(lock, xLock, (level: c_int), Some(Call::Lock));
hand_through!(unlock, xUnlock, (level: c_int), None);
hand_through!(check_reserved_lock, xCheckReservedLock, (found: *mut c_int), None);
hand_through!(file_control, xFileControl, (op: c_int, arg: *mut c_void), None);
hand_through!(sector_size, xSectorSize, (), None);
hand_through!(characteristics, xDeviceCharacteristics, (), None);
hand_through!(shm_map, xShmMap, (page: c_int, size: c_int, extend: c_int, at: *mut *mut c_void), Some(Call::Map));
hand_through!(
    shm_lock,
    xShmLock,
    (offset: c_int, n: c_int, flags: c_int),
    (flags & ffi::SQLITE_SHM_LOCK != 0).then_some(Call::Lock)
);
hand_through!(shm_unmap, xShmUnmap, (delete: c_int), None);

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    // SAFETY: as for the calls above.
    unsafe {
        let (_, below, methods) = parts(file);
        methods.xShmBarrier.expect("the real file system has it")(below);
    }
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, from: *const c_void, length: c_int, at: i64) -> c_int {
    // SAFETY: SQLite gives `length` bytes at `from`.
    unsafe {
        let (node, below, methods) = parts(file);
        let bytes = slice::from_raw_parts(from.cast::<u8>(), usize::try_from(length).expect("a length"));
        guarded(&node.disk, Call::Write { length: bytes.len() }, |most| {
            let bytes = &bytes[..most.min(bytes.len())];
            let write = methods.xWrite.expect("the real file system has it");
            let code = write(below, bytes.as_ptr().cast(), bytes.len() as c_int, at);
            if code == ffi::SQLITE_OK {
                node.disk.wrote(node.id, usize::try_from(at).expect("a place"), bytes);
            }
            code
        })
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    // SAFETY: the arguments are SQLite's own.
    unsafe {
        let (node, below, methods) = parts(file);
        guarded(&node.disk, Call::Truncate, |_| {
            let code = methods.xTruncate.expect("the real file system has it")(below, size);
            if code == ffi::SQLITE_OK {
                node.disk.truncated(node.id, usize::try_from(size).expect("a size"));
            }
            code
        })
    }
}

/// Nothing is flushed: what would be lost with the power is for the disk to know.
unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: it is an open file.
    let (node, ..) = unsafe { parts(file) };
    let code = guarded(&node.disk, Call::Sync, |_| {
        node.disk.synced(node.id, true);
        ffi::SQLITE_OK
    });
    if code != ffi::SQLITE_OK {
        node.disk.synced(node.id, false);
    }
    code
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once, and uses it no more.
    unsafe {
        let (_, below, methods) = parts(file);
        let code = methods.xClose.expect("the real file system has it")(below);
        let node = Box::from_raw((*file.cast::<File>()).node);
        if node.created {
            node.disk.closed(node.id);
        }
        code
    }
}

// Version 2: without memory-mapped reading, which the ledger switches off.
static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};
