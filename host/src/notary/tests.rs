//! What a notary signs, and what it refuses: every way in which a log can be another than the one that was signed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod http;
mod keys;
mod proving;
mod pushing;
mod signing;

use std::path::Path;

use tempfile::TempDir;

use super::{Keyring, Notary};
use crate::audit::LogHead;
use crate::ledger::{Batch, Leaf, Ledger, MemoryLedger, Owned, Query, Rows, Settled};
use crate::model::{PlanId, RunId, Time};

const T: &str = "acme";
const ORIGIN: &str = "example.com/audit/acme";
const AT: Time = Time::from_seconds(1_767_225_600);

/// A leaf that says a number.
fn leaf(number: u64) -> Leaf {
    Leaf::slice_checkpoint(RunId(1), AT, PlanId(crate::model::Digest([7; 32])), number)
}

fn append(ledger: &dyn Ledger, owned: &Owned, numbers: std::ops::Range<u64>) -> LogHead {
    let ticket = ledger.submit(owned, Batch { entries: Vec::new(), leaves: numbers.map(leaf).collect() }).unwrap();
    match ledger.wait(ticket).unwrap() {
        Settled::Committed(head) => head,
        other => panic!("{other:?}"),
    }
}

/// A ledger with these leaves.
fn ledger_of(numbers: impl IntoIterator<Item = u64>) -> (MemoryLedger, Owned) {
    let ledger = MemoryLedger::new();
    let owned = ledger.acquire(T).unwrap();
    numbers.into_iter().for_each(|number| _ = append(&ledger, &owned, number..number + 1));
    (ledger, owned)
}

fn head(ledger: &dyn Ledger) -> LogHead {
    let Rows::LogHead(head) = ledger.read(T, &Query::LogHead).unwrap() else { panic!("no head") };
    head
}

/// Keys in one folder, checkpoints in another: a store can be restored without the keys.
struct Place {
    keys: TempDir,
    store: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Place { keys: tempfile::tempdir().unwrap(), store: tempfile::tempdir().unwrap() };
        Keyring::create(&place.keys(), ORIGIN, [1; 32]).unwrap();
        place
    }

    fn keys(&self) -> std::path::PathBuf {
        self.keys.path().join("acme")
    }

    fn notary(&self) -> Notary {
        self.notary_on(self.store.path())
    }

    fn notary_on(&self, store: &Path) -> Notary {
        Notary::new(Keyring::open(&self.keys()).unwrap(), &store.join("checkpoints"))
    }
}
