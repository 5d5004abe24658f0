//! What came of a run: problems with stable codes, answers, costs, and which
//! reasons and effects were met.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::columns::RuleError;

/// Stable codes of what can be wrong with a rule on its cases. What each means
/// and what to do about it is told by `trueup rule explain CODE`.
pub mod code {
    /// The rule panicked, or ran into a trap.
    pub const TRAP: &str = "TR0201";
    /// The rule passed a limit.
    pub const LIMIT: &str = "TR0202";
    /// The rule said that it cannot judge.
    pub const REFUSED: &str = "TR0203";
    /// The rule's answer breaks the contract.
    pub const MALFORMED: &str = "TR0204";
    /// Another fault of the host.
    pub const FAULT: &str = "TR0205";
    /// The rule does not describe itself.
    pub const DESCRIBE: &str = "TR0206";
    /// A case is answered otherwise than expected.
    pub const ANSWER: &str = "TR0401";
    /// An answer depends on the order of identities or cases.
    pub const ORDER: &str = "TR0402";
    /// The same batch is answered in two ways.
    pub const TWICE: &str = "TR0403";
    /// An error is expected, and there is none, or another.
    pub const NO_ERROR: &str = "TR0404";
    /// The answers hold until another instant than expected.
    pub const VALID_UNTIL: &str = "TR0405";
    /// No case is answered with a reason.
    pub const UNHIT: &str = "TR0406";
    /// A reason stands twice in the rule's table.
    pub const REASON_TWICE: &str = "TR0407";
    /// A golden file is not what came out.
    pub const GOLDEN: &str = "TR0408";
    /// Native rule and component answer differently.
    pub const NATIVE: &str = "TR0409";
    /// Fuel is not what was recorded.
    pub const FUEL: &str = "TR0410";
    /// The crate's own tests fail.
    pub const TESTS: &str = "TR0411";
    /// The crate's own tests do not run the cases.
    pub const NOT_RUN: &str = "TR0412";
    /// A component is not what the sources give.
    pub const STALE: &str = "TR0413";
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its stable code.
    pub code: &'static str,
    /// Where and what, in words.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.code, self.text)
    }
}

/// What one case was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Its file, as a path without links.
    pub path: PathBuf,
    /// Its line.
    pub line: usize,
    /// Its label.
    pub label: String,
    /// The answer in one line, or how the rule failed.
    pub answer: String,
}

/// What judging a batch cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cost {
    /// Fuel.
    pub fuel: u64,
    /// Linear memory at its highest, in bytes.
    pub memory: u64,
    /// What the rule logged.
    pub log: Vec<String>,
}

/// What judging a file cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileCost {
    /// The file.
    pub path: PathBuf,
    /// Cases in it.
    pub cases: usize,
    /// Fuel and log of all its batches together, memory of the largest; none
    /// where the rule cannot tell.
    pub cost: Option<Cost>,
}

/// What came of a run.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The rule, as name@version.
    pub rule: String,
    /// Files read.
    pub files: usize,
    /// Cases that met their expectation.
    pub passed: usize,
    /// One entry per expectation that was not met, with file and line.
    pub failures: Vec<Problem>,
    /// Files that were rewritten.
    pub blessed: Vec<PathBuf>,
    /// Reasons of the rule's table that no case was answered with.
    pub unhit: Vec<String>,
    /// How often each reason of the table was given, by effect.
    pub hits: BTreeMap<String, BTreeMap<String, u64>>,
    /// How many cases got no opinion.
    pub no_opinion: u64,
    /// What each case was answered.
    pub answers: Vec<Answered>,
    /// What each file cost.
    pub costs: Vec<FileCost>,
}

impl Report {
    /// Whether every expectation was met and every reason was given.
    pub fn is_ok(&self) -> bool {
        self.failures.is_empty() && self.unhit.is_empty()
    }

    pub(crate) fn fail(&mut self, code: &'static str, text: impl Into<String>) {
        self.failures.push(Problem { code, text: text.into() });
    }
}

/// The code for an error of a rule.
pub(crate) fn code_of(error: &RuleError) -> &'static str {
    match error.code.as_str() {
        "trap" => code::TRAP,
        "limit" => code::LIMIT,
        "malformed" => code::MALFORMED,
        "fault" => code::FAULT,
        _ => code::REFUSED,
    }
}
