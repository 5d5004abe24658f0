//! A holder that was redacted stands in no file of the store, but for its name where proofs rest on it; and everything verifies.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::estate::{Estate, block_on, held};
use crate::audit::RecordProof;
use crate::decide::fixture::NOW;
use crate::engine::{Engine, EngineError};
use crate::notary::Keyring;
use crate::plan::{PlanError, PlanFile, RedactedPlan};
use crate::target::EmbeddedRow;

const ORIGIN: &str = "example.com/audit/acme";

fn grant(holder: &str, level: &str, ends: i64) -> EmbeddedRow {
    let mut row = held(holder, "team:a", NOW + ends);
    row.holding.level = level.to_owned();
    row
}

fn signing(estate: &Estate) -> Engine {
    estate.engine().signed_by(Keyring::open(&estate.path("keys")).unwrap())
}

/// The files below a folder that hold some bytes.
pub(super) fn holding(folder: &Path, what: &str) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                return holding(&path, what);
            }
            let bytes = fs::read(&path).unwrap();
            Vec::from_iter(bytes.windows(what.len()).any(|window| window == what.as_bytes()).then_some(path))
        })
        .collect()
}

#[test]
fn v37_a_redacted_holder_is_gone_from_plans_pages_answers_and_reports_and_all_proofs_stand() {
    let rows = [grant("mallory-77", "level-4f1c9e", 1_000), grant("trent-88", "level-a20b77", 2_000)];
    let estate = Estate::new(rows);
    Keyring::create(&estate.path("keys"), ORIGIN, [1; 32]).unwrap();
    let mut plans = Vec::new();
    for _ in 0..2 {
        estate.pass(1_000);
        plans.push(block_on(signing(&estate).run(None)).unwrap().0.plan);
    }
    let store = estate.path("store");
    drop(signing(&estate));
    let before = holding(&store, "level-4f1c9e");
    assert!(before.contains(&store.join("ledger/ledger.sqlite")) && before.contains(&signing(&estate).store().plan(plans[0])));
    let engine = signing(&estate);
    let leaves = engine.leaves(0, 1_000).unwrap();
    let keys = engine.notary().unwrap().verifiers();
    let prove = |engine: &Engine, index| engine.prove(index, None).unwrap();
    let before: Vec<RecordProof> = leaves.iter().map(|leaf| prove(&engine, leaf.index)).collect();

    let done = engine.redact_holder("mallory-77", "ada", "asked for").unwrap();
    assert!(done.states >= 2 && done.plans.contains(&plans[0]), "{done:?}");
    assert!(matches!(engine.redact_holder("mallory-77", "ada", "again"), Err(EngineError::NotFound { .. })));
    drop(engine);
    drop(signing(&estate));

    // Nothing of its states anywhere; its name where leaves name it, and nowhere else.
    assert_eq!(holding(&store, "level-4f1c9e"), Vec::<PathBuf>::new());
    assert_eq!(holding(&store, "mallory-77"), [store.join("ledger/ledger.sqlite")]);
    assert!(!holding(&store, "level-a20b77").is_empty(), "nobody asked to remove the other one");
    let engine = signing(&estate);
    for (proof, leaf) in before.iter().zip(&leaves) {
        assert!(proof.verify(&leaf.bytes, ORIGIN, &keys).is_ok(), "what was proved before");
        assert!(prove(&engine, leaf.index).verify(&leaf.bytes, ORIGIN, &keys).is_ok(), "and now");
    }
    assert_eq!(engine.verify_log().unwrap().unwrap().redacted, done.states);
    let whole = engine.verify_store().unwrap();
    assert_eq!(whole.redacted, done.plans.len() as u64);
    // The plan's name is checked still, and nobody takes it for a damaged one.
    let path = engine.store().plan(plans[0]);
    assert_eq!(RedactedPlan::open(&RedactedPlan::beside(&path)).unwrap().id, plans[0]);
    assert!(matches!(PlanFile::open(&path), Err(PlanError::Redacted { .. })));
    let mut bytes = fs::read(RedactedPlan::beside(&path)).unwrap();
    for at in 0..bytes.len() {
        bytes[at] ^= 1;
        fs::write(RedactedPlan::beside(&path), &bytes).unwrap();
        assert!(engine.verify_store().is_err(), "byte {at}");
        bytes[at] ^= 1;
    }
    fs::write(RedactedPlan::beside(&path), &bytes).unwrap();
    drop(engine);
    // Work goes on.
    estate.pass(1_000);
    block_on(signing(&estate).run(None)).unwrap();
    assert!(signing(&estate).verify_log().unwrap().is_ok());
}

#[test]
fn a_holder_whose_plan_is_open_is_not_redacted() {
    let estate = Estate::new([grant("mallory-77", "level-4f1c9e", 1_000)]);
    estate.pass(1_000);
    estate.plan();
    let refused = estate.engine().redact_holder("mallory-77", "ada", "asked for");
    assert!(matches!(refused, Err(EngineError::Unsettled { .. })), "{refused:?}");
    assert!(!holding(&estate.path("store/plans"), "mallory-77").is_empty(), "nothing was removed");
}

#[test]
fn what_is_redacted_beside_a_run_that_commits_leaves_every_proof_as_it_was() {
    let estate = Estate::new((1..=40).map(|number| grant(&format!("ann{number}"), "level-4f1c9e", 1_000 * number)));
    Keyring::create(&estate.path("keys"), ORIGIN, [1; 32]).unwrap();
    estate.pass(1_000);
    let engine = signing(&estate);
    block_on(engine.run(None)).unwrap();
    let leaves = engine.leaves(0, 1_000).unwrap();
    let keys = engine.notary().unwrap().verifiers();
    let before: Vec<RecordProof> = leaves.iter().map(|leaf| engine.prove(leaf.index, None).unwrap()).collect();
    let wanted: Vec<u64> = leaves.iter().filter(|leaf| !leaf.bodies.is_empty()).map(|leaf| leaf.index).collect();
    let (over, mut waited) = (AtomicBool::new(false), 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                estate.pass(1_000);
                match block_on(engine.run(None)) {
                    Ok(_) | Err(EngineError::AtWork) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        });
        // Not before the other one is at work.
        while engine.acquire().is_ok() {
            std::thread::yield_now();
        }
        for leaf in &wanted {
            // One writer at a time: whoever comes second is told so, and tries again.
            while let Err(error) = engine.redact(*leaf, "ada", "asked for") {
                assert!(matches!(error, EngineError::AtWork), "{error}");
                waited += 1;
                std::thread::yield_now();
            }
        }
        over.store(true, Ordering::SeqCst);
    });
    assert!(waited > 0, "they never met");
    let verified = engine.verify_log().unwrap().unwrap();
    assert!(verified.redacted >= wanted.len() as u64);
    for (proof, leaf) in before.iter().zip(&leaves) {
        assert!(proof.verify(&leaf.bytes, ORIGIN, &keys).is_ok());
        assert!(engine.prove(leaf.index, None).unwrap().verify(&leaf.bytes, ORIGIN, &keys).is_ok());
    }
    assert!(engine.verify_store().is_ok());
}
