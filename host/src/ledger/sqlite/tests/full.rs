//! A disk that is really full: a small file system in memory, filled under a running ledger, and freed again. Needs Linux
//! and the right to mount; says so where it cannot run.

use super::faults::{ground, report};
use super::private_in;
use super::scenario::{Client, Content};
use crate::ledger::fixture::SmallDisk;

#[test]
fn a_disk_that_is_really_full_refuses_clearly_and_serves_again_once_there_is_room() {
    let place = private_in(&ground());
    let Some(disk) = SmallDisk::at(place.path(), 64) else { return };
    let dir = place.path().join("ledger");
    let mut client = Client::new(&dir, None, Box::new(|_| {}));
    client.burst(&[Content::Begin]).expect("there is room");
    // Room for none, for a part of a batch, and for some: the disk is full within a log, a database, a base.
    for spared in (0..40).map(|step| step * 12_288) {
        disk.fill(spared);
        let mut written = 0;
        while client.burst(&[Content::Large(1)]).is_ok() {
            client.compact();
            written += 1;
            assert!(written < 1_000, "the disk is not full");
        }
        disk.free();
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
