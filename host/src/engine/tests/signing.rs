//! An engine that signs: what it signs and when, and what it does on a store that is not the one that was signed.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::estate::{Estate, block_on, held};
use crate::audit::{Checkpoint, GrowthProof, LogHead, ProofError, ProofFileError, RecordProof, SigningKey, VerifyError};
use crate::decide::fixture::NOW;
use crate::engine::{Engine, EngineError, Revocation};
use crate::notary::{AppendOnlyFile, Keyring, NotaryError, Witness, witnessed};

const ORIGIN: &str = "example.com/audit/acme";

/// Grants that end by themselves, one after another, so that each run has something to do.
fn estate() -> Estate {
    let estate = Estate::new((1..=9).map(|number| held(&format!("ann{number}"), "team:a", NOW + 1_000 * number)));
    Keyring::create(&estate.path("keys"), ORIGIN, [1; 32]).unwrap();
    estate
}

fn signing(estate: &Estate) -> Engine {
    estate.engine().signed_by(Keyring::open(&estate.path("keys")).unwrap())
}

fn run(estate: &Estate) -> Result<u64, EngineError> {
    estate.pass(1_000);
    block_on(signing(estate).run(None)).map(|(_, applied)| applied.outcomes.confirmed())
}

fn newest(estate: &Estate) -> Checkpoint {
    signing(estate).notary().unwrap().newest().unwrap().1
}

/// The last size of the log and its checkpoint as a note.
fn note(estate: &Estate) -> String {
    signing(estate).notary().unwrap().newest().unwrap().0
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &to) } else { _ = fs::copy(&path, &to).unwrap() }
    }
}

/// Puts a copy in the place of a folder.
fn restore(from: &Path, to: &Path) {
    fs::remove_dir_all(to).unwrap();
    copy(from, to);
    #[cfg(unix)]
    fs::set_permissions(to, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    #[cfg(unix)]
    if to.join("ledger").exists() {
        fs::set_permissions(to.join("ledger"), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    }
}

#[test]
fn an_engine_without_a_key_signs_nothing_and_works_as_before() {
    let estate = estate();
    estate.pass(1_000);
    assert_eq!(estate.run().1.outcomes.confirmed(), 1);
    assert_eq!(estate.engine().checkpoint().unwrap(), None);
    assert!(!estate.path("store/checkpoints").exists());
    assert!(matches!(estate.engine().prove(0, None), Err(EngineError::NotFound { .. })));
}

#[test]
fn each_run_ends_with_a_checkpoint_of_all_that_it_committed() {
    let estate = estate();
    for _ in 0..3 {
        assert_eq!(run(&estate).unwrap(), 1);
        let engine = signing(&estate);
        assert_eq!(engine.notary().unwrap().newest().unwrap().1.head, engine.log_head().unwrap());
    }
    let before = newest(&estate);
    let engine = signing(&estate);
    let key = engine.rotate_key(None).unwrap();
    assert_eq!(key.name(), ORIGIN);
    let keys = engine.notary().unwrap().verifiers();
    let signed = engine.notary().unwrap().newest().unwrap().1.head;
    assert_eq!((keys.len(), signed), (2, engine.log_head().unwrap()));
    let verified = engine.verify_log().unwrap().unwrap();
    assert_eq!((verified.rotations.len(), verified.rotations[0].to.clone()), (1, key));
    // Offline: the file and a key.
    let index = before.head.size - 1;
    let file = engine.prove(index, None).unwrap().to_text().unwrap();
    let proof = RecordProof::parse(file.as_bytes()).unwrap();
    assert!(keys.iter().all(|key| proof.verify(&proof.extra, ORIGIN, std::slice::from_ref(key)).is_ok()));
    engine.export_tiles(&estate.path("tiles")).unwrap();
    assert_eq!(engine.prove(index, Some(&estate.path("tiles"))).unwrap(), proof);
    assert!(engine.prove_growth(before.head.size).unwrap().verify(&before, &keys).is_ok());
}

/// Every file of a folder.
fn bytes_of(folder: &Path) -> Vec<u8> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { bytes_of(&path) } else { fs::read(path).unwrap() }).collect()
}

#[test]
fn v37_what_was_redacted_is_gone_from_the_ledger_and_every_proof_stands() {
    let estate = estate();
    estate.pass(3_000);
    block_on(signing(&estate).run(None)).unwrap();
    let engine = signing(&estate);
    let leaves = engine.leaves(0, 1_000).unwrap();
    let intent = leaves.iter().find(|leaf| !leaf.bodies.is_empty()).unwrap();
    let proofs: Vec<RecordProof> = leaves.iter().map(|leaf| engine.prove(leaf.index, None).unwrap()).collect();
    let keys = engine.notary().unwrap().verifiers();
    // Salts are no text that anything else holds: where they are, the state can be told from its commitment.
    let salts = |bodies: &[crate::ledger::AuditBody]| -> Vec<[u8; 32]> {
        bodies.iter().map(|body| crate::model::Digest::parse(&body.salt).unwrap().0).collect()
    };
    let stands = |salt: &[u8; 32]| bytes_of(&estate.path("store/ledger")).windows(32).any(|window| window == salt);
    let (gone, kept) = (salts(&intent.bodies), salts(&leaves.iter().rfind(|leaf| !leaf.bodies.is_empty()).unwrap().bodies));
    drop(engine);
    assert!(gone.iter().all(stands));

    let engine = signing(&estate);
    assert_eq!(engine.redact(intent.index, "ada", "asked for").unwrap(), intent.bodies.len());
    assert!(matches!(engine.redact(intent.index, "ada", "again"), Err(EngineError::NotFound { .. })));
    let verified = engine.verify_log().unwrap().unwrap();
    assert_eq!(verified.redacted, intent.bodies.len() as u64);
    for (proof, leaf) in proofs.iter().zip(&leaves) {
        assert!(proof.verify(&leaf.bytes, ORIGIN, &keys).is_ok(), "what was proved before");
        let again = engine.prove(leaf.index, None).unwrap();
        assert_eq!((&again.extra, again.verify(&leaf.bytes, ORIGIN, &keys).is_ok()), (&leaf.bytes, true), "and now");
    }
    drop(engine);
    // Opening it moves what is durable out of the write-ahead log.
    drop(signing(&estate));
    assert!(!gone.iter().any(stands), "nothing of it is left in the files");
    assert!(kept.iter().all(stands), "what nobody asked to remove is there");
    run(&estate).unwrap();
    assert!(signing(&estate).verify_log().unwrap().is_ok());
}

#[test]
fn a_restored_store_is_refused_before_anything_is_done_but_for_emergencies() {
    let estate = estate();
    run(&estate).unwrap();
    copy(&estate.path("store"), &estate.path("backup"));
    run(&estate).unwrap();
    let journal = estate.shop.inner.journal().unwrap().len();
    restore(&estate.path("backup"), &estate.path("store"));
    let refused = run(&estate);
    assert!(matches!(refused, Err(EngineError::Notary(NotaryError::Shrunk { .. }))), "{refused:?}");
    assert_eq!(estate.shop.inner.journal().unwrap().len(), journal, "nothing was written to the target");
    assert!(estate.engine().verify_log().unwrap().is_ok(), "by itself, an older copy is whole");
    let verified = signing(&estate).verify_log().unwrap();
    assert!(matches!(verified, Err(VerifyError::Size { .. })), "{verified:?}");
    // An emergency only takes away, and is not kept waiting.
    estate.shop.lists.store(true, std::sync::atomic::Ordering::SeqCst);
    let mut call = Revocation::default();
    (call.target, call.holder, call.object) = ("gh".to_owned(), "ann9".to_owned(), "team:a".to_owned());
    (call.by, call.why) = ("ada".to_owned(), "leaked".to_owned());
    // This target keeps epochs, and takes an older copy for the stale writer that it is until its epoch has grown again.
    let settled = (0..20).any(|_| block_on(signing(&estate).revoke(&call)).unwrap().settled_at.is_some());
    assert!(settled && !estate.holds().contains(&"ann9/team:a".to_owned()));
    assert!(matches!(run(&estate), Err(EngineError::Notary(_))));
}

#[test]
fn a_backup_that_was_restored_with_its_keys_is_found_by_a_witness() {
    let estate = estate();
    let file = estate.path("witnessed");
    let watched = || {
        let witness: Arc<dyn Witness> = Arc::new(AppendOnlyFile::new("file", &file));
        signing(&estate).witnessed_by(vec![witness]).unwrap()
    };
    run(&estate).unwrap();
    for folder in ["store", "keys"] {
        copy(&estate.path(folder), &estate.path(&format!("{folder}-backup")));
    }
    run(&estate).unwrap();
    assert_eq!(watched().settle_witnesses(Duration::from_secs(60))[0].checkpoints, 0);
    let later = note(&estate);
    for folder in ["store", "keys"] {
        restore(&estate.path(&format!("{folder}-backup")), &estate.path(folder));
    }
    // The host cannot know, and goes on.
    for _ in 0..4 {
        run(&estate).unwrap();
    }
    let engine = signing(&estate);
    assert!(engine.verify_log().unwrap().is_ok());
    // Whoever holds the log against what the witness kept knows.
    let keys = engine.notary().unwrap().verifiers();
    let kept = witnessed(fs::read(&file).unwrap().as_slice(), ORIGIN, &keys).unwrap();
    let heads: Vec<LogHead> = kept.checkpoints.iter().map(|checkpoint| checkpoint.head).collect();
    assert_eq!((heads.len(), kept.others), (2, 0));
    let verified = engine.verify_log_against(&heads).unwrap();
    assert!(matches!(verified, Err(VerifyError::Root { .. })), "{verified:?}");
    // So does whoever kept one checkpoint and asks for a proof of growth.
    let earlier = Checkpoint::open(later.as_bytes(), ORIGIN, &keys).unwrap();
    let growth = engine.prove_growth(earlier.head.size).unwrap().verify(&earlier, &keys);
    assert!(matches!(growth, Err(ProofFileError::Proof(ProofError::Refuted))), "{growth:?}");
}

#[test]
fn an_older_checkpoint_is_refused_by_whoever_kept_a_later_one() {
    let estate = estate();
    run(&estate).unwrap();
    let older = note(&estate);
    run(&estate).unwrap();
    let later = newest(&estate);
    let keys = signing(&estate).notary().unwrap().verifiers();
    let replayed = GrowthProof { old: later.head.size, hashes: Vec::new(), checkpoint: older };
    let refused = replayed.verify(&later, &keys);
    assert!(matches!(refused, Err(ProofFileError::Proof(ProofError::Short { .. }))), "{refused:?}");
}

#[test]
fn what_a_stolen_key_signs_contradicts_what_witnesses_keep() {
    let estate = estate();
    for _ in 0..2 {
        run(&estate).unwrap();
    }
    let (true_note, checkpoint) = signing(&estate).notary().unwrap().newest().unwrap();
    let secret = fs::read_to_string(estate.path("keys/keys")).unwrap();
    let thief = SigningKey::parse_secret(secret.lines().nth(1).unwrap()).unwrap();
    // The thief has the key and another history; its signatures are as good as ours.
    let other = Checkpoint::new(ORIGIN, LogHead { root: crate::model::Digest::of(b"x"), ..checkpoint.head }).unwrap();
    let forged = other.sign([&thief]).unwrap();
    let keys = [thief.verifier().clone()];
    assert_eq!(Checkpoint::open(forged.as_bytes(), ORIGIN, &keys), Ok(other.clone()));
    // Two roots of one size: no proof leads from one to the other, and whoever sees both has the evidence.
    let growth = GrowthProof { old: checkpoint.head.size, hashes: Vec::new(), checkpoint: forged.clone() };
    assert!(matches!(growth.verify(&checkpoint, &keys), Err(ProofFileError::Proof(ProofError::Refuted))));
    let lines = [true_note, forged].map(|note| serde_json::to_string(&note).unwrap()).join("\n");
    let kept = witnessed(lines.as_bytes(), ORIGIN, &keys).unwrap();
    let heads: Vec<LogHead> = kept.checkpoints.iter().map(|checkpoint| checkpoint.head).collect();
    assert!(signing(&estate).verify_log_against(&heads).unwrap().is_err());
    // What the host signs next goes on from its own history, whatever the thief signed.
    run(&estate).unwrap();
    assert_eq!(newest(&estate).head, signing(&estate).log_head().unwrap());
}

#[test]
fn the_log_is_held_against_every_checkpoint_of_the_store() {
    let estate = estate();
    for _ in 0..2 {
        run(&estate).unwrap();
    }
    let history = signing(&estate).notary().unwrap().history().folder().join("history");
    let text = fs::read_to_string(&history).unwrap();
    assert!(signing(&estate).verify_log().unwrap().is_ok());
    // A checkpoint of this size with another root, under the right key: the log is not what was signed.
    let secret = fs::read_to_string(estate.path("keys/keys")).unwrap();
    let key = SigningKey::parse_secret(secret.lines().nth(1).unwrap()).unwrap();
    let other = Checkpoint::new(ORIGIN, LogHead { size: 2, root: crate::model::Digest::of(b"x") }).unwrap();
    let forged = serde_json::to_string(&other.sign([&key]).unwrap()).unwrap();
    fs::write(&history, format!("{forged}\n{text}")).unwrap();
    let verified = signing(&estate).verify_log().unwrap();
    assert!(matches!(verified, Err(VerifyError::Root { size: 2, .. })), "{verified:?}");
}
