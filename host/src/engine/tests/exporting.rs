//! An engine that tells others what it does: each run's changes arrive as events, and no sink stands in the way of a run.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::estate::{Estate, block_on, held};
use crate::decide::fixture::NOW;
use crate::engine::Engine;
use crate::export::{Event, Export, FileSink, Form, Sink};

const LONG: Duration = Duration::from_secs(60);

fn estate() -> Estate {
    Estate::new((1..=9).map(|number| held(&format!("ann{number}"), "team:a", NOW + 1_000 * number)))
}

fn exporting(estate: &Estate, sink: Arc<dyn Sink>) -> Engine {
    estate.engine().exported_to(vec![Export::new(sink, Form::default())]).unwrap()
}

fn file(estate: &Estate) -> Arc<dyn Sink> {
    Arc::new(FileSink::new("file", &estate.path("events")))
}

/// Takes nothing, and does not say so for a long time.
struct Dead;

impl Sink for Dead {
    fn name(&self) -> &str {
        "dead"
    }

    fn deliver(&self, _: &[Event]) -> io::Result<()> {
        std::thread::sleep(LONG);
        Err(io::Error::other("nobody answers"))
    }
}

#[test]
fn each_confirmed_change_is_one_event_of_who_and_what() {
    let estate = estate();
    let mut confirmed = 0;
    for _ in 0..3 {
        estate.pass(2_000);
        let engine = exporting(&estate, file(&estate));
        confirmed += block_on(engine.run(None)).unwrap().1.outcomes.confirmed();
        assert_eq!(engine.settle_exports(LONG).unwrap()[0].leaves, 0);
        assert_eq!(engine.sink_lag("file").unwrap().leaves, 0);
    }
    let lines = std::fs::read_to_string(estate.path("events")).unwrap();
    let events: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let revoked: BTreeMap<&str, &serde_json::Value> = events
        .iter()
        .filter(|event| event["class_uid"] == 3005 && event["activity_id"] == 2 && event["status_id"] == 1)
        .map(|event| (event["user"]["uid"].as_str().unwrap(), &event["privileges"][0]))
        .collect();
    assert_eq!((revoked.len() as u64, confirmed), (6, 6));
    assert!(revoked.keys().all(|holder| !estate.holds().contains(&format!("{holder}/team:a"))));
    // Each leaf at most once, in the order of the log.
    let places: Vec<u64> = events.iter().map(|event| event["metadata"]["sequence"].as_u64().unwrap()).collect();
    assert!(places.is_sorted_by(|one, next| one < next), "{places:?}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long a test waits; nothing depends on it")]
fn a_sink_that_is_dead_holds_up_no_run() {
    let estate = estate();
    estate.pass(2_000);
    let engine = exporting(&estate, Arc::new(Dead));
    let began = std::time::Instant::now();
    assert_eq!(block_on(engine.run(None)).unwrap().1.outcomes.confirmed(), 2);
    let size = engine.log_head().unwrap().size;
    let lags = engine.settle_exports(Duration::from_millis(10)).unwrap();
    assert_eq!((lags[0].leaves, engine.sink_lag("dead").unwrap().leaves), (size, size));
    drop(engine);
    assert!(began.elapsed() < LONG, "nobody waited for it");
    // What it did not take, another process delivers.
    let engine = exporting(&estate, file(&estate));
    assert_eq!(engine.settle_exports(LONG).unwrap()[0].leaves, 0);
}

#[test]
fn ends_of_changes_that_were_never_sent_are_told_by_their_plan() {
    let estate = estate();
    estate.pass(2_000);
    let plan = estate.plan().plan;
    // The access is denied before the plan is committed, so that its changes end without an intent.
    let denial = crate::model::Denial {
        target: "gh".to_owned(),
        holder: "ann1".to_owned(),
        object: "team:a".to_owned(),
        by: "ada".to_owned(),
        why: "leaked".to_owned(),
        at: crate::model::Time::from_seconds(NOW),
        settled_at: crate::model::Time::from_seconds(NOW),
        lifted_at: crate::model::Time::NONE,
    };
    estate.record(crate::ledger::Entry::Denied(denial));
    let engine = exporting(&estate, file(&estate));
    block_on(engine.apply(plan)).unwrap();
    engine.settle_exports(LONG).unwrap();
    let lines = std::fs::read_to_string(estate.path("events")).unwrap();
    assert!(!lines.contains("\"name\":\"unknown\""), "{lines}");
}
