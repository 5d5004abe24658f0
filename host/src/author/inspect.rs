//! What a component says of itself and what it takes, beside what it may take. For people who are handed one.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use trueup_cases::{CaseFile, Columns, Context, find};
use wasmparser::{Parser, Payload};

use super::AuthorError;
use crate::model::{Digest, Reason};
use crate::rule::{Fault, Module, RuleLimits, SettingInfo};

/// What is known of a component.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Inspection {
    /// The rule, as name@version.
    pub rule: String,
    /// SHA-256 of the component.
    pub module: Digest,
    /// The contract that it was built for, where it says so.
    pub contract: String,
    /// The guest kit that built it, where it says so.
    pub sdk: String,
    /// The determinism profile that it would run under.
    pub profile: String,
    /// Its size, in bytes.
    pub bytes: u64,
    /// Size of its machine code here, in bytes.
    pub code_bytes: u64,
    /// What it imports; types that are shared count as an import.
    pub imports: Vec<String>,
    /// The optional columns that it reads.
    pub columns: Vec<String>,
    /// Its settings, as `name: kind = default`, each with its help.
    pub settings: Vec<(String, String)>,
    /// Its reasons.
    pub reasons: Vec<Reason>,
    /// Whether it says how keys are compared.
    pub canonical: bool,
}

/// Describes an admitted component.
#[must_use]
pub fn inspect(module: &Module, component: &[u8]) -> Inspection {
    let facts = module.facts();
    let told = |name: &str| module.built().and_then(|built| built.facts.get(name).cloned()).unwrap_or_default();
    Inspection {
        rule: facts.label(),
        module: facts.module,
        contract: told("contract"),
        sdk: told("sdk"),
        profile: facts.profile.clone(),
        bytes: component.len() as u64,
        code_bytes: module.code_bytes(),
        imports: imports(component),
        columns: module.column_names(),
        settings: module.settings().iter().map(setting).collect(),
        reasons: facts.reasons.clone(),
        canonical: module.is_canonical(),
    }
}

fn setting(info: &SettingInfo) -> (String, String) {
    let SettingInfo { name, kind, help, default } = info;
    let default = default.as_ref().map_or_else(
        || "must be set".to_owned(),
        // A setting is a text, a number, a flag or a list of texts: it is always JSON.
        |value| format!("default {}", serde_json::to_string(value).unwrap_or_default()),
    );
    (format!("{name}: {kind}, {default}"), help.clone())
}

/// The names that a component imports at its own level.
fn imports(component: &[u8]) -> Vec<String> {
    let (mut names, mut depth) = (Vec::new(), 0_u32);
    // It was admitted, so it can be read.
    for payload in Parser::new(0).parse_all(component).map_while(Result::ok) {
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(imports) if depth == 0 => {
                names.extend(imports.into_iter().map_while(Result::ok).map(|import| import.name.name.to_owned()));
            }
            _ => {}
        }
    }
    names
}

/// How much of one limit is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// The limit, as the configuration names it; `fuel` is that of one call: `fuel_base`, and `fuel_per_case` for each case.
    pub limit: &'static str,
    /// How much is used at most.
    pub used: u64,
    /// How much is allowed.
    pub allowed: u64,
    /// Where it is used most: a case file, or nothing.
    pub by: String,
    /// What to do when it is too much.
    pub advice: &'static str,
}

impl Usage {
    /// Whether more is used than allowed.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.used > self.allowed
    }
}

/// What a component takes of its limits: alone, and over the case files in these folders. A limit that stopped it counts as passed.
///
/// # Errors
/// When case files cannot be read.
pub fn usage(module: &Arc<Module>, component: &[u8], folders: &[&Path]) -> Result<Vec<Usage>, AuthorError> {
    let mut table = Table::new(module.limits());
    table.note("component_bytes", component.len() as u64, "");
    let empty = Columns { text_ends: vec![0], ..Columns::default() };
    table.judge(module, &Context::default(), &empty, "an empty batch");
    for folder in folders {
        for path in find(folder)? {
            let text = std::fs::read_to_string(&path).map_err(|source| AuthorError::Read { path: path.clone(), source })?;
            let file = CaseFile::parse(&path, &text)?;
            let mut columns = file.columns.clone();
            columns.keep_only(&module.column_names());
            table.judge(module, &file.context, &columns, &path.display().to_string());
        }
    }
    Ok(table.rows)
}

struct Table {
    limits: RuleLimits,
    rows: Vec<Usage>,
}

impl Table {
    fn new(limits: &RuleLimits) -> Self {
        let row = |(limit, name, allowed)| {
            let advice = super::codes::limit_advice(name);
            Usage { limit, used: 0, allowed, by: String::new(), advice }
        };
        let rows = [
            ("component_bytes", "component", limits.component_bytes),
            ("memory_bytes", "memory", limits.memory_bytes),
            ("fuel", "fuel", limits.fuel(0)),
            ("log_bytes", "log", limits.log_bytes),
            ("log_lines", "log", limits.log_lines),
            ("input_bytes", "input bytes", limits.input_bytes),
        ];
        Table { limits: *limits, rows: rows.into_iter().map(row).collect() }
    }

    fn note(&mut self, limit: &str, used: u64, by: &str) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.limit == limit && used > row.used) {
            (row.used, row.by) = (used, by.to_owned());
        }
    }

    /// The budget grows with the cases of a call: the call that came nearest to its own counts.
    fn note_fuel(&mut self, used: u64, allowed: u64, by: &str) {
        let share = |used: u64, allowed: u64| u128::from(used) * 1_000_000 / u128::from(allowed.max(1));
        if let Some(row) =
            self.rows.iter_mut().find(|row| row.limit == "fuel" && share(used, allowed) > share(row.used, row.allowed))
        {
            (row.used, row.allowed, row.by) = (used, allowed, by.to_owned());
        }
    }

    fn judge(&mut self, module: &Module, context: &Context, columns: &Columns, by: &str) {
        let measured = module.measure_columns(context, columns);
        let cases = columns.subject.len();
        self.note("memory_bytes", measured.memory_bytes, by);
        self.note_fuel(measured.verdict.fuel, self.limits.fuel(cases), by);
        self.note("log_bytes", measured.verdict.log.iter().map(|(_, line)| line.len() as u64).sum(), by);
        self.note("log_lines", measured.verdict.log.len() as u64, by);
        self.note("input_bytes", columns.heap.len() as u64, by);
        if let Err(Fault::Limit { limit, used, allowed }) = &measured.verdict.result {
            let advice = super::codes::limit_advice(limit);
            let used = (*used).max(allowed.saturating_add(1));
            self.rows.push(Usage { limit, used, allowed: *allowed, by: by.to_owned(), advice });
        }
    }
}
