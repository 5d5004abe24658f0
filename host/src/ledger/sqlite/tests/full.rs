//! A disk that is really full: a small file system in memory, filled under a running ledger, and freed again. Needs Linux
//! and the right to mount; says so where it cannot run.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::faults::{ground, missing, report};
use super::private_in;
use super::scenario::{Client, Content};

/// Size of the file system.
const DISK: &str = "size=64m";

/// A mounted file system; unmounted when it is dropped.
struct Mounted(PathBuf);

impl Mounted {
    fn at(dir: &Path) -> Option<Self> {
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", DISK, "tmpfs"]).arg(dir).stderr(Stdio::null()).status();
        mount.is_ok_and(|status| status.success()).then(|| Mounted(dir.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking(), "it can be unmounted");
    }
}

/// Fills what is left but for some bytes.
fn fill(filler: &Path, spared: usize) {
    let mut file = File::create(filler).expect("it is ours");
    let piece = [0; 4096];
    while file.write_all(&piece).is_ok() {}
    let length = file.metadata().expect("it is there").len();
    file.set_len(length.saturating_sub(spared as u64)).expect("it can be cut");
}

#[test]
fn a_disk_that_is_really_full_refuses_clearly_and_serves_again_once_there_is_room() {
    let place = private_in(&ground());
    let Some(mounted) = Mounted::at(place.path()) else { return missing("the right to mount a file system") };
    let (dir, filler) = (mounted.0.join("ledger"), mounted.0.join("filler"));
    let mut client = Client::new(&dir, None, Box::new(|_| {}));
    client.burst(&[Content::Begin]).expect("there is room");
    // Room for none, for a part of a batch, and for some: the disk is full within a log, a database, a base.
    for spared in (0..40).map(|step| step * 12_288) {
        fill(&filler, spared);
        let mut written = 0;
        while client.burst(&[Content::Large(1)]).is_ok() {
            client.compact();
            written += 1;
            assert!(written < 1_000, "the disk is not full");
        }
        fs::remove_file(&filler).expect("it is ours");
        client.burst(&[Content::Mark]).expect("there is room again");
        client.compact();
    }
    let met: Vec<_> = client.errors.iter().cloned().collect();
    assert!(met.iter().any(|error| error == "cannot write the ledger in `DIR`: database or disk is full"), "{met:?}");
    client.run().expect("all goes on");
    println!("errors met:\n  {}", met.join("\n  "));
    println!("batches sent and acknowledged: {:?}", client.oracle.counts());
    report(&client.wrong);
    client.oracle.check(&dir, usize::MAX).expect("nothing is lost");
}
