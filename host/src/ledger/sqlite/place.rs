//! The ledger's directory: private, on a local file system, and owned by one process through a lock file. Owns nothing
//! inside the database.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use crate::ledger::LedgerError;

/// Name of the lock file.
const LOCK: &str = "lock";

/// The right to the directory: the lock is held as long as this value lives, and falls with the process.
pub(super) struct Place {
    pub(super) lock: File,
}

impl Drop for Place {
    fn drop(&mut self) {
        // Closing the file is not enough: a program that is being started holds it too, until it has begun. What cannot be
        // given back now falls with the process.
        drop(self.lock.unlock());
    }
}

impl Place {
    /// Makes the directory if it is missing, and takes it.
    pub(super) fn take(dir: &Path) -> Result<Self, LedgerError> {
        let unwritable = |problem| LedgerError::Unwritable { path: dir.to_owned(), problem };
        make(dir).map_err(|e| unwritable(e.to_string()))?;
        if let Some(kind) = network_file_system(dir) {
            return Err(unwritable(format!("it is on a network file system (`{kind}`); choose a local one")));
        }
        let lock = File::options().create(true).truncate(false).write(true).open(dir.join(LOCK));
        let lock = lock.map_err(|e| unwritable(e.to_string()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Place { lock }),
            Err(TryLockError::WouldBlock) => Err(LedgerError::Busy { path: dir.to_owned() }),
            Err(TryLockError::Error(e)) => Err(unwritable(format!("its lock file cannot be locked: {e}"))),
        }
    }
}

/// Makes the directory for its owner alone. One that is there and empty is made private; one in use must be.
fn make(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let found = dir.exists();
    builder.create(dir)?;
    if found {
        return keep_private(dir);
    }
    // The name of a new directory is as durable as its parent.
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    sync(parent.unwrap_or(Path::new(".")))
}

#[cfg(unix)]
fn keep_private(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    if fs::metadata(dir)?.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    if fs::read_dir(dir)?.next().is_none() {
        return fs::set_permissions(dir, fs::Permissions::from_mode(0o700));
    }
    Err(io::Error::other("others may enter it; take their permissions away (chmod 700)"))
}

#[cfg(not(unix))]
fn keep_private(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Makes the names in a directory durable.
pub(super) fn sync(dir: &Path) -> io::Result<()> {
    #[cfg(test)]
    super::tests::disk::names(dir)?;
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

/// The kind of network file system that a directory is on: locks and flushes cannot be relied on there.
fn network_file_system(dir: &Path) -> Option<String> {
    let dir = dir.canonicalize().ok()?;
    // Only Linux has this file; elsewhere it is for the user to know.
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let kind = mounts.lines().filter_map(mount).filter(|(point, _)| dir.starts_with(point));
    let (_, kind) = kind.max_by_key(|(point, _)| point.len())?;
    let remote =
        ["nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "9p", "glusterfs", "fuse.sshfs", "fuse.glusterfs", "afs", "lustre"];
    remote.contains(&kind.as_str()).then_some(kind)
}

/// Mount point and kind of one line of `mountinfo`.
fn mount(line: &str) -> Option<(String, String)> {
    let (mount, source) = line.split_once(" - ")?;
    let point = mount.split(' ').nth(4)?.replace("\\040", " ").replace("\\134", "\\");
    Some((point, source.split(' ').next()?.to_owned()))
}
