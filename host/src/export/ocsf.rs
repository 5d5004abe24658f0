//! Events in the words of the Open Cybersecurity Schema Framework: classes of its category for identities and access. Owns which
//! class and activity of which version says what; the fields of each event are listed in `docs/observability.md`. Pure.

use serde_json::{Value, json};

use super::about::About;
use super::told::{Act, POLICY, Severity, Subject, Thing, Told, Upshot};
use crate::audit::LogEntry;
use crate::model::{ChangeKind as Kind, Subject as Case};

/// A version of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OcsfVersion {
    /// 1.8.0: access is of the class *User Access Management*, accounts and credentials of *Account Change*.
    V1_8,
    /// 1.9.0: both are of *User Management*, members of groups of *Group Management*.
    V1_9,
}

impl OcsfVersion {
    /// As events name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1_8 => "1.8.0",
            Self::V1_9 => "1.9.0",
        }
    }
}

/// Identity & Access Management.
const CATEGORY: u32 = 3;

/// A class of events.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Class(u32, &'static str);

const ACCOUNT_CHANGE: Class = Class(3001, "Account Change");
const ENTITY_MANAGEMENT: Class = Class(3004, "Entity Management");
const USER_ACCESS: Class = Class(3005, "User Access Management");
const GROUP_MANAGEMENT: Class = Class(3006, "Group Management");
const USER_MANAGEMENT: Class = Class(3007, "User Management");

/// An activity of a class.
#[derive(Clone, Copy)]
struct Activity(u32, &'static str);

/// None of the class's activities: in trueup's own words.
const fn other(words: &'static str) -> Activity {
    Activity(99, words)
}

/// Where an event comes from.
pub(super) struct Origin<'a> {
    /// Names the log.
    pub(super) log: &'a str,
    /// Names the event for ever: what deduplication goes by.
    pub(super) id: &'a str,
    /// Hash of its leaf in the tree.
    pub(super) hash: String,
}

/// The event that a leaf is told as.
pub(super) fn event(version: OcsfVersion, entry: &LogEntry, told: &Told<'_>, origin: &Origin<'_>) -> Value {
    let (class, activity) = match &told.of {
        Subject::Access(about) => about.map_or_else(|| unknown(version), |about| of_access(version, about)),
        Subject::Thing(thing) => (ENTITY_MANAGEMENT, of_thing(thing.act)),
    };
    let (severity_id, severity) = severity(told.severity);
    let (status_id, status) = status(told.result);
    let mut unmapped = json!({ "epoch": entry.epoch.to_string(), "leaf_hash": origin.hash, "run": entry.run.to_string() });
    told.more.iter().for_each(|(name, value)| unmapped[*name] = json!(value));
    let mut event = json!({
        "activity_id": activity.0,
        "activity_name": activity.1,
        "category_name": "Identity & Access Management",
        "category_uid": CATEGORY,
        "class_name": class.1,
        "class_uid": class.0,
        "message": message(told),
        "metadata": {
            "correlation_uid": entry.run.to_string(),
            "event_code": entry.says.kind().name(),
            "log_name": origin.log,
            "product": { "name": "trueup", "vendor_name": "trueup", "version": env!("CARGO_PKG_VERSION") },
            "sequence": entry.index,
            "tenant_uid": entry.tenant,
            "uid": origin.id,
            "version": version.name(),
        },
        "severity": severity,
        "severity_id": severity_id,
        "status": status,
        "status_code": told.code,
        "status_id": status_id,
        "time": entry.time.seconds().saturating_mul(1_000),
        "type_name": format!("{}: {}", class.1, activity.1),
        "type_uid": class.0 * 100 + activity.0,
        "unmapped": unmapped,
    });
    match &told.of {
        Subject::Access(about) => who(&mut event, class, *about),
        Subject::Thing(thing) => what(&mut event, thing),
    }
    event
}

/// Who has what of whom, where the class has a place for it.
fn who(event: &mut Value, class: Class, about: Option<&About>) {
    let Some(about) = about else {
        // Neither its intent nor its plan is there any more.
        event["user"] = json!({ "name": "unknown", "type": "Unknown", "type_id": 0 });
        event["privileges"] = json!([]);
        return;
    };
    let case = &about.case;
    let mut user = json!({ "domain": case.target, "uid": case.holder });
    if case.subject == Case::Credential {
        user["programmatic_credentials"] = json!([{ "uid": case.object }]);
    }
    if class == GROUP_MANAGEMENT {
        let (kind, name) = case.object.split_once(':').unwrap_or_default();
        event["group"] = json!({ "domain": case.target, "name": name, "type": kind, "uid": case.object });
        event["users"] = json!([user]);
        return;
    }
    event["user"] = user;
    if case.subject == Case::Grant {
        let (kind, name) = case.object.split_once(':').unwrap_or(("", &case.object));
        event["privileges"] = json!([case.object]);
        event["resources"] = json!([{ "name": name, "namespace": case.target, "type": kind, "uid": case.object }]);
    }
}

/// What kind of thing of trueup's own.
fn what(event: &mut Value, thing: &Thing<'_>) {
    let type_id = if thing.kind == POLICY { 5 } else { 99 };
    event["entity"] = json!({ "name": thing.name, "type": thing.kind, "type_id": type_id, "uid": thing.uid });
    if thing.kind == POLICY {
        event["entity"]["policy"] = json!({ "name": thing.name, "uid": thing.uid });
    }
    if !thing.why.is_empty() {
        event["comment"] = json!(thing.why);
    }
}

fn of_access(version: OcsfVersion, about: &About) -> (Class, Activity) {
    match version {
        OcsfVersion::V1_8 => of_access_1_8(about.case.subject, about.op),
        OcsfVersion::V1_9 => of_access_1_9(about),
    }
}

const fn unknown(version: OcsfVersion) -> (Class, Activity) {
    let class = match version {
        OcsfVersion::V1_8 => USER_ACCESS,
        OcsfVersion::V1_9 => USER_MANAGEMENT,
    };
    (class, Activity(0, "Unknown"))
}

const fn of_access_1_8(subject: Case, op: Kind) -> (Class, Activity) {
    match (subject, op) {
        (Case::Account, Kind::Create) => (ACCOUNT_CHANGE, Activity(1, "Create")),
        (Case::Account, Kind::Enable) => (ACCOUNT_CHANGE, Activity(2, "Enable")),
        (Case::Account, Kind::Disable) => (ACCOUNT_CHANGE, Activity(5, "Disable")),
        (Case::Account, Kind::Delete) => (ACCOUNT_CHANGE, Activity(6, "Delete")),
        (Case::Account | Case::Credential, op) => (ACCOUNT_CHANGE, other(words(op))),
        (Case::Grant, Kind::Grant) => (USER_ACCESS, Activity(1, "Assign Privileges")),
        (Case::Grant, Kind::Revoke) => (USER_ACCESS, Activity(2, "Revoke Privileges")),
        (Case::Grant, op) => (USER_ACCESS, other(words(op))),
    }
}

fn of_access_1_9(about: &About) -> (Class, Activity) {
    // What is granted as a group or a team is being a member of it.
    let member = matches!(about.case.object.split_once(':'), Some(("group" | "team", _)));
    match (about.case.subject, about.op) {
        (Case::Account, Kind::Create) => (USER_MANAGEMENT, Activity(1, "Create")),
        (Case::Account, Kind::Delete) => (USER_MANAGEMENT, Activity(3, "Delete")),
        (Case::Account, Kind::Enable) => (USER_MANAGEMENT, Activity(4, "Enable")),
        (Case::Account, Kind::Disable) => (USER_MANAGEMENT, Activity(5, "Disable")),
        (Case::Grant, Kind::Grant) if member => (GROUP_MANAGEMENT, Activity(3, "Add User")),
        (Case::Grant, Kind::Revoke) if member => (GROUP_MANAGEMENT, Activity(4, "Remove User")),
        (Case::Grant, Kind::Grant) => (USER_MANAGEMENT, Activity(14, "Assign Privileges")),
        (Case::Grant, Kind::Revoke) => (USER_MANAGEMENT, Activity(15, "Remove Privileges")),
        (Case::Credential, Kind::Issue) => (USER_MANAGEMENT, Activity(18, "Add Programmatic Credentials")),
        (Case::Credential, Kind::Revoke | Kind::Delete) => (USER_MANAGEMENT, Activity(19, "Remove Programmatic Credentials")),
        (_, Kind::Update | Kind::Extend | Kind::Shorten | Kind::Reown) => (USER_MANAGEMENT, Activity(2, "Update")),
        (_, op) => (USER_MANAGEMENT, other(words(op))),
    }
}

const fn words(op: Kind) -> &'static str {
    match op {
        Kind::Grant => "Grant",
        Kind::Revoke => "Revoke",
        Kind::Update => "Update",
        Kind::Extend => "Extend",
        Kind::Shorten => "Shorten",
        Kind::Enable => "Enable",
        Kind::Disable => "Disable",
        Kind::Create => "Create",
        Kind::Delete => "Delete",
        Kind::Issue => "Issue",
        Kind::Rotate => "Rotate",
        Kind::Reown => "Change Owner",
    }
}

const fn of_thing(act: Act) -> Activity {
    match act {
        Act::Create => Activity(1, "Create"),
        Act::Update => Activity(3, "Update"),
        Act::Delete => Activity(4, "Delete"),
        Act::Enable => Activity(8, "Enable"),
        Act::Activate => Activity(10, "Activate"),
        Act::Deactivate => Activity(11, "Deactivate"),
        Act::Suspend => Activity(12, "Suspend"),
        Act::Resume => Activity(13, "Resume"),
    }
}

const fn severity(severity: Severity) -> (u32, &'static str) {
    match severity {
        Severity::Informational => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
    }
}

const fn status(result: Upshot) -> (u32, &'static str) {
    match result {
        Upshot::Unknown => (0, "Unknown"),
        Upshot::Success => (1, "Success"),
        Upshot::Failure => (2, "Failure"),
        Upshot::Other(words) => (99, words),
    }
}

fn message(told: &Told<'_>) -> String {
    let what = match &told.of {
        Subject::Access(Some(about)) => format!("{} {}", about.op, about.case),
        Subject::Access(None) => "a change of unknown access".to_owned(),
        Subject::Thing(thing) => format!("{} {}", thing.kind, thing.name),
    };
    format!("{what}: {}", told.code.replace('_', " "))
}
