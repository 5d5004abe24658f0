//! What each leaf is told as.

use serde_json::Value;

use super::schema::Schema;
use super::*;
use crate::audit::leaf_hash;
use crate::export::{Envelope, Form, Format, OcsfVersion};
use crate::ledger::{AuditBody, LeafKind, Query, Rows};

const VERSIONS: [OcsfVersion; 2] = [OcsfVersion::V1_8, OcsfVersion::V1_9];

fn ocsf(version: OcsfVersion) -> Form {
    Form { format: Format::Ocsf(version), ..Form::default() }
}

fn values(log: &Log, form: &Form) -> Vec<Value> {
    log.events(form).iter().map(|event| serde_json::from_str(&event.text).unwrap()).collect()
}

/// A log of every change that there is, each confirmed.
fn changes() -> Log {
    use ChangeKind::{Create, Delete, Disable, Enable, Extend, Grant, Issue, Reown, Revoke, Rotate, Shorten, Update};
    let log = Log::new();
    let kinds = [Create, Delete, Disable, Enable, Extend, Grant, Issue, Reown, Revoke, Rotate, Shorten, Update];
    let cases = [
        case(Subject::Account, ""),
        case(Subject::Grant, "team:ops"),
        case(Subject::Grant, "role:admin"),
        case(Subject::Grant, "no kind"),
        case(Subject::Credential, "key:1"),
    ];
    let mut number = 0;
    for case in cases {
        for kind in kinds {
            number += 1;
            log.append([intent(number, kind, case.clone()), confirmed(number)]);
        }
    }
    log
}

#[test]
fn every_event_is_one_of_the_schema() {
    for version in VERSIONS {
        let schema = Schema::of(version);
        let log = Log::new();
        let size = log.append(statements("ada"));
        let told = values(&log, &ocsf(version));
        // Left out: the intent, how an attempt went that somebody need not look at, what a newer plan or the log itself does.
        assert_eq!(told.len() as u64, size - 8, "{version:?}");
        for event in told.iter().chain(&values(&changes(), &ocsf(version))) {
            assert_eq!(schema.problems(event), Vec::<String>::new(), "{event:#}");
            assert_eq!(event["metadata"]["version"], version.name());
            assert_eq!(
                event["type_uid"].as_u64(),
                Some(event["class_uid"].as_u64().unwrap() * 100 + event["activity_id"].as_u64().unwrap())
            );
        }
    }
}

#[test]
fn the_schema_refuses_what_is_no_event() {
    let log = Log::new();
    log.append(statements("ada"));
    for version in VERSIONS {
        let (schema, events) = (Schema::of(version), values(&log, &ocsf(version)));
        let event = events.iter().find(|event| event.get("entity").is_none()).unwrap();
        assert!(schema.problems(event).is_empty());
        for (pointer, value) in [
            ("/class_uid", Value::from(3002)),
            ("/type_uid", Value::from(300_499)),
            ("/time", Value::from("now")),
            ("/metadata/product", Value::from("trueup")),
            ("/severity_id", Value::from(7)),
        ] {
            let mut other = event.clone();
            *other.pointer_mut(pointer).unwrap() = value;
            assert!(!schema.problems(&other).is_empty(), "{pointer}");
        }
        for name in ["time", "metadata", "category_uid"] {
            let mut other = event.clone();
            other.as_object_mut().unwrap().remove(name);
            assert!(!schema.problems(&other).is_empty(), "without {name}");
        }
        let mut other = event.clone();
        other["password"] = Value::from("x");
        assert!(!schema.problems(&other).is_empty());
    }
}

#[test]
fn access_is_of_other_classes_in_1_9() {
    let log = changes();
    let classes = |version| -> Vec<(u64, u64, String)> {
        let of = |event: &Value| {
            let number = |name: &str| event[name].as_u64().unwrap();
            (number("class_uid"), number("activity_id"), event["unmapped"]["op"].as_str().unwrap().to_owned())
        };
        values(&log, &ocsf(version)).iter().map(of).collect()
    };
    let (old, new) = (classes(OcsfVersion::V1_8), classes(OcsfVersion::V1_9));
    let at = |at: usize| ((old[at].0, old[at].1), (new[at].0, new[at].1), old[at].2.as_str());
    for (place, expected) in [
        (0, ((3001, 1), (3007, 1), "create")),
        (1, ((3001, 6), (3007, 3), "delete")),
        (2, ((3001, 5), (3007, 5), "disable")),
        (3, ((3001, 2), (3007, 4), "enable")),
        (12 + 5, ((3005, 1), (3006, 3), "grant")),
        (12 + 8, ((3005, 2), (3006, 4), "revoke")),
        (24 + 5, ((3005, 1), (3007, 14), "grant")),
        (24 + 8, ((3005, 2), (3007, 15), "revoke")),
        (24 + 11, ((3005, 99), (3007, 2), "update")),
        (48 + 6, ((3001, 99), (3007, 18), "issue")),
        (48 + 8, ((3001, 99), (3007, 19), "revoke")),
    ] {
        assert_eq!(at(place), expected);
    }
    let deprecated = [3001, 3005];
    assert!(new.iter().all(|(class, ..)| !deprecated.contains(class)));
}

#[test]
fn an_event_says_who_has_what_where_and_how_it_came_out() {
    let log = Log::new();
    log.append([intent(1, ChangeKind::Revoke, case(Subject::Grant, "team:ops")), confirmed(1)]);
    let [event] = values(&log, &Form::default()).try_into().unwrap();
    assert_eq!((&event["user"]["uid"], &event["user"]["domain"]), (&"ada".into(), &"crm".into()));
    assert_eq!((&event["privileges"][0], &event["resources"][0]["namespace"]), (&"team:ops".into(), &"crm".into()));
    assert_eq!((&event["status_id"], &event["status_code"]), (&1.into(), &"confirmed_e3".into()));
    assert_eq!((&event["unmapped"]["reason"], &event["unmapped"]["record"]), (&"missing".into(), &"hr-1".into()));
    assert_eq!((&event["time"], &event["metadata"]["sequence"]), (&1_767_225_600_000_u64.into(), &1.into()));
    assert_eq!(event["metadata"]["uid"], format!("{ORIGIN}/1"));
}

#[test]
fn a_change_that_nobody_can_tell_of_is_an_event_all_the_same() {
    let log = Log::new();
    log.append([confirmed(9)]);
    for version in VERSIONS {
        let [event] = values(&log, &ocsf(version)).try_into().unwrap();
        assert_eq!(Schema::of(version).problems(&event), Vec::<String>::new());
        assert_eq!((&event["user"]["name"], &event["activity_id"]), (&"unknown".into(), &0.into()));
        assert_eq!(event["unmapped"]["change"], change(9).0.to_string());
    }
}

#[test]
fn secrets_and_words_of_targets_stay_here() {
    let log = Log::new();
    log.append(statements("ada"));
    for version in VERSIONS {
        for event in log.events(&ocsf(version)) {
            assert!(!event.text.contains("hunter2") && !event.text.contains("secret-handle"), "{}", event.text);
        }
    }
}

#[test]
fn hostile_names_are_one_line_of_json_and_come_back_as_they_are() {
    let hostile = "a\"b\\c\nd\u{0}e\u{2028}\u{202e}</script>\u{1b}[2J,\u{fffd}";
    let log = Log::new();
    let case = CaseKey { holder: hostile.to_owned(), target: hostile.to_owned(), ..case(Subject::Grant, hostile) };
    log.append([intent(50, ChangeKind::Grant, case), confirmed(50)]);
    log.append(statements(hostile));
    for envelope in [Envelope::None, Envelope::CloudEvents] {
        for event in log.events(&Form { envelope, ..Form::default() }) {
            assert!(!event.text.contains('\n') && event.text.chars().all(|letter| letter >= ' '), "{}", event.text);
            let value: Value = serde_json::from_str(&event.text).unwrap();
            let data = if envelope == Envelope::None { &value } else { &value["data"] };
            assert!(Schema::of(OcsfVersion::V1_8).problems(data).is_empty());
            if event.index == 1 {
                assert_eq!((&data["user"]["uid"], &data["privileges"][0]), (&hostile.into(), &hostile.into()));
            }
        }
    }
}

#[test]
fn a_cloud_event_has_what_the_specification_asks_for() {
    let log = Log::new();
    log.append(statements("ada"));
    for format in [Format::Ocsf(OcsfVersion::V1_8), Format::Leaf] {
        let plain = log.events(&Form { format, ..Form::default() });
        let wrapped = log.events(&Form { format, envelope: Envelope::CloudEvents, ..Form::default() });
        assert_eq!(plain.len(), wrapped.len());
        for (plain, wrapped) in plain.iter().zip(&wrapped) {
            let event: Value = serde_json::from_str(&wrapped.text).unwrap();
            assert_eq!((&event["specversion"], &event["source"]), (&"1.0".into(), &ORIGIN.into()));
            assert_eq!(event["id"], format!("{ORIGIN}/{}", plain.index));
            assert_eq!((&event["time"], &event["datacontenttype"]), (&"2026-01-01T00:00:00Z".into(), &"application/json".into()));
            assert!(event["type"].as_str().unwrap().starts_with("trueup.audit."));
            assert_eq!(event["data"], serde_json::from_str::<Value>(&plain.text).unwrap());
            // Names of attributes are letters and digits, all small.
            let named = |name: &String| name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit());
            assert!(event.as_object().unwrap().keys().all(named));
        }
    }
    let strange = log.ledger.read(T, &Query::Leaves(0, 1)).unwrap();
    let Rows::Leaves(leaves) = strange else { panic!("no leaves") };
    let form = Form { envelope: Envelope::CloudEvents, ..Form::default() };
    let event = form.event("acme corp/ä", &leaves[0], None).unwrap().unwrap();
    let event: Value = serde_json::from_str(&event.text).unwrap();
    assert_eq!((&event["source"], &event["id"]), (&"acme%20corp/%C3%A4".into(), &"acme corp/ä/0".into()));
}

#[test]
fn a_leaf_goes_out_byte_for_byte_with_states_only_if_asked_for_and_never_with_salts() {
    let log = Log::new();
    let (salt, state) = ("ab".repeat(32), "{\"level\":\"member\"}");
    let body = |field: &str, state: Option<&str>| AuditBody {
        field: field.to_owned(),
        salt: salt.clone(),
        state: state.map(str::to_owned),
    };
    let bodies = vec![body("after", Some(state)), body("before", None)];
    let says = intent(1, ChangeKind::Grant, case(Subject::Grant, "team:ops"));
    let leaves = vec![Leaf { at: AT, run: RunId(1), says, bodies }];
    let ticket = log.ledger.submit(&log.owned, Batch { entries: Vec::new(), leaves }).unwrap();
    log.ledger.wait(ticket).unwrap();
    let Rows::Leaves(leaves) = log.ledger.read(T, &Query::Leaves(0, 1)).unwrap() else { panic!("no leaves") };
    for (states, expected) in [(false, None), (true, Some(state))] {
        let [event] = log.events(&Form { format: Format::Leaf, states, ..Form::default() }).try_into().unwrap();
        let bytes = str::from_utf8(&leaves[0].bytes).unwrap();
        assert!(event.text.contains(&format!("\"leaf\":{bytes},")) && !event.text.contains(&salt), "{}", event.text);
        let value: Value = serde_json::from_str(&event.text).unwrap();
        assert_eq!(value["hash"], leaf_hash(bytes.as_bytes()).to_string());
        assert_eq!(value["states"]["after"], expected.map_or(Value::Null, |state| serde_json::from_str(state).unwrap()));
        assert!(value["states"].get("before").is_none(), "what was redacted is not there");
    }
}

#[test]
fn an_altered_leaf_is_told_to_nobody() {
    let log = Log::new();
    log.append([confirmed(1), confirmed(2)]);
    let Rows::Leaves(leaves) = log.ledger.read(T, &Query::Leaves(0, 2)).unwrap() else { panic!("no leaves") };
    let form = Form::default();
    assert!(form.event(ORIGIN, &leaves[0], None).is_ok());
    let mut altered = leaves[0].clone();
    altered.bytes = String::from_utf8(altered.bytes).unwrap().replace("E3", "E4").into_bytes();
    assert!(form.event(ORIGIN, &altered, None).is_err(), "its hash is another");
    let moved = crate::ledger::StoredLeaf { index: 1, ..leaves[0].clone() };
    assert!(form.event(ORIGIN, &moved, None).is_err(), "its place is another");
    let other = crate::ledger::StoredLeaf { bytes: b"{}".to_vec(), hash: leaf_hash(b"{}"), ..leaves[0].clone() };
    assert!(form.event(ORIGIN, &other, None).is_err(), "it is no leaf");
}

#[test]
fn each_kind_of_leaf_is_told_or_left_out_on_purpose() {
    let log = Log::new();
    log.append(statements("ada"));
    let told = values(&log, &Form::default());
    let kinds: std::collections::BTreeSet<&str> =
        told.iter().map(|event| event["metadata"]["event_code"].as_str().unwrap()).collect();
    let left_out = [LeafKind::Intent, LeafKind::Recovered, LeafKind::Superseded, LeafKind::SliceCheckpoint];
    let all: std::collections::BTreeSet<&str> = statements("ada").iter().map(|says| says.kind().name()).collect();
    let expected = all.iter().copied().filter(|kind| !left_out.iter().any(|left| left.name() == *kind)).collect();
    assert_eq!(kinds, expected);
    assert_eq!(all.len(), 19, "every kind is among the statements");
}
