//! The rules of the house that no compiler holds: who may import whom, what a file says of itself, where things stand.

use std::fs;
use std::path::{Path, PathBuf};

use trueup_tests::cli::root;

fn sources(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("folder") {
            let path = entry.expect("entry").path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn room(path: &Path) -> Option<String> {
    let inner = path.strip_prefix(root().join("host/src")).ok()?;
    let first = inner.components().next()?.as_os_str().to_str()?;
    Some(first.trim_end_matches(".rs").to_owned())
}

fn is_test(path: &Path) -> bool {
    let text = path.display().to_string();
    text.ends_with("tests.rs") || text.contains("/tests/") || text.ends_with("fixture.rs")
}

/// Code before a file's own tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("source");
    text.split("#[cfg(test)]").next().unwrap_or_default().to_owned()
}

#[test]
fn a_stage_imports_only_what_stands_before_it() {
    let order = ["model", "limits", "progress", "discover", "link", "correlate", "rule", "decide", "plan"];
    let place = |name: &str| order.iter().position(|room| *room == name);
    let mut wrong = Vec::new();
    for path in sources("host/src").iter().filter(|path| !is_test(path)) {
        let Some(own) = room(path).and_then(|room| place(&room)) else { continue };
        for line in code(path).lines() {
            let Some(rest) = line.trim_start().strip_prefix("use crate::") else { continue };
            let other = rest.split([':', ';', '{']).next().unwrap_or_default();
            if place(other).is_some_and(|other| other > own) || ["engine", "cli", "author"].contains(&other) {
                wrong.push(format!("{}: {line}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn wasmtime_databases_and_printing_stay_in_their_rooms() {
    let mut wrong = Vec::new();
    for path in sources("host/src").iter().filter(|path| !is_test(path)) {
        let room = room(path).unwrap_or_default();
        let text = code(path);
        for (word, rooms) in [
            ("wasmtime::", &["rule"][..]),
            ("rusqlite::", &["ledger", "target"][..]),
            ("clap::", &["cli"][..]),
            ("println!", &["cli", "main"][..]),
            ("SystemTime::now", &["commit"][..]),
            ("std::env::", &["cli", "main", "author"][..]),
        ] {
            let used = text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(word));
            if used && !rooms.contains(&room.as_str()) {
                wrong.push(format!("{} uses {word}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn guests_and_rules_never_see_the_host() {
    for folder in ["guest-sdk", "rules"] {
        for path in sources(folder) {
            let text = fs::read_to_string(&path).expect("source");
            assert!(!text.lines().any(|line| line.trim_start().starts_with("use trueup::")), "{}", path.display());
        }
    }
}

#[test]
fn every_file_says_what_it_owns() {
    for folder in ["host", "guest-sdk", "rules", "tests"] {
        for path in sources(folder) {
            let text = fs::read_to_string(&path).expect("source");
            assert!(text.starts_with("//!"), "{} does not begin with //!", path.display());
        }
    }
}

#[test]
fn every_test_file_is_listed() {
    let main = fs::read_to_string(root().join("tests/it/main.rs")).expect("main");
    for path in sources("tests/it") {
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        assert!(name == "main" || main.contains(&format!("mod {name};")), "{name} is not in tests/it/main.rs");
    }
}

#[test]
fn the_contract_reaches_the_crates_as_links() {
    for place in ["host/wit", "guest-sdk/wit"] {
        let link = fs::read_link(root().join(place)).unwrap_or_else(|error| panic!("{place}: {error}"));
        assert_eq!(link, Path::new("../wit"), "{place}");
    }
}

#[test]
fn the_root_holds_no_further_folders() {
    let allowed = ["host", "guest-sdk", "rules", "wit", "tests", "target"];
    for entry in fs::read_dir(root()).expect("root") {
        let entry = entry.expect("entry");
        let name = entry.file_name().to_string_lossy().into_owned();
        let folder = entry.file_type().expect("type").is_dir();
        assert!(!folder || name.starts_with('.') || allowed.contains(&name.as_str()), "{name}");
    }
}
