//! As much of JSON Schema as the schemas beside this file use, and not a word more: what it does not know, it refuses.

use serde_json::Value;

use crate::export::OcsfVersion;

pub(super) struct Schema(Value);

impl Schema {
    pub(super) fn of(version: OcsfVersion) -> Self {
        let text = match version {
            OcsfVersion::V1_8 => include_str!("ocsf-1.8.schema.json"),
            OcsfVersion::V1_9 => include_str!("ocsf-1.9.schema.json"),
        };
        Schema(serde_json::from_str(text).unwrap())
    }

    /// What is wrong with a value; empty: nothing.
    pub(super) fn problems(&self, value: &Value) -> Vec<String> {
        let mut root = self.0.clone();
        let all = root.as_object_mut().unwrap();
        all.retain(|word, _| word == "oneOf");
        self.check(&root, value, "event")
    }

    fn check(&self, schema: &Value, value: &Value, at: &str) -> Vec<String> {
        let mut problems = Vec::new();
        for (word, says) in schema.as_object().unwrap() {
            let fits = |schema: &Value| self.check(schema, value, at).is_empty();
            let list = || says.as_array().unwrap();
            let held = match word.as_str() {
                "$ref" => {
                    let name = says.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                    problems.extend(self.check(&self.0["$defs"][name], value, at));
                    true
                }
                "type" => match says.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "integer" => value.is_i64() || value.is_u64(),
                    other => panic!("no type `{other}` is known"),
                },
                "const" => value == says,
                "enum" => list().contains(value),
                "oneOf" => list().iter().filter(|schema| fits(schema)).count() == 1,
                "anyOf" => list().iter().any(fits),
                "required" => list().iter().all(|name| value.get(name.as_str().unwrap()).is_some()),
                "items" => {
                    value.as_array().unwrap().iter().for_each(|item| problems.extend(self.check(says, item, at)));
                    true
                }
                "properties" => {
                    for (name, value) in value.as_object().into_iter().flatten() {
                        let known = says.get(name).map(|says| self.check(says, value, &format!("{at}.{name}")));
                        problems.extend(known.unwrap_or_else(|| vec![format!("{at}: `{name}` is not known")]));
                    }
                    true
                }
                // Held by `properties`, which stands beside it.
                "additionalProperties" => *says == Value::Bool(false) && schema.get("properties").is_some(),
                other => panic!("no word `{other}` is known"),
            };
            if !held {
                problems.push(format!("{at}: {word} {says} does not hold"));
            }
        }
        problems
    }
}
