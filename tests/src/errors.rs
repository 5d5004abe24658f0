//! Every kind of bad input, as a user meets it: the command, its message, its exit code, and a target that nobody touched.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context as _, Result, ensure};
use trueup::ledger::SqliteLedger;
use trueup::target::EmbeddedTarget;

use crate::{cli, guests};

/// One kind of bad input.
pub struct Case {
    /// Its name in the golden file.
    pub name: &'static str,
    /// What the user types.
    pub command: &'static [&'static str],
    /// What is wrong with the folder, which is sound before.
    pub spoil: fn(&Path) -> Result<Spoiled>,
}

/// What must live while the command runs.
#[derive(Default)]
pub struct Spoiled {
    ledger: Option<SqliteLedger>,
    /// The size of the file system that the store is on, if it is a small one, in KiB.
    disk: Option<u32>,
}

const CONFIG: &str = r#"tenant = "acme"

[rule]
module = "standard.wasm"

[[source]]
name = "grants"
path = "grants.tsv"
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
"#;

const GRANTS: &str = "target\tholder\tobject\tlevel\texpires_at\n\
                      crm\tada\tteam:ops\tmember\t\n\
                      crm\tben\tteam:ops\tadmin\t2027-01-01\n";

/// All kinds.
pub const CASES: &[Case] = &[
    Case { name: "no-configuration", command: &["plan"], spoil: |dir| remove(dir, "trueup.toml") },
    Case { name: "configuration-of-no-toml", command: &["plan"], spoil: |dir| append(dir, "trueup.toml", "[scope\n") },
    Case {
        name: "configuration-with-unknown-key",
        command: &["plan"],
        spoil: |dir| replace(dir, "trueup.toml", "path = \"crm.db\"", "file = \"crm.db\""),
    },
    Case {
        name: "configuration-with-wrong-mode",
        command: &["plan"],
        spoil: |dir| replace(dir, "trueup.toml", "authoritative", "total"),
    },
    Case {
        name: "scope-of-no-target",
        command: &["plan"],
        spoil: |dir| replace(dir, "trueup.toml", "target = \"crm\"\nmode", "target = \"erp\"\nmode"),
    },
    Case { name: "unknown-setting", command: &["plan"], spoil: |dir| append_to_rule(dir, "settings = { frobnicate = 1 }") },
    Case {
        name: "setting-of-wrong-kind",
        command: &["plan"],
        spoil: |dir| append_to_rule(dir, "settings = { unused-days = \"soon\" }"),
    },
    Case { name: "explain-without-pages", command: &["explain", "crm/ada/team:ops"], spoil: plan_without_pages },
    Case { name: "missing-source", command: &["run"], spoil: |dir| remove(dir, "grants.tsv") },
    Case { name: "malformed-line", command: &["run"], spoil: |dir| append(dir, "grants.tsv", "crm\tcy\n") },
    Case {
        name: "wrong-type",
        command: &["run"],
        spoil: |dir| append(dir, "grants.tsv", "crm\tcy\tteam:ops\tmember\ttomorrow\n"),
    },
    Case {
        name: "not-utf-8",
        command: &["run"],
        spoil: |dir| append_bytes(dir, "grants.tsv", b"crm\tc\xff\tteam:ops\tmember\t\n"),
    },
    Case { name: "missing-column", command: &["run"], spoil: |dir| replace(dir, "grants.tsv", "holder", "who") },
    Case { name: "duplicate-key", command: &["run"], spoil: |dir| append(dir, "grants.tsv", "crm\tada\tteam:ops\tadmin\t\n") },
    Case { name: "unknown-target", command: &["run"], spoil: |dir| append(dir, "grants.tsv", "erp\tada\tteam:ops\tmember\t\n") },
    Case { name: "malformed-json", command: &["run"], spoil: |dir| json_lines(dir, "{\"target\":\"crm\",\"holder\":\"ada\",\n") },
    Case {
        name: "json-of-wrong-type",
        command: &["run"],
        spoil: |dir| json_lines(dir, "{\"target\":\"crm\",\"holder\":7,\"object\":\"team:ops\"}\n"),
    },
    Case { name: "missing-module", command: &["run"], spoil: |dir| remove(dir, "standard.wasm") },
    Case { name: "unreadable-module", command: &["run"], spoil: |dir| write(dir, "standard.wasm", b"not wasm at all") },
    Case { name: "core-module", command: &["run"], spoil: |dir| write(dir, "standard.wasm", b"\0asm\x01\0\0\0") },
    Case { name: "truncated-module", command: &["run"], spoil: truncate },
    Case { name: "module-of-another-contract", command: &["run"], spoil: |dir| guest(dir, "wrong-contract") },
    Case { name: "module-with-foreign-import", command: &["run"], spoil: |dir| guest(dir, "foreign-import") },
    Case {
        name: "damaged-target",
        command: &["run"],
        spoil: |dir| write(dir, "crm.db", b"this is no database, whatever its name says"),
    },
    Case { name: "locked-ledger", command: &["run"], spoil: lock },
    Case { name: "ledger-of-a-newer-format", command: &["run"], spoil: newer },
    Case { name: "full-disk", command: &["run"], spoil: |_| Ok(Spoiled { disk: Some(64), ..Spoiled::default() }) },
    Case { name: "disk-that-fills-while-pages-are-stored", command: &["plan"], spoil: many },
    Case { name: "status-before-the-first-run", command: &["status"], spoil: |_| Ok(Spoiled::default()) },
    Case { name: "no-such-plan", command: &["apply", "0123456789ab"], spoil: |_| Ok(Spoiled::default()) },
    Case { name: "damaged-plan", command: &["apply", "saved.plan"], spoil: damaged_plan },
    Case { name: "plan-of-another-tenant", command: &["apply", "saved.plan"], spoil: foreign_plan },
    Case { name: "no-such-change", command: &["release", "ffff", "--by", "ada", "--why", "a test"], spoil: planned },
    Case { name: "no-such-gate", command: &["release", "--gate", "garden", "--by", "ada", "--why", "a test"], spoil: planned },
    Case { name: "no-such-denial", command: &["lift", "ada", "--by", "ben", "--why", "a test"], spoil: planned },
    Case { name: "no-such-plan-to-undo", command: &["rollback", "0123456789ab"], spoil: planned },
    Case { name: "no-such-case", command: &["explain", "crm/nobody/team:none"], spoil: planned },
    Case { name: "no-such-change-to-tell-of", command: &["audit", "why", "ffff"], spoil: planned },
    Case { name: "no-such-principal", command: &["audit", "history", "adda"], spoil: planned },
    Case {
        name: "no-instant-to-ask-about",
        command: &["audit", "who-has", "team:ops", "--at", "yesterday"],
        spoil: |_| Ok(Spoiled::default()),
    },
    Case {
        name: "no-such-change-to-attach-to",
        command: &["audit", "attach", "ffff", "missing.pdf", "--by", "ada", "--note", "a test"],
        spoil: planned,
    },
    Case { name: "no-instant", command: &["plan", "--as-of", "yesterday"], spoil: |_| Ok(Spoiled::default()) },
    Case { name: "rule-of-no-name", command: &["rule", "new", "Dormant Admins"], spoil: |_| Ok(Spoiled::default()) },
    Case { name: "rule-of-a-digit", command: &["rule", "new", "9x"], spoil: |_| Ok(Spoiled::default()) },
    Case { name: "nothing-to-wrap", command: &["rule", "wrap", "crm.db", "--out", "x.wasm"], spoil: |_| Ok(Spoiled::default()) },
    Case {
        name: "component-to-wrap",
        command: &["rule", "wrap", "standard.wasm", "--out", "x.wasm"],
        spoil: |_| Ok(Spoiled::default()),
    },
    Case {
        name: "bare-module-to-wrap",
        command: &["rule", "wrap", "bare.wasm", "--out", "x.wasm"],
        spoil: |dir| write(dir, "bare.wasm", b"\0asm\x01\0\0\0"),
    },
    Case {
        name: "module-of-wasi-to-wrap",
        command: &["rule", "wrap", "wasi.wasm", "--out", "x.wasm"],
        // Imports `fd_write` of WASI as a function without parameters.
        spoil: |dir| {
            let import = b"\x02\x23\x01\x16wasi_snapshot_preview1\x08fd_write\0\0";
            write(dir, "wasi.wasm", &[&b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0"[..], import].concat())
        },
    },
    Case { name: "no-guest-kit", command: &["rule", "new", "dormant", "--sdk", "nowhere"], spoil: |_| Ok(Spoiled::default()) },
    Case { name: "no-such-code", command: &["rule", "explain", "TR9999"], spoil: |_| Ok(Spoiled::default()) },
    Case { name: "no-crate", command: &["rule", "build", "."], spoil: |_| Ok(Spoiled::default()) },
    Case {
        name: "one-component-on-cases",
        command: &["rule", "diff", "standard.wasm", "--on", "."],
        spoil: |_| Ok(Spoiled::default()),
    },
    Case { name: "no-such-identity", command: &["rule", "capture", "x.json", "--identity", "nobody"], spoil: planned },
    Case { name: "no-cases", command: &["rule", "test", "."], spoil: |_| Ok(Spoiled::default()) },
];

/// Runs one kind; returns its block of the golden file.
///
/// # Errors
/// When the command does not fail, or the target changed.
pub fn block(case: &Case) -> Result<String> {
    let dir = tempfile::tempdir()?;
    sound(dir.path())?;
    let before = holdings(dir.path())?;
    let spoiled = (case.spoil)(dir.path())?;
    let output = match spoiled.disk {
        Some(kib) => on_small_disk(dir.path(), kib, case.command)?,
        None => cli::trueup(dir.path(), case.command)?,
    };
    drop(spoiled.ledger);
    ensure!(!output.status.success(), "{}: it did not fail\n{}", case.name, String::from_utf8_lossy(&output.stdout));
    ensure!(output.stdout.is_empty(), "{}: something on standard output", case.name);
    if case.name != "damaged-target" {
        ensure!(holdings(dir.path())? == before, "{}: the target changed", case.name);
    }
    let code = output.status.code().with_context(|| format!("{}: {}", case.name, output.status))?;
    let text = without_offsets(&String::from_utf8(output.stderr)?.replace(&dir.path().display().to_string(), "DIR"));
    Ok(format!("== {} (exit {code})\n$ trueup {}\n{}\n", case.name, case.command.join(" "), text.trim_end()))
}

/// Offsets into a module depend on the compiler that built it.
fn without_offsets(text: &str) -> String {
    match text.split_once(" (at offset 0x") {
        Some((before, after)) => before.to_owned() + after.split_once(')').map_or("", |(_, rest)| rest),
        None => text.to_owned(),
    }
}

fn sound(dir: &Path) -> Result<()> {
    fs::write(dir.join("trueup.toml"), CONFIG)?;
    fs::write(dir.join("grants.tsv"), GRANTS)?;
    fs::copy(cli::standard_module()?, dir.join("standard.wasm"))?;
    EmbeddedTarget::open(&dir.join("crm.db"), "crm")?;
    Ok(())
}

fn holdings(dir: &Path) -> Result<Vec<String>> {
    let target = EmbeddedTarget::open(&dir.join("crm.db"), "crm")?;
    Ok(target.dump()?.iter().map(|row| format!("{row:?}")).collect())
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> Result<Spoiled> {
    for suffix in ["-wal", "-shm"] {
        let side = dir.join(format!("{name}{suffix}"));
        if side.exists() {
            fs::remove_file(side)?;
        }
    }
    fs::write(dir.join(name), bytes)?;
    Ok(Spoiled::default())
}

fn remove(dir: &Path, name: &str) -> Result<Spoiled> {
    fs::remove_file(dir.join(name))?;
    Ok(Spoiled::default())
}

fn append(dir: &Path, name: &str, text: &str) -> Result<Spoiled> {
    append_bytes(dir, name, text.as_bytes())
}

fn append_bytes(dir: &Path, name: &str, bytes: &[u8]) -> Result<Spoiled> {
    let mut all = fs::read(dir.join(name))?;
    all.extend_from_slice(bytes);
    write(dir, name, &all)
}

fn replace(dir: &Path, name: &str, from: &str, to: &str) -> Result<Spoiled> {
    let text = fs::read_to_string(dir.join(name))?;
    ensure!(text.contains(from), "`{from}` is not in {name}");
    write(dir, name, text.replacen(from, to, 1).as_bytes())
}

fn append_to_rule(dir: &Path, line: &str) -> Result<Spoiled> {
    replace(dir, "trueup.toml", "module = \"standard.wasm\"", &format!("module = \"standard.wasm\"\n{line}"))
}

fn json_lines(dir: &Path, text: &str) -> Result<Spoiled> {
    replace(dir, "trueup.toml", "grants.tsv", "grants.jsonl")?;
    write(dir, "grants.jsonl", text.as_bytes())
}

fn plan_without_pages(dir: &Path) -> Result<Spoiled> {
    cli::json(dir, &["plan"])?;
    fs::remove_dir_all(dir.join("trueup-store/pages"))?;
    Ok(Spoiled::default())
}

fn truncate(dir: &Path) -> Result<Spoiled> {
    let bytes = fs::read(dir.join("standard.wasm"))?;
    write(dir, "standard.wasm", &bytes[..bytes.len() / 2])
}

fn guest(dir: &Path, name: &str) -> Result<Spoiled> {
    let bytes = guests::component(name)?;
    write(dir, "standard.wasm", &bytes)
}

fn planned(dir: &Path) -> Result<Spoiled> {
    cli::json(dir, &["plan", "--as-of", "2026-03-01", "--out", "saved.plan"])?;
    Ok(Spoiled::default())
}

fn damaged_plan(dir: &Path) -> Result<Spoiled> {
    planned(dir)?;
    replace(dir, "saved.plan", "\"holder\":\"ada\"", "\"holder\":\"eve\"")?;
    fs::remove_dir_all(dir.join("trueup-store/plans"))?;
    Ok(Spoiled::default())
}

fn foreign_plan(dir: &Path) -> Result<Spoiled> {
    planned(dir)?;
    fs::remove_dir_all(dir.join("trueup-store"))?;
    replace(dir, "trueup.toml", "tenant = \"acme\"", "tenant = \"bravo\"")
}

fn lock(dir: &Path) -> Result<Spoiled> {
    planned(dir)?;
    let ledger = SqliteLedger::open(&dir.join("trueup-store/ledger"))?;
    Ok(Spoiled { ledger: Some(ledger), ..Spoiled::default() })
}

fn newer(dir: &Path) -> Result<Spoiled> {
    planned(dir)?;
    let folder = dir.join("trueup-store/ledger");
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "db" || extension == "sqlite") {
            rusqlite::Connection::open(&path)?.pragma_update(None, "user_version", 999)?;
        }
    }
    Ok(Spoiled::default())
}

/// Runs with a store on a file system of 1 MiB that is already full, in a mount namespace of its own.
/// More rows than a disk has room for on which the ledger has.
fn many(dir: &Path) -> Result<Spoiled> {
    let rows: String = (0..20_000).map(|row| format!("crm\tperson-{row}\tteam:ops\tmember\t\n")).collect();
    append(dir, "grants.tsv", &rows)?;
    Ok(Spoiled { disk: Some(600), ..Spoiled::default() })
}

fn on_small_disk(dir: &Path, kib: u32, command: &[&str]) -> Result<Output> {
    let store = dir.join("trueup-store");
    fs::create_dir(&store)?;
    let script = format!("mount -t tmpfs -o size={kib}k none \"$1\" && shift && exec \"$@\"");
    let binary = cli::binary()?.display().to_string();
    let unshare = |flags: &[&str]| {
        let mut unshare = Command::new("unshare");
        unshare.args(flags).args(["sh", "-c", &script, "sh"]).arg(&store).arg(&binary).args(command).current_dir(dir).output()
    };
    let as_root = unshare(&["--mount"])?;
    let refused = String::from_utf8_lossy(&as_root.stderr).contains("unshare failed");
    if refused { Ok(unshare(&["--user", "--map-root-user", "--mount"])?) } else { Ok(as_root) }
}
