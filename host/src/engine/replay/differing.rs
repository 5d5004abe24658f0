//! What differs between what was recorded and what came: case by case and column by column, in words. Owns the comparison of
//! verdicts and of plans; nothing follows from it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::rederive::Compared;
use crate::correlate::{Batch, Cases};
use crate::decide::Effect;
use crate::limits::{DIVERGENCE_BYTES, DIVERGENCES};
use crate::model::PlanId;
use crate::rule::{BatchVerdict, Fault, RuleFacts, VerdictColumns};

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Divergence {
    /// The case, as `target/holder/object`; `header` or `batch N` where it is about no single case.
    pub case: String,
    /// What of it: a column of the rule's answer, or a field of a line of the plan.
    pub column: String,
    /// What was recorded.
    pub recorded: String,
    /// What came.
    pub came: String,
}

/// Differences so far: the first ones in words, all of them counted.
#[derive(Default)]
pub(super) struct Differing {
    pub(super) first: Vec<Divergence>,
    pub(super) count: u64,
    /// Batches of which one side ran into a limit.
    pub(super) limits: u64,
    /// Batches whose recorded fault is not the rule's word.
    pub(super) unjudged: u64,
}

impl Differing {
    fn add(&mut self, case: impl FnOnce() -> String, column: &str, recorded: &str, came: &str) {
        self.count += 1;
        if self.first.len() < DIVERGENCES {
            let (recorded, came) = (short(recorded), short(came));
            self.first.push(Divergence { case: case(), column: column.to_owned(), recorded, came });
        }
    }

    /// How many batches there are is a difference of its own: then answers cannot be laid beside each other.
    pub(super) fn batches(&mut self, recorded: u64, came: u64) {
        self.add(|| "header".to_owned(), "batches", &recorded.to_string(), &came.to_string());
    }

    /// The plan has another name, and what was recorded of it is no longer there to be laid beside what came.
    pub(super) fn names(&mut self, recorded: PlanId, came: PlanId) {
        self.add(|| "header".to_owned(), "plan", &recorded.to_string(), &came.to_string());
    }

    /// Compares the forms in which keys compare.
    pub(super) fn forms(&mut self, recorded: &Compared, came: &Result<Vec<String>, Fault>) {
        let came = match came {
            Ok(came) => came,
            Err(fault) => {
                self.limits += u64::from(matches!(fault, Fault::Limit { .. } | Fault::Interrupted { .. }));
                let name = || format!("{} {}s", recorded.keys.len(), recorded.kind.name());
                return self.add(name, "canon", &format!("{} answers", recorded.forms.len()), &fault.to_string());
            }
        };
        for (key, (recorded_form, came)) in recorded.keys.iter().zip(recorded.forms.iter().zip(came)) {
            if recorded_form != came {
                self.add(|| format!("{} {key}", recorded.kind.name()), "canon", recorded_form, came);
            }
        }
    }

    /// Compares what batches were answered.
    pub(super) fn verdicts(&mut self, cases: &Cases, rule: &RuleFacts, recorded: &[BatchVerdict], came: &[BatchVerdict]) {
        for (number, (batch, (recorded, came))) in cases.batches.iter().zip(recorded.iter().zip(came)).enumerate() {
            let name = || format!("batch {number}");
            match (&recorded.result, &came.result) {
                (Err(Fault::Absent | Fault::Resting { .. } | Fault::Interrupted { .. }), _) => self.unjudged += 1,
                (a, b) if a == b => {}
                (Ok(a), Ok(b)) => self.columns(cases, batch, rule, a, b),
                (a, b) => {
                    let limit =
                        |result: &Result<_, Fault>| matches!(result, Err(Fault::Limit { .. } | Fault::Interrupted { .. }));
                    self.limits += u64::from(limit(a) || limit(b));
                    let words = |result: &Result<VerdictColumns, Fault>| {
                        result.as_ref().map_or_else(ToString::to_string, |columns| format!("{} answers", columns.case.len()))
                    };
                    self.add(name, "fault", &words(a), &words(b));
                }
            }
        }
    }

    fn columns(&mut self, cases: &Cases, batch: &Batch, rule: &RuleFacts, a: &VerdictColumns, b: &VerdictColumns) {
        let rows = |columns: &VerdictColumns| -> BTreeMap<u32, usize> {
            columns.case.iter().enumerate().map(|(at, case)| (*case, at)).collect()
        };
        let (ours, theirs) = (rows(a), rows(b));
        let all: BTreeSet<u32> = ours.keys().chain(theirs.keys()).copied().collect();
        for case in all {
            let name = || {
                let found = cases.cases.get((batch.cases.start + case) as usize).and_then(|case| cases.key(case));
                found.map_or_else(|| format!("case {case} of its batch"), |key| key.to_string())
            };
            let (recorded, came) = (told(a, ours.get(&case), rule), told(b, theirs.get(&case), rule));
            for ((column, recorded), (_, came)) in recorded.iter().zip(&came) {
                if recorded != came {
                    self.add(name, column, recorded, came);
                }
            }
        }
        if a.valid_until != b.valid_until {
            let first = || format!("case {} and after", batch.cases.start);
            self.add(first, "valid-until", &a.valid_until.to_string(), &b.valid_until.to_string());
        }
    }

    /// Compares plans, line by line: both are lines of JSON, which are matched by what they are about.
    pub(super) fn plans(&mut self, recorded: &[u8], came: &[u8]) {
        let (ours, theirs) = (lines(recorded), lines(came));
        let all: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        for name in all {
            let (a, b) = (ours.get(name), theirs.get(name));
            match (a, b) {
                (Some(a), Some(b)) if a == b => {}
                (Some(a), Some(b)) => self.fields(name, "", &value(a), &value(b)),
                (a, b) => {
                    let line = |line: Option<&&[u8]>| {
                        line.map_or_else(|| NOTHING.to_owned(), |line| String::from_utf8_lossy(line).into_owned())
                    };
                    self.add(|| shown(name), "line", &line(a), &line(b));
                }
            }
        }
        if self.count == 0 {
            self.add(|| "header".to_owned(), "order", "lines in one order", "the same lines in another");
        }
    }

    fn fields(&mut self, name: &str, under: &str, a: &Value, b: &Value) {
        let (Value::Object(ours), Value::Object(theirs)) = (a, b) else {
            let text = |value: &Value| if value.is_null() { NOTHING.to_owned() } else { value.to_string() };
            return self.add(|| shown(name), under, &text(a), &text(b));
        };
        let all: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        for field in all {
            let (a, b) = (ours.get(field).unwrap_or(&Value::Null), theirs.get(field).unwrap_or(&Value::Null));
            if a != b {
                let path = if under.is_empty() { field.clone() } else { format!("{under}.{field}") };
                self.fields(name, &path, a, b);
            }
        }
    }
}

/// Stands for what is not there.
const NOTHING: &str = "nothing";

fn value(line: &[u8]) -> Value {
    serde_json::from_slice(line).unwrap_or_default()
}

/// The columns of an answer in words, always in the same order; empty words where there is no answer.
fn told(columns: &VerdictColumns, at: Option<&usize>, rule: &RuleFacts) -> [(&'static str, String); 8] {
    let number = |value: Option<i64>| value.map(|value| value.to_string()).unwrap_or_default();
    let Some(&at) = at else {
        return ["effect", "reason", "mask", "tier", "rank", "after", "flags", "until"].map(|name| (name, String::new()));
    };
    let effect = columns.effect.get(at).copied().unwrap_or_default();
    let effect = Effect::from_code(effect).map_or_else(|| effect.to_string(), |effect| effect.name().to_owned());
    let reason = columns.reason.get(at).copied().unwrap_or_default();
    let reason = rule.reasons.get(usize::from(reason)).map_or_else(|| reason.to_string(), |reason| reason.code.clone());
    [
        ("effect", effect),
        ("reason", reason),
        ("mask", number(columns.mask.get(at).map(|value| i64::from(*value)))),
        ("tier", number(columns.tier.get(at).map(|value| i64::from(*value)))),
        ("rank", number(columns.rank.get(at).map(|value| i64::from(*value)))),
        ("after", number(columns.after.get(at).map(|value| i64::from(*value)))),
        ("flags", number(columns.flags.get(at).map(|value| i64::from(*value)))),
        ("until", number(columns.until.get(at).copied())),
    ]
}

/// The lines of a plan by what they are about: its header, its trailer, or a case, changed or held.
fn lines(plan: &[u8]) -> BTreeMap<String, &[u8]> {
    let mut lines = BTreeMap::new();
    let all: Vec<&[u8]> = plan.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    for (at, line) in all.iter().enumerate() {
        if at == 0 {
            lines.insert("0".to_owned(), *line);
        } else if at + 1 < all.len() {
            let text = value(line);
            let what = if text.get("kind").is_some() { "1" } else { "2" };
            lines.insert(format!("{what}{}", text.get("key").unwrap_or_default()), *line);
        }
    }
    lines
}

/// A line's name for people.
fn shown(name: &str) -> String {
    if name == "0" {
        return "header".to_owned();
    }
    let key = value(name.get(1..).unwrap_or_default().as_bytes());
    let part = |field: &str| key.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    let parts: Vec<&str> = ["target", "holder", "object"].into_iter().filter_map(part).collect();
    if parts.is_empty() { key.as_str().unwrap_or(name).to_owned() } else { parts.join("/") }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(DIVERGENCE_BYTES) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
