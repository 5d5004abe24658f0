//! V1: equal facts give a byte-identical plan, whatever the threads, slices, order and split of files.

use trueup::model::Mode;
use trueup_tests::estate::{self, AS_OF, Numbers, Setup};
use trueup_tests::guests;

/// One way to present the same facts.
struct Way {
    threads: usize,
    slice: u32,
    files: usize,
    seed: u64,
}

/// Plans over the same rows presented in one way; returns the plan's name, its bytes' digest and the batches judged.
fn check(rows: &[(String, String, String)], component: &[u8], way: &Way) -> (String, trueup::model::Digest, u64) {
    let folder = tempfile::tempdir().expect("folder");
    let mut rows: Vec<_> = rows.iter().collect();
    Numbers(way.seed).shuffle(&mut rows);
    let names: Vec<String> = (0..way.files).map(|file| format!("grants-{file}.tsv")).collect();
    for (file, name) in names.iter().enumerate() {
        let part = rows.iter().skip(file).step_by(way.files).copied();
        estate::write_tsv(&folder.path().join(name), part).expect("rows");
    }
    let files: Vec<&str> = names.iter().map(String::as_str).collect();
    let setup = Setup { component, files: &files, threads: way.threads, slice: way.slice, mode: Mode::Authoritative };
    let engine = estate::engine(folder.path(), &setup).expect("engine");
    let planned = estate::block_on(engine.plan(Some(AS_OF))).expect("runtime").expect("plan");
    let bytes = std::fs::read(engine.store().plan(planned.plan)).expect("plan file");
    (planned.plan.to_string(), trueup::model::Digest::of(&bytes), planned.report.batches)
}

#[test]
fn v01_equal_facts_give_an_equal_plan() {
    let component = guests::component("by-position").expect("guest");
    let rows: Vec<_> = (0..480_000_u64)
        .map(|i| (format!("user{:06}", i / 6), format!("team:{:04}", (i * 7_919) % 3_001), "member".to_owned()))
        .collect();
    let ways = [
        Way { threads: 1, slice: 64, files: 1, seed: 1 },
        Way { threads: 2, slice: 1_000, files: 3, seed: 2 },
        Way { threads: 8, slice: 100_000, files: 2, seed: 3 },
    ];
    let ends: Vec<_> = ways.iter().map(|way| check(&rows, &component, way)).collect();
    assert!(ends[0].2 >= 400, "{} batches", ends[0].2);
    assert!(ends.iter().all(|end| *end == ends[0]), "{ends:?}");
}
