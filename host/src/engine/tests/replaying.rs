//! What is recorded of runs, and how long; that each plan of these tests is derived again is in their estate.

use super::estate::{Estate, held};
use crate::decide::fixture::NOW;
use crate::engine::{EngineError, Recordings, Replaying};
use crate::limits::PACK_RUNS;
use crate::model::RunId;

fn estate(recordings: u32) -> (Estate, Recordings) {
    let mut estate = Estate::new((0..40).map(|i| held(&format!("p{i:02}"), "team:a", if i % 4 == 0 { NOW - 1 } else { 0 })));
    estate.recordings = recordings;
    estate.desire(&[("p01", "team:a", 0)]);
    let recordings = Recordings::of(&estate.path("store"));
    (estate, recordings)
}

#[test]
fn the_newest_runs_are_kept_with_all_that_they_share_with_older_ones_and_nothing_else() {
    let (estate, recordings) = estate(3);
    let packs = || {
        let names = std::fs::read_dir(estate.path("store/recordings")).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().ends_with(".pack")).count() as u64
    };
    let runs = PACK_RUNS + 4;
    for run in 1..=runs {
        // What is recorded is replayed here, too.
        estate.plan();
        estate.pass(60);
        let kept = recordings.runs().unwrap();
        assert_eq!(kept, (run.saturating_sub(2).max(1)..=run).map(RunId).collect::<Vec<_>>());
        assert!(packs() <= PACK_RUNS + 3, "{} packs after {run} runs", packs());
    }
    assert!(!estate.path("store/recordings/1.pack").exists() && packs() == PACK_RUNS + 3, "{}", packs());
    let gone = recordings.replay(RunId(1), &Replaying::default()).err().unwrap();
    assert!(matches!(gone, EngineError::NotFound { .. }), "{gone}");
}

#[test]
fn whoever_wants_nothing_recorded_has_nothing_recorded() {
    let (estate, recordings) = estate(0);
    super::estate::block_on(estate.engine().plan(None)).unwrap();
    assert!(recordings.runs().unwrap().is_empty() && recordings.bytes().unwrap() == 0);
    assert!(!estate.path("store/recordings").exists());
}
