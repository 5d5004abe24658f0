//! The rules of the house that no compiler holds: who may import whom, what a file says of itself, where things stand.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use trueup_tests::cli::root;

fn sources(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("folder") {
            let path = entry.expect("entry").path();
            // Cargo marks what it builds; a room may well be called `target`.
            if path.is_dir() && !path.join("CACHEDIR.TAG").exists() {
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
    let order = ["model", "limits", "progress", "discover", "link", "correlate", "debt", "rule", "decide", "plan"];
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

const GUARANTEES: &str = "host/docs/guarantees.md";

/// The page of guarantees, cut at its headings: the number of each guarantee, and what is said of it. What follows the last one
/// has number 0.
fn guarantees() -> Vec<(u32, String)> {
    let page = fs::read_to_string(root().join(GUARANTEES)).expect("the page of guarantees");
    let mut sections: Vec<(u32, String)> = Vec::new();
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("### V") {
            let number = heading.split(' ').next().unwrap_or_default();
            sections.push((number.parse().unwrap_or_else(|error| panic!("{line}: {error}")), String::new()));
        } else if line.starts_with("## ") {
            sections.push((0, String::new()));
        }
        if let Some((_, text)) = sections.last_mut() {
            text.push_str(line);
            text.push('\n');
        }
    }
    sections
}

/// The tests that a text names: `path/to/file.rs::name` between backticks.
fn named(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).filter(|code| code.contains(".rs::")).collect()
}

/// The guarantees that a test's name begins with: `v10_v20_…` holds 10 and 20.
fn held_by(name: &str) -> Vec<u32> {
    let number = |word: &str| word.strip_prefix('v').filter(|digits| digits.len() == 2)?.parse().ok();
    name.split('_').map_while(number).collect()
}

/// The functions of a file.
fn functions(text: &str) -> impl Iterator<Item = &str> {
    let heads = text.lines().filter_map(|line| line.trim_start().split_once("fn "));
    let plain = heads.filter(|(before, _)| matches!(before.trim(), "" | "pub" | "async" | "pub(super)"));
    plain.filter_map(|(_, rest)| rest.split(['(', '<']).next())
}

/// Whether there is a test of this name, `path/to/file.rs::name`.
fn is_there(test: &str) -> bool {
    let (path, name) = test.split_once("::").unwrap_or_default();
    let file = fs::read_to_string(root().join(path)).unwrap_or_default();
    functions(&file).any(|function| function == name)
}

#[test]
fn the_page_of_guarantees_names_tests_that_exist() {
    let sections = guarantees();
    let numbers: Vec<u32> = sections.iter().map(|(number, _)| *number).filter(|number| *number > 0).collect();
    assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
    let mut wrong = Vec::new();
    for (number, text) in &sections {
        if *number > 0 && named(text).is_empty() && !text.contains("\nNot yet: ") {
            wrong.push(format!("V{number} names no test and does not say what is missing"));
        }
        for test in named(text) {
            if !is_there(test) {
                wrong.push(format!("V{number}: there is no `{test}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{GUARANTEES}:\n{}", wrong.join("\n"));
}

#[test]
fn the_page_of_threats_names_tests_that_exist() {
    let page = fs::read_to_string(root().join("host/docs/threats.md")).expect("the page of threats");
    let tests = named(&page);
    let wrong: Vec<&str> = tests.iter().copied().filter(|test| !is_there(test)).collect();
    assert!(tests.len() > 15 && wrong.is_empty(), "{} tests; there is no {wrong:?}", tests.len());
}

#[test]
fn the_page_of_evidence_names_a_test_in_each_row() {
    let page = fs::read_to_string(root().join("host/docs/audit.md")).expect("the page of evidence");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() >= 15, "{} rows", rows.len());
    for row in rows {
        let tests = named(row);
        let wrong: Vec<&str> = tests.iter().copied().filter(|test| !is_there(test)).collect();
        assert!(!tests.is_empty() && wrong.is_empty(), "{row}: there is no {wrong:?}");
    }
}

#[test]
fn every_test_of_a_guarantee_is_on_its_page() {
    let sections = guarantees();
    let (mut found, mut wrong) = (0, Vec::new());
    for path in ["host", "guest-sdk", "rules", "tests"].iter().flat_map(|folder| sources(folder)) {
        let text = fs::read_to_string(&path).expect("source");
        let place = path.strip_prefix(root()).expect("a file of the tree").display().to_string();
        for name in functions(&text) {
            let test = format!("{place}::{name}");
            for held in held_by(name) {
                found += 1;
                if !sections.iter().any(|(number, text)| *number == held && named(text).contains(test.as_str())) {
                    wrong.push(format!("V{held} does not name `{test}`"));
                }
            }
        }
    }
    assert!(found >= 40, "{found} tests of guarantees were found");
    assert!(wrong.is_empty(), "{GUARANTEES}:\n{}", wrong.join("\n"));
}
