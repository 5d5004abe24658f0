//! One log, one history: a notary signs what goes on from what it signed, and refuses everything else.

use std::fs;

use super::*;
use crate::audit::{Checkpoint, CheckpointError};
use crate::model::Digest;
use crate::notary::NotaryError;

fn opened(place: &Place, note: &str) -> Checkpoint {
    Checkpoint::open(note.as_bytes(), ORIGIN, &place.notary().verifiers()).unwrap()
}

#[test]
fn a_committed_head_is_signed_once_and_kept() {
    let place = Place::new();
    let (ledger, owned) = ledger_of([]);
    assert_eq!(place.notary().sign(&ledger, T).unwrap(), None, "an empty log has nothing to sign");
    append(&ledger, &owned, 0..5);
    let first = place.notary().sign(&ledger, T).unwrap().unwrap();
    assert_eq!(opened(&place, &first).head, head(&ledger));
    assert_eq!(place.notary().sign(&ledger, T).unwrap().as_ref(), Some(&first));
    append(&ledger, &owned, 5..10_000);
    let second = place.notary().sign(&ledger, T).unwrap().unwrap();
    assert_eq!(opened(&place, &second).head, head(&ledger));
    let history = place.notary().history().clone();
    let (found, next) = history.after(0).unwrap().unwrap();
    assert_eq!((found, history.after(next).unwrap().unwrap().0), (first, second.clone()));
    assert_eq!((history.count_after(0).unwrap(), history.newest().unwrap()), (2, Some(second)));
}

#[test]
fn an_older_copy_of_the_store_is_refused() {
    let place = Place::new();
    let (ledger, owned) = ledger_of(0..5);
    place.notary().sign(&ledger, T).unwrap();
    append(&ledger, &owned, 5..9);
    place.notary().sign(&ledger, T).unwrap();
    // The whole store as it was after five leaves: ledger and checkpoints.
    let (restored, owned) = ledger_of(0..5);
    let store = tempfile::tempdir().unwrap();
    let refused = place.notary_on(store.path()).sign(&restored, T);
    assert!(matches!(refused, Err(NotaryError::Shrunk { signed: 9, found: 5 })), "{refused:?}");
    // Work goes on there, past what was signed: the tree is another then.
    append(&restored, &owned, 100..110);
    let refused = place.notary_on(store.path()).sign(&restored, T);
    assert!(matches!(refused, Err(NotaryError::Forked { .. })), "{refused:?}");
    // Nothing was signed on the way.
    assert!(!store.path().join("checkpoints").exists());
}

#[test]
fn a_truncated_log_is_refused_also_where_only_the_store_remembers() {
    let place = Place::new();
    let (ledger, _) = ledger_of(0..9);
    place.notary().sign(&ledger, T).unwrap();
    let (cut, _) = ledger_of(0..8);
    assert!(matches!(place.notary().sign(&cut, T), Err(NotaryError::Shrunk { signed: 9, found: 8 })));
    fs::remove_file(place.keys().join("signed")).unwrap();
    assert!(matches!(place.notary().sign(&cut, T), Err(NotaryError::Shrunk { signed: 9, found: 8 })));
    let (other, _) = ledger_of((0..8).chain([77, 8, 9, 10]));
    assert!(matches!(place.notary().sign(&other, T), Err(NotaryError::Forked { .. })));
    let (grown, _) = ledger_of(0..12);
    assert!(place.notary().sign(&grown, T).unwrap().is_some());
}

#[test]
fn no_two_roots_of_one_size_are_signed() {
    let place = Place::new();
    let (ledger, _) = ledger_of(0..7);
    let signed = place.notary().sign(&ledger, T).unwrap().unwrap();
    for fork in [vec![1, 0, 2, 3, 4, 5, 6], vec![0, 1, 2, 3, 4, 5, 7], vec![6, 5, 4, 3, 2, 1, 0]] {
        let (fork, _) = ledger_of(fork);
        assert!(matches!(place.notary().sign(&fork, T), Err(NotaryError::Forked { .. })));
    }
    assert_eq!(place.notary().sign(&ledger, T).unwrap(), Some(signed), "the true one still is");
}

#[test]
fn a_leaf_that_was_swapped_since_the_last_checkpoint_is_refused() {
    let place = Place::new();
    let (ledger, _) = ledger_of(0..4);
    place.notary().sign(&ledger, T).unwrap();
    // Another order of the leaves since, under a head that claims the true one.
    struct Lying(MemoryLedger, LogHead);
    impl Ledger for Lying {
        fn acquire(&self, tenant: &str) -> Result<Owned, crate::ledger::LedgerError> {
            self.0.acquire(tenant)
        }
        fn recover(&self, owned: &Owned) -> Result<crate::ledger::Recovery, crate::ledger::LedgerError> {
            self.0.recover(owned)
        }
        fn submit(&self, owned: &Owned, batch: Batch) -> Result<crate::ledger::Ticket, crate::ledger::LedgerError> {
            self.0.submit(owned, batch)
        }
        fn wait(&self, ticket: crate::ledger::Ticket) -> Result<Settled, crate::ledger::LedgerError> {
            self.0.wait(ticket)
        }
        fn resolve(&self, owned: &Owned, id: crate::ledger::BatchId) -> Result<bool, crate::ledger::LedgerError> {
            self.0.resolve(owned, id)
        }
        fn read(&self, tenant: &str, query: &Query) -> Result<Rows, crate::ledger::LedgerError> {
            if matches!(query, Query::LogHead) { Ok(Rows::LogHead(self.1)) } else { self.0.read(tenant, query) }
        }
        fn recorded(&self, tenant: &str) -> Result<crate::ledger::RecordedRows<'_>, crate::ledger::LedgerError> {
            self.0.recorded(tenant)
        }
        fn compact(&self, owned: &Owned) -> Result<Digest, crate::ledger::LedgerError> {
            self.0.compact(owned)
        }
    }
    let claimed = head(&ledger_of(0..8).0);
    let swapped = Lying(ledger_of([0, 1, 2, 3, 5, 4, 6, 7]).0, claimed);
    assert!(matches!(place.notary().sign(&swapped, T), Err(NotaryError::Forked { .. })));
    let short = Lying(ledger_of(0..7).0, claimed);
    assert!(matches!(place.notary().sign(&short, T), Err(NotaryError::Forked { .. })));
}

#[test]
fn what_a_crash_left_between_guard_and_file_is_signed_again() {
    let place = Place::new();
    let (ledger, owned) = ledger_of(0..6);
    let signed = place.notary().sign(&ledger, T).unwrap();
    let checkpoints = place.notary().history().folder().to_owned();
    // The guard is durable; neither file is.
    fs::remove_dir_all(&checkpoints).unwrap();
    assert_eq!(place.notary().sign(&ledger, T).unwrap(), signed);
    // The history has it, half of it, or twice; the newest is the one before.
    append(&ledger, &owned, 6..7);
    let before = fs::read(checkpoints.join("newest")).unwrap();
    let second = place.notary().sign(&ledger, T).unwrap().unwrap();
    let history = fs::read(checkpoints.join("history")).unwrap();
    for cut in [history.len(), history.len() - 1, history.len() - 50] {
        fs::write(checkpoints.join("history"), &history[..cut]).unwrap();
        fs::write(checkpoints.join("newest"), &before).unwrap();
        assert_eq!(place.notary().sign(&ledger, T).unwrap().as_ref(), Some(&second));
        let after = place.notary().history().count_after(0).unwrap();
        assert_eq!(after, if cut == history.len() { 3 } else { 2 });
    }
}

#[test]
fn a_guard_that_was_changed_is_not_passed_over() {
    let place = Place::new();
    let (ledger, _) = ledger_of(0..6);
    place.notary().sign(&ledger, T).unwrap();
    let path = place.keys().join("signed");
    let whole = fs::read_to_string(&path).unwrap();
    for at in 0..whole.len() {
        let mut altered = whole.clone().into_bytes();
        altered[at] ^= 1;
        fs::write(&path, &altered).unwrap();
        assert!(place.notary().sign(&ledger, T).is_err(), "byte {at}");
    }
    fs::write(&path, "").unwrap();
    assert!(matches!(place.notary().sign(&ledger, T), Err(NotaryError::Damaged { .. })));
}

#[test]
fn another_origin_is_another_log() {
    let place = Place::new();
    let (ledger, _) = ledger_of(0..6);
    let note = place.notary().sign(&ledger, T).unwrap().unwrap();
    let other = place.keys.path().join("other");
    let keyring = Keyring::create(&other, "example.com/audit/restored", [5; 32]).unwrap();
    let notary = Notary::new(keyring, &place.store.path().join("checkpoints"));
    // A store that was restored on purpose goes on under another name.
    let (restored, _) = ledger_of(0..3);
    let begun = notary.sign(&restored, T).unwrap().unwrap();
    assert!(begun.starts_with("example.com/audit/restored\n3\n"));
    let mixed = Checkpoint::open(note.as_bytes(), ORIGIN, &notary.verifiers());
    assert!(matches!(mixed, Err(CheckpointError::Note(_))), "{mixed:?}");
}
