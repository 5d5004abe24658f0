//! Others verify what trueup writes, and trueup verifies what others write: signed notes, checkpoints, proofs and tiles, beside
//! the crates of another project. Owns no format.

use std::fs;
use std::path::{Path, PathBuf};

use signed_note::{Note as TheirNote, StandardSigner, StandardVerifier, VerifierList};
use tlog_tiles::{
    Checkpoint as TheirCheckpoint, Error, Hash, HashReader, Tile, TileHashReader, TileReader, check_record, check_tree,
    prove_record, prove_tree, record_hash, stored_hash_index, stored_hashes, tree_hash,
};
use trueup::audit::{
    Checkpoint, Frontier, GrowthProof, LogHead, Note, RecordProof, SigningKey, VerifierKey, check_consistency, check_inclusion,
    decode_bundle, leaf_hash, prove_consistency, prove_inclusion,
};
use trueup::ledger::{Batch, Leaf, Ledger, MemoryLedger, Owned, Settled};
use trueup::model::{Digest, PlanId, RunId, Time};
use trueup::notary::{Keyring, LedgerNodes, Notary, TileFolder};

const ORIGIN: &str = "example.com/audit/acme";
const T: &str = "acme";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(ORIGIN, [seed; 32]).expect("a key")
}

fn known(keys: &[&SigningKey]) -> VerifierList {
    let theirs = keys.iter().map(|key| {
        let verifier: Box<dyn signed_note::Verifier> =
            Box::new(StandardVerifier::new(&key.verifier().to_string()).expect("they read our verifier key"));
        verifier
    });
    VerifierList::new(theirs.collect())
}

#[test]
fn others_verify_our_notes_and_we_theirs() {
    let (one, two, other) = (key(1), key(2), key(3));
    let text = "a text\n\nwith — an empty line\n";
    let ours = Note::sign(text, [&one, &two]).expect("it is signed");
    let read = TheirNote::from_bytes(ours.as_bytes()).expect("they read it");
    let (verified, unverified) = read.verify(&known(&[&one])).expect("they verify it");
    assert_eq!((verified.len(), unverified.len(), read.text()), (1, 1, text.as_bytes()));
    assert_eq!(read.verify(&known(&[&one, &two])).expect("they verify it").0.len(), 2);
    assert!(read.verify(&known(&[&other])).is_err());

    let signers = [&one, &two].map(|key| StandardSigner::new(&key.to_secret()).expect("they read our signing key"));
    let mut theirs = TheirNote::new(text.as_bytes(), &[]).expect("a note");
    theirs.add_sigs(&[&signers[0], &signers[1]]).expect("they sign it");
    assert_eq!(theirs.to_bytes(), ours.as_bytes(), "Ed25519 is deterministic, and so is the form");
    let opened = Note::open(&theirs.to_bytes(), &[two.verifier().clone()]).expect("we verify it");
    assert_eq!(opened.text, text);
}

/// What one side refuses of an altered note, the other refuses too, but for what is only strict here: one spelling of base 64.
#[test]
fn nobody_verifies_an_altered_note() {
    let key = key(1);
    let note = Note::sign("text\nof two lines\n", [&key]).expect("it is signed");
    let ours = [key.verifier().clone()];
    for at in 0..note.len() {
        for bit in 0..8 {
            let mut altered = note.clone().into_bytes();
            altered[at] ^= 1 << bit;
            let theirs = TheirNote::from_bytes(&altered).is_ok_and(|note| note.verify(&known(&[&key])).is_ok());
            assert!(Note::open(&altered, &ours).is_err() && !theirs, "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn checkpoints_are_theirs() {
    let head = LogHead { size: 20_852_163, root: Digest::of(b"x") };
    let text = Checkpoint::new(ORIGIN, head).expect("a checkpoint").text();
    let theirs = TheirCheckpoint::from_bytes(text.as_bytes()).expect("they read it");
    assert_eq!((theirs.origin(), theirs.size(), theirs.hash().0, theirs.extension()), (ORIGIN, head.size, head.root.0, ""));
    assert_eq!(theirs.to_bytes(), text.as_bytes());
    let theirs = TheirCheckpoint::new("o", 3, Hash([7; 32]), "ext\n").expect("a checkpoint").to_bytes();
    let ours = Checkpoint::parse(str::from_utf8(&theirs).expect("a text")).expect("we read it");
    assert_eq!((ours.head.size, ours.head.root.0, ours.text().into_bytes()), (3, [7; 32], theirs));
}

/// Their storage of a tree.
struct Stored(Vec<Hash>);

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        Ok(indexes.iter().map(|index| self.0[*index as usize]).collect())
    }
}

fn record(index: u64) -> Vec<u8> {
    format!("record {index}").into_bytes()
}

/// The first leaves of a log as both sides keep it.
fn both(size: u64) -> (Vec<Digest>, Stored) {
    let mut theirs = Stored(Vec::new());
    for index in 0..size {
        let added = stored_hashes(index, &record(index), &theirs).expect("they add it");
        theirs.0.extend(added);
    }
    ((0..size).map(|index| leaf_hash(&record(index))).collect(), theirs)
}

fn theirs(hashes: &[Digest]) -> Vec<Hash> {
    hashes.iter().map(|hash| Hash(hash.0)).collect()
}

fn ours(hashes: &[Hash]) -> Vec<Digest> {
    hashes.iter().map(|hash| Digest(hash.0)).collect()
}

#[test]
fn proofs_are_equal_and_each_side_checks_the_others() {
    let (leaves, stored) = both(300);
    let sizes = [1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 255, 256, 257, 300];
    for size in sizes {
        let mut frontier = Frontier::default();
        leaves[..size as usize].iter().for_each(|leaf| frontier.append(*leaf));
        let (head, root) = (frontier.head(), tree_hash(size, &stored).expect("they know"));
        assert_eq!(head.root.0, root.0, "root of {size}");
        for index in (0..size).step_by(7).chain([size - 1]) {
            let Ok(proof) = prove_inclusion(&leaves[..], size, index);
            let proof = proof.expect("it is there");
            let theirs_of_it = prove_record(size, index, &stored).expect("they prove it");
            assert_eq!(proof, ours(&theirs_of_it), "leaf {index} of {size}");
            check_record(&theirs(&proof), size, root, index, record_hash(&record(index))).expect("they check ours");
            check_inclusion(head, index, leaves[index as usize], &ours(&theirs_of_it)).expect("we check theirs");
        }
        for old in sizes.into_iter().filter(|old| *old <= size) {
            let Ok(proof) = prove_consistency(&leaves[..], old, size);
            let proof = proof.expect("it grew");
            let theirs_of_it = prove_tree(size, old, &stored).expect("they prove it");
            assert_eq!(proof, ours(&theirs_of_it), "{old} to {size}");
            let before = tree_hash(old, &stored).expect("they know");
            check_tree(&theirs(&proof), size, root, old, before).expect("they check ours");
            let earlier = LogHead { size: old, root: Digest(before.0) };
            check_consistency(earlier, head, &ours(&theirs_of_it)).expect("we check theirs");
        }
    }
}

/// A folder of tiles as they read it: their names with the height left out.
struct Folder(PathBuf);

impl TileReader for Folder {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        let path = |tile: &Tile| self.0.join(tile.path().replacen("tile/8/", "tile/", 1));
        Ok(tiles.iter().map(|tile| fs::read(path(tile)).expect("the tile is there")).collect())
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

fn append(ledger: &MemoryLedger, owned: &Owned, numbers: std::ops::Range<u64>) {
    let leaf = |number| Leaf::slice_checkpoint(RunId(1), Time::from_seconds(1_767_225_600), PlanId(Digest([7; 32])), number);
    let batch = Batch { entries: Vec::new(), leaves: numbers.map(leaf).collect() };
    let settled = ledger.wait(ledger.submit(owned, batch).expect("it is there")).expect("it is written");
    assert!(matches!(settled, Settled::Committed(_)));
}

fn notary(folder: &Path) -> Notary {
    let keys = folder.join("keys");
    let keyring = Keyring::open(&keys).or_else(|_| Keyring::create(&keys, ORIGIN, [1; 32]));
    Notary::new(keyring.expect("keys"), folder)
}

#[test]
fn others_read_our_tiles_and_prove_over_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ledger, notary) = (MemoryLedger::new(), notary(folder.path()));
    let owned = ledger.acquire(T).expect("it is free");
    let tiles = folder.path().join("tiles");
    let mut size = 0;
    for next in [1, 255, 256, 300, 66_000] {
        append(&ledger, &owned, size..next);
        size = next;
        notary.sign(&ledger, T).expect("it is signed");
        notary.export(&ledger, T, &TileFolder::new(&tiles)).expect("it is exported");

        let note = TheirNote::from_bytes(&fs::read(tiles.join("checkpoint")).expect("a checkpoint")).expect("they read it");
        note.verify(&known(&[&key(1)])).expect("they verify it");
        let checkpoint = TheirCheckpoint::from_bytes(note.text()).expect("they read it");
        assert_eq!(checkpoint.size(), size);
        let reader = Folder(tiles.clone());
        let hashes = TileHashReader::new(size, *checkpoint.hash(), &reader);
        for index in [0, size / 2, size - 1] {
            let proof = prove_record(size, index, &hashes).expect("the tiles have the signed root");
            let bundle = Tile::from_index(8, stored_hash_index(0, index)).parent(0, size).expect("it is there");
            let path = bundle.path().replacen("tile/8/0/", "tile/entries/", 1);
            let records = decode_bundle(&fs::read(tiles.join(path)).expect("a bundle")).expect("whole records");
            let record = &records[(index % 256) as usize];
            check_record(&proof, size, *checkpoint.hash(), index, record_hash(record)).expect("the record is there");
        }
        let proof = prove_tree(size, 1, &hashes).expect("they prove growth");
        let first = hashes.read_hashes(&[0]).expect("the first leaf")[0];
        check_tree(&proof, size, *checkpoint.hash(), 1, first).expect("it grew");
    }
}

#[test]
fn others_check_what_our_proof_files_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ledger, notary) = (MemoryLedger::new(), notary(folder.path()));
    let owned = ledger.acquire(T).expect("it is free");
    append(&ledger, &owned, 0..41);
    let old = notary.sign(&ledger, T).expect("it is signed").expect("it has leaves");
    append(&ledger, &owned, 41..77);
    notary.sign(&ledger, T).expect("it is signed");
    let file = notary.prove(&ledger, T, 40).expect("it is proved").to_text().expect("it is short");
    // As somebody else would read it: by its lines.
    let (head, note) = file.split_once("\n\n").expect("two parts");
    let lines: Vec<&str> = head.lines().collect();
    assert_eq!((lines[0], lines[2]), ("c2sp.org/tlog-proof@v1", "index 40"));
    let proof: Vec<Hash> = lines[3..].iter().map(|line| Hash::parse_hash(line).expect("a hash")).collect();
    let note = TheirNote::from_bytes(note.as_bytes()).expect("they read it");
    note.verify(&known(&[&key(1)])).expect("they verify it");
    let now = TheirCheckpoint::from_bytes(note.text()).expect("they read it");
    let record = RecordProof::parse(file.as_bytes()).expect("a proof").extra;
    check_record(&proof, now.size(), *now.hash(), 40, record_hash(&record)).expect("they check it");

    let growth: GrowthProof = notary.prove_growth(&LedgerNodes::new(&ledger, T), 41).expect("it is proved");
    let old = TheirCheckpoint::from_bytes(TheirNote::from_bytes(old.as_bytes()).expect("a note").text()).expect("a checkpoint");
    check_tree(&theirs(&growth.hashes), now.size(), *now.hash(), old.size(), *old.hash()).expect("they check it");
}

#[test]
fn keys_that_they_refuse_are_refused_here() {
    let text = key(1).verifier().to_string();
    for wrong in [text.replace("example.com", "example.org"), text.replace('+', "-"), text[1..].to_owned(), String::new()] {
        assert!(StandardVerifier::new(&wrong).is_err() && VerifierKey::parse(&wrong).is_err(), "{wrong}");
    }
}
