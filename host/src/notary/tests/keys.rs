//! Keys on disk: nobody else's, whole, and taken over only by each other's word.

use std::fs;

use super::*;
use crate::audit::{Checkpoint, Rotation, SigningKey, Statement, VerifierKey};
use crate::limits::SIGNING_KEYS;
use crate::notary::NotaryError;

#[test]
fn keys_read_back_and_are_made_once() {
    let place = Place::new();
    let made = Keyring::open(&place.keys()).unwrap();
    assert_eq!((made.origin(), made.verifiers().len()), (ORIGIN, 1));
    assert!(matches!(Keyring::create(&place.keys(), ORIGIN, [2; 32]), Err(NotaryError::Exists { .. })));
    assert!(matches!(Keyring::open(place.store.path()), Err(NotaryError::NoKeys { .. })));
    assert_eq!(Keyring::open(&place.keys()).unwrap().verifiers(), made.verifiers());
    for name in ["", "a b", "a+b", "a\nb"] {
        assert!(matches!(Keyring::create(&place.store.path().join("x"), name, [2; 32]), Err(NotaryError::Key(_))), "{name:?}");
    }
}

#[cfg(unix)]
#[test]
fn keys_that_others_could_read_are_refused() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let place = Place::new();
    let file = place.keys().join("keys");
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(place.keys()).unwrap().permissions().mode() & 0o777, 0o700);
    for open in [0o640, 0o604, 0o620, 0o602, 0o666] {
        mode(&file, open);
        assert!(matches!(Keyring::open(&place.keys()), Err(NotaryError::Open { .. })), "{open:o}");
    }
    mode(&file, 0o600);
    mode(&place.keys(), 0o755);
    assert!(matches!(Keyring::open(&place.keys()), Err(NotaryError::Open { .. })));
    mode(&place.keys(), 0o700);
    let elsewhere = place.store.path().join("keys");
    fs::rename(&file, &elsewhere).unwrap();
    symlink(&elsewhere, &file).unwrap();
    assert!(matches!(Keyring::open(&place.keys()), Err(NotaryError::Open { .. })), "a link");
}

#[test]
fn a_file_of_keys_that_was_changed_is_refused() {
    let place = Place::new();
    let file = place.keys().join("keys");
    let whole = fs::read_to_string(&file).unwrap();
    for at in 0..whole.len() {
        let mut altered = whole.clone().into_bytes();
        altered[at] ^= 1;
        fs::write(&file, &altered).unwrap();
        let Ok(keyring) = Keyring::open(&place.keys()) else { continue };
        // What may be changed is the log's name, which every checkpoint shows, and the last line end.
        assert!(keyring.origin() != ORIGIN || at + 1 == whole.len(), "byte {at}");
    }
    for text in [String::new(), "origin a\n".to_owned(), whole.replace("origin ", ""), whole.repeat(2)] {
        fs::write(&file, text).unwrap();
        assert!(Keyring::open(&place.keys()).is_err());
    }
}

#[test]
fn both_keys_sign_while_they_overlap_and_the_former_signs_for_the_new_one() {
    let place = Place::new();
    let (ledger, owned) = ledger_of(0..3);
    let notary = place.notary();
    let first = notary.verifiers();
    let before = notary.sign(&ledger, T).unwrap().unwrap();
    let (key, note) = notary.successor(ORIGIN, [2; 32]).unwrap();
    let second = vec![key.verifier().clone()];
    let rotation = Batch { entries: Vec::new(), leaves: vec![Leaf::key_rotation(RunId(0), AT, note)] };
    ledger.wait(ledger.submit(&owned, rotation).unwrap()).unwrap();
    notary.add(key).unwrap();
    let during = notary.sign(&ledger, T).unwrap().unwrap();
    assert_eq!(place.notary().verifiers(), [first.clone(), second.clone()].concat());
    assert_eq!(notary.retire().unwrap(), first);
    append(&ledger, &owned, 4..5);
    let after = place.notary().sign(&ledger, T).unwrap().unwrap();
    let opens = |note: &str, keys: &[VerifierKey]| Checkpoint::open(note.as_bytes(), ORIGIN, keys).is_ok();
    assert_eq!([opens(&before, &first), opens(&during, &first), opens(&after, &first)], [true, true, false]);
    assert_eq!([opens(&before, &second), opens(&during, &second), opens(&after, &second)], [false, true, true]);
    // What the first key signed is still known as this log's.
    let signed: Vec<u64> = place.notary().heads().unwrap().iter().map(|head| head.size).collect();
    assert_eq!(signed, [5, 3, 4, 5]);
    let text = std::fs::read_to_string(place.keys().join("keys")).unwrap();
    assert_eq!(text.matches("PRIVATE").count(), 1, "of a retired key, nothing secret is left");
    // Whoever trusts the first key learns of the second from the log.
    let Rows::Leaves(leaves) = ledger.read(T, &Query::Leaves(0, 100)).unwrap() else { panic!("no leaves") };
    let verified = crate::audit::verify_log(&leaves, head(&ledger)).unwrap();
    let mut trusted = first.clone();
    Rotation::follow(&mut trusted, ORIGIN, &verified.rotations);
    assert!(opens(&after, &trusted));
    let mut other = second.clone();
    Rotation::follow(&mut other, "example.com/other", &verified.rotations);
    assert_eq!(other, second, "of another log, it says nothing");
    assert!(matches!(crate::audit::LogEntry::parse(&leaves[3].bytes).unwrap().says, Statement::KeyRotation { .. }));
}

#[test]
fn a_key_that_nobody_named_is_not_followed_and_its_leaf_does_not_verify() {
    let key = |seed| SigningKey::from_seed(ORIGIN, [seed; 32]).unwrap();
    let (first, thief) = (key(1), key(9));
    let note = Rotation::sign(ORIGIN, &first, &thief).unwrap();
    let by_thief = Rotation::sign(ORIGIN, &thief, &key(8)).unwrap();
    // The thief's word instead of the first key's.
    let signature = by_thief.lines().last().unwrap();
    let forged: Vec<&str> = note.lines().map(|line| if line.starts_with('\u{2014}') { signature } else { line }).collect();
    assert!(Rotation::open(&note).is_ok() && Rotation::open(&(forged.join("\n") + "\n")).is_err());
    let lone = note.lines().take(6).collect::<Vec<_>>().join("\n") + "\n";
    assert!(Rotation::open(&lone).is_err(), "one signature is not enough");
    for at in 0..note.len() {
        let mut altered = note.clone().into_bytes();
        altered[at] ^= 1;
        assert!(String::from_utf8(altered).map_or(true, |note| Rotation::open(&note).is_err()), "byte {at}");
    }
    let (ledger, owned) = ledger_of(0..1);
    let batch = Batch { entries: Vec::new(), leaves: vec![Leaf::key_rotation(RunId(0), AT, lone)] };
    ledger.wait(ledger.submit(&owned, batch).unwrap()).unwrap();
    let Rows::Leaves(leaves) = ledger.read(T, &Query::Leaves(0, 100)).unwrap() else { panic!("no leaves") };
    let verified = crate::audit::verify_log(&leaves, head(&ledger));
    assert!(matches!(verified, Err(crate::audit::VerifyError::Rotation { index: 1, .. })), "{verified:?}");
    let mut trusted = vec![first.verifier().clone()];
    Rotation::follow(&mut trusted, ORIGIN, &[Rotation::open(&by_thief).unwrap()]);
    assert_eq!(trusted.len(), 1);
}

#[test]
fn what_another_process_did_to_the_keys_is_seen_before_the_next_signature() {
    let place = Place::new();
    let (ledger, owned) = ledger_of(0..3);
    let (one, other) = (place.notary(), place.notary());
    let first = one.verifiers();
    one.add(one.successor(ORIGIN, [2; 32]).unwrap().0).unwrap();
    other.sign(&ledger, T).unwrap();
    assert_eq!(other.verifiers(), one.verifiers());
    one.retire().unwrap();
    append(&ledger, &owned, 3..4);
    let note = other.sign(&ledger, T).unwrap().unwrap();
    assert!(Checkpoint::open(note.as_bytes(), ORIGIN, &first).is_err(), "a retired key signs nothing");
    other.add(other.successor(ORIGIN, [3; 32]).unwrap().0).unwrap();
    assert_eq!(Keyring::open(&place.keys()).unwrap().verifiers().len(), 2, "and does not come back");
}

#[test]
fn keys_are_bounded() {
    let place = Place::new();
    let notary = place.notary();
    for seed in 2..=SIGNING_KEYS as u8 {
        notary.add(notary.successor(ORIGIN, [seed; 32]).unwrap().0).unwrap();
    }
    assert!(matches!(notary.successor(ORIGIN, [99; 32]), Err(NotaryError::TooManyKeys { count: SIGNING_KEYS })));
    assert_eq!(notary.retire().unwrap().len(), SIGNING_KEYS - 1);
    assert_eq!(notary.retire().unwrap(), []);
}
