//! Timing the native rule on its case files, when `trueup rule bench` asks for it
//! through the environment. Owns no judgement on whether it is too slow.

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use trueup_cases::{CaseError, CaseFile, find};

use super::{batch_of, context_of};
use crate::rule::NativeRule;

/// Names the file for what was measured; behind a colon before it, how often.
const BENCH: &str = "TRUEUP_BENCH";
/// Calls that are timed at once: reading the clock takes as long as judging some
/// cases.
const CALLS: u32 = 16;

/// Measures, where that is what is wanted: then nothing is checked.
pub(super) fn asked(rule: &NativeRule, folders: &[PathBuf]) -> Result<bool, String> {
    let Ok(wanted) = std::env::var(BENCH) else { return Ok(false) };
    let (rounds, path) = wanted.split_once(':').ok_or_else(|| format!("{BENCH} is `ROUNDS:FILE`, not `{wanted}`"))?;
    let rounds = rounds.parse::<u32>().map_err(|_| format!("{BENCH} begins with a whole number"))?;
    let told = measure(rule, folders, rounds.max(1)).map_err(|error| error.to_string())?;
    std::fs::write(path, told).map(|()| true).map_err(|error| format!("cannot write `{path}`: {error}"))
}

/// A line for each file: its path, and the median of one call in nanoseconds.
#[expect(clippy::disallowed_methods, reason = "what is measured is told to people; nothing depends on it")]
fn measure(rule: &NativeRule, folders: &[PathBuf], rounds: u32) -> Result<String, CaseError> {
    let (mut told, columns) = (String::new(), rule.describe().columns);
    for folder in folders {
        for path in find(folder)? {
            let read = std::fs::read_to_string(&path);
            let text = read.map_err(|source| CaseError::Io { action: "read", path: path.clone(), source })?;
            let file = CaseFile::parse(&path, &text)?;
            let mut shown = file.columns.clone();
            shown.keep_only(&columns);
            let (context, batch) = (context_of(&file.context), batch_of(shown));
            let mut times: Vec<u128> = (0..=rounds)
                .map(|_| {
                    let began = Instant::now();
                    for _ in 0..CALLS {
                        let answer = rule.judge(black_box(&context), black_box(&batch));
                        drop(black_box(answer));
                    }
                    began.elapsed().as_nanos() / u128::from(CALLS)
                })
                .collect();
            times.sort_unstable();
            let path = std::fs::canonicalize(&path).unwrap_or(path);
            // Writing to a string cannot fail.
            let _ = writeln!(told, "{}\t{}", path.display(), times.get(times.len() / 2).copied().unwrap_or_default());
        }
    }
    Ok(told)
}
