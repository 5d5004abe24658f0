//! A test in a process of its own, so that its memory can be measured: run by another test, by its name. Tests of that kind are
//! marked as ignored. Owns how they are started and how they tell their figures.

use std::fs;
use std::process::Command;
use std::time::Instant;

/// Runs an ignored test alone. Gives what it printed.
pub(super) fn run(test: &str, environment: &[(&str, &str)]) -> String {
    let mut child = Command::new(std::env::current_exe().expect("this program"));
    child.args([test, "--exact", "--ignored", "--nocapture", "--test-threads", "1"]);
    // One heap for all threads: how many there are is not what is measured.
    let output = child.env("MALLOC_ARENA_MAX", "1").envs(environment.iter().copied()).output().expect("a process");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let ran = output.status.success() && text.contains("test result: ok. 1 passed");
    assert!(ran, "{test}: {}\n{text}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    text
}

/// The numbers behind `measured` in what a test printed.
pub(super) fn measured(text: &str) -> Vec<u64> {
    let figures = text.lines().find_map(|line| line.strip_prefix("measured ")).expect("figures");
    figures.split(' ').map(|figure| figure.parse().expect("a number")).collect()
}

/// By how much this process grows at most beyond what it has now, in KiB.
pub(super) fn growth(work: impl FnOnce()) -> u64 {
    let before = held();
    peak(work).saturating_sub(before)
}

/// The most that this process has meanwhile, in KiB.
pub(super) fn peak(work: impl FnOnce()) -> u64 {
    // From here on the peak is that of the work.
    fs::write("/proc/self/clear_refs", "5").expect("the peak is forgotten");
    work();
    status("VmHWM:")
}

/// What this process has now, in KiB.
pub(super) fn held() -> u64 {
    status("VmRSS:")
}

fn status(line: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("what the system says of this process");
    let value = status.lines().find_map(|found| found.strip_prefix(line)).expect("a line of memory");
    value.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Now, by a clock that only measures.
#[expect(clippy::disallowed_methods, reason = "it measures")]
pub(super) fn now() -> Instant {
    Instant::now()
}
