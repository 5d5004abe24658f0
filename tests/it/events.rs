//! The log as events, as a user gets them: printed, pushed to a file at the end of a run, and pushed by hand.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};

use serde_json::Value;
use trueup_tests::{cli, kill};

const EXPORT: &str = r#"
[[export]]
name = "siem"
kind = "file"
path = "events.jsonl"
version = "1.9"
envelope = "cloudevents"
"#;

fn tenant() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("folder");
    kill::prepare(folder.path(), cli::standard_module().expect("module"), 1).expect("tenant");
    configure(folder.path(), EXPORT);
    folder
}

fn configure(folder: &Path, more: &str) {
    let config = fs::read_to_string(folder.join("trueup.toml")).expect("configuration");
    fs::write(folder.join("trueup.toml"), config + more).expect("configuration");
}

fn lines(text: &[u8]) -> Vec<Value> {
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).expect("a line is JSON")).collect()
}

fn pushed(folder: &Path) -> Vec<Value> {
    lines(&fs::read(folder.join("events.jsonl")).unwrap_or_default())
}

#[test]
fn a_run_is_told_to_the_sinks_and_again_to_whoever_asks() {
    let folder = tenant();
    let folder = folder.path();
    let before = cli::json(folder, &["audit", "verify"]).expect("verify")["leaves"].as_u64();
    let run = cli::json(folder, &["run", "--as-of", kill::AS_OF]).expect("a run");
    // What a busy machine did not push in the moment that a command gives it, the next one does.
    let told = cli::json(folder, &["audit", "export-events"]).expect("pushed");
    assert_eq!((&told["sinks"][0]["sink"], &told["sinks"][0]["leaves"]), (&"siem".into(), &0.into()));
    let of_run = |event: &&Value| event["data"]["metadata"]["sequence"].as_u64() >= before;
    let is_confirmed = |event: &&Value| event["type"] == "trueup.audit.confirmed";
    let confirmed = pushed(folder).iter().filter(of_run).filter(is_confirmed).count() as u64;
    let counted: u64 = run["outcomes"]["confirmed"].as_object().expect("grades").values().filter_map(Value::as_u64).sum();
    assert!(confirmed > 0 && confirmed == counted, "{confirmed} of {counted}");
    let printed =
        cli::trueup(folder, &["audit", "events", "--format", "ocsf-1.9", "--envelope", "cloudevents"]).expect("it runs");
    assert_eq!(lines(&printed.stdout), pushed(folder));
    // From a leaf on, in another version: the same ids.
    let printed = cli::trueup(folder, &["audit", "events", "--from", "3"]).expect("it runs");
    let ids = |events: &[Value], at: &str| -> Vec<String> {
        events.iter().map(|event| event.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned()).collect()
    };
    let (all, rest) = (ids(&pushed(folder), "/id"), ids(&lines(&printed.stdout), "/metadata/uid"));
    assert!(!rest.is_empty() && all.ends_with(&rest));
    let status = cli::json(folder, &["status"]).expect("status");
    assert_eq!((&status["sinks"][0]["sink"], &status["sinks"][0]["problem"]), (&"siem".into(), &Value::Null));
}

#[test]
fn a_sink_that_cannot_be_written_fails_no_run_and_is_told_of() {
    let folder = tenant();
    let folder = folder.path();
    std::os::unix::fs::symlink("elsewhere", folder.join("events.jsonl")).expect("a link");
    cli::json(folder, &["run", "--as-of", kill::AS_OF]).expect("the run is done all the same");
    let pushed = cli::trueup(folder, &["audit", "export-events", "--wait", "1"]).expect("it runs");
    assert_eq!(pushed.status.code(), Some(8));
    let status = cli::trueup(folder, &["status"]).expect("it runs");
    let text = String::from_utf8_lossy(&status.stdout);
    assert!(
        text.contains("sink siem is ") && text.contains(" behind: sink `siem` takes no events: it is no plain file"),
        "{text}"
    );
    assert!(!folder.join("elsewhere").exists());
    // Mended, nothing is lost.
    fs::remove_file(folder.join("events.jsonl")).expect("removed");
    cli::json(folder, &["audit", "export-events"]).expect("pushed");
    let printed = cli::trueup(folder, &["audit", "events"]).expect("it runs");
    assert_eq!(self::pushed(folder).len(), lines(&printed.stdout).len());
}

#[test]
fn leaves_go_out_as_they_are_and_states_when_they_are_asked_for() {
    let folder = tenant();
    let folder = folder.path();
    cli::json(folder, &["run", "--as-of", kill::AS_OF]).expect("a run");
    let printed = |args: &[&str]| {
        let all = [&["audit", "events"], args].concat();
        cli::trueup(folder, &all).expect("it runs")
    };
    let plain = lines(&printed(&["--format", "leaf"]).stdout);
    let verified = cli::json(folder, &["audit", "verify"]).expect("verify");
    assert_eq!(Some(plain.len() as u64), verified["leaves"].as_u64());
    assert!(plain.iter().all(|event| event.get("states").is_none()));
    let stated = lines(&printed(&["--format", "leaf", "--states"]).stdout);
    assert!(stated.iter().any(|event| event["states"].get("after").is_some()));
    for (args, code) in [(&["--states"][..], 2), (&["--format", "ocsf-2.0"], 2), (&["--envelope", "soap"], 2)] {
        assert_eq!(printed(args).status.code(), Some(code), "{args:?}");
    }
}

/// Answers each request that it has read, and passes its body on.
fn serve(server: &TcpListener, bodies: &Sender<String>) {
    for stream in server.incoming() {
        let mut stream = stream.expect("a connection");
        let (mut got, mut piece) = (Vec::new(), [0; 4_096]);
        let body = loop {
            let read = stream.read(&mut piece).expect("a request");
            got.extend_from_slice(&piece[..read]);
            let text = String::from_utf8_lossy(&got);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.split("Content-Length: ").nth(1).and_then(|rest| rest.split("\r\n").next()).expect("a length");
            if body.len() == length.parse::<usize>().expect("a number") {
                break body.to_owned();
            }
        };
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").expect("an answer");
        if bodies.send(body).is_err() {
            return;
        }
    }
}

#[test]
fn a_run_is_told_to_a_server_in_batches() {
    let folder = tempfile::tempdir().expect("folder");
    kill::prepare(folder.path(), cli::standard_module().expect("module"), 1).expect("tenant");
    let folder = folder.path();
    let server = TcpListener::bind("127.0.0.1:0").expect("a server");
    let url = format!("http://{}/events", server.local_addr().expect("its address"));
    let (bodies, got) = channel();
    std::thread::spawn(move || serve(&server, &bodies));
    configure(folder, &format!("[[export]]\nname = \"far\"\nkind = \"http\"\nurl = \"{url}\"\nenvelope = \"cloudevents\"\n"));
    cli::json(folder, &["run", "--as-of", kill::AS_OF]).expect("a run");
    let told = cli::json(folder, &["audit", "export-events"]).expect("pushed");
    assert_eq!((&told["sinks"][0]["sink"], &told["sinks"][0]["leaves"]), (&"far".into(), &0.into()));
    let batches = got.try_iter().map(|body| serde_json::from_str::<Vec<Value>>(&body).expect("a batch"));
    let printed = cli::trueup(folder, &["audit", "events", "--envelope", "cloudevents"]).expect("it runs");
    assert_eq!(batches.flatten().collect::<Vec<_>>(), lines(&printed.stdout));
}
