//! A few rounds of the kill loop; `cargo run --workspace --features trueup/cli,trueup-tests/whole --bin kill` makes 200.

use trueup_tests::kill::{self, STAGES};

#[test]
fn v19_v22_v24_a_killed_run_resumes_to_the_same_end() {
    let report = kill::rounds(12, |line| eprintln!("{line}")).expect("kill loop");
    assert_eq!(report.different, 0, "{report:?}");
    assert_eq!(report.read_again, 0, "pages that were stored are read again: {report:?}");
    assert!(report.changes >= 2_000, "{report:?}");
    assert!(report.pages >= 6, "too few pages for a kill between them: {report:?}");
    for stage in STAGES {
        let kills = report.states.get(stage).map_or(0, |kills| kills.inside);
        assert_eq!(kills, 1, "every stage is hit from inside, {stage} was not: {report:?}");
    }
}
