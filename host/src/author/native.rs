//! What the native function takes over the same cases, timed in the same run: the crate's own tests measure it when they are asked
//! to, compiled as the component is. What is no rule of ours to judge, such as tests that do not compile, is told and no error.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use trueup_cases::{Problem, code};

use super::bench::CaseCost;
use super::build::{PROFILE, command};

/// The variable that asks for it: how often, and the file for what was measured.
const BENCH: &str = "TRUEUP_BENCH";

/// Puts what the native function takes beside what the component takes.
///
/// # Errors
/// When the crate's tests cannot be run, or do not run its cases. The figures of the component stay as they are.
pub fn beside_native(costs: &mut [CaseCost], dir: &Path, rounds: u32) -> Result<(), Problem> {
    let place = std::env::temp_dir().join(format!("trueup-native-{}", std::process::id()));
    // Left by a process of the same number that was killed; that there is none is the usual case.
    let _ = std::fs::remove_file(&place);
    let mut cargo = command("cargo", dir, None);
    cargo.args(["test", "--quiet", "--lib", "--profile=guest"]);
    for setting in PROFILE {
        cargo.args(["--config", setting]);
    }
    cargo.args(["--", "cases", "--test-threads=1"]).env(BENCH, format!("{rounds}:{}", place.display())).stdin(Stdio::null());
    let ran = cargo.output().is_ok_and(|output| output.status.success());
    let told = std::fs::read_to_string(&place).unwrap_or_default();
    let _ = std::fs::remove_file(&place);
    let times: BTreeMap<PathBuf, u64> = told.lines().filter_map(line).collect();
    match (ran, times.is_empty()) {
        (false, _) => Err(Problem {
            code: code::TESTS,
            text: "the crate's own tests do not run natively: `cargo test` tells why".to_owned(),
        }),
        (true, true) => Err(Problem {
            code: code::NOT_RUN,
            text: "the crate's own tests do not run the cases; end `src/lib.rs` with `trueup_guest::cases!();`".to_owned(),
        }),
        (true, false) => {
            for cost in costs {
                let path = std::fs::canonicalize(&cost.file).unwrap_or_default();
                if let Some(call) = times.get(&path) {
                    cost.beside(*call);
                }
            }
            Ok(())
        }
    }
}

fn line(line: &str) -> Option<(PathBuf, u64)> {
    let (path, nanoseconds) = line.split_once('\t')?;
    Some((PathBuf::from(path), nanoseconds.parse().ok()?))
}
