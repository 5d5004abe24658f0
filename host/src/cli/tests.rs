//! Marked secrets in every input of the command line, and a search for them in every byte that its commands leave behind or print.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Exit, command_line};
use crate::model::{Holding, Subject, Time};
use crate::progress::Silent;
use crate::target::{EmbeddedRow, EmbeddedTarget};

/// Where bytes come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Output {
    /// The ledger: rows, leaves and states beside them.
    Ledger,
    /// Pages, plans, reports, recordings, what rules answered.
    Runs,
    /// Attached files.
    Evidence,
    /// Keys of scans, checkpoints, cursors, compiled code, and whatever else the store may hold one day.
    Rest,
    /// The folder of keys.
    Keys,
    /// Events, tiles, proofs, what a witness keeps.
    Exports,
    Metrics,
    Stdout,
    Stderr,
}

use Output::{Evidence, Exports, Keys, Ledger, Rest, Runs, Stderr, Stdout};

/// An input, and where what it holds may come out. The rows are those of the table in `docs/threats.md`.
const INPUTS: [(&str, &[Output]); 15] = [
    ("column that no field is mapped to: grants", &[]),
    ("column that no field is mapped to: accounts", &[]),
    ("column that no field is mapped to: catalogue", &[]),
    ("key that no field is mapped to: JSON Lines", &[]),
    ("what a target holds beside access", &[]),
    ("path of a witness's url", &[]),
    ("user of a url that is refused", &[]),
    ("first line of a witness's answer", &[]),
    ("header of a witness's answer", &[]),
    ("body of a witness's answer", &[]),
    ("attached file", &[Evidence]),
    ("secret key", &[Keys]),
    // No secrets: shown on purpose, and what shows that the search finds anything.
    ("holder", &[Ledger, Runs, Exports, Stdout]),
    ("owner", &[Ledger, Runs, Exports, Stdout]),
    ("note of an attachment", &[Ledger, Exports, Stdout]),
];
/// Inputs of which each output that may hold them must do so.
const SHOWN: [&str; 3] = ["attached file", "secret key", "holder"];

/// The mark of an input. Something in it changes when it is written as base 64, hexadecimal or a part of a URL.
fn mark(input: &str) -> String {
    let place = INPUTS.iter().position(|(name, _)| *name == input).unwrap();
    format!("k{place:02}~7f3a9c01e5d2+b8{place:02}q")
}

/// All ways in which a mark may be written.
fn spellings(mark: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = mark.iter().map(|byte| format!("{byte:02x}")).collect();
    let percent: String = mark
        .iter()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(*byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    let mut all = vec![mark.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes(), percent.to_lowercase().into_bytes()];
    all.push(percent.into_bytes());
    // In base 64 it depends on what stands before; the letters at both ends also hold bits of others.
    for before in 0..3 {
        let text = base64(&[&vec![0; before], mark].concat());
        let inner = text.trim_end_matches('=');
        let inner = inner[(before * 8).div_ceil(6)..inner.len() - 1].to_owned();
        all.push(inner.replace('+', "-").replace('/', "_").into_bytes());
        all.push(inner.into_bytes());
    }
    all
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0usize, |bits, at| bits << 8 | usize::from(*group.get(at).unwrap_or(&0)));
        for (place, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            text.push(if place <= group.len() { char::from(LETTERS[bits >> shift & 63]) } else { '=' });
        }
    }
    text
}

fn holds(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

/// A folder with a tenant, and all that its commands printed.
struct Tenant {
    folder: tempfile::TempDir,
    told: Vec<(Output, String, Vec<u8>)>,
}

impl Tenant {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Runs a command, for people and for machines where that does the same; gives what it printed last.
    fn call(&mut self, args: &[&str]) -> (Exit, String) {
        let (config, metrics) = (self.path("trueup.toml"), self.path("metrics.prom"));
        let mut all = vec!["trueup", "--config", config.to_str().unwrap(), "--metrics", metrics.to_str().unwrap()];
        all.extend(["--progress", "json"]);
        all.extend(args);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = command_line(all.iter().map(std::ffi::OsString::from), &mut out, &mut err, Arc::new(Silent));
        let text = String::from_utf8_lossy(&out).into_owned();
        self.told.push((Output::Stdout, args.join(" "), out));
        self.told.push((Output::Stderr, args.join(" "), err));
        (exit, text)
    }

    /// The same, which must succeed.
    fn done(&mut self, args: &[&str]) -> String {
        let (exit, text) = self.call(args);
        let (.., err) = self.told.last().unwrap();
        assert_eq!(exit, Exit::Done, "{args:?}: {}", String::from_utf8_lossy(err));
        text
    }

    /// Every file that was left, and every stream.
    fn outputs(&self) -> Vec<(Output, String, Vec<u8>)> {
        let mut all = self.told.clone();
        let mut folders = vec![self.path("store"), self.path("keys"), self.path("tiles"), self.path("out")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path.strip_prefix(self.folder.path()).unwrap().display().to_string();
                let mut parts = name.split('/');
                let output = match (parts.next(), parts.next()) {
                    (Some("keys"), _) => Keys,
                    (Some("tiles" | "out"), _) => Exports,
                    (_, Some("ledger")) => Ledger,
                    (_, Some("evidence")) => Evidence,
                    (_, Some("pages" | "plans" | "runs" | "recordings" | "answers" | "spill")) => Runs,
                    _ => Rest,
                };
                // A file's name is an output like its bytes.
                all.push((output, name.clone(), [name.as_bytes(), &fs::read(&path).unwrap()].concat()));
            }
        }
        all.push((Output::Metrics, "metrics".to_owned(), fs::read(self.path("metrics.prom")).unwrap()));
        all
    }
}

/// A server that answers each checkpoint with an error, and says too much.
fn witness() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let [line, header, body] =
        ["first line of a witness's answer", "header of a witness's answer", "body of a witness's answer"].map(mark);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut asked = [0; 4_096];
            drop(stream.read(&mut asked));
            drop(write!(stream, "HTTP/1.1 503 {line}\r\nX-Trace: {header}\r\nConnection: close\r\n\r\n{body}"));
        }
    });
    port
}

/// Grants that have ended, accounts, a catalogue and a person; each file has a column more than is mapped.
fn tenant() -> Tenant {
    let tenant = Tenant { folder: tempfile::tempdir().unwrap(), told: Vec::new() };
    let (holder, owner) = (mark("holder"), mark("owner"));
    let config = format!(
        r#"
tenant = "acme"
store = "store"
[audit]
keys = "keys"
[[audit.witness]]
name = "http"
kind = "http"
url = "http://127.0.0.1:{}/checkpoints?token={}"
[[audit.witness]]
name = "file"
kind = "file"
path = "out/witnessed"
[[export]]
name = "siem"
kind = "file"
path = "out/events.jsonl"
[[source]]
name = "grants"
path = "grants.tsv"
kind = "grants"
covers = ["crm"]
complete = "always"
[[source]]
name = "accounts"
path = "accounts.tsv"
kind = "accounts"
target = "crm"
complete = "always"
[[source]]
name = "catalogue"
path = "catalogue.tsv"
kind = "entitlements"
target = "crm"
complete = "always"
[[source]]
name = "more"
path = "more.jsonl"
kind = "grants"
covers = ["crm"]
complete = "always"
[[target]]
name = "crm"
kind = "embedded"
path = "crm.db"
[[scope]]
target = "crm"
mode = "authoritative"
"#,
        witness(),
        mark("path of a witness's url"),
    );
    tenant.write("trueup.toml", &config);
    let column = |kind: &str| mark(&format!("column that no field is mapped to: {kind}"));
    let grants =
        format!("target\tholder\tobject\tlevel\texpires_at\tpassword\ncrm\tben\tteam:ops\tread\t\t{}\n", column("grants"));
    tenant.write("grants.tsv", &grants);
    tenant.write("accounts.tsv", &format!("holder\tpassword\n{holder}\t{}\n", column("accounts")));
    tenant.write("catalogue.tsv", &format!("object\ttier\tpassword\nteam:ops\t2\t{}\n", column("catalogue")));
    let key = mark("key that no field is mapped to: JSON Lines");
    let row =
        serde_json::json!({"target": "crm", "holder": "cy", "object": "team:ops", "api_key": key, "deep": {"token": [key]}});
    tenant.write("more.jsonl", &format!("{row}\n"));
    fs::create_dir(tenant.path("out")).unwrap();
    let target = EmbeddedTarget::open(&tenant.path("crm.db"), "crm").unwrap();
    let ended = Time::from_seconds(1_700_000_000);
    let holding = Holding { owner, expires_at: ended, ..Holding::default() };
    let row = EmbeddedRow {
        subject: Subject::Grant,
        holder,
        object: "team:ops".to_owned(),
        holding,
        last_used: Time::NONE,
        via: String::new(),
    };
    target.seed([row]).unwrap();
    drop(target);
    beside(&tenant.path("crm.db"), &mark("what a target holds beside access"));
    tenant
}

/// Something in the target's own file that is nobody's access.
fn beside(path: &Path, secret: &str) {
    let conn = rusqlite::Connection::open(path).unwrap();
    conn.execute("CREATE TABLE passwords(holder TEXT, password TEXT)", []).unwrap();
    conn.execute("INSERT INTO passwords VALUES ('ben', ?1)", [secret]).unwrap();
}

/// What people do with it, once each.
fn work(tenant: &mut Tenant) {
    let holder = mark("holder");
    tenant.done(&["audit", "key", "new", "--name", "example.com/audit/acme"]);
    tenant.done(&["plan"]);
    tenant.call(&["run"]);
    tenant.call(&["release", "--gate", "adoption", "--by", "ada", "--why", "looked at"]);
    tenant.call(&["resume"]);
    tenant.done(&["run"]);
    let told: serde_json::Value = serde_json::from_str(&tenant.done(&["audit", "history", &holder, "--json"])).unwrap();
    let mut changes = told["moments"].as_array().unwrap().iter().filter_map(|moment| moment["change"].as_str());
    let change = changes.next_back().expect("its grant had ended").to_owned();
    let file = tenant.path("ticket.txt");
    fs::write(&file, mark("attached file")).unwrap();
    let note = mark("note of an attachment");
    tenant.done(&["audit", "attach", &change, file.to_str().unwrap(), "--by", "ada", "--note", &note]);
    tenant.call(&["revoke", &holder, "--by", "ada", "--why", "stolen"]);
    tenant.call(&["run"]);
    let (tiles, proof) = (tenant.path("tiles"), tenant.path("out/leaf.proof"));
    let (tiles, proof) = (tiles.to_str().unwrap().to_owned(), proof.to_str().unwrap().to_owned());
    let who_has = ["audit", "who-has", "team:ops", "--at", "2099-01-01"];
    let commands: [&[&str]; 16] = [
        &["status"],
        &["holds"],
        &["debt"],
        &["audit", "verify"],
        &["audit", "log", "--count", "100"],
        &["audit", "events"],
        &["audit", "events", "--format", "leaf", "--states", "--envelope", "cloudevents"],
        &["audit", "history", &holder],
        &["audit", "why", &change],
        &["audit", "performance"],
        &who_has,
        &["audit", "key", "rotate"],
        &["audit", "key", "show"],
        &["audit", "checkpoint"],
        &["audit", "prune", "--keep", "0"],
        &["audit", "export", &tiles],
    ];
    for command in commands {
        tenant.call(command);
        tenant.call(&[command, &["--json"]].concat());
    }
    tenant.done(&["audit", "prove", "0", "--out", &proof]);
    // What is wrong is told of, and no more than that.
    let config = fs::read_to_string(tenant.path("trueup.toml")).unwrap();
    let user = mark("user of a url that is refused");
    for url in [format!("https://ada:{user}@localhost/x"), format!("http://ada:{user}@127.0.0.1/x?token={user}")] {
        let at = config.find("url = \"").unwrap();
        let end = at + config[at..].find('\n').unwrap();
        tenant.write("trueup.toml", &format!("{}url = \"{url}\"{}", &config[..at], &config[end..]));
        assert_ne!(tenant.call(&["run"]).0, Exit::Done);
        assert_ne!(tenant.call(&["audit", "checkpoint", "--json"]).0, Exit::Done);
    }
    tenant.write("trueup.toml", &config);
    // A row that is malformed beside its secret.
    let grants = fs::read_to_string(tenant.path("grants.tsv")).unwrap();
    let secret = mark("column that no field is mapped to: grants");
    tenant.write("grants.tsv", &format!("{grants}crm\tdan\tteam:ops\tread\ttomorrow\t{secret}\n"));
    assert_eq!(tenant.call(&["run"]).0, Exit::Input);
    tenant.write("grants.tsv", &format!("{grants}crm\tdan\t{secret}\n"));
    assert_eq!(tenant.call(&["run"]).0, Exit::Input);
}

#[test]
fn v37_marked_secrets_of_every_input_come_out_nowhere_but_where_they_may() {
    let mut tenant = tenant();
    work(&mut tenant);
    let outputs = tenant.outputs();
    let mut wrong = Vec::new();
    for (input, may) in INPUTS {
        let marks = match input {
            "secret key" => fs::read_to_string(tenant.path("keys/keys"))
                .unwrap()
                .lines()
                .skip(1)
                .map(|line| line.splitn(5, '+').last().unwrap_or_default().to_owned())
                .collect(),
            input => vec![mark(input)],
        };
        let mut met = std::collections::BTreeSet::new();
        for mark in &marks {
            assert!(mark.len() >= 16, "{input}: `{mark}` may stand somewhere by chance");
            let spellings = spellings(mark.as_bytes());
            for (output, name, bytes) in &outputs {
                if !spellings.iter().any(|spelled| holds(bytes, spelled)) {
                    continue;
                }
                met.insert(format!("{output:?}"));
                // A command that is told a name tells it again.
                let asked = holds(name.as_bytes(), mark.as_bytes()) && matches!(output, Stdout | Stderr);
                if !may.contains(output) && !asked {
                    wrong.push(format!("{input}: {output:?}, {name}"));
                }
            }
        }
        if SHOWN.contains(&input) {
            let lacks: Vec<_> = may.iter().filter(|output| !met.contains(&format!("{output:?}"))).collect();
            assert!(lacks.is_empty(), "{input} is not found where it must be: {lacks:?}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(outputs.iter().any(|(output, ..)| *output == Rest), "checkpoints and keys of scans are among what was searched");
}

#[test]
fn the_search_finds_every_spelling() {
    let mark = mark("holder");
    for (at, text) in spellings(mark.as_bytes()).iter().enumerate() {
        assert!(text.len() >= 16, "{at}");
    }
    for before in ["", "a", "ab", "abc"] {
        let whole = base64(format!("{before}{mark} and more").as_bytes());
        assert!(spellings(mark.as_bytes()).iter().any(|spelled| holds(whole.as_bytes(), spelled)), "{before}");
    }
}
