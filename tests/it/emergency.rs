//! An emergency call while a bulk run is in full flight, from another process: it wins, and what it denies stays away.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use trueup::target::{EmbeddedTarget, JournalRow};
use trueup_tests::{cli, kill};

/// Gets grants in the run that is called into.
const HOLDER: &str = "user0800";

fn journal(folder: &Path) -> Vec<JournalRow> {
    EmbeddedTarget::open(&folder.join("crm.db"), "crm").expect("target").journal().expect("journal")
}

fn held(folder: &Path) -> usize {
    let target = EmbeddedTarget::open(&folder.join("crm.db"), "crm").expect("target");
    target.dump().expect("rows").iter().filter(|row| row.holder == HOLDER).count()
}

#[test]
fn v28_v29_a_call_beside_a_running_job_wins_and_leaves_a_denial() {
    let folder = tempfile::tempdir().expect("folder");
    let folder = folder.path();
    kill::prepare(folder, cli::standard_module().expect("module"), 1).expect("tenant");
    let mut run = Command::new(cli::binary().expect("binary"))
        .args(["run", "--as-of", kill::AS_OF, "--json", "--progress", "json"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a run");
    let mut lines = BufReader::new(run.stderr.take().expect("stderr")).lines().map_while(Result::ok);
    let sent = lines.by_ref().find(|line| line.contains("\"sent\""));
    assert!(sent.is_some(), "the run sends something");
    let rest = std::thread::spawn(move || lines.count());
    let before = journal(folder).len();
    let called = cli::json(folder, &["revoke", HOLDER, "--target", "crm", "--by", "ada", "--why", "laptop stolen"]);
    let called = called.expect("the call is done");
    assert_eq!(called["settled"], true, "{called}");
    assert_eq!(held(folder), 0, "nothing is left when the call returns");
    let after = journal(folder).len();
    assert!(run.wait().expect("the run ends").success());
    rest.join().expect("its progress");

    // It was called while the run went on, and the run gave nothing of it afterwards.
    let all = journal(folder);
    assert!(before < all.len() && after <= all.len());
    assert_eq!(held(folder), 0, "the running job gives nothing back");
    let last = all.iter().rfind(|row| row.holder == HOLDER);
    assert!(last.is_none_or(|row| row.after.is_none()), "{last:?}");

    // Nor does a later run, until the denial is lifted.
    cli::json(folder, &["run", "--as-of", "2026-03-03T00:00:00Z"]).expect("a later run");
    assert_eq!(held(folder), 0, "a later run gives nothing back");
    cli::json(folder, &["lift", HOLDER, "--target", "crm", "--by", "ada", "--why", "new laptop"]).expect("lifted");
    assert_eq!(held(folder), 0, "lifting gives nothing by itself");
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    cli::json(folder, &["run"]).expect("a run after lifting");
    assert_eq!(held(folder), 3, "what the source still desires comes back");
    assert_eq!(cli::json(folder, &["audit", "verify"]).expect("verify")["verified"], true);
}

#[test]
fn a_call_without_a_running_job_is_done_at_once() {
    let folder = tempfile::tempdir().expect("folder");
    let folder = folder.path();
    kill::prepare(folder, cli::standard_module().expect("module"), 1).expect("tenant");
    assert!(
        cli::trueup(folder, &["revoke", "nobody", "--target", "nowhere", "--by", "a", "--why", "b"])
            .expect("it runs")
            .status
            .code()
            == Some(13)
    );
    let called = cli::json(folder, &["revoke", "user0001", "--object", "team:001", "--by", "ada", "--why", "wrong team"]);
    assert_eq!(called.expect("the call is done")["settled"], true);
    let target = EmbeddedTarget::open(&folder.join("crm.db"), "crm").expect("target");
    let left: Vec<_> = target.dump().expect("rows").into_iter().filter(|row| row.holder == "user0001").collect();
    assert!(!left.is_empty() && left.iter().all(|row| row.object != "team:001"), "{left:?}");
    let log = cli::json(folder, &["audit", "log", "--count", "10"]).expect("log").to_string();
    assert!(log.contains("emergency") && log.contains("wrong team"), "{log}");
}

#[test]
fn v28_a_call_takes_nothing_away_where_trueup_only_observes() {
    let folder = tempfile::tempdir().expect("folder");
    let folder = folder.path();
    kill::prepare(folder, cli::standard_module().expect("module"), 1).expect("tenant");
    let config = std::fs::read_to_string(folder.join("trueup.toml")).expect("configuration");
    std::fs::write(folder.join("trueup.toml"), config.replace("authoritative", "observe")).expect("configuration");
    let rows = || EmbeddedTarget::open(&folder.join("crm.db"), "crm").expect("target").dump().expect("rows");
    let before = rows();
    let called = cli::trueup(folder, &["revoke", "user0001", "--by", "ada", "--why", "stolen", "--json"]).expect("it runs");
    let told: serde_json::Value = serde_json::from_slice(&called.stdout).expect("JSON");
    assert_eq!((told["settled"].as_bool(), called.status.code()), (Some(false), Some(10)), "{told}");
    assert_eq!(rows(), before);
}
