//! A rule's whole trial: the component from the sources as they are now, every case on it, the same cases on the native function,
//! and both answers side by side.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use trueup_cases::{Answered, Problem, Report, code};

use super::build::{command, toolchain_version};
use super::{AuthorError, BuildOptions, Built, FuelRecord, build_component, run_cases};
use crate::model::Digest;
use crate::rule::{AdmitError, Module};

/// The folder of a rule's cases.
const CASES: &str = "cases";
/// The variable that tells the native run where to put its answers.
const ANSWERS: &str = "TRUEUP_ANSWERS";
/// The variable that makes the native run rewrite expectations: never passed on, the component has rewritten them by then.
const BLESS: &str = "TRUEUP_BLESS";
/// Why the native function was not tried.
const SILENT: &str = "the native function is tried when the component answers: natively nothing would end a loop";
/// Differences between both runs that are told one by one.
const TOLD: usize = 20;

/// How to try a rule.
#[derive(Clone, Debug, Default)]
pub struct TrialOptions {
    /// How to build it.
    pub build: BuildOptions,
    /// Rewrite what is expected.
    pub bless: bool,
    /// Leave out the native function.
    pub component_only: bool,
    /// A component that was built before, and must be what the sources give now.
    pub component: Option<PathBuf>,
}

/// What came of a trial.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Trial {
    /// The component that was tried.
    pub built: Built,
    /// What the component answered, with every problem of the trial.
    pub report: Report,
    /// Whether the native function answered all cases alike; none: it was left out.
    pub native: Option<bool>,
    /// What is told and fails nothing: fuel that moved with the compiler.
    pub notes: Vec<String>,
    /// What the crate's own tests printed, when they failed.
    pub tests: String,
}

impl Trial {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.report.is_ok() && self.native != Some(false)
    }
}

/// Tries the rule in a folder. `load` admits the component: with the limits, the cache and the worker of the caller.
///
/// # Errors
/// When there is no component, it is not admitted, or case files cannot be read. Cases that fail are in the trial.
pub fn try_rule(
    dir: &Path,
    options: &TrialOptions,
    load: impl FnOnce(&[u8]) -> Result<Module, AdmitError>,
) -> Result<Trial, AuthorError> {
    let cases = cases_of(dir);
    if !cases.is_dir() {
        return Err(AuthorError::NoCases(dir.to_owned()));
    }
    let built = build_component(dir, &options.build)?;
    if let Some(path) = &options.component {
        fresh(path, &built)?;
    }
    let module = Arc::new(load(&built.component)?);
    let sdk = module.built().and_then(|built| built.facts.get("sdk").cloned()).unwrap_or_default();
    let mut report = run_cases(module, std::slice::from_ref(&cases), options.bless)?;
    let compiler = toolchain_version(dir)?;
    let now = FuelRecord::of(dir, &compiler, &sdk, &report.costs);
    let mut notes = Vec::new();
    if options.bless {
        report.blessed.push(now.write(dir)?);
    } else if let Some(then) = FuelRecord::read(dir)? {
        let (problems, told) = then.hold(&now);
        report.failures.extend(problems);
        notes.extend(told);
    }
    let mut trial = Trial { built, report, native: None, notes, tests: String::new() };
    match options.component_only {
        true => {}
        false if is_silent(&trial.report) => trial.notes.push(SILENT.to_owned()),
        false => native(dir, &mut trial)?,
    }
    Ok(trial)
}

/// The folder of a crate's cases, named as briefly as its author would: reports say `cases/x.json`, and so can be copied.
pub(super) fn cases_of(dir: &Path) -> PathBuf {
    if dir == Path::new(".") { PathBuf::from(CASES) } else { dir.join(CASES) }
}

/// A component that was built before is used only if it is the one that would be built now.
fn fresh(path: &Path, built: &Built) -> Result<(), AuthorError> {
    let bytes = std::fs::read(path).map_err(|source| AuthorError::Read { path: path.to_owned(), source })?;
    match Digest::of(&bytes) == Digest::of(&built.component) {
        true => Ok(()),
        false => Err(AuthorError::Stale(path.to_owned())),
    }
}

/// Whether some case ended the component, so that there is nothing to compare. What has no end has none natively either.
fn is_silent(report: &Report) -> bool {
    report.failures.iter().any(|problem| [code::TRAP, code::LIMIT].contains(&problem.code))
}

/// Runs the crate's own tests, which hand over what the native function answered.
fn native(dir: &Path, trial: &mut Trial) -> Result<(), AuthorError> {
    let place = std::env::temp_dir().join(format!("trueup-answers-{}", std::process::id()));
    // Left by a process of the same number that was killed; that there is none is the usual case.
    let _ = std::fs::remove_file(&place);
    let output = command("cargo", dir, None)
        .args(["test", "--quiet"])
        .env(ANSWERS, &place)
        .env_remove(BLESS)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| super::BuildError::Start { program: "cargo", source })?;
    let handed = std::fs::read_to_string(&place).unwrap_or_default();
    let _ = std::fs::remove_file(&place);
    let mut problems = Vec::new();
    let differ = compare(&trial.report.answers, &answers(&handed));
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    // The same cases fail alike there: they are told once.
    let told = !handed.is_empty() && differ.is_empty() && fails_on_cases(&trial.report) && only_cases_failed(&said);
    if !output.status.success() && !told {
        trial.tests = said;
        let text = "the crate's own tests fail natively: `cargo test` tells why".to_owned();
        problems.push(Problem { code: code::TESTS, text });
    }
    if output.status.success() && handed.is_empty() {
        let text = "the crate's own tests do not run the cases; end `src/lib.rs` with `trueup_guest::cases!();`".to_owned();
        problems.push(Problem { code: code::NOT_RUN, text });
    }
    problems.extend(differ);
    trial.native = Some(problems.is_empty());
    trial.report.failures.extend(problems);
    Ok(())
}

/// Whether the component fails in what the native run looks at too.
fn fails_on_cases(report: &Report) -> bool {
    !report.unhit.is_empty() || report.failures.iter().any(|problem| problem.code != code::FUEL)
}

/// Whether the test that runs the cases is all that failed, as the list at the end of what `cargo test` says tells.
fn only_cases_failed(said: &str) -> bool {
    let Some((_, list)) = said.rsplit_once("\nfailures:\n") else { return false };
    let mut names = list.lines().map(str::trim).take_while(|name| !name.is_empty()).peekable();
    names.peek().is_some() && names.all(|name| name == "cases" || name.ends_with("::cases"))
}

/// What was answered where: path, line and label of a case.
type Answers<'a> = BTreeMap<(&'a str, &'a str, &'a str), &'a str>;

fn answers(handed: &str) -> Answers<'_> {
    let rows = handed.lines().filter_map(|line| {
        let mut fields = line.splitn(4, '\t');
        let place = (fields.next()?, fields.next()?, fields.next()?);
        Some((place, fields.next()?))
    });
    rows.collect()
}

/// Both answers of each case that they differ on.
fn compare(component: &[Answered], native: &Answers<'_>) -> Vec<Problem> {
    let problem = |text| Problem { code: code::NATIVE, text };
    let mut differ: Vec<Problem> = Vec::new();
    let mut more = 0_u64;
    for case in component {
        let (path, line) = (case.path.display().to_string(), case.line.to_string());
        let Some(answer) = native.get(&(path.as_str(), line.as_str(), case.label.as_str())) else { continue };
        if *answer == case.answer {
            continue;
        }
        if differ.len() == TOLD {
            more += 1;
            continue;
        }
        let place = format!("{}:{}: {}", case.path.display(), case.line, case.label);
        differ.push(problem(format!(
            "{place}: component and native function answer differently\n    component {}\n    native    {answer}",
            case.answer
        )));
    }
    if more > 0 {
        differ.push(problem(format!("{more} further cases are answered differently")));
    }
    differ
}

#[cfg(test)]
mod tests {
    use super::{Answered, answers, compare, only_cases_failed};

    #[test]
    fn a_failure_is_told_again_unless_the_cases_alone_failed() {
        let said =
            |names: &str| format!("\nfailures:\n\n---- cases stdout ----\npanic\n\n\nfailures:\n{names}\ntest result: FAILED.\n");
        assert!(only_cases_failed(&said("    cases\n")) && only_cases_failed(&said("    tests::cases\n")));
        assert!(!only_cases_failed(&said("    cases\n    laws\n")) && !only_cases_failed(&said("    laws\n")));
        assert!(!only_cases_failed("") && !only_cases_failed("error: could not compile `x`\n"));
    }

    #[test]
    fn a_difference_names_the_case_and_both_answers() {
        let case = |line, answer: &str| Answered {
            path: "/x/cases/a.json".into(),
            line,
            label: "git/ada".to_owned(),
            answer: answer.to_owned(),
        };
        let handed = "rule\tx@1\n/x/cases/a.json\t3\tgit/ada\tkeep\n/x/cases/a.json\t9\tgit/ada\tkeep\n";
        let problems = compare(&[case(3, "keep"), case(9, "absent"), case(12, "keep")], &answers(handed));
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "[TR0409] /x/cases/a.json:9: git/ada: component and native function answer differently\n    component absent\n    native    keep"
            ]
        );
    }
}
