//! The options of `trueup generate` do what they say, and the same command writes the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use trueup_tests::cli;

/// The sources of an estate: names of files and their bytes.
type Sources = BTreeMap<String, Vec<u8>>;

fn sources(options: &[&str]) -> Sources {
    let folder = tempfile::tempdir().expect("folder");
    let mut args = vec!["generate", "estate", "--profile", "community"];
    args.extend(options);
    let made = cli::trueup(folder.path(), &args).expect("trueup");
    assert!(made.status.success(), "{options:?}: {}", String::from_utf8_lossy(&made.stderr));
    let mut found = Sources::new();
    read(&folder.path().join("estate/sources"), "", &mut found);
    found
}

fn read(folder: &Path, before: &str, found: &mut Sources) {
    for entry in fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        let name = format!("{before}{}", path.file_name().expect("name").to_string_lossy());
        if path.is_dir() {
            read(&path, &format!("{name}/"), found);
        } else {
            found.insert(name, fs::read(&path).expect("file"));
        }
    }
}

/// The rows of a file, without its header.
fn rows<'a>(sources: &'a Sources, file: &str) -> BTreeSet<&'a str> {
    let bytes = sources.get(file).unwrap_or_else(|| panic!("no {file} in {:?}", sources.keys()));
    std::str::from_utf8(bytes).expect("text").lines().skip(1).collect()
}

/// The rows of all files of grants.
fn grants(sources: &Sources) -> BTreeSet<&str> {
    sources.keys().filter(|file| file.ends_with(".tsv")).flat_map(|file| rows(sources, file)).collect()
}

fn share(part: usize, of: usize) -> f64 {
    part as f64 / of as f64
}

#[track_caller]
fn near(found: f64, expected: f64, off: f64) {
    assert!((found - expected).abs() <= off, "{found}, not {expected}");
}

#[test]
fn the_same_command_writes_the_same_bytes_and_another_seed_others() {
    let all = ["--churn", "1", "--bulk", "3", "--day", "4", "--mess", "two-spellings,moved,malformed,half-empty"];
    let made = sources(&all);
    assert!(made == sources(&all));
    assert!(made != sources(&[&all[..], &["--seed", "8"]].concat()));
    assert!(sources(&[]) == sources(&["--churn", "0.12", "--seed", "7", "--day", "0"]), "what is said without options");
}

#[test]
fn churn_is_the_share_of_grants_that_changes_in_a_day() {
    for (percent, expected) in [("0", 0.0), ("0.12", 0.0012), ("2", 0.02)] {
        let (first, last) = (sources(&["--churn", percent]), sources(&["--churn", percent, "--day", "30"]));
        let (first, last) = (grants(&first), grants(&last));
        let (added, removed) = (last.difference(&first).count(), first.difference(&last).count());
        // A grant whose level changes is a row less and a row more: 6 in 10,000 in the month, whatever the churn.
        near(share(added + removed, first.len()) / 30.0, expected, 0.1 * expected + 0.0001);
    }
}

#[test]
fn on_the_day_of_a_bulk_event_one_grant_in_twenty_is_gone() {
    let on = |day: &str| sources(&["--churn", "0", "--bulk", "9", "--day", day]);
    let (before, after) = (on("8"), on("9"));
    let (before, after) = (grants(&before), grants(&after));
    near(share(before.difference(&after).count(), before.len()), 0.05, 0.01);
}

#[test]
fn each_kind_of_mess_is_found_in_the_files() {
    let plain = sources(&[]);
    let of = |kind: &str| sources(&["--mess", kind]);
    let requests = rows(&plain, "grants.tsv");

    let moved = of("moved");
    let (left, gone) = (rows(&moved, "grants.tsv"), rows(&moved, "moved/grants.tsv"));
    near(share(gone.len(), requests.len()), 0.7, 0.05);
    assert!(left.is_disjoint(&gone) && left.union(&gone).copied().eq(requests.iter().copied()));

    let emptied = of("emptied");
    assert!(rows(&emptied, "grants.tsv").is_empty() && rows(&emptied, "grants-git.tsv") == rows(&plain, "grants-git.tsv"));
    assert!(emptied["grants.tsv.manifest.json"].starts_with(b"{\"rows\":0,"), "a manifest that vouches for nothing");

    let halved = of("half-empty");
    near(share(rows(&halved, "grants-crm.tsv").len(), rows(&plain, "grants-crm.tsv").len()), 0.45, 0.08);

    let malformed = of("malformed");
    let odd: Vec<_> = rows(&malformed, "grants.tsv").difference(&requests).copied().collect();
    assert!(odd.len() == 1 && odd[0].ends_with("\tnext tuesday"), "{odd:?}");

    let spelled = of("two-spellings");
    let (messy, plain) = (rows(&spelled, "grants-git.tsv"), rows(&plain, "grants-git.tsv"));
    let capital = |row: &&&str| row.split('\t').nth(1).is_some_and(|holder| holder.chars().any(char::is_uppercase));
    assert_eq!((plain.iter().filter(capital).count(), messy.len()), (0, plain.len()));
    let differ = messy.difference(&plain).count();
    assert!(differ > 0 && differ == messy.iter().filter(capital).count(), "{differ}");
}

#[test]
fn what_cannot_be_generated_is_refused_with_what_can() {
    let folder = tempfile::tempdir().expect("folder");
    for (options, told) in [
        (&["--churn", "6"][..], "a percentage from 0 to 5 is wanted"),
        (&["--churn", "much"], "a percentage from 0 to 5 is wanted"),
        (&["--bulk", "31"], "31 is not in 1..=30"),
        (&["--day", "31"], "31 is not in 0..=30"),
        (&["--mess", "moved,lost"], "possible values: two-spellings, half-empty, malformed, moved, renamed, unlisted, emptied"),
        (&["--profile", "xl"], "possible values: demo, s, m, l, n, community, enterprise"),
        (
            &["--profile", "community", "--mess", "moved,renamed"],
            "`renamed` needs `registry`, which profile `community` does not have",
        ),
    ] {
        let refused = cli::trueup(folder.path(), &[&["generate", "estate"], options].concat()).expect("trueup");
        let error = String::from_utf8_lossy(&refused.stderr);
        assert!(refused.status.code() == Some(2) && error.contains(told), "{options:?}: {error}");
    }
    assert!(!folder.path().join("estate").exists(), "nothing is written");
    let script = cli::trueup(folder.path(), &["completions", "bash"]).expect("trueup");
    let script = String::from_utf8_lossy(&script.stdout);
    assert!(script.contains("two-spellings half-empty malformed") && script.contains("community enterprise"));
}
