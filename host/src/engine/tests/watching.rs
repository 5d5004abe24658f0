//! What a run shows of itself: each stage is one span, with its fields, and counts agree with what the run says and the log holds.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::estate::{Estate, block_on, held};
use crate::audit::{LogEntry, Statement};
use crate::decide::fixture::NOW;
use crate::engine::{Engine, Revocation};
use crate::notary::Keyring;
use crate::telemetry::FAMILIES;

/// Spans as they were begun: name and fields.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Span>>>);

type Span = (&'static str, BTreeMap<&'static str, String>);

struct Fields<'f>(&'f mut BTreeMap<&'static str, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl Subscriber for Seen {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "trueup"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = BTreeMap::new();
        span.record(&mut Fields(&mut fields));
        let mut seen = self.0.lock().unwrap();
        seen.push((span.metadata().name(), fields));
        Id::from_u64(seen.len() as u64)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn estate() -> Estate {
    let estate = Estate::new((1..=9).map(|number| held(&format!("ann{number}"), "team:a", NOW + 1_000 * number)));
    Keyring::create(&estate.path("keys"), "example.com/audit/acme", [1; 32]).unwrap();
    estate.shop.lists.store(true, std::sync::atomic::Ordering::SeqCst);
    estate
}

fn signing(estate: &Estate) -> Engine {
    estate.engine().signed_by(Keyring::open(&estate.path("keys")).unwrap())
}

/// A run's threads are many, and so are the tests of this process: whoever sees all spans of one run has a process alone.
#[test]
fn each_stage_of_a_run_is_one_span_with_its_fields() {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    let output = child.args(["engine::tests::watching::spans_of_a_process_of_its_own", "--exact", "--ignored"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
#[ignore = "run by the test before, in a process of its own"]
fn spans_of_a_process_of_its_own() {
    let estate = estate();
    estate.pass(2_000);
    let (seen, engine) = (Seen::default(), signing(&estate));
    tracing::subscriber::set_global_default(seen.clone()).unwrap();
    block_on(engine.run(None)).unwrap();
    let spans = seen.0.lock().unwrap().clone();
    let of = |name: &str| spans.iter().filter(|(found, _)| *found == name).map(|(_, fields)| fields).collect::<Vec<_>>();
    for (name, fields) in [
        ("run", vec![("tenant", "\"acme\"")]),
        ("discover", vec![("run", "1")]),
        ("link", vec![("run", "1")]),
        ("correlate", vec![("run", "1"), ("part", "0"), ("facts", "9")]),
        ("judge", vec![("run", "1"), ("part", "0"), ("cases", "9")]),
        ("decide", vec![("run", "1"), ("cases", "9")]),
        ("seal", vec![("run", "1")]),
        ("commit", vec![("run", "1"), ("changes", "2")]),
    ] {
        let found = of(name);
        assert_eq!(found.len(), 1, "{name}: {spans:?}");
        for (field, value) in fields {
            assert_eq!(found[0].get(field).map(String::as_str), Some(value), "{name}.{field}");
        }
    }
    // Before and after: signed twice. Two changes: read, written, read back, in two batches at least.
    assert_eq!(of("sign").len(), 2);
    assert!(of("slice").len() >= 2, "{spans:?}");
    let asks = |ask: &str| of("call").iter().filter(|fields| fields["ask"] == format!("{ask:?}")).count();
    assert_eq!(asks("write"), 2);
    assert!(asks("read") >= 4, "{spans:?}");
    // Stages come in their order.
    let places: Vec<_> = ["run", "discover", "link", "correlate", "judge", "decide", "seal", "commit"]
        .iter()
        .map(|name| spans.iter().position(|(found, _)| found == name).unwrap())
        .collect();
    assert!(places.is_sorted(), "{places:?}");
    // Nobody's name, nothing that is held.
    assert!(!format!("{spans:?}").contains("ann") && !format!("{spans:?}").contains("team:"));
}

#[test]
fn counts_agree_with_the_report_and_with_the_log() {
    let estate = estate();
    let engine = signing(&estate);
    let (mut facts, mut cases, mut ended) = (0, 0, 0);
    for _ in 0..3 {
        estate.pass(2_000);
        let (planned, applied) = block_on(engine.run(None)).unwrap();
        facts += planned.report.facts;
        cases += planned.report.cases;
        ended += applied.outcomes.ended();
    }
    let call = Revocation {
        target: "gh".to_owned(),
        holder: "ann9".to_owned(),
        by: "ada".to_owned(),
        why: "x".to_owned(),
        ..Revocation::default()
    };
    block_on(engine.revoke(&call)).unwrap();
    engine.measure_state();
    let metrics = engine.metrics();
    assert_eq!((metrics.total("trueup_facts_total"), metrics.total("trueup_cases_total")), (facts as f64, cases as f64));
    assert_eq!(metrics.get("trueup_runs_total", &["run", "done"]), Some(3.0));
    assert_eq!(metrics.get("trueup_stage_duration_seconds", &["seal"]), Some(3.0));
    // Counted again from the leaves alone.
    let leaves = engine.leaves(0, 10_000).unwrap();
    let (mut lanes, mut told, mut intents, mut ends) = (BTreeMap::new(), BTreeMap::<(String, &str), f64>::new(), 0.0, 0);
    for leaf in &leaves {
        match LogEntry::parse(&leaf.bytes).unwrap().says {
            Statement::Intent { change, lane, .. } => {
                lanes.insert(change, lane.name());
                intents += 1.0;
            }
            Statement::Confirmed { change, grade, .. } => {
                *told.entry((format!("{grade:?}").to_lowercase(), lanes[&change])).or_default() += 1.0;
            }
            Statement::Ended { .. } | Statement::Superseded { .. } => ends += 1,
            _ => {}
        }
    }
    for ((grade, lane), number) in &told {
        assert_eq!(metrics.get("trueup_changes_total", &["confirmed", grade, lane]), Some(*number), "{grade} {lane}");
    }
    assert!(told.keys().any(|(_, lane)| *lane == "emergency") && told.keys().any(|(_, lane)| *lane == "routine"));
    assert_eq!(metrics.total("trueup_changes_total"), told.values().sum::<f64>() + f64::from(ends));
    assert_eq!((metrics.total("trueup_intents_total"), ended), (intents, 0));
    assert_eq!(metrics.get("trueup_audit_leaves", &[]), Some(leaves.len() as f64));
    assert_eq!(metrics.get("trueup_denials", &[]), Some(1.0));
}

#[test]
fn a_call_that_fails_is_counted() {
    let estate = estate();
    let engine = estate.engine();
    assert!(block_on(engine.apply(crate::model::PlanId(crate::model::Digest::of(b"none")))).is_err());
    assert_eq!(engine.metrics().get("trueup_runs_total", &["apply", "failed"]), Some(1.0));
}

#[test]
fn every_metric_and_span_is_on_the_page() {
    let page = include_str!("../../../docs/observability.md");
    for family in FAMILIES {
        let labels: Vec<String> = family.labels.iter().map(|label| format!("`{label}`")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!(" {}", labels.join(", ")) };
        let row = format!("| `{}` | {} |{labels} | {}", family.name, family.kind.name(), family.help);
        assert!(page.contains(&row), "{row}");
    }
    let spans = [
        "run",
        "plan",
        "apply",
        "resume",
        "discover",
        "link",
        "correlate",
        "judge",
        "decide",
        "seal",
        "commit",
        "emergency",
        "slice",
        "call",
        "sign",
        "push",
    ];
    for span in spans {
        assert!(page.contains(&format!("| `{span}` |")), "{span}");
    }
}
