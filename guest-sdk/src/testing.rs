//! Trying a native rule under `cargo test`: case files, questions asked of one
//! case, and laws that should hold for any rule.

use std::path::{Path, PathBuf};

use trueup_cases as cases;

use crate::rule::NativeRule;
use crate::wire;

pub mod arbitrary;
mod ask;
mod bench;
mod laws;

pub use ask::{ask, ask_until};
pub use laws::{Law, Laws};
pub use trueup_cases::{CaseFile, Mode, Report};

/// The variable that makes a run rewrite expectations.
const BLESS: &str = "TRUEUP_BLESS";

/// The variable that names a file for the answers.
const ANSWERS: &str = "TRUEUP_ANSWERS";

/// Runs case folders, relative to `root`, and panics with every difference.
/// With `TRUEUP_BLESS=1` it rewrites the expectations instead.
#[expect(clippy::panic, reason = "a failed case is a failed test")]
#[track_caller]
pub fn run(rule: &NativeRule, root: &str, folders: &[&str]) {
    let folders: Vec<PathBuf> = folders.iter().map(|folder| Path::new(root).join(folder)).collect();
    match bench::asked(rule, &folders) {
        Ok(true) => return,
        Ok(false) => {}
        Err(problem) => panic!("{problem}"),
    }
    let mode = if std::env::var_os(BLESS).is_some_and(|value| value == "1") { Mode::Bless } else { Mode::Check };
    let report = match cases::run(&mut Native(rule), &folders, mode) {
        Ok(report) => report,
        Err(error) => panic!("{error}"),
    };
    hand_over(&report);
    for path in &report.blessed {
        eprintln!("rewritten: {}", path.display());
    }
    if report.is_ok() {
        return;
    }
    let failures: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
    let mut message = failures.join("\n");
    for code in &report.unhit {
        message.push_str(&format!("\nno case is answered with the reason `{code}`; write one"));
    }
    panic!(
        "{} of {} cases as expected\n{message}\n\nif the rule is right, rewrite the expectations: {BLESS}=1 cargo test",
        report.passed,
        report.passed + report.failures.len()
    );
}

/// Appends what each case was answered to the file that `trueup rule test` asks
/// for, so that it can compare these answers with the component's.
fn hand_over(report: &Report) {
    use std::io::Write as _;

    let Some(path) = std::env::var_os(ANSWERS) else { return };
    let mut text = format!("rule\t{}\n", report.rule);
    for answered in &report.answers {
        let line = format!("{}\t{}\t{}\t{}\n", answered.path.display(), answered.line, answered.label, answered.answer);
        text.push_str(&line);
    }
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    // Whoever asked sees that nothing was handed over.
    let _ = file.and_then(|mut file| file.write_all(text.as_bytes()));
}

/// A native rule for the case runner.
struct Native<'a>(&'a NativeRule);

impl cases::Judge for Native<'_> {
    fn describe(&mut self) -> Result<cases::RuleInfo, cases::RuleError> {
        let info = self.0.describe();
        Ok(cases::RuleInfo {
            name: info.name,
            version: info.version,
            columns: info.columns,
            reasons: info.reasons.into_iter().map(|reason| reason.code).collect(),
        })
    }

    fn judge(&mut self, context: &cases::Context, batch: &cases::Columns) -> Result<cases::Verdicts, cases::RuleError> {
        let answer = self.0.judge(&context_of(context), &batch_of(batch.clone()));
        let error = |e: wire::RuleError| cases::RuleError { code: e.code, message: e.message, case: e.case };
        answer.map(verdicts_of).map_err(error)
    }
}

/// A case file's context as the contract's.
pub fn context_of(context: &cases::Context) -> wire::Context {
    let setting = |(name, value): &(String, cases::SettingValue)| wire::Setting {
        name: name.clone(),
        value: match value.clone() {
            cases::SettingValue::Text(value) => wire::SettingValue::Text(value),
            cases::SettingValue::Integer(value) => wire::SettingValue::Integer(value),
            cases::SettingValue::Boolean(value) => wire::SettingValue::Boolean(value),
            cases::SettingValue::Texts(value) => wire::SettingValue::Texts(value),
        },
    };
    wire::Context { as_of: context.as_of, settings: context.settings.iter().map(setting).collect(), flags: context.flags }
}

/// A case file's columns as the contract's.
pub fn batch_of(columns: cases::Columns) -> wire::Batch {
    macro_rules! batch {
        ($($column:ident)*) => {
            wire::Batch {
                vendor: columns.vendor.into_iter().map(vendor_of).collect(),
                $($column: columns.$column,)*
            }
        };
    }
    batch! {
        heap text_ends identity identity_ends identity_kind identity_status identity_moved_at
        identity_ends_at identity_owner identity_unit subject target holder object desired observed
        recorded unknown_why differs traits desired_expires_at observed_expires_at not_before
        last_used undesired_since disabled_since desired_level observed_level owner purpose
        observed_purpose record approver via replaces tier exclusion
    }
}

fn vendor_of(column: cases::VendorColumn) -> wire::VendorColumn {
    wire::VendorColumn {
        name: column.name,
        values: match column.values {
            cases::VendorValues::Ids(values) => wire::ColumnValues::Ids(values),
            cases::VendorValues::Integers(values) => wire::ColumnValues::Integers(values),
            cases::VendorValues::Booleans(values) => wire::ColumnValues::Booleans(values),
            cases::VendorValues::IdLists(ends, values) => wire::ColumnValues::IdLists((ends, values)),
        },
    }
}

fn verdicts_of(verdicts: wire::Verdicts) -> cases::Verdicts {
    macro_rules! verdicts {
        ($($column:ident)*) => { cases::Verdicts { $($column: verdicts.$column,)* } };
    }
    verdicts! { case effect reason mask tier rank after flags until valid_until }
}
