//! Golden files of folder cases: readable answers beside the case, compared as a
//! whole. They name rule and version, never a digest.

use std::path::Path;

use crate::error::CaseError;
use crate::expect::Expect;
use crate::file::CaseFile;
use crate::report::{Report, code};
use crate::run::Mode;

/// The golden file of answers.
pub const VERDICTS: &str = "verdicts.golden";
/// The golden file of what a host would do.
pub const PLAN: &str = "plan.golden";

/// The answers of a file for people, identity by identity.
pub(crate) fn verdicts(rule: &str, file: &CaseFile, answers: &[Expect]) -> String {
    let width = file.cases.iter().map(|case| case.label.chars().count()).max().unwrap_or_default();
    let mut text = format!("{rule}\n{}\n", file.about);
    let mut identity = None;
    for (case, answer) in file.cases.iter().zip(answers) {
        if identity != Some(&case.identity) {
            text.push_str(&format!("\n{}\n", case.identity));
            identity = Some(&case.identity);
        }
        text.push_str(&format!("  {:<width$}  {}\n", case.label, answer.plain()));
    }
    text
}

/// Holds a text to the golden file of this name beside a case, or writes it.
pub(crate) fn hold(file: &CaseFile, name: &str, found: &str, mode: Mode, report: &mut Report) -> Result<bool, CaseError> {
    let path = file.path.with_file_name(name);
    let expected = match std::fs::read_to_string(&path) {
        Ok(expected) => Some(expected),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(source) => return Err(CaseError::Io { action: "read", path, source }),
    };
    if expected.as_deref() == Some(found) {
        return Ok(true);
    }
    if mode == Mode::Bless {
        std::fs::write(&path, found).map_err(|source| CaseError::Io { action: "write", path: path.clone(), source })?;
        report.blessed.push(path);
        return Ok(true);
    }
    let what = match expected {
        None => "there is no such golden file yet".to_string(),
        Some(expected) => difference(&expected, found),
    };
    report.fail(code::GOLDEN, format!("{}: {what}", shown(&path)));
    Ok(false)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The lines that are only in one of two texts, in their order, a few of them.
fn difference(expected: &str, found: &str) -> String {
    const SHOWN: usize = 12;
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    let gone = old.iter().filter(|line| !new.contains(line)).map(|line| format!("\n    - {line}"));
    let come = new.iter().filter(|line| !old.contains(line)).map(|line| format!("\n    + {line}"));
    let lines: Vec<String> = gone.chain(come).collect();
    let rest = lines.len().saturating_sub(SHOWN);
    let mut text = "it differs (- expected, + got)".to_string();
    text.extend(lines.into_iter().take(SHOWN));
    match rest {
        0 => {}
        rest => text.push_str(&format!("\n    and {rest} more lines")),
    }
    if text.ends_with(')') {
        text.push_str(": the same lines in another order");
    }
    text
}
