//! What cases cost when they were last accepted, and whether that still holds. A figure binds only where compiler, guest kit and
//! engine are those that it was measured with: all of them move it, and none of them is the author's doing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use trueup_cases::{FileCost, Problem, code};

use super::AuthorError;
use crate::limits::FUEL_MOVES_PERCENT;

/// The file beside a rule's `Cargo.toml`.
const FILE: &str = "fuel.json";

/// What was measured, and with what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FuelRecord {
    /// What compiled the component, as `rustc --version` says it.
    pub compiler: String,
    /// The guest kit's version.
    pub sdk: String,
    /// The engine, as the determinism profile names it.
    pub engine: String,
    /// Fuel of each case file, by its path below the crate.
    pub fuel: BTreeMap<String, u64>,
}

impl FuelRecord {
    /// What a run measured.
    #[must_use]
    pub fn of(dir: &Path, compiler: &str, sdk: &str, costs: &[FileCost]) -> Self {
        let fuel = costs.iter().filter_map(|cost| Some((below(dir, &cost.path), cost.cost.as_ref()?.fuel))).collect();
        FuelRecord { compiler: compiler.to_owned(), sdk: sdk.to_owned(), engine: crate::rule::ENGINE.to_owned(), fuel }
    }

    /// What was recorded for a crate; none when nothing was.
    ///
    /// # Errors
    /// When the file cannot be read, or is no such record.
    pub fn read(dir: &Path) -> Result<Option<Self>, AuthorError> {
        let path = dir.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(AuthorError::Read { path, source }),
        };
        serde_json::from_str(&text).map(Some).map_err(|error| AuthorError::FuelRecord { path, problem: error.to_string() })
    }

    /// Records it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, dir: &Path) -> Result<PathBuf, AuthorError> {
        let path = dir.join(FILE);
        // A record is texts and numbers: it is always JSON.
        let text = serde_json::to_string_pretty(self).unwrap_or_default() + "\n";
        std::fs::write(&path, text).map_err(|source| AuthorError::Write { path: path.clone(), source })?;
        Ok(path)
    }

    /// Holds a run to this record: problems, where both were measured alike; else what differs, to be told.
    #[must_use]
    pub fn hold(&self, now: &FuelRecord) -> (Vec<Problem>, Vec<String>) {
        let told = |name: &str, then: &str, now: &str| (then != now).then(|| format!("{name} is {now}, and was {then}"));
        let others: Vec<String> = [
            told("the compiler", &self.compiler, &now.compiler),
            told("the guest kit", &self.sdk, &now.sdk),
            told("the engine", &self.engine, &now.engine),
        ]
        .into_iter()
        .flatten()
        .collect();
        let moved: Vec<String> =
            now.fuel.iter().filter_map(|(file, now)| Some((file, *self.fuel.get(file)?, *now))).filter_map(differs).collect();
        if others.is_empty() {
            let problem = |text| Problem { code: code::FUEL, text };
            return (moved.into_iter().map(problem).collect(), Vec::new());
        }
        let notes = if moved.is_empty() { Vec::new() } else { others.into_iter().chain(moved).collect() };
        (Vec::new(), notes)
    }
}

fn differs((file, then, now): (&String, u64, u64)) -> Option<String> {
    let room = u128::from(then) * u128::from(FUEL_MOVES_PERCENT);
    if u128::from(then.abs_diff(now)) * 100 <= room {
        return None;
    }
    let percent = (now as f64 - then as f64) / (then.max(1) as f64) * 100.0;
    Some(format!("{file}: fuel {now}, recorded {then} ({percent:+.1} %, allowed ±{FUEL_MOVES_PERCENT} %)"))
}

fn below(dir: &Path, path: &Path) -> String {
    path.strip_prefix(dir).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::{BTreeMap, FuelRecord};

    fn record(compiler: &str, fuel: u64) -> FuelRecord {
        let fuel = BTreeMap::from([("cases/a.json".to_owned(), fuel), (format!("cases/{fuel}.json"), 1)]);
        FuelRecord { compiler: compiler.to_owned(), sdk: "1".to_owned(), engine: "e".to_owned(), fuel }
    }

    #[test]
    fn fuel_binds_where_it_was_measured_alike() {
        let then = record("rustc 1", 10_000);
        for (now, problems) in [(10_000, 0), (10_200, 0), (9_800, 0), (10_201, 1), (9_799, 1)] {
            let (found, notes) = then.hold(&record("rustc 1", now));
            assert_eq!((found.len(), notes.len()), (problems, 0), "{now}");
        }
        let (found, notes) = then.hold(&record("rustc 2", 20_000));
        assert!(found.is_empty());
        assert_eq!(
            notes,
            ["the compiler is rustc 2, and was rustc 1", "cases/a.json: fuel 20000, recorded 10000 (+100.0 %, allowed ±2 %)"]
        );
    }
}
