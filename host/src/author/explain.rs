//! Why a component answers one case of a file as it does: what it was shown, what it said and logged, what a host would do.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use trueup_cases::{CaseFile, find, render_instant};

use super::AuthorError;
use super::stage::Stage;
use super::trial::cases_of;
use crate::model::Time;
use crate::rule::Module;

/// Bit 0 of the flags: somebody reads along.
const EXPLAIN: u32 = 1;

/// One case with its answer.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CaseExplanation {
    /// File and line.
    pub place: String,
    /// What the file shows.
    pub about: String,
    /// Its identity.
    pub identity: String,
    /// Its key.
    pub case: String,
    /// What the rule is shown of it: columns and values in words; those that are empty are left out.
    pub shown: Vec<(&'static str, String)>,
    /// What the rule says of it, or how it failed.
    pub answer: String,
    /// What the reason means, in the rule's words.
    pub text: String,
    /// What a host would do about the case, a line each.
    pub plan: String,
    /// What the rule logged over the whole file.
    pub log: Vec<String>,
}

/// Explains the cases of this name in a crate's files: `file:line`, or a key.
///
/// # Errors
/// When files cannot be read.
pub fn explain_case(module: Arc<Module>, dir: &Path, name: &str) -> Result<Vec<CaseExplanation>, AuthorError> {
    let (file_name, line) = match name.rsplit_once(':') {
        Some((file, line)) if line.bytes().all(|b| b.is_ascii_digit()) => (file, line.parse::<usize>().ok()),
        _ => (name, None),
    };
    let mut found = Vec::new();
    for path in find(&cases_of(dir))? {
        let text = std::fs::read_to_string(&path).map_err(|source| AuthorError::Read { path: path.clone(), source })?;
        let file = CaseFile::parse(&path, &text)?;
        let rows = (0..file.cases.len()).filter(|row| {
            let Some(case) = file.cases.get(*row) else { return false };
            let next = file.cases.get(row + 1).map_or(usize::MAX, |next| next.line);
            match line {
                Some(line) => path.ends_with(file_name) && (case.line..next.max(case.line + 1)).contains(&line),
                None => case.label == name || case.name.as_deref() == Some(name),
            }
        });
        let rows: Vec<usize> = rows.collect();
        // Rows of a table have nothing to do with one another, and often the same key: each is explained alone.
        let together = if file.is_table { 1 } else { rows.len().max(1) };
        for rows in rows.chunks(together) {
            found.extend(explain_rows(&module, &file, rows));
        }
    }
    Ok(found)
}

fn explain_rows(module: &Module, file: &CaseFile, rows: &[usize]) -> Vec<CaseExplanation> {
    let whole = match (file.is_table, rows) {
        (true, [row]) => file.columns.reordered(&[*row], false).0,
        _ => file.columns.clone(),
    };
    let mut columns = whole.clone();
    columns.keep_only(&module.column_names());
    let mut context = file.context.clone();
    context.flags |= EXPLAIN;
    let verdict = module.judge_columns(&context, &columns);
    let plan = verdict.result.as_ref().ok().map(|answers| {
        let stage = Stage::of(&whole, Time::from_seconds(file.context.as_of));
        stage.plan(module.facts(), answers.clone())
    });
    let explain = |at: &usize| {
        let case = file.cases.get(*at)?;
        let row = if file.is_table { &0 } else { at };
        let (answer, text) = match &verdict.result {
            Err(fault) => (fault.to_string(), String::new()),
            Ok(answers) => {
                let at = answers.case.binary_search(&(*row as u32)).ok();
                let reason = at.and_then(|at| module.facts().reasons.get(usize::from(*answers.reason.get(at)?)));
                let effect = at.and_then(|at| crate::decide::Effect::from_code(*answers.effect.get(at)?));
                match (effect, reason) {
                    (Some(effect), Some(reason)) => (format!("{}: {}", effect.name(), reason.code), reason.text.clone()),
                    _ => ("nothing: what is stays".to_owned(), String::new()),
                }
            }
        };
        let ours = |line: &&str| line.contains(&format!(" {}  (", case.label));
        Some(CaseExplanation {
            place: format!("{}:{}", file.path.display(), case.line),
            about: file.about.clone(),
            identity: case.identity.clone(),
            case: case.label.clone(),
            shown: shown(&columns, *row),
            answer,
            text,
            plan: plan.iter().flat_map(|plan| plan.lines()).filter(ours).collect::<Vec<_>>().join("\n"),
            log: verdict.log.iter().map(|(_, line)| line.clone()).collect(),
        })
    };
    rows.iter().filter_map(explain).collect()
}

/// The columns of a row in words.
fn shown(columns: &trueup_cases::Columns, row: usize) -> Vec<(&'static str, String)> {
    const SIDES: [&str; 4] = ["absent", "present", "disabled", "unknown"];
    const DIFFERS: [&str; 5] = ["enabled", "level", "expires-at", "owner", "purpose"];
    const TRAITS: [&str; 8] =
        ["inherited", "immutable", "changed-elsewhere", "claimed", "privileged", "break-glass", "additive", "withheld"];
    let text = |column: &[u32]| {
        let id = *column.get(row)? as usize;
        let end = |index: usize| columns.text_ends.get(index).map_or(0, |end| *end as usize);
        columns.heap.get(id.checked_sub(1).map_or(0, end)..end(id)).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let side = |column: &[u8]| column.get(row).and_then(|code| SIDES.get(usize::from(*code))).map(|side| (*side).to_owned());
    let instant = |column: &[i64]| column.get(row).filter(|seconds| **seconds != 0).map(|seconds| render_instant(*seconds));
    let bits = |column: &[u32], names: &[&str]| {
        let set = *column.get(row)?;
        let names: Vec<&str> = names.iter().enumerate().filter(|(bit, _)| set & 1 << bit != 0).map(|(_, name)| *name).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let all = [
        ("desired", side(&columns.desired)),
        ("observed", side(&columns.observed)),
        ("recorded", side(&columns.recorded)),
        ("differs", bits(&columns.differs, &DIFFERS)),
        ("traits", bits(&columns.traits, &TRAITS)),
        ("desired-expires-at", instant(&columns.desired_expires_at)),
        ("observed-expires-at", instant(&columns.observed_expires_at)),
        ("not-before", instant(&columns.not_before)),
        ("last-used", instant(&columns.last_used)),
        ("undesired-since", instant(&columns.undesired_since)),
        ("disabled-since", instant(&columns.disabled_since)),
        ("desired-level", text(&columns.desired_level)),
        ("observed-level", text(&columns.observed_level)),
        ("owner", text(&columns.owner)),
        ("purpose", text(&columns.purpose)),
        ("observed-purpose", text(&columns.observed_purpose)),
        ("record", text(&columns.record)),
        ("approver", text(&columns.approver)),
        ("via", text(&columns.via)),
        ("replaces", text(&columns.replaces)),
        ("exclusion", text(&columns.exclusion)),
        ("tier", columns.tier.get(row).map(u8::to_string)),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
