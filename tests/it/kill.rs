//! A few rounds of the kill loop; `cargo run -p trueup-tests --bin kill` makes 200.

use trueup_tests::kill;

#[test]
fn v19_v22_v24_a_killed_run_resumes_to_the_same_end() {
    let report = kill::rounds(18, |line| eprintln!("{line}")).expect("kill loop");
    assert_eq!(report.different, 0, "{report:?}");
    assert!(report.changes >= 2_000, "{report:?}");
    assert!(report.kills >= 12, "too few kills hit a living run: {report:?}");
}
