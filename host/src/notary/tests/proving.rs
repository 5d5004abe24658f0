//! Proofs and tiles of a ledger's log: what is given away verifies offline, and what was altered gives nothing away.

use std::fs;

use super::*;
use crate::audit::{LogEntry, Nodes, RecordProof, leaf_hash, root_of};
use crate::notary::{LedgerNodes, NotaryError, TileFolder};

#[test]
fn a_proof_needs_the_file_and_the_key_alone() {
    let place = Place::new();
    let (ledger, owned) = ledger_of(0..9);
    let notary = place.notary();
    assert!(matches!(notary.prove(&ledger, T, 0), Err(NotaryError::Unsigned)));
    let old = notary.sign(&ledger, T).unwrap().unwrap();
    append(&ledger, &owned, 9..700);
    notary.sign(&ledger, T).unwrap();
    let keys = notary.verifiers();
    for index in [0, 8, 9, 255, 256, 511, 512, 699] {
        let file = notary.prove(&ledger, T, index).unwrap().to_text().unwrap();
        let proof = RecordProof::parse(file.as_bytes()).unwrap();
        let checkpoint = proof.verify(&proof.extra, ORIGIN, &keys).unwrap();
        assert_eq!((checkpoint.head, LogEntry::parse(&proof.extra).unwrap().index), (head(&ledger), index));
    }
    assert!(matches!(notary.prove(&ledger, T, 700), Err(NotaryError::Beyond { size: 700, wanted: 700 })));
    let growth = notary.prove_growth(&LedgerNodes::new(&ledger, T), 9).unwrap();
    let earlier = crate::audit::Checkpoint::open(old.as_bytes(), ORIGIN, &keys).unwrap();
    assert_eq!(growth.verify(&earlier, &keys).unwrap().head, head(&ledger));
    // What was committed since is covered by the next checkpoint.
    append(&ledger, &owned, 700..701);
    assert!(matches!(notary.prove(&ledger, T, 700), Err(NotaryError::Beyond { .. })));
}

#[test]
fn an_altered_log_proves_nothing() {
    let place = Place::new();
    let (ledger, _) = ledger_of(0..20);
    place.notary().sign(&ledger, T).unwrap();
    let (forged, _) = ledger_of((0..20).map(|number| if number == 13 { 99 } else { number }));
    for index in 0..20 {
        let proof = place.notary().prove(&forged, T, index);
        assert!(matches!(proof, Err(NotaryError::Proof(_))), "leaf {index}: {proof:?}");
    }
}

/// All files of a folder, by path.
fn files(folder: &Path) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut found = std::collections::BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { _ = found.insert(path.clone(), fs::read(path).unwrap()) }
        }
    }
    found
}

#[test]
fn tiles_grow_and_what_is_there_never_changes() {
    let place = Place::new();
    let (ledger, owned) = ledger_of(0..1);
    let notary = place.notary();
    let folder = place.store.path().join("tiles");
    let tiles = TileFolder::new(&folder);
    let mut before = files(place.store.path());
    before.clear();
    let mut size = 1;
    for next in [1, 200, 256, 257, 512, 1_000, 66_000] {
        append(&ledger, &owned, size..next);
        size = next;
        notary.sign(&ledger, T).unwrap();
        let done = notary.export(&ledger, T, &tiles).unwrap();
        assert_eq!(done.size, size);
        assert_eq!(root_of(&tiles.nodes(size), size).unwrap(), head(&ledger).root);
        let now = files(&folder);
        for (path, bytes) in &before {
            assert!(path.ends_with("checkpoint") || now.get(path) == Some(bytes), "{}", path.display());
        }
        before = now;
        assert_eq!(notary.export(&ledger, T, &tiles).unwrap().files, 0, "nothing is left to do");
        for index in [0, size / 2, size - 1] {
            let over_tiles = notary.prove_over(&tiles.nodes(size), &ledger, T, index).unwrap();
            assert_eq!(over_tiles, notary.prove(&ledger, T, index).unwrap());
        }
    }
    let bundle = fs::read(folder.join("tile/entries/003")).unwrap();
    let records = crate::audit::decode_bundle(&bundle).unwrap();
    let hashes = LedgerNodes::new(&ledger, T);
    assert_eq!(records.len(), 256);
    for (record, index) in records.iter().zip(768..) {
        assert_eq!(leaf_hash(record), hashes.node(0, index).unwrap());
    }
}

#[test]
fn a_folder_of_tiles_outlives_the_key_that_signed_it() {
    let place = Place::new();
    let (ledger, owned) = ledger_of(0..300);
    let (notary, tiles) = (place.notary(), TileFolder::new(&place.store.path().join("tiles")));
    notary.sign(&ledger, T).unwrap();
    notary.export(&ledger, T, &tiles).unwrap();
    notary.add(notary.successor(ORIGIN, [2; 32]).unwrap().0).unwrap();
    notary.retire().unwrap();
    append(&ledger, &owned, 300..301);
    notary.sign(&ledger, T).unwrap();
    assert_eq!(notary.export(&ledger, T, &tiles).unwrap().before, 300);
    assert_eq!(tiles.checkpoint(ORIGIN, &notary.verifiers()).unwrap().unwrap().head, head(&ledger));
}

#[test]
fn tiles_of_another_log_or_altered_ones_are_not_gone_on_with() {
    let place = Place::new();
    let (ledger, owned) = ledger_of(0..300);
    let notary = place.notary();
    notary.sign(&ledger, T).unwrap();
    let folder = place.store.path().join("tiles");
    notary.export(&ledger, T, &TileFolder::new(&folder)).unwrap();
    append(&ledger, &owned, 300..600);
    notary.sign(&ledger, T).unwrap();
    let whole = files(&folder);
    let restore = || {
        fs::remove_dir_all(&folder).unwrap();
        for (path, bytes) in &whole {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    };
    let checkpoint = fs::read(folder.join("checkpoint")).unwrap();
    for altered in ["tile/0/000", "checkpoint"] {
        let path = folder.join(altered);
        let mut bytes = fs::read(&path).unwrap();
        bytes[7] ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert!(notary.export(&ledger, T, &TileFolder::new(&folder)).is_err(), "{altered}");
        let served = fs::read(folder.join("checkpoint")).unwrap();
        assert!(altered == "checkpoint" || served == checkpoint, "it goes on serving what it served");
        restore();
    }
    fs::remove_file(folder.join("tile/0/000")).unwrap();
    assert!(matches!(notary.export(&ledger, T, &TileFolder::new(&folder)), Err(NotaryError::OtherTiles { .. })));
    restore();
    // A file of the next size that somebody put there.
    fs::write(folder.join("tile/0/001"), [0; 8_192]).unwrap();
    assert!(matches!(notary.export(&ledger, T, &TileFolder::new(&folder)), Err(NotaryError::OtherTiles { .. })));
    restore();
    assert_eq!(notary.export(&ledger, T, &TileFolder::new(&folder)).unwrap().before, 300);
    // A ledger whose stored hashes were altered exports nothing either.
    let (forged, _) = ledger_of((0..600).map(|number| if number == 599 { 1 } else { number }));
    let fresh = place.store.path().join("fresh");
    assert!(notary.export(&forged, T, &TileFolder::new(&fresh)).is_err());
    assert!(!fresh.join("checkpoint").exists());
    assert!(root_of(&TileFolder::new(&place.store.path().join("none")).nodes(5), 5).is_err());
}
