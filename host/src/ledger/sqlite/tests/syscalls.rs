//! Real system calls of a child process fail: the same scenario under `strace`, which injects errors into every flush,
//! write, truncation and rename. Needs Linux and `strace`; says so where it cannot run.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use super::faults::{each, ground, report};
use super::oracle::{Fate, Oracle};
use super::private_in;
use super::scenario::{Client, content};
use crate::audit::LogHead;
use crate::ledger::fixture::missing;
use crate::model::Digest;

const DIR: &str = "TRUEUP_FAULTY_LEDGER";

/// Not a test of its own: the process whose system calls fail.
#[test]
#[ignore = "run by the test that makes its system calls fail"]
fn runs_the_scenario() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    // The harness has begun a line.
    println!();
    let mut client = Client::new(Path::new(&dir), None, Box::new(|line| println!("{line}")));
    let finished = client.run().is_ok();
    client.wrong.iter().for_each(|wrong| println!("wrong {wrong}"));
    println!("ended {finished}");
}

/// The child under `strace`: what it said, and the system calls that were made, one per line.
fn child(dir: &Path, trace: &str, inject: Option<&str>) -> (Vec<String>, Vec<String>) {
    let log = dir.with_file_name("trace");
    let inject = inject.map(|inject| format!("inject={inject}"));
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-y", "--seccomp-bpf", "-o"]).arg(&log).args(["-e", &format!("trace={trace}")]);
    command.args(inject.iter().flat_map(|inject| ["-e", inject]));
    // Only what concerns the ledger: the child also writes to its standard output.
    for name in ["", "ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-journal", "unfinished-1"] {
        command.arg("-P").arg(if name.is_empty() { dir.to_owned() } else { dir.join(name) });
    }
    let child = command
        .arg(std::env::current_exe().expect("this test"))
        .args([
            "--exact",
            "ledger::sqlite::tests::syscalls::runs_the_scenario",
            "--ignored",
            "--nocapture",
            "--test-threads",
            "1",
        ])
        .env(DIR, dir)
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .output()
        .expect("strace runs");
    let lines = |bytes: &[u8]| String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect::<Vec<_>>();
    let calls = std::fs::read(&log).map(|bytes| lines(&bytes)).unwrap_or_default();
    let mut said = lines(&child.stdout);
    said.extend(lines(&child.stderr).into_iter().filter(|line| line.contains("panicked")).map(|line| format!("wrong {line}")));
    (said, calls)
}

/// What the child knew, from what it said; and what it found wrong.
fn heard(said: &[String]) -> (Oracle, Vec<String>) {
    let mut oracle = Oracle::default();
    let mut wrong = Vec::new();
    let mut ended = false;
    for line in said {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["sent", _, burst, name] => _ = oracle.send(burst.parse().expect("a burst"), content(name)),
            ["epoch", epoch] => oracle.acquired(epoch.parse().expect("an epoch"), 0),
            ["fate", number, fate @ ..] => {
                let fate = match fate {
                    ["committed", size, root] => {
                        let (size, root) = (size.parse().expect("a size"), Digest::parse(root).expect("a root"));
                        Fate::Committed(LogHead { size, root })
                    }
                    ["refused"] => Fate::Refused,
                    ["found", found] => Fate::Found(*found == "true"),
                    other => panic!("no fate: {other:?}"),
                };
                oracle.learn(number.parse().expect("a number"), fate, 0);
            }
            ["wrong", ..] => wrong.push(line.clone()),
            ["ended", _] => ended = true,
            _ => {}
        }
    }
    if !ended {
        wrong.push(format!("the child did not end: {:?}", said.last()));
    }
    (oracle, wrong)
}

/// One run of the child; how many calls were injected into, and what is wrong.
fn with(trace: &str, inject: Option<&str>) -> (Vec<String>, Vec<String>) {
    let place = private_in(&ground());
    let dir = place.path().canonicalize().expect("it is there").join("ledger");
    let (said, calls) = child(&dir, trace, inject);
    let (oracle, mut wrong) = heard(&said);
    if let Err(problem) = oracle.check(&dir, usize::MAX) {
        wrong.push(problem);
    }
    (calls, wrong)
}

/// `strace` counts for each thread; a fault hits each at its own `n`th call.
fn most_per_thread(calls: &[String], name: &str) -> usize {
    let mut made: BTreeMap<&str, usize> = BTreeMap::new();
    for (thread, call) in calls.iter().filter_map(|line| line.split_once(' ')) {
        *made.entry(thread).or_default() += usize::from(call.trim_start().starts_with(&format!("{name}(")));
    }
    made.into_values().max().unwrap_or(0)
}

#[test]
fn every_failing_system_call_leaves_all_that_was_acknowledged() {
    let works = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).status().is_ok_and(|status| status.success());
    if !works {
        return missing("strace, with the right to trace its child");
    }
    let mut faults = Vec::new();
    let mut calls = BTreeMap::new();
    for (name, error) in [
        ("fdatasync", "EIO"),
        ("fsync", "EIO"),
        ("ftruncate", "EIO"),
        ("rename", "EIO"),
        ("pwrite64", "ENOSPC"),
        ("write", "ENOSPC"),
    ] {
        let (made, wrong) = with(name, None);
        report(&wrong);
        let made = most_per_thread(&made, name);
        calls.insert(name, made);
        for at in 1..=made {
            faults.extend(["", "+"].map(|lasts| (name, format!("{name}:error={error}:when={at}{lasts}"))));
        }
    }
    assert!(calls["fdatasync"] + calls["fsync"] > 20, "{calls:?}");
    let wrong = Mutex::new(Vec::new());
    let tried = faults.len();
    each(faults, |(name, inject)| {
        let (calls, mut found) = with(name, Some(&inject));
        if !calls.iter().any(|line| line.contains("(INJECTED)")) {
            found.push("nothing failed".to_owned());
        }
        wrong.lock().expect("nobody panics with it").extend(found.into_iter().map(|problem| format!("{inject}: {problem}")));
    });
    println!("most system calls of a thread in the scenario: {calls:?}; {tried} runs with failing ones");
    report(&wrong.into_inner().expect("nobody panics with it"));
}
