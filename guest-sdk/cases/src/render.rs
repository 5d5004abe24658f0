//! Columns as the text of a case file: what was captured somewhere else becomes
//! a case that an author reads and keeps.

use serde_json::{Value, json};

use crate::columns::{Columns, SettingValue};
use crate::time::render_instant;

const SIDES: [&str; 3] = ["absent", "present", "disabled"];
const WHY: [&str; 5] = ["incomplete-scan", "stale-scan", "no-source", "disputed", "shrunk"];
const KINDS: [&str; 4] = ["unknown", "person", "machine", "group"];
const STATUSES: [&str; 5] = ["unknown", "active", "on-leave", "leaving", "left"];
const TRAITS: [&str; 8] =
    ["inherited", "immutable", "changed-elsewhere", "claimed", "privileged", "break-glass", "additive", "withheld"];
const DIFFERS: [&str; 5] = ["enabled", "level", "expires-at", "owner", "purpose"];

/// The text of a case file over these batches, every column filled. Names of
/// identities, holders, owners and approvers are written as `rename` gives them.
pub fn render_file(
    about: &str,
    as_of: i64,
    settings: &[(String, SettingValue)],
    batches: &[Columns],
    rename: &mut dyn FnMut(&str) -> String,
) -> String {
    let settings: serde_json::Map<String, Value> = settings.iter().map(|(name, value)| (name.clone(), setting(value))).collect();
    let mut identities = Vec::new();
    for columns in batches {
        let count = columns.identity_ends.len();
        identities.extend((0..count).map(|identity| Writer { columns, rename: &mut *rename }.identity(identity)));
    }
    format!(
        "{{\n  \"about\": {},\n  \"as_of\": {},\n  \"settings\": {},\n  \"identities\": [\n{}\n  ]\n}}\n",
        Value::from(about),
        Value::from(render_instant(as_of)),
        Value::from(settings),
        identities.join(",\n")
    )
}

fn setting(value: &SettingValue) -> Value {
    match value {
        SettingValue::Text(text) => json!(text),
        SettingValue::Integer(number) => json!(number),
        SettingValue::Boolean(flag) => json!(flag),
        SettingValue::Texts(texts) => json!(texts),
    }
}

type Fields = Vec<(&'static str, Value)>;

fn lines(indent: &str, fields: &Fields) -> String {
    let lines: Vec<String> = fields.iter().map(|(name, value)| format!("{indent}\"{name}\": {value}")).collect();
    lines.join(",\n")
}

struct Writer<'a> {
    columns: &'a Columns,
    rename: &'a mut dyn FnMut(&str) -> String,
}

fn word(words: &[&str], code: u8) -> Value {
    json!(words.get(usize::from(code)).unwrap_or(&"unknown"))
}

fn names(bits: u32, words: &[&str]) -> Value {
    json!(words.iter().enumerate().filter(|(bit, _)| bits & 1 << bit != 0).map(|(_, word)| *word).collect::<Vec<_>>())
}

impl Writer<'_> {
    fn text(&self, column: &[u32], row: usize) -> &str {
        let id = column.get(row).map_or(0, |id| *id as usize);
        let end = |index: usize| self.columns.text_ends.get(index).map_or(0, |end| *end as usize);
        self.columns.heap.get(id.checked_sub(1).map_or(0, end)..end(id)).unwrap_or_default()
    }

    fn add_text(&self, fields: &mut Fields, name: &'static str, column: &[u32], row: usize) {
        let text = self.text(column, row);
        if !text.is_empty() {
            fields.push((name, json!(text)));
        }
    }

    fn add_name(&mut self, fields: &mut Fields, name: &'static str, column: &[u32], row: usize) {
        let text = self.text(column, row).to_string();
        if !text.is_empty() {
            fields.push((name, json!((self.rename)(&text))));
        }
    }

    fn identity(mut self, identity: usize) -> String {
        let columns = self.columns;
        let name = self.text(&columns.identity, identity).to_string();
        let mut fields: Fields = vec![("identity", json!((self.rename)(&name)))];
        let code = |column: &[u8]| column.get(identity).copied().unwrap_or_default();
        fields.push(("kind", word(&KINDS, code(&columns.identity_kind))));
        fields.push(("status", word(&STATUSES, code(&columns.identity_status))));
        add_instant(&mut fields, "moved_at", &columns.identity_moved_at, identity);
        add_instant(&mut fields, "ends_at", &columns.identity_ends_at, identity);
        self.add_name(&mut fields, "owner", &columns.identity_owner, identity);
        self.add_text(&mut fields, "unit", &columns.identity_unit, identity);
        let rows = columns.rows(identity);
        let cases: Vec<String> =
            rows.map(|row| format!("        {{\n{}\n        }}", lines("          ", &self.case(row, &name)))).collect();
        format!("    {{\n{},\n      \"cases\": [\n{}\n      ]\n    }}", lines("      ", &fields), cases.join(",\n"))
    }

    fn case(&mut self, row: usize, identity: &str) -> Fields {
        let columns = self.columns;
        let subject = match columns.subject.get(row) {
            Some(0) => "account",
            Some(1) => "grant",
            _ => "credential",
        };
        let mut key: Fields = Vec::new();
        self.add_text(&mut key, "target", &columns.target, row);
        if self.text(&columns.holder, row) != identity {
            self.add_name(&mut key, "holder", &columns.holder, row);
        }
        self.add_text(&mut key, "object", &columns.object, row);
        let why = columns.unknown_why.get(row).copied().unwrap_or_default();
        let code = |column: &[u8]| column.get(row).copied().unwrap_or_default();
        let bits = |column: &[u32]| column.get(row).copied().unwrap_or_default();
        let mut fields = vec![(subject, object(key))];
        let desired = code(&columns.desired);
        fields.push(("desired", self.desired(row, desired, why & 0xf)));
        fields.push(("observed", self.observed(row, desired, why >> 4)));
        fields.push(("recorded", json!(side(code(&columns.recorded), 0))));
        add_instant(&mut fields, "undesired_since", &columns.undesired_since, row);
        fields.push(("traits", names(bits(&columns.traits), &TRAITS)));
        fields.push(("differs", names(bits(&columns.differs), &DIFFERS)));
        fields.push(("tier", json!(code(&columns.tier))));
        self.add_text(&mut fields, "exclusion", &columns.exclusion, row);
        fields
    }

    fn desired(&mut self, row: usize, code: u8, why: u8) -> Value {
        let columns = self.columns;
        let mut fields: Fields = vec![("state", json!(side(code, why)))];
        self.add_text(&mut fields, "level", &columns.desired_level, row);
        add_instant(&mut fields, "expires_at", &columns.desired_expires_at, row);
        add_instant(&mut fields, "not_before", &columns.not_before, row);
        if code == 1 || code == 2 {
            self.add_name(&mut fields, "owner", &columns.owner, row);
            // A record that is left out would be made up by the reader.
            fields.push(("record", json!(self.text(&columns.record, row))));
        } else {
            self.add_text(&mut fields, "record", &columns.record, row);
        }
        self.add_text(&mut fields, "purpose", &columns.purpose, row);
        self.add_name(&mut fields, "approver", &columns.approver, row);
        self.add_text(&mut fields, "replaces", &columns.replaces, row);
        object(fields)
    }

    fn observed(&mut self, row: usize, desired: u8, why: u8) -> Value {
        let columns = self.columns;
        let code = columns.observed.get(row).copied().unwrap_or_default();
        let mut fields: Fields = vec![("state", json!(side(code, why)))];
        self.add_text(&mut fields, "level", &columns.observed_level, row);
        add_instant(&mut fields, "expires_at", &columns.observed_expires_at, row);
        if desired != 1 && desired != 2 {
            self.add_name(&mut fields, "owner", &columns.owner, row);
        }
        self.add_text(&mut fields, "purpose", &columns.observed_purpose, row);
        add_instant(&mut fields, "last_used", &columns.last_used, row);
        add_instant(&mut fields, "disabled_since", &columns.disabled_since, row);
        self.add_text(&mut fields, "via", &columns.via, row);
        object(fields)
    }
}

fn object(fields: Fields) -> Value {
    Value::from(fields.into_iter().map(|(name, value)| (name.to_string(), value)).collect::<serde_json::Map<_, _>>())
}

fn side(code: u8, why: u8) -> String {
    match (SIDES.get(usize::from(code)), usize::from(why).checked_sub(1).and_then(|why| WHY.get(why))) {
        (Some(side), _) => (*side).to_string(),
        (None, Some(why)) => format!("unknown: {why}"),
        (None, None) => "unknown".to_string(),
    }
}

fn add_instant(fields: &mut Fields, name: &'static str, column: &[i64], row: usize) {
    if let Some(seconds) = column.get(row).filter(|seconds| **seconds != 0) {
        fields.push((name, json!(render_instant(*seconds))));
    }
}
