//! The contract is frozen: whoever edits it is told how it grows instead.

use std::collections::BTreeSet;
use std::fs;

use trueup::model::Digest;
use trueup_tests::cli::root;

/// Released versions: file of the contract, its copy among the fixtures, SHA-256 of both.
const RELEASED: [(&str, &str, &str); 1] = [(
    "wit/rules.wit",
    "tests/fixtures/contract/rules-1.0.0.wit",
    "789e5ccfc608c08b719d65b42c2fcca41823f53e82c81350338047372ee0bb1a",
)];

const ADVICE: &str = "a released contract is never edited, not even its comments: modules that were built for it are out there. \
                      Undo the change, and put what is new beside it as the next version; wit/README.md says how";

#[test]
fn a_released_contract_is_never_edited() {
    for (file, copy, digest) in RELEASED {
        let [now, then] = [file, copy].map(|path| fs::read(root().join(path)).expect("the contract"));
        assert_eq!(Digest::of(&then).to_string(), digest, "{copy}: {ADVICE}");
        assert!(now == then, "{file} is not {copy}: {ADVICE}");
    }
}

#[test]
fn the_folder_of_the_contract_holds_released_versions_alone() {
    let mut found = BTreeSet::new();
    let mut folders = vec![root().join("wit")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("folder") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(root()).expect("a file of the tree").display().to_string());
            }
        }
    }
    let released = RELEASED.iter().map(|(file, _, _)| (*file).to_owned());
    let expected: BTreeSet<String> = released.chain(["wit/README.md".to_owned()]).collect();
    assert_eq!(
        found, expected,
        "a version that is not listed in this test is not frozen; wit/README.md says how the contract grows"
    );
}

#[test]
fn everybody_names_the_same_version() {
    let wit = fs::read_to_string(root().join("wit/rules.wit")).expect("the contract");
    let contract = wit.lines().next().and_then(|line| line.strip_prefix("package ")).and_then(|line| line.strip_suffix(';'));
    let contract = contract.expect("the package's name");
    assert_eq!(contract, "trueup:rules@1.0.0");
    assert!(trueup::rule::profile_text().contains(&format!("\ncontract: {contract}\n")), "the profile");
    let kit = fs::read_to_string(root().join("guest-sdk/macros/src/rule.rs")).expect("the guest kit");
    assert!(kit.contains(&format!("const CONTRACT: &str = \"{contract}\";")), "the guest kit");
}
