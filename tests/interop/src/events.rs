//! Events as a validator by others reads them: each is one of its schema, and what is broken is none.

use std::collections::BTreeSet;

use jsonschema::Validator;
use serde_json::{Map, Value};
use trueup::EngineError;
use trueup::audit::LogEntry;
use trueup::engine::Engine;
use trueup::export::{Envelope, Form, Format, OcsfVersion};
use trueup::ledger::LeafKind;

use crate::estate::{Estate, ORIGIN};

const V1_8: &str = include_str!("../../../host/src/export/tests/ocsf-1.8.schema.json");
const V1_9: &str = include_str!("../../../host/src/export/tests/ocsf-1.9.schema.json");

fn parsed(schema: &str) -> Value {
    serde_json::from_str(schema).expect("a schema is JSON")
}

fn validator(schema: &Value) -> Validator {
    jsonschema::validator_for(schema).expect("a schema")
}

fn problems(validator: &Validator, event: &Value) -> Vec<String> {
    validator.iter_errors(event).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// All events of a log in a form.
fn told(engine: &Engine, format: Format, envelope: Envelope) -> Vec<Value> {
    let mut form = Form::default();
    (form.format, form.envelope) = (format, envelope);
    let mut events = Vec::new();
    let tell = |page: &trueup::export::Delivery| -> Result<(), EngineError> {
        events.extend(page.events.iter().map(|event| parsed(&event.text)));
        Ok(())
    };
    engine.tell_events(0, &form, tell).expect("events");
    events
}

/// The kinds of leaves that there are, as the error names them of what is none: so that a new one cannot be forgotten here.
fn all_kinds() -> BTreeSet<String> {
    let error = serde_json::from_str::<LeafKind>("\"?\"").expect_err("no kind").to_string();
    error.split('`').skip(3).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_event_of_a_log_with_leaves_of_all_kinds_is_one_of_the_schema() {
    let estate = Estate::of("kinds");
    let engine = estate.live();
    let leaves = engine.leaves(0, 10_000).expect("the log");
    let kind = |bytes: &[u8]| LogEntry::parse(bytes).expect("a leaf").says.kind().name().to_owned();
    let there: BTreeSet<String> = leaves.iter().map(|leaf| kind(&leaf.bytes)).collect();
    assert!(there.len() > 15 && there == all_kinds(), "{there:?}");
    for (version, schema) in [(OcsfVersion::V1_8, V1_8), (OcsfVersion::V1_9, V1_9)] {
        let schema = validator(&parsed(schema));
        let events = told(&engine, Format::Ocsf(version), Envelope::None);
        let kinds: BTreeSet<&str> = events.iter().filter_map(|event| event["metadata"]["event_code"].as_str()).collect();
        let silent = ["intent", "recovered", "superseded", "slice_checkpoint", "outcome"];
        let expected: BTreeSet<&str> = there.iter().map(String::as_str).filter(|kind| !silent.contains(kind)).collect();
        assert_eq!(kinds, expected, "{version:?}");
        for event in &events {
            assert_eq!(problems(&schema, event), Vec::<String>::new(), "{event:#}");
        }
        // The envelope is CloudEvents 1.0, and holds the same.
        let wrapped = told(&engine, Format::Ocsf(version), Envelope::CloudEvents);
        assert_eq!(wrapped.iter().map(|event| event["data"].clone()).collect::<Vec<_>>(), events);
        for event in &wrapped {
            let text = |name: &str| event[name].as_str().filter(|text| !text.is_empty()).expect(name).to_owned();
            assert_eq!((text("specversion").as_str(), text("source").as_str()), ("1.0", ORIGIN));
            assert!(text("type").starts_with("trueup.audit.") && text("id").starts_with(ORIGIN));
        }
    }
}

#[test]
fn a_broken_event_is_none() {
    let estate = Estate::of("broken");
    let engine = estate.live();
    for (version, schema) in [(OcsfVersion::V1_8, V1_8), (OcsfVersion::V1_9, V1_9)] {
        let schema = validator(&parsed(schema));
        for event in told(&engine, Format::Ocsf(version), Envelope::None) {
            let members = event.as_object().expect("an object");
            let required = ["activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"];
            let about = ["user", "users", "group", "entity"];
            for name in required.iter().chain(about.iter().filter(|name| members.contains_key(**name))) {
                let mut other = event.clone();
                other.as_object_mut().expect("an object").remove(*name);
                // Whom an event is about may be left out of some classes.
                assert!(about.contains(name) || !schema.is_valid(&other), "without `{name}`: {other:#}");
                other[*name] = Value::from("x");
                assert!(!schema.is_valid(&other), "`{name}` is a text: {other:#}");
            }
            let mut other = event.clone();
            other["password"] = Value::from("hunter2");
            assert!(!schema.is_valid(&other), "a field that nobody knows");
        }
    }
}

/// What a definition says of its members and of which must be there.
fn facts(schema: &Value, name: &str) -> (Map<String, Value>, BTreeSet<String>, Value) {
    let def = schema.pointer(&format!("/$defs/{name}")).unwrap_or_else(|| panic!("`{name}` is not defined"));
    let names = def["required"].as_array().into_iter().flatten();
    let required = names.map(|name| name.as_str().expect("a name").to_owned()).collect();
    (def["properties"].as_object().cloned().unwrap_or_default(), required, def["anyOf"].clone())
}

/// What a member may be, in one spelling: numbers in order, whose type they tell, and an object of anything as such.
fn plain(says: &Value) -> Value {
    if says["$ref"] == "#/$defs/object" {
        return serde_json::json!({ "type": "object" });
    }
    let Some(numbers) = says["enum"].as_array() else { return says.clone() };
    let numbers: BTreeSet<u64> = numbers.iter().map(|number| number.as_u64().expect("a number")).collect();
    serde_json::json!({ "enum": numbers })
}

/// Needs the framework's own schema of the classes 3001 to 3006 in version 1.8.0: `OCSF_SCHEMA=FILE make interop-ocsf`.
#[test]
#[ignore = "needs the schema itself, whose file OCSF_SCHEMA names"]
fn the_public_schema_says_the_same() {
    let path = std::env::var("OCSF_SCHEMA").expect("OCSF_SCHEMA names the schema's file");
    let public = parsed(&std::fs::read_to_string(path).expect("the schema's file"));
    let own = parsed(V1_8);
    // What is written here of a class or an object is what is written there.
    let mut compared = 0;
    for name in own["$defs"].as_object().expect("definitions").keys() {
        let there = if public["$defs"].get(name).is_some() { name.clone() } else { format!("class_{name}") };
        let (ours, theirs) = (facts(&own, name), facts(&public, &there));
        assert_eq!((&ours.1, &ours.2), (&theirs.1, &theirs.2), "what `{name}` must have");
        for (member, says) in &ours.0 {
            let other = theirs.0.get(member).unwrap_or_else(|| panic!("`{name}` has no `{member}`"));
            assert_eq!(plain(says), plain(other), "`{member}` of `{name}`");
            compared += 1;
        }
    }
    assert!(compared > 80, "{compared} members");
    let (schema, estate) = (validator(&public), Estate::of("public"));
    let events = told(&estate.live(), Format::Ocsf(OcsfVersion::V1_8), Envelope::None);
    for event in &events {
        assert_eq!(problems(&schema, event), Vec::<String>::new(), "{event:#}");
        for name in ["metadata", "time", "class_uid", "type_uid"] {
            let mut other = event.clone();
            other.as_object_mut().expect("an object").remove(name);
            assert!(!schema.is_valid(&other), "without `{name}`");
        }
    }
    println!("{} events, {compared} members of definitions", events.len());
}
