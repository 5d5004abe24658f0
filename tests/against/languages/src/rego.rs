//! Rego: a policy compiled for regorus' register machine. The input is built for each case and holds only what there is.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::vm::RegoVM;
use regorus::{PolicyModule, Value, compile_policy_with_entrypoint};
use serde_json::json;
use trueup_against_decision::{Now, Row, Verdict};

use crate::Language;
use crate::words::{ATTRIBUTES, Verdicts, WORDS, disputed, kind, side, subject, texts, times, traits};

const VERDICT: &str = "data.access.verdict";

/// The machine with its program.
pub(super) struct Rego {
    machine: RegoVM,
    /// Words that inputs are made of, so that using one again counts a reference and copies nothing.
    words: BTreeMap<&'static str, Value>,
    verdicts: Verdicts,
}

impl Rego {
    pub(super) fn new(now: &Now, verdicts: &Verdicts) -> Result<Self> {
        let policy = include_str!("least_access.rego");
        let module = PolicyModule { id: "least_access.rego".into(), content: policy.into() };
        let data = Value::from(json!({ "plan": now }));
        let compiled = compile_policy_with_entrypoint(data.clone(), &[module], VERDICT.into())?;
        let program = Compiler::compile_from_policy(&compiled, &[VERDICT]).map_err(|error| anyhow!("{error}"))?;
        let mut machine = RegoVM::new_with_policy(compiled);
        machine.load_program(program);
        machine.set_data(data).map_err(|error| anyhow!("{error}"))?;
        let words = WORDS.iter().map(|word| (*word, Value::from(*word))).collect();
        Ok(Rego { machine, words, verdicts: verdicts.clone() })
    }

    fn word(&self, word: &'static str) -> Value {
        self.words.get(word).cloned().unwrap_or_else(|| Value::from(word))
    }

    fn input(&self, row: &Row<'_>) -> Value {
        let mut input = BTreeMap::new();
        let mut put = |name, value| input.insert(self.word(name), value);
        put("subject", self.word(subject(row.subject)));
        put("desired", self.word(side(row.desired)));
        put("observed", self.word(side(row.observed)));
        put("recorded", self.word(side(row.recorded)));
        put("identity_kind", self.word(kind(row.identity_kind)));
        put("tier", Value::from(i64::from(row.tier)));
        if disputed(row) {
            put("disputed", Value::from(true));
        }
        for (name, time) in times(row).into_iter().filter(|(_, time)| *time != 0) {
            put(name, Value::from(time));
        }
        for (name, _) in traits(row).into_iter().filter(|(_, has)| *has) {
            put(name, Value::from(true));
        }
        for (name, text) in texts(row) {
            if let Some(text) = text {
                put(name, Value::from(text));
            }
        }
        if row.differs != 0 {
            let differing = ATTRIBUTES.iter().filter(|(_, bit)| row.differs & bit != 0).map(|(name, _)| self.word(name));
            put("differs", Value::from(differing.collect::<Vec<Value>>()));
        }
        Value::from(input)
    }

    fn one(&mut self, row: &Row<'_>) -> Result<Verdict> {
        let input = self.input(row);
        self.machine.set_input(input);
        let told = self.machine.execute_entry_point_by_index(0).map_err(|error| anyhow!("{error}"))?;
        self.verdicts.on(told.as_string()?, row)
    }
}

impl Language for Rego {
    fn name(&self) -> &'static str {
        "Rego, register machine"
    }

    fn package(&self) -> &'static str {
        "regorus"
    }

    fn about(&self) -> &'static str {
        "one run of a compiled policy per case, its input built from the struct; left out: the mask of a true-up and the instant \
         until which answers hold"
    }

    fn judge(&mut self, _: &Now, rows: &[Row<'_>]) -> Result<Vec<Verdict>> {
        rows.iter().map(|row| self.one(row)).collect()
    }
}
