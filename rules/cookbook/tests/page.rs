//! The page of the cookbook shows the code of this crate: `TRUEUP_BLESS=1` writes it anew.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

use std::fs;
use std::path::{Path, PathBuf};

const INTRODUCTION: &str = "\
# A cookbook of policies

Twenty policies that people look for, each a rule of some forty lines. Find the question, copy the module into the `src/lib.rs` of a
rule of your own, change what your company does otherwise, and keep its case files beside it: they are in `rules/cookbook/cases`. The
code here is the code of the crate `trueup-cookbook`; a test keeps it so.

What holds for all of them:

- Each speaks of its own question alone, and has no opinion on the rest. Chain them, as the last section does, before a rule that
  brings access to what the sources list, such as `least-access`.
- What nobody knows is held. What is inherited, immutable, or an extra where extras stay is not taken away.
- Nothing is given that no source wants: the host would refuse it.
- Instants are asked about through the context (`unused_for`, `has_left`, `granted_longer_than`, …), so the host knows until when
  an answer is good, and asks again in time.

`trueup_guest::cases!` runs the case files, and `trueup_guest::laws!` tries the rule on some hundred identities that are drawn at
random: what they show is in `trueup_guest::testing`.
";

/// One module: its name, the question, what is said of it and its code.
struct Policy {
    name: String,
    question: String,
    words: String,
    code: String,
}

impl Policy {
    fn read(path: &Path, name: &str) -> Self {
        let text = fs::read_to_string(path).expect("source");
        let (doc, code): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with("//!"));
        let doc: Vec<&str> = doc.iter().map(|line| line.trim_start_matches("//!").trim()).collect();
        let (question, words) = doc.split_first().expect("a module says what it is");
        let mut words = words.to_vec();
        words.push("");
        let code: Vec<&str> = code.into_iter().skip_while(|line| line.is_empty()).collect();
        Policy {
            name: name.to_owned(),
            question: (*question).to_owned(),
            words: words.join("\n").trim().to_owned(),
            code: code.join("\n"),
        }
    }

    fn section(&self) -> String {
        format!("\n## {}\n\n**{}**\n\n{}\n\n```rust\n{}\n```\n", self.name, self.question, self.words, self.code)
    }
}

fn crate_root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The policies in the order of their names.
fn policies() -> Vec<Policy> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(crate_root().join("src")).expect("src").map(|entry| entry.expect("entry").path()).collect();
    paths.sort();
    let named = paths.iter().filter_map(|path| Some((path, path.file_stem()?.to_str()?)));
    named.filter(|(_, name)| *name != "lib").map(|(path, name)| Policy::read(path, &name.replace('_', "-"))).collect()
}

fn page() -> String {
    let policies = policies();
    assert_eq!(policies.len(), 20);
    let mut page = INTRODUCTION.to_owned();
    page.push_str("\n| question | policy |\n|---|---|\n");
    for policy in &policies {
        assert!(policy.question.ends_with(['.', '?']), "{}: the first line is the question", policy.name);
        page.push_str(&format!("| {} | [{}](#{}) |\n", policy.question, policy.name, policy.name));
    }
    page.push_str("| How do I use several of them? | [all-together](#all-together) |\n");
    for policy in &policies {
        page.push_str(&policy.section());
    }
    page.push_str(&Policy::read(&crate_root().join("all/src/lib.rs"), "all-together").section());
    page
}

#[test]
fn the_page_shows_the_code_of_the_crate() {
    let path = crate_root().join("../../guest-sdk/docs/cookbook.md");
    if std::env::var_os("TRUEUP_BLESS").is_some_and(|value| value == "1") {
        fs::write(&path, page()).expect("the page");
        return;
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == page(),
        "guest-sdk/docs/cookbook.md is not what the crate says; write it anew: TRUEUP_BLESS=1 cargo test -p trueup-cookbook --test page"
    );
}

/// Whoever copies a policy reads it whole, so each is short, and has cases of its own.
#[test]
fn each_policy_is_short_and_has_its_cases() {
    for policy in policies() {
        let name = &policy.name;
        let judge = policy.code.split("/// Judges one case.").nth(1).unwrap_or_else(|| panic!("{name} judges one case"));
        let lines = judge.lines().skip(3).take_while(|line| *line != "}").count();
        assert!((4..=40).contains(&lines), "{name}: {lines} lines");
        let folder = crate_root().join("cases").join(name);
        let text: String = fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| fs::read_to_string(entry.expect("entry").path()).expect("cases"))
            .collect();
        assert!(text.contains("\"unknown"), "{name} has no case that nobody knows");
    }
}
