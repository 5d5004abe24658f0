//! One golden file holds every message that bad input gets.

use std::fs;

use trueup_tests::{cli, errors};

#[test]
fn every_bad_input_has_its_own_message_and_exit_code() {
    let blocks: Vec<String> = errors::CASES.iter().map(|case| errors::block(case).expect(case.name)).collect();
    let found = blocks.join("\n");
    let path = cli::root().join("tests/fixtures/errors.golden");
    if std::env::var_os("TRUEUP_BLESS").is_some() {
        fs::write(&path, &found).expect("golden file");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "run with TRUEUP_BLESS=1 to accept, and read the difference");
}
