//! A small file system in memory, for tests that fill a disk and free it again. Needs Linux and the right to mount; says so where
//! it cannot be made.
#![allow(clippy::expect_used, reason = "tests")]

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A mounted file system; unmounted when it is dropped.
pub(crate) struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one on this folder: so many MiB. None where that is not possible.
    pub(crate) fn at(dir: &Path, mib: u32) -> Option<Self> {
        let mut mount = Command::new("mount");
        let mount = mount.args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"]).arg(dir).stderr(Stdio::null()).status();
        let mounted = mount.is_ok_and(|status| status.success()).then(|| SmallDisk(dir.to_owned()));
        if mounted.is_none() {
            missing("the right to mount a file system");
        }
        mounted
    }

    /// Fills what is left but for so many bytes.
    pub(crate) fn fill(&self, spared: u64) {
        let mut file = File::create(self.filler()).expect("it is ours");
        let piece = [0; 4096];
        while file.write_all(&piece).is_ok() {}
        let length = file.metadata().expect("it is there").len();
        file.set_len(length.saturating_sub(spared)).expect("it can be cut");
    }

    /// Makes room again.
    pub(crate) fn free(&self) {
        fs::remove_file(self.filler()).expect("it is ours");
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking(), "it can be unmounted");
    }
}

/// A layer of tests cannot run here: says so, and fails where all of them must.
pub(crate) fn missing(what: &str) {
    assert!(std::env::var_os("REQUIRE_ALL").is_none_or(|all| all != "1"), "this layer needs {what}");
    eprintln!("skipped: this layer needs {what}");
}
