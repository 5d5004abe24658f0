//! Runs case files against the shipped component: the same files that `cargo test` runs against the native function.

use std::path::PathBuf;
use std::sync::Arc;

use trueup_cases::{CaseError, CaseFile, Columns, Context, Cost, Judge, Mode, Report, RuleError, RuleInfo, Verdicts};

use super::stage::Stage;
use crate::model::Time;
use crate::rule::{Fault, Module, SettingValue, Settings, VerdictColumns};

/// Runs all case files under these folders against a module.
///
/// # Errors
/// When a file cannot be read, or is no case file.
pub fn run_cases(module: Arc<Module>, folders: &[PathBuf], bless: bool) -> Result<Report, CaseError> {
    let mode = if bless { Mode::Bless } else { Mode::Check };
    trueup_cases::run(&mut ComponentJudge::new(module), folders, mode)
}

/// A component as the case runner sees a rule.
pub struct ComponentJudge {
    module: Arc<Module>,
    last: Option<Cost>,
}

impl ComponentJudge {
    /// A module that answers cases.
    #[must_use]
    pub fn new(module: Arc<Module>) -> Self {
        ComponentJudge { module, last: None }
    }
}

impl Judge for ComponentJudge {
    fn describe(&mut self) -> Result<RuleInfo, RuleError> {
        let facts = self.module.facts();
        Ok(RuleInfo {
            name: facts.name.clone(),
            version: facts.version.clone(),
            columns: self.module.column_names(),
            reasons: facts.reasons.iter().map(|reason| reason.code.clone()).collect(),
        })
    }

    fn judge(&mut self, context: &Context, batch: &Columns) -> Result<Verdicts, RuleError> {
        let measured = self.module.measure_columns(context, batch);
        let log = measured.verdict.log.into_iter().map(|(_, line)| line).collect();
        self.last = Some(Cost { fuel: measured.verdict.fuel, memory: measured.memory_bytes, log });
        measured.verdict.result.map_err(error).map(verdicts)
    }

    fn cost(&mut self) -> Option<Cost> {
        self.last.take()
    }

    fn plan(&mut self, file: &CaseFile, verdicts: &Verdicts) -> Option<String> {
        let stage = Stage::of(&file.columns, Time::from_seconds(file.context.as_of));
        Some(stage.plan(self.module.facts(), answers(verdicts)))
    }
}

fn verdicts(columns: VerdictColumns) -> Verdicts {
    Verdicts {
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
    }
}

/// The same answers as the host holds them.
pub(crate) fn answers(verdicts: &Verdicts) -> VerdictColumns {
    let Verdicts { case, effect, reason, mask, tier, rank, after, flags, until, valid_until } = verdicts.clone();
    VerdictColumns { case, effect, reason, mask, tier, rank, after, flags, until, valid_until: Time::from_seconds(valid_until) }
}

fn error(fault: Fault) -> RuleError {
    let message = fault.to_string();
    match fault {
        Fault::Rule { code, message, case } => RuleError { code, message, case },
        Fault::Trap { case, .. } => {
            // Its number in the batch says less than its place in the file, which stands before the message.
            let number = case.map(|case| format!(" while judging case {case}")).unwrap_or_default();
            RuleError { code: "trap".to_owned(), message: message.replacen(&number, "", 1), case }
        }
        Fault::Limit { limit, .. } => {
            let message = format!("{message}; {}", super::codes::limit_advice(limit));
            RuleError { code: "limit".to_owned(), message, case: None }
        }
        Fault::Malformed { .. } => RuleError { code: "malformed".to_owned(), message, case: None },
        _ => RuleError { code: "fault".to_owned(), message, case: None },
    }
}

/// Settings of the host as a case file holds them.
#[must_use]
pub fn plain_settings(settings: &Settings) -> Vec<(String, trueup_cases::SettingValue)> {
    let value = |value: &SettingValue| match value {
        SettingValue::Text(text) => trueup_cases::SettingValue::Text(text.clone()),
        SettingValue::Integer(number) => trueup_cases::SettingValue::Integer(*number),
        SettingValue::Boolean(flag) => trueup_cases::SettingValue::Boolean(*flag),
        SettingValue::Texts(texts) => trueup_cases::SettingValue::Texts(texts.clone()),
    };
    settings.iter().map(|(name, given)| (name.to_owned(), value(given))).collect()
}
