//! Running folders of case files against a rule.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::bless::bless;
use crate::columns::{Columns, Context, RuleError, RuleInfo, Verdicts};
use crate::error::CaseError;
use crate::expect::Expect;
use crate::file::CaseFile;
use crate::time::render_instant;

/// A rule, native or shipped.
pub trait Judge {
    /// What the rule says of itself.
    fn describe(&mut self) -> Result<RuleInfo, RuleError>;

    /// Its answers. What kills a module (a trap, a limit) is an error with that
    /// fault's code.
    fn judge(&mut self, context: &Context, batch: &Columns) -> Result<Verdicts, RuleError>;
}

/// What to do with an expectation that is not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Report it.
    Check,
    /// Rewrite it.
    Bless,
}

/// What came of a run.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Files read.
    pub files: usize,
    /// Cases that met their expectation.
    pub passed: usize,
    /// One message per expectation that was not met, with file and line.
    pub failures: Vec<String>,
    /// Files that were rewritten.
    pub blessed: Vec<PathBuf>,
    /// Reasons of the rule's table that no case was answered with.
    pub unhit: Vec<String>,
}

impl Report {
    /// Whether every expectation was met and every reason was given.
    pub fn is_ok(&self) -> bool {
        self.failures.is_empty() && self.unhit.is_empty()
    }
}

/// The case files under a folder, at any depth, in the order of their paths.
pub fn find(folder: &Path) -> Result<Vec<PathBuf>, CaseError> {
    let io = |source| CaseError::Io { action: "read", path: folder.to_path_buf(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.is_dir() {
            files.extend(find(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Runs every case file of these folders, each twice: a rule that answers the
/// same question in two ways fails.
pub fn run(judge: &mut dyn Judge, folders: &[PathBuf], mode: Mode) -> Result<Report, CaseError> {
    let mut report = Report::default();
    let info = match judge.describe() {
        Ok(info) => info,
        Err(error) => {
            report.failures.push(format!("the rule does not describe itself: {} ({})", error.message, error.code));
            return Ok(report);
        }
    };
    let mut hit = BTreeSet::new();
    for folder in folders {
        let files = find(folder)?;
        if files.is_empty() {
            return Err(CaseError::Empty { path: folder.clone() });
        }
        for path in files {
            let text =
                std::fs::read_to_string(&path).map_err(|source| CaseError::Io { action: "read", path: path.clone(), source })?;
            let file = CaseFile::parse(&path, &text)?;
            report.files += 1;
            if let Some(text) = run_file(judge, &info, &file, mode, &mut report, &mut hit) {
                std::fs::write(&path, text).map_err(|source| CaseError::Io { action: "write", path: path.clone(), source })?;
                report.blessed.push(path);
            }
        }
    }
    let mut seen = BTreeSet::new();
    for code in &info.reasons {
        if !seen.insert(code) {
            report.failures.push(format!("the reason `{code}` stands twice in the rule's table; codes must be unique"));
        }
        if !hit.contains(code) {
            report.unhit.push(code.clone());
        }
    }
    Ok(report)
}

/// Runs one file; returns its new text when it is to be rewritten.
fn run_file(
    judge: &mut dyn Judge,
    info: &RuleInfo,
    file: &CaseFile,
    mode: Mode,
    report: &mut Report,
    hit: &mut BTreeSet<String>,
) -> Option<String> {
    let path = file.path.display();
    let mut columns = file.columns.clone();
    columns.keep_only(&info.columns);
    let outcome = judge.judge(&file.context, &columns);
    if judge.judge(&file.context, &columns) != outcome {
        report.failures.push(format!("{path}: the rule answers the same batch in two ways"));
    }

    let verdicts = match (outcome, &file.expect_error) {
        (Ok(verdicts), None) => verdicts,
        (Ok(_), Some(code)) => {
            report.failures.push(format!("{path}: expected the error `{code}`, got verdicts"));
            return None;
        }
        (Err(error), Some(code)) if error.code == *code => {
            report.passed += 1;
            return None;
        }
        (Err(error), _) => {
            let case = error.case.and_then(|case| file.cases.get(case as usize));
            let place = case.map_or(String::new(), |case| format!(":{}: {}", case.line, case.label));
            report.failures.push(format!("{path}{place}: {} (error `{}`)", error.message, error.code));
            return None;
        }
    };
    if let Some(expected) = file.valid_until
        && expected != verdicts.valid_until
    {
        let (got, expected) = (render_instant(verdicts.valid_until), render_instant(expected));
        report.failures.push(format!("{path}: expected answers that hold until {expected}, got {got}"));
    }
    match Expect::of(&verdicts, info, &file.cases) {
        Ok(answers) => compare(file, &answers, mode, report, hit),
        Err(message) => {
            report.failures.push(format!("{path}: {message}"));
            None
        }
    }
}

fn compare(file: &CaseFile, answers: &[Expect], mode: Mode, report: &mut Report, hit: &mut BTreeSet<String>) -> Option<String> {
    let mut differ = false;
    for (case, answer) in file.cases.iter().zip(answers) {
        if let Expect::Verdict(verdict) = answer {
            hit.insert(verdict.reason.clone());
        }
        if case.expect.as_ref() == Some(answer) || mode == Mode::Bless {
            differ |= case.expect.as_ref() != Some(answer);
            report.passed += 1;
            continue;
        }
        let expected = case.expect.as_ref().map_or("nothing yet".to_string(), ToString::to_string);
        report.failures.push(format!(
            "{}:{}: {}, {}: {}\n    expected {expected}\n    got      {answer}",
            file.path.display(),
            case.line,
            case.identity,
            case.label,
            file.about
        ));
    }
    differ.then(|| bless(file, answers))
}
