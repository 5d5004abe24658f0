//! What judging costs, case file by case file. Owns no judgement on whether it is too much.

use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use trueup_cases::{CaseFile, find};

use super::AuthorError;
use super::trial::cases_of;
use crate::rule::Module;

/// What one case file costs. Of time, the median over all rounds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaseCost {
    /// The file.
    pub file: String,
    /// Its cases.
    pub cases: u64,
    /// Nanoseconds of one call into a fresh instance, its making included, per case.
    pub nanoseconds_per_case: u64,
    /// Fuel per case.
    pub fuel_per_case: u64,
    /// Share of the call's fuel budget, in thousandths.
    pub fuel_permille: u64,
    /// Linear memory, in bytes.
    pub memory_bytes: u64,
    /// Fuel per case, beside the least that any file has.
    pub ratio: f64,
    /// Nanoseconds of one call of the native function, per case; none: it was not measured.
    pub native_nanoseconds_per_case: Option<f64>,
    /// The call into the component, beside that of the native function.
    pub beside_native: Option<f64>,
    /// Nanoseconds of one call.
    #[serde(skip)]
    call: u64,
}

impl CaseCost {
    /// Puts the native function's call, in nanoseconds, beside the component's.
    pub(super) fn beside(&mut self, call: u64) {
        self.native_nanoseconds_per_case = Some(call as f64 / self.cases as f64);
        self.beside_native = Some(self.call as f64 / call.max(1) as f64);
    }
}

/// Measures the cases of a crate on its component, so many rounds each; one round first, which does not count.
///
/// # Errors
/// When case files cannot be read.
#[expect(clippy::disallowed_methods, reason = "what is measured is told to people; nothing depends on it")]
pub fn bench(module: &Arc<Module>, dir: &std::path::Path, rounds: u32) -> Result<Vec<CaseCost>, AuthorError> {
    let mut costs = Vec::new();
    for path in find(&cases_of(dir))? {
        let text = std::fs::read_to_string(&path).map_err(|source| AuthorError::Read { path: path.clone(), source })?;
        let file = CaseFile::parse(&path, &text)?;
        let mut columns = file.columns.clone();
        columns.keep_only(&module.column_names());
        let cases = (file.cases.len() as u64).max(1);
        let measured = module.measure_columns(&file.context, &columns);
        let mut times: Vec<u64> = (0..rounds.max(1))
            .map(|_| {
                let began = Instant::now();
                let answer = module.judge_columns(&file.context, &columns);
                let took = began.elapsed().as_nanos();
                drop(answer);
                u64::try_from(took).unwrap_or(u64::MAX)
            })
            .collect();
        times.sort_unstable();
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        let fuel = measured.verdict.fuel;
        costs.push(CaseCost {
            file: path.display().to_string(),
            cases,
            nanoseconds_per_case: median / cases,
            fuel_per_case: fuel / cases,
            fuel_permille: fuel.saturating_mul(1_000) / module.limits().fuel(file.cases.len()).max(1),
            memory_bytes: measured.memory_bytes,
            ratio: 0.0,
            native_nanoseconds_per_case: None,
            beside_native: None,
            call: median,
        });
    }
    let least = costs.iter().map(|cost| cost.fuel_per_case).min().unwrap_or(1).max(1);
    for cost in &mut costs {
        cost.ratio = cost.fuel_per_case as f64 / least as f64;
    }
    costs.sort_by_key(|cost| std::cmp::Reverse(cost.fuel_per_case));
    Ok(costs)
}
