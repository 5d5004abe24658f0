//! The benchmark runs from end to end at a small size, and tells every figure with its conditions.

use std::process::Command;

use trueup_tests::bench;

#[test]
fn a_small_bench_tells_every_figure() {
    let folder = tempfile::tempdir().expect("folder");
    let run = Command::new(env!("CARGO_BIN_EXE_bench")).arg("--quick").arg(folder.path()).output().expect("bench");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let figures = bench::read(&folder.path().join("summary.json")).expect("summary");
    let names: Vec<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
    let expected = [
        "rule as a component, median",
        "rule as a component, best",
        "the same, instances kept ready, median",
        "the same, instances kept ready, best",
        "rule native, the best of each batch",
        "a batch of 1 case in a fresh instance, median",
        "a batch of 1 case in an instance kept ready, median",
        "a batch of 64 cases in a fresh instance, median",
        "a batch of 64 cases in an instance kept ready, median",
        "grants read, judged and sealed, 0.1 % changed",
        "peak memory, 0.1 % changed",
        "processor time with recording beside without, 0.1 % changed",
        "grants read, judged and sealed, empty target",
        "peak memory, empty target",
        "processor time with recording beside without, empty target",
        "durable changes, 100 per commit",
        "committing with the log, wall time",
        "committing with the log, processor time",
        "audit verify, all cores",
        "audit verify, one thread",
        "looking at every page and row of the ledger",
        "leaves of a change",
        "the ledger, a change",
        "proof of a record, over the ledger, p50",
        "proof of a record, over the ledger, p99",
        "proof of growth, over the ledger, p50",
        "proof of growth, over the ledger, p99",
        "proof of a record, over tiles, p50",
        "proof of a record, over tiles, p99",
        "proof of growth, over tiles, p50",
        "proof of growth, over tiles, p99",
    ];
    assert_eq!(names, expected);
    for figure in &figures {
        assert!(figure.value.is_finite() && figure.value > 0.0, "{figure:?}");
        assert!(figure.ratio.is_none_or(|ratio| ratio.is_finite() && ratio > 0.0), "{figure:?}");
        for condition in ["profile", "cores", "load average", "flush p50", "seed"] {
            assert!(figure.conditions.contains_key(condition), "{figure:?} does not tell its {condition}");
        }
    }
    assert!(!folder.path().join("work").exists(), "the work folder is left behind");
}
