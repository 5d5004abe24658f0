//! Retention: what was pruned is in no file of the ledger, every proof stands, nothing that is needed goes, and whoever empties
//! leaves otherwise is found.

use std::fs;
use std::path::Path;

use super::estate::{Estate, Trouble, block_on, held};
use super::redacting::holding;
use crate::audit::{RecordProof, VerifyError};
use crate::decide::fixture::NOW;
use crate::engine::{Engine, EngineError, Needed, Pruning, Span};
use crate::export::Cursor;
use crate::ledger::{Batch, Entry, Leaf, LeafKind, Settled};
use crate::model::{Denial, PlanId, RunId, Time};
use crate::notary::{Keyring, Notary, NotaryError};

const ORIGIN: &str = "example.com/audit/acme";
const DAY: i64 = 86_400;

/// Grants that end by themselves, two at once and then one in a hundred days.
fn estate() -> Estate {
    let rows = (1..=9).map(|number| {
        let days = (number - 2).max(0) * 100;
        let mut row = held(&format!("mallory-{number}"), "team:a", NOW + days * DAY + 1_000 * number);
        row.holding.level = format!("level-4f1c9e-{number}");
        row
    });
    let estate = Estate::new(rows);
    Keyring::create(&estate.path("keys"), ORIGIN, [1; 32]).unwrap();
    estate
}

fn signing(estate: &Estate) -> Engine {
    estate.engine().signed_by(Keyring::open(&estate.path("keys")).unwrap())
}

/// A run that ends one of them.
fn ends(estate: &Estate) -> PlanId {
    estate.pass(1_000);
    let (planned, applied) = block_on(signing(estate).run(None)).unwrap();
    assert_eq!(applied.outcomes.confirmed(), 1);
    planned.plan
}

/// A run after so long that somebody has to look at the clock first.
fn run(estate: &Estate) {
    estate.pass(1_000);
    block_on(signing(estate).run(None)).unwrap();
}

fn submit(engine: &Engine, entries: Vec<Entry>, leaves: Vec<Leaf>) {
    let owned = engine.acquire().unwrap();
    let ticket = engine.ledger().submit(&owned, Batch { entries, leaves }).unwrap();
    assert!(matches!(engine.ledger().wait(ticket).unwrap(), Settled::Committed(_)));
}

/// Leaves of no other interest, under a checkpoint.
fn fill(estate: &Estate, count: u64) {
    fill_by(&signing(estate), count);
}

fn fill_by(engine: &Engine, count: u64) {
    let (at, plan) = (engine.days_ago(0), PlanId(crate::model::Digest::of(b"x")));
    let leaves = (0..count).map(|slice| Leaf::slice_checkpoint(RunId(1), at, plan, slice));
    submit(engine, Vec::new(), leaves.collect());
    engine.checkpoint().unwrap();
}

fn asked(engine: &Engine, days: u32) -> Pruning {
    Pruning { before: engine.days_ago(days), by: "ada".to_owned(), why: "retention".to_owned() }
}

/// Two runs and six hundred leaves long ago, and a run today.
fn aged() -> (Estate, PlanId) {
    let estate = estate();
    let first = ends(&estate);
    ends(&estate);
    fill(&estate, 600);
    estate.pass(100 * DAY);
    run(&estate);
    (estate, first)
}

fn size(folder: &Path) -> u64 {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

fn verify(engine: &Engine) -> crate::audit::Verified {
    engine.verify_log().unwrap().unwrap()
}

#[test]
fn v37_what_was_pruned_is_in_no_file_of_the_ledger_and_every_proof_stands() {
    let (estate, _) = aged();
    fill(&estate, 5_000);
    let engine = signing(&estate);
    let changed = engine.history("mallory-1", &Span::default()).unwrap().moments.iter().find_map(|moment| moment.change).unwrap();
    let ticket = estate.path("ticket.txt");
    fs::write(&ticket, "a ticket").unwrap();
    let kept = engine.attach(&changed.to_string(), &ticket, None, "ada", "the ticket").unwrap();
    // Enough that the attachment's leaf is not among the last ones, which go with the next tile.
    fill_by(&engine, 300);
    estate.pass(100 * DAY);
    block_on(engine.run(None)).unwrap();
    let leaves = engine.leaves(0, 100_000).unwrap();
    let keys = engine.notary().unwrap().verifiers();
    let some: Vec<&crate::ledger::StoredLeaf> = leaves.iter().filter(|leaf| leaf.index < 16 || leaf.index % 499 == 0).collect();
    let proofs: Vec<RecordProof> = some.iter().map(|leaf| engine.prove(leaf.index, None).unwrap()).collect();
    let (_, earlier) = engine.notary().unwrap().newest().unwrap();
    let ledger = engine.store().ledger();
    drop(engine);
    drop(signing(&estate));
    let before = size(&ledger);
    assert!(!holding(&ledger, "level-4f1c9e-1").is_empty() && !holding(&ledger, "mallory-1").is_empty());

    let engine = signing(&estate);
    let dry = engine.prunable(engine.days_ago(50)).unwrap();
    assert_eq!((engine.log_head().unwrap(), dry.before % 256, dry.needed.is_none(), dry.files), (earlier.head, 0, true, 1));
    let done = engine.prune(&asked(&engine, 50)).unwrap();
    assert_eq!((&done.went, done.leaf), (&dry, Some(earlier.head.size)));
    assert!(done.went.leaves > 5_000 && done.went.states > 2, "{done:?}");
    let verified = verify(&engine);
    let cut = verified.cut.as_ref().unwrap();
    assert_eq!((verified.pruned, cut.before, cut.leaf, cut.by.as_str()), (dry.leaves, dry.before, earlier.head.size, "ada"));
    assert!(engine.verify_store().is_ok());
    // No proof is worth less than it was; of what is gone there is no new one.
    for (proof, leaf) in proofs.iter().zip(&some) {
        assert!(proof.verify(&leaf.bytes, ORIGIN, &keys).is_ok(), "leaf {}", leaf.index);
        match engine.prove(leaf.index, None) {
            Ok(proof) => assert!(leaf.index >= dry.before && proof.verify(&leaf.bytes, ORIGIN, &keys).is_ok()),
            Err(error) => {
                assert!(matches!(error, EngineError::Notary(NotaryError::Pruned { index }) if index == leaf.index), "{error}");
                assert!(leaf.index < dry.before);
            }
        }
    }
    assert!(engine.prove_growth(earlier.head.size).unwrap().verify(&earlier, &keys).is_ok());
    assert!(!kept.path.exists() && engine.attachments().unwrap().is_empty(), "its leaf is gone, and so is the file");
    // Read while the engine has it open, and after: the write-ahead log too.
    for gone in ["level-4f1c9e-1", "mallory-1", "level-4f1c9e-2"] {
        assert_eq!(holding(&ledger, gone), Vec::<std::path::PathBuf>::new(), "{gone}");
    }
    let after = size(&ledger);
    assert!(after * 2 < before, "{before} bytes, and {after} afterwards");

    // Nothing is left to do, and work goes on.
    let again = engine.prune(&asked(&engine, 50)).unwrap();
    assert_eq!((again.leaf, again.went.leaves), (None, 0));
    drop(engine);
    run(&estate);
    assert!(verify(&signing(&estate)).pruned == dry.leaves);
}

#[test]
fn a_second_pruning_goes_on_from_the_first_and_may_remove_its_leaf() {
    let (estate, _) = aged();
    let engine = signing(&estate);
    let first = engine.prune(&asked(&engine, 50)).unwrap();
    drop(engine);
    fill(&estate, 600);
    estate.pass(100 * DAY);
    run(&estate);
    let engine = signing(&estate);
    let second = engine.prune(&asked(&engine, 50)).unwrap();
    assert!(second.went.before > first.leaf.unwrap() && second.leaf > first.leaf, "{second:?}");
    let verified = verify(&engine);
    assert_eq!((verified.pruned, verified.by_kind[&LeafKind::Pruning]), (second.went.before, 1));
    assert_eq!(verified.cut.unwrap().leaf, second.leaf.unwrap());
    // Asked for less than was removed already: nothing happens.
    assert_eq!(engine.prune(&asked(&engine, 150)).unwrap().leaf, None);
}

#[test]
fn questions_say_where_a_pruned_log_begins() {
    let (estate, plan) = aged();
    let change = estate.file(plan).changes().next().unwrap().unwrap();
    let before = Time::from_seconds(NOW + 1_000);
    assert_eq!(signing(&estate).who_has("team:a", before).unwrap().beginning, None);
    let engine = signing(&estate);
    let done = engine.prune(&asked(&engine, 50)).unwrap();
    let begins = engine.log_beginning().unwrap().unwrap();
    assert_eq!((begins.cut.before, begins.cut.why.as_str()), (done.went.before, "retention"));
    assert!(matches!(engine.who_has("team:a", before), Err(EngineError::BeforeLog { begins: at, .. }) if at == begins.begins));
    let now = engine.who_has("team:a", engine.days_ago(0)).unwrap();
    assert_eq!((now.begins, now.beginning.as_ref()), (begins.begins, Some(&begins)));
    let why = engine.why(&change.id.to_string()).unwrap();
    assert_eq!((why.beginning.as_ref(), why.moments.len(), why.plans.len()), (Some(&begins), 0, 1));
    let history = engine.history("mallory-1", &Span::default()).unwrap();
    assert_eq!(history.beginning.as_ref(), Some(&begins));
    assert!(history.moments.iter().all(|moment| moment.leaf.is_none()), "plans alone tell of it");
    // What was confirmed long ago is not taken for something that waits ever since.
    let pace = engine.performance(&crate::engine::Windows::default(), &Span::default()).unwrap();
    assert_eq!(pace.paces.iter().map(|pace| pace.open).sum::<u64>(), 1, "the one that waits since today: {pace:?}");
    assert_eq!(pace.beginning, Some(begins));
}

#[test]
fn whoever_empties_leaves_in_another_way_is_found() {
    let pruning = |before| Leaf::pruning(RunId(1), Time::from_seconds(NOW), before, "eve", "retention");
    let empty = |to| Entry::Pruned { from: 0, to };
    // Without a word.
    let (estate, _) = aged();
    let engine = signing(&estate);
    submit(&engine, vec![empty(256)], Vec::new());
    assert_eq!(engine.verify_log().unwrap(), Err(VerifyError::Emptied { index: 255 }));
    assert!(matches!(engine.history("mallory-3", &Span::default()), Err(EngineError::Log(VerifyError::Emptied { .. }))));
    // With a leaf that nobody signed yet, and which the host does not sign afterwards either.
    submit(&engine, Vec::new(), vec![pruning(256)]);
    assert_eq!(engine.verify_log().unwrap(), Err(VerifyError::Emptied { index: 255 }));
    let refused = engine.checkpoint();
    assert!(matches!(refused, Err(EngineError::Notary(NotaryError::Emptied { index: 255 }))), "{refused:?}");
    assert!(matches!(engine.acquire().map(drop), Err(EngineError::Notary(NotaryError::Emptied { .. }))));
    drop(engine);
    // More than a true one says, beside what it says.
    let (estate, _) = aged();
    let engine = signing(&estate);
    submit(&engine, Vec::new(), vec![pruning(256)]);
    engine.checkpoint().unwrap();
    assert!(engine.verify_log().unwrap().is_ok(), "nothing is gone yet");
    submit(&engine, vec![empty(256)], Vec::new());
    assert!(engine.verify_log().unwrap().is_ok(), "all is explained");
    submit(&engine, vec![empty(257)], Vec::new());
    assert_eq!(engine.verify_log().unwrap(), Err(VerifyError::Emptied { index: 256 }));
    submit(&engine, Vec::new(), vec![pruning(512)]);
    assert!(matches!(engine.checkpoint(), Err(EngineError::Notary(NotaryError::Emptied { index: 256 }))));
    drop(engine);
    // One that speaks of leaves after it, or of half a tile.
    for before in [100, 1_024] {
        let (estate, _) = aged();
        let engine = signing(&estate);
        submit(&engine, Vec::new(), vec![pruning(before)]);
        assert!(matches!(engine.verify_log().unwrap(), Err(VerifyError::Misplaced { .. })), "{before}");
    }
}

#[test]
fn a_crash_at_any_point_leaves_a_log_that_verifies_and_a_pruning_that_is_ended() {
    for stage in 0..4 {
        let (estate, _) = aged();
        let engine = signing(&estate);
        let changed =
            engine.history("mallory-1", &Span::default()).unwrap().moments.iter().find_map(|moment| moment.change).unwrap();
        // The attachment is among what goes: it was brought long ago.
        let ticket = estate.path("ticket.txt");
        fs::write(&ticket, "a ticket").unwrap();
        let kept = engine.attach(&changed.to_string(), &ticket, None, "ada", "the ticket").unwrap();
        drop(engine);
        fill(&estate, 300);
        estate.pass(100 * DAY);
        run(&estate);
        let engine = signing(&estate);
        let dry = engine.prunable(engine.days_ago(50)).unwrap();
        // As far as it came: the leaf, its checkpoint, the file, some of the leaves.
        let leaf = Leaf::pruning(RunId(1), engine.days_ago(0), dry.before, "ada", "retention");
        submit(&engine, Vec::new(), vec![leaf]);
        if stage >= 1 {
            engine.checkpoint().unwrap();
        }
        if stage >= 2 {
            fs::remove_file(&kept.path).unwrap();
        }
        if stage >= 3 {
            submit(&engine, vec![Entry::Pruned { from: 0, to: 300 }], Vec::new());
        }
        drop(engine);
        let engine = signing(&estate);
        assert_eq!(verify(&engine).pruned, if stage >= 3 { 300 } else { 0 }, "stage {stage}");
        assert!(engine.attachments().unwrap().is_empty(), "it is about to go, or is gone: stage {stage}");
        let head = engine.log_head().unwrap();
        let done = engine.prune(&asked(&engine, 50)).unwrap();
        assert_eq!((done.leaf, engine.log_head().unwrap()), (None, head), "one leaf is enough: stage {stage}");
        assert_eq!(verify(&engine).pruned, dry.before, "stage {stage}");
        assert!(!kept.path.exists());
        assert_eq!(holding(&engine.store().ledger(), "level-4f1c9e-1"), Vec::<std::path::PathBuf>::new());
    }
}

#[test]
fn what_is_still_needed_is_not_pruned() {
    // A change of which nobody knows what it did.
    let (estate, _) = aged();
    let engine = signing(&estate);
    let all = engine.prunable(engine.days_ago(50)).unwrap();
    assert!(all.before >= 512 && all.needed.is_none(), "{all:?}");
    drop(engine);
    let lost = estate_in_doubt();
    let engine = signing(&lost);
    let found = engine.prunable(engine.days_ago(50)).unwrap();
    assert!(matches!(found.needed, Some(Needed::Change { .. } | Needed::Run { .. })), "{found:?}");
    assert_eq!(found.before, 0);
    drop(engine);
    // A sink that has come as far as leaf 300; and one that has not begun.
    let cursors = estate.path("store/exports");
    fs::create_dir_all(&cursors).unwrap();
    let engine = signing(&estate);
    let before = engine.leaves(299, 1).unwrap().remove(0);
    let mut cursor = Cursor::from_index(300);
    cursor.last = before.hash;
    cursor.write(&Cursor::path(&cursors, "collector")).unwrap();
    let found = engine.prunable(engine.days_ago(50)).unwrap();
    assert!(matches!(&found.needed, Some(Needed::Sink { sink, .. }) if sink == "collector"), "{found:?}");
    assert_eq!(engine.prune(&asked(&engine, 50)).unwrap().went.before, 256);
    Cursor::from_index(0).write(&Cursor::path(&cursors, "late")).unwrap();
    assert_eq!(engine.prune(&asked(&engine, 50)).unwrap().went.leaves, 0);
    // What is still to come is no age.
    let later = Time::from_seconds(engine.days_ago(0).seconds() + 1);
    assert!(matches!(engine.prunable(later), Err(EngineError::NotYet { .. })));
    assert!(matches!(estate_without_a_key().prunable(Time::from_seconds(NOW)), Err(EngineError::NotFound { .. })));
}

/// A log whose first change was sent, and whose effect nobody could read since.
fn estate_in_doubt() -> Estate {
    let estate = estate();
    estate.shop.trouble.lock().unwrap().insert("mallory-1".to_owned(), Trouble::Dark);
    estate.pass(1_000);
    block_on(signing(&estate).run(None)).unwrap();
    fill(&estate, 600);
    estate.pass(100 * DAY);
    estate
}

fn estate_without_a_key() -> Engine {
    Estate::new([]).engine()
}

#[test]
fn keys_that_took_over_and_denials_that_stand_stay() {
    let estate = estate();
    let engine = signing(&estate);
    engine.rotate_key(None).unwrap();
    let denial = |holder: &str| Denial {
        target: String::new(),
        holder: holder.to_owned(),
        object: String::new(),
        by: "ada".to_owned(),
        why: "stolen".to_owned(),
        at: Time::from_seconds(NOW),
        settled_at: Time::from_seconds(NOW),
        lifted_at: Time::NONE,
    };
    let told = |denial: &Denial| Leaf::denial(RunId(0), denial.at, denial);
    let (stands, lifted) = (denial("mallory-8"), denial("mallory-9"));
    let lifted_now = Denial { lifted_at: Time::from_seconds(NOW + 1), ..lifted.clone() };
    let entries = vec![Entry::Denied(stands.clone()), Entry::Denied(lifted_now)];
    submit(&engine, entries, vec![told(&stands), told(&lifted)]);
    drop(engine);
    fill(&estate, 600);
    estate.pass(100 * DAY);
    let engine = signing(&estate);
    let done = engine.prune(&asked(&engine, 50)).unwrap();
    assert_eq!(done.went.kept, 2);
    let verified = verify(&engine);
    assert_eq!((verified.rotations.len(), verified.by_kind[&LeafKind::Emergency]), (1, 1));
    assert_eq!(verified.pruned, done.went.before - 2);
    let ledger = engine.store().ledger();
    // Of both the ledger still says what it acts on; the leaf of one is gone.
    let of = |holder: &str| {
        engine.leaves(0, 100).unwrap().iter().filter(|leaf| leaf.bytes.windows(9).any(|w| w == holder.as_bytes())).count()
    };
    assert_eq!((of("mallory-8"), of("mallory-9"), holding(&ledger, "mallory-8").is_empty()), (1, 0, false));
}

#[test]
fn tiles_of_a_pruned_log_prove_everything_and_hold_no_record_that_is_gone() {
    let (estate, _) = aged();
    let (whole, fresh) = (estate.path("whole"), estate.path("fresh"));
    let engine = signing(&estate);
    engine.export_tiles(&whole).unwrap();
    let (_, earlier) = engine.notary().unwrap().newest().unwrap();
    let leaves = engine.leaves(0, 10_000).unwrap();
    let done = engine.prune(&asked(&engine, 50)).unwrap();
    assert_eq!(engine.export_tiles(&whole).unwrap().pruned, 0, "what was exported stays");
    let exported = engine.export_tiles(&fresh).unwrap();
    assert_eq!(exported.pruned, done.went.before);
    assert!(!fresh.join("tile/entries/000").exists() && fresh.join("tile/0/000").exists());
    let keys = engine.notary().unwrap().verifiers();
    for leaf in leaves.iter().filter(|leaf| leaf.index >= done.went.before) {
        for folder in [&whole, &fresh] {
            assert!(engine.prove(leaf.index, Some(folder)).unwrap().verify(&leaf.bytes, ORIGIN, &keys).is_ok());
        }
    }
    assert!(holding(&fresh, "mallory-1").is_empty() && !holding(&whole, "mallory-1").is_empty());
    assert!(engine.prove_growth(earlier.head.size).unwrap().verify(&earlier, &keys).is_ok());
    // New keys begin a new history of checkpoints over what is left of the log.
    let other = "example.com/audit/other";
    Keyring::create(&estate.path("other"), other, [7; 32]).unwrap();
    let notary = Notary::new(Keyring::open(&estate.path("other")).unwrap(), &estate.path("store/checkpoints"));
    assert!(notary.sign(engine.ledger(), "acme").unwrap().is_some());
}
