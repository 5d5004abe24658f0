//! What an author is told who writes something else than a rule: every mistake that the guest kit's macros know, built as authors
//! build, and the compiler's words held to a golden file. `TRUEUP_BLESS=1` rewrites it; read the difference.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use trueup_tests::cli;

/// One crate each: what one of them hides from the compiler is hidden from its own crate alone.
const CRATES: [&str; 3] = ["macros", "types", "twice"];

const KIT: &str = "//! What the mistakes share.
pub(crate) use trueup_guest::prelude::*;

#[derive(Settings)]
pub struct Setup {
    /// Days.
    #[setting(default = 90)]
    pub days: i64,
}

#[derive(Reasons, Clone, Copy)]
pub enum Why {
    /// Nobody uses it.
    Unused,
}
";

#[test]
fn every_mistake_is_told_at_the_authors_own_words() {
    let fixtures = cli::root().join("tests/fixtures/mistakes");
    let mut told = String::new();
    for name in CRATES {
        let mistakes = names(&fixtures.join(name));
        let text = build(&fixtures.join(name), &mistakes);
        let mut parts: Vec<&str> = text.split("\nerror").filter(|part| !part.trim().is_empty()).collect();
        // Files stand in the order of their names, whatever the order in which the compiler met them.
        parts.sort_by_key(|part| place(part).to_owned());
        writeln!(told, "==== {name}\n").expect("text");
        for part in parts {
            writeln!(told, "error{}\n", part.trim_start_matches("error").trim_end()).expect("text");
        }
        for mistake in &mistakes {
            assert!(text.contains(&format!("--> src/{mistake}.rs:")), "{name}: nothing is told of `{mistake}`\n{text}");
        }
    }
    // Where a token is wrong, not the whole attribute is.
    assert!(!told.contains("| #[rule]\n"), "{told}");
    let golden = cli::root().join("tests/fixtures/mistakes.golden");
    if std::env::var_os("TRUEUP_BLESS").is_some_and(|value| value == "1") {
        fs::write(&golden, &told).expect("golden file");
    }
    let expected = fs::read_to_string(&golden).unwrap_or_default();
    assert!(told == expected, "{}\nif this is right: TRUEUP_BLESS=1", difference(&expected, &told));
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("folder").map(|entry| entry.expect("entry").path());
    let mut names: Vec<String> = entries.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    names
}

/// Builds a crate of mistakes, and returns what the compiler says of its own files.
fn build(mistakes: &Path, names: &[String]) -> String {
    let root = cli::root();
    let folder = tempfile::tempdir().expect("folder");
    let write = |file: &str, text: &str| {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        fs::write(path, text).expect("file");
    };
    let kit = root.join("guest-sdk").display().to_string();
    write(
        "Cargo.toml",
        &format!(
            "[package]\nname = \"mistakes\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[dependencies]\ntrueup-guest = {{ path = {kit:?} }}\n[workspace]\n"
        ),
    );
    // What the guests of this repository were built with is not built again.
    let target = root.join("target").display().to_string();
    write(".cargo/config.toml", &format!("[build]\ntarget-dir = {target:?}\n"));
    fs::copy(root.join("Cargo.lock"), folder.path().join("Cargo.lock")).expect("lock");
    let mut lib = "#![allow(warnings)]\nmod kit;\n".to_owned();
    for name in names {
        writeln!(lib, "mod {name};").expect("text");
        let source = fs::read_to_string(mistakes.join(format!("{name}.rs"))).expect("mistake");
        write(&format!("src/{name}.rs"), &source);
    }
    write("src/lib.rs", &lib);
    write("src/kit.rs", KIT);
    let mut command = Command::new(cli::binary().expect("trueup"));
    command.args(["rule", "build"]).arg(folder.path()).env("CARGO_NET_OFFLINE", "true").env("CARGO_TERM_COLOR", "never");
    let output = command.output().expect("trueup");
    let text = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(5), "{text}");
    assert!(text.contains("error[TR0304]"), "{text}");
    own_words(&text)
}

/// The compiler's words without cargo's, and without the guest kit's own lines, which move.
fn own_words(text: &str) -> String {
    let text = text.split_once("\nerror: could not compile").map_or(text, |(before, _)| before);
    let (mut own, mut foreign) = (String::new(), false);
    for line in text.lines() {
        let bare = line.trim_start();
        if let Some(path) = bare.strip_prefix("--> ").or_else(|| bare.strip_prefix("::: ")) {
            foreign = !path.starts_with("src/");
        }
        let quoted = bare.starts_with("-->") || bare.starts_with(":::") || is_snippet(bare);
        let cargos = [
            "Compiling ",
            "Finished ",
            "Blocking ",
            "Locking ",
            "Updating ",
            "Adding ",
            "Some errors",
            "For more information",
            "error: aborting",
        ];
        if (foreign && quoted) || cargos.iter().any(|word| bare.starts_with(word)) {
            continue;
        }
        foreign = foreign && quoted;
        own.push_str(aligned(line).trim_end());
        own.push('\n');
    }
    format!("\n{}", own.trim_start())
}

/// `12 | text`, `|`, `...`.
fn is_snippet(line: &str) -> bool {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
    rest.starts_with('|') || rest.starts_with("...")
}

/// A line with its column of numbers as wide as all others: the longest number may be one of the guest kit's.
fn aligned(line: &str) -> String {
    let bare = line.trim_start();
    let digits = bare.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = bare.split_at(digits);
    if digits > 0 && ["|", "+", "-", "~"].iter().any(|sign| rest.trim_start().starts_with(sign)) {
        return format!("{number:>4} {}", rest.trim_start());
    }
    match bare {
        _ if bare.starts_with("-->") || bare.starts_with(":::") => format!("    {bare}"),
        _ if bare.starts_with('|') || bare.starts_with("= ") => format!("     {bare}"),
        _ if bare.len() < line.len() => format!("         {bare}"),
        _ => line.to_owned(),
    }
}

/// File and line of a message, the line as a number of so many digits.
fn place(message: &str) -> String {
    let at = message.split_once("--> src/").map_or("", |(_, rest)| rest.lines().next().unwrap_or_default());
    let (file, rest) = at.split_once(':').unwrap_or((at, ""));
    let line = rest.split(':').next().and_then(|line| line.parse::<u32>().ok()).unwrap_or_default();
    format!("{file}:{line:06}")
}

fn difference(expected: &str, told: &str) -> String {
    let lines: Vec<&str> = expected.lines().collect();
    let differing = told.lines().enumerate().find(|(at, line)| lines.get(*at) != Some(line));
    differing.map_or_else(
        || "lines are missing at the end".to_owned(),
        |(at, line)| format!("line {}: `{line}`, expected `{}`", at + 1, lines.get(at).unwrap_or(&"")),
    )
}
