//! Runs case files against the shipped component: the same files that `cargo test` runs against the native function.

use std::path::PathBuf;
use std::sync::Arc;

use trueup_cases::{CaseError, Columns, Context, Judge, Mode, Report, RuleError, RuleInfo, Verdicts};

use crate::rule::{Fault, Module};

/// Runs all case files under these folders against a module.
///
/// # Errors
/// When a file cannot be read, or is no case file.
pub fn run_cases(module: Arc<Module>, folders: &[PathBuf], bless: bool) -> Result<Report, CaseError> {
    let mode = if bless { Mode::Bless } else { Mode::Check };
    trueup_cases::run(&mut ComponentJudge(module), folders, mode)
}

/// A component as the case runner sees a rule.
pub struct ComponentJudge(pub Arc<Module>);

impl Judge for ComponentJudge {
    fn describe(&mut self) -> Result<RuleInfo, RuleError> {
        let facts = self.0.facts();
        Ok(RuleInfo {
            name: facts.name.clone(),
            columns: self.0.column_names(),
            reasons: facts.reasons.iter().map(|reason| reason.code.clone()).collect(),
        })
    }

    fn judge(&mut self, context: &Context, batch: &Columns) -> Result<Verdicts, RuleError> {
        self.0.judge_columns(context, batch).result.map_err(error).map(|columns| Verdicts {
            case: columns.case,
            effect: columns.effect,
            reason: columns.reason,
            mask: columns.mask,
            tier: columns.tier,
            rank: columns.rank,
            after: columns.after,
            flags: columns.flags,
            until: columns.until,
            valid_until: columns.valid_until.seconds(),
        })
    }
}

fn error(fault: Fault) -> RuleError {
    let message = fault.to_string();
    match fault {
        Fault::Rule { code, message, case } => RuleError { code, message, case },
        Fault::Trap { case, .. } => RuleError { code: "trap".to_owned(), message, case },
        Fault::Limit { .. } => RuleError { code: "limit".to_owned(), message, case: None },
        Fault::Malformed { .. } => RuleError { code: "malformed".to_owned(), message, case: None },
        _ => RuleError { code: "fault".to_owned(), message, case: None },
    }
}
