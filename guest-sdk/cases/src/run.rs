//! Running folders of case files against a rule: each batch twice, and in other
//! orders.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::bless::bless;
use crate::columns::{Columns, Context, RuleError, RuleInfo, Verdicts};
use crate::error::CaseError;
use crate::expect::Expect;
use crate::file::{Case, CaseFile};
use crate::golden;
use crate::report::{Answered, Cost, FileCost, Report, code, code_of};
use crate::time::render_instant;

/// Rows of a table that are judged at once: far fewer calls than rows, and far
/// less than a batch may hold.
const TABLE_ROWS: usize = 1_000;

/// Rows of such a part that may fail alone before the others are left: a rule
/// that answers none of them would burn all its fuel on each.
const ROWS_FAILED: usize = 20;

/// How many cases a message about order names.
const ORDER_SHOWN: usize = 6;

/// A rule, native or shipped.
pub trait Judge {
    /// What the rule says of itself.
    fn describe(&mut self) -> Result<RuleInfo, RuleError>;

    /// Its answers. What kills a module (a trap, a limit) is an error with that
    /// fault's code.
    fn judge(&mut self, context: &Context, batch: &Columns) -> Result<Verdicts, RuleError>;

    /// What the last call cost, where that is known.
    fn cost(&mut self) -> Option<Cost> {
        None
    }

    /// What a host would do about the answers to a file, where there is one.
    fn plan(&mut self, _file: &CaseFile, _verdicts: &Verdicts) -> Option<String> {
        None
    }
}

/// What to do with an expectation that is not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Report it.
    Check,
    /// Rewrite it.
    Bless,
}

/// The case files under a folder, at any depth, in the order of their paths.
pub fn find(folder: &Path) -> Result<Vec<PathBuf>, CaseError> {
    let io = |source| CaseError::Io { action: "read", path: folder.to_path_buf(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.is_dir() {
            files.extend(find(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "json" || extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Runs every case file of these folders, each batch twice and in other orders:
/// a rule that answers the same question in two ways fails.
pub fn run(judge: &mut dyn Judge, folders: &[PathBuf], mode: Mode) -> Result<Report, CaseError> {
    let mut files = Vec::new();
    for folder in folders {
        let found = find(folder)?;
        if found.is_empty() {
            return Err(CaseError::Empty { path: folder.clone() });
        }
        files.extend(found);
    }
    let info = match judge.describe() {
        Ok(info) => info,
        Err(error) => {
            let mut report = Report::default();
            report.fail(code::DESCRIBE, format!("the rule does not describe itself: {} ({})", error.message, error.code));
            return Ok(report);
        }
    };
    let report = Report { rule: format!("{}@{}", info.name, info.version), ..Report::default() };
    let mut runner = Runner { judge, info: &info, mode, report };
    for path in files {
        let text =
            std::fs::read_to_string(&path).map_err(|source| CaseError::Io { action: "read", path: path.clone(), source })?;
        runner.file(&CaseFile::parse(&path, &text)?)?;
    }
    let mut report = runner.report;
    let mut seen = std::collections::BTreeSet::new();
    for reason in &info.reasons {
        if !seen.insert(reason) {
            let text = format!("the reason `{reason}` stands twice in the rule's table; codes must be unique");
            report.fail(code::REASON_TWICE, text);
        } else if !report.hits.contains_key(reason) {
            report.unhit.push(reason.clone());
        }
    }
    Ok(report)
}

struct Runner<'a> {
    judge: &'a mut dyn Judge,
    info: &'a RuleInfo,
    mode: Mode,
    report: Report,
}

/// Columns that are judged at once, and where their rows stand in the file.
struct Part {
    columns: Columns,
    rows: Vec<usize>,
}

impl Runner<'_> {
    fn file(&mut self, file: &CaseFile) -> Result<(), CaseError> {
        self.report.files += 1;
        let mut columns = file.columns.clone();
        columns.keep_only(&self.info.columns);
        let identities: Vec<usize> = (0..columns.identity_ends.len()).collect();
        let mut answers: BTreeMap<usize, Expect> = BTreeMap::new();
        let mut cost = None;
        let mut whole = None;
        let size = if file.is_table { TABLE_ROWS } else { identities.len().max(1) };
        for chunk in identities.chunks(size) {
            let (columns, rows) = columns.reordered(chunk, false);
            let part = Part { columns, rows };
            whole = self.part(file, &part, &mut answers, &mut cost);
        }
        if identities.is_empty() {
            whole = self.part(file, &Part { columns, rows: Vec::new() }, &mut answers, &mut cost);
        }
        self.report.costs.push(FileCost { path: file.path.clone(), cases: file.cases.len(), cost });
        let path = std::fs::canonicalize(&file.path).unwrap_or_else(|_| file.path.clone());
        for (row, case) in file.cases.iter().enumerate() {
            let answer = answers.get(&row).map_or_else(|| "no answer".to_string(), ToString::to_string);
            let (path, label) = (path.clone(), case.label.clone());
            self.report.answers.push(Answered { path, line: case.line, label, answer });
        }
        // Without an answer to each case there is nothing to compare or to rewrite.
        if answers.len() < file.cases.len() || file.expect_error.is_some() {
            return Ok(());
        }
        let answers: Vec<Expect> = answers.into_values().collect();
        self.compare(file, &answers, whole.as_ref())
    }

    /// Judges a part, and gathers its answers. Returns the answer itself.
    fn part(
        &mut self,
        file: &CaseFile,
        part: &Part,
        answers: &mut BTreeMap<usize, Expect>,
        cost: &mut Option<Cost>,
    ) -> Option<Verdicts> {
        let cases: Vec<Case> = part.rows.iter().filter_map(|row| file.cases.get(*row).cloned()).collect();
        let outcome = self.judge.judge(&file.context, &part.columns);
        if let Some(now) = self.judge.cost() {
            let sum = cost.get_or_insert_default();
            (sum.fuel, sum.memory) = (sum.fuel + now.fuel, sum.memory.max(now.memory));
            sum.log.extend(now.log);
        }
        let title = file.title().display().to_string();
        if self.judge.judge(&file.context, &part.columns) != outcome {
            let text = format!("{title}: the rule answers the same batch in two ways; it must depend on nothing else");
            self.report.fail(code::TWICE, text);
        }
        let verdicts = match outcome {
            Ok(verdicts) => verdicts,
            Err(error) => {
                self.failed(file, part, &cases, &error, answers, cost);
                return None;
            }
        };
        if let Some(code) = &file.expect_error {
            self.report.fail(code::NO_ERROR, format!("{title}: expected the error `{code}`, got verdicts"));
            return None;
        }
        if let Some(expected) = file.valid_until
            && expected != verdicts.valid_until
        {
            let (got, expected) = (render_instant(verdicts.valid_until), render_instant(expected));
            let text = format!("{title}: expected answers that hold until {expected}, got {got}");
            self.report.fail(code::VALID_UNTIL, text);
        }
        match Expect::of(&verdicts, self.info, &cases) {
            Ok(found) => {
                self.other_orders(file, part, &cases, &found);
                answers.extend(part.rows.iter().copied().zip(found));
            }
            Err(message) => self.report.fail(code::MALFORMED, format!("{title}: {message}")),
        }
        Some(verdicts)
    }

    /// A part that was not answered. Rows of a table are judged alone then, so
    /// that one that fails does not hide the others.
    fn failed(
        &mut self,
        file: &CaseFile,
        part: &Part,
        cases: &[Case],
        error: &RuleError,
        answers: &mut BTreeMap<usize, Expect>,
        cost: &mut Option<Cost>,
    ) {
        let title = file.title().display();
        match &file.expect_error {
            Some(code) if error.code == *code => self.report.passed += 1,
            _ if file.is_table && part.columns.identity_ends.len() > 1 => {
                let (count, before) = (part.columns.identity_ends.len(), self.report.failures.len());
                for identity in 0..count {
                    if self.report.failures.len() - before >= ROWS_FAILED {
                        let text = format!("{title}: {} further rows were not tried; mend these first", count - identity);
                        self.report.fail(code_of(error), text);
                        break;
                    }
                    let (columns, rows) = part.columns.reordered(&[identity], false);
                    let rows = rows.iter().filter_map(|row| part.rows.get(*row).copied()).collect();
                    self.part(file, &Part { columns, rows }, answers, cost);
                }
            }
            _ => {
                let case = error.case.and_then(|case| cases.get(case as usize));
                // A part of one case can have failed at no other.
                let case = case.or(if let [only] = cases { Some(only) } else { None });
                let place = case.map_or_else(|| title.to_string(), |case| place(file, case));
                // What a rule says of itself has a code of its own, which a case file may expect.
                let said = if code_of(error) == code::REFUSED { format!(" (error `{}`)", error.code) } else { String::new() };
                self.report.fail(code_of(error), format!("{place}: {}{said}", error.message));
            }
        }
    }

    /// Judges a part backwards and dealt out: no answer may change, but for the
    /// order that it asks for.
    fn other_orders(&mut self, file: &CaseFile, part: &Part, cases: &[Case], found: &[Expect]) {
        let count = part.columns.identity_ends.len();
        let backwards: Vec<usize> = (0..count).rev().collect();
        let dealt: Vec<usize> = (0..count).step_by(2).chain((1..count).step_by(2).rev()).collect();
        for (name, order, turn) in [("backwards", backwards, true), ("dealt out", dealt, false)] {
            let (columns, rows) = part.columns.reordered(&order, turn);
            if columns == part.columns {
                continue;
            }
            let turned: Vec<Case> = rows.iter().filter_map(|row| cases.get(*row).cloned()).collect();
            let other = self.judge.judge(&file.context, &columns).map_err(|error| error.message);
            let other = other.and_then(|verdicts| Expect::of(&verdicts, self.info, &turned));
            let mut differ = |at: usize, answer: String| {
                let (Some(case), Some(before)) = (cases.get(at), found.get(at)) else { return };
                let text = format!(
                    "{}: the answer depends on the order of the cases\n    as written  {before}\n    {name:<10}  {answer}\n    \
                     the orders  {}\n                {}",
                    place(file, case),
                    around(cases, at),
                    around(&turned, rows.iter().position(|row| *row == at).unwrap_or_default()),
                );
                self.report.fail(code::ORDER, text);
            };
            match other {
                Ok(other) => {
                    for (at, answer) in rows.iter().zip(&other) {
                        if found.get(*at).map(Expect::without_order) != Some(answer.without_order()) {
                            differ(*at, answer.to_string());
                        }
                    }
                }
                Err(message) => differ(rows.first().copied().unwrap_or_default(), message),
            }
        }
    }

    fn compare(&mut self, file: &CaseFile, answers: &[Expect], whole: Option<&Verdicts>) -> Result<(), CaseError> {
        for answer in answers {
            match answer {
                Expect::NoOpinion => self.report.no_opinion += 1,
                Expect::Verdict(verdict) => {
                    let effects = self.report.hits.entry(verdict.reason.clone()).or_default();
                    *effects.entry(verdict.effect.clone()).or_default() += 1;
                }
            }
        }
        let golden = file.is_folder() && {
            let text = golden::verdicts(&self.report.rule, file, answers);
            golden::hold(file, golden::VERDICTS, &text, self.mode, &mut self.report)?
        };
        if file.is_folder()
            && let Some(plan) = whole.and_then(|whole| self.judge.plan(file, whole))
        {
            let text = format!("{}\n{}\n\n{plan}", self.report.rule, file.about);
            golden::hold(file, golden::PLAN, &text, self.mode, &mut self.report)?;
        }
        let mut rewrite = false;
        for (case, answer) in file.cases.iter().zip(answers) {
            // What a golden file holds need not be said again in the case.
            let met = case.expect.as_ref() == Some(answer) || (golden && case.expect.is_none());
            if met || self.mode == Mode::Bless {
                rewrite |= !met;
                self.report.passed += 1;
                continue;
            }
            let Some(expected) = &case.expect else {
                if !file.is_folder() {
                    let text = format!("{}\n    expected nothing yet\n    got      {answer}", told(file, case));
                    self.report.fail(code::ANSWER, text);
                }
                continue;
            };
            let text = format!("{}\n    expected {expected}\n    got      {answer}", told(file, case));
            self.report.fail(code::ANSWER, text);
        }
        if rewrite {
            let path = file.path.clone();
            std::fs::write(&path, bless(file, answers)).map_err(|source| CaseError::Io {
                action: "write",
                path: path.clone(),
                source,
            })?;
            self.report.blessed.push(path);
        }
        Ok(())
    }
}

/// Where a case is, and what it is called.
fn place(file: &CaseFile, case: &Case) -> String {
    format!("{}:{}: {}, {}", file.path.display(), case.line, case.identity, case.label)
}

/// The same, and what it shows.
fn told(file: &CaseFile, case: &Case) -> String {
    format!("{}: {}", place(file, case), case.name.as_ref().unwrap_or(&file.about))
}

/// The cases around one, in their order.
fn around(cases: &[Case], at: usize) -> String {
    let first = at.saturating_sub(ORDER_SHOWN / 2);
    let labels: Vec<_> = cases.iter().skip(first).take(ORDER_SHOWN).map(|c| format!("{} {}", c.identity, c.label)).collect();
    let before = if first > 0 { "…, " } else { "" };
    let after = if first + ORDER_SHOWN < cases.len() { ", …" } else { "" };
    format!("({before}{}{after})", labels.join(", "))
}
