//! What a leaf says in no schema's words: who or what is concerned, what was done, and how it came out. Owns which leaves become
//! events. Pure.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::About;
use crate::audit::{Decimal, LogEntry, Rotation, Statement};
use crate::commit::{End, Outcome};
use crate::model::{ChangeId, DenialStep, Lane, PlanId};
use crate::target::Grade;

/// What an event tells.
pub(super) struct Told<'a> {
    /// What it is about.
    pub(super) of: Subject<'a>,
    /// How it came out.
    pub(super) result: Upshot,
    /// The stable code of that.
    pub(super) code: String,
    pub(super) severity: Severity,
    /// Further fields that no schema has a place for.
    pub(super) more: BTreeMap<&'static str, Cow<'a, str>>,
}

/// What an event is about.
pub(super) enum Subject<'a> {
    /// Access of somebody: none where nothing is known of the change but its id.
    Access(Option<&'a About>),
    /// Something that trueup itself manages.
    Thing(Thing<'a>),
}

/// Something that trueup itself manages.
pub(super) struct Thing<'a> {
    pub(super) act: Act,
    /// What kind of thing.
    pub(super) kind: &'static str,
    pub(super) uid: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    /// Why, in a person's words; empty: nobody said.
    pub(super) why: &'a str,
}

/// What is done to a thing.
#[derive(Clone, Copy)]
pub(super) enum Act {
    Create,
    Update,
    Delete,
    Enable,
    Activate,
    Deactivate,
    Suspend,
    Resume,
}

/// How something came out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Upshot {
    Success,
    Failure,
    Unknown,
    /// None of these: it goes on, in these words.
    Other(&'static str),
}

/// How much it matters to whoever watches.
#[derive(Clone, Copy)]
pub(super) enum Severity {
    Informational,
    Low,
    Medium,
    High,
}

/// The policy that a rule module is.
pub(super) const POLICY: &str = "Policy";

/// What a leaf tells others; none for what only the log itself needs: that a change may be sent, how an attempt went that was not
/// the last, that a slice is settled.
pub(super) fn told<'a>(entry: &'a LogEntry, about: Option<&'a About>) -> Option<Told<'a>> {
    match &entry.says {
        Statement::Outcome { change, outcome, plan, .. } => attempt(*change, *plan, outcome, about),
        Statement::Confirmed { change, grade, plan, .. } => Some(confirmed(*change, *plan, *grade, about)),
        Statement::Ended { change, end, plan } => Some(ended(*change, *plan, end, about)),
        Statement::RunStart { .. } | Statement::Takeover { .. } | Statement::RunEnd { .. } => run(entry),
        Statement::Approval { by, change, gate, why } => {
            let gate = Thing { act: Act::Update, kind: "Gate", uid: id(*change), name: gate.name().into(), why };
            Some(thing(gate, Upshot::Success, "opened", Severity::Low).with("by", by))
        }
        Statement::Transfer { by, change, from, why } => {
            let claim = Thing { act: Act::Update, kind: "Claim", uid: id(*change), name: from.into(), why };
            Some(thing(claim, Upshot::Success, "taken_over", Severity::Medium).with("by", by))
        }
        Statement::Emergency { by, holder, object, step, target, why } => {
            let (act, result, code, severity) = match step {
                DenialStep::Made => (Act::Create, Upshot::Other("Under Way"), "denied", Severity::High),
                DenialStep::Settled => (Act::Update, Upshot::Success, "settled", Severity::Medium),
            };
            let told = thing(denial(act, target, holder, object, why), result, code, severity);
            Some(told.with("by", by).with("holder", holder).with("target", target).with("object", object))
        }
        Statement::Lifted { by, holder, object, target, why } => {
            let told = thing(denial(Act::Delete, target, holder, object, why), Upshot::Success, "lifted", Severity::Medium);
            Some(told.with("by", by).with("holder", holder).with("target", target).with("object", object))
        }
        Statement::Rule { .. } => rule(&entry.says),
        Statement::Redaction { by, leaf, why } => {
            let leaf: Cow<'_, str> = leaf.to_string().into();
            let record = Thing { act: Act::Delete, kind: "Audit Record", uid: leaf.clone(), name: leaf, why };
            Some(thing(record, Upshot::Success, "redacted", Severity::Medium).with("by", by))
        }
        Statement::Pruning { before, by, why } => {
            let before: Cow<'_, str> = before.to_string().into();
            let records = Thing { act: Act::Delete, kind: "Audit Records", uid: before.clone(), name: before, why };
            Some(thing(records, Upshot::Success, "pruned", Severity::Medium).with("by", by))
        }
        Statement::Attachment { by, change, digest, media, note, size } => {
            let file =
                Thing { act: Act::Create, kind: "Evidence", uid: digest.to_string().into(), name: media.into(), why: note };
            let told = thing(file, Upshot::Success, "attached", Severity::Informational);
            Some(told.with("by", by).with("change", id(*change)).with("bytes", size.to_string()))
        }
        Statement::KeyRotation { note } => Some(rotation(note)),
        Statement::Intent { .. }
        | Statement::Recovered { .. }
        | Statement::Superseded { .. }
        | Statement::SliceCheckpoint { .. } => None,
    }
}

impl<'a> Told<'a> {
    fn with(mut self, name: &'static str, value: impl Into<Cow<'a, str>>) -> Self {
        let value = value.into();
        if !value.is_empty() {
            self.more.insert(name, value);
        }
        self
    }

    fn counting(mut self, counts: &BTreeMap<String, Decimal>) -> Self {
        let counts: Vec<String> = counts.iter().map(|(name, count)| format!("{name}={count}")).collect();
        self.more.extend((!counts.is_empty()).then(|| ("counts", counts.join(" ").into())));
        self
    }
}

fn access<'a>(
    change: ChangeId,
    plan: PlanId,
    about: Option<&'a About>,
    result: Upshot,
    code: impl Into<String>,
    severity: Severity,
) -> Told<'a> {
    let told = Told { of: Subject::Access(about), result, code: code.into(), severity, more: BTreeMap::new() };
    let told = told.with("change", id(change)).with("plan", plan.0.to_string());
    let Some(about) = about else { return told };
    let told = told.with("op", about.op.name()).with("lane", about.lane.name()).with("tier", about.tier.to_string());
    told.with("reason", &about.reason).with("record", &about.record).with("target", &about.case.target)
}

fn confirmed(change: ChangeId, plan: PlanId, grade: Grade, about: Option<&About>) -> Told<'_> {
    let severity = match about {
        Some(about) if about.lane == Lane::Emergency => Severity::High,
        Some(about) if about.tier >= 3 => Severity::Medium,
        _ => Severity::Informational,
    };
    access(change, plan, about, Upshot::Success, format!("confirmed_{grade:?}").to_lowercase(), severity)
}

fn ended<'a>(change: ChangeId, plan: PlanId, end: &End, about: Option<&'a About>) -> Told<'a> {
    let severity = match end {
        // These were sent, and access may not be what is wanted.
        End::Failed | End::NotObserved | End::Unverifiable => Severity::Medium,
        _ => Severity::Low,
    };
    access(change, plan, about, Upshot::Failure, end.name(), severity)
}

/// An attempt whose outcome somebody may have to look at; how others went is told by the change's end. A target's own words are
/// left out: they may hold anything.
fn attempt<'a>(change: ChangeId, plan: PlanId, outcome: &Outcome, about: Option<&'a About>) -> Option<Told<'a>> {
    let (result, severity) = match outcome {
        Outcome::Ambiguous { .. } => (Upshot::Unknown, Severity::Medium),
        Outcome::Opened { .. } => (Upshot::Other("Waits For A Person"), Severity::Informational),
        Outcome::Overdue => (Upshot::Other("Overdue"), Severity::Low),
        Outcome::Orphaned { .. } => (Upshot::Failure, Severity::High),
        _ => return None,
    };
    Some(access(change, plan, about, result, outcome.name(), severity))
}

fn thing(thing: Thing<'_>, result: Upshot, code: impl Into<String>, severity: Severity) -> Told<'_> {
    Told { of: Subject::Thing(thing), result, code: code.into(), severity, more: BTreeMap::new() }
}

fn run(entry: &LogEntry) -> Option<Told<'_>> {
    let run = |act| {
        let uid: Cow<'_, str> = entry.run.to_string().into();
        Thing { act, kind: "Run", uid: uid.clone(), name: uid, why: "" }
    };
    match &entry.says {
        Statement::RunStart { as_of, module, rule, .. } => {
            let told = thing(run(Act::Activate), Upshot::Success, "begun", Severity::Informational);
            Some(told.with("as_of", as_of.to_string()).with("rule", rule).with("module", module.to_string()))
        }
        Statement::Takeover { .. } => Some(thing(run(Act::Resume), Upshot::Success, "taken_over", Severity::Low)),
        Statement::RunEnd { counts, plan } => {
            let told = thing(run(Act::Deactivate), Upshot::Success, "ended", Severity::Informational).counting(counts);
            Some(told.with("plan", plan.map(|plan| plan.0.to_string()).unwrap_or_default()))
        }
        _ => None,
    }
}

fn rule(says: &Statement) -> Option<Told<'_>> {
    let Statement::Rule { by, counts, module, problem, rule, step, why } = says else { return None };
    let (act, result, severity) = match step.as_str() {
        "admitted" => (Act::Create, Upshot::Success, Severity::Informational),
        "refused" => (Act::Create, Upshot::Failure, Severity::Medium),
        "promoted" | "restored" => (Act::Enable, Upshot::Success, Severity::Medium),
        "failed" => (Act::Suspend, Upshot::Success, Severity::Medium),
        "recovered" => (Act::Resume, Upshot::Success, Severity::Informational),
        _ => (Act::Update, Upshot::Success, Severity::Informational),
    };
    let module: Cow<'_, str> = module.to_string().into();
    let name = if rule.is_empty() { module.clone() } else { rule.into() };
    let told = thing(Thing { act, kind: POLICY, uid: module, name, why }, result, step, severity);
    Some(told.with("by", by).with("problem", problem).counting(counts))
}

fn rotation(note: &str) -> Told<'_> {
    // The log holds no other note; one that cannot be read is told of without its key.
    let key = Rotation::open(note).map(|rotation| rotation.to);
    let name = key.as_ref().map_or_else(|_| "unknown".to_owned(), |key| key.name().to_owned());
    let uid = key.map_or_else(|_| "unknown".to_owned(), |key| key.to_string());
    let key = Thing { act: Act::Create, kind: "Signing Key", uid: uid.into(), name: name.into(), why: "" };
    thing(key, Upshot::Success, "signs", Severity::Medium)
}

fn denial<'a>(act: Act, target: &'a str, holder: &'a str, object: &'a str, why: &'a str) -> Thing<'a> {
    let all = |text: &'a str| if text.is_empty() { "*" } else { text };
    let name: Cow<'_, str> = format!("{}/{holder}/{}", all(target), all(object)).into();
    Thing { act, kind: "Denial", uid: name.clone(), name, why }
}

fn id(change: ChangeId) -> Cow<'static, str> {
    change.0.to_string().into()
}
