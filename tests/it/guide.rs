//! What the guides tell a rule's author to type, typed; what they show, held against what happens. And how long an author waits.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use trueup_tests::cli;
use trueup_tests::walk::Walk;

fn page(name: &str) -> std::path::PathBuf {
    cli::root().join("guest-sdk/docs").join(name)
}

#[test]
fn the_guide_is_what_happens() {
    Walk::new().expect("a folder").through(&page("guide.md"), None).unwrap_or_else(|error| panic!("{error:#}"));
}

#[test]
fn common_mistakes_come_back_as_shown() {
    let mut walk = Walk::new().expect("a folder");
    walk.through(&page("mistakes.md"), Some("src/lib.rs")).unwrap_or_else(|error| panic!("{error:#}"));
}

/// Cases in the table that an author waits for, and how long at most, in seconds of processor time. The aim is five on a machine with
/// nothing else to do; the bound leaves room for what is not optimised.
const CASES: usize = 10_000;
const CASES_SECONDS: f64 = 10.0;
/// How long a round of `rule watch` may take in all of its processes, in seconds of processor time; the aim is two on the clock.
const WATCH_SECONDS: f64 = 10.0;

/// A new crate of this name that holds a bundled rule's source and cases. Crates that are built at the same time have names of their
/// own: cargo puts their modules into one folder.
fn bundled(walk: &Walk, name: &str) -> std::path::PathBuf {
    let made = cli::trueup(walk.folder(), &["rule", "new", name]).expect("trueup");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let folder = walk.folder().join(name);
    let from = cli::root().join("rules/least-access");
    for part in ["src", "cases"] {
        fs::remove_dir_all(folder.join(part)).expect("folder");
        fs::create_dir(folder.join(part)).expect("folder");
        for entry in fs::read_dir(from.join(part)).expect("folder").flatten() {
            fs::copy(entry.path(), folder.join(part).join(entry.file_name())).expect("file");
        }
    }
    folder
}

/// Processor time of a process and of those that it has waited for, in seconds, as Linux counts it: in hundredths.
fn processor_seconds(of: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{of}/stat")).expect("this test needs /proc");
    let (_, fields) = text.rsplit_once(") ").expect("fields");
    let ticks: u64 = fields.split(' ').skip(11).take(4).map(|field| field.parse::<u64>().expect("ticks")).sum();
    ticks as f64 / 100.0
}

#[test]
fn ten_thousand_cases_are_tried_in_seconds() {
    let walk = Walk::new().expect("a folder");
    let folder = bundled(&walk, "many-cases");
    // The first time compiles; what is measured is what an author waits for afterwards.
    let first = cli::trueup(&folder, &["rule", "test"]).expect("trueup");
    assert!(first.status.success(), "{}{}", String::from_utf8_lossy(&first.stdout), String::from_utf8_lossy(&first.stderr));
    let row = |at: usize| {
        format!(
            "{{ \"name\": \"row {at}\", \"identity\": \"somebody-{at}\", \"grant\": {{ \"target\": \"git\", \"object\": \"repo:{}\" }}, \
             \"desired\": \"present\", \"observed\": \"present\" }}",
            at % 100
        )
    };
    let rows: Vec<String> = (0..CASES).map(row).collect();
    let table = format!("{{ \"about\": \"Many.\", \"as_of\": \"2026-03-01\", \"table\": [\n{}\n] }}\n", rows.join(",\n"));
    fs::write(folder.join("cases/many.json"), table).expect("case file");
    let blessed = cli::trueup(&folder, &["rule", "test", "--bless", "--component-only"]).expect("trueup");
    assert!(blessed.status.success(), "{}", String::from_utf8_lossy(&blessed.stdout));
    let began = super::alone::now();
    let told = Command::new("sh")
        .args(["-c", "\"$0\" rule test && cat /proc/$$/stat", &cli::binary().expect("program").display().to_string()])
        .current_dir(&folder)
        .stdin(Stdio::null())
        .output()
        .expect("trueup");
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let (said, stat) = told.trim_end().rsplit_once('\n').unwrap_or_else(|| panic!("{told}"));
    assert!(said.contains("passed ") && said.contains("native agrees") && said.contains(" 10,"), "{told}");
    let ticks = stat
        .rsplit_once(") ")
        .map(|(_, fields)| fields.split(' ').skip(13).take(2).filter_map(|f| f.parse::<u64>().ok()).sum::<u64>());
    let seconds = ticks.expect("processor time") as f64 / 100.0;
    eprintln!("{CASES} cases: {seconds:.1} s of processor time, {:.1} s on the clock", began.elapsed().as_secs_f64());
    assert!(seconds < CASES_SECONDS, "{seconds} s of processor time");
}

/// What `rule watch` prints up to the end of a round.
fn round(watch: &mut BufReader<&mut std::process::ChildStdout>) -> String {
    let mut text = String::new();
    while !text.contains("after the save was seen") {
        assert!(watch.read_line(&mut text).expect("a line") > 0, "it ended: {text}");
    }
    text
}

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn a_save_is_tested_at_once() {
    let walk = Walk::new().expect("a folder");
    let folder = bundled(&walk, "watched");
    let mut watch = Command::new(cli::binary().expect("program"));
    let watch =
        watch.args(["rule", "watch"]).current_dir(&folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut watch = Ended(watch.spawn().expect("trueup"));
    let pid = watch.0.id().to_string();
    let mut output = BufReader::new(watch.0.stdout.as_mut().expect("output"));
    assert!(round(&mut output).contains("passed least-access@"));
    let before = processor_seconds(&pid);
    save(&folder, "// Saved once.\n");
    let text = round(&mut output);
    let seconds = processor_seconds(&pid) - before;
    eprintln!("a save: {seconds:.1} s of processor time; {}", text.lines().last().unwrap_or_default());
    assert!(text.contains("passed ") && seconds < WATCH_SECONDS, "{seconds} s: {text}");
    // What does not compile is told, and ends nothing.
    save(&folder, "fn broken(\n");
    assert!(round(&mut output).contains("error[TR0304]: "));
}

/// Adds a line at the end of the rule's source.
fn save(folder: &Path, line: &str) {
    let path = folder.join("src/lib.rs");
    let text = fs::read_to_string(&path).expect("source") + line;
    fs::write(&path, text).expect("source");
}
